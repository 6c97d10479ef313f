/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of config.json against tests/corpus/reader/spec-1.3.0-paths.txt: every key of the specification, in its
 * order and with its type, and nothing else but what the table marks as gone from it. Types may be narrower, never
 * wider.
 */
#include "lib/spec/schema.h"
#include "lib/fd.h"
#include "lib/json/json.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATHS "tests/corpus/reader/spec-1.3.0-paths.txt"

/* Go's types, by the range of what they hold. */
static const struct {
	const char *name;
	enum cfd_schema_kind kind;
	int64_t min;
	uint64_t max;
} types[] = {
	{"string", CFD_SCHEMA_STRING, 0, 0},
	{"bool", CFD_SCHEMA_BOOL, 0, 0},
	{"int32", CFD_SCHEMA_INT, INT32_MIN, INT32_MAX},
	{"int64", CFD_SCHEMA_INT, INT64_MIN, INT64_MAX},
	{"uint16", CFD_SCHEMA_INT, 0, UINT16_MAX},
	{"uint32", CFD_SCHEMA_INT, 0, UINT32_MAX},
	{"uint64", CFD_SCHEMA_INT, 0, UINT64_MAX},
	{"object", CFD_SCHEMA_OBJECT, 0, 0},
	{"array", CFD_SCHEMA_ARRAY, 0, 0},
	{"map", CFD_SCHEMA_MAP, 0, 0},
	{"foreign", CFD_SCHEMA_FOREIGN, 0, 0},
};

static bool fits(const struct cfd_schema_row *row, const char *type)
{
	enum cfd_schema_kind kind = row->kind;

	if (kind == CFD_SCHEMA_PATH || kind == CFD_SCHEMA_CHOICE)
		kind = CFD_SCHEMA_STRING;
	if (kind == CFD_SCHEMA_UINT)
		kind = CFD_SCHEMA_INT;
	for (size_t i = 0; i < CFD_COUNT(types); i++)
		if (cfd_streq(types[i].name, type))
			return kind == types[i].kind &&
			       (kind != CFD_SCHEMA_INT || (row->min >= types[i].min && row->max <= types[i].max));
	return false;
}

struct comparing {
	char *at; /* of the list */
	size_t keys;
};

/* The next line that is no comment; "" at the end. */
static void next_line(struct comparing *c, char path[256], char type[16])
{
	size_t length;

	*path = *type = '\0';
	while (*c->at == '#')
		c->at = strchr(c->at, '\n') + 1;
	length = strcspn(c->at, "\n");
	if (!length)
		return;
	cr_assert_eq(sscanf(c->at, "%255s %15s", path, type), 2, "%s", c->at);
	c->at += length + 1;
}

static void compare(struct comparing *c, const struct cfd_schema_row *row, const char *path)
{
	char wanted[256], type[16], child[256];

	if (*path) {
		next_line(c, wanted, type);
		cr_assert_str_eq(path, wanted, "the table has %s where the specification has %s", path, wanted);
		cr_expect(fits(row, type), "%s is no %s", path, type);
		c->keys++;
	}
	if (row->element) {
		snprintf(child, sizeof(child), "%s%s", path, row->kind == CFD_SCHEMA_MAP ? "{}" : "[]");
		compare(c, row->element, child);
	}
	for (const struct cfd_schema_row *member = row->members; member && member->key; member++) {
		snprintf(child, sizeof(child), "%s%s%s", path, *path ? "." : "", member->key);
		if (!member->beyond)
			compare(c, member, child);
	}
}

Test(schema, every_key_of_the_specification_is_in_the_table_and_no_other)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct comparing c = {0};
	char path[256], type[16];

	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, PATHS, 1 << 20, &text, &err), 0, "%s", err.message);
	c.at = text.data;
	compare(&c, &cfd_schema_config, "");
	next_line(&c, path, type);
	cr_expect_str_eq(path, "", "the table lacks %s", path);
	cr_expect_gt(c.keys, 280);
}

/* A row without bounds would let a document grow without end; a row that somebody else acts on says since when. */
static void check_rows(const struct cfd_schema_row *row, const char *path, size_t *rows)
{
	char child[256];

	*rows += 1;
	if (row->kind == CFD_SCHEMA_ARRAY || row->kind == CFD_SCHEMA_MAP) {
		cr_expect(row->element && row->max > 0 && row->max <= 65536, "%s", path);
		check_rows(row->element, path, rows);
	}
	cr_expect_eq(row->kind == CFD_SCHEMA_CHOICE, row->choices != NULL, "%s", path);
	cr_expect(row->kind != CFD_SCHEMA_INT || row->min < (int64_t)row->max, "%s", path);
	cr_expect(!row->vital || row->runc || row->crun, "%s: vital, and everybody acts on it", path);
	cr_expect(!row->required || (!row->runc && !row->crun), "%s: required, and not everybody acts on it", path);
	for (const struct cfd_schema_row *member = row->members; member && member->key; member++) {
		snprintf(child, sizeof(child), "%s.%s", path, member->key);
		for (const struct cfd_schema_row *other = row->members; other != member; other++)
			cr_expect_str_neq(other->key, member->key, "%s", child);
		check_rows(member, child, rows);
	}
}

Test(schema, rows_are_whole)
{
	size_t rows = 0;

	check_rows(&cfd_schema_config, "", &rows);
	cr_expect_gt(rows, 280);
}
