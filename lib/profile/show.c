/* SPDX-License-Identifier: Apache-2.0 */
/* The profile in force, for people: one line for each value, and behind it where the value came from. */
#include "lib/profile/internal.h"

#include "lib/json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 4
#define ONE_LINE_MAX 60 /* a list that is longer has a line for each element */
#define ALIGNED_MAX 72  /* what is longer does not move the comments of all others */

struct line {
	char *text;
	const struct cfd_profile_origin *origin; /* NULL: built in */
};

struct page {
	const struct cfd_profile_trace *trace;
	struct line *lines;
	size_t count;
};

static void page_release(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free(page->lines[i].text);
	free(page->lines);
}

static int add_line(struct page *page, unsigned depth, const char *key, const char *text, bool comma,
		    const struct cfd_profile_origin *origin)
{
	struct line *grown = reallocarray(page->lines, page->count + 1, sizeof(*grown));
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (!grown)
		return -ENOMEM;
	page->lines = grown;
	if (cfd_buf_addf(&line, "%*s", (int)(depth * INDENT), "") || (key && cfd_buf_add_json(&line, key)) ||
	    cfd_buf_addf(&line, "%s%s%s", key ? ": " : "", text, comma ? "," : ""))
		return -ENOMEM;
	grown[page->count++] = (struct line){cfd_take(line.data), origin};
	return 0;
}

/* On one line, with the spaces that people write. */
static int write_flat(const struct cfd_json *node, struct cfd_buf *buf)
{
	bool object = cfd_json_is(node, CFD_JSON_OBJECT);
	int r;

	if (!object && !cfd_json_is(node, CFD_JSON_ARRAY))
		return cfd_json_write(node, buf);
	r = cfd_buf_add_string(buf, object ? "{ " : "[");
	for (size_t i = 0; !r && i < cfd_json_count(node); i++) {
		const struct cfd_json *child = object ? cfd_json_member(node, i, NULL) : cfd_json_at(node, i);

		r = cfd_buf_add_string(buf, i ? ", " : "");
		if (!r && object)
			r = cfd_buf_add_json(buf, cfd_json_key(child));
		if (!r && object)
			r = cfd_buf_add_string(buf, ": ");
		if (!r)
			r = write_flat(child, buf);
	}
	return r ? r : cfd_buf_add_string(buf, object ? " }" : "]");
}

/* Objects in lists are entries of one line; of lists those that are short and came from one place. */
static bool is_flat(const struct cfd_json *node, const char *path, size_t length, unsigned depth)
{
	if (cfd_json_is(node, CFD_JSON_OBJECT))
		return cfd_json_key(node) == NULL && depth > 0;
	if (!cfd_json_is(node, CFD_JSON_ARRAY) || cfd_json_count(node) == 0)
		return true;
	return length <= ONE_LINE_MAX && !cfd_profile_adds_up(path) &&
	       !cfd_json_is(cfd_json_at(node, 0), CFD_JSON_OBJECT);
}

/* An object with one value, on whose line it stood: "rootfs": { "readonly": false }. */
static bool is_alone(const struct page *page, const struct cfd_json *node, const struct cfd_profile_origin *origin,
		     size_t length)
{
	const struct cfd_json *child = cfd_json_member(node, 0, NULL);
	const struct cfd_profile_origin *its;
	CFD_AUTO_BUF struct cfd_buf path = {0};

	if (cfd_json_count(node) != 1 || !child || length > ONE_LINE_MAX || cfd_json_path(child, &path))
		return false;
	its = cfd_profile_trace_find(page->trace, path.data);
	if (cfd_json_count(child) && cfd_profile_adds_up(path.data))
		return false;
	return its == origin || (its && origin && its->line == origin->line && cfd_streq(its->file, origin->file));
}

