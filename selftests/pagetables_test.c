// SPDX-License-Identifier: GPL-2.0
/*
 * What is mapped while a VM runs, as the CPU finds it in its page tables: debugfs has it where
 * the module was built with CONFIG_DENALI_DEBUG=y (kmod/debugfs.c). With QEMU's monitor at hand (the
 * boot "monitor") NMIs hit meanwhile, whose stack is in what all VMs of a CPU have in common.
 */
#include <fcntl.h>
#include <pthread.h>

#include "kselftest_harness.h"
#include "lib.h"

#define TABLES		"/sys/kernel/debug/denali/tables"
#define MONITOR		"/dev/virtio-ports/denali.monitor"
#define SECRET		0x5ec2e7	/* guests/poison.c, and a byte behind it */
#define DUMPS		5		/* of each VM */
#define LINES		4096

/* Two with words in all their registers that are easily told, then one of each kind of partition. */
static const struct {
	const char *guest, *cmdline;
	uint64_t mem;
	bool clone;
} vms[] = {
	{ "poison", "hold", GUEST_MEM },
	{ "poison", "hold", GUEST_MEM },
	{ "basic", "spin", 16 << 10 },
	{ "basic", "spin", 4 << 20 },
	{ "basic", "spin", (6 << 20) + 12288 },
	{ "template", "some", GUEST_MEM, true },
	{ "template", "some", GUEST_MEM, true },
};

#define VMS	(sizeof(vms) / sizeof(vms[0]))

/* A run of pages. */
struct run {
	uint64_t addr, phys;
	uint32_t pages;
	char what[16];		/* kind of owner, or rights */
};

/* One CPU's part of the file. */
struct dump {
	int cpu;
	uint64_t id;
	bool complete;
	struct run own[LINES], map[LINES];
	uint64_t table[LINES];
	int owns, maps, tables;
	int secrets;		/* words of the block that hold the secret */
	int own_secrets;	/* the same of the page behind it, which is the VM's */
};

FIXTURE(tables) {
	int dev;
	int template;
	int vm[VMS];
	uint64_t id[VMS];
	int seen[VMS];
	struct dump *dump;
	int monitor;
	pthread_t storm;
};

static volatile bool stop;

static void *nmi_storm(void *fd)
{
	char answer[4096];

	while (!stop) {
		if (write((long)fd, "nmi\n", 4) < 0 && errno != EAGAIN)
			break;
		while (read((long)fd, answer, sizeof(answer)) > 0)
			;
		usleep(5000);
	}
	return NULL;
}

FIXTURE_SETUP(tables)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	if (access(TABLES, R_OK) < 0)
		SKIP(return, "no %s: the module isn't built with CONFIG_DENALI_DEBUG=y", TABLES);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU: no VM is on it while it is asked");
	self->dump = malloc(sizeof(*self->dump));
	self->template = template_of(self->dev, "template", GUEST_MEM);
	ASSERT_GE(self->template, 0);
	for (size_t i = 0; i < VMS; i++) {
		self->vm[i] = vms[i].clone ? clone_start(self->template, vms[i].cmdline) :
			      guest_start(self->dev, vms[i].guest, vms[i].mem, vms[i].cmdline);
		ASSERT_GE(self->vm[i], 0);
		self->id[i] = vm_id(self->vm[i]);
	}
	self->monitor = open(MONITOR, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	stop = false;
	if (self->monitor >= 0)
		ASSERT_EQ(pthread_create(&self->storm, NULL, nmi_storm, (void *)(long)self->monitor), 0);
}

FIXTURE_TEARDOWN(tables)
{
	stop = true;
	if (self->dump && self->monitor >= 0) {
		pthread_join(self->storm, NULL);
		close(self->monitor);
	}
	for (size_t i = 0; i < VMS && self->dump; i++)
		close(self->vm[i]);
	if (self->dump)
		close(self->template);
	free(self->dump);
	close(self->dev);
}

static bool is_secret(uint64_t word)
{
	for (; word >= SECRET; word >>= 4)
		if ((word & 0xffffff) == SECRET)
			return true;
	return false;
}

