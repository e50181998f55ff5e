// SPDX-License-Identifier: GPL-2.0
/*
 * console: attaches to the console of a VM that runs by itself.
 */
#include <string.h>
#include <unistd.h>

#include "ctl.h"

int ctl_cmd_console(struct ctl_words *words)
{
	struct ctl_stream stream = { .input = true, .detach = true };
	const char *who = ctl_need(words, "NAME");
	struct denali_error err;
	enum ctl_stream_end end;
	struct denali_vm *vm;
	const char *word;

	while ((word = ctl_next(words))) {
		if (!strcmp(word, "-n") || !strcmp(word, "--no-follow"))
			stream.dump = true;
		else if (strcmp(word, "-f") && strcmp(word, "--follow"))
			ctl_usage("'%s' is neither -n nor --follow", word);
		stream.input = false;
	}

	vm = ctl_open_one(who);
	if (!vm)
		return CTL_FAILED;
	stream.vm_fd = denali_vm_fd(vm);
	stream.console = denali_vm_console(vm, &err);
	if (stream.console < 0) {
		denali_vm_close(vm);
		return ctl_fail(&err);
	}
	if (stream.input && isatty(STDIN_FILENO))
		ctl_note("VM %s (id %llu): attached; ^] detaches", denali_vm_name(vm),
			 (unsigned long long)denali_vm_id(vm));
	end = ctl_stream_run(&stream);
	close(stream.console);
	denali_vm_close(vm);
	if (end == CTL_STREAM_SIGNAL)
		return CTL_SIGNAL + stream.signal;
	return end == CTL_STREAM_OUTPUT ? CTL_SIGNAL + SIGPIPE : CTL_OK;
}
