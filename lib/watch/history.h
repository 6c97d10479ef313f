/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit log tells of running containers: events of the guard, and exemptions from it. Repeats are one event,
 * with how often it came and when first and last; the one that came last is at the end.
 */
#ifndef CFD_HISTORY_H
#define CFD_HISTORY_H

#include "lib/base.h"
#include "lib/err.h"

#include <sys/types.h>

struct cfd_json_doc;
struct cfd_paint;

#define CFD_HISTORY_ROOM 1024                   /* different events; the oldest make room */
#define CFD_HISTORY_TAIL_BYTES ((off_t)1 << 20) /* of the log, which may be of any size */

struct cfd_history_entry {
	char *key;                /* what repeats have in common */
	struct cfd_json_doc *doc; /* the first; `count`, `last` and `lost` are of all */
	uint64_t count;
};

struct cfd_history {           /* zero it, but for the first three */
	const char *container; /* its id, a beginning of it, or its name; NULL: all. Borrowed. */
	uint64_t cgroup;       /* 0: any; else that very container, not another one of its name */
	size_t room;           /* 0: CFD_HISTORY_ROOM */
	struct cfd_history_entry *entries;
	size_t count;
	bool dropped; /* there were more than there was room for */
};

/* Takes a line of the log; what is of another type, of another container or no JSON is passed over. 0 or -ENOMEM. */
int cfd_history_add(struct cfd_history *history, const char *line, size_t length, struct cfd_error *err);
/* Adds what stands in the log from `start` on. */
int cfd_history_read(struct cfd_history *history, const char *path, off_t start, struct cfd_error *err);
void cfd_history_release(struct cfd_history *history);

/* Whether that is what a person calls the container: its name, its id, or the first four or more characters of it. */
bool cfd_history_is_called(const char *word, const char *id, const char *name);

/* One line, with its line feed, in columns; control characters of the container's are hidden. 0 or -ENOMEM. */
int cfd_history_text(struct cfd_json_doc *doc, const struct cfd_paint *paint, struct cfd_buf *buf);
/* The same as the object that stands in the log. */
int cfd_history_json(struct cfd_json_doc *doc, struct cfd_buf *buf);

#endif
