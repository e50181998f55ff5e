/* SPDX-License-Identifier: MIT */
/*
 * libos templates: a VM that was created as a template stops before main(), or where the
 * program says; others start from its memory (denalictl template, denalictl clone).
 */
#ifndef DENALI_OS_TEMPLATE_H
#define DENALI_OS_TEMPLATE_H

/**
 * denali_template() - a template's clones begin here
 *
 * What has been set up by now is set up in each of them. A program that doesn't call it
 * becomes a template right before main(). In a clone the clock has gone on, random
 * numbers are its own, and so are boot arguments (denali_bootarg(), not argv) and NICs; what was
 * typed ahead on the console is gone. Thread context, once, before the first socket: the
 * network starts in here.
 *
 * Return: 0 this is no clone, 1 it is one, EBUSY the network has been used.
 */
int denali_template(void);

#endif /* DENALI_OS_TEMPLATE_H */
