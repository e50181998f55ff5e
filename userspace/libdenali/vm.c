// SPDX-License-Identifier: MIT
/*
 * VM handles: each owns one descriptor of the kernel's and knows the VM's
 * name for messages. How one is made is in create.c.
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

bool denali_name_is_id(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

int denali_name_check(const char *name, struct denali_error *err)
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

struct denali_vm *denali_vm_wrap(int fd, int dev, struct denali_error *err)
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
	case EAGAIN:
		return denali_fail(err, EAGAIN,
				   "VM %s: %s: waits for memory, and is nothing yet; destroy it (denalictl destroy %s), or wait",
				   vm->name, verb, vm->name);
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
