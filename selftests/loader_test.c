// SPDX-License-Identifier: GPL-2.0
/*
 * The image loader of libdenali against images made up here: one property a
 * test, negative ones by the word of the message that names what is wrong. It
 * needs no module. Every image ends at a page that can't be read, so that a read
 * beyond it is a crash with or without AddressSanitizer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <denali.h>
#include <denali/hypercall.h>
#include <denali/image.h>
#include <denali/vregs.h>

#include "kselftest_harness.h"

#define TEXT_ADDR	0x2000
#define TEXT_SIZE	0x100
#define TEXT_OFFSET	0x400
#define DATA_ADDR	0x4000
#define DATA_SIZE	0x80
#define DATA_MEM	0x2000
#define DATA_OFFSET	0x600
#define NOTE_OFFSET	0x200
#define FILE_SIZE	(DATA_OFFSET + DATA_SIZE)
#define PAGE		4096

struct note {
	struct elf32_note head;
	char name[8];
	struct denali_image_note desc;
};

/* A good image: text, data with bss, a note. */
struct image {
	uint8_t *map;		/* two pages, the second can't be read */
	uint8_t *data;
	size_t size;
	struct elf32_hdr *eh;
	struct elf32_phdr *text, *bss, *noteph;
	struct note *note;
	struct denali_error err;
};

static int image_make(struct image *im)
{
	im->map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (im->map == MAP_FAILED || mprotect(im->map + PAGE, PAGE, PROT_NONE))
		return -1;
	im->size = FILE_SIZE;
	im->data = im->map + PAGE - im->size;
	im->eh = (void *)im->data;
	im->text = (void *)(im->eh + 1);
	im->bss = im->text + 1;
	im->noteph = im->text + 2;
	im->note = (void *)(im->data + NOTE_OFFSET);
	im->err = (struct denali_error){ 0 };

	*im->eh = (struct elf32_hdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = TEXT_ADDR + 0x10,
		.e_phoff = sizeof(struct elf32_hdr),
		.e_ehsize = sizeof(struct elf32_hdr),
		.e_phentsize = sizeof(struct elf32_phdr),
		.e_phnum = 3,
	};
	*im->text = (struct elf32_phdr){
		.p_type = PT_LOAD, .p_offset = TEXT_OFFSET, .p_vaddr = TEXT_ADDR,
		.p_filesz = TEXT_SIZE, .p_memsz = TEXT_SIZE, .p_flags = PF_R | PF_X,
		.p_align = PAGE,
	};
	*im->bss = (struct elf32_phdr){
		.p_type = PT_LOAD, .p_offset = DATA_OFFSET, .p_vaddr = DATA_ADDR,
		.p_filesz = DATA_SIZE, .p_memsz = DATA_MEM, .p_flags = PF_R | PF_W,
		.p_align = PAGE,
	};
	*im->noteph = (struct elf32_phdr){
		.p_type = PT_NOTE, .p_offset = NOTE_OFFSET, .p_filesz = sizeof(struct note),
		.p_memsz = sizeof(struct note), .p_align = 4,
	};
	*im->note = (struct note){
		.head = { .n_namesz = sizeof(DENALI_NOTE_NAME),
			  .n_descsz = sizeof(struct denali_image_note),
			  .n_type = DENALI_NOTE_TYPE },
		.name = DENALI_NOTE_NAME,
		.desc = { .abi_version = DENALI_ABI_VERSION, .min_memory = 0x8000,
			  .def_memory = 0x10000 },
	};
	memset(im->data + TEXT_OFFSET, 0x90, TEXT_SIZE);
	memset(im->data + DATA_OFFSET, 0x55, DATA_SIZE);
	return 0;
}

static struct denali_image *image_parse(struct image *im)
{
	im->err.code = 0;
	im->err.message[0] = '\0';
	return denali_image_parse(im->data, im->size, "test-image", &im->err);
}

