// SPDX-License-Identifier: GPL-2.0
/*
 * Checked access to guest memory: the only place in which the monitor copies to
 * and from it. It goes page by page, as neighbours in the guest needn't be
 * neighbours in the host.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uio.h>

#include <asm/trapnr.h>

#include "gmem.h"
#include "slice.h"
#include "vm.h"

/* Its page, also where a CPU has guessed wrong that dn_gmem_ok() said so. */
static inline u32 dn_gmem_gfn(const struct dn_vm *vm, u32 addr)
{
	return array_index_nospec(addr >> PAGE_SHIFT, vm->part->pages);
}

static inline void *dn_gmem_host(const struct dn_vm *vm, u32 addr)
{
	return dn_part_addr(vm->part, dn_gmem_gfn(vm, addr)) + offset_in_page(addr);
}

/* A clone is about to write to a page that is still its template's. */
static noinline void dn_gmem_own(struct dn_vm *vm, u32 gfn)
{
	if (unlikely(!dn_part_own(vm->part, gfn))) {
		vm->end.vector = X86_TRAP_MC;
		dn_vm_end(vm, DENALI_END_FAULT, 0, "page %#x of the template is broken", gfn);
		return;
	}
	dn_pgtable_renew(&vm->pgt, vm->part, gfn, 1);
	dn_slice_flush(vm);
}

/* As dn_gmem_host(), to be written. */
static inline void *dn_gmem_host_write(struct dn_vm *vm, u32 addr)
{
	u32 gfn = dn_gmem_gfn(vm, addr);

	if (unlikely(!dn_part_owns(vm->part, gfn)))
		dn_gmem_own(vm, gfn);
	return dn_pfn_addr(dn_part_frame(vm->part, gfn)) + offset_in_page(addr);
}

bool dn_gmem_fault(struct dn_vm *vm, dn_gaddr_t ga)
{
	u32 gfn = ga.addr >> PAGE_SHIFT;

	if (!dn_gmem_ok(vm->mem_size, ga, 1) || dn_part_owns(vm->part, gfn))
		return false;
	dn_gmem_own(vm, gfn);
	return true;
}

static inline u32 dn_gmem_last(dn_gaddr_t ga, u32 len)
{
	return (ga.addr + len - 1) >> PAGE_SHIFT;
}

bool dn_gmem_owned(const struct dn_vm *vm, dn_gaddr_t ga, u32 len)
{
	u32 gfn;

	for (gfn = ga.addr >> PAGE_SHIFT; gfn <= dn_gmem_last(ga, len); gfn++)
		if (!dn_part_owns_now(vm->part, gfn))
			return false;
	return true;
}

bool dn_gmem_make_own(struct dn_vm *vm, dn_gaddr_t ga, u32 len)
{
	bool made = false;
	u32 gfn;

	for (gfn = ga.addr >> PAGE_SHIFT; gfn <= dn_gmem_last(ga, len); gfn++) {
		if (dn_part_owns(vm->part, gfn))
			continue;
		dn_gmem_own(vm, gfn);
		made = true;
	}
	return made;
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
		memcpy(dn_gmem_host_write(vm, addr), from, n);
	}
	return 0;
}

int dn_gmem_kvec(struct dn_vm *vm, dn_gaddr_t ga, u32 len, struct kvec *vec, int max,
		 bool write)
{
	u32 addr = ga.addr;
	int nr = 0;
	u32 n;

	if (unlikely(!dn_gmem_ok(vm->mem_size, ga, len)))
		return -EFAULT;
	for (; len; len -= n, addr += n) {
		void *host = write ? dn_gmem_host_write(vm, addr) : dn_gmem_host(vm, addr);

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
	return dn_gmem_host_write(vm, ga.addr);
}
