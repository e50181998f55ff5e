// SPDX-License-Identifier: GPL-2.0
/*
 * Caps: in each period a VM may run for its percentage of it. When that is spent it leaves
 * the queue until the period is over, which a timer tells; nothing looks at it meanwhile.
 * A turn ends no earlier than the timer interrupt that ends it: what it took too much is
 * missing in the next period, so that the mean is right.
 *
 * Policies know nothing of this: to them the VM isn't runnable.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "cap.h"
#include "runner.h"
#include "vm.h"

#define DN_CAP_PERIOD	(100 * NSEC_PER_MSEC)

static s64 dn_cap_budget(const struct dn_cap *cap)
{
	return cap->percent * (DN_CAP_PERIOD / 100);
}

static enum hrtimer_restart dn_cap_over(struct hrtimer *timer)
{
	dn_runner_uncap(container_of(timer, struct dn_cap, timer)->vm);
	return HRTIMER_NORESTART;
}

/** dn_cap_create() - no cap yet. Context: may sleep. Return: it, or NULL. */
struct dn_cap *dn_cap_create(struct dn_vm *vm)
{
	struct dn_cap *cap = kzalloc(sizeof(*cap), GFP_KERNEL_ACCOUNT);

	if (!cap)
		return NULL;
	cap->vm = vm;
	hrtimer_init(&cap->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	cap->timer.function = dn_cap_over;
	return cap;
}

/*
 * If the period is over, begin the one that @now is in. What is left isn't kept, so
 * that there are no bursts; what is missing is.
 */
static void dn_cap_refill(struct dn_cap *cap, u64 now)
{
	s64 budget = dn_cap_budget(cap);
	u64 periods;

	if (now < cap->end)
		return;
	periods = div64_u64(now - cap->end, DN_CAP_PERIOD) + 1;
	cap->end += periods * DN_CAP_PERIOD;
	/* No debt takes longer than that to pay: it is of one turn. */
	if (periods > 100)
		cap->left = budget;
	else
		cap->left = min_t(s64, cap->left + periods * budget, budget);
}

/**
 * dn_cap_set() - change it
 * @cap:     of a VM that is off, its runner locked
 * @percent: 1 to 100; 0: none
 *
 * A cap that is changed again and again gives no more than one that isn't.
 */
void dn_cap_set(struct dn_cap *cap, u32 percent)
{
	u64 now = ktime_get_ns();
	s64 before;

	if (!cap->percent) {
		cap->left = 0;
		cap->end = now;
	}
	dn_cap_refill(cap, now);
	before = dn_cap_budget(cap);
	cap->percent = percent;
	cap->left += dn_cap_budget(cap) - before;
}

/** dn_cap_spent() - does the VM have to wait for the next period? Context: runner's lock held. */
bool dn_cap_spent(struct dn_cap *cap, u64 now)
{
	if (!cap->percent)
		return false;
	dn_cap_refill(cap, now);
	return cap->left <= 0;
}

/** dn_cap_charge() - the VM ran for @ns. Context and return: as dn_cap_spent(). */
bool dn_cap_charge(struct dn_cap *cap, u64 ns, u64 now)
{
	cap->left -= ns;
	return dn_cap_spent(cap, now);
}

/** dn_cap_turn() - how much of a turn of @ns the cap allows. Context: runner's lock held. */
u64 dn_cap_turn(struct dn_cap *cap, u64 now, u64 ns)
{
	if (dn_cap_spent(cap, now))
		return 0;
	return cap->percent ? min_t(u64, ns, cap->left) : ns;
}

/** dn_cap_wait() - have dn_runner_uncap() called when the period is over. Context: runner's lock held. */
void dn_cap_wait(struct dn_cap *cap)
{
	hrtimer_start(&cap->timer, ns_to_ktime(cap->end), HRTIMER_MODE_ABS_PINNED_HARD);
}
