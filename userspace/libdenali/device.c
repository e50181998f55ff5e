// SPDX-License-Identifier: MIT
/*
 * /dev/denali itself: opening it, what it says of host and pool, and the pool's size.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int denali_dev_open(struct denali_error *err)
{
	int dev = open(DENALI_DEVICE, O_RDWR | O_CLOEXEC);

	if (dev >= 0)
		return dev;

	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		if (!access("/sys/module/denali", F_OK))
			return denali_fail(err, ENOENT,
					   "%s: not there although the denali module is loaded; is udev running, or devtmpfs mounted on /dev?",
					   DENALI_DEVICE);
		return denali_fail(err, ENOENT,
				   "%s: not there: the denali module is not loaded; as root: modprobe denali",
				   DENALI_DEVICE);
	case EACCES:
	case EPERM:
		return denali_fail(err, EACCES,
				   "%s: permission denied; be root, or join the group denali (usermod -aG denali USER, then log in again)",
				   DENALI_DEVICE);
	default:
		return denali_fail(err, errno, DENALI_DEVICE ": %s", strerror(errno));
	}
}

int denali_dev_info(int dev, struct denali_info *info, struct denali_error *err)
{
	memset(info, 0, sizeof(*info));
	if (ioctl(dev, DENALI_IOC_INFO, info) < 0)
		return denali_fail(err, errno, DENALI_DEVICE ": information: %s", strerror(errno));
	info->scheduler[sizeof(info->scheduler) - 1] = '\0';
	info->version[sizeof(info->version) - 1] = '\0';
	return 0;
}

int denali_dev_pool_set(int dev, uint64_t bytes, uint64_t *reached, struct denali_error *err)
{
	struct denali_pool_set set = { .bytes = bytes };
	char want[DENALI_SIZE_TEXT], got[DENALI_SIZE_TEXT];
	int code = 0;

	if (ioctl(dev, DENALI_IOC_POOL_SET, &set) < 0)
		code = errno;
	if (reached)
		*reached = set.bytes;

	denali_size_format(want, bytes);
	denali_size_format(got, set.bytes);
	switch (code) {
	case 0:
		return 0;
	case EPERM:
		return denali_fail(err, EPERM,
				   "pool: resizing it needs CAP_SYS_ADMIN; run it as root");
	case ENOMEM:
		return denali_fail(err, ENOMEM,
				   "pool: wanted %s, reached %s: the host has no more memory to spare",
				   want, got);
	case EBUSY:
		return denali_fail(err, EBUSY,
				   "pool: wanted %s, reached %s: VMs use the rest; destroy some first",
				   want, got);
	case EOPNOTSUPP:
		return denali_fail(err, EOPNOTSUPP,
				   "pool: made with pool_phys=, its size is fixed; load the module with pool= instead");
	default:
		return denali_fail(err, code, "pool: resizing to %s: %s", want, strerror(code));
	}
}
