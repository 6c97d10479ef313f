/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader, over yajl.
 *
 * Before yajl sees the text one pass refuses what yajl would let through: control characters anywhere, a byte order
 * mark, and bytes that are not UTF-8 (yajl accepts overlong forms and surrogates). yajl then calls back for every
 * token; each callback makes a node. yajl tells where a token ends, so a token starts where the one before it ended,
 * after the separators. Strings without escapes stay where they are in the document's copy of the text and get their
 * NUL in place of the closing quote; strings with escapes are decoded by yajl, after the escapes that it decodes
 * wrongly (NUL, lone surrogates) are refused. The children of containers that are still open wait on one stack and are
 * moved, all at once, when their container closes.
 */
#include "lib/json/node.h"

#include "lib/json/diagnostics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#define HIGHEST_DEPTH 256               /* what writing and copying may recurse */
#define HIGHEST_BYTES ((size_t)1 << 30) /* offsets have 32 bits */

struct frame {
	struct cfd_json *container;
	size_t first; /* of its children, on the stack */
};

struct parser {
	struct cfd_json_doc *doc;
	struct cfd_json_options options;
	struct cfd_error *err;
	yajl_handle yajl;
	struct frame frames[HIGHEST_DEPTH];
	unsigned depth;
	struct cfd_json **waiting;
	size_t waiting_count, waiting_capacity;
	size_t nodes;
	size_t end; /* of the last token */
	char *key;  /* of the member whose value comes next */
	size_t key_offset;
	int code; /* what a callback failed with */
};

static void yajl_freep(yajl_handle *handle)
{
	if (*handle)
		yajl_free(*handle);
}

static int fail_at(struct parser *p, int code, size_t offset, const struct cfd_json *node, const char *what)
{
	CFD_AUTO_BUF struct cfd_buf path = {0}, text = {0};
	struct cfd_diagnostic wrong = {.message = (char *)what};

	cfd_json_locate(p->doc, offset, &wrong.line, &wrong.column);
	if (node && cfd_json_path(node, &path))
		return p->code = cfd_fail_memory(p->err, "a JSON path");
	wrong.path = path.data;
	if (cfd_diagnostic_text(&wrong, p->options.name, &text) ||
	    (p->options.diagnostics && cfd_diagnostics_add(p->options.diagnostics, &wrong)))
		return p->code = cfd_fail_memory(p->err, "a message about a file");
	return p->code = cfd_fail(p->err, code, "%s", text.data);
}

/* The value that comes next: where it will hang. */
static struct cfd_json expected(const struct parser *p)
{
	struct cfd_json node = {.key = p->key};

	if (p->depth) {
		node.parent = p->frames[p->depth - 1].container;
		node.place = (uint32_t)(p->waiting_count - p->frames[p->depth - 1].first);
	}
	return node;
}

/* About the value that comes next, or about the object when its next key is not known. */
static int fail_next(struct parser *p, int code, size_t offset, const char *what)
{
	struct cfd_json node = expected(p);

	if (cfd_json_is(node.parent, CFD_JSON_OBJECT) && !node.key)
		return fail_at(p, code, offset, node.parent, what);
	return fail_at(p, code, offset, &node, what);
}

static int fail_memory(struct parser *p)
{
	return p->code = cfd_fail_memory(p->err, "a JSON document");
}

/* Where the next token starts: behind white space, comments, commas and colons. */
static size_t skip_separators(const struct parser *p, size_t at)
{
	const char *text = p->doc->text;
	const char *end;

	for (;;) {
		at += strspn(text + at, " \t\r\n,:");
		if (text[at] != '/')
			return at;
		end = text[at + 1] == '*' ? strstr(text + at + 2, "*/") : strchr(text + at, '\n');
		if (!end)
			return text[at + 1] == '*' ? at : p->doc->length;
		at = (size_t)(end - text) + (text[at + 1] == '*' ? 2 : 1);
	}
}

