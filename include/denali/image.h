/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Denali guest ABI: the image.
 *
 * An image is a static ELF32 executable for EM_386 (ET_EXEC) whose PT_LOAD
 * segments lie at DENALI_IMAGE_MIN_ADDR or above, don't overlap, and whose PT_NOTE
 * holds one note with owner "Denali", type DENALI_NOTE_TYPE and struct
 * denali_image_note as its descriptor.
 */
#ifndef DENALI_IMAGE_H
#define DENALI_IMAGE_H

#include <denali/types.h>

#define DENALI_NOTE_NAME	"Denali"
#define DENALI_NOTE_TYPE	1

/* Devices that an image wants: bits of denali_image_note.devices. */
#define DENALI_WANT_NIC		0x1	/* at least one NIC */

/**
 * struct denali_image_note - what the image needs
 * @abi_version: DENALI_ABI_VERSION that it was built for
 * @devices:     DENALI_WANT_*
 * @min_memory:  least memory in bytes, multiple of a page
 * @def_memory:  memory that it gets if the user names none
 * @flags:       0
 * @reserved:    0
 */
struct denali_image_note {
	uint32_t abi_version;
	uint32_t devices;
	uint32_t min_memory;
	uint32_t def_memory;
	uint32_t flags;
	uint32_t reserved[3];
};

DENALI_ASSERT(sizeof(struct denali_image_note) == 32, image_note_size);

#endif /* DENALI_IMAGE_H */