static int add_node(struct page *page, const struct cfd_json *node, unsigned depth, bool comma)
{
	bool object = cfd_json_is(node, CFD_JSON_OBJECT);
	CFD_AUTO_BUF struct cfd_buf path = {0}, flat = {0};
	const struct cfd_profile_origin *origin;
	size_t count = cfd_json_count(node);
	int r;

	if (cfd_json_path(node, &path) || write_flat(node, &flat))
		return -ENOMEM;
	origin = cfd_profile_trace_find(page->trace, path.data);
	if (is_alone(page, node, origin, flat.length) || is_flat(node, path.data, flat.length, depth))
		return add_line(page, depth, cfd_json_key(node), flat.data, comma, origin);
	r = add_line(page, depth, cfd_json_key(node), object ? "{" : "[", false, origin);
	for (size_t i = 0; !r && i < count; i++)
		r = add_node(page, object ? cfd_json_member(node, i, NULL) : cfd_json_at(node, i), depth + 1,
			     i + 1 < count);
	return r ? r : add_line(page, depth, NULL, object ? "}" : "]", comma, origin);
}

static size_t width(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static int write_page(const struct page *page, struct cfd_buf *text)
{
	size_t column = 0;
	int r = 0;

	for (size_t i = 0; i < page->count; i++) {
		size_t own = width(page->lines[i].text);

		if (own > column && own <= ALIGNED_MAX)
			column = own;
	}
	for (size_t i = 0; !r && i < page->count; i++) {
		const struct line *line = &page->lines[i];
		size_t own = width(line->text);

		r = cfd_buf_addf(text, "%s%*s // ", line->text, own < column ? (int)(column - own) : 0, "");
		if (!r)
			r = line->origin ? cfd_buf_addf(text, "%s:%u\n", line->origin->file, line->origin->line)
					 : cfd_buf_add_string(text, "built in\n");
	}
	return r;
}

static int resolve(const struct cfd_profile_set *set, const char *name, struct cfd_profile_trace *trace,
		   struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	int r = cfd_profile_load_traced(set, name, trace, &profile, err);

	return r ? r : cfd_profile_write(profile, cfd_profile_set_find(set, name), ret_doc, err);
}

int cfd_profile_show(const struct cfd_profile_set *set, const char *name, struct cfd_buf *text, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_trace_release) struct cfd_profile_trace trace = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO(page_release) struct page page = {.trace = &trace};
	int r = resolve(set, name, &trace, &doc, err);

	if (r)
		return r;
	if (add_node(&page, cfd_json_root(doc), 0, false) || write_page(&page, text))
		return cfd_fail_memory(err, "a profile");
	return 0;
}

static int add_origins(const struct cfd_profile_trace *trace, struct cfd_buf *text)
{
	int r = 0;

	for (size_t i = 0; !r && i < trace->count; i++) {
		CFD_AUTO_BUF struct cfd_buf place = {0};

		r = cfd_buf_addf(&place, "%s:%u", trace->origins[i].file, trace->origins[i].line);
		if (!r)
			r = cfd_buf_add_string(text, i ? "," : "");
		if (!r)
			r = cfd_buf_add_json(text, trace->origins[i].path);
		if (!r)
			r = cfd_buf_add(text, ":", 1);
		if (!r)
			r = cfd_buf_add_json(text, place.data);
	}
	return r;
}

int cfd_profile_show_json(const struct cfd_profile_set *set, const char *name, struct cfd_buf *text,
			  struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_trace_release) struct cfd_profile_trace trace = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = resolve(set, name, &trace, &doc, err);

	if (r)
		return r;
	if (cfd_buf_add_string(text, "{\"name\":") || cfd_buf_add_json(text, name) ||
	    cfd_buf_add_member(text, "file", cfd_profile_set_find(set, name)->path) ||
	    cfd_buf_add_string(text, ",\"profile\":") || cfd_json_write(cfd_json_root(doc), text) ||
	    cfd_buf_add_string(text, ",\"origin\":{") || add_origins(&trace, text) || cfd_buf_add_string(text, "}}"))
		return cfd_fail_memory(err, "a profile");
	return 0;
}
