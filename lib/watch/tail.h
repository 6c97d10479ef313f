/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of lines, read from its end or as it grows, in blocks, so that its size costs nothing. A line is given out when
 * it has ended; one that is longer than any of ours is passed over.
 */
#ifndef CFD_TAIL_H
#define CFD_TAIL_H

#include "lib/base.h"
#include "lib/err.h"

#include <sys/types.h>

#define CFD_TAIL_LINE_MAX ((size_t)1 << 20)

struct cfd_tail {
	int fd;
	off_t at;            /* of what has not been read yet */
	bool skipping;       /* up to the next line feed */
	struct cfd_buf rest; /* of a line that has not ended */
};
#define CFD_TAIL_INIT                                                                                                  \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/*
 * Begins with the first line that begins at `start` or behind it; beyond the end: at the end. A symbolic link, and what
 * is no regular file, is refused. What was open before is released, on success only.
 */
int cfd_tail_open(const char *path, off_t start, struct cfd_tail *tail, struct cfd_error *err);
void cfd_tail_release(struct cfd_tail *tail);

/* Hands out every whole line that is there by now, without its line feed; a non-zero return of visit ends it. */
int cfd_tail_read(struct cfd_tail *tail, int (*visit)(const char *line, size_t length, void *data), void *data,
		  struct cfd_error *err);

/* Whether the path is another file by now, or this one shorter than it was: it was rotated. */
bool cfd_tail_rotated(const struct cfd_tail *tail, const char *path);

#endif
