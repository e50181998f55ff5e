// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the C tests, see lib.h. The loader here knows just enough ELF for
 * the guests in guests/: it trusts them. Bad images are the library's business
 * and are tested there.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib.h"

struct image {
	uint8_t *data;
	size_t size;
};

/* How many times as long as usual everything may take: run_kselftest.sh says so. */
int timeout_factor(void)
{
	const char *text = getenv("DENALI_TIMEOUT_FACTOR");
	int factor = text ? atoi(text) : 1;

	return factor > 0 ? factor : 1;
}

/*
 * The harness, which isn't in this tree, sets each case's time limit by alarm(): the
 * linker makes that this function (--wrap).
 */
unsigned int __real_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds)
{
	return __real_alarm(seconds * timeout_factor());
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void nap(void)
{
	usleep(2000);
}

/* Where time itself is measured, or what must not happen needs time to happen in. */
void let_pass(unsigned int ms)
{
	uint64_t until = now_ns() + ms * 1000000ULL;

	while (now_ns() < until)
		nap();
}

int dev_open(void)
{
	return open(DENALI_DEVICE, O_RDWR | O_CLOEXEC);
}

void dev_info(int dev, struct denali_info *info)
{
	memset(info, 0, sizeof(*info));
	if (ioctl(dev, DENALI_IOC_INFO, info) < 0) {
		perror("DENALI_IOC_INFO");
		abort();
	}
}

uint64_t pool_free(int dev)
{
	struct denali_info info;

	dev_info(dev, &info);
	return info.pool_free;
}

unsigned int vm_count(int dev)
{
	struct denali_info info;

	dev_info(dev, &info);
	return info.vms;
}

int vm_create_id(int dev, uint64_t mem, uint32_t flags, const char *name, uint64_t *id)
{
	struct denali_vm_create create = { .mem_bytes = mem, .flags = flags };
	int fd;

	if (name)
		memcpy(create.name, name, strnlen(name, sizeof(create.name)));
	fd = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (id)
		*id = create.id;
	return fd;
}

int vm_create(int dev, uint64_t mem, uint32_t flags, const char *name)
{
	return vm_create_id(dev, mem, flags, name, NULL);
}

int vm_open_id(int dev, uint64_t id)
{
	struct denali_vm_open arg = { .id = id };

	return ioctl(dev, DENALI_IOC_VM_OPEN, &arg);
}

int vm_open_name(int dev, const char *name)
{
	struct denali_vm_open arg = { 0 };

	memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	return ioctl(dev, DENALI_IOC_VM_OPEN, &arg);
}

int vm_setup(int vm, uint32_t entry, const char *cmdline)
{
	struct denali_vm_setup setup = {
		.entry = entry,
		.cmdline_len = cmdline ? strlen(cmdline) : 0,
		.cmdline = (uintptr_t)cmdline,
	};

	return ioctl(vm, DENALI_IOC_VM_SETUP, &setup);
}

int vm_ctl(int vm, unsigned long request)
{
	return ioctl(vm, request, 0);
}

void vm_state(int vm, struct denali_vm_state *state)
{
	memset(state, 0, sizeof(*state));
	if (ioctl(vm, DENALI_IOC_VM_STATE, state) < 0) {
		perror("DENALI_IOC_VM_STATE");
		abort();
	}
}

/* 0 when the VM ended within ms, else -1 with ETIMEDOUT. */
int vm_wait(int vm, int ms)
{
	struct pollfd pfd = { .fd = vm, .events = POLLIN };
	int n = poll(&pfd, 1, ms);

	if (n > 0)
		return 0;
	if (!n)
		errno = ETIMEDOUT;
	return -1;
}

uint64_t vm_id(int vm)
{
	struct denali_vm_state state;

	vm_state(vm, &state);
	return state.id;
}

bool vm_ended(int vm)
{
	struct denali_vm_state state;

	vm_state(vm, &state);
	return state.state == DENALI_VM_ENDED;
}

/* NULL on failure. */
void *vm_map(int vm, uint32_t offset, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vm, offset);

	return p == MAP_FAILED ? NULL : p;
}

/* What lies beside the test program. */
void file_beside(const char *name, char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (len < 0) {
		perror("/proc/self/exe");
		abort();
	}
	path[len] = 0;
	slash = strrchr(path, '/') + 1;
	snprintf(slash, path + size - slash, "%s", name);
}

