/* SPDX-License-Identifier: Apache-2.0 */
/* The profile in force as it is shown: whose line each line is, and that it is read back as the same profile. */
#include "tests/unit/profiles.h"

#include "lib/json/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || cfd_streq(a, b);
}

static bool same_strings(char *const *a, char *const *b)
{
	size_t i = 0;

	for (; a && a[i] && b && b[i]; i++)
		if (!cfd_streq(a[i], b[i]))
			return false;
	return (!a || !a[i]) && (!b || !b[i]);
}

static bool same_ports(const struct cfd_profile_port *a, size_t a_count, const struct cfd_profile_port *b,
		       size_t b_count)
{
	for (size_t i = 0; i < a_count && a_count == b_count; i++)
		if (a[i].protocol != b[i].protocol || a[i].first != b[i].first || a[i].last != b[i].last)
			return false;
	return a_count == b_count;
}

static void expect_same_lists(const struct cfd_profile *a, const struct cfd_profile *b)
{
	cr_assert_eq(a->mount_count, b->mount_count);
	for (size_t i = 0; i < a->mount_count; i++)
		cr_expect(same_text(a->mounts[i].source, b->mounts[i].source) &&
			  same_text(a->mounts[i].destination, b->mounts[i].destination) &&
			  a->mounts[i].writable == b->mounts[i].writable && a->mounts[i].idmap == b->mounts[i].idmap);
	cr_assert_eq(a->exception_count, b->exception_count);
	for (size_t i = 0; i < a->exception_count; i++)
		cr_expect(same_text(a->exceptions[i].rule, b->exceptions[i].rule) &&
			  same_text(a->exceptions[i].subject, b->exceptions[i].subject) &&
			  same_text(a->exceptions[i].reason, b->exceptions[i].reason) &&
			  a->exceptions[i].expires == b->exceptions[i].expires);
	cr_expect(same_strings(a->devices, b->devices));
	cr_expect(same_strings(a->capabilities, b->capabilities));
	cr_expect_eq(!a->capabilities, !b->capabilities, "no list is not an empty one");
	cr_expect(same_strings(a->sysctls, b->sysctls));
	cr_expect(same_strings(a->exec_allow, b->exec_allow));
	cr_expect_eq(!a->exec_allow, !b->exec_allow, "no list is not an empty one");
}

static void expect_same_net(const struct cfd_profile *a, const struct cfd_profile *b)
{
	cr_expect_eq(a->listen_any, b->listen_any);
	cr_expect(same_ports(a->listen, a->listen_count, b->listen, b->listen_count));
	cr_assert_eq(a->connect_count, b->connect_count);
	for (size_t i = 0; i < a->connect_count; i++) {
		const struct cfd_profile_peer *x = &a->connect[i], *y = &b->connect[i];

		cr_expect(x->kind == y->kind && same_text(x->name, y->name) && x->follow == y->follow);
		cr_expect(x->prefix == y->prefix && memcmp(&x->address, &y->address, sizeof(x->address)) == 0 &&
			  same_ports(x->ports, x->port_count, y->ports, y->port_count));
	}
}

static void expect_same(const struct cfd_profile *a, const struct cfd_profile *b)
{
	cr_expect_eq(a->format, b->format);
	cr_expect(same_text(a->name, b->name));
	cr_expect(same_text(a->description, b->description));
	cr_expect_eq(a->mode, b->mode);
	cr_expect(same_text(a->runtime, b->runtime));
	cr_expect_eq(a->no_new_privileges, b->no_new_privileges);
	cr_expect_eq(a->readonly_rootfs, b->readonly_rootfs);
	cr_expect_eq(a->userns_host, b->userns_host);
	cr_expect(same_text(a->userns_reason, b->userns_reason));
	cr_expect(a->userns_base == b->userns_base && a->userns_size == b->userns_size);
	cr_expect(same_text(a->syscalls, b->syscalls));
	cr_expect_eq(a->all_architectures, b->all_architectures);
	cr_expect_eq(a->shells, b->shells);
	cr_expect_eq(a->image_only, b->image_only);
	cr_expect_eq(a->deny_wx, b->deny_wx);
	cr_expect_eq(a->log_allowed, b->log_allowed);
	expect_same_lists(a, b);
	expect_same_net(a, b);
}

static char *show(const struct cfd_profile_set *set, const char *name)
{
	struct cfd_buf text = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_profile_show(set, name, &text, &err), 0, "%s", err.message);
	return text.data;
}

/* Shown, written as a file, read back: the same profile, which matches the same images. */
static void expect_round_trip(const struct cfd_profile_set *set, const char *name)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *text = show(set, name), *again = NULL;
	char file[80];

	snprintf(file, sizeof(file), "%s.json", name);
	tree_write(tree, file, text);
	{
		SET copy = open_set(tree, NULL);
		PROFILE a = load_profile(set, name);
		PROFILE b = load_profile(copy, name);
		size_t index = 0;
		const char *other, *path;

		expect_same(a, b);
		while (cfd_profile_set_at(set, index, &other, &path) && !cfd_streq(other, name))
			index++;
		for (size_t k = 0; cfd_profile_set_pattern(set, index, k) || cfd_profile_set_pattern(copy, 0, k); k++)
			cr_expect_str_eq(cfd_profile_set_pattern(copy, 0, k), cfd_profile_set_pattern(set, index, k));
		again = show(copy, name);
		cr_expect_null(strstr(again, "built in"), "nothing is left unsaid:\n%s", again);
	}
}

