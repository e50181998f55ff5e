// SPDX-License-Identifier: GPL-2.0
/* The console: what a guest prints, what it is told, and who waits for whom. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib.h"
#include "nl.h"

FIXTURE(con) {
	int dev;
	char *buf;
};

#define BUF	(4 << 20)

FIXTURE_SETUP(con)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->buf = malloc(BUF);
}

FIXTURE_TEARDOWN(con)
{
	free(self->buf);
	close(self->dev);
}

static int start(int dev, const char *cmd, int *con)
{
	return guest_start_console(dev, "console", GUEST_MEM, cmd, con);
}

TEST_F(con, hello)
{
	int con, vm = start(self->dev, "hello", &con);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 6);
	EXPECT_STREQ(self->buf, "hello\n");
	close(con);
	close(vm);
}

/* What was printed can still be read after the end; then the end of file, again and again. */
TEST_F(con, read_after_the_end)
{
	int con, vm = start(self->dev, "hello", &con);

	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	EXPECT_EQ(read(con, self->buf, 3), 3);
	EXPECT_EQ(read(con, self->buf, 100), 3);
	EXPECT_EQ(read(con, self->buf, 100), 0);
	EXPECT_EQ(read(con, self->buf, 100), 0);
	close(con);
	close(vm);
}

/* Most VMs print a line or two: the host keeps those, and not a page for more. */
TEST_F(con, a_line_takes_no_page)
{
	int vm = guest_make(self->dev, "console", GUEST_MEM, "hello");
	struct nl_vm before, after;
	uint64_t id;

	ASSERT_GE(vm, 0);
	id = vm_id(vm);
	ASSERT_TRUE(vm_counters(id, &before));
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	ASSERT_TRUE(vm_counters(id, &after));
	EXPECT_GT(after.kmem_bytes, before.kmem_bytes);
	EXPECT_LE(after.kmem_bytes, before.kmem_bytes + 1024);
	close(vm);
}

/* Opened only when all is over. */
TEST_F(con, open_after_the_end)
{
	int con, vm = guest_start(self->dev, "console", GUEST_MEM, "hello");

	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	con = console_open(vm);
	ASSERT_GE(con, 0);
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 6);
	EXPECT_STREQ(self->buf, "hello\n");
	close(con);
	close(vm);
}

TEST_F(con, order)
{
	int con, vm = start(self->dev, "lines 2000", &con);
	char want[32];

	ASSERT_GE(vm, 0);
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 2000 * 16);
	for (int i = 0; i < 2000; i++) {
		snprintf(want, sizeof(want), "line %010d\n", i);
		ASSERT_EQ(strncmp(self->buf + i * 16, want, 16), 0)
			TH_LOG("line %d is \"%.16s\"", i, self->buf + i * 16);
	}
	close(con);
	close(vm);
}

TEST_F(con, several_requests_at_once)
{
	struct denali_vm_state st;
	int con, vm = start(self->dev, "batch", &con);

	ASSERT_GE(vm, 0);
	EXPECT_GT(console_read(con, self->buf, BUF, SOON_MS), 0);
	EXPECT_STREQ(self->buf, "one two three four five six seven\n");
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	close(con);
	close(vm);
}

TEST_F(con, large_request)
{
	int con, vm = start(self->dev, "big", &con);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 20000);
	for (int i = 0; i < 20000; i++)
		ASSERT_EQ(self->buf[i], 'a' + i % 26);
	close(con);
	close(vm);
}

TEST_F(con, read_blocks)
{
	int con, status, vm = start(self->dev, "echo", &con);
	pid_t pid;

	ASSERT_GE(vm, 0);
	ASSERT_GT(console_expect(con, self->buf, BUF, "ready\n", SOON_MS), 0);
	pid = fork();
	if (!pid) {
		char c = 0;

		_exit(read(con, &c, 1) == 1 && c == 'x' ? 0 : 1);
	}
	/* Not before there is something. */
	EXPECT_FALSE(wait_until(waitpid(pid, &status, WNOHANG), 200));
	EXPECT_EQ(write(con, "x", 1), 1);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_EQ(status, 0);
	close(con);
	close(vm);
}

TEST_F(con, reader_sees_the_end)
{
	int con, status, vm = start(self->dev, "lines-idle 1", &con);
	pid_t pid;

	ASSERT_GE(vm, 0);
	EXPECT_GT(console_expect(con, self->buf, BUF, "\n", SOON_MS), 0);
	pid = fork();
	if (!pid) {
		char c;

		_exit(read(con, &c, 1) == 0 ? 0 : 1);
	}
	EXPECT_FALSE(wait_until(waitpid(pid, &status, WNOHANG), 100));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_EQ(status, 0);
	close(con);
	close(vm);
}