static int image_read(const char *guest, struct image *image)
{
	char path[PATH_MAX], name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "guests/%s", guest);
	file_beside(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		return -1;
	}
	if (fstat(fd, &st) < 0)
		goto fail;
	image->size = st.st_size;
	image->data = malloc(st.st_size);
	if (read(fd, image->data, st.st_size) != st.st_size)
		goto fail;
	close(fd);
	return 0;
fail:
	close(fd);
	return -1;
}

int guest_load(int vm, const char *guest, uint32_t *entry)
{
	const Elf32_Ehdr *eh;
	const Elf32_Phdr *ph;
	struct image image;
	uint32_t low, high;
	uint8_t *p;
	int i;

	if (image_read(guest, &image) < 0)
		return -1;
	eh = (void *)image.data;
	ph = (void *)(image.data + eh->e_phoff);
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || !ph[i].p_filesz)
			continue;
		low = ph[i].p_vaddr & ~0xfffU;
		high = (ph[i].p_vaddr + ph[i].p_filesz + 0xfff) & ~0xfffU;
		p = vm_map(vm, low, high - low);
		if (!p) {
			free(image.data);
			return -1;
		}
		memcpy(p + (ph[i].p_vaddr - low), image.data + ph[i].p_offset, ph[i].p_filesz);
		munmap(p, high - low);
	}
	if (entry)
		*entry = eh->e_entry;
	free(image.data);
	return 0;
}

/* Guest address of a global symbol of a guest, 0 if it has none of that name. */
uint32_t guest_symbol(const char *guest, const char *symbol)
{
	const Elf32_Ehdr *eh;
	const Elf32_Shdr *sh;
	const Elf32_Sym *sym;
	const char *names;
	struct image image;
	uint32_t addr = 0;
	size_t n;
	int i;

	if (image_read(guest, &image) < 0)
		return 0;
	eh = (void *)image.data;
	sh = (void *)(image.data + eh->e_shoff);
	for (i = 0; i < eh->e_shnum && !addr; i++) {
		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		sym = (void *)(image.data + sh[i].sh_offset);
		names = (char *)image.data + sh[sh[i].sh_link].sh_offset;
		for (n = 0; n < sh[i].sh_size / sizeof(*sym); n++)
			if (!strcmp(names + sym[n].st_name, symbol))
				addr = sym[n].st_value;
	}
	free(image.data);
	return addr;
}

/*
 * A global variable of a guest in its VM's memory, which must not cross a page. NULL
 * if it has none of that name. The mapping keeps the VM: guest_var_put ends it.
 */
void *guest_var(int vm, const char *guest, const char *symbol)
{
	uint32_t addr = guest_symbol(guest, symbol);
	uint8_t *page = addr ? vm_map(vm, addr & ~0xfffU, 4096) : NULL;

	return page ? page + (addr & 0xfff) : NULL;
}

void guest_var_put(volatile void *var)
{
	munmap((void *)((uintptr_t)var & ~0xfffUL), 4096);
}

static int guest_fill(int vm, const char *guest, const char *cmdline)
{
	uint32_t entry;

	return guest_load(vm, guest, &entry) < 0 ? -1 : vm_setup(vm, entry, cmdline);
}

/* Load and start a guest in a VM that was just created. */
int guest_boot(int vm, const char *guest, const char *cmdline)
{
	return guest_fill(vm, guest, cmdline) < 0 ? -1 : vm_ctl(vm, DENALI_IOC_VM_START);
}

/* A VM that has its image and boot arguments and waits for START. */
int guest_make(int dev, const char *guest, uint64_t mem, const char *cmdline)
{
	int vm = vm_create(dev, mem, 0, NULL);

	if (vm < 0)
		return -1;
	if (guest_fill(vm, guest, cmdline) < 0) {
		close(vm);
		return -1;
	}
	return vm;
}

int guest_start(int dev, const char *guest, uint64_t mem, const char *cmdline)
{
	int vm = guest_make(dev, guest, mem, cmdline);

	if (vm < 0)
		return -1;
	if (vm_ctl(vm, DENALI_IOC_VM_START) < 0) {
		close(vm);
		return -1;
	}
	return vm;
}

