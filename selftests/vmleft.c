// SPDX-License-Identifier: GPL-2.0
/*
 * vmleft: what run_kselftest.sh asks between tests. Without arguments it prints
 * the pool's size, its free bytes and the number of VMs; with --destroy it removes every VM, so that
 * one test's mess isn't the next one's failure.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"

static void destroy_all(int dev)
{
	struct denali_info info;
	uint64_t last, id;
	int vm;

	/* Ids only grow: a new VM's is the end of the search. */
	dev_info(dev, &info);
	vm = vm_create_id(dev, info.min_memory, 0, NULL, &last);
	if (vm < 0) {
		perror("vmleft: cannot create a VM to learn the last id");
		return;
	}
	close(vm);
	for (id = 1; id < last; id++) {
		vm = vm_open_id(dev, id);
		if (vm < 0)
			continue;
		vm_ctl(vm, DENALI_IOC_VM_DESTROY);
		close(vm);
	}
}

int main(int argc, char **argv)
{
	struct denali_info info;
	int dev = dev_open();

	if (dev < 0) {
		perror(DENALI_DEVICE);
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "--destroy"))
		destroy_all(dev);
	dev_info(dev, &info);
	printf("%llu %llu %u\n", (unsigned long long)info.pool_bytes,
	       (unsigned long long)info.pool_free, info.vms);
	return 0;
}
