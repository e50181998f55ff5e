// SPDX-License-Identifier: GPL-2.0
/*
 * run: a VM in the foreground. It isn't persistent, so that it and a tap made for
 * it can't outlive this process, however that ends.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static int run_fail(struct ctl_boot *boot, const struct denali_error *err)
{
	ctl_fail(err);
	ctl_boot_undo(boot);
	return CTL_NOT_RUN;
}

int ctl_cmd_run(struct ctl_words *words)
{
	struct ctl_stream stream = { .input = true };
	struct denali_vm_state state;
	struct denali_error err;
	enum ctl_stream_end end;
	struct ctl_boot boot;
	unsigned int i;
	int status;

	ctl_boot_parse(&boot, words, CTL_FROM_ANY, false);
	if (ctl_boot_make(&boot, 0, &err)) {
		ctl_fail(&err);
		ctl_boot_close(&boot);
		return CTL_NOT_RUN;
	}
	for (i = 0; i < boot.nr_nics; i++)
		ctl_nic_notes(boot.nic[i]);

	stream.vm_fd = denali_vm_fd(boot.vm);
	stream.console = denali_vm_console(boot.vm, &err);
	if (stream.console < 0 || denali_vm_start(boot.vm, &err))
		return run_fail(&boot, &err);

	end = ctl_stream_run(&stream);
	if (end != CTL_STREAM_ENDED)
		denali_vm_kill(boot.vm, NULL);
	if (denali_vm_wait(boot.vm, -1, &state, &err))
		return run_fail(&boot, &err);

	if (end == CTL_STREAM_SIGNAL) {
		ctl_note("VM %s (id %llu): killed on signal %d (%s)", state.name,
			 (unsigned long long)state.id, stream.signal, strsignal(stream.signal));
		status = CTL_SIGNAL + stream.signal;
	} else if (end == CTL_STREAM_OUTPUT) {
		ctl_note("VM %s (id %llu): killed, as standard output can't be written",
			 state.name, (unsigned long long)state.id);
		status = CTL_SIGNAL + SIGPIPE;
	} else {
		ctl_end_report(&state);
		status = ctl_end_status(&state);
	}
	close(stream.console);
	ctl_boot_close(&boot);
	return status;
}
