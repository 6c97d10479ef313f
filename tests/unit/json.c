/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/documents.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(json, what_is_read_is_written_canonically)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"1", "1"},
		{" [ ] ", "[]"},
		{"{\r\n\t}", "{}"},
		{"null", "null"},
		{"[true,false]", "[true,false]"},
		{"[1e999,-0,1E+2,0.10]", "[1e999,-0,1E+2,0.10]"},
		{"{\"b\" : 1, \"a\" : {\"z\":[{}]}}", "{\"b\":1,\"a\":{\"z\":[{}]}}"},
		{"\"\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\\u007f\"", "\"A/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\x7f\""},
		{"\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\""},
		{"\"\"", "\"\""},
		{"{\"\":\"\"}", "{\"\":\"\"}"},
		{"{\"a\\\"\\u0062\":[\"x\\\\\"]}", "{\"a\\\"b\":[\"x\\\\\"]}"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		DOC *doc = parse(cases[i].in);
		CFD_AUTO_FREE char *text = written(cfd_json_root(doc));

		cr_expect_str_eq(text, cases[i].out);
	}
}

/* Each is a text that some parser accepts, or that two parsers read differently. */
Test(json, what_parsers_read_differently_is_refused_with_its_place)
{
	static const struct {
		const char *text;
		size_t length; /* 0: strlen */
		const char *message;
	} cases[] = {
		{"{\"mounts\":[],\"mounts\":[]}", 0, "f.json:1:14: mounts: the same key a second time"},
		{"{\"a\":{\"b\":1,\n \"\\u0062\":2}}", 0, "f.json:2:2: a.b: the same key"},
		{"{\"mounts\\u0000x\":[]}", 0, "f.json:1:2: $: the escape of a NUL"},
		{"{\"a\":[\"x\\u0000\"]}", 0, "f.json:1:7: a[0]: the escape of a NUL"},
		{"{\"a\":1}\0garbage", 15, "f.json:1:8: a control character (0x00)"},
		{"\"a\0b\"", 5, "f.json:1:3: a control character (0x00)"},
		{"[1,\v2]", 0, "f.json:1:4: a control character (0x0b)"},
		{"[1,\f2]", 0, "f.json:1:4: a control character (0x0c)"},
		{"[\"0123456789\x1f\"]", 0, "f.json:1:13: a control character (0x1f)"},
		{"[\"a\tb\"]", 0, "f.json:1:2: $[0]: not valid JSON: invalid character"},
		{"[\"a\nb\"]", 0, "f.json:1:2: $[0]: not valid JSON: invalid character"},
		{"{} {}", 0, "f.json:1:4: $: not valid JSON: trailing garbage"},
		{"[1] x", 0, "f.json:1:5: $: not valid JSON: trailing garbage"},
		{"{}\"abc", 0, "f.json:1:3: $: not valid JSON: trailing garbage"},
		{"1 \"", 0, "f.json:1:3: $: not valid JSON: trailing garbage"},
		{"{}]", 0, "f.json:1:3: $: not valid JSON"},
		{"/* c */ {}", 0, "f.json:1:9: $: not valid JSON: probable comment"},
		{"{} // c", 0, "f.json:1:3: $: not valid JSON: trailing"},
		{"\"\xc0\xaf\"", 0, "f.json:1:2: bytes that are not UTF-8 (0xc0)"},
		{"\"\xe0\x80\xaf\"", 0, "f.json:1:2: bytes that are not UTF-8 (0xe0)"},
		{"\"\xed\xa0\x80\"", 0, "f.json:1:2: bytes that are not UTF-8 (0xed)"},
		{"\"\xf4\x90\x80\x80\"", 0, "f.json:1:2: bytes that are not UTF-8 (0xf4)"},
		{"\"\xc3\xa9\xff\"", 0, "f.json:1:3: bytes that are not UTF-8 (0xff)"},
		{"\"\xe2\x82", 0, "f.json:1:2: bytes that are not UTF-8 (0xe2)"},
		{"\"\\ud800\"", 0, "f.json:1:1: $: half of a surrogate pair"},
		{"\"\\ud83d\\u0041\"", 0, "f.json:1:1: $: half of a surrogate pair"},
		{"\"\\ud83d\\n0041\"", 0, "f.json:1:1: $: half of a surrogate pair"},
		{"\"\\udc00\\ud800\"", 0, "f.json:1:1: $: half of a surrogate pair"},
		{"\xef\xbb\xbf{}", 0, "f.json:1:1: a byte order mark"},
		{"{\0}\0", 4, "f.json:1:2: a control character (0x00)"},
		{"", 0, "f.json:1:1: the file is empty"},
		{" \n ", 0, "f.json:2:2: $: not valid JSON: the text ends too early"},
		{"{\"a\":[1,", 0, "f.json:1:9: a[1]: not valid JSON: the text ends too early"},
		{"[\"abc", 0, "f.json:1:6: $[0]: not valid JSON: the text ends too early"},
		{"[01]", 0, "f.json:1:3: $[1]: not valid JSON"},
		{"[+1]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[.5]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[1.]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[NaN]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[True]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"['a']", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[1,]", 0, "f.json:1:4: $[1]: not valid JSON"},
		{"{\"a\":1,}", 0, "f.json:1:8: $: not valid JSON"},
		{"{\"a\" 1}", 0, "f.json:1:6: a: not valid JSON"},
		{"{a:1}", 0, "f.json:1:2: $: not valid JSON"},
		{"[\"\\x41\"]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"[\"\\u12\"]", 0, "f.json:1:2: $[0]: not valid JSON"},
		{"{\"mounts\":[{}, {\"x\":tru}]}", 0, "f.json:1:21: mounts[1].x: not valid JSON"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		size_t length = cases[i].length ? cases[i].length : strlen(cases[i].text);
		struct cfd_error err = {0};
		DOC *doc = NULL;

		cr_expect_eq(parse_with(cases[i].text, length, false, &doc, &err), -EINVAL, "%s", cases[i].text);
		cr_expect_null(doc);
		cr_expect(cfd_starts_with(err.message, cases[i].message), "%s: %s", cases[i].text, err.message);
	}
}

Test(json, comments_are_read_where_people_write_and_must_end)
{
	static const struct {
		const char *text, *out;
	} cases[] = {
		{"/* a, b: */ 1 // end", "1"},
		{"[1 /*,*/ , // c\n\"x\"]", "[1,\"x\"]"},
		{"{\"a\"/**/:/***/\"b\\n\"}//", "{\"a\":\"b\\n\"}"},
		{"\"/* no comment */ //\"", "\"/* no comment */ //\""},
		{"{} /* does not end", NULL},
		{"{} /**/ \"x", NULL},
		{"[1,/*/ 2]", NULL},
		{"/ 1", NULL},
		{"# 1", NULL},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_error err = {0};
		DOC *doc = NULL;
		int r = parse_with(cases[i].text, strlen(cases[i].text), true, &doc, &err);

		cr_expect_eq(r, cases[i].out ? 0 : -EINVAL, "%s: %s", cases[i].text, err.message);
		if (!r) {
			CFD_AUTO_FREE char *text = written(cfd_json_root(doc));

			cr_expect_str_eq(text, cases[i].out);
		}
	}
}

Test(json, depth_and_size_have_limits)
{
	char deep[200];
	struct cfd_error err = {0};
	struct cfd_json_options options = {.name = "f.json", .max_bytes = 65, .max_nodes = 3};

	for (unsigned depth = 32; depth <= 33; depth++) {
		DOC *doc = NULL;

		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		cr_expect_eq(parse_with(deep, 2 * depth, false, &doc, &err), depth == 32 ? 0 : -ELOOP);
	}
	cr_expect(strstr(err.message, "nested too deeply"), "%s", err.message);

	for (unsigned values = 3; values <= 4; values++) {
		DOC *doc = NULL;

		cr_expect_eq(cfd_json_parse("[1,2,3]", 0, &options, &doc, &err), -EINVAL);
		cr_expect_eq(
			cfd_json_parse(values == 3 ? "[1,2]" : "[1,2,3]", values == 3 ? 5 : 7, &options, &doc, &err),
			values == 3 ? 0 : -EFBIG);
	}
	for (unsigned length = 65; length <= 66; length++) {
		DOC *doc = NULL;

		memset(deep, ' ', sizeof(deep));
		deep[0] = '7';
		cr_expect_eq(cfd_json_parse(deep, length, &options, &doc, &err), length == 65 ? 0 : -EFBIG);
	}
}

Test(json, whole_numbers_are_exact)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int expected;
	} cases[] = {
		{"0", 0, 0, 0},
		{"-1", -1, 0, 0},
		{"-2", -1, 0, -ERANGE},
		{"9223372036854775807", 0, INT64_MAX, 0},
		{"9223372036854775808", 0, INT64_MAX, -ERANGE},
		{"-9223372036854775808", INT64_MIN, 0, 0},
		{"-9223372036854775809", INT64_MIN, 0, -ERANGE},
		{"1e999", 0, INT64_MAX, -EINVAL},
		{"1e1", 0, 100, -EINVAL},
		{"1.0", 0, 100, -EINVAL},
		{"-0", -1, 1, -EINVAL},
		{"\"1\"", 0, 1, -EINVAL},
		{"true", 0, 1, -EINVAL},
		{"null", 0, 1, -EINVAL},
		{"99999999999999999999999999", 0, INT64_MAX, -ERANGE},
	};
	uint64_t large = 0;

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		DOC *doc = parse(cases[i].text);
		int64_t value = 77;

		cr_expect_eq(cfd_json_int(cfd_json_root(doc), cases[i].min, cases[i].max, &value), cases[i].expected,
			     "%s", cases[i].text);
		if (cases[i].expected)
			cr_expect_eq(value, 77);
		else
			cr_expect_eq(value, strtoll(cases[i].text, NULL, 10));
	}
	DOC *doc = parse("18446744073709551615");

	cr_expect_eq(cfd_json_uint(cfd_json_root(doc), UINT64_MAX, &large), 0);
	cr_expect_eq(large, UINT64_MAX);
	cr_expect_eq(cfd_json_int(NULL, 0, 1, &(int64_t){0}), -EINVAL);
}

