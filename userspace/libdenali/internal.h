/* SPDX-License-Identifier: MIT */
/*
 * What the files of libdenali share and callers don't see.
 */
#ifndef DENALI_LIB_INTERNAL_H
#define DENALI_LIB_INTERNAL_H

#include <stdbool.h>
#include "denali.h"

struct nl_sock;

struct denali_vm {
	int fd;
	int dev;
	uint64_t id;
	uint64_t mem_bytes;
	char name[DENALI_NAME_SIZE];
};

/* vm.c: names of VMs, and a handle for a VM's descriptor, which is closed if that fails. */
bool denali_name_is_id(const char *name);
int denali_name_check(const char *name, struct denali_error *err);
struct denali_vm *denali_vm_wrap(int fd, int dev, struct denali_error *err);

/* tenant.c: the caller is @tenant, or whoever's it is by default: why it may have no more. */
bool denali_tenant_quota_fail(const char *tenant, const char *who, uint64_t mem_bytes,
			      struct denali_error *err);
int denali_tenant_copy_name(char to[DENALI_NAME_SIZE], const char *name, struct denali_error *err);

/* What of the kernel's request a tap that is open determines. */
void denali_nic_plug_args(const struct denali_nic *nic, int32_t *tap_fd, uint32_t *flags,
			  uint32_t *vnet_hdr_len);

/* Fills @err and returns -@code. */
int denali_fail(struct denali_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A libnl error (negative NLE_*) as errno value. */
int denali_nl_errno(int nle);

/* Replaces what a terminal might act on, in place. */
void denali_text_clean(char *text);

/* Network interface as rtnetlink tells it. */
struct denali_link {
	uint32_t index;
	uint32_t flags;		/* IFF_* */
	uint32_t mtu;
	uint32_t master;	/* index, 0: none */
	uint8_t  mac[6];
	char     name[16];
	char     kind[16];	/* "tun", "bridge", ...; empty for a physical one */
	bool     is_tap;	/* of kind "tun": tap, not tun */
	bool     multi_queue;
	uint32_t queues;	/* attached ones of a multi-queue tap */
};

struct nl_sock *denali_link_connect(struct denali_error *err);

/* By @name, or by @index if @name is NULL. -ENODEV without a message if there is none. */
int denali_link_get(struct nl_sock *sock, const char *name, uint32_t index,
		    struct denali_link *link, struct denali_error *err);

/* Up or down; returns 0 or a negative errno value. */
int denali_link_set_up(struct nl_sock *sock, uint32_t index, bool up);

/* Joins a bridge, or leaves it with @master 0; same. */
int denali_link_set_master(struct nl_sock *sock, uint32_t index, uint32_t master);

#endif /* DENALI_LIB_INTERNAL_H */
