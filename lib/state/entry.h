/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the state directory. A symbolic link carries a line of text: one system call makes it as a whole or not at
 * all, and one reads it, with no file opened.
 */
#ifndef CFD_ENTRY_H
#define CFD_ENTRY_H

#include "lib/base.h"
#include "lib/err.h"

/* The text of a link: its length, or -errno; -ENAMETOOLONG when it does not fit with its NUL. */
int cfd_entry_read_link(int dirfd, const char *name, char *ret_text, size_t room);
/* Makes or replaces a link; NULL removes it. */
int cfd_entry_set_link(int dirfd, const char *name, const char *text, struct cfd_error *err);
/* "NUMBER:NUMBER", as the links of processes and ranges have it. -EBADMSG: something else. */
int cfd_entry_read_pair(int dirfd, const char *name, uint64_t first_max, uint64_t *ret_first, uint64_t *ret_second);

/* Removes a file or a directory with what is in it (no deeper than cofferdam writes). Gone already is no error. */
int cfd_entry_remove(int dirfd, const char *name);

#endif
