// SPDX-License-Identifier: GPL-2.0
/* newlib on the libos: formats, strings, mathematics, streams shared by threads, randomness, arguments. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <denali-os/bootargs.h>

#include "libos-tap.h"

#define LINES	40

static int built_before_main;

__attribute__((constructor)) static void build(void)
{
	built_before_main = 1;
}

static void *print_lines(void *arg)
{
	for (int i = 0; i < LINES; i++) {
		printf("# thread %d says the quick brown fox jumps over the lazy dog\n", (int)(intptr_t)arg);
		if (i % 8 == 0)
			sched_yield();
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static jmp_buf env;

static void __attribute__((noinline)) jump(volatile char *frame)
{
	frame[0] = 1;
	longjmp(env, 42);
}

int main(int argc, char **argv)
{
	unsigned char r1[32] = { 0 }, r2[32] = { 0 };
	int numbers[] = { 5, -3, 9, 0 };
	pthread_t thread[3];
	char buf[128];
	time_t t = 86400 * 365LL * 80;	/* beyond 2038 */
	struct tm tm;
	int a;
	float f;

	snprintf(buf, sizeof(buf), "%d %5.2f %-4s| %08x %lld %c %g %e", -7, 3.14159, "ab", 0xbeef, 1LL << 40,
		 'z', 0.1, 12345.678);
	tap_ok(!strcmp(buf, "-7  3.14 ab  | 0000beef 1099511627776 z 0.1 1.234568e+04"), "formats: %s", buf);
	tap_ok(sscanf("12 0x1f 2.5 word", "%d %i %f %9s", &a, &numbers[3], &f, buf) == 4 &&
	       numbers[3] == 31 && f == 2.5f, "sscanf");
	qsort(numbers, 4, sizeof(int), compare);
	tap_ok(numbers[0] == -3 && numbers[3] == 31, "qsort");
	tap_ok(fabs(sin(1.0) - 0.8414709848078965) < 0.000000000001 && sqrt(2.0) > 1.41421 && pow(2, 10) == 1024, "libm");
	gmtime_r(&t, &tm);
	tap_ok(sizeof(time_t) == 8 && tm.tm_year == 149, "time_t goes beyond 2038");
	a = setjmp(env);
	if (!a)
		jump(buf);
	tap_ok(a == 42, "setjmp and longjmp");
	tap_ok(strtol("zzz", NULL, 36) == 46655 && strtod("1e3", NULL) == 1000, "strtol, strtod");
	errno = 0;
	tap_ok(strtol("99999999999", NULL, 10) == 2147483647 && errno == ERANGE, "ERANGE");
	tap_ok(!strcmp(strerror(ENOMEM), "Not enough space") || *strerror(ENOMEM), "strerror: %s", strerror(ENOMEM));
	tap_ok(built_before_main, "constructors ran before main()");
	tap_ok(!getentropy(r1, 32) && !getentropy(r2, 32) && memcmp(r1, r2, 32), "getentropy gives different bytes");
	tap_ok(getentropy(buf, 257) == -1 && errno == EIO, "more than 256 at a time is EIO");
	tap_ok(argc == 4 && !strcmp(argv[1], "one=1") && !strcmp(argv[2], "two=a b") &&
	       !strcmp(argv[3], "three") && !argv[4],
	       "boot arguments are main()'s: one=1 two=\"a b\" three");
	tap_ok(denali_bootarg("two", buf, sizeof(buf)) && !strcmp(buf, "a b") &&
	       !denali_bootarg("tw", buf, sizeof(buf)) &&
	       denali_bootarg_int("one", 5) == 1 && denali_bootarg_int("none", 5) == 5, "boot arguments by name");
	tap_ok(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_NPROCESSORS_ONLN) == 1, "sysconf");
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, print_lines, (void *)(intptr_t)i);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	/* The test that runs this counts them. */
	printf("# %d lines of threads were printed\n", 3 * LINES);
	return tap_done();
}
