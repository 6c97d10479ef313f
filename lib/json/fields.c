/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a JSON object into a struct through a table. */
#include "lib/json/fields.h"
#include "lib/json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_STRINGS 256
#define SUGGEST_MAX_KEY 48  /* longer keys are not compared */
#define SUGGEST_MAX_EDITS 2 /* and never more than half of the key */

struct reading {
	struct cfd_json_doc *doc;
	const char *file;
	struct cfd_error *err;
};

void cfd_strings_free(char **strings)
{
	if (!strings)
		return;
	for (char **s = strings; *s; s++)
		free(*s);
	free(strings);
}

static void strings_freep(char ***strings)
{
	cfd_strings_free(*strings);
}

int cfd_fields_fail(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file, struct cfd_error *err,
		    const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	unsigned line, column;
	va_list args;
	int r;

	cfd_json_position(doc, node, &line, &column);
	r = cfd_buf_addf(&text, "%s:%u:%u: ", file, line, column);
	if (!r)
		r = cfd_json_path(node, &text);
	if (!r)
		r = cfd_buf_add_string(&text, ": ");
	va_start(args, format);
	if (!r)
		r = cfd_buf_vaddf(&text, format, args);
	va_end(args);
	if (r)
		return cfd_fail_memory(err, "a message about a file");
	return cfd_fail(err, -EINVAL, "%s", text.data);
}

static int fail_type(const struct reading *r, const struct cfd_json *value, const char *expected)
{
	return cfd_fields_fail(r->doc, value, r->file, r->err, "expected %s, found %s", expected,
			       cfd_json_type_name(cfd_json_type(value)));
}

static int read_string(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	char **string = at;
	char *copy;

	(void)field;
	if (!cfd_json_is(value, CFD_JSON_STRING))
		return fail_type(r, value, "a string");
	copy = strdup(cfd_json_string(value));
	if (!copy)
		return cfd_fail_memory(r->err, r->file);
	free(*string);
	*string = copy;
	return 0;
}

static int read_strings(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	CFD_AUTO(strings_freep) char **copies = NULL;
	char ***strings = at;
	size_t count = cfd_json_count(value), max = field->max ? (size_t)field->max : DEFAULT_MAX_STRINGS;

	if (!cfd_json_is(value, CFD_JSON_ARRAY))
		return fail_type(r, value, "an array of strings");
	if (count > max)
		return cfd_fields_fail(r->doc, value, r->file, r->err, "%zu elements, at most %zu are read", count,
				       max);
	copies = calloc(count + 1, sizeof(copies[0]));
	if (!copies)
		return cfd_fail_memory(r->err, r->file);
	for (size_t i = 0; i < count; i++) {
		int failed = read_string(r, field, cfd_json_at(value, i), &copies[i]);

		if (failed)
			return failed;
	}
	cfd_strings_free(*strings);
	*strings = cfd_take(copies);
	return 0;
}

static int read_bool(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	(void)field;
	if (!cfd_json_is(value, CFD_JSON_BOOL))
		return fail_type(r, value, "true or false");
	*(bool *)at = cfd_json_bool(value);
	return 0;
}

static int read_int(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	if (!cfd_json_is(value, CFD_JSON_NUMBER))
		return fail_type(r, value, "a number");
	if (cfd_json_int(value, field->min, field->max, at))
		return cfd_fields_fail(r->doc, value, r->file, r->err,
				       "expected a whole number from %lld to %lld, found %.40s", (long long)field->min,
				       (long long)field->max, cfd_json_number(value));
	return 0;
}

static int read_choice(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const char *string = cfd_json_string(value);
	int failed = 0;

	if (!string)
		return fail_type(r, value, "a string");
	for (int i = 0; field->choices[i]; i++) {
		if (cfd_streq(field->choices[i], string)) {
			*(int *)at = i;
			return 0;
		}
	}
	for (const char *const *choice = field->choices; *choice && !failed; choice++)
		failed = cfd_buf_addf(&text, "%s\"%s\"", choice == field->choices ? "" : ", ", *choice);
	if (failed || cfd_buf_add_string(&text, ", found ") || cfd_buf_add_json(&text, string))
		return cfd_fail_memory(r->err, r->file);
	return cfd_fields_fail(r->doc, value, r->file, r->err, "expected one of %s", text.data);
}