TEST_F(con, reader_can_be_interrupted)
{
	int con, status, vm = start(self->dev, "lines-idle 0", &con);
	pid_t pid;

	ASSERT_GE(vm, 0);
	pid = fork();
	if (!pid) {
		char c;

		_exit(read(con, &c, 1));
	}
	EXPECT_FALSE(wait_until(waitpid(pid, &status, WNOHANG), 100));
	kill(pid, SIGTERM);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(con);
	close(vm);
}

TEST_F(con, nonblock)
{
	int con, vm = start(self->dev, "lines-idle 0", &con);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(fcntl(con, F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQ(read(con, self->buf, 10), -1);
	EXPECT_EQ(errno, EAGAIN);
	/* Nobody takes the input: it fills up, and then says so. */
	for (int i = 0; i < 1000; i++)
		if (write(con, self->buf, 4096) < 0)
			break;
	EXPECT_EQ(write(con, self->buf, 4096), -1);
	EXPECT_EQ(errno, EAGAIN);
	close(con);
	close(vm);
}

TEST_F(con, poll)
{
	struct pollfd pfd = { .events = POLLIN | POLLOUT };
	int con, vm = start(self->dev, "echo", &con);

	ASSERT_GE(vm, 0);
	ASSERT_GT(console_expect(con, self->buf, BUF, "ready\n", SOON_MS), 0);
	pfd.fd = con;
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(pfd.revents, POLLOUT);
	EXPECT_EQ(write(con, "a", 1), 1);
	pfd.events = POLLIN;
	EXPECT_EQ(poll(&pfd, 1, SOON_MS), 1);
	EXPECT_EQ(pfd.revents, POLLIN);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(read(con, self->buf, 10), 1);
	EXPECT_EQ(poll(&pfd, 1, SOON_MS), 1);
	EXPECT_TRUE(pfd.revents & POLLHUP);
	close(con);
	close(vm);
}

TEST_F(con, echo)
{
	struct denali_vm_state st;
	char text[3001];
	int con, vm = start(self->dev, "echo", &con);
	size_t sent = 0;

	ASSERT_GE(vm, 0);
	ASSERT_GT(console_expect(con, self->buf, BUF, "ready\n", SOON_MS), 0);
	for (int i = 0; i < 3000; i++)
		text[i] = 'a' + i % 23;
	text[2999] = '.';
	text[3000] = 0;
	while (sent < 3000) {
		ssize_t n = write(con, text + sent, 3000 - sent);

		ASSERT_GT(n, 0);
		sent += n;
	}
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 3000 + 5);
	EXPECT_EQ(strncmp(self->buf, text, 3000), 0);
	EXPECT_STREQ(self->buf + 3000, "done\n");
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	close(con);
	close(vm);
}

/* Input that is there before the guest looks isn't lost. */
TEST_F(con, input_before_start)
{
	int con, vm = guest_make(self->dev, "console", GUEST_MEM, "echo");

	ASSERT_GE(vm, 0);
	con = console_open(vm);
	ASSERT_GE(con, 0);
	EXPECT_EQ(write(con, "early.", 6), 6);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_GT(console_read(con, self->buf, BUF, SOON_MS), 0);
	EXPECT_NE(strstr(self->buf, "early."), NULL);
	close(con);
	close(vm);
}

TEST_F(con, write_after_the_end)
{
	int con, vm = start(self->dev, "hello", &con);

	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(write(con, "x", 1), -1);
	EXPECT_GT(errno, 0);
	close(con);
	close(vm);
}

/* Nobody reads: the guest isn't held up, the host doesn't grow, and what is lost is counted. */
TEST_F_TIMEOUT(con, nobody_reads, 60)
{
	struct nl_vm before, after;
	volatile uint32_t *progress;
	ssize_t len;
	uint64_t id;
	int con, vm = guest_make(self->dev, "console", GUEST_MEM, "lines-idle 20000");

	ASSERT_GE(vm, 0);
	id = vm_id(vm);
	progress = guest_var(vm, "console", "progress");
	ASSERT_NE(progress, NULL);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	ASSERT_TRUE(wait_until(*progress > 10000, SOON_MS));
	ASSERT_TRUE(vm_counters(id, &before));
	ASSERT_TRUE(wait_until(*progress == ~0U, SOON_MS));
	ASSERT_TRUE(vm_counters(id, &after));
	EXPECT_LE(after.kmem_bytes, before.kmem_bytes + 65536);
	EXPECT_GT(after.console_lost, 0);
	con = console_open(vm);
	ASSERT_GE(con, 0);
	EXPECT_EQ(fcntl(con, F_SETFL, O_NONBLOCK), 0);
	len = read(con, self->buf, BUF);
	ASSERT_GT(len, 0);
	EXPECT_LT(len, 1 << 20);
	while (read(con, self->buf + len, BUF - len) > 0)
		;
	/* Kept and lost are all that there was; what is kept is the newest. */
	EXPECT_EQ(after.console_lost + len, 20000 * 16);
	EXPECT_EQ(strncmp(self->buf + len - 16, "line 0000019999\n", 16), 0);
	guest_var_put(progress);
	close(con);
	close(vm);
}

/* A reader that is slow: the guest waits, nothing is lost. */
TEST_F_TIMEOUT(con, slow_reader, 60)
{
	uint32_t seen;
	volatile uint32_t *progress;
	struct nl_vm counters;
	char want[32];
	size_t len;
	ssize_t n;
	int con, vm = start(self->dev, "lines-idle 40000", &con);

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "console", "progress");
	ASSERT_NE(progress, NULL);
	/* It stops by itself, before its end: no progress for a while. */
	do {
		seen = *progress;
	} while (wait_until(*progress != seen, 500));
	EXPECT_LT(seen, 40000);
	EXPECT_FALSE(vm_ended(vm));
	for (len = 0; len < 40000 * 16; len += n) {
		n = read(con, self->buf + len, 4096);
		ASSERT_GT(n, 0);
	}
	EXPECT_EQ(len, 40000 * 16);
	for (int i = 0; i < 40000; i += 37) {
		snprintf(want, sizeof(want), "line %010d\n", i);
		ASSERT_EQ(strncmp(self->buf + i * 16, want, 16), 0);
	}
	ASSERT_TRUE(vm_counters(vm_id(vm), &counters));
	EXPECT_EQ(counters.console_lost, 0);
	guest_var_put(progress);
	close(con);
	close(vm);
}