/* Takes note of the token that yajl reports and returns where it starts. */
static size_t next_token(struct parser *p)
{
	size_t start = skip_separators(p, p->end);

	p->end = yajl_get_bytes_consumed(p->yajl);
	return start;
}

static int wait_for_parent(struct parser *p, struct cfd_json *node)
{
	size_t capacity = p->waiting_capacity ? p->waiting_capacity * 2 : 256;
	struct cfd_json **waiting;

	if (p->waiting_count == p->waiting_capacity) {
		waiting = reallocarray(p->waiting, capacity, sizeof(waiting[0]));
		if (!waiting)
			return -ENOMEM;
		p->waiting = waiting;
		p->waiting_capacity = capacity;
	}
	p->waiting[p->waiting_count++] = node;
	return 0;
}

static struct cfd_json *new_value(struct parser *p, size_t start, enum cfd_json_type type)
{
	struct cfd_json place = expected(p);
	struct cfd_json *node;

	if (++p->nodes > p->options.max_nodes) {
		fail_at(p, -EFBIG, start, NULL, "too many values in one document");
		return NULL;
	}
	node = cfd_json_node_new(p->doc, type);
	if (!node || (place.parent && wait_for_parent(p, node))) {
		fail_memory(p);
		return NULL;
	}
	*node = place;
	node->type = type;
	node->offset = (uint32_t)(place.key ? p->key_offset : start) + 1;
	p->key = NULL;
	if (!node->parent)
		p->doc->root = node;
	return node;
}

static int on_null(void *context)
{
	return new_value(context, next_token(context), CFD_JSON_NULL) != NULL;
}

static int on_boolean(void *context, int truth)
{
	struct cfd_json *node = new_value(context, next_token(context), CFD_JSON_BOOL);

	if (node)
		node->truth = truth;
	return node != NULL;
}

static int on_number(void *context, const char *text, size_t length)
{
	struct parser *p = context;
	struct cfd_json *node = new_value(p, next_token(p), CFD_JSON_NUMBER);

	if (!node)
		return 0;
	node->text = cfd_json_alloc_text(p->doc, text, length);
	return node->text ? 1 : !fail_memory(p);
}

static unsigned hex4(const char *digits)
{
	unsigned value = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned digit = (unsigned char)digits[i];

		value = value * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
	}
	return value;
}

/* Why the escapes between the quotes cannot be decoded, or NULL; yajl has checked that they are well-formed. */
static const char *bad_escape(const char *at, const char *end)
{
	unsigned unit;

	while ((at = memchr(at, '\\', (size_t)(end - at)))) {
		at += 2;
		if (at[-1] != 'u')
			continue;
		unit = hex4(at);
		at += 4;
		if (unit == 0)
			return "the escape of a NUL, which C programs take for the end of the string";
		if (unit >= 0xdc00 && unit <= 0xdfff)
			return "half of a surrogate pair, which is no character";
		if (unit < 0xd800 || unit > 0xdfff)
			continue;
		if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || (hex4(at + 2) & 0xfc00) != 0xdc00)
			return "half of a surrogate pair, which is no character";
		at += 6;
	}
	return NULL;
}

/* The string that yajl has just read, which starts with its quote at `start`; messages are about the node. */
static char *take_string(struct parser *p, size_t start, const unsigned char *value, size_t length,
			 const struct cfd_json *node)
{
	char *text = p->doc->text;
	const char *wrong;

	if (p->end < start + 2 || text[start] != '"' || text[p->end - 1] != '"') {
		fail_at(p, -EINVAL, start, node, "internal error: a string does not start where it was expected");
		return NULL;
	}
	if ((const char *)value == text + start + 1 && start + length + 2 == p->end) {
		text[p->end - 1] = '\0';
		return text + start + 1;
	}
	wrong = bad_escape(text + start + 1, text + p->end - 1);
	if (wrong) {
		fail_at(p, -EINVAL, start, node, wrong);
		return NULL;
	}
	text = cfd_json_alloc_text(p->doc, (const char *)value, length);
	if (!text)
		fail_memory(p);
	return text;
}