/* Cuts the file, and moves what is left up to the page that can't be read. */
static void image_cut(struct image *im, size_t size)
{
	memmove(im->map + PAGE - size, im->data, size);
	im->data = im->map + PAGE - size;
	im->size = size;
}

FIXTURE(loader) {
	struct image im;
};

FIXTURE_SETUP(loader)
{
	ASSERT_EQ(0, image_make(&self->im));
}

FIXTURE_TEARDOWN(loader)
{
	munmap(self->im.map, 2 * PAGE);
}

/* The image is refused with this errno value and a message that has these words. */
#define EXPECT_REFUSED(_code, _words) do {						\
	struct denali_image *__image = image_parse(&self->im);				\
											\
	ASSERT_EQ(NULL, __image);							\
	EXPECT_EQ(_code, self->im.err.code) TH_LOG("message: %s", self->im.err.message);	\
	EXPECT_NE(NULL, strstr(self->im.err.message, "test-image"))			\
		TH_LOG("message: %s", self->im.err.message);				\
	EXPECT_NE(NULL, strstr(self->im.err.message, _words))				\
		TH_LOG("message: %s", self->im.err.message);				\
} while (0)

TEST_F(loader, good_image_tells_what_it_needs)
{
	struct denali_image *image = image_parse(&self->im);
	const struct denali_image_info *info;

	ASSERT_NE(NULL, image) TH_LOG("%s", self->im.err.message);
	info = denali_image_get_info(image);
	EXPECT_EQ(TEXT_ADDR + 0x10, info->entry);
	EXPECT_EQ(DATA_ADDR + DATA_MEM, info->end);
	EXPECT_EQ(DENALI_ABI_VERSION, info->abi_version);
	EXPECT_EQ(0x8000, info->min_memory);
	EXPECT_EQ(0x10000, info->def_memory);
	EXPECT_EQ(2, info->segments);
	denali_image_free(image);
}

TEST_F(loader, copy_puts_segments_in_place_and_nothing_else)
{
	struct denali_image *image = image_parse(&self->im);
	size_t i, size = DATA_ADDR + DATA_MEM - TEXT_ADDR;
	uint8_t *mem = calloc(1, size);

	ASSERT_NE(NULL, image);
	ASSERT_EQ(0, denali_image_copy(image, mem, TEXT_ADDR, size, &self->im.err));
	for (i = 0; i < size; i++) {
		uint32_t addr = TEXT_ADDR + i;
		uint8_t want = addr < TEXT_ADDR + TEXT_SIZE ? 0x90 :
			       addr >= DATA_ADDR && addr < DATA_ADDR + DATA_SIZE ? 0x55 : 0;

		ASSERT_EQ(want, mem[i]) TH_LOG("at %#x", addr);
	}
	EXPECT_EQ(-ENOSPC, denali_image_copy(image, mem, TEXT_ADDR, size - 1, &self->im.err));
	EXPECT_EQ(-ENOSPC, denali_image_copy(image, mem, TEXT_ADDR + PAGE, size, &self->im.err));
	denali_image_free(image);
	free(mem);
}

TEST_F(loader, every_truncation_is_refused)
{
	size_t size;

	for (size = FILE_SIZE - 1; ; size--) {
		image_cut(&self->im, size);
		ASSERT_EQ(NULL, image_parse(&self->im)) TH_LOG("%zu bytes", size);
		ASSERT_NE(0, self->im.err.message[0]);
		if (!size)
			break;
	}
}

TEST_F(loader, truncated_says_so)
{
	image_cut(&self->im, FILE_SIZE - 1);
	EXPECT_REFUSED(ENOEXEC, "truncated");
}

TEST_F(loader, truncated_header_says_so)
{
	image_cut(&self->im, sizeof(struct elf32_hdr) - 1);
	EXPECT_REFUSED(ENOEXEC, "truncated");
}