/* The next CPU's part; false at the end of the file. */
static bool dump_read(FILE *f, struct dump *d)
{
	char line[128];
	uint64_t word, at;

	memset(d, 0, sizeof(*d));
	while (fgets(line, sizeof(line), f)) {
		struct run r = { 0 };

		if (sscanf(line, "cpu %d vm %lu", &d->cpu, &d->id) == 2) {
			if (!d->id)
				return true;
		} else if (sscanf(line, "own %15s 0x%lx 0x%lx %u", r.what, &r.addr, &r.phys, &r.pages) == 4 &&
			   d->owns < LINES) {
			d->own[d->owns++] = r;
		} else if (sscanf(line, "map 0x%lx 0x%lx %u %15s", &r.addr, &r.phys, &r.pages, r.what) == 4 &&
			   d->maps < LINES) {
			d->map[d->maps++] = r;
		} else if (sscanf(line, "table 0x%lx", &word) == 1 && d->tables < LINES) {
			d->table[d->tables++] = word;
		} else if (sscanf(line, "block 0x%lx 0x%lx", &at, &word) == 2) {
			*(at < 4096 ? &d->secrets : &d->own_secrets) += is_secret(word);
		} else {
			d->complete = !strcmp(line, "end\n");
			return true;
		}
	}
	return false;
}

/* Each owner's pages are mapped with his rights, and as many as that. */
static void check_exactly(struct __test_metadata *_metadata, const struct dump *d)
{
	static const struct {
		const char *kind, *rights;
	} rights[] = { { "memory", "uwx" }, { "shared", "u-x" }, { "text", "s-x" }, { "block", "sw-" },
		       { "page0", "sw-" }, { "tables", "sw-" }, { "idt", "s--" } };
	bool found;

	EXPECT_EQ(d->maps, d->owns);
	for (int i = 0; i < d->owns; i++) {
		const struct run *own = &d->own[i];
		const char *want = "?";

		for (size_t j = 0; j < sizeof(rights) / sizeof(rights[0]); j++)
			if (!strcmp(own->what, rights[j].kind))
				want = rights[j].rights;
		found = false;
		for (int j = 0; j < d->maps; j++)
			found |= d->map[j].addr == own->addr && d->map[j].phys == own->phys &&
				 d->map[j].pages == own->pages && !strcmp(d->map[j].what, want);
		EXPECT_TRUE(found)
			TH_LOG("CPU %d, VM %lu: %s at 0x%lx, %u pages, isn't mapped as it should be", d->cpu, d->id,
			       own->what, own->addr, own->pages);
	}
}

static bool overlap(uint64_t a, uint64_t a_pages, uint64_t b, uint64_t b_pages)
{
	return a < b + b_pages * 4096 && b < a + a_pages * 4096;
}

/* What the guest reaches holds no table, and nothing of the monitor's. */
static void check_apart(struct __test_metadata *_metadata, const struct dump *d)
{
	for (int i = 0; i < d->maps; i++) {
		if (d->map[i].what[0] != 'u')
			continue;
		for (int j = 0; j < d->tables; j++)
			EXPECT_FALSE(overlap(d->map[i].phys, d->map[i].pages, d->table[j], 1));
		for (int j = 0; j < d->maps; j++)
			if (d->map[j].what[0] == 's')
				EXPECT_FALSE(overlap(d->map[i].phys, d->map[i].pages, d->map[j].phys, d->map[j].pages));
	}
}

/* Returns whether all VMs were on a CPU often enough while another asked. */
static bool look(struct __test_metadata *_metadata, struct _test_data_tables *self,
		 void (*check)(struct __test_metadata *, const struct dump *))
{
	static int asking;
	bool all = true;
	FILE *f;

	pin_to_cpu(asking++ & 1);
	f = fopen(TABLES, "r");
	if (!f)
		return false;
	while (dump_read(f, self->dump)) {
		if (!self->dump->id)
			continue;
		EXPECT_TRUE(self->dump->complete);
		check(_metadata, self->dump);
		for (size_t i = 0; i < VMS; i++)
			self->seen[i] += self->id[i] == self->dump->id;
	}
	fclose(f);
	for (size_t i = 0; i < VMS; i++)
		all &= self->seen[i] >= DUMPS;
	return all;
}

