/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mistake of a profile. tests/corpus/profiles/bad are files that a create refuses, tests/corpus/profiles/lint
 * those that it reads or that only show beside another; each says in its first lines what is found, and where.
 */
#include "tests/unit/profiles.h"

#include "lib/json/diagnostics.h"
#include "lib/json/json.h"
#include "lib/lint.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CORPUS "tests/corpus/profiles/"
#define NOW INT64_C(1800000000) /* January 2027 */

static void lint(const char *file, const char *shipped, struct cfd_diagnostics *diagnostics)
{
	const struct cfd_lint_request request = {.file = file, .shipped_profiles = shipped, .now = NOW};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_lint_profile(&request, diagnostics, &err), 0, "%s: %s", file, err.message);
}

/* Whether one of the diagnostics, none of them twice, is what is expected; "warning: " is part of the text. */
static bool take(struct cfd_diagnostics *diagnostics, bool *taken, const char *file, const struct expectation *expected)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0}, start = {0};

		cr_assert_eq(cfd_diagnostic_text(&diagnostics->values[i], file, &text), 0);
		cr_assert_eq(cfd_buf_addf(&start, "%s:%s: ", file, expected->place), 0);
		if (!taken[i] && cfd_starts_with(text.data, start.data) && strstr(text.data, expected->message)) {
			taken[i] = true;
			return true;
		}
	}
	return false;
}

static void expect_found(const char *file)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	CFD_AUTO_FREE char *text = tree_read(file);
	bool taken[CFD_DIAGNOSTICS_MAX] = {false};
	struct expectation expected;
	const char *rest = text;
	size_t count = 0;

	lint(file, NULL, &diagnostics);
	for (; next_expectation(&rest, &expected); count++)
		cr_expect(take(&diagnostics, taken, file, &expected), "%s: nothing at %s says \"%s\"", file,
			  expected.place, expected.message);
	cr_expect_eq(count, diagnostics.count, "%s: %zu diagnostics, %zu of them expected; the first: %s", file,
		     diagnostics.count, count, diagnostics.count ? diagnostics.values[0].message : "-");
}

static size_t expect_all_found(const char *directory)
{
	DIR *files = opendir(directory);
	const struct dirent *file;
	size_t count = 0;

	cr_assert_not_null(files);
	while ((file = readdir(files))) {
		CFD_AUTO_FREE char *path = tree_path(directory, file->d_name);

		if (!cfd_ends_with(file->d_name, ".json"))
			continue;
		expect_found(path);
		count++;
	}
	closedir(files);
	return count;
}

Test(lint, every_bad_file_of_the_corpus_has_its_mistakes_at_their_places)
{
	cr_expect_geq(expect_all_found(CORPUS "bad"), 80);
}

Test(lint, what_can_be_read_and_cannot_be_meant_is_found)
{
	cr_expect_geq(expect_all_found(CORPUS "lint"), 13);
}

Test(lint, a_message_is_one_line_or_one_object)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0}, json = {0};

	lint(CORPUS "bad/unknown-key.json", NULL, &diagnostics);
	cr_assert_eq(diagnostics.count, 1);
	cr_assert_eq(cfd_diagnostic_text(&diagnostics.values[0], "x.json", &text), 0);
	cr_expect_str_eq(text.data, "x.json:5:2: exex: unknown key; did you mean \"exec\"?");
	cr_assert_eq(cfd_diagnostic_json(&diagnostics.values[0], "x.json", &json), 0);
	cr_expect_str_eq(json.data,
			 "{\"file\":\"x.json\",\"line\":5,\"column\":2,\"severity\":\"error\",\"path\":\"exex\","
			 "\"message\":\"unknown key\",\"meant\":\"exec\"}");
}

