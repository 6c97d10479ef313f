/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader and the canonical writer. What is accepted is written as text that is accepted again, holds the
 * same values, and is written the same; every key finds its own value, also after changes.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/err.h"
#include "lib/json/json.h"

#include <string.h>

#define PATHS_CHECKED 32 /* of a document: each looks for its line from the start */

static struct cfd_json *child_at(const struct cfd_json *node, size_t i)
{
	return cfd_json_is(node, CFD_JSON_OBJECT) ? cfd_json_member(node, i, NULL) : cfd_json_at(node, i);
}

static void check_node(const struct cfd_json_doc *doc, const struct cfd_json *node, size_t *paths)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};
	unsigned line, column;
	int64_t number;

	if (cfd_json_string(node))
		FUZZ_CHECK(cfd_utf8_valid(cfd_json_string(node)));
	if (cfd_json_number(node) && cfd_json_int(node, -100, 100, &number) == 0)
		FUZZ_CHECK(number >= -100 && number <= 100);
	if ((*paths)++ < PATHS_CHECKED) {
		cfd_json_position(doc, node, &line, &column);
		FUZZ_CHECK(line && column);
		FUZZ_CHECK(cfd_json_path(node, &path) == 0);
		fuzz_check_line(path.data);
	}
	for (size_t i = 0; i < cfd_json_count(node); i++) {
		const struct cfd_json *child = child_at(node, i);

		if (cfd_json_is(node, CFD_JSON_OBJECT))
			FUZZ_CHECK(cfd_json_get(node, cfd_json_key(child)) == child);
		check_node(doc, child, paths);
	}
}

/* Takes a member or element out of every container, and puts another behind. */
static void change(struct cfd_json_doc *doc, struct cfd_json *node)
{
	size_t count = cfd_json_count(node);

	for (size_t i = 0; i < count; i++)
		change(doc, child_at(node, i));
	if (cfd_json_is(node, CFD_JSON_ARRAY)) {
		cfd_json_remove_at(node, count / 2);
		FUZZ_CHECK(cfd_json_insert(doc, node, 0, cfd_json_new_bool(doc, true)) == 0);
		FUZZ_CHECK(cfd_json_count(node) == (count ? count : 1));
	} else if (cfd_json_is(node, CFD_JSON_OBJECT)) {
		const char *key = count ? cfd_json_key(child_at(node, count / 2)) : "";

		cfd_json_remove(node, key);
		FUZZ_CHECK(!cfd_json_get(node, key));
		FUZZ_CHECK(cfd_json_set(doc, node, key, cfd_json_new_u64(doc, UINT64_MAX)) == 0);
		FUZZ_CHECK(cfd_json_count(node) == (count ? count : 1));
		FUZZ_CHECK(cfd_json_get(node, key) == child_at(node, cfd_json_count(node) - 1));
	}
}

/* What is written reads again as the same values, and is written the same. */
static void check_round_trip(struct cfd_json *root)
{
	const struct cfd_json_options options = {.name = "again"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *again = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0}, second = {0};
	struct cfd_error err = {0};

	fuzz_write(root, &text);
	FUZZ_CHECK(cfd_json_parse(text.data, text.length, &options, &again, &err) == 0);
	FUZZ_CHECK(fuzz_equal(root, cfd_json_root(again)));
	fuzz_write(cfd_json_root(again), &second);
	FUZZ_CHECK(cfd_streq(text.data, second.data));
}

static bool read_one(const uint8_t *data, size_t size, bool comments)
{
	const struct cfd_json_options options = {.name = "in", .allow_comments = comments};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL, *copies = NULL;
	struct cfd_error err = {0};
	struct cfd_json *copy;
	size_t paths = 0;

	if (cfd_json_parse((const char *)data, size, &options, &doc, &err)) {
		FUZZ_CHECK(err.code < 0 && *err.message && !doc);
		return false;
	}
	check_node(doc, cfd_json_root(doc), &paths);
	check_round_trip(cfd_json_root(doc));
	FUZZ_CHECK(cfd_json_parse("{}", 2, &options, &copies, &err) == 0);
	copy = cfd_json_copy(copies, cfd_json_root(doc));
	FUZZ_CHECK(fuzz_equal(copy, cfd_json_root(doc)));
	change(doc, cfd_json_root(doc));
	check_round_trip(cfd_json_root(doc));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool plain = read_one(data, size, false), commented = read_one(data, size, true);

	FUZZ_CHECK(commented || !plain);
	return 0;
}
