/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers in Prometheus' text exposition format 0.0.4: every family once, with HELP and TYPE, and under it a sample
 * for each container. Nothing that a container chooses (paths, addresses) becomes a label.
 */
#include "lib/watch/watch.h"

#include <errno.h>
#include <inttypes.h>

/* A value of a label: backslash, quote and line feed are escaped; what is no UTF-8 becomes `?`. */
static int add_label(const char *name, const char *value, bool first, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "%s%s=\"", first ? "" : ",", name);

	for (const unsigned char *c = (const unsigned char *)(value ? value : ""); !r && *c;) {
		size_t length = cfd_utf8_sequence(c);

		if (*c == '\\' || *c == '"')
			r = cfd_buf_addf(buf, "\\%c", *c);
		else if (*c == '\n')
			r = cfd_buf_add_string(buf, "\\n");
		else
			r = length ? cfd_buf_add(buf, c, length) : cfd_buf_add_string(buf, "?");
		c += length ? length : 1;
	}
	return r ? r : cfd_buf_add_string(buf, "\"");
}

/* The labels by which all samples of a container are told apart. */
static int begin_sample(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	return cfd_buf_addf(buf, "cofferdam_%s{", family) || add_label("id", status->record.id, true, buf) ||
			       add_label("name", status->record.container_name, false, buf)
		       ? -ENOMEM
		       : 0;
}

static int end_sample(uint64_t value, struct cfd_buf *buf)
{
	return cfd_buf_addf(buf, "} %" PRIu64 "\n", value);
}

static int add_info(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	return begin_sample(family, status, buf) || add_label("image", status->record.image, false, buf) ||
			       add_label("profile", status->record.profile, false, buf) ||
			       add_label("mode", cfd_watch_mode(status), false, buf) ||
			       add_label("phase", cfd_watch_phase(status), false, buf) || end_sample(1, buf)
		       ? -ENOMEM
		       : 0;
}

static int add_created(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	return begin_sample(family, status, buf) || end_sample((uint64_t)status->record.created, buf) ? -ENOMEM : 0;
}

static const char *const parts[CFD_GUARD_PARTS] = {
	[CFD_GUARD_PART_EXEC] = "exec",
	[CFD_GUARD_PART_NET] = "net",
};

static int add_parts(const char *family, const struct cfd_watched *status, const uint64_t *values, struct cfd_buf *buf)
{
	int r = 0;

	for (int part = 0; !r && part < CFD_GUARD_PARTS; part++)
		r = begin_sample(family, status, buf) || add_label("guard", parts[part], false, buf) ||
		    end_sample(values[part], buf);
	return r ? -ENOMEM : 0;
}

static int add_wanted(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	const uint64_t values[] = {status->record.guard_exec, status->record.guard_net};

	return add_parts(family, status, values, buf);
}

static int add_in_force(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	const uint64_t values[] = {cfd_watch_enforces(status, CFD_GUARD_PART_EXEC),
				   cfd_watch_enforces(status, CFD_GUARD_PART_NET)};

	return add_parts(family, status, values, buf);
}

static int add_exempt(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	const uint64_t values[] = {status->exempt[CFD_GUARD_PART_EXEC], status->exempt[CFD_GUARD_PART_NET]};

	return add_parts(family, status, values, buf);
}

static const char *part_of(uint8_t kind)
{
	if (1u << kind & CFD_GUARD_EXEC_KINDS)
		return parts[CFD_GUARD_PART_EXEC];
	return 1u << kind & CFD_GUARD_NET_KINDS ? parts[CFD_GUARD_PART_NET] : "other";
}

static int add_kind(const char *family, const struct cfd_watched *status, uint8_t kind, struct cfd_buf *buf)
{
	int r = 0;

	for (int verdict = 0; !r && verdict < CFD_WATCH_VERDICTS; verdict++)
		r = begin_sample(family, status, buf) || add_label("guard", part_of(kind), false, buf) ||
		    add_label("kind", cfd_guard_kind_name(kind), false, buf) ||
		    add_label("verdict", cfd_watch_verdict_name((enum cfd_watch_verdict)verdict), false, buf) ||
		    end_sample(cfd_watch_counter(status, kind, (enum cfd_watch_verdict)verdict), buf);
	return r ? -ENOMEM : 0;
}

static int add_decisions(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	int r = 0;

	for (uint8_t kind = 0; !r && status->governed && kind < CFD_GUARD_KINDS; kind++)
		r = add_kind(family, status, kind, buf);
	return r;
}

static int add_lost(const char *family, const struct cfd_watched *status, struct cfd_buf *buf)
{
	if (!status->governed)
		return 0;
	return begin_sample(family, status, buf) || end_sample(status->guard.lost, buf) ? -ENOMEM : 0;
}

// clang-format off
static const struct family {
	const char *name, *type, *help;
	int (*add)(const char *family, const struct cfd_watched *status, struct cfd_buf *buf);
} families[] = {
	{ "container_info", "gauge", "A container that cofferdam has a record of.", add_info },
	{ "container_created_timestamp_seconds", "gauge", "When it was created, since the epoch.", add_created },
	{ "guard_wanted", "gauge", "1 where the container is to be guarded.", add_wanted },
	{ "guard_in_force", "gauge", "1 where all programs of that guard and a policy are in force in the kernel.", add_in_force },
	{ "guard_decisions_total", "counter", "What the guard decided, counted in the kernel.", add_decisions },
	{ "guard_events_lost_total", "counter", "Events that were counted but for which the ring had no room.", add_lost },
	{ "guard_exempt_seconds", "gauge", "How long an exemption lasts still; 0: there is none.", add_exempt },
};
// clang-format on

int cfd_watch_prometheus(const struct cfd_watched *statuses, size_t count, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf,
			     "# HELP cofferdam_containers Containers that cofferdam has a record of.\n"
			     "# TYPE cofferdam_containers gauge\ncofferdam_containers %zu\n",
			     count);

	for (size_t f = 0; !r && f < CFD_COUNT(families); f++) {
		r = cfd_buf_addf(buf, "# HELP cofferdam_%s %s\n# TYPE cofferdam_%s %s\n", families[f].name,
				 families[f].help, families[f].name, families[f].type);
		for (size_t i = 0; !r && i < count; i++)
			r = families[f].add(families[f].name, &statuses[i], buf);
	}
	return r;
}
