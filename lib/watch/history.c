/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log tells of running containers. */
#include "lib/watch/history.h"

#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/watch/tail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define SHORTEST_ID 4 /* of what is typed for an id */

static const char *text_of(const struct cfd_json *object, const char *key)
{
	return cfd_json_string(cfd_json_get(object, key));
}

static uint64_t number_of(const struct cfd_json *object, const char *key)
{
	uint64_t number = 0;

	return cfd_json_uint(cfd_json_get(object, key), UINT64_MAX, &number) ? 0 : number;
}

bool cfd_history_is_called(const char *word, const char *id, const char *name)
{
	return cfd_streq(word, id) || cfd_streq(word, name) ||
	       (id && strlen(word) >= SHORTEST_ID && cfd_starts_with(id, word));
}

/* --- folding */

/* The newer of two times, both RFC 3339 in UTC with the same number of digits. */
static const char *newer(const struct cfd_json *root, const char *last)
{
	const char *own = text_of(root, "last");

	own = own ? own : text_of(root, "time");
	return !own || (last && strcmp(last, own) > 0) ? last : own;
}

/* An exemption is never a repeat: its time is in its key. */
static int make_key(const struct cfd_json *root, struct cfd_buf *key)
{
	static const char *const members[] = {"container", "guard", "verdict", "reason", "subject"};
	const struct cfd_json *process = cfd_json_get(root, "process");
	bool event = cfd_streq(text_of(root, "type"), "event");
	int r = cfd_buf_addf(key, "%s %" PRIu64 " %" PRIu64 " %" PRIu64, event ? "" : newer(root, ""),
			     number_of(root, "cgroup"), number_of(root, "protocol"), number_of(process, "uid"));

	for (size_t i = 0; !r && i < CFD_COUNT(members); i++)
		r = cfd_buf_add_member(key, members[i], text_of(root, members[i]));
	return r ? r : cfd_buf_add_member(key, "comm", text_of(process, "comm"));
}

static void release_entry(struct cfd_history_entry *entry)
{
	free(entry->key);
	cfd_json_doc_free(entry->doc);
}

void cfd_history_release(struct cfd_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		release_entry(&history->entries[i]);
	free(history->entries);
	history->entries = NULL;
	history->count = 0;
}

/* The entry goes to the end, since it came last. */
static struct cfd_history_entry *move_to_end(struct cfd_history *history, size_t index)
{
	struct cfd_history_entry entry = history->entries[index], *last = &history->entries[history->count - 1];

	memmove(&history->entries[index], &history->entries[index + 1],
		(history->count - 1 - index) * sizeof(*history->entries));
	*last = entry;
	return last;
}

static int repeat(struct cfd_history_entry *entry, const struct cfd_json *root)
{
	struct cfd_json *first = cfd_json_root(entry->doc);
	const char *last = newer(first, newer(root, NULL));
	uint64_t lost = number_of(root, "lost");
	int r = 0;

	entry->count += number_of(root, "count") ? number_of(root, "count") : 1;
	if (last)
		r = cfd_json_set(entry->doc, first, "last", cfd_json_new_string(entry->doc, last));
	if (!r)
		r = cfd_json_set(entry->doc, first, "count", cfd_json_new_u64(entry->doc, entry->count));
	if (!r && lost > number_of(first, "lost"))
		r = cfd_json_set(entry->doc, first, "lost", cfd_json_new_u64(entry->doc, lost));
	return r;
}

static int add_new(struct cfd_history *history, struct cfd_buf *key, struct cfd_json_doc **doc, struct cfd_error *err)
{
	size_t room = history->room ? history->room : CFD_HISTORY_ROOM;
	uint64_t count = number_of(cfd_json_root(*doc), "count");

	if (!history->entries)
		history->entries = calloc(room, sizeof(*history->entries));
	if (!history->entries)
		return cfd_fail_memory(err, "events");
	if (history->count == room) {
		release_entry(move_to_end(history, 0));
		history->count--;
		history->dropped = true;
	}
	history->entries[history->count++] = (struct cfd_history_entry){
		.key = cfd_take(key->data), .doc = cfd_take(*doc), .count = count ? count : 1};
	*key = (struct cfd_buf){0};
	return 0;
}

static bool is_wanted(const struct cfd_history *history, const struct cfd_json *root)
{
	const char *type = text_of(root, "type");

	if (!cfd_streq(type, "event") && !cfd_streq(type, "exemption"))
		return false;
	if (history->cgroup && number_of(root, "cgroup") != history->cgroup)
		return false;
	return !history->container ||
	       cfd_history_is_called(history->container, text_of(root, "container"), text_of(root, "name"));
}

int cfd_history_add(struct cfd_history *history, const char *line, size_t length, struct cfd_error *err)
{
	static const struct cfd_json_options options = {.name = "audit log", .max_bytes = CFD_TAIL_LINE_MAX};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf key = {0};
	struct cfd_error ignored = {0};

	/* Cheaper than to parse every verdict; a torn line is no JSON. */
	if (!memmem(line, length, "\"type\":\"e", 9) || cfd_json_parse(line, length, &options, &doc, &ignored) ||
	    !is_wanted(history, cfd_json_root(doc)))
		return 0;
	if (make_key(cfd_json_root(doc), &key))
		return cfd_fail_memory(err, "an event");
	for (size_t i = history->count; i-- > 0;)
		if (cfd_streq(history->entries[i].key, key.data))
			return repeat(move_to_end(history, i), cfd_json_root(doc)) ? cfd_fail_memory(err, "an event")
										   : 0;
	return add_new(history, &key, &doc, err);
}

struct reading {
	struct cfd_history *history;
	struct cfd_error *err;
};

static int add_line(const char *line, size_t length, void *data)
{
	struct reading *reading = data;

	return cfd_history_add(reading->history, line, length, reading->err);
}

int cfd_history_read(struct cfd_history *history, const char *path, off_t start, struct cfd_error *err)
{
	CFD_AUTO(cfd_tail_release) struct cfd_tail tail = CFD_TAIL_INIT;
	struct reading reading = {history, err};
	int r = cfd_tail_open(path, start, &tail, err);

	return r ? r : cfd_tail_read(&tail, add_line, &reading, err);
}

/* --- showing */

/* A process chooses its name and its paths: nothing of them may reach the terminal as an order. */
static int add_column(const char *colour, const char *text, int width, const char *end, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf plain = {0};
	int length;

	if (cfd_buf_add_string(&plain, text ? text : "-"))
		return -ENOMEM;
	cfd_hide_control(plain.data, "");
	length = (int)plain.length;
	return cfd_buf_addf(buf, "%s%s%s%*s", colour, plain.data, end, width > length ? width - length : 0, "");
}

static int add_list(const struct cfd_json *list, struct cfd_buf *buf)
{
	int r = 0;

	for (size_t i = 0; !r && i < cfd_json_count(list); i++)
		r = cfd_buf_addf(buf, "%s%s", i ? "," : "", cfd_json_string(cfd_json_at(list, i)));
	return r;
}

static int add_exemption(const struct cfd_json *root, struct cfd_buf *rest)
{
	int r = add_list(cfd_json_get(root, "guards"), rest);
	const char *login = cfd_json_number(cfd_json_get(root, "login"));

	if (!r && cfd_json_get(root, "seconds"))
		r = cfd_buf_addf(rest, " for %" PRIu64 " s", number_of(root, "seconds"));
	if (!r && text_of(root, "reason"))
		r = cfd_buf_addf(rest, ": %s", text_of(root, "reason"));
	return r ? r : cfd_buf_addf(rest, " (%s%s)", login ? "login " : "root", login ? login : "");
}

static int add_event(const struct cfd_json *root, struct cfd_buf *rest)
{
	const struct cfd_json *process = cfd_json_get(root, "process");
	const char *pid = cfd_json_number(cfd_json_get(process, "pid")), *comm = text_of(process, "comm");
	const char *subject = text_of(root, "subject"), *guard = text_of(root, "guard"),
		   *reason = text_of(root, "reason");
	uint64_t count = number_of(root, "count"), lost = number_of(root, "lost");
	int r = cfd_buf_addf(rest, "%-7s %s (%s) by %s[%s]", guard ? guard : "-", subject ? subject : "-",
			     reason ? reason : "-", comm ? comm : "-", pid ? pid : "-");

	if (!r && count > 1)
		r = cfd_buf_addf(rest, ", %" PRIu64 " times since %s", count, text_of(root, "time"));
	if (!r && lost)
		r = cfd_buf_addf(rest, "; %" PRIu64 " events lost so far", lost);
	return r;
}

static const char *colour_of(const char *verdict, const struct cfd_paint *paint)
{
	if (cfd_streq(verdict, "denied"))
		return paint->bad;
	return cfd_streq(verdict, "allowed") ? paint->good : paint->unsure;
}

int cfd_history_text(struct cfd_json_doc *doc, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_json *root = cfd_json_root(doc);
	bool event = cfd_streq(text_of(root, "type"), "event");
	const char *verdict = text_of(root, event ? "verdict" : "action");
	const char *name = text_of(root, "name") ? text_of(root, "name") : text_of(root, "container");
	CFD_AUTO_BUF struct cfd_buf rest = {0}, word = {0};

	if ((event ? add_event(root, &rest) : add_exemption(root, &rest)) ||
	    cfd_buf_addf(&word, "%s%s", event ? "" : "exempt-", verdict ? verdict : "?"))
		return -ENOMEM;
	return add_column("", newer(root, NULL), 25, "", buf) ||
			       add_column(colour_of(verdict, paint), word.data, 13, paint->end, buf) ||
			       add_column(paint->name, name, 20, paint->end, buf) || cfd_buf_add_string(buf, " ") ||
			       add_column("", rest.data, 0, "", buf) || cfd_buf_add_string(buf, "\n")
		       ? -ENOMEM
		       : 0;
}

int cfd_history_json(struct cfd_json_doc *doc, struct cfd_buf *buf)
{
	return cfd_json_write(cfd_json_root(doc), buf) || cfd_buf_add_string(buf, "\n") ? -ENOMEM : 0;
}