/* Started with its console open, so that nobody misses the first byte. */
int guest_start_console(int dev, const char *guest, uint64_t mem, const char *cmdline, int *con)
{
	int vm = guest_make(dev, guest, mem, cmdline);

	if (vm < 0)
		return -1;
	*con = console_open(vm);
	if (*con >= 0 && vm_ctl(vm, DENALI_IOC_VM_START) == 0)
		return vm;
	if (*con >= 0)
		close(*con);
	close(vm);
	return -1;
}

/*
 * Run a guest to its end and close it. What it says about an end that isn't
 * EXIT with status 0 is printed as a TAP comment: it names the guest's line.
 */
int guest_run(int dev, const char *guest, uint64_t mem, const char *cmdline,
	      struct denali_vm_state *state)
{
	int vm = guest_start(dev, guest, mem, cmdline);

	memset(state, 0, sizeof(*state));
	if (vm < 0) {
		fprintf(stderr, "# guest %s: %s\n", guest, strerror(errno));
		return -1;
	}
	if (vm_wait(vm, SOON_MS) < 0) {
		fprintf(stderr, "# guest %s %s: still running\n", guest, cmdline ?: "");
		close(vm);
		errno = ETIMEDOUT;
		return -1;
	}
	vm_state(vm, state);
	close(vm);
	return 0;
}

int clone_flags(int template, uint32_t flags, const char *name)
{
	struct denali_vm_clone arg = { .flags = flags };

	if (name)
		memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	return ioctl(template, DENALI_IOC_VM_CLONE, &arg);
}

int clone_make(int template, const char *cmdline)
{
	int vm = clone_flags(template, 0, NULL);

	if (vm >= 0 && vm_setup(vm, 0, cmdline) < 0) {
		close(vm);
		return -1;
	}
	return vm;
}

int clone_start(int template, const char *cmdline)
{
	int vm = clone_make(template, cmdline);

	if (vm >= 0 && vm_ctl(vm, DENALI_IOC_VM_START) < 0) {
		close(vm);
		return -1;
	}
	return vm;
}

/* Run a guest in a VM that is to be a template until it is one; true if it has become one. */
bool template_boot(int vm, const char *guest, const char *cmdline)
{
	struct pollfd pfd = { .fd = vm, .events = POLLIN | POLLPRI };

	return guest_boot(vm, guest, cmdline) == 0 && poll(&pfd, 1, SOON_MS) == 1 && pfd.revents == POLLPRI;
}

/* A VM that is a template by now. */
int template_of(int dev, const char *guest, uint64_t mem)
{
	int vm = vm_create(dev, mem, DENALI_CREATE_TEMPLATE, NULL);

	if (vm < 0 || template_boot(vm, guest, "make"))
		return vm;
	close(vm);
	return -1;
}

/* And whose guest is "template". */
int template_make(int dev, uint64_t mem)
{
	return template_of(dev, "template", mem);
}

int console_open(int vm)
{
	return ioctl(vm, DENALI_IOC_VM_CONSOLE, 0);
}

/* Read until the end of the output, a full buffer or no byte within ms. */
ssize_t console_read(int con, char *buf, size_t size, int ms)
{
	return console_expect(con, buf, size, NULL, ms);
}

/* The same, but stop once text was seen. buf gets a NUL at its end. */
ssize_t console_expect(int con, char *buf, size_t size, const char *text, int ms)
{
	struct pollfd pfd = { .fd = con, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	buf[0] = 0;
	while (len < size - 1) {
		if (text && strstr(buf, text))
			break;
		n = poll(&pfd, 1, ms);
		if (!n)
			errno = ETIMEDOUT;
		if (n <= 0)
			return -1;
		n = read(con, buf + len, size - 1 - len);
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += n;
		buf[len] = 0;
	}
	return len;
}

/* Does it wait for something? For tests of what blocks. */
bool process_sleeps(pid_t pid)
{
	char path[64], line[256] = "", *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	p = strrchr(line, ')');
	return p && (p[2] == 'S' || p[2] == 'D');
}

/* This process is to run on that CPU. */
bool pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/* Write to a file of the kernel's; whether it took all of it. */
bool file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

/*
 * A second node of the device that everybody may open, for tests that turn
 * into another user. The caller unlinks it.
 */
int device_node(char *path, size_t size)
{
	struct stat st;

	if (stat(DENALI_DEVICE, &st) < 0)
		return -1;
	snprintf(path, size, "/dev/denali-selftest.%d", getpid());
	if (mknod(path, S_IFCHR | 0666, st.st_rdev) < 0)
		return -1;
	return chmod(path, 0666);
}
