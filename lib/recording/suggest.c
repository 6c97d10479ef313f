/* SPDX-License-Identifier: Apache-2.0 */
/* The profile as a whole, and its "exec". */
#include "lib/recording/suggest.h"

#include "bpf/guard.h"
#include "lib/guard/guard.h"
#include "lib/json/json.h"
#include "lib/recording/recording.h"
#include "lib/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* what stands for bytes that are not UTF-8 */
#define TOLD_MAX 16                /* files in one comment's list */

void cfd_page_add(struct cfd_page *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!page->failed)
		page->failed = cfd_buf_vaddf(page->text, format, args);
	va_end(args);
}

void cfd_page_comment(struct cfd_page *page, unsigned depth, const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};
	va_list args;

	va_start(args, format);
	if (!page->failed)
		page->failed = cfd_buf_vaddf(&line, format, args);
	va_end(args);
	if (page->failed)
		return;
	cfd_hide_control(line.data, "");
	cfd_page_add(page, "%.*s// %s\n", (int)depth, "\t\t\t\t", line.data);
}

static void add_json(struct cfd_page *page, const char *string)
{
	if (!page->failed)
		page->failed = cfd_buf_add_json(page->text, string);
}

/* --- exec */

/* What the runs ask of "exec". */
struct exec_needs {
	bool shells, late_shells; /* late: not only while the container started */
	bool foreign;             /* files that the image did not bring */
	bool unnamed;             /* files whose path cannot be written down */
	size_t listed;            /* files for "allow" */
};

static bool is_file(const struct cfd_used *used)
{
	return used->path != NULL;
}

static bool is_late_shell(const struct cfd_used *used)
{
	return used->facts & CFD_GUARD_FACT_SHELL && used->facts & CFD_GUARD_FACT_LATE;
}

static bool is_foreign(const struct cfd_used *used)
{
	return used->facts & CFD_GUARD_FACT_FOREIGN;
}

/* While a container with `startup` starts, its shells and scripts need not be listed. */
static bool is_listed(const struct cfd_used *used, const struct exec_needs *needs)
{
	const bool startup = needs->shells && !needs->late_shells;

	if (!is_file(used) || used->kind != CFD_GUARD_EXEC)
		return false;
	return !startup || used->facts & CFD_GUARD_FACT_LATE ||
	       !(used->facts & (CFD_GUARD_FACT_SHELL | CFD_GUARD_FACT_SCRIPT));
}

static bool is_unnamed(const struct cfd_used *used)
{
	return !cfd_shape_path(used->path) || strstr(used->path, REPLACEMENT);
}

static struct exec_needs needs_of(const struct cfd_recording *recording)
{
	struct exec_needs needs = {0};

	for (size_t i = 0; i < recording->count; i++) {
		const struct cfd_used *used = &recording->used[i];

		if (!is_file(used))
			continue;
		needs.shells |= !!(used->facts & CFD_GUARD_FACT_SHELL);
		needs.late_shells |= is_late_shell(used);
		needs.foreign |= is_foreign(used);
	}
	for (size_t i = 0; i < recording->count; i++) {
		if (!is_listed(&recording->used[i], &needs))
			continue;
		needs.listed++;
		needs.unnamed |= is_unnamed(&recording->used[i]);
	}
	return needs;
}

/* Of memory that was writable and executable, or anonymous and executable: recorded where `wx` is denied. */
static bool is_wx(const struct cfd_used *used)
{
	return used->reason == CFD_GUARD_WRITABLE || used->reason == CFD_GUARD_ANONYMOUS ||
	       used->reason == CFD_GUARD_MODIFIED;
}

static bool asks_for_wx(const struct cfd_recording *recording)
{
	for (size_t i = 0; i < recording->count; i++)
		if (is_wx(&recording->used[i]))
			return true;
	return false;
}

/* A comment for each file of which `holds` does, but not for too many. */
static void tell_files(struct cfd_page *page, const struct cfd_recording *recording,
		       bool (*holds)(const struct cfd_used *used), const char *what)
{
	size_t told = 0;

	for (size_t i = 0; i < recording->count; i++) {
		const struct cfd_used *used = &recording->used[i];

		if (!is_file(used) || !holds(used) || ++told > TOLD_MAX)
			continue;
		cfd_page_comment(page, 2, "%s %s %s, %" PRIu64 "x",
				 *used->path ? used->path : "(a path that is too long, or no text)",
				 used->kind == CFD_GUARD_EXEC ? "executed" : "mapped", what, used->count);
	}
	if (told > TOLD_MAX)
		cfd_page_comment(page, 2, "... and %zu more", told - TOLD_MAX);
}

