// SPDX-License-Identifier: MIT
/* newlib's per-thread state, errno among it, is in the thread's struct. */
#include <reent.h>

#include "../core/core.h"

struct _reent *__getreent(void)
{
	return denali_current->reent;
}

int *denali_thread_errno(void)
{
	return &denali_current->reent->_errno;
}