Test(profile_show, what_is_shown_is_read_back_as_the_same_profile)
{
	TREE tree = tree_make();
	const char *name, *path;
	size_t count = 0;

	copy_shipped(tree);
	tree_copy(tree, "full.json", "tests/corpus/profiles/full.json");
	tree_copy(tree, "range.json", "tests/corpus/profiles/range.json");
	write_profile(tree, "wide", "\"extends\": [\"range\"], \"userns_range\": {\"size\": 196608}");
	write_profile(tree, "bare", "");
	write_profile(tree, "empty", "\"capabilities\": [], \"exec\": {\"allow\": []}, \"net\": {\"listen\": []}");
	write_profile(tree, "over", "\"extends\": [\"full\", \"nginx\"], \"syscalls\": {\"extends\": \"other\"}");
	write_profile(tree, "short", "\"extends\": [\"full\"], \"syscalls\": \"/a/file.json\"");
	write_profile(tree, "quoted", "\"description\": \"a \\\"quote\\\", \\u0007, // no comment, é\"");
	{
		SET set = open_set(tree, NULL);

		for (; cfd_profile_set_at(set, count, &name, &path); count++)
			expect_round_trip(set, name);
	}
	cr_expect_eq(count, 14);
}

Test(profile_show, every_line_says_where_it_came_from)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *text = NULL, *expected = NULL;

	tree_write(tree, "base.json",
		   "{\n\"cofferdam\": 1, \"name\": \"base\",\n\"match\": [ { \"image\": \"r.example/base:*\" } ],\n"
		   "\"devices\": { \"allow\": [ \"/dev/fuse\" ] },\n\"capabilities\": [ \"CHOWN\",\n\"KILL\" ],\n"
		   "\"exec\": { \"shells\": \"deny\" },\n\"net\": { \"listen\": [ \"any\" ] }\n}");
	tree_write(tree, "top.json",
		   "{\n\"cofferdam\": 1, \"name\": \"top\", \"extends\": [ \"base\" ],\n\"devices\": { \"allow\": [\n"
		   "\"/dev/kvm\" ] },\n\"exec\": {\n\"image_only\": false }, \"mode\": \"warn\",\n\"exceptions\": [\n"
		   "{ \"rule\": \"device.block\", \"subject\": \"/dev/vda\", \"reason\": \"R\", \"expires\": "
		   "\"2999-01-01\" } ] }");
	{
		SET set = open_set(tree, NULL);

		text = show(set, "top");
	}
#define T "%1$s/top.json"
#define B "%1$s/base.json"
	cr_assert_geq(asprintf(&expected,
			       "{                                      // " T ":1\n"
			       "    \"cofferdam\": 1,                    // " T ":2\n"
			       "    \"name\": \"top\",                     // " T ":2\n"
			       "    \"mode\": \"warn\",                    // " T ":6\n"
			       "    \"mounts\": { \"allow\": [] },         // built in\n"
			       "    \"devices\": {                       // " T ":3\n"
			       "        \"allow\": [                     // " T ":3\n"
			       "            \"/dev/fuse\",               // " B ":4\n"
			       "            \"/dev/kvm\"                 // " T ":4\n"
			       "        ]                              // " T ":3\n"
			       "    },                                 // " T ":3\n"
			       "    \"capabilities\": [\"CHOWN\", \"KILL\"], // " B ":5\n",
			       tree),
		      0);
	cr_expect(cfd_starts_with(text, expected), "found:\n%s\nexpected:\n%s", text, expected);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		cr_expect(strstr(line, " // ") && strstr(line, " // ") < strchr(line, '\n'), "%s", line);
	cr_expect(strstr(text, "\"shells\": \"deny\",") && strstr(text, "base.json:7\n") &&
			  strstr(text, "base.json:8\n"),
		  "%s", text);
	cr_expect(strstr(text, "\"expires\": \"2999-01-01\" } // "), "a line too long for the others:\n%s", text);
}

Test(profile_show, as_json_each_path_has_its_origin)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const struct cfd_json *origin;
	TREE tree = tree_make();
	struct cfd_error err = {0};
	SET set = NULL;

	write_profile(tree, "base", "\"exec\": {\"shells\": \"deny\"}");
	write_profile(tree, "top", "\"extends\": [\"base\"]");
	set = open_set(tree, NULL);
	cr_assert_eq(cfd_profile_show_json(set, "top", &text, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_json_parse(text.data, text.length, NULL, &doc, &err), 0, "%s", err.message);
	origin = cfd_json_get(cfd_json_root(doc), "origin");
	cr_expect(cfd_ends_with(cfd_json_string(cfd_json_get(origin, "exec.shells")), "/base.json:1"));
	cr_expect(cfd_ends_with(cfd_json_string(cfd_json_get(origin, "name")), "/top.json:1"));
	cr_expect_null(cfd_json_get(origin, "exec.image_only"), "it is built in");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_get(cfd_json_get(cfd_json_root(doc), "profile"), "exec"),
						      "shells")),
			 "deny");
	text.length = 0;
	cr_expect_eq(cfd_profile_show(set, "missing", &text, &err), -ENOENT);
}