static int read_custom(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	return field->read(r->doc, value, r->file, at, r->err);
}

static int read_nothing(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value, void *at)
{
	(void)r;
	(void)field;
	(void)value;
	(void)at;
	return 0;
}

static int (*const readers[])(const struct reading *r, const struct cfd_field *field, const struct cfd_json *value,
			      void *at) = {
	[CFD_FIELD_STRING] = read_string,   [CFD_FIELD_STRINGS] = read_strings, [CFD_FIELD_BOOL] = read_bool,
	[CFD_FIELD_INT] = read_int,         [CFD_FIELD_CHOICE] = read_choice,   [CFD_FIELD_CUSTOM] = read_custom,
	[CFD_FIELD_IGNORED] = read_nothing,
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many characters to insert, delete or change (Levenshtein, two rows). */
static size_t edits(const char *a, const char *b)
{
	size_t above[SUGGEST_MAX_KEY + 1], row[SUGGEST_MAX_KEY + 1], columns = strlen(b);

	for (size_t j = 0; j <= columns; j++)
		above[j] = j;
	for (size_t i = 0; a[i]; i++) {
		row[0] = i + 1;
		for (size_t j = 1; j <= columns; j++)
			row[j] = smaller(smaller(row[j - 1], above[j]) + 1, above[j - 1] + (a[i] != b[j - 1]));
		memcpy(above, row, (columns + 1) * sizeof(row[0]));
	}
	return above[columns];
}

/* The known key that was probably meant, or NULL. */
static const char *suggest(const char *key, const struct cfd_field *fields, size_t count)
{
	size_t best = smaller(SUGGEST_MAX_EDITS, strlen(key) / 2) + 1;
	const char *meant = NULL;

	if (strlen(key) > SUGGEST_MAX_KEY)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = strlen(fields[i].key) > SUGGEST_MAX_KEY ? best : edits(key, fields[i].key);

		if (distance < best) {
			best = distance;
			meant = fields[i].key;
		}
	}
	return meant;
}

static const struct cfd_field *find_field(const char *key, const struct cfd_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cfd_streq(fields[i].key, key))
			return &fields[i];
	return NULL;
}

static int fail_unknown(const struct reading *r, const struct cfd_json *value, const struct cfd_field *fields,
			size_t count)
{
	const char *meant = suggest(cfd_json_key(value), fields, count);

	if (meant)
		return cfd_fields_fail(r->doc, value, r->file, r->err, "unknown key; did you mean \"%s\"?", meant);
	return cfd_fields_fail(r->doc, value, r->file, r->err, "unknown key");
}

int cfd_fields_read(struct cfd_json_doc *doc, const struct cfd_json *object, const char *file,
		    const struct cfd_field *fields, size_t count, void *target, struct cfd_error *err)
{
	const struct reading r = {.doc = doc, .file = file, .err = err};

	if (!cfd_json_is(object, CFD_JSON_OBJECT))
		return fail_type(&r, object, "an object");
	for (size_t i = 0; i < cfd_json_count(object); i++) {
		const char *key;
		const struct cfd_json *value = cfd_json_member(object, i, &key);
		const struct cfd_field *field = find_field(key, fields, count);
		int failed;

		if (!field)
			return fail_unknown(&r, value, fields, count);
		failed = readers[field->kind](&r, field, value, (char *)target + field->offset);
		if (failed)
			return failed;
	}
	for (size_t i = 0; i < count; i++)
		if (fields[i].required && !cfd_json_get(object, fields[i].key))
			return cfd_fields_fail(doc, object, file, err, "the key \"%s\" is missing", fields[i].key);
	return 0;
}