Test(json, paths_and_places)
{
	static const struct {
		const char *path;
		unsigned line, column;
	} cases[] = {
		{"mounts", 2, 2},
		{"mounts[1]", 3, 1},
		{"mounts[1].source", 3, 3},
		{"annotations", 4, 9},
		{"annotations[\"a.b\"]", 4, 25},
		{"annotations[\"\xc3\xa9\"]", 4, 34},
	};
	DOC *doc = parse("{\n \"mounts\": [ 1 ,\n{ \"source\": \"\xc3\xa9\"}], \n"
			 "\"x\" : 1,\"annotations\": {\"a.b\": 1,\"\xc3\xa9\":2}}");
	const struct cfd_json *root = cfd_json_root(doc), *mounts = cfd_json_get(root, "mounts"),
			      *annotations = cfd_json_get(root, "annotations");
	const struct cfd_json *nodes[] = {
		mounts,      cfd_json_at(mounts, 1),           cfd_json_get(cfd_json_at(mounts, 1), "source"),
		annotations, cfd_json_get(annotations, "a.b"), cfd_json_get(annotations, "\xc3\xa9")};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf path = {0};
		unsigned line = 0, column = 0;

		cr_assert_eq(cfd_json_path(nodes[i], &path), 0);
		cfd_json_position(doc, nodes[i], &line, &column);
		cr_expect_str_eq(path.data, cases[i].path);
		cr_expect_eq(line, cases[i].line, "%s: line %u", path.data, line);
		cr_expect_eq(column, cases[i].column, "%s: column %u", path.data, column);
	}
	CFD_AUTO_BUF struct cfd_buf path = {0};

	cr_expect_eq(cfd_json_path(root, &path), 0);
	cr_expect_str_eq(path.data, "$");
}

