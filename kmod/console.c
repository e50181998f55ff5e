// SPDX-License-Identifier: GPL-2.0
/*
 * The console: port 0 of every VM, and the descriptors that read and write it.
 *
 * struct dn_console owns two small buffers, each allocated when it is first
 * used: text that the guest printed and nobody has read, which grows by what there is
 * of it up to a page, as most VMs print a line or two and no more; and
 * input that the guest hasn't taken. The VM's runner is at one end of both and
 * processes at the other; con->lock keeps the indices and is never held over
 * anything that sleeps or touches user memory, so a reader can't hold up a runner.
 *
 * Printing never blocks a guest that nobody watches: without a descriptor open
 * the oldest output gives way and is counted. With one open, requests stay in
 * the guest's ring until there is room.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vm.h"

#define DN_CONSOLE_OUT_LEAST	128U
#define DN_CONSOLE_OUT_SIZE	4096U
#define DN_CONSOLE_IN_SIZE	256U
#define DN_CONSOLE_BOUNCE	256U	/* bytes copied at a time, on the stack */
#define DN_CONSOLE_BUDGET	64	/* requests of each queue in one turn */

/* Text between a runner and processes; indices count modulo 2^32. */
struct dn_console_buf {
	u8 *data;		/* NULL until first used */
	u32 size;		/* power of 2 */
	u32 head;		/* bytes put */
	u32 tail;		/* bytes taken */
};

/**
 * struct dn_console - a VM's console
 * @port:    what the VM's runner sees
 * @lock:    protects all below but for @out_off and @read_lock
 * @out:     output that nobody has read
 * @in:      input that the guest hasn't taken
 * @lost:    bytes of output dropped unread
 * @open:    descriptors open
 * @stalled: the runner left output in the ring for want of room
 * @ended:   the VM is no more: end of file
 * @out_off: bytes already taken of the request at the head of the ring; runner's
 * @wait:    readers, writers and pollers
 * @read_lock: one reader at a time between looking at a byte and consuming it
 */
struct dn_console {
	struct dn_port port;
	spinlock_t lock;		/* inner to everything; not from interrupts */
	struct dn_console_buf out;
	struct dn_console_buf in;
	u64 lost;
	u32 open;
	bool stalled;
	bool ended;
	u32 out_off;
	wait_queue_head_t wait;
	struct mutex read_lock;		/* outer to @lock */
};

static inline struct dn_console *dn_console_of(struct dn_port *port)
{
	return container_of(port, struct dn_console, port);
}

static u32 dn_console_buf_used(const struct dn_console_buf *buf)
{
	return READ_ONCE(buf->head) - READ_ONCE(buf->tail);
}

static u32 dn_console_buf_room(const struct dn_console_buf *buf)
{
	return buf->size - dn_console_buf_used(buf);
}

static bool dn_console_in_alloc(struct dn_console *con)
{
	struct dn_console_buf *in = &con->in;
	u8 *data;

	if (READ_ONCE(in->data))
		return true;
	data = kmalloc(in->size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!data)
		return false;
	spin_lock(&con->lock);
	if (!in->data)
		swap(in->data, data);
	spin_unlock(&con->lock);
	kfree(data);
	return true;
}

/* Contiguous bytes at position @pos of at most @len. */
static u32 dn_console_buf_run(const struct dn_console_buf *buf, u32 pos, u32 len)
{
	return min(len, buf->size - (pos & (buf->size - 1)));
}

/*
 * Make room for @len bytes more of output, as far as it may have it. Without memory it
 * stays as large as it is. Context: the runner, nobody else adds to it.
 */
static void dn_console_out_grow(struct dn_console *con, u32 len)
{
	struct dn_console_buf *out = &con->out;
	u32 want = min_t(u64, (u64)dn_console_buf_used(out) + len, DN_CONSOLE_OUT_SIZE);
	u32 size = max_t(u32, DN_CONSOLE_OUT_LEAST, roundup_pow_of_two(max(want, 1U)));
	u32 pos, run;
	u8 *data;

	if (likely(out->data && size <= out->size))
		return;
	data = kmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!data)
		return;
	spin_lock(&con->lock);
	/* A run of the smaller one is none that the larger one breaks. */
	for (pos = out->tail; pos != out->head; pos += run) {
		run = dn_console_buf_run(out, pos, out->head - pos);
		memcpy(data + (pos & (size - 1)), out->data + (pos & (out->size - 1)), run);
	}
	swap(out->data, data);
	WRITE_ONCE(out->size, size);
	spin_unlock(&con->lock);
	kfree(data);
}