static bool is_early_shell(const struct cfd_used *used)
{
	return used->kind == CFD_GUARD_EXEC && used->facts & CFD_GUARD_FACT_SHELL && !is_late_shell(used);
}

static void write_allow(struct cfd_page *page, const struct cfd_recording *recording, const struct exec_needs *needs)
{
	size_t left = needs->listed;

	cfd_page_add(page, ",\n\t\t\"allow\": [");
	for (size_t i = 0; i < recording->count; i++) {
		const struct cfd_used *used = &recording->used[i];

		if (!is_listed(used, needs))
			continue;
		cfd_page_add(page, "\n\t\t\t");
		add_json(page, used->path);
		cfd_page_add(page, "%s // %" PRIu64 "x", --left ? "," : "", used->count);
	}
	cfd_page_add(page, "%s]", needs->listed ? "\n\t\t" : "");
}

static const char *no_list(const struct exec_needs *needs)
{
	if (needs->foreign)
		return "it can name nothing but files of the image";
	if (needs->unnamed)
		return "the path of one of them is too long, or no text";
	return needs->listed > CFD_GUARD_ALLOWED ? "there are too many" : NULL;
}

static void write_exec(struct cfd_page *page, const struct cfd_recording *recording, struct cfd_json *base)
{
	const struct exec_needs needs = needs_of(recording);
	const char *why = no_list(&needs);

	cfd_page_add(page, "\t\"exec\": {\n");
	if (asks_for_wx(recording))
		cfd_page_add(
			page,
			"\t\t\"wx\": \"allow\", // memory that was made executable while or after it was written\n");
	for (size_t i = 0; i < cfd_json_count(base); i++) {
		const char *key;
		const struct cfd_json *value = cfd_json_member(base, i, &key);

		if (cfd_streq(key, "shells") || cfd_streq(key, "image_only") || cfd_streq(key, "allow") ||
		    (cfd_streq(key, "wx") && asks_for_wx(recording)))
			continue;
		cfd_page_add(page, "\t\t\"%s\": ", key);
		page->failed = page->failed ? page->failed : cfd_json_write(value, page->text);
		cfd_page_add(page, ",\n");
	}
	tell_files(page, recording, is_early_shell, "while the container started");
	tell_files(page, recording, is_late_shell, "after that");
	cfd_page_add(page, "\t\t\"shells\": \"%s\",\n",
		     needs.late_shells ? "allow"
		     : needs.shells    ? "startup"
				       : "deny");
	tell_files(page, recording, is_foreign, "is not of the image");
	if (why)
		cfd_page_comment(page, 2, "No list of what may be executed (\"allow\"): %s.", why);
	cfd_page_add(page, "\t\t\"image_only\": %s", needs.foreign ? "false" : "true");
	if (!why)
		write_allow(page, recording, &needs);
	cfd_page_add(page, "\n\t},\n");
}

/* --- the rest */

static const char *day(int64_t seconds, char *text, size_t size)
{
	time_t moment = (time_t)seconds;
	struct tm utc;

	gmtime_r(&moment, &utc);
	strftime(text, size, "%Y-%m-%d %H:%M", &utc);
	return text;
}

static void tell_refused(struct cfd_page *page, const struct cfd_recording *recording, bool *whole)
{
	for (size_t i = 0; i < recording->count; i++) {
		const struct cfd_used *used = &recording->used[i];

		if (!cfd_suggest_is_refused(used) || is_wx(used))
			continue;
		if (*whole)
			cfd_page_comment(
				page, 0,
				"NOT IN IT, as no profile allows it (ICMP echo: one with \"any\" in net.connect):");
		*whole = false;
		cfd_page_comment(page, 0, "- %s: %s, family %u, type %u, protocol %u, port %u, %" PRIu64 "x",
				 cfd_guard_kind_name(used->kind), cfd_guard_reason_name(used->reason), used->family,
				 used->type, used->protocol, used->port, used->count);
	}
}

