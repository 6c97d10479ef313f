/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam status: containers that live and what is in force for them; or one of them at length. */
#include "cli/command.h"
#include "cli/find.h"

#include "lib/config.h"
#include "lib/err.h"
#include "lib/policy/policy.h"
#include "lib/paint.h"
#include "lib/rootless.h"
#include "lib/state/state.h"
#include "lib/watch/history.h"
#include "lib/watch/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAST_EVENTS 10

enum format { TEXT, JSON, PROMETHEUS };

static int parse_format(const char *text, enum format *ret_format, struct cfd_error *err)
{
	static const char *const names[] = {"text", "json", "prometheus"};

	for (size_t i = 0; i < CFD_COUNT(names); i++) {
		if (!cfd_streq(text, names[i]))
			continue;
		*ret_format = (enum format)i;
		return 0;
	}
	return cfd_fail(err, -EINVAL, "--format %s is none of text, json and prometheus", text);
}

/* Of whoever is not root there are containers of his own alone. */
static void tell_rootless(enum format format)
{
	enum cfd_caller caller = CFD_CALLER_ROOT;
	struct cfd_error ignored = {0};

	if (format == TEXT && cfd_rootless_caller(&caller, &ignored) == 0 && caller != CFD_CALLER_ROOT)
		puts("without root: " CFD_ROOTLESS_LACKS);
}

/* --- all */

struct listing {
	struct cfd_state *state;
	struct cfd_watched *statuses;
	size_t count, room;
	struct cfd_error *err;
};

static void listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		cfd_watch_release(&listing->statuses[i]);
	free(listing->statuses);
}

static int visit(const char *key, const struct cfd_record *record, void *data)
{
	struct listing *listing = data;
	CFD_AUTO(cfd_record_release) struct cfd_record own = {0};
	struct cfd_error gone = {0};
	int r;

	(void)record; /* which is the caller's */
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 16;
		struct cfd_watched *statuses = reallocarray(listing->statuses, room, sizeof(*statuses));

		if (!statuses)
			return cfd_fail_memory(listing->err, "containers");
		listing->statuses = statuses;
		listing->room = room;
	}
	if (cfd_state_read(listing->state, key, &own, &gone))
		return 0;
	r = cfd_watch_gather(listing->state, key, &own, &listing->statuses[listing->count], listing->err);
	if (!r)
		listing->count++;
	return r;
}

/* The oldest first, as an engine's list has them. */
static int by_age(const void *a, const void *b)
{
	const struct cfd_watched *x = a, *y = b;

	if (x->record.created != y->record.created)
		return x->record.created < y->record.created ? -1 : 1;
	return strcmp(x->record.id, y->record.id);
}

static int write_lines(const struct listing *listing, struct cfd_buf *buf)
{
	int r = 0;

	for (size_t i = 0; !r && i < listing->count; i++)
		r = cfd_watch_json(&listing->statuses[i], buf) || cfd_buf_add_string(buf, "}\n");
	return r;
}

static int show_all(struct cfd_state *state, enum format format, struct cfd_error *err)
{
	CFD_AUTO(listing_release) struct listing listing = {.state = state, .err = err};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_state_each(state, visit, &listing, err);

	if (r)
		return r;
	if (listing.count)
		qsort(listing.statuses, listing.count, sizeof(*listing.statuses), by_age);
	if (format == PROMETHEUS)
		r = cfd_watch_prometheus(listing.statuses, listing.count, &text);
	else if (format == JSON)
		r = write_lines(&listing, &text);
	else
		r = cfd_watch_table(listing.statuses, listing.count, cfd_paint_for(STDOUT_FILENO), &text);
	if (r)
		return cfd_fail_memory(err, "the status");
	if (text.length)
		fputs(text.data, stdout);
	tell_rootless(format);
	return CFD_STATUS_OK;
}

/* --- one */

/* The last of its events, from the end of the log; no log: none. */
static int read_history(struct cfd_history *history, struct cfd_error *err)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	struct stat st;
	off_t start;
	int r = cfd_rootless_read_config(CFD_CONFIG_PATH, &config, err);

	if (r || stat(config.audit_file, &st))
		return r;
	start = st.st_size - CFD_HISTORY_TAIL_BYTES;
	return cfd_history_read(history, config.audit_file, start > 0 ? start : 0, err);
}

/* Hooks alone keep no policy; one of another version cannot be compared. */
static void read_policy(struct cfd_state *state, const char *key, struct cfd_policy **ret_policy)
{
	CFD_AUTO_FD int directory = -1;
	struct cfd_error ignored = {0};

	if (!cfd_state_open_container(state, key, &directory, &ignored))
		cfd_policy_read(directory, "policy.bin", ret_policy, &ignored);
}

static int write_one(const struct cfd_watched *status, const struct cfd_watch_detail *detail, enum format format,
		     struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r;

	if (format == PROMETHEUS)
		r = cfd_watch_prometheus(status, 1, &text);
	else if (format == JSON)
		r = cfd_watch_detail_json(status, detail, &text);
	else
		r = cfd_watch_detail_text(status, detail, cfd_paint_for(STDOUT_FILENO), &text);
	if (r)
		return cfd_fail_memory(err, "the status");
	fputs(text.data, stdout);
	tell_rootless(format);
	return detail->differences.length ? CFD_STATUS_NO : CFD_STATUS_OK;
}

static int show_one(struct cfd_state *state, const char *word, enum format format, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	CFD_AUTO(cfd_watch_release) struct cfd_watched status = {0};
	CFD_AUTO(cfd_history_release) struct cfd_history history = {.room = LAST_EVENTS};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	CFD_AUTO(cfd_watch_detail_release) struct cfd_watch_detail detail = {.history = &history};
	char key[CFD_STATE_KEY_MAX + 1];
	int r = cfd_find_container(state, word, key, &record, err);

	if (!r)
		r = cfd_watch_gather(state, key, &record, &status, err);
	if (r)
		return r;
	history.container = status.record.id;
	history.cgroup = status.record.cgroup_id;
	read_policy(state, key, &policy);
	detail.policy = policy;
	r = cfd_watch_compare(&status, &detail, err);
	if (!r)
		r = read_history(&history, err);
	return r ? r : write_one(&status, &detail, format, err);
}

int cfd_command_status(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	const char *word = NULL, *name = "text";
	enum format format = TEXT;
	bool json = false;
	const struct cfd_option options[] = {{.name = "format", .value = &name}, {.name = "json", .flag = &json}};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &word, 1, err);

	if (!r)
		r = parse_format(json ? "json" : name, &format, err);
	if (!r)
		r = cfd_state_open(&state, err);
	if (r)
		return r;
	return word ? show_one(state, word, format, err) : show_all(state, format, err);
}
