// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's time: the clock in its virtual registers, its alarms and the timeout
 * of its idle. One hrtimer per VM serves the alarm in real time and the timeout; it only
 * notes that it went off (DN_WORK_TIMER) and wakes the VM: what is due is worked out by
 * the runner, which alone writes the times. The alarm in virtual time needs no timer but
 * the quantum's: it ends the VM's turn.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include <asm/tsc.h>

#include "guest.h"
#include "runner.h"
#include "vm.h"

static u32 dn_tsc_khz;		/* what dn_tsc_mul was made from */
static u32 dn_tsc_mul;

/* How old a guest's offset to wall-clock time may get, ns. */
#define DN_WALL_AFTER	(10 * NSEC_PER_MSEC)

/* Reading two clocks should take less than a millisecond divided by this; how often to try. */
#define DN_READ_PER_MS	200
#define DN_READ_TRIES	8

/* The kernel refines the TSC's speed some seconds after boot. */
static void dn_clock_calibrate(void)
{
	u32 khz = tsc_khz;

	WRITE_ONCE(dn_tsc_mul, min_t(u64, div_u64(1000000ULL << DENALI_TSC_SHIFT, khz), U32_MAX));
	WRITE_ONCE(dn_tsc_khz, khz);
}

/**
 * dn_clock_init() - find the TSC's speed
 * Return: 0, or -ENODEV after printing why.
 */
int dn_clock_init(void)
{
	if (!tsc_khz) {
		pr_err("refusing to load: the kernel doesn't know this CPU's TSC frequency\n");
		return -ENODEV;
	}
	dn_clock_calibrate();
	return 0;
}

u32 dn_clock_khz(void)
{
	return dn_tsc_khz;
}

static enum hrtimer_restart dn_clock_fire(struct hrtimer *timer)
{
	struct dn_vm *vm = container_of(timer, struct dn_vm, timer);

	set_bit(DN_WORK_TIMER, &vm->work);
	dn_vm_wake(vm, 0);
	return HRTIMER_NORESTART;
}

