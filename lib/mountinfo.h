/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/self/mountinfo, proc(5): what is mounted where in this process's mount namespace. */
#ifndef CFD_MOUNTINFO_H
#define CFD_MOUNTINFO_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_mountinfo { /* one line; the strings are borrowed from the buffer */
	int id, parent;
	unsigned major, minor; /* of the superblock, also where stat() gives another device (btrfs) */
	const char *root;      /* which directory of the filesystem is mounted */
	const char *point;     /* absolute */
	const char *options;   /* of this mount: "rw,nosuid,relatime" */
	const char *type;
	const char *super_options; /* of the filesystem; left escaped (\054 for a comma), so that commas separate */
};

/* Reads all of it, at most 16 MiB, into buf, to be walked once with cfd_mountinfo_next. */
int cfd_mountinfo_read(struct cfd_buf *buf, struct cfd_error *err);

/*
 * Fills in the next line, taking the buffer apart in place; *cursor starts at buf->data. False at the end. Lines that
 * are not of the form are passed over; octal escapes are undone.
 */
bool cfd_mountinfo_next(char **cursor, struct cfd_mountinfo *ret_mount);

struct cfd_mountinfo_place { /* where an open descriptor is; release it with cfd_mountinfo_place_release */
	struct cfd_mountinfo mount;
	bool is_root;            /* the descriptor is the mount's own root directory */
	size_t child_count;      /* mounts on top of this one or inside of it */
	const char *first_child; /* where one of those is, or NULL; borrowed */
	struct cfd_buf text;     /* what everything is borrowed from */
};

/*
 * The mount that an open descriptor (O_PATH will do) lies on, found by its id, as a path can be covered by another
 * mount. Needs Linux 5.8 (STATX_MNT_ID): -EOPNOTSUPP. -ENOENT: it is of another mount namespace.
 */
int cfd_mountinfo_find(int fd, struct cfd_mountinfo_place *ret_place, struct cfd_error *err);
/* The same in a mountinfo that was read already, which is taken apart; nothing is known about is_root then. */
int cfd_mountinfo_find_id(struct cfd_buf *text, uint64_t id, struct cfd_mountinfo_place *ret_place,
			  struct cfd_error *err);
void cfd_mountinfo_place_release(struct cfd_mountinfo_place *place);

/* MS_RDONLY, MS_NOSUID, ... of the mount's options: what one that takes its place must keep. */
unsigned long cfd_mountinfo_flags(const struct cfd_mountinfo *mount);

/* Turns \ooo into its byte, in place. -EINVAL: a backslash that no three octal digits up to \377 follow, or \000. */
int cfd_mountinfo_unescape(char *text);

#endif