/* The reader goes away while the guest waits for it: the guest goes on. */
TEST_F_TIMEOUT(con, reader_goes_away, 60)
{
	uint32_t seen;
	volatile uint32_t *progress;
	int con, vm = start(self->dev, "lines-idle 40000", &con);

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "console", "progress");
	ASSERT_NE(progress, NULL);
	do {
		seen = *progress;
	} while (wait_until(*progress != seen, 500));
	EXPECT_LT(seen, 40000);
	close(con);
	EXPECT_TRUE(wait_until(*progress == ~0U, SOON_MS));
	guest_var_put(progress);
	close(vm);
}

/* A VM that waits for its reader can be stopped, started and killed. */
TEST_F_TIMEOUT(con, kill_one_that_waits, 60)
{
	uint32_t seen;
	volatile uint32_t *progress;
	struct denali_vm_state st;
	int con, vm = start(self->dev, "lines-idle 40000", &con);

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "console", "progress");
	ASSERT_NE(progress, NULL);
	do {
		seen = *progress;
	} while (wait_until(*progress != seen, 500));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	guest_var_put(progress);
	close(con);
	close(vm);
}

/* The console's descriptor doesn't keep the VM alive, and outlives it unharmed. */
TEST_F(con, outlives_the_vm)
{
	unsigned int vms = vm_count(self->dev);
	int con, vm = start(self->dev, "lines-idle 3", &con);

	ASSERT_GE(vm, 0);
	EXPECT_GT(console_expect(con, self->buf, BUF, "line 0000000002\n", SOON_MS), 0);
	close(vm);
	EXPECT_EQ(console_read(con, self->buf, BUF, SOON_MS), 0);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(write(con, "x", 1), -1);
	close(con);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == vms, SOON_MS));
}

TEST_F(con, bad_buffers)
{
	char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int con, vm = start(self->dev, "lines-idle 3", &con);

	ASSERT_GE(vm, 0);
	EXPECT_TRUE(wait_until(({ struct pollfd p = { con, POLLIN }; poll(&p, 1, 0); }) == 1, SOON_MS));
	EXPECT_EQ(read(con, bad, 10), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(write(con, bad, 10), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(read(con, self->buf, 0), 0);
	EXPECT_EQ(write(con, self->buf, 0), 0);
	EXPECT_GT(console_expect(con, self->buf, BUF, "line 0000000002\n", SOON_MS), 0);
	close(con);
	close(vm);
}

/* Two descriptors: each byte goes to one of the readers. */
TEST_F(con, two_readers)
{
	char other[64000];
	int con, two, vm = guest_make(self->dev, "console", GUEST_MEM, "lines 1000");
	size_t a = 0, b = 0;
	ssize_t n;

	ASSERT_GE(vm, 0);
	con = console_open(vm);
	two = console_open(vm);
	ASSERT_GE(con, 0);
	if (two < 0) {
		EXPECT_EQ(errno, EBUSY);
		close(con);
		close(vm);
		SKIP(return, "the console has one reader at a time");
	}
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	for (;;) {
		n = read(con, self->buf, 100);
		ASSERT_GE(n, 0);
		a += n;
		if (!n)
			break;
		n = read(two, other, 100);
		ASSERT_GE(n, 0);
		b += n;
	}
	EXPECT_EQ(a + b, 16000);
	EXPECT_GT(b, 0);
	close(con);
	close(two);
	close(vm);
}

TEST_HARNESS_MAIN