TEST_F_TIMEOUT(tables, memory_switcher_and_block_and_nothing_else, 120)
{
	EXPECT_TRUE(wait_until(look(_metadata, self, check_exactly), SOON_MS));
}

TEST_F_TIMEOUT(tables, no_frame_has_two_owners, 120)
{
	EXPECT_TRUE(wait_until(look(_metadata, self, check_apart), SOON_MS));
}

/*
 * Two clones of a template. They have the same frames where they read what it left, and what they
 * have written to is in frames that only one has: this is seen in the tables, whatever their owners say.
 */
#define CLONE_PAGES	(GUEST_MEM / 4096)

static uint64_t clone_id[2];
static struct {
	uint64_t frame[CLONE_PAGES];
	char rights[CLONE_PAGES];	/* w, or - */
} clones[2];

static void note_clones(struct __test_metadata *_metadata, const struct dump *d)
{
	for (int n = 0; n < 2; n++) {
		if (d->id != clone_id[n])
			continue;
		memset(&clones[n], 0, sizeof(clones[n]));
		for (int i = 0; i < d->maps; i++) {
			const struct run *run = &d->map[i];

			for (uint32_t j = 0; j < run->pages && run->what[0] == 'u'; j++) {
				ASSERT_LT(run->addr / 4096 + j, CLONE_PAGES);
				clones[n].frame[run->addr / 4096 + j] = run->phys + j * 4096;
				clones[n].rights[run->addr / 4096 + j] = run->what[1];
			}
		}
	}
}

TEST_F_TIMEOUT(tables, clones_share_what_they_only_read, 120)
{
	int shared = 0, own = 0;

	clone_id[0] = self->id[VMS - 2];
	clone_id[1] = self->id[VMS - 1];
	EXPECT_TRUE(wait_until(look(_metadata, self, note_clones), SOON_MS));
	for (int i = 1; i < CLONE_PAGES; i++) {
		if (clones[0].rights[i] == '-' && clones[1].rights[i] == '-') {
			EXPECT_EQ(clones[0].frame[i], clones[1].frame[i]);
			shared++;
		}
		for (int j = 1; j < CLONE_PAGES && clones[0].rights[i] == 'w'; j++)
			EXPECT_NE(clones[0].frame[i], clones[1].frame[j]);
		for (int j = 1; j < CLONE_PAGES && clones[1].rights[i] == 'w'; j++)
			EXPECT_NE(clones[1].frame[i], clones[0].frame[j]);
		own += clones[0].rights[i] == 'w';
	}
	EXPECT_GT(shared, 8);
	EXPECT_GT(own, 8);
}

/* Of the monitor's, nothing is writable and executable. */
static void check_rights(struct __test_metadata *_metadata, const struct dump *d)
{
	for (int i = 0; i < d->maps; i++)
		EXPECT_STRNE(d->map[i].what, "swx");
}

TEST_F_TIMEOUT(tables, nothing_writable_is_executable, 120)
{
	EXPECT_TRUE(wait_until(look(_metadata, self, check_rights), SOON_MS));
}

/*
 * Words of a VM that holds secrets are in the page behind the block while that VM is on, and not
 * after. In the block, which all VMs of a CPU have in common, they never are.
 */
static uint64_t secretive[2];
static int with_secret;

static void check_block(struct __test_metadata *_metadata, const struct dump *d)
{
	bool own = d->id == secretive[0] || d->id == secretive[1];

	with_secret += own && d->own_secrets;
	EXPECT_EQ(d->secrets + (own ? 0 : d->own_secrets), 0)
		TH_LOG("CPU %d, VM %lu", d->cpu, d->id);
}

TEST_F_TIMEOUT(tables, block_holds_nothing_of_a_vm, 180)
{
	secretive[0] = self->id[0];
	secretive[1] = self->id[1];
	with_secret = 0;
	/* A while longer, for NMIs to hit. */
	for (int n = 0; n < (self->monitor < 0 ? 1 : 10); n++) {
		memset(self->seen, 0, sizeof(self->seen));
		EXPECT_TRUE(wait_until(look(_metadata, self, check_block), SOON_MS));
	}
	EXPECT_GT(with_secret, 0);
}

TEST_HARNESS_MAIN
