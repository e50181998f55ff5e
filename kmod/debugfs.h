/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files for who tests or debugs the module; nothing unless it is built so.
 */
#ifndef DN_DEBUGFS_H
#define DN_DEBUGFS_H

#ifdef CONFIG_DENALI_DEBUG
void dn_debugfs_create(void);
void dn_debugfs_remove(void);
#else
static inline void dn_debugfs_create(void)
{
}

static inline void dn_debugfs_remove(void)
{
}
#endif

#endif /* DN_DEBUGFS_H */