TEST_F(loader, not_elf)
{
	self->im.data[1] = 'X';
	EXPECT_REFUSED(ENOEXEC, "not an ELF file");
}

TEST_F(loader, image_64_bit)
{
	self->im.eh->e_ident[EI_CLASS] = ELFCLASS64;
	EXPECT_REFUSED(ENOEXEC, "64-bit");
}

TEST_F(loader, big_endian)
{
	self->im.eh->e_ident[EI_DATA] = ELFDATA2MSB;
	EXPECT_REFUSED(ENOEXEC, "little-endian");
}

TEST_F(loader, other_machine)
{
	self->im.eh->e_machine = EM_ARM;
	EXPECT_REFUSED(ENOEXEC, "machine 40");
}

TEST_F(loader, position_independent)
{
	self->im.eh->e_type = ET_DYN;
	EXPECT_REFUSED(ENOEXEC, "type 3");
}

TEST_F(loader, dynamically_linked)
{
	self->im.noteph->p_type = PT_INTERP;
	EXPECT_REFUSED(ENOEXEC, "dynamically linked");
}

TEST_F(loader, no_program_headers)
{
	self->im.eh->e_phnum = 0;
	EXPECT_REFUSED(ENOEXEC, "no program headers");
}

TEST_F(loader, too_many_program_headers)
{
	self->im.eh->e_phnum = 0xffff;
	EXPECT_REFUSED(ENOEXEC, "65535 program headers");
}

TEST_F(loader, program_header_size)
{
	self->im.eh->e_phentsize = 56;
	EXPECT_REFUSED(ENOEXEC, "56 bytes");
}

TEST_F(loader, program_headers_outside)
{
	self->im.eh->e_phoff = 0xfffffff0;
	EXPECT_REFUSED(ENOEXEC, "truncated");
}

TEST_F(loader, overlap)
{
	self->im.bss->p_vaddr = TEXT_ADDR + TEXT_SIZE - 1;
	EXPECT_REFUSED(ENOEXEC, "overlap");
}

TEST_F(loader, overlap_of_a_segment_inside_another)
{
	self->im.bss->p_vaddr = TEXT_ADDR;
	self->im.bss->p_memsz = self->im.bss->p_filesz;
	EXPECT_REFUSED(ENOEXEC, "overlap");
}

TEST_F(loader, segments_may_touch_and_come_in_any_order)
{
	struct denali_image *image;

	self->im.text->p_vaddr = DATA_ADDR + DATA_MEM;
	self->im.eh->e_entry = DATA_ADDR + DATA_MEM;
	image = image_parse(&self->im);
	EXPECT_NE(NULL, image) TH_LOG("%s", self->im.err.message);
	denali_image_free(image);
}

TEST_F(loader, segment_below_the_image_area)
{
	self->im.text->p_vaddr = DENALI_IMAGE_MIN_ADDR - 1;
	EXPECT_REFUSED(ENOEXEC, "0x2000");
}

TEST_F(loader, segment_beyond_the_largest_memory)
{
	self->im.bss->p_vaddr = DENALI_MAX_MEMORY - DATA_MEM + 1;
	EXPECT_REFUSED(EFBIG, "beyond the largest memory");
}

TEST_F(loader, segment_that_wraps_around)
{
	self->im.bss->p_vaddr = 0xfffff000;
	self->im.bss->p_memsz = 0xfffff000;
	EXPECT_REFUSED(EFBIG, "beyond the largest memory");
}

TEST_F(loader, file_part_larger_than_memory_part)
{
	self->im.bss->p_memsz = DATA_SIZE - 1;
	EXPECT_REFUSED(ENOEXEC, "only 127 in memory");
}

TEST_F(loader, file_offset_that_wraps_around)
{
	self->im.text->p_offset = 0xffffffff;
	EXPECT_REFUSED(ENOEXEC, "truncated");
}

