// SPDX-License-Identifier: MIT
/*
 * VM handles: each owns one descriptor of the kernel's and knows the VM's
 * name for messages. What the kernel says with one errno value is told apart
 * here by asking it for the limits.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <denali/vregs.h>

#include "internal.h"

static bool denali_name_is_id(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

static int denali_name_check(const char *name, struct denali_error *err)
{
	const char *p;

	if (strlen(name) >= DENALI_NAME_SIZE)
		return denali_fail(err, EINVAL,
				   "VM name '%s': %zu characters; at most %d are allowed",
				   name, strlen(name), DENALI_NAME_SIZE - 1);
	for (p = name; *p; p++)
		if (!isascii((unsigned char)*p) ||
		    (!isalnum((unsigned char)*p) && !strchr("_.-", *p)))
			return denali_fail(err, EINVAL,
					   "VM name '%s': only letters, digits, '_', '.' and '-' are allowed",
					   name);
	return 0;
}

/* The same, and no id. */
static int denali_new_name_check(const char *name, struct denali_error *err)
{
	int ret = denali_name_check(name, err);

	if (ret)
		return ret;
	if (denali_name_is_id(name))
		return denali_fail(err, EINVAL,
				   "VM name '%s': digits alone are an id; add a letter", name);
	return 0;
}

static struct denali_vm *denali_vm_wrap(int fd, int dev, struct denali_error *err)
{
	struct denali_vm *vm = calloc(1, sizeof(*vm));
	struct denali_vm_state state;

	if (!vm) {
		denali_fail(err, ENOMEM, "VM: out of memory");
		close(fd);
		return NULL;
	}
	vm->fd = fd;
	vm->dev = dev;
	if (denali_vm_get_state(vm, &state, err)) {
		denali_vm_close(vm);
		return NULL;
	}
	vm->id = state.id;
	vm->mem_bytes = state.mem_bytes;
	memcpy(vm->name, state.name, sizeof(vm->name));
	return vm;
}

static int denali_vm_memory_check(int dev, const char *name, uint64_t mem_bytes,
				  struct denali_info *info, struct denali_error *err)
{
	char want[DENALI_SIZE_TEXT], low[DENALI_SIZE_TEXT], high[DENALI_SIZE_TEXT];
	int ret = denali_dev_info(dev, info, err);

	if (ret)
		return ret;
	denali_size_format(want, mem_bytes);
	if (mem_bytes % DENALI_PAGE_SIZE)
		return denali_fail(err, EINVAL,
				   "VM %s: memory of %s is not a multiple of a page, %d bytes",
				   name, want, DENALI_PAGE_SIZE);
	if (mem_bytes < info->min_memory || mem_bytes > info->max_memory)
		return denali_fail(err, EINVAL, "VM %s: memory of %s; must be from %s to %s", name,
				   want, denali_size_format(low, info->min_memory),
				   denali_size_format(high, info->max_memory));
	if (mem_bytes > info->pool_bytes)
		return denali_fail(err, ENOMEM,
				   "VM %s: memory of %s is more than the whole pool, %s; enlarge the pool (denalictl pool set SIZE) or ask for less",
				   name, want, denali_size_format(high, info->pool_bytes));
	return 0;
}

