// SPDX-License-Identifier: GPL-2.0
/*
 * Checked access to guest memory: the only place in which the monitor copies to
 * and from it. It goes page by page, as neighbours in the guest needn't be
 * neighbours in the host.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "gmem.h"
#include "vm.h"

static inline void *dn_gmem_host(const struct dn_vm *vm, u32 addr)
{
	return dn_part_addr(vm->part, addr >> PAGE_SHIFT) + offset_in_page(addr);
}

static inline u32 dn_gmem_in_page(u32 addr, u32 len)
{
	return min_t(u32, len, PAGE_SIZE - offset_in_page(addr));
}

int dn_gmem_read(struct dn_vm *vm, dn_gaddr_t ga, void *to, u32 len)
{
	u32 addr = ga.addr;
	u32 n;

	if (unlikely(!dn_gmem_ok(vm->mem_size, ga, len)))
		return -EFAULT;
	for (; len; len -= n, addr += n, to += n) {
		n = dn_gmem_in_page(addr, len);
		memcpy(to, dn_gmem_host(vm, addr), n);
	}
	return 0;
}

int dn_gmem_write(struct dn_vm *vm, dn_gaddr_t ga, const void *from, u32 len)
{
	u32 addr = ga.addr;
	u32 n;

	if (unlikely(!dn_gmem_ok(vm->mem_size, ga, len)))
		return -EFAULT;
	for (; len; len -= n, addr += n, from += n) {
		n = dn_gmem_in_page(addr, len);
		memcpy(dn_gmem_host(vm, addr), from, n);
	}
	return 0;
}

int dn_gmem_kvec(struct dn_vm *vm, dn_gaddr_t ga, u32 len, struct kvec *vec, int max)
{
	u32 addr = ga.addr;
	int nr = 0;
	u32 n;

	if (unlikely(!dn_gmem_ok(vm->mem_size, ga, len)))
		return -EFAULT;
	for (; len; len -= n, addr += n) {
		void *host = dn_gmem_host(vm, addr);

		n = dn_gmem_in_page(addr, len);
		if (nr && vec[nr - 1].iov_base + vec[nr - 1].iov_len == host) {
			vec[nr - 1].iov_len += n;
			continue;
		}
		if (nr == max)
			return -E2BIG;
		vec[nr].iov_base = host;
		vec[nr].iov_len = n;
		nr++;
	}
	return nr;
}

void *dn_gmem_ptr(struct dn_vm *vm, dn_gaddr_t ga, u32 len)
{
	if (unlikely(!dn_gmem_ok(vm->mem_size, ga, len)))
		return NULL;
	return dn_gmem_host(vm, ga.addr);
}
