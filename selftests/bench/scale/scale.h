/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the measurements at scale. Each has the machine to itself. */
#ifndef DENALI_BENCH_SCALE_H
#define DENALI_BENCH_SCALE_H

/* 1 to @most VMs, made, asked, destroyed, and what each costs. */
void scale_resident(int dev, int most, int seconds);

/* 1 to @most VMs are made, and nothing else. */
void scale_create(int dev, int most, int seconds);

/* What the CPU does in so many seconds with none, and with @most that have nothing to do. */
void scale_rest(int dev, int most, int seconds);
void scale_unwoken(int dev, int most, int seconds);

/* Requests to 1 to @most web servers. */
void scale_web(int dev, int most, int seconds);

/* Frames shown in batches and one at a time; VMs that idle and VMs that spin. */
void scale_irq(int dev, int most, int seconds);
void scale_spin(int dev, int most, int seconds);

/* VMs that compute, beside processes. */
void scale_share(int dev, int most, int seconds);

/* All are woken at once. */
void scale_storm(int dev, int most, int seconds);

/* denalictl with many VMs. */
void scale_tools(int dev, int most, int seconds);

#endif /* DENALI_BENCH_SCALE_H */
