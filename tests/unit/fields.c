/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/fields.h"
#include "lib/json/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct target {
	char *name;
	char **list, **few;
	bool on;
	int64_t number;
	int choice;
	size_t custom;
};

static int read_length(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		       struct cfd_error *err)
{
	if (!cfd_json_is(value, CFD_JSON_ARRAY))
		return cfd_fields_fail(doc, value, file, err, "needs %s", "a list");
	*(size_t *)field = cfd_json_count(value);
	return 0;
}

static const char *const choices[] = {"no", "yes", "perhaps", NULL};

// clang-format off
static const struct cfd_field fields[] = {
	{ .key = "name",	.kind = CFD_FIELD_STRING,  .offset = offsetof(struct target, name), .required = true },
	{ .key = "list",	.kind = CFD_FIELD_STRINGS, .offset = offsetof(struct target, list) },
	{ .key = "few",		.kind = CFD_FIELD_STRINGS, .offset = offsetof(struct target, few), .max = 2 },
	{ .key = "on",		.kind = CFD_FIELD_BOOL,	   .offset = offsetof(struct target, on) },
	{ .key = "number",	.kind = CFD_FIELD_INT,	   .offset = offsetof(struct target, number), .min = -5, .max = 70 },
	{ .key = "choice",	.kind = CFD_FIELD_CHOICE,  .offset = offsetof(struct target, choice), .choices = choices },
	{ .key = "custom",	.kind = CFD_FIELD_CUSTOM,  .offset = offsetof(struct target, custom), .read = read_length },
	{ .key = "$schema",	.kind = CFD_FIELD_IGNORED },
};
// clang-format on

static void release(struct target *target)
{
	free(target->name);
	cfd_strings_free(target->list);
	cfd_strings_free(target->few);
}

static int read_text(const char *text, struct target *target, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;

	cr_assert_eq(cfd_json_parse(text, strlen(text), NULL, &doc, err), 0, "%s", err->message);
	return cfd_fields_read(doc, cfd_json_root(doc), "p.json", fields, CFD_COUNT(fields), target, err);
}

Test(fields, every_kind_is_read_and_replaces_what_was_set)
{
	CFD_AUTO(release) struct target target = {.name = strdup("old"), .number = 7, .choice = 2};
	struct cfd_error err = {0};

	cr_assert_eq(read_text("{\"$schema\":{},\"name\":\"new\",\"list\":[\"a\",\"b\"],\"on\":true,\"number\":-5,"
			       "\"choice\":\"yes\",\"custom\":[1,2,3]}",
			       &target, &err),
		     0, "%s", err.message);
	cr_expect_str_eq(target.name, "new");
	cr_expect_str_eq(target.list[1], "b");
	cr_expect_null(target.list[2]);
	cr_expect_null(target.few);
	cr_expect(target.on);
	cr_expect_eq(target.number, -5);
	cr_expect_eq(target.choice, 1);
	cr_expect_eq(target.custom, 3);

	cr_assert_eq(read_text("{\"name\":\"\",\"list\":[],\"few\":[\"1\",\"2\"]}", &target, &err), 0);
	cr_expect_str_eq(target.name, "");
	cr_expect_null(target.list[0]);
	cr_expect_str_eq(target.few[1], "2");
	cr_expect_eq(target.number, -5, "what the object does not have stays");
}

Test(fields, mistakes_are_named_with_their_place)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"[]", "p.json:1:1: $: expected an object, found an array"},
		{"{}", "p.json:1:1: $: the key \"name\" is missing"},
		{"{\"name\":1}", "p.json:1:2: name: expected a string, found a number"},
		{"{\"name\":null}", "p.json:1:2: name: expected a string, found null"},
		{"{\"name\":\"\",\n \"lists\":[]}", "p.json:2:2: lists: unknown key; did you mean \"list\"?"},
		{"{\"Name\":\"\"}", "p.json:1:2: Name: unknown key; did you mean \"name\"?"},
		{"{\"numbre\":1}", "p.json:1:2: numbre: unknown key; did you mean \"number\"?"},
		{"{\"x\":1}", "p.json:1:2: x: unknown key"},
		{"{\"something else\":1}", "p.json:1:2: $[\"something else\"]: unknown key"},
		{"{\"list\":\"a\"}", "p.json:1:2: list: expected an array of strings, found a string"},
		{"{\"list\":[\"a\",2]}", "p.json:1:14: list[1]: expected a string, found a number"},
		{"{\"few\":[\"1\",\"2\",\"3\"]}", "p.json:1:2: few: 3 elements, at most 2 are read"},
		{"{\"on\":\"true\"}", "p.json:1:2: on: expected true or false, found a string"},
		{"{\"on\":1}", "p.json:1:2: on: expected true or false, found a number"},
		{"{\"number\":\"1\"}", "p.json:1:2: number: expected a number, found a string"},
		{"{\"number\":71}", "p.json:1:2: number: expected a whole number from -5 to 70, found 71"},
		{"{\"number\":1.5}", "p.json:1:2: number: expected a whole number from -5 to 70, found 1.5"},
		{"{\"choice\":\"Yes\"}", "p.json:1:2: choice: expected one of \"no\", \"yes\", \"perhaps\", found "
					 "\"Yes\"; did you mean \"yes\"?"},
		{"{\"choice\":1}", "p.json:1:2: choice: expected a string, found a number"},
		{"{\"custom\":1}", "p.json:1:2: custom: needs a list"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(release) struct target target = {0};
		struct cfd_error err = {0};

		cr_expect_eq(read_text(cases[i].text, &target, &err), -EINVAL, "%s", cases[i].text);
		cr_expect_str_eq(err.message, cases[i].message);
	}
}

Test(fields, a_key_of_any_length_is_only_a_mistake)
{
	char text[4096] = "{\"";
	CFD_AUTO(release) struct target target = {0};
	struct cfd_error err = {0};

	memset(text + 2, 'n', sizeof(text) - 10);
	memcpy(text + sizeof(text) - 8, "\":1}", 5);
	cr_expect_eq(read_text(text, &target, &err), -EINVAL);
	cr_expect(cfd_ends_with(err.message, "...\"]: unknown key"), "%s", err.message);
}