TEST_F(loader, entry_outside)
{
	self->im.eh->e_entry = TEXT_ADDR + TEXT_SIZE;
	EXPECT_REFUSED(ENOEXEC, "entry point 0x2100");
}

TEST_F(loader, no_segments)
{
	self->im.text->p_type = PT_NULL;
	self->im.bss->p_type = PT_NULL;
	EXPECT_REFUSED(ENOEXEC, "no segments");
}

TEST_F(loader, no_note)
{
	self->im.noteph->p_type = PT_NULL;
	EXPECT_REFUSED(ENOEXEC, "no Denali note");
}

TEST_F(loader, note_of_somebody_else)
{
	self->im.note->name[0] = 'X';
	EXPECT_REFUSED(ENOEXEC, "no Denali note");
}

TEST_F(loader, note_of_another_type)
{
	self->im.note->head.n_type = 2;
	EXPECT_REFUSED(ENOEXEC, "no Denali note");
}

TEST_F(loader, note_behind_another_note)
{
	struct denali_image *image;

	memmove((uint8_t *)self->im.note + 20, self->im.note, sizeof(struct note));
	self->im.note->head = (struct elf32_note){ .n_namesz = 3, .n_descsz = 1, .n_type = 7 };
	self->im.noteph->p_filesz += 20;
	image = image_parse(&self->im);
	EXPECT_NE(NULL, image) TH_LOG("%s", self->im.err.message);
	denali_image_free(image);
}

TEST_F(loader, two_notes)
{
	memcpy(self->im.note + 1, self->im.note, sizeof(struct note));
	self->im.noteph->p_filesz *= 2;
	EXPECT_REFUSED(ENOEXEC, "more than one");
}

TEST_F(loader, note_that_reaches_out)
{
	self->im.note->head.n_descsz = 0xffffffff;
	EXPECT_REFUSED(ENOEXEC, "malformed note");
}

TEST_F(loader, note_name_that_reaches_out)
{
	self->im.note->head.n_namesz = 0xfffffffd;
	EXPECT_REFUSED(ENOEXEC, "malformed note");
}

TEST_F(loader, note_too_short)
{
	self->im.note->head.n_descsz = sizeof(struct denali_image_note) - 4;
	EXPECT_REFUSED(ENOEXEC, "28 bytes");
}

TEST_F(loader, longer_note_with_a_zero_tail_is_understood)
{
	struct denali_image *image;

	self->im.note->head.n_descsz += 8;
	self->im.noteph->p_filesz += 8;
	image = image_parse(&self->im);
	EXPECT_NE(NULL, image) TH_LOG("%s", self->im.err.message);
	denali_image_free(image);
}

TEST_F(loader, longer_note_with_more_to_say_is_refused)
{
	self->im.note->head.n_descsz += 8;
	self->im.noteph->p_filesz += 8;
	((uint8_t *)(self->im.note + 1))[4] = 1;
	EXPECT_REFUSED(ENOEXEC, "more than this version understands");
}

TEST_F(loader, other_abi_version)
{
	self->im.note->desc.abi_version = DENALI_ABI_VERSION + 1;
	EXPECT_REFUSED(EPROTONOSUPPORT, "ABI version");
}

TEST_F(loader, unknown_device)
{
	self->im.note->desc.devices = 0x80;
	EXPECT_REFUSED(ENOEXEC, "devices");
}

TEST_F(loader, note_flags)
{
	self->im.note->desc.flags = 4;
	EXPECT_REFUSED(ENOEXEC, "flags 0x4");
}

TEST_F(loader, note_reserved)
{
	self->im.note->desc.reserved[2] = 1;
	EXPECT_REFUSED(ENOEXEC, "reserved");
}

TEST_F(loader, memory_not_a_multiple_of_a_page)
{
	self->im.note->desc.def_memory += 1;
	EXPECT_REFUSED(ENOEXEC, "multiples of 4096");
}

TEST_F(loader, default_memory_below_the_least)
{
	self->im.note->desc.def_memory = 0x4000;
	EXPECT_REFUSED(ENOEXEC, "no less than");
}

