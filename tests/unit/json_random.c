/* SPDX-License-Identifier: Apache-2.0 */
/* Documents made at random, damaged ones, and such as are made to cost. */
#include "tests/unit/documents.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The seed is printed on failure; a run with the same numbers makes the same documents. */
static struct cfd_json *random_value(struct cfd_json_doc *doc, unsigned short state[3], unsigned depth)
{
	static const char *const strings[] = {
		"",           "a", "\"",        "\\",           "\x01", "\x1f\x7f", "\xc3\xa9", "\xf0\x9f\x98\x80",
		"\n\t\r\b\f", "/", "</script>", "\xe2\x80\xa8", "a.b",  "\\u0000"};
	unsigned choice = (unsigned)nrand48(state) % (depth ? 6 : 4), count = (unsigned)nrand48(state) % 40;
	struct cfd_json *node;
	char key[64];

	switch (choice) {
	case 0:
		return cfd_json_new_bool(doc, count % 2);
	case 1:
		return cfd_json_new_int(doc, jrand48(state) * INT64_C(4294967311));
	case 2:
	case 3:
		return cfd_json_new_string(doc, strings[count % CFD_COUNT(strings)]);
	case 4:
		node = cfd_json_new_array(doc);
		for (unsigned i = 0; i < count % 5; i++)
			cfd_json_append(doc, node, random_value(doc, state, depth - 1));
		return node;
	default:
		node = cfd_json_new_object(doc);
		for (unsigned i = 0; i < count; i++) {
			snprintf(key, sizeof(key), "%s%u", strings[nrand48(state) % (long)CFD_COUNT(strings)],
				 (unsigned)nrand48(state) % 30);
			cfd_json_set(doc, node, key, random_value(doc, state, depth > 3 ? 2 : depth - 1));
		}
		return node;
	}
}

static void add_space(struct cfd_buf *out, unsigned short state[3])
{
	static const char *const space[] = {"", " ", "\n", "\t\r\n ", "", ""};

	cfd_buf_add_string(out, space[nrand48(state) % (long)CFD_COUNT(space)]);
}

/* The same document with other white space: strings are copied, everything else may get space around it. */
static void respace(const char *text, struct cfd_buf *out, unsigned short state[3])
{
	bool inside = false;

	for (; *text; text++) {
		bool structure = !inside && strchr("{}[],:", *text);

		if (structure)
			add_space(out, state);
		cfd_buf_add(out, text, 1);
		if (structure)
			add_space(out, state);
		if (inside && *text == '\\')
			cfd_buf_add(out, ++text, 1);
		else if (*text == '"')
			inside = !inside;
	}
}

Test(json, random_documents_survive_writing_and_reading)
{
	for (unsigned short seed = 0; seed < 300; seed++) {
		unsigned short state[3] = {seed, 0x5eed, 7};
		DOC *made = parse("[]");
		CFD_AUTO_BUF struct cfd_buf spaced = {0};
		struct cfd_error err = {0};
		DOC *again = NULL;

		cr_assert_eq(cfd_json_append(made, cfd_json_root(made), random_value(made, state, 5)), 0);
		CFD_AUTO_FREE char *first = written(cfd_json_root(made));

		respace(first, &spaced, state);
		cr_assert_eq(parse_with(spaced.data, spaced.length, false, &again, &err), 0, "seed %u: %s\n%s", seed,
			     err.message, spaced.data);
		CFD_AUTO_FREE char *second = written(cfd_json_root(again));

		cr_expect_str_eq(first, second, "seed %u", seed);
	}
}

/* One byte changed or cut off anywhere is read or refused, and what is read is written as something readable. */
Test(json, damaged_documents_are_read_or_refused)
{
	static const char text[] = "{\"a\\n\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude00\",{\"b\":null}],\"\xc3\xa9\":true}";
	static const char bytes[] = "\0\x1f \"\\{}[],:0eu/*\xc3\xff";

	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			char damaged[sizeof(text)];
			size_t length = i == sizeof(bytes) - 1 ? at : sizeof(text) - 1;
			struct cfd_error err = {0};
			DOC *doc = NULL, *again = NULL;

			memcpy(damaged, text, sizeof(text));
			damaged[at] = bytes[i];
			if (parse_with(damaged, length, i % 2, &doc, &err))
				continue;
			CFD_AUTO_FREE char *out = written(cfd_json_root(doc));

			cr_expect_eq(parse_with(out, strlen(out), false, &again, &err), 0, "%s: %s", out, err.message);
		}
	}
}

struct hostile {
	const char *name;
	const char *open, *each, *close; /* `each` is repeated; a # in it counts */
	int expected;
};

static void fill(const struct hostile *hostile, struct cfd_buf *text)
{
	const char *count = strchr(hostile->each, '#');

	cfd_buf_add_string(text, hostile->open);
	for (unsigned i = 0; text->length < CFD_JSON_MAX_BYTES - 64; i++) {
		if (count)
			cfd_buf_addf(text, "%.*s%u%s", (int)(count - hostile->each), hostile->each, i, count + 1);
		else
			cfd_buf_add_string(text, hostile->each);
	}
	cfd_buf_add_string(text, hostile->close);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 8 MiB of each in linear time; the limit is ten times what a slow machine needs and a tenth of what n^2 would. */
Test(json, eight_hostile_mebibytes_cost_linear_time, .timeout = 120)
{
	static const struct hostile cases[] = {
		{"the same key", "{", "\"a\":1,", "\"b\":1}", -EFBIG},
		{"other keys", "{", "\"#\":1,", "\"b\":1}", -EFBIG},
		{"fewer, longer keys", "{", "\"aaaaaaaaaaaaaaaaaaaaaaaa#\":1,", "\"b\":1}", 0},
		{"the same long key", "{", "\"aaaaaaaaaaaaaaaaaaaaaaaa\":1,", "\"b\":1}", -EINVAL},
		{"numbers", "[", "1,", "1]", -EFBIG},
		{"longer numbers", "[", "12345678901234567890,", "1]", 0},
		{"arrays", "[", "[],", "[]]", -EFBIG},
		{"one string", "\"", "aaaaaaaa", "\"", 0},
		{"one string that does not end", "\"", "aaaaaaaa", "", -EINVAL},
		{"one string of escapes", "\"", "\\u00e9", "\"", 0},
		{"one string of pairs", "\"", "\\ud83d\\ude00", "\"", 0},
		{"one string of non-ASCII", "\"", "\xc3\xa9", "\"", 0},
		{"one key", "{\"", "aaaaaaaa", "\":1}", 0},
		{"space", "", " ", "1", 0},
		{"nesting", "", "[", "", -ELOOP},
		{"objects of sixteen", "[", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1},", "1]",
		 -EFBIG},
		{"commas", "[", ",", "]", -EINVAL},
		{"quotes", "[", "\"\",", "1]", -EFBIG},
		{"digits", "[", "11111111", "]", 0},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};
		DOC *doc = NULL;
		double start;

		fill(&cases[i], &text);
		start = cpu_seconds();
		cr_expect_eq(parse_with(text.data, text.length, false, &doc, &err), cases[i].expected, "%s: %s",
			     cases[i].name, err.message);
		cfd_json_doc_free(cfd_take(doc));
		cr_expect_lt(cpu_seconds() - start, 2.0, "%s took %.3f s", cases[i].name, cpu_seconds() - start);
		if (getenv("COFFERDAM_TIMES"))
			printf("%-32s %6.1f ms\n", cases[i].name, 1e3 * (cpu_seconds() - start));
	}
}