static void write_head(struct cfd_page *page, const struct cfd_recording *recording, bool *whole)
{
	char first[32], last[32];

	cfd_page_comment(page, 0, "What %" PRIu64 " run%s of %s used, from %s to %s UTC, under the profile %s.",
			 recording->runs, recording->runs == 1 ? "" : "s",
			 recording->image ? recording->image : "an image that no engine named",
			 day(recording->first, first, sizeof(first)), day(recording->last, last, sizeof(last)),
			 recording->profile);
	cfd_page_comment(page, 0,
			 "It allows what was seen, be it right or wrong, and nothing else: read it before it is used.");
	if (recording->lost)
		cfd_page_comment(page, 0,
				 "INCOMPLETE: %" PRIu64
				 " uses are missing, as there was no room to record them. Record again, "
				 "with less at a time.",
				 recording->lost);
	tell_refused(page, recording, whole);
	*whole = *whole && !recording->lost;
}

/* docker.io/library/nginx:1.27 -> nginx */
static void name_for(const char *image, char *name, size_t size)
{
	const char *slash = image ? strrchr(image, '/') : NULL, *stem = slash ? slash + 1 : image ? image : "";
	size_t length = 0;

	for (; *stem && *stem != ':' && *stem != '@' && length + 1 < size; stem++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789", *stem) || (length && strchr("._-", *stem)))
			name[length++] = *stem;
	name[length] = '\0';
	if (!cfd_shape_name(name))
		snprintf(name, size, "recorded");
}

static bool is_ours(const char *key)
{
	static const char *const keys[] = {"$schema", "cofferdam", "name", "mode", "exec", "net"};

	for (size_t i = 0; i < CFD_COUNT(keys); i++)
		if (cfd_streq(key, keys[i]))
			return true;
	return false;
}

static void copy_members(struct cfd_page *page, const struct cfd_json *base)
{
	for (size_t i = 0; i < cfd_json_count(base); i++) {
		const char *key;
		const struct cfd_json *value = cfd_json_member(base, i, &key);

		if (is_ours(key))
			continue;
		cfd_page_add(page, "\t\"%s\": ", key);
		page->failed = page->failed ? page->failed : cfd_json_write(value, page->text);
		cfd_page_add(page, ",\n");
	}
}

/* For the image alone, on top of what was in force for all that have no profile of their own. */
static void write_new(struct cfd_page *page, const struct cfd_recording *recording, bool has_base)
{
	char name[48];

	name_for(recording->image, name, sizeof(name));
	if (has_base && cfd_streq(name, recording->profile))
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "-only");
	cfd_page_add(page, "\t\"cofferdam\": 1,\n\t\"name\": \"%s\",\n", name);
	if (recording->image) {
		cfd_page_add(page, "\t\"match\": [{ \"image\": ");
		add_json(page, recording->image);
		cfd_page_add(page, " }],\n");
	}
	cfd_page_add(page, "\t\"extends\": [\"%s\"],\n", has_base ? recording->profile : "default");
}

static void write_base(struct cfd_page *page, const struct cfd_recording *recording, const struct cfd_json *base)
{
	if (!cfd_json_count(cfd_json_get(base, "match"))) {
		write_new(page, recording, base != NULL);
		return;
	}
	cfd_page_add(page, "\t\"cofferdam\": 1,\n\t\"name\": \"%s\",\n", recording->profile);
	copy_members(page, base);
}

int cfd_suggest(const struct cfd_recording *recording, struct cfd_json_doc *base, struct cfd_buf *text, bool *ret_whole,
		struct cfd_error *err)
{
	const struct cfd_json *root = base ? cfd_json_root(base) : NULL;
	struct cfd_page page = {.text = text};
	bool whole = true;
	int r;

	write_head(&page, recording, &whole);
	cfd_page_add(&page, "{\n");
	write_base(&page, recording, root);
	cfd_page_add(&page, "\t\"mode\": \"enforce\",\n");
	write_exec(&page, recording, cfd_json_get(root, "exec"));
	cfd_page_add(&page, "\t\"net\": {\n");
	r = cfd_suggest_net(recording, &page, err);
	cfd_page_add(&page, "\t}\n}\n");
	if (r)
		return r;
	if (page.failed)
		return cfd_fail_memory(err, "a profile");
	*ret_whole = whole;
	return 0;
}