/* The place of each is found by counting, and lists are compared with themselves: neither for all of a large file. */
Test(lint, of_a_million_mistakes_the_first_are_kept_and_nobody_waits_for_the_rest)
{
	static const struct {
		const char *start, *before, *after, *end; /* around all, and around the number of each */
	} cases[] = {
		{"", "\"key", "\": 1", ""},
		{"\"capabilities\": [", "\"A", "\"", "]"},
		{"\"extends\": [", "\"a", "\"", "]"},
		{"\"mounts\": {\"allow\": [", "{\"source\": \"/etc/", "\"}", "]}"},
		{"\"exceptions\": [", "{\"rule\": \"a.", "\"}", "]"},
	};
	struct timespec start, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (size_t n = 0; n < CFD_COUNT(cases); n++) {
		CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
		CFD_AUTO_BUF struct cfd_buf keys = {0};
		TREE tree = tree_make();
		CFD_AUTO_FREE char *file = tree_path(tree, "many.json");

		cr_assert_eq(cfd_buf_add_string(&keys, cases[n].start), 0);
		for (int i = 0; keys.length < 1000000; i++)
			cr_assert_eq(cfd_buf_addf(&keys, "%s%s%d%s", i ? "," : "", cases[n].before, i, cases[n].after),
				     0);
		cr_assert_eq(cfd_buf_add_string(&keys, cases[n].end), 0);
		write_profile(tree, "many", keys.data);
		lint(file, NULL, &diagnostics);
		cr_expect_leq(diagnostics.count, CFD_DIAGNOSTICS_MAX);
		cr_expect_geq(diagnostics.errors, 1);
		if (n == 0)
			cr_expect(cfd_diagnostics_overflow(&diagnostics));
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	cr_expect_lt(end.tv_sec - start.tv_sec, 10);
}

Test(lint, what_is_extended_is_looked_up_beside_the_file_and_in_the_directories)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics found = {0}, missing = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *shipped = tree_path(tree, "shipped"), *file = tree_path(tree, "app.json");

	tree_directory(tree, "shipped");
	write_profile(shipped, "default", "");
	write_profile(tree, "base", "\"extends\": [\"default\"]");
	write_profile(tree, "app", "\"extends\": [\"base\", \"default\"]");
	lint(file, shipped, &found);
	cr_expect_eq(found.count, 0, "%s", found.count ? found.values[0].message : "");
	write_profile(tree, "app", "\"extends\": [\"bsae\", \"defualt\"]");
	lint(file, shipped, &missing);
	cr_assert_eq(missing.count, 2);
	cr_expect_str_eq(missing.values[0].meant, "base");
	cr_expect_str_eq(missing.values[1].meant, "default");
}

Test(lint, a_mistake_in_what_is_extended_is_reported_where_it_is_extended)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, "app.json");

	write_profile(tree, "base", "\"mode\": \"off\"");
	write_profile(tree, "app", "\"extends\": [\"base\"], \"mode\": \"wran\"");
	lint(file, NULL, &diagnostics);
	cr_assert_eq(diagnostics.count, 2);
	cr_expect_str_eq(diagnostics.values[0].path, "extends[0]");
	cr_expect(strstr(diagnostics.values[0].message, "base.json:1:34: mode: expected one of"), "%s",
		  diagnostics.values[0].message);
	cr_expect_str_eq(diagnostics.values[1].path, "mode");
}

Test(lint, files_that_no_create_would_look_at_are_mistakes)
{
	static const char *const names[] = {"app.jsonc", "My App.json"};
	TREE tree = tree_make();

	for (size_t i = 0; i < CFD_COUNT(names); i++) {
		CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
		CFD_AUTO_FREE char *file = tree_path(tree, names[i]);

		tree_write(tree, names[i], "{\"cofferdam\": 1, \"name\": \"app\"}");
		lint(file, NULL, &diagnostics);
		cr_assert_eq(diagnostics.count, 1);
		cr_expect(cfd_starts_with(diagnostics.values[0].message, "the file's name"), "%s",
			  diagnostics.values[0].message);
	}
}

Test(lint, what_others_can_write_is_a_mistake_where_creates_read_it)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics there = {0}, elsewhere = {0}, directory = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, "app.json");

	write_profile(tree, "app", "");
	tree_mode(tree, "app.json", 0664);
	lint(file, tree, &there);
	cr_assert_eq(there.count, 1);
	cr_expect(strstr(there.values[0].message, "app.json belongs to uid"), "%s", there.values[0].message);
	lint(file, NULL, &elsewhere);
	cr_expect_eq(elsewhere.count, 0, "a checkout may belong to a group");
	tree_mode(tree, "app.json", 0644);
	tree_mode(tree, ".", 0777);
	lint(file, tree, &directory);
	cr_expect_eq(directory.count, 1);
}

Test(lint, a_file_that_cannot_be_read_is_an_error)
{
	const struct cfd_lint_request request = {.file = "tests/corpus/profiles/nowhere.json", .now = NOW};
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	struct cfd_error err = {0};

	cr_expect_eq(cfd_lint_profile(&request, &diagnostics, &err), -ENOENT);
	cr_expect_eq(diagnostics.count, 0);
}

