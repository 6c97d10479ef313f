/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as it is now: its record, and what the kernel has in force for it. Gathered once, then written as a row
 * of a table, as JSON, as Prometheus' text, or at length.
 */
#ifndef CFD_WATCH_H
#define CFD_WATCH_H

#include "bpf/guard.h"
#include "lib/base.h"
#include "lib/err.h"
#include "lib/guard/guard.h"
#include "lib/state/exemption.h"
#include "lib/state/state.h"

struct cfd_history;
struct cfd_paint;
struct cfd_policy;

struct cfd_watched {
	struct cfd_record record;
	int64_t now;   /* seconds since the epoch */
	bool lives;    /* its first process */
	bool governed; /* `guard` is what this version has in force in its cgroup */
	struct cfd_guard_state guard;
	struct cfd_guard_parts attached;  /* whose programs are all on the cgroup */
	uint32_t exempt[CFD_GUARD_PARTS]; /* seconds left */
	struct cfd_exemptions exemptions; /* why; also those that are over */
};

enum cfd_watch_verdict {
	CFD_WATCH_ALLOWED,
	CFD_WATCH_DENIED,
	CFD_WATCH_WARNED,
	CFD_WATCH_EXEMPTED,
	CFD_WATCH_VERDICTS
};

/* Takes the record (which is emptied) and asks the kernel; what it does not tell is absent, as on a host without. */
int cfd_watch_gather(struct cfd_state *state, const char *key, struct cfd_record *record,
		     struct cfd_watched *ret_status, struct cfd_error *err);
void cfd_watch_release(struct cfd_watched *status);

/* How often a part of the guard decided so. */
uint64_t cfd_watch_count(const struct cfd_watched *status, enum cfd_guard_part part, enum cfd_watch_verdict verdict);
/* One counter, and the words for labels and keys. */
uint64_t cfd_watch_counter(const struct cfd_watched *status, uint8_t kind, enum cfd_watch_verdict verdict);
const char *cfd_watch_verdict_name(enum cfd_watch_verdict verdict);
/* "enforce", "warn", "record"; "-": nothing is in force. */
const char *cfd_watch_mode(const struct cfd_watched *status);
/* "creating", "stopped", "starting" or "sealed" (exec.shells: startup), "running". */
const char *cfd_watch_phase(const struct cfd_watched *status);
/* Whether the part's programs are all there and a policy is in force. */
bool cfd_watch_enforces(const struct cfd_watched *status, enum cfd_guard_part part);

/* All of these return 0 or -ENOMEM. */
int cfd_watch_table(const struct cfd_watched *statuses, size_t count, const struct cfd_paint *paint,
		    struct cfd_buf *buf);
int cfd_watch_json(const struct cfd_watched *status, struct cfd_buf *buf); /* one line, without its end: no `}` */
/* Text exposition format 0.0.4. Labels are of containers, guards, kinds and verdicts alone, so they stay few. */
int cfd_watch_prometheus(const struct cfd_watched *statuses, size_t count, struct cfd_buf *buf);

/* What the kernel has, held against what was recorded when the container was created. */
struct cfd_watch_detail {
	const struct cfd_policy *policy; /* as it was compiled, or NULL when that is not kept (hooks alone) */
	struct cfd_guard_route *routes;  /* in the kernel under the policy's id; sorted by cfd_watch_compare */
	size_t route_count;
	struct cfd_buf differences;        /* one a line */
	const struct cfd_history *history; /* last events */
};

/* Reads the rules and finds every difference. The policy and the history are the caller's. */
int cfd_watch_compare(const struct cfd_watched *status, struct cfd_watch_detail *detail, struct cfd_error *err);
void cfd_watch_detail_release(struct cfd_watch_detail *detail);
int cfd_watch_detail_text(const struct cfd_watched *status, const struct cfd_watch_detail *detail,
			  const struct cfd_paint *paint, struct cfd_buf *buf);
/* The whole object, on a line. */
int cfd_watch_detail_json(const struct cfd_watched *status, const struct cfd_watch_detail *detail, struct cfd_buf *buf);

/* Its ids on the host, its root filesystem and its bind mounts: lines, and members of an object. */
int cfd_watch_place(const struct cfd_watched *status, struct cfd_buf *buf);
int cfd_watch_place_json(const struct cfd_watched *status, struct cfd_buf *buf);

/* "10.0.0.0/8", "fd00::/8"; "tcp/80", "udp/8000-8010", "any". */
int cfd_watch_network(const struct cfd_guard_route_key *key, struct cfd_buf *buf);
int cfd_watch_ports(const struct cfd_guard_range *range, struct cfd_buf *buf);
int cfd_watch_address(const struct cfd_guard_address *address, struct cfd_buf *buf);

#endif