TEST_F(loader, memory_beyond_the_largest)
{
	self->im.note->desc.def_memory = 0xc0001000;
	EXPECT_REFUSED(EFBIG, "at most");
}

TEST_F(loader, too_big_for_the_memory)
{
	struct denali_image *image;

	self->im.bss->p_memsz = 0x20000;
	image = image_parse(&self->im);
	ASSERT_NE(NULL, image);
	EXPECT_EQ(0, denali_image_fits(image, 0x24000, 0, &self->im.err));
	EXPECT_EQ(-ENOSPC, denali_image_fits(image, 0x23000, 0, &self->im.err));
	EXPECT_NE(NULL, strstr(self->im.err.message, "144 KiB"))
		TH_LOG("%s", self->im.err.message);
	EXPECT_NE(NULL, strstr(self->im.err.message, "140 KiB"))
		TH_LOG("%s", self->im.err.message);
	denali_image_free(image);
}

TEST_F(loader, less_than_the_least_memory)
{
	struct denali_image *image = image_parse(&self->im);

	ASSERT_NE(NULL, image);
	EXPECT_EQ(0, denali_image_fits(image, 0x8000, 0, &self->im.err));
	EXPECT_EQ(-ENOSPC, denali_image_fits(image, 0x7000, 0, &self->im.err));
	denali_image_free(image);
}

TEST_F(loader, wants_a_nic)
{
	struct denali_image *image;

	self->im.note->desc.devices = DENALI_WANT_NIC;
	image = image_parse(&self->im);
	ASSERT_NE(NULL, image);
	EXPECT_EQ(0, denali_image_fits(image, 0x10000, 1, &self->im.err));
	EXPECT_EQ(-ENODEV, denali_image_fits(image, 0x10000, 0, &self->im.err));
	EXPECT_NE(NULL, strstr(self->im.err.message, "nic tap0"))
		TH_LOG("%s", self->im.err.message);
	denali_image_free(image);
}

TEST(open_tells_a_missing_file)
{
	struct denali_error err;

	EXPECT_EQ(NULL, denali_image_open("/nonexistent/image", &err));
	EXPECT_EQ(ENOENT, err.code);
	EXPECT_NE(NULL, strstr(err.message, "/nonexistent/image"));
}

TEST(open_refuses_a_directory)
{
	struct denali_error err;

	EXPECT_EQ(NULL, denali_image_open("/", &err));
	EXPECT_EQ(EISDIR, err.code);
}

TEST(open_does_not_wait_for_a_fifo)
{
	char path[] = "/tmp/loader_test.XXXXXX";
	struct denali_error err;

	ASSERT_NE(NULL, mkdtemp(path));
	ASSERT_EQ(0, chdir(path));
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	EXPECT_EQ(NULL, denali_image_open("fifo", &err));
	EXPECT_EQ(EINVAL, err.code);
	unlink("fifo");
	rmdir(path);
}

TEST_F(loader, open_reads_a_file)
{
	char path[] = "/tmp/loader_test.XXXXXX";
	struct denali_image *image;
	struct denali_error err;
	int fd = mkstemp(path);

	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)self->im.size, write(fd, self->im.data, self->im.size));
	close(fd);
	image = denali_image_open(path, &err);
	EXPECT_NE(NULL, image) TH_LOG("%s", err.message);
	denali_image_free(image);
	unlink(path);
}

TEST(a_missing_error_object_is_no_crash)
{
	EXPECT_EQ(NULL, denali_image_open("/nonexistent/image", NULL));
	EXPECT_EQ(NULL, denali_image_parse("", 0, "empty", NULL));
}

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/*
 * Headers and note of a good image with up to four bytes or words changed,
 * preferably to values at a border. Whatever is accepted must keep its promises:
 * the copy stays inside the memory that its end asks for.
 */
