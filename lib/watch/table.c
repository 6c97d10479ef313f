/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as a table, and as lines of JSON. */
#include "lib/watch/watch.h"

#include "lib/paint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define NAME_WIDTH 24
#define IMAGE_WIDTH 36

static const char *name_of(const struct cfd_record *record)
{
	return record->container_name ? record->container_name : record->id;
}

/* The end of an image's name tells more than its registry. */
static const char *end_of(const char *text, size_t width)
{
	size_t length = text ? strlen(text) : 0;

	if (!length)
		return "-";
	return length > width ? text + length - width : text;
}

static void age(int64_t seconds, char text[16])
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	snprintf(text, 16, "0s");
	for (size_t i = 0; i < CFD_COUNT(units); i++) {
		if (seconds < 2 * units[i].seconds && i + 1 < CFD_COUNT(units))
			continue;
		if (seconds > 0)
			snprintf(text, 16, "%" PRId64 "%c", seconds / units[i].seconds % 100000, units[i].letter);
		return;
	}
}

/* How often it denied, or would have; "off": nobody asked for that part; "MISSING": it is not in force all the same. */
static void denials(const struct cfd_watched *status, enum cfd_guard_part part, char text[24])
{
	bool wanted = part == CFD_GUARD_PART_EXEC ? status->record.guard_exec : status->record.guard_net;

	if (cfd_watch_enforces(status, part))
		snprintf(text, 24, "%" PRIu64,
			 cfd_watch_count(status, part, CFD_WATCH_DENIED) +
				 cfd_watch_count(status, part, CFD_WATCH_WARNED));
	else if (part == CFD_GUARD_PART_NET && status->governed && status->attached.destinations)
		snprintf(text, 24, "partly");
	else
		snprintf(text, 24, "%s", !wanted ? "off" : status->lives ? "MISSING" : "-");
}

static int add_exempt(const struct cfd_watched *status, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	static const char *const names[CFD_GUARD_PARTS] = {"exec", "net"};
	int r = 0;

	for (int part = 0; !r && part < CFD_GUARD_PARTS; part++)
		if (status->exempt[part])
			r = cfd_buf_addf(buf, "  %s%s exempt for %u s%s", paint->unsure, names[part],
					 status->exempt[part], paint->end);
	return r;
}

static int add_row(const struct cfd_watched *status, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_record *record = &status->record;
	char exec[24], net[24], old[16];
	bool missing;
	int r;

	denials(status, CFD_GUARD_PART_EXEC, exec);
	denials(status, CFD_GUARD_PART_NET, net);
	age(status->now - record->created, old);
	missing = cfd_streq(exec, "MISSING") || cfd_streq(net, "MISSING");
	r = cfd_buf_addf(buf, "%s%-*.*s%s %-*s %-16s %-8s %-8s %s%7s %7s%s %6s", paint->name, NAME_WIDTH, NAME_WIDTH,
			 name_of(record), paint->end, IMAGE_WIDTH, end_of(record->image, IMAGE_WIDTH),
			 record->profile ? record->profile : "-", cfd_watch_mode(status), cfd_watch_phase(status),
			 missing ? paint->bad : "", exec, net, missing ? paint->end : "", old);
	if (!r)
		r = add_exempt(status, paint, buf);
	return r ? r : cfd_buf_add_string(buf, "\n");
}

int cfd_watch_table(const struct cfd_watched *statuses, size_t count, const struct cfd_paint *paint,
		    struct cfd_buf *buf)
{
	int r = count ? cfd_buf_addf(buf, "%s%-*s %-*s %-16s %-8s %-8s %7s %7s %6s%s\n", paint->place, NAME_WIDTH,
				     "CONTAINER", IMAGE_WIDTH, "IMAGE", "PROFILE", "MODE", "STATE", "EXEC", "NET",
				     "AGE", paint->end)
		      : 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add_row(&statuses[i], paint, buf);
	return r;
}

