// SPDX-License-Identifier: GPL-2.0
/*
 * The keywords that say how much of the CPUs a VM gets, for run, create and set.
 */
#include <string.h>

#include "ctl.h"

const char * const ctl_share_keywords[] = { "weight", "cap", "cpus", NULL };

/* Reads the value of the keyword of that index. */
void ctl_share_keyword(struct ctl_words *words, int keyword, struct denali_vm_share *share)
{
	struct denali_error err;

	switch (keyword) {
	case 0:
		share->weight = ctl_number_from(ctl_need(words, "weight: a number"), "weight",
						DENALI_WEIGHT_MIN, DENALI_WEIGHT_MAX);
		share->set |= DENALI_SHARE_WEIGHT;
		break;
	case 1:
		share->cap = ctl_number(ctl_need(words, "cap: percent of a CPU"), "cap",
					DENALI_CAP_MAX);
		share->set |= DENALI_SHARE_CAP;
		break;
	default:
		if (denali_cpus_parse(ctl_need(words, "cpus: a list of CPUs"),
				      (uint64_t *)share->cpus, &err))
			ctl_usage_error(&err);
		share->set |= DENALI_SHARE_CPUS;
	}
}
