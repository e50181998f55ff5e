// SPDX-License-Identifier: MIT
/*
 * The image loader: what an ELF file must be before any of it reaches a VM.
 *
 * An image may come from anywhere. Every number in it is checked against the
 * file's size before it is used, all arithmetic on file values is 64-bit (a sum
 * of two 32-bit values can't wrap), and headers are copied out before they are looked
 * at, since nothing in a file is aligned by force.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <denali/hypercall.h>
#include <denali/image.h>
#include <denali/vregs.h>

#include "internal.h"

/* An image needs three or four; a bound keeps the overlap check short. */
#define DENALI_IMAGE_MAX_PHDRS	64

struct denali_segment {
	uint32_t addr;
	uint32_t offset;
	uint32_t file_size;
	uint32_t mem_size;
};

struct denali_image {
	struct denali_image_info info;
	const uint8_t *data;
	uint8_t *owned;		/* data, if denali_image_open() read it */
	size_t size;
	char *name;
	bool has_note;
	struct denali_segment segments[DENALI_IMAGE_MAX_PHDRS];
};

#define denali_image_bad(image, err, fmt, ...) \
	denali_fail(err, ENOEXEC, "image %s: " fmt, (image)->name, ##__VA_ARGS__)

static int denali_image_header(const struct denali_image *image, struct elf32_hdr *eh,
			       struct denali_error *err)
{
	if (image->size < EI_NIDENT || memcmp(image->data, ELFMAG, SELFMAG))
		return denali_image_bad(image, err,
					"not an ELF file; build images with denali-cc");
	if (image->data[EI_CLASS] == ELFCLASS64)
		return denali_image_bad(image, err,
					"is 64-bit; Denali images are 32-bit: build it with denali-cc");
	if (image->data[EI_CLASS] != ELFCLASS32 || image->data[EI_DATA] != ELFDATA2LSB)
		return denali_image_bad(image, err,
					"ELF class %u, byte order %u; must be 32-bit little-endian",
					image->data[EI_CLASS], image->data[EI_DATA]);
	if (image->size < sizeof(*eh))
		return denali_image_bad(image, err,
					"truncated: %zu bytes, the ELF header alone has %zu",
					image->size, sizeof(*eh));

	memcpy(eh, image->data, sizeof(*eh));
	if (eh->e_ident[EI_VERSION] != EV_CURRENT || eh->e_version != EV_CURRENT)
		return denali_image_bad(image, err, "ELF version %u; must be %u", eh->e_version,
					EV_CURRENT);
	if (eh->e_machine != EM_386)
		return denali_image_bad(image, err,
					"is for ELF machine %u; must be %u (i386): build it with denali-cc",
					eh->e_machine, EM_386);
	if (eh->e_type != ET_EXEC)
		return denali_image_bad(image, err,
					"ELF type %u; must be %u, a static executable at fixed addresses: link it with denali-cc, without -pie or -shared",
					eh->e_type, ET_EXEC);
	if (eh->e_phnum == 0)
		return denali_image_bad(image, err, "has no program headers");
	if (eh->e_phentsize != sizeof(struct elf32_phdr))
		return denali_image_bad(image, err, "program headers of %u bytes; must be %zu",
					eh->e_phentsize, sizeof(struct elf32_phdr));
	if (eh->e_phnum > DENALI_IMAGE_MAX_PHDRS)
		return denali_image_bad(image, err,
					"has %u program headers; at most %u are allowed",
					eh->e_phnum, DENALI_IMAGE_MAX_PHDRS);
	if ((uint64_t)eh->e_phoff + (uint64_t)eh->e_phnum * sizeof(struct elf32_phdr) > image->size)
		return denali_image_bad(image, err,
					"truncated: program headers reach to byte %llu, the file has %zu",
					(unsigned long long)eh->e_phoff +
					eh->e_phnum * sizeof(struct elf32_phdr), image->size);
	return 0;
}

static int denali_image_segment(struct denali_image *image, const struct elf32_phdr *ph,
				struct denali_error *err)
{
	uint64_t end = (uint64_t)ph->p_vaddr + ph->p_memsz;
	struct denali_segment *seg;
	unsigned int i;

	if (ph->p_filesz > ph->p_memsz)
		return denali_image_bad(image, err,
					"segment at %#x has %u bytes in the file but only %u in memory",
					ph->p_vaddr, ph->p_filesz, ph->p_memsz);
	if (!ph->p_memsz)
		return 0;
	if (ph->p_vaddr < DENALI_IMAGE_MIN_ADDR)
		return denali_image_bad(image, err,
					"segment at %#x lies below %#x, where the pages that the monitor keeps end; link it at %#x or above",
					ph->p_vaddr, DENALI_IMAGE_MIN_ADDR, DENALI_IMAGE_MIN_ADDR);
	if (end > DENALI_MAX_MEMORY)
		return denali_fail(err, EFBIG,
				   "image %s: segment at %#x ends at %#llx, beyond the largest memory of a VM, %#llx",
				   image->name, ph->p_vaddr, (unsigned long long)end,
				   DENALI_MAX_MEMORY);
	if ((uint64_t)ph->p_offset + ph->p_filesz > image->size)
		return denali_image_bad(image, err,
					"truncated: segment at %#x reaches to byte %llu, the file has %zu",
					ph->p_vaddr,
					(unsigned long long)ph->p_offset + ph->p_filesz,
					image->size);

	for (i = 0; i < image->info.segments; i++) {
		seg = &image->segments[i];
		if (ph->p_vaddr < (uint64_t)seg->addr + seg->mem_size && seg->addr < end)
			return denali_image_bad(image, err,
						"segments at %#x (%u bytes) and %#x (%u bytes) overlap",
						seg->addr, seg->mem_size, ph->p_vaddr, ph->p_memsz);
	}

	seg = &image->segments[image->info.segments++];
	seg->addr = ph->p_vaddr;
	seg->offset = ph->p_offset;
	seg->file_size = ph->p_filesz;
	seg->mem_size = ph->p_memsz;
	if (end > image->info.end)
		image->info.end = end;
	return 0;
}

/* The descriptor of the one note that is ours. */
static int denali_image_note(struct denali_image *image, const uint8_t *desc, uint32_t size,
			     struct denali_error *err)
{
	struct denali_image_note note;
	uint32_t i;

	if (image->has_note)
		return denali_image_bad(image, err, "has more than one Denali note");
	image->has_note = true;

	if (size < sizeof(note))
		return denali_image_bad(image, err, "Denali note of %u bytes; must have %zu", size,
					sizeof(note));
	memcpy(&note, desc, sizeof(note));

	if (note.abi_version != DENALI_ABI_VERSION)
		return denali_fail(err, EPROTONOSUPPORT,
				   "image %s: built for guest ABI version %u, this is version %u; build it again with this version's denali-cc",
				   image->name, note.abi_version, DENALI_ABI_VERSION);

	for (i = sizeof(note); i < size; i++)
		if (desc[i])
			return denali_image_bad(image, err,
						"Denali note says more than this version understands (byte %u of %u)",
						i, size);
	if (note.flags || note.reserved[0] || note.reserved[1] || note.reserved[2])
		return denali_image_bad(image, err,
					"Denali note has flags %#x or reserved fields set; must be 0",
					note.flags);
	if (note.devices & ~DENALI_WANT_NIC)
		return denali_image_bad(image, err,
					"wants devices that this version doesn't know (%#x)",
					note.devices & ~DENALI_WANT_NIC);
	if (note.min_memory % DENALI_PAGE_SIZE || note.def_memory % DENALI_PAGE_SIZE)
		return denali_image_bad(image, err,
					"Denali note asks for %u bytes of memory (at least %u); must be multiples of %u",
					note.def_memory, note.min_memory, DENALI_PAGE_SIZE);
	if (note.min_memory > DENALI_MAX_MEMORY || note.def_memory > DENALI_MAX_MEMORY)
		return denali_fail(err, EFBIG,
				   "image %s: asks for %u bytes of memory, at least %u; a VM has at most %llu",
				   image->name, note.def_memory, note.min_memory,
				   DENALI_MAX_MEMORY);
	if (note.min_memory < DENALI_MIN_MEMORY || note.def_memory < note.min_memory)
		return denali_image_bad(image, err,
					"Denali note asks for %u bytes of memory, at least %u; the least memory must be %u or more, and the default no less than it",
					note.def_memory, note.min_memory, DENALI_MIN_MEMORY);

	image->info.abi_version = note.abi_version;
	image->info.devices = note.devices;
	image->info.min_memory = note.min_memory;
	image->info.def_memory = note.def_memory;
	return 0;
}

static int denali_image_notes(struct denali_image *image, const struct elf32_phdr *ph,
			      struct denali_error *err)
{
	uint64_t pos = ph->p_offset, end = pos + ph->p_filesz;
	uint32_t align = ph->p_align == 8 ? 8 : 4;
	int ret;

	if (end > image->size)
		return denali_image_bad(image, err,
					"truncated: notes reach to byte %llu, the file has %zu",
					(unsigned long long)end, image->size);

	while (end - pos >= sizeof(struct elf32_note)) {
		uint64_t desc, next;
		struct elf32_note nh;

		memcpy(&nh, image->data + pos, sizeof(nh));
		pos += sizeof(nh);
		desc = pos + (((uint64_t)nh.n_namesz + align - 1) & ~(uint64_t)(align - 1));
		next = desc + (((uint64_t)nh.n_descsz + align - 1) & ~(uint64_t)(align - 1));
		if (desc + nh.n_descsz > end)
			return denali_image_bad(image, err,
						"malformed note at byte %llu: reaches to %llu, the notes end at %llu",
						(unsigned long long)(pos - sizeof(nh)),
						(unsigned long long)(desc + nh.n_descsz),
						(unsigned long long)end);

		if (nh.n_type == DENALI_NOTE_TYPE && nh.n_namesz == sizeof(DENALI_NOTE_NAME) &&
		    !memcmp(image->data + pos, DENALI_NOTE_NAME, sizeof(DENALI_NOTE_NAME))) {
			ret = denali_image_note(image, image->data + desc, nh.n_descsz, err);
			if (ret)
				return ret;
		}
		if (next > end)
			break;
		pos = next;
	}
	return 0;
}

static int denali_image_entry(const struct denali_image *image, struct denali_error *err)
{
	uint32_t entry = image->info.entry;
	unsigned int i;

	for (i = 0; i < image->info.segments; i++) {
		const struct denali_segment *seg = &image->segments[i];

		if (entry >= seg->addr && entry - seg->addr < seg->mem_size)
			return 0;
	}
	return denali_image_bad(image, err, "entry point %#x lies in none of its segments", entry);
}

static int denali_image_check(struct denali_image *image, struct denali_error *err)
{
	struct elf32_hdr eh;
	unsigned int i;
	int ret;

	ret = denali_image_header(image, &eh, err);
	if (ret)
		return ret;
	image->info.entry = eh.e_entry;

	for (i = 0; i < eh.e_phnum; i++) {
		struct elf32_phdr ph;

		memcpy(&ph, image->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		switch (ph.p_type) {
		case PT_LOAD:
			ret = denali_image_segment(image, &ph, err);
			break;
		case PT_NOTE:
			ret = denali_image_notes(image, &ph, err);
			break;
		case PT_INTERP:
			ret = denali_image_bad(image, err,
					       "is dynamically linked; link it with denali-cc");
			break;
		}
		if (ret)
			return ret;
	}

	if (!image->has_note)
		return denali_image_bad(image, err,
					"has no Denali note, so it wasn't built for Denali; build it with denali-cc");
	if (!image->info.segments)
		return denali_image_bad(image, err, "has no segments to load");
	return denali_image_entry(image, err);
}

struct denali_image *denali_image_parse(const void *data, size_t size, const char *name,
					struct denali_error *err)
{
	struct denali_image *image = calloc(1, sizeof(*image));

	if (image)
		image->name = strdup(name);
	if (!image || !image->name) {
		denali_fail(err, ENOMEM, "image %s: out of memory", name);
		free(image);
		return NULL;
	}
	image->data = data;
	image->size = size;
	if (denali_image_check(image, err)) {
		denali_image_free(image);
		return NULL;
	}
	return image;
}

static uint8_t *denali_image_read(int fd, const char *path, size_t *size, struct denali_error *err)
{
	struct stat st;
	uint8_t *data;
	size_t got = 0;

	if (fstat(fd, &st) < 0) {
		denali_fail(err, errno, "image %s: %s", path, strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		denali_fail(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			    "image %s: not a regular file", path);
		return NULL;
	}
	if (st.st_size > (off_t)DENALI_MAX_MEMORY) {
		denali_fail(err, EFBIG,
			    "image %s: file of %llu bytes, larger than the largest memory of a VM, %llu",
			    path, (unsigned long long)st.st_size, DENALI_MAX_MEMORY);
		return NULL;
	}
	/* One byte for an empty file: malloc(0) may return NULL. */
	data = malloc(st.st_size + 1);
	if (!data) {
		denali_fail(err, ENOMEM, "image %s: no memory for its %llu bytes", path,
			    (unsigned long long)st.st_size);
		return NULL;
	}
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, data + got, st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			denali_fail(err, errno, "image %s: read: %s", path, strerror(errno));
			free(data);
			return NULL;
		}
		if (!n)
			break;
		got += n;
	}
	*size = got;
	return data;
}

struct denali_image *denali_image_open(const char *path, struct denali_error *err)
{
	/* O_NONBLOCK: a FIFO must give an error, not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct denali_image *image;
	uint8_t *data;
	size_t size;

	if (fd < 0) {
		denali_fail(err, errno, "image %s: %s", path, strerror(errno));
		return NULL;
	}
	data = denali_image_read(fd, path, &size, err);
	close(fd);
	if (!data)
		return NULL;
	image = denali_image_parse(data, size, path, err);
	if (!image) {
		free(data);
		return NULL;
	}
	image->owned = data;
	return image;
}

const struct denali_image_info *denali_image_get_info(const struct denali_image *image)
{
	return &image->info;
}

int denali_image_fits(const struct denali_image *image, uint64_t mem_bytes, unsigned int nics,
		      struct denali_error *err)
{
	char have[DENALI_SIZE_TEXT], want[DENALI_SIZE_TEXT];
	uint64_t need = image->info.min_memory;

	if ((image->info.devices & DENALI_WANT_NIC) && !nics)
		return denali_fail(err, ENODEV,
				   "image %s: wants a NIC and gets none; give it one, e.g. nic tap0 bridge br0",
				   image->name);
	if (need < image->info.end)
		need = ((uint64_t)image->info.end + DENALI_PAGE_SIZE - 1) &
		       ~(uint64_t)(DENALI_PAGE_SIZE - 1);
	if (mem_bytes && mem_bytes < need)
		return denali_fail(err, ENOSPC,
				   "image %s: needs %s of memory, the VM has %s; give it more",
				   image->name, denali_size_format(want, need),
				   denali_size_format(have, mem_bytes));
	return 0;
}

int denali_image_copy(const struct denali_image *image, void *mem, uint32_t base, uint64_t size,
		      struct denali_error *err)
{
	unsigned int i;

	if (base > DENALI_IMAGE_MIN_ADDR || (uint64_t)base + size < image->info.end)
		return denali_fail(err, ENOSPC,
				   "image %s: lies from %#x to %#x, the memory from %#x to %#llx",
				   image->name, DENALI_IMAGE_MIN_ADDR, image->info.end, base,
				   (unsigned long long)base + size);

	for (i = 0; i < image->info.segments; i++) {
		const struct denali_segment *seg = &image->segments[i];

		memcpy((uint8_t *)mem + (seg->addr - base), image->data + seg->offset,
		       seg->file_size);
	}
	return 0;
}

void denali_image_free(struct denali_image *image)
{
	if (!image)
		return;
	free(image->owned);
	free(image->name);
	free(image);
}
