/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a JSON object into a struct through a table. */
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/json/diagnostics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_STRINGS 256

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

/* Says it, and puts it where mistakes are collected. */
static int fail(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file, struct cfd_error *err,
		const char *meant, const char *format, va_list args) CFD_PRINTF(6, 0);
static int fail(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file, struct cfd_error *err,
		const char *meant, const char *format, va_list args)
{
	CFD_AUTO_BUF struct cfd_buf path = {0}, message = {0}, text = {0};
	struct cfd_diagnostics *diagnostics = cfd_json_diagnostics(doc);
	struct cfd_diagnostic wrong = {.meant = (char *)meant};

	cfd_json_position(doc, node, &wrong.line, &wrong.column);
	if (cfd_json_path(node, &path) || cfd_buf_vaddf(&message, format, args))
		return cfd_fail_memory(err, "a message about a file");
	wrong.path = path.data;
	wrong.message = message.data;
	if (cfd_diagnostic_text(&wrong, file, &text) || (diagnostics && cfd_diagnostics_add(diagnostics, &wrong)))
		return cfd_fail_memory(err, "a message about a file");
	return cfd_fail(err, -EINVAL, "%s", text.data);
}

int cfd_fields_fail(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file, struct cfd_error *err,
		    const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = fail(doc, node, file, err, NULL, format, args);
	va_end(args);
	return r;
}

int cfd_fields_fail_meant(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file,
			  struct cfd_error *err, const char *meant, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = fail(doc, node, file, err, meant, format, args);
	va_end(args);
	return r;
}

int cfd_fields_warn(struct cfd_json_doc *doc, const struct cfd_json *node, const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf path = {0}, message = {0};
	struct cfd_diagnostics *diagnostics = cfd_json_diagnostics(doc);
	struct cfd_diagnostic warning = {.warning = true};
	va_list args;
	int r;

	if (!diagnostics)
		return 0;
	va_start(args, format);
	r = cfd_buf_vaddf(&message, format, args);
	va_end(args);
	if (r || cfd_json_path(node, &path))
		return -ENOMEM;
	cfd_json_position(doc, node, &warning.line, &warning.column);
	warning.path = path.data;
	warning.message = message.data;
	return cfd_diagnostics_add(diagnostics, &warning);
}

bool cfd_fields_next(const struct cfd_json_doc *doc, int r, int *failed)
{
	const struct cfd_diagnostics *diagnostics = cfd_json_diagnostics(doc);

	if (r && !*failed)
		*failed = r;
	return !r || (r == -EINVAL && diagnostics && !cfd_diagnostics_overflow(diagnostics));
}

void cfd_fields_offer(struct cfd_near *near, const char *const *words)
{
	for (; *words; words++)
		cfd_near_offer(near, *words);
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
	bool next = true;
	int failed = 0;

	if (!cfd_json_is(value, CFD_JSON_ARRAY))
		return fail_type(r, value, "an array of strings");
	if (count > max)
		return cfd_fields_fail(r->doc, value, r->file, r->err, "%zu elements, at most %zu are read", count,
				       max);
	copies = calloc(count + 1, sizeof(copies[0]));
	if (!copies)
		return cfd_fail_memory(r->err, r->file);
	for (size_t i = 0; next && i < count; i++)
		next = cfd_fields_next(r->doc, read_string(r, field, cfd_json_at(value, i), &copies[i]), &failed);
	if (failed)
		return failed;
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
	struct cfd_near near = cfd_near_start(string);
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
	cfd_fields_offer(&near, field->choices);
	return cfd_fields_fail_meant(r->doc, value, r->file, r->err, near.meant, "expected one of %s", text.data);
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
	struct cfd_near near = cfd_near_start(cfd_json_key(value));

	for (size_t i = 0; i < count; i++)
		cfd_near_offer(&near, fields[i].key);
	return cfd_fields_fail_meant(r->doc, value, r->file, r->err, near.meant, "unknown key");
}

static int read_member(const struct reading *r, const struct cfd_json *value, const struct cfd_field *fields,
		       size_t count, char *target)
{
	const struct cfd_field *field = find_field(cfd_json_key(value), fields, count);

	if (!field)
		return fail_unknown(r, value, fields, count);
	return readers[field->kind](r, field, value, target + field->offset);
}

int cfd_fields_read(struct cfd_json_doc *doc, const struct cfd_json *object, const char *file,
		    const struct cfd_field *fields, size_t count, void *target, struct cfd_error *err)
{
	const struct reading r = {.doc = doc, .file = file, .err = err};
	bool next = true;
	int failed = 0;

	if (!cfd_json_is(object, CFD_JSON_OBJECT))
		return fail_type(&r, object, "an object");
	for (size_t i = 0; next && i < cfd_json_count(object); i++)
		next = cfd_fields_next(doc, read_member(&r, cfd_json_member(object, i, NULL), fields, count, target),
				       &failed);
	for (size_t i = 0; next && i < count; i++)
		if (fields[i].required && !cfd_json_get(object, fields[i].key))
			next = cfd_fields_next(
				doc,
				cfd_fields_fail(doc, object, file, err, "the key \"%s\" is missing", fields[i].key),
				&failed);
	return failed;
}