/* The filter is looked for beside the file, as the shipped ones lie, and is compiled. */
Test(lint, the_filter_is_built)
{
	static const struct {
		const char *filter, *message; /* NULL: fine */
	} cases[] = {
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "defaultAction: the default lets every call pass"},
		{"{ torn", "app.json"},
		{NULL, NULL},
	};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, "web.json");

	write_profile(tree, "web", "\"syscalls\": {\"extends\": \"app\"}");
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};

		if (cases[i].filter)
			tree_write(tree, "seccomp/app.json", cases[i].filter);
		else
			tree_copy(tree, "seccomp/app.json", "profiles/seccomp/docker-default.json");
		lint(file, NULL, &diagnostics);
		cr_assert_eq(diagnostics.errors, cases[i].message ? 1 : 0, "%zu: %s", i,
			     diagnostics.count ? diagnostics.values[0].message : "");
		if (cases[i].message)
			cr_expect(strstr(diagnostics.values[0].message, cases[i].message), "%s",
				  diagnostics.values[0].message);
	}
}

Test(lint, a_filter_that_is_not_there_is_a_mistake_only_where_filters_are)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics none = {0}, some = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, "web.json");

	write_profile(tree, "web", "\"syscalls\": {\"extends\": \"missing\"}");
	lint(file, NULL, &none);
	cr_expect_eq(none.errors, 0);
	cr_expect_eq(none.warnings, 1);
	tree_write(tree, "seccomp/app.json", "{}");
	lint(file, NULL, &some);
	cr_expect_eq(some.errors, 1);
}

Test(lint, what_is_shipped_has_no_mistakes)
{
	static const char *const names[] = {"default", "nginx", "redis", "postgres", "busybox", "distroless-static"};

	for (size_t i = 0; i < CFD_COUNT(names); i++) {
		CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
		char file[64];

		snprintf(file, sizeof(file), "profiles/%s.json", names[i]);
		lint(file, NULL, &diagnostics);
		cr_expect_eq(diagnostics.count, 0, "%s: %s", file,
			     diagnostics.count ? diagnostics.values[0].message : "");
	}
}

/* The example between two texts of a document, as a file of its own, beside what is shipped. */
static void expect_example(const char *document, const char *before, const char *after, const char *name)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, name), *text = tree_read(document), *example = NULL;
	const char *start = strstr(text, before), *end = start ? strstr(start + strlen(before), after) : NULL;

	cr_assert(start && end, "%s has no example", document);
	start += strlen(before);
	example = strndup(start, (size_t)(end - start));
	tree_write(tree, name, example);
	lint(file, "profiles", &diagnostics);
	cr_expect_eq(diagnostics.count, 0, "%s: %s", document, diagnostics.count ? diagnostics.values[0].message : "");
}

Test(lint, the_documentations_examples_have_no_mistakes)
{
	expect_example("README.md", "```jsonc\n", "\n```", "shop.json");
	expect_example("doc/man/cofferdam-profile.5.md", "profile of nginx:\n", "\n# FILES", "edge.json");
}

/* A reader that goes on must not trip over what it has seen. */
Test(lint, every_value_of_the_wrong_type_is_only_a_mistake)
{
	static const char *const values[] = {"null",
					     "true",
					     "-1",
					     "\"\"",
					     "[]",
					     "[null]",
					     "[[]]",
					     "{}",
					     "{\"x\": []}",
					     "[{}]",
					     "{\"allow\": 7}",
					     "{\"allow\": [7, {}, null]}"};
	static const char *const keys[] = {"name",         "match",       "extends",       "mode",        "runtime",
					   "mounts",       "devices",     "userns",        "rootfs",      "sysctls",
					   "capabilities", "syscalls",    "exec",          "net",         "log",
					   "exceptions",   "description", "userns_reason", "userns_range"};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *file = tree_path(tree, "x.json");

	for (size_t k = 0; k < CFD_COUNT(keys); k++) {
		for (size_t v = 0; v < CFD_COUNT(values); v++) {
			CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
			CFD_AUTO_FREE char *text = NULL;

			cr_assert_geq(
				asprintf(&text, "{\"cofferdam\": 1, \"%s\": %s, \"what\": 1}", keys[k], values[v]), 0);
			tree_write(tree, "x.json", text);
			lint(file, NULL, &diagnostics);
			cr_expect_geq(diagnostics.errors, 1, "%s", text);
		}
	}
}
