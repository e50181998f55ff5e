/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protected-mode part of a bzImage whose kernel isn't compressed.
 *
 * Bochs takes minutes to unpack a kernel, and a moment to copy it. The kernel's own
 * set-up code (tools/bochs keeps it) jumps here in 32-bit mode with the boot
 * parameters' address in ESI, as boot protocol 2.10 says; from here on it is the
 * 64-bit protocol: identity-mapped, RSI, the segments of __BOOT_CS and __BOOT_DS.
 *
 * KERNEL is the file, TO its physical address: above this image, so the copy goes
 * from the end. ENTRY is where it begins, not always at its start.
 */
	.section .text
	.code32
	.globl	start
start:
	cli
	movl	%esi, %ebx

	std
	movl	$(kernel_end - 4), %esi
	movl	$(TO + kernel_end - 4 - kernel), %edi
	movl	$((kernel_end - kernel) / 4), %ecx
	rep movsl
	cld

	/* The first 4 GiB in large pages. */
	movl	$tables, %edi
	leal	0x1003(%edi), %eax
	movl	%eax, (%edi)
	movl	$4, %ecx
	leal	0x2003(%edi), %eax
	leal	0x1000(%edi), %edx
1:	movl	%eax, (%edx)
	addl	$0x1000, %eax
	addl	$8, %edx
	loop	1b
	movl	$2048, %ecx
	movl	$0x83, %eax
	leal	0x2000(%edi), %edx
2:	movl	%eax, (%edx)
	addl	$0x200000, %eax
	addl	$8, %edx
	loop	2b

	lgdt	gdtr
	movl	%cr4, %eax
	orl	$0x20, %eax			/* PAE */
	movl	%eax, %cr4
	movl	%edi, %cr3
	movl	$0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	btsl	$8, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax
	movl	%eax, %cr0
	ljmp	$0x10, $long_mode

	.code64
long_mode:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%ebx, %esi
	movl	$ENTRY, %eax
	jmp	*%rax

	.balign	16
gdt:
	.quad	0, 0
	.quad	0x00af9a000000ffff		/* __BOOT_CS */
	.quad	0x00cf92000000ffff		/* __BOOT_DS */
gdtr:
	.word	. - gdt - 1
	.long	gdt

	.balign	4096
tables:
	.fill	6 * 4096, 1, 0
kernel:
	.incbin	KERNEL
	.balign	4
kernel_end:
