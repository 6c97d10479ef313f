/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam events: the guard's events. The ring is emptied into the audit log first, then the log is read: so events
 * that a poststop hook or another `events` took out of the ring are shown too.
 */
#include "cli/command.h"

#include "lib/audit.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/guard/event.h"
#include "lib/json/json.h"
#include "lib/state/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 500
#define LINE_MAX_BYTES ((size_t)1 << 20)

static const char *text_of(const struct cfd_json *object, const char *key)
{
	const char *text = cfd_json_string(cfd_json_get(object, key));

	return text ? text : "-";
}

/* A process chooses its name and its paths: nothing of them may reach the terminal as an order. */
static void print_event(const struct cfd_json *event)
{
	const struct cfd_json *process = cfd_json_get(event, "process");
	const char *pid = cfd_json_number(cfd_json_get(process, "pid"));
	const char *name = text_of(event, "name");
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (cfd_buf_addf(&line, "%s %-10s %-20.20s %-7s %s (%s) by %s[%s]", text_of(event, "time"),
			 text_of(event, "verdict"), cfd_streq(name, "-") ? text_of(event, "container") : name,
			 text_of(event, "guard"), text_of(event, "subject"), text_of(event, "reason"),
			 text_of(process, "comm"), pid ? pid : "-"))
		return;
	cfd_hide_control(line.data, "");
	puts(line.data);
}

/* Lines of other types, and what is no JSON (a line that a full disk tore), are passed over. */
static void show_line(const char *line, size_t length, bool json)
{
	static const struct cfd_json_options options = {.name = "audit log", .max_bytes = LINE_MAX_BYTES};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_error ignored = {0};

	if (cfd_json_parse(line, length, &options, &doc, &ignored) ||
	    !cfd_streq(cfd_json_string(cfd_json_get(cfd_json_root(doc), "type")), "event"))
		return;
	if (json)
		printf("%.*s\n", (int)length, line);
	else
		print_event(cfd_json_root(doc));
}

static int show_new_lines(FILE *log, bool json, struct cfd_error *err)
{
	CFD_AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t length;
	long start = ftell(log);

	while ((length = getline(&line, &room, log)) > 0) {
		if (line[length - 1] != '\n') { /* still being written */
			if (fseek(log, start, SEEK_SET))
				return cfd_fail_errno(err, -errno, "cannot read the audit log");
			break;
		}
		show_line(line, (size_t)length - 1, json);
		start = ftell(log);
	}
	if (ferror(log))
		return cfd_fail_errno(err, -errno, "cannot read the audit log");
	clearerr(log);
	return fflush(stdout) ? cfd_fail_errno(err, -errno, "cannot write the output") : 0;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int show(const struct cfd_config *config, int audit_fd, bool follow, bool json, struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(close_file) FILE *log = fopen(config->audit_file, "re");
	size_t count = 0;
	int r;

	if (!log)
		return cfd_fail_errno(err, -errno, "cannot read the audit log %s", config->audit_file);
	r = cfd_state_open(&state, err);
	do {
		if (!r)
			r = cfd_event_drain(state, config, audit_fd, follow ? WAIT_MS : 0, &count, err);
		if (!r)
			r = show_new_lines(log, json, err);
		if (!r && follow && count == 0)
			usleep(WAIT_MS * 1000 / 5); /* nothing is loaded: the drain did not wait */
	} while (!r && follow);
	return r;
}

int cfd_command_events(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	bool follow = false, json = false;
	const struct cfd_option options[] = {{.name = "follow", .flag = &follow}, {.name = "json", .flag = &json}};
	CFD_AUTO_FD int audit_fd = -1;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), NULL, 0, err);

	if (!r)
		r = cfd_config_read(CFD_CONFIG_PATH, &config, err);
	if (!r)
		r = cfd_audit_open(&config, &audit_fd, err);
	return r ? r : show(&config, audit_fd, follow, json, err);
}
