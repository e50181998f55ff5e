// SPDX-License-Identifier: GPL-2.0
/*
 * wait: until VMs have ended. All names are opened first, so that one that is
 * mistyped shows at once and one that ends early isn't missed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define MAX_SECONDS	(365UL * 86400)

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Waits in pieces that poll() can take. */
static int wait_until(struct denali_vm *vm, long long deadline, struct denali_vm_state *state,
		      struct denali_error *err)
{
	for (;;) {
		long long left = deadline < 0 ? -1 : deadline - now_ms();
		int ret;

		if (deadline >= 0 && left < 0)
			left = 0;
		ret = denali_vm_wait(vm, left > 3600000 ? 3600000 : (int)left, state, err);
		if (ret != -EINTR && (ret != -ETIMEDOUT || left <= 3600000))
			return ret;
	}
}

static int wait_all(struct denali_vm **vms, int nr, long long seconds)
{
	long long deadline = seconds < 0 ? -1 : now_ms() + seconds * 1000;
	int status = CTL_OK;
	int i;

	for (i = 0; i < nr; i++) {
		struct denali_vm_state state;
		struct denali_error err;
		char line[512];
		int ret = wait_until(vms[i], deadline, &state, &err);

		if (ret == -ETIMEDOUT) {
			denali_vm_get_state(vms[i], &state, NULL);
			err.code = ETIMEDOUT;
			snprintf(err.message, sizeof(err.message),
				 "VM %s (id %llu): still %s after %lld s", denali_vm_name(vms[i]),
				 (unsigned long long)denali_vm_id(vms[i]),
				 denali_vm_state_name(state.state), seconds);
			ctl_fail(&err);
			return CTL_TIMEOUT;
		}
		if (ret)
			return ctl_fail(&err);
		ctl_end_line(&state, line, sizeof(line));
		ret = ctl_print_line(ctl_end_object(&state), "%s", line);
		if (!status)
			status = ctl_end_status(&state);
		if (!status)
			status = ret;
	}
	return status;
}

int ctl_cmd_wait(struct ctl_words *words)
{
	struct denali_vm **vms = calloc(words->count + 1, sizeof(*vms));
	long long seconds = -1;
	struct denali_error err;
	const char *word;
	int nr = 0, status = CTL_OK;
	int dev, i;

	if (!vms)
		ctl_usage("out of memory");
	/* No cut keywords here: they would look like names. */
	for (i = 0; i < words->count; i++)
		if (!strcmp(words->word[i], "timeout") && i + 1 < words->count)
			seconds = ctl_number(words->word[i + 1], "timeout: seconds", MAX_SECONDS);

	word = ctl_need(words, "NAME");
	dev = denali_dev_open(&err);
	if (dev < 0) {
		free(vms);
		return ctl_fail(&err);
	}
	for (; word && !status; word = ctl_next(words)) {
		if (!strcmp(word, "timeout")) {
			ctl_need(words, "timeout: seconds");
			continue;
		}
		vms[nr] = ctl_open_vm(dev, word);
		if (!vms[nr])
			status = CTL_FAILED;
		else
			nr++;
	}
	if (!status && !nr)
		ctl_usage("NAME is missing");
	if (!status)
		status = wait_all(vms, nr, seconds);
	for (i = 0; i < nr; i++)
		denali_vm_close(vms[i]);
	free(vms);
	close(dev);
	return status;
}