static int on_string(void *context, const unsigned char *value, size_t length)
{
	struct parser *p = context;
	size_t start = next_token(p);
	struct cfd_json *node = new_value(p, start, CFD_JSON_STRING);

	if (!node)
		return 0;
	node->text = take_string(p, start, value, length, node);
	return node->text != NULL;
}

static int on_key(void *context, const unsigned char *value, size_t length)
{
	struct parser *p = context;

	p->key_offset = next_token(p);
	p->key = take_string(p, p->key_offset, value, length, p->frames[p->depth - 1].container);
	return p->key != NULL;
}

static int open_container(struct parser *p, enum cfd_json_type type)
{
	struct cfd_json *node;

	if (p->depth == p->options.max_depth) {
		fail_next(p, -ELOOP, skip_separators(p, p->end), "nested too deeply");
		return 0;
	}
	node = new_value(p, next_token(p), type);
	if (!node)
		return 0;
	p->frames[p->depth++] = (struct frame){.container = node, .first = p->waiting_count};
	return 1;
}

static int on_start_object(void *context)
{
	return open_container(context, CFD_JSON_OBJECT);
}

static int on_start_array(void *context)
{
	return open_container(context, CFD_JSON_ARRAY);
}

static int close_container(struct parser *p)
{
	struct frame *frame = &p->frames[p->depth - 1];
	struct cfd_json *node = frame->container;
	size_t count = p->waiting_count - frame->first;

	next_token(p);
	if (count) {
		node->items = cfd_json_alloc(p->doc, count * sizeof(node->items[0]));
		if (!node->items)
			return fail_memory(p);
		memcpy(node->items, p->waiting + frame->first, count * sizeof(node->items[0]));
	}
	node->count = node->capacity = (uint32_t)count;
	p->waiting_count = frame->first;
	p->depth--;
	return 0;
}

static int on_end_array(void *context)
{
	return !close_container(context);
}

