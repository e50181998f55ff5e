// SPDX-License-Identifier: GPL-2.0
/*
 * kexec load KERNEL INITRD CMDLINE   a kernel to go on with
 * kexec crash KERNEL INITRD CMDLINE  one for when this one panics
 * kexec now                          go on with it
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/reboot.h>

int main(int argc, char **argv)
{
	unsigned long flags;
	int kernel, initrd;

	if (argc == 2 && !strcmp(argv[1], "now")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
		perror("kexec now");
		return 1;
	}
	if (argc != 5) {
		fprintf(stderr, "usage: kexec load|crash KERNEL INITRD CMDLINE, or kexec now\n");
		return 2;
	}
	flags = strcmp(argv[1], "crash") ? 0 : KEXEC_FILE_ON_CRASH;
	kernel = open(argv[2], O_RDONLY);
	initrd = open(argv[3], O_RDONLY);
	if (kernel < 0 || initrd < 0 ||
	    syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[4]) + 1, argv[4], flags)) {
		perror("kexec");
		return 1;
	}
	return 0;
}
