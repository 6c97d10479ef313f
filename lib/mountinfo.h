/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/self/mountinfo, proc(5): what is mounted where in this process's mount namespace. */
#ifndef CFD_MOUNTINFO_H
#define CFD_MOUNTINFO_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_mountinfo { /* one line; the strings are borrowed from the buffer */
	int id;
	unsigned major, minor; /* of the superblock, also where stat() gives another device (btrfs) */
	const char *root;      /* which directory of the filesystem is mounted */
	const char *point;     /* absolute */
	const char *type;
};

/* Reads all of it, at most 16 MiB, into buf, to be walked once with cfd_mountinfo_next. */
int cfd_mountinfo_read(struct cfd_buf *buf, struct cfd_error *err);

/*
 * Fills in the next line, taking the buffer apart in place; *cursor starts at buf->data. False at the end. Lines that
 * are not of the form are passed over; octal escapes are undone.
 */
bool cfd_mountinfo_next(char **cursor, struct cfd_mountinfo *ret_mount);

#endif
