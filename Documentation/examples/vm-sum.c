// SPDX-License-Identifier: GPL-2.0
/*
 * vm-sum - a VM by ioctl alone
 *
 * Makes a VM of 64 KiB, puts a few bytes of code and some numbers into its memory,
 * lets it run, and reads from its memory the sum that it has left there. Nothing
 * but <linux/denali.h> is needed; libdenali does the same with images, and with errors
 * that explain themselves. Explained in Documentation/host-interface.rst.
 *
 * Build: make -C Documentation/examples. Run: make -C Documentation/examples test,
 * or build/vm-sum where denali.ko is loaded and /dev/denali may be opened.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/denali.h>
#include <denali/hypercall.h>
#include <denali/vregs.h>

#define MEMORY	0x10000		/* of the VM */
#define CODE	0x2000		/* guest addresses */
#define DATA	0x3000

#define STR_(x)	#x
#define STR(x)	STR_(x)

/*
 * The guest: 32-bit code in ring 3, address 0 is the start of its memory. At DATA
 * it finds a count and as many numbers; it puts their sum in place of the count
 * and ends with status 0.
 */
__asm__(".pushsection .rodata\n"
	".code32\n"
	"guest:\n"
	"	movl $" STR(DATA) ", %esi\n"
	"	movl (%esi), %ecx\n"
	"	xorl %edx, %edx\n"
	"1:	addl (%esi,%ecx,4), %edx\n"
	"	decl %ecx\n"
	"	jnz 1b\n"
	"	movl %edx, (%esi)\n"
	"	movl $" STR(DENALI_HC_EXIT) ", %eax\n"
	"	xorl %ebx, %ebx\n"
	"	int $" STR(DENALI_HC_VECTOR) "\n"
	"guest_end:\n"
	".code64\n"
	".popsection\n");
extern const char guest[], guest_end[];

int main(void)
{
	static const uint32_t numbers[] = { 4, 10, 20, 30, 40 };
	struct denali_vm_create create = { .mem_bytes = MEMORY, .name = "sum" };
	struct denali_vm_setup setup = { .entry = CODE };
	struct denali_vm_state state = {};
	struct pollfd pfd = { .events = POLLIN };
	struct denali_info info = {};
	uint32_t sum;
	char *mem;
	int dev;

	dev = open(DENALI_DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		err(1, "%s (is the module loaded, and are you in group denali?)", DENALI_DEVICE);
	if (ioctl(dev, DENALI_IOC_INFO, &info))
		err(1, "DENALI_IOC_INFO");
	if (info.abi_version != DENALI_ABI_VERSION)
		errx(1, "the module's guest ABI is %u, this program's %u", info.abi_version,
		     DENALI_ABI_VERSION);
	printf("denali %s: %llu of %llu bytes are free\n", info.version, info.pool_free,
	       info.pool_bytes);

	/* The descriptor is the VM: closing the last one destroys it. */
	pfd.fd = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (pfd.fd < 0)
		err(1, "DENALI_IOC_VM_CREATE");

	/* Page 0 isn't there, page 1 has the virtual registers: load from page 2 on. */
	mem = mmap(NULL, MEMORY - CODE, PROT_READ | PROT_WRITE, MAP_SHARED, pfd.fd, CODE);
	if (mem == MAP_FAILED)
		err(1, "mmap of VM %llu", create.id);
	memcpy(mem, guest, guest_end - guest);
	memcpy(mem + DATA - CODE, numbers, sizeof(numbers));

	if (ioctl(pfd.fd, DENALI_IOC_VM_SETUP, &setup))
		err(1, "DENALI_IOC_VM_SETUP");
	if (ioctl(pfd.fd, DENALI_IOC_VM_START))
		err(1, "DENALI_IOC_VM_START");
	if (poll(&pfd, 1, -1) < 0)
		err(1, "poll");
	if (ioctl(pfd.fd, DENALI_IOC_VM_STATE, &state))
		err(1, "DENALI_IOC_VM_STATE");
	if (state.state != DENALI_VM_ENDED || state.reason != DENALI_END_EXIT)
		errx(1, "VM %llu: %s", state.id, state.text);

	memcpy(&sum, mem + DATA - CODE, sizeof(sum));
	printf("VM %llu (%s) ended with status %d: the sum is %u\n", state.id, state.name,
	       state.status, sum);
	return sum == 100 ? state.status : 1;
}
