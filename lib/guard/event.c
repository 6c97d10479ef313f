/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's events as lines of JSON. */
#include "lib/guard/event.h"

#include "lib/audit.h"
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
static int add_time(uint64_t since_boot, struct cfd_buf *buf)
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
	return cfd_buf_addf(buf, "{\"time\":\"%s.%03" PRId64 "Z\",\"type\":\"event\"", stamp, moment / 1000000 % 1000);
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
	return cfd_buf_addf(buf, "},\"error\":%u,\"count\":1}", event->error);
}

int cfd_event_line(const struct cfd_record *record, const struct cfd_guard_event *event, struct cfd_buf *buf)
{
	int r = add_time(event->time, buf);

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
	return r || add_subject(event, buf) || add_process(event, buf) ? -ENOMEM : 0;
}

struct drain {
	struct cfd_state *state;
	const struct cfd_config *config;
	int audit_fd;
	int (*show)(const char *line, void *data);
	void *data;
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

static int handle_event(const struct cfd_guard_event *event, void *data)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};
	struct drain *drain = data;
	int r;

	if (cfd_event_line(find_record(drain, event->cgroup), event, &line))
		return cfd_fail_memory(drain->err, "an event");
	r = cfd_audit_line(drain->audit_fd, drain->config, line.data, drain->err);
	return r || !drain->show ? r : drain->show(line.data, drain->data);
}

int cfd_event_drain(struct cfd_state *state, const struct cfd_config *config, int audit_fd, int wait_ms,
		    int (*show)(const char *line, void *data), void *data, size_t *ret_count, struct cfd_error *err)
{
	struct drain drain = {
		.state = state, .config = config, .audit_fd = audit_fd, .show = show, .data = data, .err = err};
	size_t count = 0;
	int r = cfd_guard_drain(cfd_state_dir(state), wait_ms, handle_event, &drain, &count, err);

	cfd_record_release(&drain.last);
	if (r && r != -ENOENT)
		return r;
	*ret_count = count;
	return 0;
}