/*
 * Take @len bytes at @ga into the output, as far as there is room; without a
 * reader there always is. Returns how many were dealt with.
 */
static u32 dn_console_print(struct dn_console *con, dn_gaddr_t ga, u32 len)
{
	struct dn_console_buf *out = &con->out;
	struct dn_vm *vm = con->port.vm;
	u32 done = 0, room, run;

	dn_console_out_grow(con, len);
	spin_lock(&con->lock);
	if (!out->data) {
		con->lost += len;
		done = len;
		goto out;
	}
	room = dn_console_buf_room(out);
	if (con->open) {
		con->stalled = room < len;
		len = min(room, len);
	} else {
		if (len > out->size) {
			done = len - out->size;
			con->lost += done;
		}
		if (len - done > room) {
			con->lost += len - done - room;
			out->tail += len - done - room;
		}
	}
	while (done < len) {
		run = dn_console_buf_run(out, out->head, len - done);
		if (dn_gmem_read(vm, dn_gaddr(ga.addr + done),
				 out->data + (out->head & (out->size - 1)), run))
			break;
		WRITE_ONCE(out->head, out->head + run);
		con->port.stats.tx_bytes += run;
		done += run;
	}
out:
	spin_unlock(&con->lock);
	return done;
}

/* A request that is malformed in a way that doesn't break the ring. */
static bool dn_console_bad(const struct denali_desc *desc)
{
	return desc->op || desc->flags;
}

/* Both report true if there may be more to do, now. */
static bool dn_console_service_out(struct dn_console *con)
{
	struct dn_ring *ring = &con->port.ring[DENALI_QUEUE_OUT];
	struct dn_vm *vm = con->port.vm;
	struct denali_desc desc;
	u32 budget = DN_CONSOLE_BUDGET;
	int ret;

	while ((ret = dn_ring_fetch(vm, ring, &desc)) > 0) {
		if (!budget--) {
			dn_ring_unfetch(ring, 1);
			return true;
		}
		if (dn_console_bad(&desc)) {
			desc.status = -DENALI_EINVAL;
			desc.len = 0;
		} else if (!dn_gmem_ok(vm->mem_size, dn_gaddr(desc.addr), desc.len)) {
			dn_vm_end(vm, DENALI_END_PROTOCOL, 0,
				  "port 0 queue 0: buffer %#x, %u bytes, is not inside memory",
				  desc.addr, desc.len);
			return false;
		} else if (con->out_off < desc.len) {
			con->out_off += dn_console_print(con, dn_gaddr(desc.addr + con->out_off),
							 desc.len - con->out_off);
			if (con->out_off < desc.len) {
				dn_ring_unfetch(ring, 1);
				return false;
			}
		}
		con->out_off = 0;
		dn_ring_respond(vm, ring, &desc);
	}
	return !ret && dn_ring_arm(ring);
}

static bool dn_console_service_in(struct dn_console *con)
{
	struct dn_ring *ring = &con->port.ring[DENALI_QUEUE_IN];
	struct dn_console_buf *in = &con->in;
	struct dn_vm *vm = con->port.vm;
	u32 budget = DN_CONSOLE_BUDGET;
	struct denali_desc desc;
	u32 room, len, run;
	int ret;

	while (dn_console_buf_used(in)) {
		if (!budget--)
			return true;
		ret = dn_ring_fetch(vm, ring, &desc);
		if (ret <= 0)
			return !ret && dn_ring_arm(ring);
		if (!dn_gmem_ok(vm->mem_size, dn_gaddr(desc.addr), desc.len)) {
			dn_vm_end(vm, DENALI_END_PROTOCOL, 0,
				  "port 0 queue 1: buffer %#x, %u bytes, is not inside memory",
				  desc.addr, desc.len);
			return false;
		}
		room = desc.len;
		desc.len = 0;
		if (dn_console_bad(&desc) || !room) {
			desc.status = -DENALI_EINVAL;
			dn_ring_respond(vm, ring, &desc);
			continue;
		}
		spin_lock(&con->lock);
		len = min(room, dn_console_buf_used(in));
		while (desc.len < len) {
			run = dn_console_buf_run(in, in->tail, len - desc.len);
			if (dn_gmem_write(vm, dn_gaddr(desc.addr + desc.len),
					  in->data + (in->tail & (in->size - 1)), run))
				break;
			in->tail += run;
			desc.len += run;
		}
		spin_unlock(&con->lock);
		con->port.stats.rx_bytes += desc.len;
		dn_ring_respond(vm, ring, &desc);
	}
	return false;
}