/* --- JSON */

static int add_part(const struct cfd_watched *status, enum cfd_guard_part part, struct cfd_buf *buf)
{
	int r = 0;

	for (int verdict = 0; !r && verdict < CFD_WATCH_VERDICTS; verdict++)
		r = cfd_buf_addf(buf, "%s\"%s\":%" PRIu64, verdict ? "," : "",
				 cfd_watch_verdict_name((enum cfd_watch_verdict)verdict),
				 cfd_watch_count(status, part, (enum cfd_watch_verdict)verdict));
	return r;
}

static int add_json_exemption(const char *key, const struct cfd_exemption *exemption, uint32_t left,
			      struct cfd_buf *buf)
{
	if (!left)
		return 0;
	return cfd_buf_addf(buf, "%s\"%s\":{\"left\":%" PRIu32, buf->data[buf->length - 1] == '{' ? "" : ",", key,
			    left) ||
			       cfd_buf_add_member(buf, "reason", exemption->reason) || cfd_buf_add_string(buf, "}")
		       ? -ENOMEM
		       : 0;
}

static int add_guard(const struct cfd_watched *status, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, ",\"decisions\":{\"exec\":{") || add_part(status, CFD_GUARD_PART_EXEC, buf) ||
		cfd_buf_add_string(buf, "},\"net\":{") || add_part(status, CFD_GUARD_PART_NET, buf) ||
		cfd_buf_addf(buf, "}},\"lost\":%" PRIu64 ",\"exempt\":{", (uint64_t)status->guard.lost) ||
		add_json_exemption("exec", &status->exemptions.exec, status->exempt[CFD_GUARD_PART_EXEC], buf) ||
		add_json_exemption("net", &status->exemptions.net, status->exempt[CFD_GUARD_PART_NET], buf) ||
		cfd_buf_add_string(buf, "}");

	return r ? -ENOMEM : 0;
}

static const char *yes(bool value)
{
	return value ? "true" : "false";
}

int cfd_watch_json(const struct cfd_watched *status, struct cfd_buf *buf)
{
	const struct cfd_record *record = &status->record;
	int r = cfd_buf_add_string(buf, "{\"id\":") || cfd_buf_add_json(buf, record->id) ||
		cfd_buf_add_member(buf, "state",
				   !record->init.pid ? "creating"
				   : status->lives   ? "running"
						     : "stopped") ||
		cfd_buf_add_member(buf, "phase", cfd_watch_phase(status)) ||
		cfd_buf_add_member(buf, "name", record->container_name) ||
		cfd_buf_add_member(buf, "image", record->image) ||
		cfd_buf_add_member(buf, "profile", record->profile) ||
		cfd_buf_add_member(buf, "mode", status->governed ? cfd_watch_mode(status) : NULL) ||
		cfd_buf_add_member(buf, "runtime", record->runtime) ||
		cfd_buf_add_member(buf, "cgroup", record->cgroup) ||
		cfd_buf_addf(buf,
			     ",\"pid\":%d,\"range\":{\"base\":%" PRIu32 ",\"size\":%" PRIu32
			     "},\"guard\":{\"exec\":%s,\"net\":%s%s},\"in_force\":{\"exec\":%s,\"net\":%s}"
			     ",\"policy\":\"%016" PRIx64 "\",\"created\":%" PRId64,
			     record->init.pid, record->range.base, record->range.size, yes(record->guard_exec),
			     yes(record->guard_net), record->guard_destinations ? ",\"destinations\":true" : "",
			     yes(cfd_watch_enforces(status, CFD_GUARD_PART_EXEC)),
			     yes(cfd_watch_enforces(status, CFD_GUARD_PART_NET)), record->policy_id, record->created);

	if (!r)
		r = cfd_watch_place_json(status, buf);
	if (!r && status->governed)
		r = add_guard(status, buf);
	return r ? -ENOMEM : 0;
}
