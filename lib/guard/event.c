/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's events as lines of JSON. */
#include "lib/guard/event.h"

#include "lib/audit.h"
#include "lib/guard/fold.h"
#include "lib/guard/guard.h"
#include "lib/state/state.h"

#include "bpf/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The kernel counts from boot (CLOCK_BOOTTIME); people read the time of day. */
static int add_time(const char *key, uint64_t since_boot, struct cfd_buf *buf)
{
	struct timespec now, boot;
	int64_t ago, moment;
	char stamp[32];
	struct tm utc;
	time_t seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	ago = (int64_t)boot.tv_sec * 1000000000 + boot.tv_nsec - (int64_t)since_boot;
	moment = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ago;
	seconds = (time_t)(moment / 1000000000);
	gmtime_r(&seconds, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	return cfd_buf_addf(buf, "\"%s\":\"%s.%03" PRId64 "Z\"", key, stamp, moment / 1000000 % 1000);
}

/* A path, or ADDRESS:PORT in the form that URLs have. */
static int add_subject(const struct cfd_guard_event *event, struct cfd_buf *buf)
{
	char text[CFD_GUARD_PATH + 1] = "", address[INET6_ADDRSTRLEN] = "";
	struct in6_addr in6;

	if (event->path[0]) {
		memcpy(text, event->path, sizeof(event->path));
		return cfd_buf_add_member(buf, "subject", text);
	}
	if (event->kind == CFD_GUARD_BPF)
		return cfd_buf_addf(buf, ",\"subject\":\"bpf command %u\"", event->address.words[0]);
	if (event->kind == CFD_GUARD_TRACE)
		return cfd_buf_addf(buf, ",\"subject\":\"process %u\"", event->address.words[0]);
	if (event->family != AF_INET && event->family != AF_INET6)
		return event->family ? cfd_buf_addf(buf, ",\"subject\":\"family %u type %u protocol %u\"",
						    event->family, event->socket_type, event->protocol)
				     : 0;
	memcpy(&in6, &event->address, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		inet_ntop(AF_INET, in6.s6_addr + 12, address, sizeof(address));
		return cfd_buf_addf(buf, ",\"subject\":\"%s:%u\",\"protocol\":%u", address, event->port,
				    event->protocol);
	}
	inet_ntop(AF_INET6, &in6, address, sizeof(address));
	return cfd_buf_addf(buf, ",\"subject\":\"[%s]:%u\",\"protocol\":%u", address, event->port, event->protocol);
}

static int add_process(const struct cfd_guard_event *event, struct cfd_buf *buf)
{
	char comm[CFD_GUARD_COMM + 1] = "";

	memcpy(comm, event->comm, sizeof(event->comm));
	if (cfd_buf_addf(buf, ",\"process\":{\"pid\":%u,\"uid\":%u", event->pid, event->uid) ||
	    cfd_buf_add_member(buf, "comm", comm))
		return -ENOMEM;
	return cfd_buf_addf(buf, "},\"error\":%u", event->error);
}

static int add_times(const struct cfd_folded *folded, struct cfd_buf *buf)
{
	if (cfd_buf_addf(buf, ",\"count\":%" PRIu64 ",", folded->count) || add_time("last", folded->last, buf))
		return -ENOMEM;
	return folded->event.lost ? cfd_buf_addf(buf, ",\"lost\":%u", folded->event.lost) : 0;
}

int cfd_event_line(const struct cfd_record *record, const struct cfd_folded *folded, struct cfd_buf *buf)
{
	const struct cfd_guard_event *event = &folded->event;
	int r = cfd_buf_add_string(buf, "{") || add_time("time", event->time, buf) ||
		cfd_buf_add_string(buf, ",\"type\":\"event\"");

	if (!r && record)
		r = cfd_buf_add_member(buf, "container", record->id) ||
		    cfd_buf_add_member(buf, "name", record->container_name) ||
		    cfd_buf_add_member(buf, "image", record->image) ||
		    cfd_buf_add_member(buf, "profile", record->profile);
	if (!r)
		r = cfd_buf_addf(buf, ",\"cgroup\":%" PRIu64 ",\"policy\":\"%016" PRIx64 "\"", (uint64_t)event->cgroup,
				 (uint64_t)event->policy) ||
		    cfd_buf_add_member(buf, "guard", cfd_guard_kind_name(event->kind)) ||
		    cfd_buf_add_member(buf, "verdict", cfd_guard_verdict_name(event->verdict)) ||
		    cfd_buf_add_member(buf, "reason", cfd_guard_reason_name(event->reason));
	return r || add_subject(event, buf) || add_process(event, buf) || add_times(folded, buf) ||
			       cfd_buf_add_string(buf, "}")
		       ? -ENOMEM
		       : 0;
}

struct drain {
	struct cfd_state *state;
	const struct cfd_config *config;
	int audit_fd;
	struct cfd_fold fold;
	struct cfd_record last; /* whose event came last: events of one container come in rows */
	struct cfd_error *err;
};

struct search {
	uint64_t cgroup;
	struct cfd_state *state;
	struct cfd_record *found;
};

static int match_cgroup(const char *key, const struct cfd_record *record, void *data)
{
	struct search *search = data;
	struct cfd_error ignored = {0};

	if (record->cgroup_id != search->cgroup)
		return 0;
	return cfd_state_read(search->state, key, search->found, &ignored) == 0;
}

static const struct cfd_record *find_record(struct drain *drain, uint64_t cgroup)
{
	struct search search = {.cgroup = cgroup, .state = drain->state, .found = &drain->last};
	struct cfd_error ignored = {0};

	if (cgroup == 0)
		return NULL;
	if (drain->last.cgroup_id != cgroup) {
		cfd_record_release(&drain->last);
		cfd_state_each(drain->state, match_cgroup, &search, &ignored);
		drain->last.cgroup_id = cgroup; /* found or not, it need not be looked for again */
	}
	return drain->last.id ? &drain->last : NULL;
}

static int write_folded(struct drain *drain)
{
	size_t count = drain->fold.count;

	drain->fold.count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct cfd_folded *folded = &drain->fold.values[i];
		CFD_AUTO_BUF struct cfd_buf line = {0};
		int r;

		if (cfd_event_line(find_record(drain, folded->event.cgroup), folded, &line))
			return cfd_fail_memory(drain->err, "an event");
		r = cfd_audit_line(drain->audit_fd, drain->config, line.data, drain->err);
		if (r)
			return r;
	}
	return 0;
}

static int handle_event(const struct cfd_guard_event *event, void *data)
{
	struct drain *drain = data;
	int r;

	if (cfd_fold_add(&drain->fold, event))
		return 0;
	r = write_folded(drain);
	cfd_fold_add(&drain->fold, event);
	return r;
}

int cfd_event_drain(struct cfd_state *state, const struct cfd_config *config, int audit_fd, int wait_ms,
		    size_t *ret_count, struct cfd_error *err)
{
	CFD_AUTO_FREE struct drain *drain = calloc(1, sizeof(*drain));
	size_t count = 0;
	int r;

	if (!drain)
		return cfd_fail_memory(err, "events");
	drain->state = state;
	drain->config = config;
	drain->audit_fd = audit_fd;
	drain->err = err;
	r = cfd_guard_drain(cfd_state_dir(state), wait_ms, handle_event, drain, &count, err);
	if (!r)
		r = write_folded(drain);
	cfd_record_release(&drain->last);
	if (r && r != -ENOENT)
		return r;
	*ret_count = count;
	return 0;
}