Test(json, absent_nodes_read_as_absent)
{
	cr_expect_null(cfd_json_get(NULL, "a"));
	cr_expect_null(cfd_json_at(NULL, 0));
	cr_expect_null(cfd_json_member(NULL, 0, NULL));
	cr_expect_null(cfd_json_string(NULL));
	cr_expect_null(cfd_json_number(NULL));
	cr_expect_not(cfd_json_bool(NULL));
	cr_expect_not(cfd_json_is(NULL, CFD_JSON_NULL));
	cr_expect_eq(cfd_json_count(NULL), 0);
}

Test(json, documents_can_be_changed)
{
	DOC *doc = parse("{\"a\":[1,2,3],\"b\":{\"c\":null},\"d\":true}");
	DOC *other = parse("[{\"x\":[\"y\\n\",1e3]}]");
	struct cfd_json *root = cfd_json_root(doc), *a = cfd_json_get(root, "a"), *b = cfd_json_get(root, "b");
	struct cfd_json *copy = cfd_json_copy(doc, cfd_json_root(other));
	CFD_AUTO_BUF struct cfd_buf places = {0};

	cfd_json_remove_at(a, 1);
	cfd_json_remove_at(a, 7);
	cr_expect_eq(cfd_json_path(cfd_json_at(a, 1), &places), 0);
	cr_expect_str_eq(places.data, "a[1]", "places are renumbered after removing");
	cr_expect_eq(cfd_json_insert(doc, a, 0, cfd_json_new_int(doc, INT64_MIN)), 0);
	cr_expect_eq(cfd_json_insert(doc, a, 4, cfd_json_new_int(doc, 0)), -EINVAL);
	cr_expect_eq(cfd_json_append(doc, a, cfd_json_new_string(doc, "\"z\"")), 0);
	cfd_json_remove(b, "c");
	cfd_json_remove(b, "missing");
	cr_expect_eq(cfd_json_set(doc, root, "d", copy), 0, "replaced in its place");
	cr_expect_eq(cfd_json_set(doc, root, "e", copy), -EINVAL, "hangs already");
	cr_expect_eq(cfd_json_set(doc, b, "f", NULL), -ENOMEM);
	cr_expect_eq(cfd_json_set(doc, b, "self", b), -EINVAL);
	cr_expect_eq(cfd_json_set(doc, b, "root", root), -EINVAL);
	cr_expect_eq(cfd_json_set(doc, a, "not an object", cfd_json_new_array(doc)), -EINVAL);
	cr_expect_null(cfd_json_new_string(doc, "\xff"));
	cr_expect_null(cfd_json_want_object(doc, root, "a"), "an array");
	cr_expect_not_null(cfd_json_want_array(doc, cfd_json_want_object(doc, root, "new"), "list"));
	cr_expect_eq(cfd_json_want_array(doc, root, "a"), a);
	cfd_json_doc_free(cfd_take(other));

	CFD_AUTO_FREE char *text = written(root);

	cr_expect_str_eq(text,
			 "{\"a\":[-9223372036854775808,1,3,\"\\\"z\\\"\"],\"b\":{},\"d\":[{\"x\":[\"y\\n\",1e3]}],"
			 "\"new\":{\"list\":[]}}");
	CFD_AUTO_BUF struct cfd_buf path = {0};

	cr_expect_eq(cfd_json_path(cfd_json_at(a, 2), &path), 0);
	cr_expect_str_eq(path.data, "a[2]", "places are renumbered after inserting");
}

