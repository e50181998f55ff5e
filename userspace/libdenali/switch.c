// SPDX-License-Identifier: MIT
/*
 * Switches: the module's own Ethernet, made and equipped. What is on one is told by
 * netlink, and a NIC is plugged into one like into a tap.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int denali_switch_name_check(const char *name, struct denali_error *err)
{
	size_t len = strlen(name);

	if (!len || len >= DENALI_NAME_SIZE ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != len)
		return denali_fail(err, EINVAL,
				   "switch '%s': only letters, digits, '_', '.' and '-' are allowed, at least 1 and at most %d",
				   name, DENALI_NAME_SIZE - 1);
	return 0;
}

/* What any request on a switch may fail with. */
static int denali_switch_fail(const char *name, const char *what, int code, struct denali_error *err)
{
	switch (code) {
	case EPERM:
		return denali_fail(err, EPERM, "switch %s: %s needs CAP_NET_ADMIN; run it as root",
				   name, what);
	case ENOENT:
		return denali_fail(err, ENOENT,
				   "switch %s: does not exist (denalictl switch show lists what does)",
				   name);
	case ENOTTY:
		return denali_fail(err, EOPNOTSUPP,
				   "switch %s: the denali module that is loaded has no switches; load a newer one",
				   name);
	default:
		return denali_fail(err, code, "switch %s: %s: %s", name, what, strerror(code));
	}
}

int denali_switch_add(int dev, const char *name, unsigned int flags, uint32_t uid,
		      struct denali_error *err)
{
	struct denali_switch_add add = { .flags = flags, .uid = uid };
	int ret = denali_switch_name_check(name, err);

	if (ret)
		return ret;
	strcpy(add.name, name);
	if (ioctl(dev, DENALI_IOC_SWITCH_ADD, &add) == 0)
		return 0;
	if (errno == EEXIST)
		return denali_fail(err, EEXIST,
				   "switch %s: there is one of that name; choose another, or: denalictl switch del %s",
				   name, name);
	return denali_switch_fail(name, "making one", errno, err);
}

int denali_switch_del(int dev, const char *name, struct denali_error *err)
{
	struct denali_switch_del del = { 0 };
	int ret = denali_switch_name_check(name, err);

	if (ret)
		return ret;
	strcpy(del.name, name);
	if (ioctl(dev, DENALI_IOC_SWITCH_DEL, &del) == 0)
		return 0;
	return denali_switch_fail(name, "deleting it", errno, err);
}

int denali_switch_set_tap(int dev, const char *name, unsigned int role,
			  const struct denali_nic *nic, struct denali_error *err)
{
	struct denali_switch_tap arg = { .role = role, .tap_fd = -1 };
	const char *what = role == DENALI_SWITCH_UPLINK ? "uplink" : "mirror";
	int ret = denali_switch_name_check(name, err);

	if (ret)
		return ret;
	strcpy(arg.name, name);
	if (nic)
		denali_nic_plug_args(nic, &arg.tap_fd, &arg.flags, &arg.vnet_hdr_len);
	if (ioctl(dev, DENALI_IOC_SWITCH_TAP, &arg) == 0)
		return 0;
	if (errno == EBUSY)
		return denali_fail(err, EBUSY, "switch %s: %s %s: is in use by a VM or a switch",
				   name, what, denali_nic_get_info(nic)->tap);
	return denali_switch_fail(name, what, errno, err);
}
