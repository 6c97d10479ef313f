/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam status: the records of containers, as a table or as lines of JSON. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/state/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct listing {
	const char *id; /* NULL: all */
	bool json;
	size_t count;
};

static const char *word_of(const struct cfd_record *record)
{
	if (record->init.pid == 0)
		return "creating";
	return cfd_process_lives(&record->init) ? "running" : "stopped";
}

static void print_row(const struct cfd_record *record)
{
	char range[32] = "-";

	if (record->range.size)
		snprintf(range, sizeof(range), "%" PRIu32, record->range.base);
	printf("%-20.20s %-9s %-7d %-11s %-4s %-4s %-16s %s\n", record->id, word_of(record), record->init.pid, range,
	       record->guard_exec ? "yes" : "no", record->guard_net ? "yes" : "no",
	       record->profile ? record->profile : "-", record->image ? record->image : "-");
}

static int print_line(const struct cfd_record *record)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (cfd_buf_add_string(&line, "{\"id\":") || cfd_buf_add_json(&line, record->id) ||
	    cfd_buf_add_member(&line, "state", word_of(record)) ||
	    cfd_buf_add_member(&line, "name", record->container_name) ||
	    cfd_buf_add_member(&line, "image", record->image) ||
	    cfd_buf_add_member(&line, "profile", record->profile) ||
	    cfd_buf_add_member(&line, "runtime", record->runtime) ||
	    cfd_buf_add_member(&line, "cgroup", record->cgroup) ||
	    cfd_buf_addf(&line,
			 ",\"pid\":%d,\"range\":{\"base\":%" PRIu32 ",\"size\":%" PRIu32
			 "},\"guard\":{\"exec\":%s,\"net\":%s},\"policy\":\"%016" PRIx64 "\",\"created\":%" PRId64 "}",
			 record->init.pid, record->range.base, record->range.size,
			 record->guard_exec ? "true" : "false", record->guard_net ? "true" : "false", record->policy_id,
			 record->created))
		return -ENOMEM;
	puts(line.data);
	return 0;
}

static int visit(const char *key, const struct cfd_record *record, void *data)
{
	struct listing *listing = data;

	(void)key;
	if (listing->id && !cfd_streq(listing->id, record->id) && !cfd_streq(listing->id, record->container_name))
		return 0;
	if (!listing->json && listing->count == 0)
		printf("%-20s %-9s %-7s %-11s %-4s %-4s %-16s %s\n", "ID", "STATE", "PID", "IDS FROM", "EXEC", "NET",
		       "PROFILE", "IMAGE");
	listing->count++;
	if (listing->json)
		return print_line(record);
	print_row(record);
	return 0;
}

int cfd_command_status(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct listing listing = {0};
	const struct cfd_option options[] = {{.name = "json", .flag = &listing.json}};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &listing.id, 1, err);

	if (!r)
		r = cfd_state_open(&state, err);
	if (!r)
		r = cfd_state_each(state, visit, &listing, err);
	if (r)
		return r;
	if (listing.id && listing.count == 0)
		return cfd_fail(err, -ENOENT, "no container of cofferdam's is called %s", listing.id);
	return CFD_STATUS_OK;
}