void dn_clock_create(struct dn_vm *vm)
{
	hrtimer_init(&vm->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	vm->timer.function = dn_clock_fire;
	vm->idle_until = U64_MAX;
	vm->run_alarm = U64_MAX;
}

/* Host time for a guest's time; far enough in the future is never. */
static u64 dn_clock_host(u64 base, u64 ns)
{
	return ns > KTIME_MAX - base ? KTIME_MAX : base + ns;
}

/** dn_clock_start() - guest time 0 is @now, host ns; a clone goes on where its template stopped */
void dn_clock_start(struct dn_vm *vm, u64 now)
{
	vm->epoch += now;
	if (vm->alarm) {
		vm->alarm = dn_clock_host(now, vm->alarm);
		dn_clock_arm(vm);
	}
}

/**
 * dn_clock_freeze() - a VM stops for good: its times count from @now, for its clones
 * @vm:  not in the guest
 * @now: host ns
 */
void dn_clock_freeze(struct dn_vm *vm, u64 now)
{
	hrtimer_try_to_cancel(&vm->timer);
	vm->epoch -= now;
	if (vm->alarm)
		vm->alarm = max_t(s64, vm->alarm - now, 1);
	if (vm->run_alarm != U64_MAX)
		vm->run_alarm -= vm->stats.run_ns;
}

/**
 * dn_clock_read() - read the host's clock
 * @clock: the runner's; both times are of this moment afterwards
 *
 * The two clocks can't be read at once. An interrupt or, where this host is a virtual
 * machine itself, the host below may come between: then they are read again. An
 * error would make the guest's clock run ahead, not lag behind the alarms set by it.
 *
 * Context: runner. Return: CLOCK_MONOTONIC in ns.
 */
u64 dn_clock_read(struct dn_clock *clock)
{
	u64 now, tsc, span, best = U64_MAX;
	int tries = DN_READ_TRIES;

	if (unlikely(dn_tsc_khz != tsc_khz))
		dn_clock_calibrate();
	do {
		tsc = rdtsc_ordered();
		now = ktime_get_ns();
		span = rdtsc_ordered() - tsc;
		if (span < best) {
			best = span;
			clock->read_ns = now;
			clock->read_tsc = tsc;
		}
	} while (unlikely(span > dn_tsc_khz / DN_READ_PER_MS) && --tries);
	clock->tsc = clock->read_tsc;
	clock->ns = max(clock->ns, clock->read_ns);
	return clock->ns;
}

/**
 * dn_clock_now() - what time is it?
 * @clock: as for dn_clock_read()
 *
 * For up to a millisecond after a reading the TSC tells, as it does in the guest. Not for
 * use after the CPU may have been idle. Context and return: as for dn_clock_read().
 */
u64 dn_clock_now(struct dn_clock *clock)
{
	u64 tsc = rdtsc(), delta = tsc - clock->read_tsc;

	if (unlikely(delta >= dn_tsc_khz))
		return dn_clock_read(clock);
	clock->tsc = tsc;
	clock->ns = max(clock->ns,
			clock->read_ns + ((delta * dn_tsc_mul) >> DENALI_TSC_SHIFT));
	return clock->ns;
}

static noinline void dn_clock_update_wall(struct dn_vm *vm, u64 now)
{
	vm->wall_at = now;
	vm->vregs->wall_base = ktime_to_ns(ktime_mono_to_real(0)) + vm->epoch;
}

/**
 * dn_clock_update() - renew the guest's clock, when it is scheduled in
 * @vm:    not in the guest
 * @clock: of a moment ago
 */
void dn_clock_update(struct dn_vm *vm, const struct dn_clock *clock)
{
	struct denali_vregs *v = vm->vregs;
	u64 now = clock->ns;

	/* The guest may write here; what counts is that the number changes. */
	WRITE_ONCE(v->clock_seq, READ_ONCE(v->clock_seq) + 1);
	v->tsc_mul = dn_tsc_mul;
	v->tsc_base = clock->tsc;
	v->time_base = now - vm->epoch;
	v->steal_ns = vm->stats.steal_ns;
	v->run_ns = vm->stats.run_ns;
	if (unlikely(now - vm->wall_at > DN_WALL_AFTER))
		dn_clock_update_wall(vm, now);
}

/** dn_clock_arm() - set the timer to what is due next */
void dn_clock_arm(struct dn_vm *vm)
{
	u64 next = vm->idling ? vm->idle_until : U64_MAX;

	if (vm->alarm)
		next = min(next, vm->alarm);
	if (next != U64_MAX)
		hrtimer_start(&vm->timer, ns_to_ktime(next), HRTIMER_MODE_ABS_PINNED_HARD);
}

/** dn_clock_alarm() - DENALI_HC_TIMER. Context: runner, may be in a slice. */
void dn_clock_alarm(struct dn_vm *vm, u64 guest_ns)
{
	vm->alarm = guest_ns ? dn_clock_host(vm->epoch, guest_ns) : 0;
	if (!vm->alarm) {
		/* If it is just going off, dn_clock_expire() finds nothing due. */
		hrtimer_try_to_cancel(&vm->timer);
		return;
	}
	if (vm->alarm <= ktime_get_ns()) {
		vm->alarm = 0;
		dn_irq_raise(vm, DENALI_IRQ_TIMER);
	} else {
		dn_clock_arm(vm);
	}
}

/** dn_clock_ran() - a VM has run for as long as its alarm in virtual time says. Context: runner. */
void dn_clock_ran(struct dn_vm *vm)
{
	vm->run_alarm = U64_MAX;
	dn_irq_raise(vm, DENALI_IRQ_RUN_TIMER);
	/* If it is just going idle, it is to look again. */
	set_bit(DN_WORK_TIMER, &vm->work);
}

/** dn_clock_run_alarm() - DENALI_HC_RUN_TIMER. Context: in a slice, interrupts off. */
void dn_clock_run_alarm(struct dn_vm *vm, u64 run_ns)
{
	vm->run_alarm = run_ns ?: U64_MAX;
	if (run_ns && !dn_runner_until(vm, run_ns))
		dn_clock_ran(vm);
}

/** dn_clock_idle() - DENALI_HC_IDLE: from now on the VM is idle */
void dn_clock_idle(struct dn_vm *vm, u64 timeout_ns)
{
	vm->idle_mask = READ_ONCE(vm->vregs->irq_mask);
	vm->idle_until = timeout_ns == U64_MAX ? U64_MAX :
			 dn_clock_host(ktime_get_ns(), timeout_ns);
	vm->idling = true;
}

/**
 * dn_clock_idle_over() - is an idle VM to go on?
 * @vm: in DENALI_HC_IDLE
 *
 * If so, sets the hypercall's result. Context: runner.
 */
bool dn_clock_idle_over(struct dn_vm *vm)
{
	bool timed_out = false;

	if (!dn_irq_wakes(vm)) {
		timed_out = vm->idle_until != U64_MAX && vm->idle_until <= ktime_get_ns();
		if (!timed_out)
			return false;
	}
	vm->regs->ax = timed_out;
	vm->idling = false;
	return true;
}

/** dn_clock_expire() - DN_WORK_TIMER: raise what is due. Context: runner. */
void dn_clock_expire(struct dn_vm *vm)
{
	if (vm->alarm && vm->alarm <= ktime_get_ns()) {
		vm->alarm = 0;
		dn_irq_raise(vm, DENALI_IRQ_TIMER);
	}
	/* The timer may have gone off for one of its two causes only. */
	if (!hrtimer_is_queued(&vm->timer))
		dn_clock_arm(vm);
}