/* A limit of the module, 0 if there is none. */
static uint64_t denali_vm_limit(const char *parameter)
{
	char path[64];
	unsigned long long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/denali/parameters/%s", parameter);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%llu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static void denali_vm_quota_fail(const char *who, const char *want, struct denali_error *err)
{
	char limit[DENALI_SIZE_TEXT];
	uint64_t vms = denali_vm_limit("user_vms"), memory = denali_vm_limit("user_memory");

	denali_size_format(limit, memory);
	if (vms && memory)
		denali_fail(err, EDQUOT,
			    "VM %s: with %s of memory it is more than user %u may have, %llu VMs and %s: destroy VMs, or have an administrator raise user_vms or user_memory of the module denali",
			    who, want, geteuid(), (unsigned long long)vms, limit);
	else if (vms)
		denali_fail(err, EDQUOT,
			    "VM %s: user %u has as many VMs as a user may have, %llu: destroy one, or have an administrator raise user_vms of the module denali",
			    who, geteuid(), (unsigned long long)vms);
	else
		denali_fail(err, EDQUOT,
			    "VM %s: with %s of memory it is more than user %u may have, %s: destroy VMs, or have an administrator raise user_memory of the module denali",
			    who, want, geteuid(), limit);
}

/* Why a VM can't be made; errno is the kernel's. */
static void denali_vm_create_fail(int dev, const char *who, uint64_t mem_bytes, bool can_wait,
				  struct denali_error *err)
{
	char want[DENALI_SIZE_TEXT], have[DENALI_SIZE_TEXT], all[DENALI_SIZE_TEXT];
	struct denali_info info;
	int code = errno;

	if (denali_dev_info(dev, &info, err))
		return;
	denali_size_format(all, info.pool_bytes);
	denali_size_format(want, mem_bytes);
	switch (code) {
	case EEXIST:
		denali_fail(err, EEXIST,
			    "VM %s: there is one of that name already; choose another or destroy it (denalictl destroy %s)",
			    who, who);
		break;
	case ENOSPC:
		denali_fail(err, ENOSPC,
			    "VM %s: memory of %s; the pool has %s left of %s: destroy VMs, enlarge it (denalictl pool set SIZE)%s",
			    who, want, denali_size_format(have, info.pool_free), all,
			    can_wait ? ", or wait for memory (wait)" : "");
		break;
	case EDQUOT:
		denali_vm_quota_fail(who, want, err);
		break;
	case ENOMEM:
		denali_fail(err, ENOMEM,
			    "VM %s: the kernel has no memory for its management, or the pool (%s) is smaller than %s",
			    who, all, want);
		break;
	case EINTR:
		denali_fail(err, EINTR, "VM %s: interrupted while it waited for memory", who);
		break;
	default:
		denali_fail(err, code, "VM %s: create with %s of memory: %s", who, want,
			    strerror(code));
	}
}

/* Is the name, which may be NULL, one that a new VM can have? Copies it. */
static int denali_vm_new_name(const char *name, char to[DENALI_NAME_SIZE], struct denali_error *err)
{
	int ret;

	if (!name || !*name)
		return 0;
	ret = denali_new_name_check(name, err);
	if (!ret)
		strcpy(to, name);
	return ret;
}

struct denali_vm *denali_vm_create(int dev, const char *name, uint64_t mem_bytes,
				   unsigned int flags, struct denali_error *err)
{
	struct denali_vm_create create = { .mem_bytes = mem_bytes, .flags = flags };
	const char *who = name && *name ? name : "(no name)";
	struct denali_info info;
	int fd;

	if (denali_vm_new_name(name, create.name, err))
		return NULL;
	if (denali_vm_memory_check(dev, who, mem_bytes, &info, err))
		return NULL;

	fd = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (fd >= 0)
		return denali_vm_wrap(fd, dev, err);

	denali_vm_create_fail(dev, who, mem_bytes, true, err);
	return NULL;
}

/* Why a template can't be cloned; errno is the kernel's. */
static void denali_vm_clone_fail(struct denali_vm *template, const char *who, uint64_t mem_bytes,
				 bool can_wait, struct denali_error *err)
{
	switch (errno) {
	case EBUSY:
		denali_fail(err, EBUSY,
			    "VM %s: is no template, or hasn't come to its point yet (denalictl list); make one with: denalictl template IMAGE name NAME",
			    template->name);
		break;
	case ESHUTDOWN:
		denali_fail(err, ESHUTDOWN, "VM %s: has ended and can't be cloned; make the template anew",
			    template->name);
		break;
	default:
		denali_vm_create_fail(template->dev, who, mem_bytes, can_wait, err);
	}
}

int denali_vm_clone_many(struct denali_vm *template, const char *name, unsigned int first,
			 unsigned int count, unsigned int flags, struct denali_vm **vms,
			 struct denali_error *err)
{
	struct denali_vm_clones clones = { .flags = flags, .count = count, .first = first };
	char who[2 * DENALI_NAME_SIZE + 32] = "(no name)";
	struct denali_error local;
	unsigned int i, done;
	int *fds, ret = 0;

	if (!err)
		err = &local;
	if (!count || count > DENALI_MAX_CLONES || first > UINT32_MAX - count)
		return denali_fail(err, EINVAL,
				   "VMs from number %u on: %u at once; must be from 1 to %d, and their numbers below 2^32",
				   first, count, DENALI_MAX_CLONES);
	if (name && *name) {
		snprintf(who, sizeof(who), "%.*s%u", DENALI_NAME_SIZE, name, first + count - 1);
		ret = denali_new_name_check(who, err);
		if (ret)
			return ret;
		strcpy(clones.name, name);
		snprintf(who, sizeof(who), "%s%u..%s%u", clones.name, first, clones.name, first + count - 1);
	}
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		return denali_fail(err, ENOMEM, "VMs %s: out of memory", who);
	clones.fds = (uintptr_t)fds;
	if (ioctl(template->fd, DENALI_IOC_VM_CLONES, &clones) < 0) {
		if (errno == EMFILE)
			denali_fail(err, EMFILE, "VMs %s: %u descriptors are more than this process may have (ulimit -n)",
				    who, count);
		else if (errno == EEXIST)
			denali_fail(err, EEXIST,
				    "VMs %s: one of these names is taken already; choose another or destroy that VM (denalictl list)",
				    who);
		else
			denali_vm_clone_fail(template, who, template->mem_bytes * count, false, err);
		free(fds);
		return -err->code;
	}
	for (done = 0; done < count; done++) {
		vms[done] = denali_vm_wrap(fds[done], template->dev, err);
		if (!vms[done])
			break;
	}
	if (done < count) {
		/* The one that failed has closed its descriptor. */
		for (i = 0; i < count; i++) {
			if (i < done) {
				denali_vm_destroy(vms[i], NULL);
				denali_vm_close(vms[i]);
			} else if (i > done) {
				ioctl(fds[i], DENALI_IOC_VM_DESTROY);
				close(fds[i]);
			}
		}
		ret = -err->code;
	}
	free(fds);
	return ret;
}

struct denali_vm *denali_vm_clone(struct denali_vm *template, const char *name,
				  unsigned int flags, struct denali_error *err)
{
	const char *who = name && *name ? name : "(no name)";
	struct denali_vm_clone clone = { .flags = flags };
	int fd;

	if (denali_vm_new_name(name, clone.name, err))
		return NULL;
	fd = ioctl(template->fd, DENALI_IOC_VM_CLONE, &clone);
	if (fd >= 0)
		return denali_vm_wrap(fd, template->dev, err);
	denali_vm_clone_fail(template, who, template->mem_bytes, true, err);
	return NULL;
}

struct denali_vm *denali_vm_open(int dev, const char *who, struct denali_error *err)
{
	struct denali_vm_open open = { 0 };
	int fd;

	if (!*who) {
		denali_fail(err, EINVAL, "VM: the name is empty; give a name or an id");
		return NULL;
	}
	if (denali_name_is_id(who)) {
		errno = 0;
		open.id = strtoull(who, NULL, 10);
		if (errno || !open.id) {
			denali_fail(err, ENOENT,
				    "VM %s: no such id; ids start at 1 (denalictl list)", who);
			return NULL;
		}
	} else {
		if (denali_name_check(who, err))
			return NULL;
		strcpy(open.name, who);
	}

	fd = ioctl(dev, DENALI_IOC_VM_OPEN, &open);
	if (fd >= 0)
		return denali_vm_wrap(fd, dev, err);

	switch (errno) {
	case ENOENT:
		denali_fail(err, ENOENT, "VM %s: does not exist (denalictl list shows what does)",
			    who);
		break;
	case EPERM:
	case EACCES:
		denali_fail(err, EPERM,
			    "VM %s: belongs to another user; its owner or root may do this", who);
		break;
	case ENOTUNIQ:
		denali_fail(err, ENOTUNIQ,
			    "VM %s: several users have one of that name; use its id (denalictl list)",
			    who);
		break;
	default:
		denali_fail(err, errno, "VM %s: open: %s", who, strerror(errno));
	}
	return NULL;
}

void denali_vm_close(struct denali_vm *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	free(vm);
}

int denali_vm_fd(const struct denali_vm *vm)
{
	return vm->fd;
}

uint64_t denali_vm_id(const struct denali_vm *vm)
{
	return vm->id;
}

const char *denali_vm_name(const struct denali_vm *vm)
{
	return vm->name;
}

void *denali_vm_map(struct denali_vm *vm, uint32_t base, size_t size, struct denali_error *err)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->fd, base);

	if (mem != MAP_FAILED)
		return mem;
	denali_fail(err, errno, "VM %s: map %zu bytes at %#x: %s", vm->name, size, base,
		    strerror(errno));
	return NULL;
}

