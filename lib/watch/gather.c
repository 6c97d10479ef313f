/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has in force for a container, and what that means. */
#include "lib/watch/watch.h"

#include "lib/guard/cgroup.h"
#include "lib/guard/exempt.h"

#include <errno.h>
#include <time.h>

void cfd_watch_release(struct cfd_watched *status)
{
	cfd_record_release(&status->record);
	cfd_exemptions_release(&status->exemptions);
}

static int ask_kernel(struct cfd_watched *status, struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	CFD_AUTO_BUF struct cfd_buf path = {0};
	struct cfd_error ignored = {0};
	int r = cfd_guard_read(status->record.cgroup_id, &status->guard, err);

	if (r) /* no guard, another version's, or nothing is loaded */
		return r == -ENOENT ? 0 : r;
	status->governed = status->guard.magic == CFD_GUARD_MAGIC;
	if (cfd_guard_exempt_left(status->record.cgroup_id, status->exempt, err))
		return err->code;
	if (!status->record.cgroup || cfd_cgroup_root(&root, &ignored))
		return 0;
	if (cfd_buf_addf(&path, "%s%s", root, status->record.cgroup))
		return cfd_fail_memory(err, "a path");
	cfd_guard_attached(path.data, &status->attached, &ignored); /* a cgroup that has gone has no programs */
	return 0;
}

int cfd_watch_gather(struct cfd_state *state, const char *key, struct cfd_record *record,
		     struct cfd_watched *ret_status, struct cfd_error *err)
{
	CFD_AUTO(cfd_watch_release) struct cfd_watched status = {.record = *record, .now = time(NULL)};
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_error ignored = {0};
	int r = 0;

	*record = (struct cfd_record){0};
	status.lives = status.record.init.pid && cfd_process_lives(&status.record.init);
	if (status.record.cgroup_id)
		r = ask_kernel(&status, err);
	/* It may be gone by now; and a torn note of why it is exempt does not hide that it is. */
	if (!r && !cfd_state_open_container(state, key, &dirfd, &ignored))
		cfd_exemptions_read(dirfd, &status.exemptions, &ignored);
	if (r)
		return cfd_wrap(err, "container %s", status.record.id);
	*ret_status = status;
	status.record = (struct cfd_record){0};
	status.exemptions = (struct cfd_exemptions){0};
	return 0;
}

/* --- meaning */

uint64_t cfd_watch_counter(const struct cfd_watched *status, uint8_t kind, enum cfd_watch_verdict verdict)
{
	const __u64 *const counters[CFD_WATCH_VERDICTS] = {
		[CFD_WATCH_ALLOWED] = status->guard.allowed_times,
		[CFD_WATCH_DENIED] = status->guard.denied_times,
		[CFD_WATCH_WARNED] = status->guard.warned_times,
		[CFD_WATCH_EXEMPTED] = status->guard.exempted_times,
	};

	return counters[verdict][kind];
}

const char *cfd_watch_verdict_name(enum cfd_watch_verdict verdict)
{
	static const uint8_t numbers[CFD_WATCH_VERDICTS] = {
		[CFD_WATCH_ALLOWED] = CFD_GUARD_ALLOWED_IT,
		[CFD_WATCH_DENIED] = CFD_GUARD_DENIED,
		[CFD_WATCH_WARNED] = CFD_GUARD_WOULD_DENY,
		[CFD_WATCH_EXEMPTED] = CFD_GUARD_EXEMPTED,
	};

	return cfd_guard_verdict_name(numbers[verdict]);
}

uint64_t cfd_watch_count(const struct cfd_watched *status, enum cfd_guard_part part, enum cfd_watch_verdict verdict)
{
	unsigned kinds = part == CFD_GUARD_PART_EXEC ? CFD_GUARD_EXEC_KINDS : CFD_GUARD_NET_KINDS;
	uint64_t sum = 0;

	for (uint8_t kind = 0; kind < CFD_GUARD_KINDS; kind++)
		if (kinds & 1u << kind)
			sum += cfd_watch_counter(status, kind, verdict);
	return sum;
}

const char *cfd_watch_mode(const struct cfd_watched *status)
{
	if (!status->governed)
		return "-";
	if (status->guard.flags & CFD_GUARD_ENFORCE)
		return "enforce";
	return status->guard.flags & CFD_GUARD_RECORD ? "record" : "warn";
}

const char *cfd_watch_phase(const struct cfd_watched *status)
{
	if (!status->record.init.pid)
		return "creating";
	if (!status->lives)
		return "stopped";
	if (!cfd_watch_enforces(status, CFD_GUARD_PART_EXEC) || status->guard.shells_mode != CFD_GUARD_SHELLS_STARTUP)
		return "running";
	return status->guard.sealed ? "sealed" : "starting";
}

bool cfd_watch_enforces(const struct cfd_watched *status, enum cfd_guard_part part)
{
	return status->governed && (part == CFD_GUARD_PART_EXEC ? status->attached.exec : status->attached.net);
}
