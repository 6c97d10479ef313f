/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sample.h"

#include "lib/base.h"
#include "lib/spec/schema.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64

struct sample {
	unsigned short *state; /* NULL: canonical */
	struct cfd_buf *text;
};

/* Where the table asks for more than a type. */
static const struct {
	const char *key, *value;
} special[] = {
	{"ociVersion", "1.3.0"}, {"access", "rwm"}, {"pageSize", "2MB"}, {"cpus", "0-1"},    {"mems", "0"},
	{"nodes", "0"},          {"initial", "0"},  {"final", "1"},      {"env", "A=b\"\n"}, {"type", "c"},
};

static void space(struct sample *s)
{
	static const char *const spaces[] = {"", "", "", " ", "\n", "\t ", "\r\n"};

	if (s->state)
		cfd_buf_add_string(s->text, spaces[nrand48(s->state) % (long)CFD_COUNT(spaces)]);
}

static void add_string(struct sample *s, const char *string)
{
	if (!s->state) {
		cfd_buf_addf(s->text, "\"");
		for (; *string; string++)
			cfd_buf_addf(s->text, *string == '\n' ? "\\n" : *string == '"' ? "\\\"" : "%c", *string);
		cfd_buf_addf(s->text, "\"");
		return;
	}
	cfd_buf_addf(s->text, "\"");
	for (; *string; string++)
		if (nrand48(s->state) % 8 == 0 || *string == '\n' || *string == '"')
			cfd_buf_addf(s->text, "\\u%04X", (unsigned)*string);
		else
			cfd_buf_addf(s->text, "%c", *string);
	cfd_buf_addf(s->text, "\"");
}

static const char *string_for(const struct cfd_schema_row *row, const char *key)
{
	for (size_t i = 0; i < CFD_COUNT(special); i++)
		if (cfd_streq(special[i].key, key) && row->kind != CFD_SCHEMA_CHOICE)
			return special[i].value;
	if (row->kind == CFD_SCHEMA_CHOICE)
		return cfd_streq(row->choices[0], "a") ? "c" : row->choices[0]; /* of a device rule */
	return row->kind == CFD_SCHEMA_PATH ? "/x" : "x";
}

static void add(struct sample *s, const struct cfd_schema_row *row, const char *key);

static void add_members(struct sample *s, const struct cfd_schema_row *row)
{
	const struct cfd_schema_row *members[MEMBERS_MAX];
	size_t count = 0;

	for (const struct cfd_schema_row *member = row->members; member->key; member++)
		if (member->kind != CFD_SCHEMA_FOREIGN)
			members[count++] = member;
	cr_assert_lt(count, MEMBERS_MAX);
	for (size_t i = count; s->state && i > 1; i--) { /* Fisher and Yates */
		size_t other = (size_t)nrand48(s->state) % i;
		const struct cfd_schema_row *last = members[i - 1];

		members[i - 1] = members[other];
		members[other] = last;
	}
	for (size_t i = 0; i < count; i++) {
		cfd_buf_addf(s->text, i ? "," : "");
		space(s);
		add_string(s, members[i]->key);
		space(s);
		cfd_buf_addf(s->text, ":");
		add(s, members[i], members[i]->key);
	}
}

/* Three keys, which are sorted by their bytes. */
static void add_map(struct sample *s, const struct cfd_schema_row *row, const char *key)
{
	static const char *const keys[] = {"A.b", "a", "a.b"};
	size_t first = s->state ? (size_t)nrand48(s->state) % CFD_COUNT(keys) : 0;

	for (size_t i = 0; i < CFD_COUNT(keys); i++) {
		cfd_buf_addf(s->text, i ? "," : "");
		add_string(s, keys[(first + i) % CFD_COUNT(keys)]);
		cfd_buf_addf(s->text, ":");
		add(s, row->element, key);
	}
}

static void add(struct sample *s, const struct cfd_schema_row *row, const char *key)
{
	static const char *const brackets[][2] = {
		[CFD_SCHEMA_OBJECT] = {"{", "}"}, [CFD_SCHEMA_MAP] = {"{", "}"}, [CFD_SCHEMA_ARRAY] = {"[", "]"}};

	space(s);
	if (row->kind == CFD_SCHEMA_BOOL) {
		cfd_buf_addf(s->text, "true");
	} else if (row->kind == CFD_SCHEMA_INT || row->kind == CFD_SCHEMA_UINT) {
		cfd_buf_addf(s->text, "%d", cfd_streq(key, "fileMode") ? 438 : 1);
	} else if (row->kind < CFD_SCHEMA_OBJECT) {
		add_string(s, string_for(row, key));
	} else {
		cfd_buf_addf(s->text, "%s", brackets[row->kind][0]);
		if (row->kind == CFD_SCHEMA_OBJECT)
			add_members(s, row);
		else if (row->kind == CFD_SCHEMA_MAP)
			add_map(s, row, key);
		else
			add(s, row->element, key);
		space(s);
		cfd_buf_addf(s->text, "%s", brackets[row->kind][1]);
	}
	space(s);
}

void sample_config(unsigned short *state, struct cfd_buf *text)
{
	struct sample s = {state, text};

	add(&s, &cfd_schema_config, "");
}