TEST_F(loader, mutated_images)
{
	static const uint32_t edges[] = {
		0, 1, 3, 4, 0x1fff, 0x2000, 0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000,
		0xfffffff0, 0xfffffffc, 0xffffffff, FILE_SIZE, FILE_SIZE - 1, PAGE,
	};
	const size_t limit = 1 << 20;
	const size_t headers = sizeof(struct elf32_hdr) + 3 * sizeof(struct elf32_phdr);
	uint8_t good[FILE_SIZE];
	uint64_t seed = 20260101;
	unsigned int i, k, taken = 0;

	memcpy(good, self->im.data, FILE_SIZE);
	for (i = 0; i < 100000; i++) {
		struct denali_image *image;

		for (k = 0; k <= random_next(&seed) % 4; k++) {
			uint32_t r = random_next(&seed), at;

			at = r & 1 ? (r >> 1) % headers :
				     NOTE_OFFSET + (r >> 1) % sizeof(struct note);
			if (r & 0x10000)
				self->im.data[at] = random_next(&seed);
			else
				memcpy(self->im.data + (at & ~3U),
				       &edges[random_next(&seed) % 16], 4);
		}
		image = image_parse(&self->im);
		if (image) {
			const struct denali_image_info *info = denali_image_get_info(image);
			size_t size = info->end - DENALI_IMAGE_MIN_ADDR;

			taken++;
			ASSERT_LE(info->end, DENALI_MAX_MEMORY);
			ASSERT_GE(info->entry, DENALI_IMAGE_MIN_ADDR);
			ASSERT_LT(info->entry, info->end);
			if (size <= limit) {
				uint8_t *mem = malloc(size);

				ASSERT_EQ(0, denali_image_copy(image, mem, DENALI_IMAGE_MIN_ADDR,
							       size, &self->im.err));
				free(mem);
			}
			denali_image_free(image);
		} else {
			ASSERT_NE(0, self->im.err.code);
			ASSERT_NE(0, self->im.err.message[0]);
		}
		memcpy(self->im.data, good, FILE_SIZE);
	}
	/* Neither all nor none: else the mutations test nothing. */
	EXPECT_LT(1000, taken);
	EXPECT_GT(99000, taken);
}

TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "4096", 4096 }, { "256K", 256 << 10 }, { "2M", 2 << 20 }, { "1G", 1 << 30 },
		{ "1g", 1 << 30 }, { "0x1000", 4096 }, { "16KiB", 16384 }, { "3GB", 3ULL << 30 },
	};
	static const char * const bad[] = {
		"", "K", "-1", "1Q", "1KK", " 1", "1 K", "1.5G", "18446744073709551616",
		"17179869184G",
	};
	struct denali_error err;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		EXPECT_EQ(0, denali_size_parse(good[i].text, &bytes, &err))
			TH_LOG("%s", good[i].text);
		EXPECT_EQ(good[i].bytes, bytes) TH_LOG("%s", good[i].text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_GT(0, denali_size_parse(bad[i], &bytes, &err)) TH_LOG("%s", bad[i]);
}

TEST(mac_addresses)
{
	static const char * const bad[] = {
		"", "02:00:00:00:00", "02:00:00:00:00:1", "02:00:00:00:00:011",
		"02-00-00-00-00-01", "0g:00:00:00:00:01", "01:00:5e:00:00:01",
		"ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:00:00:00:01 ",
	};
	static const uint8_t want[6] = { 0x02, 0x00, 0xab, 0xCD, 0x00, 0x01 };
	struct denali_error err;
	uint8_t mac[6];
	size_t i;

	EXPECT_EQ(0, denali_mac_parse("02:00:ab:CD:00:01", mac, &err));
	EXPECT_EQ(0, memcmp(mac, want, 6));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_GT(0, denali_mac_parse(bad[i], mac, &err)) TH_LOG("%s", bad[i]);
}

TEST_HARNESS_MAIN