int denali_vm_load(struct denali_vm *vm, const struct denali_image *image, struct denali_error *err)
{
	const struct denali_image_info *ii = denali_image_get_info(image);
	struct denali_error local;
	struct denali_info info;
	size_t size;
	void *mem;
	int ret;

	if (!err)
		err = &local;
	ret = denali_dev_info(vm->dev, &info, err);
	if (ret)
		return ret;
	if (ii->abi_version != info.abi_version)
		return denali_fail(err, EPROTONOSUPPORT,
				   "VM %s: the image is for guest ABI version %u, the loaded module has %u",
				   vm->name, ii->abi_version, info.abi_version);
	/* Whether there are NICs is the caller's to check. */
	ret = denali_image_fits(image, vm->mem_bytes, 1, err);
	if (ret)
		return ret;

	size = ii->end - DENALI_IMAGE_MIN_ADDR;
	mem = denali_vm_map(vm, DENALI_IMAGE_MIN_ADDR, size, err);
	if (!mem)
		return -err->code;
	ret = denali_image_copy(image, mem, DENALI_IMAGE_MIN_ADDR, size, err);
	munmap(mem, size);
	return ret;
}

int denali_vm_setup(struct denali_vm *vm, uint32_t entry, const char *cmdline,
		    struct denali_error *err)
{
	size_t len = cmdline ? strlen(cmdline) : 0;
	struct denali_vm_setup setup = {
		.entry = entry,
		.cmdline_len = len,
		.cmdline = (uintptr_t)cmdline,
	};