static int on_end_object(void *context)
{
	struct parser *p = context;
	struct cfd_json *node = p->frames[p->depth - 1].container;
	struct cfd_json *duplicate;
	int r;

	if (close_container(p))
		return 0;
	r = cfd_json_index_build(p->doc, node, &duplicate);
	if (r == -ENOMEM)
		return !fail_memory(p);
	if (r)
		return !(p->code = cfd_fail_errno(p->err, r, "cannot get random bytes for an index"));
	if (duplicate)
		return !fail_at(p, -EINVAL, duplicate->offset - 1, duplicate,
				"the same key a second time; parsers do not agree on which one counts");
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_object,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* Eight bytes at once that are all printable ASCII: no high bit, none below 0x20. */
static inline bool plain_word(const unsigned char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return !((word | (word - UINT64_C(0x2020202020202020))) & UINT64_C(0x8080808080808080));
}

static int check_bytes(struct parser *p)
{
	const unsigned char *s = (const unsigned char *)p->doc->text, *end = s + p->doc->length;
	char what[80];

	if (p->doc->length == 0)
		return fail_at(p, -EINVAL, 0, NULL, "the file is empty");
	if (cfd_starts_with(p->doc->text, "\xef\xbb\xbf"))
		return fail_at(p, -EINVAL, 0, NULL, "a byte order mark: save the file as UTF-8 without one");
	while (s < end) {
		size_t length = 8;

		if (end - s < 8 || !plain_word(s))
			length = cfd_utf8_sequence(s);
		if (length && (*s >= 0x20 || *s == '\t' || *s == '\n' || *s == '\r')) {
			s += length;
			continue;
		}
		snprintf(what, sizeof(what),
			 length ? "a control character (0x%02x)" : "bytes that are not UTF-8 (0x%02x)", *s);
		return fail_at(p, -EINVAL, (size_t)((const char *)s - p->doc->text), NULL, what);
	}
	return 0;
}

/* yajl's own words, without its prefix and the end of its line. */
static int fail_syntax(struct parser *p)
{
	unsigned char *text = yajl_get_error(p->yajl, 0, NULL, 0);
	const char *words = text ? strstr((const char *)text, "error: ") : NULL;
	size_t token = skip_separators(p, p->end), consumed = yajl_get_bytes_consumed(p->yajl);
	char what[160];

	words = words ? words + strlen("error: ") : "malformed";
	snprintf(what, sizeof(what), "not valid JSON: %.*s", (int)strcspn(words, "\n"), words);
	if (text)
		yajl_free_error(p->yajl, text);
	if (consumed && token >= consumed)
		token = consumed - 1;
	return fail_next(p, -EINVAL, token, what);
}

static int run(struct parser *p)
{
	const unsigned char *text = (const unsigned char *)p->doc->text;
	yajl_status status = yajl_parse(p->yajl, text, p->doc->length + 1);
	size_t rest;

	if (p->code)
		return p->code;
	if (status != yajl_status_ok)
		return fail_syntax(p);
	rest = skip_separators(p, p->end);
	if (text[rest] == '/')
		return fail_next(p, -EINVAL, rest, "not valid JSON: a comment that does not end");
	if (yajl_complete_parse(p->yajl) != yajl_status_ok || !p->doc->root || p->code)
		return fail_next(p, -EINVAL, p->doc->length, "not valid JSON: the text ends too early");
	if (rest < p->doc->length) /* the start of a token, which yajl does not look at behind the document */
		return fail_next(p, -EINVAL, rest, "not valid JSON: trailing garbage");
	return 0;
}

static int prepare(struct parser *p, const char *text, size_t length)
{
	struct cfd_json_options *o = &p->options;

	o->name = o->name ? o->name : "JSON";
	o->max_bytes = o->max_bytes ? o->max_bytes : CFD_JSON_MAX_BYTES;
	o->max_depth = o->max_depth ? o->max_depth : CFD_JSON_MAX_DEPTH;
	o->max_nodes = o->max_nodes ? o->max_nodes : CFD_JSON_MAX_NODES;
	if (o->max_depth > HIGHEST_DEPTH)
		o->max_depth = HIGHEST_DEPTH;
	if (length > o->max_bytes || length > HIGHEST_BYTES)
		return cfd_fail(p->err, -EFBIG, "%s: %zu bytes, more than the %zu that are read", o->name, length,
				o->max_bytes);
	p->doc->diagnostics = o->diagnostics;
	p->doc->name = cfd_json_alloc_text(p->doc, o->name, strlen(o->name));
	p->doc->text = cfd_json_alloc(p->doc, length + 2);
	if (!p->doc->name || !p->doc->text)
		return fail_memory(p);
	if (length) /* nothing may be a NULL */
		memcpy(p->doc->text, text, length);
	memcpy(p->doc->text + length, " ", 2); /* the space ends a number that stands alone */
	p->doc->length = length;
	return check_bytes(p);
}

int cfd_json_parse(const char *text, size_t length, const struct cfd_json_options *options,
		   struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = calloc(1, sizeof(*doc));
	CFD_AUTO(yajl_freep) yajl_handle yajl = NULL;
	CFD_AUTO_FREE struct cfd_json **waiting = NULL;
	struct parser p = {.doc = doc, .err = err};
	int r;

	if (options)
		p.options = *options;
	if (!doc)
		return fail_memory(&p);
	r = prepare(&p, text, length);
	if (r)
		return r;
	p.yajl = yajl = yajl_alloc(&callbacks, NULL, &p);
	if (!yajl)
		return fail_memory(&p);
	yajl_config(yajl, yajl_allow_comments, p.options.allow_comments ? 1 : 0);
	yajl_config(yajl, yajl_dont_validate_strings, 1); /* check_bytes did, and better */
	r = run(&p);
	waiting = p.waiting;
	if (r)
		return r;
	*ret_doc = cfd_take(doc);
	return 0;
}
