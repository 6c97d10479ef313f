/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's events, with the names of the containers they happened in: one JSON object on a line. Whoever drains the
 * ring writes every event to the audit log first, since the ring forgets what was read.
 */
#ifndef CFD_EVENT_H
#define CFD_EVENT_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_config;
struct cfd_folded; /* lib/guard/fold.h */
struct cfd_record;
struct cfd_state;

/*
 * The line of an event with its repeats, without a line feed: `time` is the first one's, `last` and `count` tell of the
 * others. The record tells whose cgroup it was, NULL when unknown. 0 or -ENOMEM.
 */
int cfd_event_line(const struct cfd_record *record, const struct cfd_folded *folded, struct cfd_buf *buf);

/*
 * Empties the ring into the audit log, repeats folded into one line. With `wait_ms` > 0 waits that long for the first
 * event. No ring, because nothing was loaded since boot, is no error. The number of events is in ret_count. On failure
 * what was taken out of the ring and not written is gone; the counters of the guard have it.
 */
int cfd_event_drain(struct cfd_state *state, const struct cfd_config *config, int audit_fd, int wait_ms,
		    size_t *ret_count, struct cfd_error *err);

#endif
