/* SPDX-License-Identifier: MIT */
/*
 * The note that makes an ELF file a Denali image (denali/image.h). Its numbers
 * are symbols that denali-cc or the linker script define.
 */
#include <denali/hypercall.h>

	.section .note.denali, "a", @note
	.balign	4
	.long	2f - 1f
	.long	4f - 3f
	.long	1			/* DENALI_NOTE_TYPE */
1:	.asciz	"Denali"
2:	.balign	4
3:	.long	DENALI_ABI_VERSION
	.long	__denali_devices
	.long	__denali_min_memory
	.long	__denali_def_memory
	.long	0			/* flags */
	.long	0, 0, 0
4:

	.section .note.GNU-stack, "", @progbits