/* Apart, so that a doorbell without rings isn't charged for its frame. */
static noinline bool dn_console_serve(struct dn_port *port)
{
	struct dn_console *con = dn_console_of(port);
	u32 head = con->out.head, tail = con->in.tail;
	bool more;

	more = dn_console_service_out(con);
	more |= dn_console_service_in(con);
	if (dn_ring_publish(&port->ring[DENALI_QUEUE_OUT]) |
	    dn_ring_publish(&port->ring[DENALI_QUEUE_IN]))
		dn_port_raise(port);
	if ((head != con->out.head || tail != con->in.tail) && wq_has_sleeper(&con->wait))
		wake_up_interruptible(&con->wait);
	return more;
}

static bool dn_console_service(struct dn_port *port)
{
	if (!port->ring[DENALI_QUEUE_OUT].hdr_req && !port->ring[DENALI_QUEUE_IN].hdr_req)
		return false;
	return dn_console_serve(port);
}

/* No more output will come: readers see the end of file. Context: process. */
static void dn_console_detach(struct dn_port *port)
{
	struct dn_console *con = dn_console_of(port);

	spin_lock(&con->lock);
	con->ended = true;
	spin_unlock(&con->lock);
	wake_up_interruptible(&con->wait);
}

static void dn_console_describe(struct dn_port *port)
{
	struct denali_port_info *info = &port->vm->vregs->ports[port->index];

	info->type = DENALI_PORT_CONSOLE;
	info->state = DENALI_PORT_UP;
}

/* What nobody has read, or the guest hasn't taken, is dropped; descriptors stay. */
static void dn_console_reset(struct dn_port *port)
{
	struct dn_console *con = dn_console_of(port);

	dn_port_clear(port);
	spin_lock(&con->lock);
	WRITE_ONCE(con->out.tail, con->out.head);
	WRITE_ONCE(con->in.tail, con->in.head);
	con->lost = 0;
	con->stalled = false;
	con->ended = false;
	con->out_off = 0;
	spin_unlock(&con->lock);
	dn_console_describe(port);
	/* There is room for input. */
	if (wq_has_sleeper(&con->wait))
		wake_up_interruptible(&con->wait);
}

static void dn_console_free(struct dn_port *port)
{
	struct dn_console *con = dn_console_of(port);

	kfree(con->out.data);
	kfree(con->in.data);
	kfree(con);
}

static size_t dn_console_buf_kmem(const struct dn_console_buf *buf)
{
	return READ_ONCE(buf->data) ? kmalloc_size_roundup(READ_ONCE(buf->size)) : 0;
}

static size_t dn_console_kmem(struct dn_port *port)
{
	struct dn_console *con = dn_console_of(port);

	return ksize(con) + dn_console_buf_kmem(&con->out) + dn_console_buf_kmem(&con->in);
}

static u32 dn_console_ifindex(struct dn_port *port)
{
	return 0;
}

static const struct dn_port_ops dn_console_ops = {
	.type = DENALI_PORT_CONSOLE,
	.queues = DENALI_QUEUES,
	.service = dn_console_service,
	.detach = dn_console_detach,
	.reset = dn_console_reset,
	.free = dn_console_free,
	.kmem = dn_console_kmem,
	.ifindex = dn_console_ifindex,
};

/**
 * dn_console_create() - make port 0 and describe it in the virtual registers
 * @vm: owner
 *
 * Return: the port or an ERR_PTR.
 */
struct dn_port *dn_console_create(struct dn_vm *vm)
{
	struct dn_console *con;

	con = kzalloc(sizeof(*con), GFP_KERNEL_ACCOUNT);
	if (!con)
		return ERR_PTR(-ENOMEM);
	con->port.vm = vm;
	con->port.ops = &dn_console_ops;
	con->port.up = true;
	con->in.size = DN_CONSOLE_IN_SIZE;
	spin_lock_init(&con->lock);
	init_waitqueue_head(&con->wait);
	mutex_init(&con->read_lock);

	dn_console_describe(&con->port);
	return &con->port;
}

u64 dn_console_lost(struct dn_vm *vm)
{
	return READ_ONCE(dn_console_of(vm->port[0])->lost);
}

static bool dn_console_readable(struct dn_console *con)
{
	return dn_console_buf_used(&con->out) || READ_ONCE(con->ended);
}

static bool dn_console_writable(struct dn_console *con)
{
	return dn_console_buf_room(&con->in) || READ_ONCE(con->ended);
}

static int dn_console_wait(struct dn_console *con, struct file *file,
			   bool (*ready)(struct dn_console *con))
{
	if (ready(con))
		return 0;
	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event_interruptible(con->wait, ready(con));
}