static bool is_even(const struct cfd_json *child, void *context)
{
	(void)context;
	return strtol(cfd_json_key(child) + 1, NULL, 10) % 2 == 0;
}

/* Past a few members objects are indexed; adding, replacing and removing must keep the index right. */
Test(json, large_objects_find_what_small_ones_find)
{
	DOC *doc = parse("{}");
	struct cfd_json *root = cfd_json_root(doc);
	char key[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		cr_assert_eq(cfd_json_set(doc, root, key, cfd_json_new_int(doc, i)), 0);
	}
	cr_assert_eq(cfd_json_set(doc, root, "k500", cfd_json_new_int(doc, -1)), 0);
	cr_expect_eq(cfd_json_count(root), 1000);
	cfd_json_filter(root, is_even, NULL);
	cr_expect_eq(cfd_json_count(root), 500);
	cfd_json_remove(root, "k10");
	cr_assert_eq(cfd_json_set(doc, root, "k1", cfd_json_new_int(doc, 1)), 0);
	for (unsigned i = 0; i < 1000; i++) {
		bool there = (i % 2 == 0 && i != 10) || i == 1;
		int64_t value = 0;

		snprintf(key, sizeof(key), "k%u", i);
		cr_expect_eq(cfd_json_get(root, key) != NULL, there, "%s", key);
		if (there && !cfd_json_int(cfd_json_get(root, key), -1, 1000, &value))
			cr_expect_eq(value, i == 500 ? -1 : (int64_t)i);
	}
}
