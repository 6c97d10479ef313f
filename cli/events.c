/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam events: the guard's events. The ring is emptied into the audit log first, then the log is read: so events
 * that a poststop hook or another `events` took out of the ring are shown too. Of the log its end is read; with
 * --follow, what is written from now on.
 */
#include "cli/command.h"

#include "lib/audit.h"
#include "lib/config.h"
#include "lib/rootless.h"
#include "lib/err.h"
#include "lib/guard/event.h"
#include "lib/paint.h"
#include "lib/state/state.h"
#include "lib/watch/history.h"
#include "lib/watch/tail.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 500
#define IDLE_MS 200
#define GATHER_MS 50 /* so that repeats come in one batch; in that time a container can hardly fill the ring */

struct shown {
	struct cfd_config config;
	struct cfd_state *state;
	const struct cfd_paint *paint;
	const char *container; /* NULL: all */
	bool json;
	int audit_fd;
	struct cfd_tail tail;
	struct cfd_error *err;
};

static void shown_release(struct shown *shown)
{
	cfd_config_release(&shown->config);
	cfd_state_freep(&shown->state);
	cfd_base_close(&shown->audit_fd);
	cfd_tail_release(&shown->tail);
}

static int print_history(const struct shown *shown, const struct cfd_history *history)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	for (size_t i = 0; i < history->count; i++) {
		struct cfd_json_doc *doc = history->entries[i].doc;

		if (shown->json ? cfd_history_json(doc, &text) : cfd_history_text(doc, shown->paint, &text))
			return cfd_fail_memory(shown->err, "events");
	}
	if (text.length && (fputs(text.data, stdout) == EOF || fflush(stdout)))
		return cfd_fail_errno(shown->err, -errno, "cannot write the output");
	return 0;
}

static int drain(struct shown *shown, int wait_ms, size_t *ret_count)
{
	return cfd_event_drain(shown->state, &shown->config, shown->audit_fd, wait_ms, ret_count, shown->err);
}

static off_t end_of_log(const struct shown *shown)
{
	struct stat st;

	return fstat(shown->audit_fd, &st) ? 0 : st.st_size;
}

/* What was in the ring, and before it the end of the log. */
static int show_last(struct shown *shown)
{
	CFD_AUTO(cfd_history_release) struct cfd_history history = {.container = shown->container};
	off_t before = end_of_log(shown), start;
	size_t count = 0;
	int r = drain(shown, 0, &count);

	start = end_of_log(shown) - CFD_HISTORY_TAIL_BYTES;
	if (start > before)
		start = before;
	if (!r)
		r = cfd_history_read(&history, shown->config.audit_file, start > 0 ? start : 0, shown->err);
	if (!r)
		r = print_history(shown, &history);
	if (!r && (start > 0 || history.dropped))
		fprintf(stderr, "cofferdam: older events are in %s\n", shown->config.audit_file);
	return r;
}

/* A line as it comes: folded already, when it was written. */
static int show_line(const char *line, size_t length, void *data)
{
	struct shown *shown = data;
	CFD_AUTO(cfd_history_release) struct cfd_history history = {.container = shown->container, .room = 1};
	int r = cfd_history_add(&history, line, length, shown->err);

	return r ? r : print_history(shown, &history);
}

/* The log was rotated: what is left of the old one was shown, the new one is shown from its beginning. */
static int reopen(struct shown *shown)
{
	cfd_base_close(&shown->audit_fd);
	if (cfd_audit_open(&shown->config, &shown->audit_fd, shown->err))
		return shown->err->code;
	return cfd_tail_open(shown->config.audit_file, 0, &shown->tail, shown->err);
}

static int follow(struct shown *shown)
{
	int r = cfd_tail_open(shown->config.audit_file, end_of_log(shown), &shown->tail, shown->err);

	while (!r) {
		size_t count = 0;

		r = drain(shown, WAIT_MS, &count);
		if (!r)
			r = cfd_tail_read(&shown->tail, show_line, shown, shown->err);
		if (!r && cfd_tail_rotated(&shown->tail, shown->config.audit_file))
			r = reopen(shown);
		else if (!r) /* nothing may be loaded: then the drain did not wait */
			usleep((count ? GATHER_MS : IDLE_MS) * 1000);
	}
	return r;
}

int cfd_command_events(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(shown_release) struct shown shown = {.audit_fd = -1, .tail = CFD_TAIL_INIT, .err = err};
	bool follows = false;
	const struct cfd_option options[] = {{.name = "follow", .flag = &follows},
					     {.name = "container", .value = &shown.container},
					     {.name = "json", .flag = &shown.json}};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), NULL, 0, err);

	shown.paint = cfd_paint_for(STDOUT_FILENO);
	if (!r)
		r = cfd_rootless_read_config(CFD_CONFIG_PATH, &shown.config, err);
	if (!r)
		r = cfd_audit_open(&shown.config, &shown.audit_fd, err);
	if (!r)
		r = cfd_state_open(&shown.state, err);
	if (r)
		return r;
	return follows ? follow(&shown) : show_last(&shown);
}
