/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C tests share: making a VM from a guest image, running it to its
 * end and reading its console, all by plain system calls. libdenali stays out
 * of it on purpose: these tests are the test of the kernel's own interface.
 *
 * Functions return -1 with errno set unless they say otherwise.
 */
#ifndef DENALI_SELFTESTS_LIB_H
#define DENALI_SELFTESTS_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <linux/denali.h>

/* Memory of a guest that doesn't care how much it has. */
#define GUEST_MEM	(256U << 10)

/* A generous bound for things that must happen soon, in milliseconds. */
#define SOON_MS		(20000 * timeout_factor())

/* Evaluates to true when cond became true within ms. */
#define wait_until(cond, ms) ({						\
	uint64_t __end = now_ns() + (ms) * 1000000ULL;			\
	bool __ok;							\
									\
	while (!(__ok = (cond)) && now_ns() < __end)			\
		nap();							\
	__ok || (cond);							\
})

int timeout_factor(void);
uint64_t now_ns(void);
void nap(void);
void let_pass(unsigned int ms);

int dev_open(void);
void dev_info(int dev, struct denali_info *info);
uint64_t pool_free(int dev);
unsigned int vm_count(int dev);

int vm_create(int dev, uint64_t mem, uint32_t flags, const char *name);
int vm_create_id(int dev, uint64_t mem, uint32_t flags, const char *name, uint64_t *id);
int vm_open_id(int dev, uint64_t id);
int vm_open_name(int dev, const char *name);
int vm_setup(int vm, uint32_t entry, const char *cmdline);
int vm_ctl(int vm, unsigned long request);
void vm_state(int vm, struct denali_vm_state *state);
int vm_wait(int vm, int ms);
uint64_t vm_id(int vm);
bool vm_ended(int vm);
void *vm_map(int vm, uint32_t offset, size_t len);

int guest_load(int vm, const char *guest, uint32_t *entry);
uint32_t guest_symbol(const char *guest, const char *symbol);
void *guest_var(int vm, const char *guest, const char *symbol);
void guest_var_put(volatile void *var);
int guest_boot(int vm, const char *guest, const char *cmdline);
int guest_make(int dev, const char *guest, uint64_t mem, const char *cmdline);
int guest_start(int dev, const char *guest, uint64_t mem, const char *cmdline);
int guest_start_console(int dev, const char *guest, uint64_t mem, const char *cmdline, int *con);
int guest_run(int dev, const char *guest, uint64_t mem, const char *cmdline,
	      struct denali_vm_state *state);

int clone_flags(int template, uint32_t flags, const char *name);
int clone_make(int template, const char *cmdline);
int clone_start(int template, const char *cmdline);
bool template_boot(int vm, const char *guest, const char *cmdline);
int template_of(int dev, const char *guest, uint64_t mem);
int template_make(int dev, uint64_t mem);

int console_open(int vm);
ssize_t console_read(int con, char *buf, size_t size, int ms);
ssize_t console_expect(int con, char *buf, size_t size, const char *text, int ms);

bool process_sleeps(pid_t pid);
bool pin_to_cpu(int cpu);
bool file_put(const char *path, const char *text);
void file_beside(const char *name, char *path, size_t size);
int device_node(char *path, size_t size);

#endif /* DENALI_SELFTESTS_LIB_H */