static ssize_t dn_console_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct dn_console *con = file->private_data;
	struct dn_console_buf *out = &con->out;
	u8 bounce[DN_CONSOLE_BOUNCE];
	bool stalled, eof;
	size_t done = 0;
	u32 run, from;
	int err;

	if (!len)
		return 0;
again:
	err = dn_console_wait(con, file, dn_console_readable);
	if (err)
		return err;
	if (mutex_lock_interruptible(&con->read_lock))
		return -ERESTARTSYS;
	/* With a descriptor open nothing but a reader moves the tail, and a reset. */
	while (done < len) {
		spin_lock(&con->lock);
		run = min_t(size_t, len - done, min(dn_console_buf_used(out), DN_CONSOLE_BOUNCE));
		from = out->tail;
		run = dn_console_buf_run(out, from, run);
		if (run)
			memcpy(bounce, out->data + (from & (out->size - 1)), run);
		spin_unlock(&con->lock);
		if (!run)
			break;
		if (copy_to_user(to + done, bounce, run)) {
			err = -EFAULT;
			break;
		}
		done += run;
		spin_lock(&con->lock);
		if (out->tail == from)
			WRITE_ONCE(out->tail, from + run);
		spin_unlock(&con->lock);
	}
	spin_lock(&con->lock);
	stalled = done && con->stalled;
	if (stalled)
		con->stalled = false;
	eof = con->ended && !dn_console_buf_used(out);
	spin_unlock(&con->lock);
	mutex_unlock(&con->read_lock);

	if (stalled)
		dn_port_kick(&con->port);
	if (done)
		return done;
	if (err || eof)
		return err;
	goto again;	/* another reader was faster */
}

static ssize_t dn_console_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct dn_console *con = file->private_data;
	struct dn_console_buf *in = &con->in;
	u8 bounce[DN_CONSOLE_BOUNCE];
	u32 put = 0, n, run;
	int err;

	if (!len)
		return 0;
	if (!dn_console_in_alloc(con))
		return -ENOMEM;
	n = min_t(size_t, len, DN_CONSOLE_BOUNCE);
	if (copy_from_user(bounce, from, n))
		return -EFAULT;
	do {
		err = dn_console_wait(con, file, dn_console_writable);
		if (err)
			return err;
		spin_lock(&con->lock);
		if (con->ended) {
			spin_unlock(&con->lock);
			return -EPIPE;
		}
		n = min(n, dn_console_buf_room(in));
		while (put < n) {
			run = dn_console_buf_run(in, in->head, n - put);
			memcpy(in->data + (in->head & (in->size - 1)), bounce + put, run);
			WRITE_ONCE(in->head, in->head + run);
			put += run;
		}
		spin_unlock(&con->lock);
		/* Another writer may have been faster: then wait on, with what is at hand. */
		if (!put)
			n = min_t(size_t, len, DN_CONSOLE_BOUNCE);
	} while (!put);
	dn_port_kick(&con->port);
	return put;
}

static __poll_t dn_console_poll(struct file *file, poll_table *table)
{
	struct dn_console *con = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &con->wait, table);
	spin_lock(&con->lock);
	if (dn_console_buf_used(&con->out))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (con->ended)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	else if (dn_console_buf_room(&con->in))
		mask |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&con->lock);
	return mask;
}

/* Returns whether the guest has output waiting for a reader. */
static bool dn_console_count(struct dn_console *con, int change)
{
	bool stalled;

	spin_lock(&con->lock);
	con->open += change;
	stalled = con->stalled && !con->open;
	if (stalled)
		con->stalled = false;
	spin_unlock(&con->lock);
	return stalled;
}

static int dn_console_release(struct inode *inode, struct file *file)
{
	struct dn_console *con = file->private_data;

	if (dn_console_count(con, -1))
		dn_port_kick(&con->port);
	dn_vm_put(con->port.vm);
	return 0;
}

static const struct file_operations dn_console_fops = {
	.owner = THIS_MODULE,
	.read = dn_console_read,
	.write = dn_console_write,
	.poll = dn_console_poll,
	.release = dn_console_release,
};

/**
 * dn_console_open() - DENALI_IOC_VM_CONSOLE
 * @vm: whose console
 *
 * Return: a descriptor, which holds a reference to @vm, or an error.
 */
int dn_console_open(struct dn_vm *vm)
{
	struct dn_console *con = dn_console_of(vm->port[0]);
	int fd;

	kref_get(&vm->ref);
	dn_console_count(con, 1);
	fd = anon_inode_getfd("[denali-console]", &dn_console_fops, con, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		if (dn_console_count(con, -1))
			dn_port_kick(&con->port);
		dn_vm_put(vm);
	}
	return fd;
}
