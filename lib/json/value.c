/* SPDX-License-Identifier: Apache-2.0 */
/* Values in files that people write. */
#include "lib/json/value.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cfd_value_expect_list(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, size_t max,
			  struct cfd_error *err)
{
	if (!cfd_json_is(value, CFD_JSON_ARRAY))
		return cfd_fields_fail(doc, value, file, err, "a list [ ... ] is expected here, not %s",
				       cfd_json_type_name(cfd_json_type(value)));
	if (cfd_json_count(value) > max)
		return cfd_fields_fail(doc, value, file, err, "%zu elements; at most %zu are accepted",
				       cfd_json_count(value), max);
	return 0;
}

int cfd_value_expect_string(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
			    struct cfd_error *err)
{
	const char *text = cfd_json_string(value);

	if (text && *text)
		return 0;
	return cfd_fields_fail(doc, value, file, err, "a text that is not empty is expected here");
}

int cfd_value_check_path(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			 struct cfd_error *err)
{
	char clean[CFD_PATH_MAX];
	bool near = *text == '/' && !cfd_path_clean(text, clean);

	if (cfd_shape_path(text))
		return 0;
	return cfd_fields_fail_meant(
		doc, value, file, err, near && cfd_shape_path(clean) ? clean : NULL,
		"\"%s\" is not accepted: an absolute path is expected, without \".\", \"..\", doubled slashes "
		"or one at the end",
		text);
}

int cfd_value_check_name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			 struct cfd_error *err)
{
	if (cfd_shape_name(text))
		return 0;
	return cfd_fields_fail(doc, value, file, err,
			       "\"%s\" is no profile's name: a-z, 0-9 and, not first, \".\", \"_\", \"-\", at most 64",
			       text);
}

static int check_element(struct cfd_json_doc *doc, const struct cfd_json *list, size_t index, const char *file,
			 cfd_value_check *check, struct cfd_error *err)
{
	const struct cfd_json *element = cfd_json_at(list, index);
	const char *text = cfd_json_string(element);
	int r = cfd_value_expect_string(doc, element, file, err);

	if (!r)
		r = check(doc, element, file, text, err);
	for (size_t i = 0; !r && i < index; i++)
		if (cfd_streq(cfd_json_string(cfd_json_at(list, i)), text))
			r = cfd_fields_fail(doc, element, file, err, "\"%s\" stands here twice", text);
	return r;
}

/* Checks every element, and that none stands there twice. */
int cfd_value_check_list(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file, size_t max,
			 cfd_value_check *check, struct cfd_error *err)
{
	int failed = cfd_value_expect_list(doc, list, file, max, err);
	bool next = failed == 0;

	for (size_t i = 0; next && i < cfd_json_count(list); i++)
		next = cfd_fields_next(doc, check_element(doc, list, i, file, check, err), &failed);
	return failed;
}

static size_t strings_count(char *const *strings)
{
	size_t count = 0;

	while (strings && strings[count])
		count++;
	return count;
}

/* Adds a checked list's strings behind those that are there, each with a prefix and none twice. */
int cfd_value_append_strings(const struct cfd_json *list, const char *prefix, char ***strings, struct cfd_error *err)
{
	size_t count = strings_count(*strings), added = cfd_json_count(list);
	char **grown = realloc(*strings, (count + added + 1) * sizeof(*grown));

	if (!grown)
		return cfd_fail_memory(err, "what was read");
	*strings = grown;
	memset(grown + count, 0, (added + 1) * sizeof(*grown));
	for (size_t i = 0; i < added; i++) {
		const char *text = cfd_json_string(cfd_json_at(list, i));
		size_t size = strlen(prefix) + strlen(text) + 1;
		char *copy = malloc(size);

		if (!copy)
			return cfd_fail_memory(err, "what was read");
		stpcpy(stpcpy(copy, prefix), text);
		grown[count++] = copy;
	}
	return 0;
}

int cfd_value_replace_strings(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file,
			      cfd_value_check *check, const char *prefix, char ***strings, struct cfd_error *err)
{
	int r = cfd_value_check_list(doc, list, file, CFD_VALUE_MAX_LIST, check, err);

	if (r)
		return r;
	cfd_strings_free(*strings);
	*strings = NULL;
	return cfd_value_append_strings(list, prefix, strings, err);
}

int cfd_value_replace_string(const char *text, char **string, struct cfd_error *err)
{
	return cfd_string_replace(string, text) ? cfd_fail_memory(err, "what was read") : 0;
}

/* A string that is one absolute path. */
int cfd_value_read_path(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err)
{
	int r = cfd_value_expect_string(doc, value, file, err);

	if (!r)
		r = cfd_value_check_path(doc, value, file, cfd_json_string(value), err);
	return r ? r : cfd_value_replace_string(cfd_json_string(value), field, err);
}

int cfd_value_read_text(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err)
{
	int r = cfd_value_expect_string(doc, value, file, err);

	return r ? r : cfd_value_replace_string(cfd_json_string(value), field, err);
}

int cfd_value_read_name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err)
{
	int r = cfd_value_expect_string(doc, value, file, err);

	if (!r)
		r = cfd_value_check_name(doc, value, file, cfd_json_string(value), err);
	return r ? r : cfd_value_replace_string(cfd_json_string(value), field, err);
}

/* One of two words -> a bool that is true for the second. */
int cfd_value_either(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *no,
		     const char *yes, bool *ret_flag, struct cfd_error *err)
{
	const char *text = cfd_json_string(value);
	struct cfd_near near = cfd_near_start(text);

	cfd_near_offer(&near, no);
	cfd_near_offer(&near, yes);
	if (!cfd_streq(text, no) && !cfd_streq(text, yes))
		return cfd_fields_fail_meant(doc, value, file, err, near.meant, "\"%s\" or \"%s\" is expected here", no,
					     yes);
	*ret_flag = cfd_streq(text, yes);
	return 0;
}