	if (len >= DENALI_CMDLINE_SIZE)
		return denali_fail(err, E2BIG,
				   "VM %s: boot arguments of %zu bytes; at most %d are allowed",
				   vm->name, len, DENALI_CMDLINE_SIZE - 1);
	if (ioctl(vm->fd, DENALI_IOC_VM_SETUP, &setup) == 0)
		return 0;
	switch (errno) {
	case EBUSY:
		return denali_fail(err, EBUSY, "VM %s: has been started; set it up before",
				   vm->name);
	case EINVAL:
		if (!entry)
			return denali_fail(err, EINVAL, "VM %s: is no clone: give it an image",
					   vm->name);
		return denali_fail(err, EINVAL,
				   "VM %s: entry point %#x lies outside its memory of %llu bytes, or below %#x",
				   vm->name, entry, (unsigned long long)vm->mem_bytes,
				   DENALI_IMAGE_MIN_ADDR);
	default:
		return denali_fail(err, errno, "VM %s: set up: %s", vm->name, strerror(errno));
	}
}

/* The requests without arguments, which fail in the same ways. */
static int denali_vm_request(struct denali_vm *vm, unsigned long request, const char *verb,
			     struct denali_error *err)
{
	bool resets = request == DENALI_IOC_VM_RESET || request == DENALI_IOC_VM_RESTART;
	int ret = ioctl(vm->fd, request);

