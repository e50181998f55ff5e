/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checked access to guest memory. Whatever is read may change the moment after:
 * fetch once, check the copy, use the copy.
 */
#ifndef DN_GMEM_H
#define DN_GMEM_H

#include <linux/types.h>

#include <denali/vregs.h>

struct dn_vm;

/* A guest address: a type of its own, so that nobody dereferences one. */
typedef struct {
	u32 addr;
} dn_gaddr_t;

static inline dn_gaddr_t dn_gaddr(u32 addr)
{
	return (dn_gaddr_t){ addr };
}

/** dn_gmem_ok() - is [@ga, @ga + @len) wholly inside the guest's memory above page 0? */
static inline bool dn_gmem_ok(u64 mem_size, dn_gaddr_t ga, u32 len)
{
	return ga.addr >= DENALI_PAGE_SIZE && (u64)ga.addr + len <= mem_size;
}

/*
 * All return 0 or -EFAULT. Context: the VM's runner, VM not in the guest. Don't sleep.
 */
int dn_gmem_read(struct dn_vm *vm, dn_gaddr_t ga, void *to, u32 len);
int dn_gmem_write(struct dn_vm *vm, dn_gaddr_t ga, const void *from, u32 len);

/**
 * dn_gmem_kvec() - host addresses of a range of guest memory
 * @vm:  owner
 * @ga:  first guest address
 * @len: bytes
 * @vec: filled in; physically contiguous pages are merged
 * @max: entries in @vec
 * @write: they are to be written
 *
 * Return: number of entries, -EFAULT if out of memory's bounds, -E2BIG if @max is
 * too small.
 */
struct kvec;
int dn_gmem_kvec(struct dn_vm *vm, dn_gaddr_t ga, u32 len, struct kvec *vec, int max,
		 bool write);

/*
 * Pages that a clone shares with its template can only become its own in its runner. Who
 * else is to write to them asks first, and may then: what is a VM's own stays that, until a
 * clone is reset, which waits for them (dn_vm_settle()). Both are of a range that dn_gmem_ok()
 * is true of, and isn't empty.
 */
bool dn_gmem_owned(const struct dn_vm *vm, dn_gaddr_t ga, u32 len);	/* context: any */
bool dn_gmem_make_own(struct dn_vm *vm, dn_gaddr_t ga, u32 len);	/* true: it wasn't */

/** dn_gmem_ptr() - host address of @ga to read and write, good up to the end of its page; NULL if out of bounds */
void *dn_gmem_ptr(struct dn_vm *vm, dn_gaddr_t ga, u32 len);

/**
 * dn_gmem_fault() - a guest wasn't allowed to write at @ga
 *
 * Return: whether it is now: the page was its template's.
 */
bool dn_gmem_fault(struct dn_vm *vm, dn_gaddr_t ga);

#endif /* DN_GMEM_H */