	if (ret >= 0)
		return ret;
	switch (errno) {
	case EALREADY:
		return denali_fail(err, EALREADY, "VM %s: %s: is in that state already", vm->name,
				   verb);
	case EBUSY:
		return denali_fail(err, EBUSY, "VM %s: %s: is a template; clone it (denalictl clone %s)",
				   vm->name, verb, vm->name);
	case ESHUTDOWN:
		return denali_fail(err, ESHUTDOWN, "VM %s: %s: has %s", vm->name, verb,
				   resets ? "been destroyed" :
				   "ended; destroy it and create it anew");
	case EINVAL:
		return denali_fail(err, EINVAL, "VM %s: %s: %s", vm->name, verb,
				   request == DENALI_IOC_VM_START ?
				   "no image was loaded into it; load one first" :
				   resets ?
				   "is no clone of a template; destroy it and create it anew" :
				   "was never started");
	default:
		return denali_fail(err, errno, "VM %s: %s: %s", vm->name, verb, strerror(errno));
	}
}

int denali_vm_start(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_START, "start", err);
}

int denali_vm_stop(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_STOP, "stop", err);
}

int denali_vm_kill(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_KILL, "kill", err);
}

int denali_vm_destroy(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_DESTROY, "destroy", err);
}

int denali_vm_reset(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_RESET, "reset", err);
}

int denali_vm_restart(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_RESTART, "restart", err);
}

int denali_vm_console(struct denali_vm *vm, struct denali_error *err)
{
	return denali_vm_request(vm, DENALI_IOC_VM_CONSOLE, "console", err);
}

int denali_vm_get_state(struct denali_vm *vm, struct denali_vm_state *state,
			struct denali_error *err)
{
	memset(state, 0, sizeof(*state));
	if (ioctl(vm->fd, DENALI_IOC_VM_STATE, state) < 0)
		return denali_fail(err, errno, "VM %s: state: %s", vm->name, strerror(errno));
	state->name[sizeof(state->name) - 1] = '\0';
	state->text[sizeof(state->text) - 1] = '\0';
	denali_text_clean(state->name);
	denali_text_clean(state->text);
	return 0;
}

int denali_vm_wait(struct denali_vm *vm, int timeout_ms, struct denali_vm_state *state,
		   struct denali_error *err)
{
	struct pollfd pfd = { .fd = vm->fd, .events = POLLIN };
	int ret = poll(&pfd, 1, timeout_ms);

	if (ret < 0)
		return denali_fail(err, errno, "VM %s: wait: %s", vm->name, strerror(errno));
	if (!ret)
		return denali_fail(err, ETIMEDOUT, "VM %s: still there after %d ms", vm->name,
				   timeout_ms);
	return state ? denali_vm_get_state(vm, state, err) : 0;
}

int denali_vm_wait_template(struct denali_vm *vm, int timeout_ms, int wake_fd,
			    struct denali_error *err)
{
	struct pollfd pfd[2] = {
		{ .fd = vm->fd, .events = POLLIN | POLLPRI },
		{ .fd = wake_fd, .events = POLLIN },
	};
	int ret = poll(pfd, 2, timeout_ms);

	if (ret < 0)
		return denali_fail(err, errno, "VM %s: wait: %s", vm->name, strerror(errno));
	if (!ret)
		return denali_fail(err, ETIMEDOUT, "VM %s: not a template after %d ms", vm->name,
				   timeout_ms);
	if (pfd[0].revents & POLLPRI)
		return 0;
	if (pfd[0].revents)
		return denali_fail(err, ESHUTDOWN, "VM %s: ended before it was a template", vm->name);
	return denali_fail(err, EINTR, "VM %s: interrupted before it was a template", vm->name);
}
