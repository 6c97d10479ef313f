/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runc and crun read differently: tests/corpus/reader holds texts that are refused, with the beginning of the
 * message, and texts that are accepted, with what is written for them ("text": the whole; "members": what stands behind
 * `{"ociVersion":"1.2.0",`; %XX is a byte). What holds for every key is tried on every row of the table.
 */
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/spec/canonical.h"
#include "lib/spec/readers.h"
#include "lib/spec/schema.h"
#include "lib/spec/spec.h"
#include "tests/unit/sample.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS "tests/corpus/reader"
#define DOC CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc
#define SPEC CFD_AUTO(cfd_spec_release) struct cfd_spec

/* Reads and writes again. */
static int pass(const char *text, size_t length, enum cfd_spec_unknown unknown, struct cfd_buf *written,
		struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "config.json"};
	SPEC spec = {0};
	DOC *doc = NULL;
	int r = cfd_json_parse(text, length, &options, &doc, err);

	if (!r)
		r = cfd_spec_read(doc, unknown, &spec, err);
	return r ? r : cfd_spec_write(doc, written, err);
}

/* Behind "config.json:LINE:COLUMN: ". */
static const char *told(const struct cfd_error *err)
{
	const char *message = err->message;

	for (unsigned colons = 0; colons < 3 && message; colons++)
		message = strchr(message, ':') ? strchr(message, ':') + 1 : NULL;
	return message ? message + 1 : err->message;
}

static struct cfd_buf input_of(const struct cfd_json *entry)
{
	const char *at = cfd_json_string(cfd_json_get(entry, "text"));
	bool members = !at;
	struct cfd_buf input = {0};
	unsigned byte;

	if (members) {
		at = cfd_json_string(cfd_json_get(entry, "members"));
		cfd_buf_add_string(&input, "{\"ociVersion\":\"1.2.0\",");
	}
	cr_assert_not_null(at);
	for (; *at; at++) {
		char value = *at;

		if (*at == '%') {
			cr_assert_eq(sscanf(at + 1, "%2x", &byte), 1, "%s", at);
			value = (char)byte;
			at += 2;
		}
		cfd_buf_add(&input, &value, 1);
	}
	if (members)
		cfd_buf_add_string(&input, "}");
	return input;
}

static void check_refused(const struct cfd_json *entry, const char *file)
{
	CFD_AUTO_BUF struct cfd_buf input = input_of(entry);
	const char *says = cfd_json_string(cfd_json_get(entry, "says"));

	for (int unknown = CFD_SPEC_UNKNOWN_WARN; unknown <= CFD_SPEC_UNKNOWN_STRICT; unknown++) {
		CFD_AUTO_BUF struct cfd_buf written = {0};
		struct cfd_error err = {0};

		cr_expect_neq(pass(input.data, input.length, unknown, &written, &err), 0, "%s: accepted: %s", file,
			      input.data);
		cr_expect(says && *says && cfd_starts_with(told(&err), says), "%s: %s\nfound: %s\nwanted: %s", file,
			  input.data, told(&err), says);
	}
}

static void check_accepted(const struct cfd_json *entry, const char *file)
{
	CFD_AUTO_BUF struct cfd_buf input = input_of(entry), written = {0};
	struct cfd_error err = {0};

	cr_expect_eq(pass(input.data, input.length, CFD_SPEC_UNKNOWN_WARN, &written, &err), 0, "%s: %s", file,
		     err.message);
	cr_expect(cfd_streq(written.data, cfd_json_string(cfd_json_get(entry, "written"))), "%s: %s\nwritten: %s", file,
		  input.data, written.data);
}

Test(reader, what_runtimes_read_differently_is_refused_or_made_harmless)
{
	struct dirent **entries;
	int count = scandir(CORPUS, &entries, NULL, alphasort);
	size_t tried = 0;

	for (int i = 0; i < count; i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		const struct cfd_json *refused, *accepted;
		struct cfd_error err = {0};
		char path[512];
		DOC *doc = NULL;

		snprintf(path, sizeof(path), CORPUS "/%s", entries[i]->d_name);
		free(entries[i]);
		if (!cfd_ends_with(path, ".json"))
			continue;
		cr_assert_eq(cfd_fd_read_file(AT_FDCWD, path, 1 << 20, &text, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_json_parse(text.data, text.length, NULL, &doc, &err), 0, "%s: %s", path, err.message);
		refused = cfd_json_get(cfd_json_root(doc), "refused");
		accepted = cfd_json_get(cfd_json_root(doc), "accepted");
		for (size_t j = 0; j < cfd_json_count(refused); j++, tried++)
			check_refused(cfd_json_at(refused, j), path);
		for (size_t j = 0; j < cfd_json_count(accepted); j++, tried++)
			check_accepted(cfd_json_at(accepted, j), path);
	}
	free(entries);
	cr_expect_gt(tried, 100);
}

Test(reader, a_million_levels_and_a_key_of_a_megabyte)
{
	const size_t levels = 1000000;
	CFD_AUTO_BUF struct cfd_buf deep = {0}, key = {0}, written = {0};
	CFD_AUTO_FREE char *filler = malloc(levels + 1);
	struct cfd_error err = {0};

	memset(filler, '[', levels);
	filler[levels] = '\0';
	cfd_buf_addf(&deep, "{\"ociVersion\":%s", filler);
	cr_expect_eq(pass(deep.data, deep.length, CFD_SPEC_UNKNOWN_WARN, &written, &err), -ELOOP, "%s", err.message);
	memset(filler, 'k', levels);
	cfd_buf_addf(&key, "{\"ociVersion\":\"1.2.0\",\"%s\":1}", filler);
	cr_expect_eq(pass(key.data, key.length, CFD_SPEC_UNKNOWN_STRICT, &written, &err), -EINVAL);
	cr_expect_lt(strlen(err.message), 1000);
	cr_expect_eq(pass(key.data, key.length, CFD_SPEC_UNKNOWN_WARN, &written, &err), 0, "%s", err.message);
	cr_expect_str_eq(written.data, "{\"ociVersion\":\"1.2.0\"}");
}

/* What each row must refuse when it stands in a document; `place` has the text with %s where key and value belong. */
struct spot {
	const struct cfd_schema_row *row;
	const char *path;
	const char *before, *after; /* of `"key":value` */
};

static void refused_at(const struct spot *spot, const char *key, const char *value, const char *says)
{
	CFD_AUTO_BUF struct cfd_buf text = {0}, written = {0};
	struct cfd_error err = {0};

	cfd_buf_addf(&text, "%s\"%s\":%s%s", spot->before, key, value, spot->after);
	cr_expect_neq(pass(text.data, text.length, CFD_SPEC_UNKNOWN_WARN, &written, &err), 0, "%s", text.data);
	cr_expect(strstr(err.message, says), "%s: %s", text.data, err.message);
}

static void check_types(const struct spot *spot)
{
	static const char *const values[] = {"null", "true", "\"1\"", "1.5", "1e0", "-0", "[[]]", "{\"\":{}}"};
	static const bool may[][CFD_COUNT(values)] = {
		[CFD_SCHEMA_STRING] = {[2] = true}, [CFD_SCHEMA_BOOL] = {[1] = true}, [CFD_SCHEMA_PATH] = {false},
		[CFD_SCHEMA_INT] = {false},         [CFD_SCHEMA_UINT] = {false},      [CFD_SCHEMA_CHOICE] = {false},
		[CFD_SCHEMA_OBJECT] = {[7] = true}, [CFD_SCHEMA_ARRAY] = {false},     [CFD_SCHEMA_MAP] = {[7] = true},
		[CFD_SCHEMA_FOREIGN] = {false},
	};

	for (size_t i = 0; i < CFD_COUNT(values); i++)
		if (!may[spot->row->kind][i])
			refused_at(spot, spot->row->key, values[i], spot->row->key);
}

static void check_spellings(const struct spot *spot)
{
	char key[128], *letter;

	snprintf(key, sizeof(key), "%s", spot->row->key);
	key[0] = (char)(key[0] - ('a' - 'A'));
	refused_at(spot, key, "null", "to every parser");
	snprintf(key, sizeof(key), "%s\\u0000x", spot->row->key);
	refused_at(spot, key, "null", "the escape of a NUL");
	letter = strpbrk(spot->row->key, "sk");
	if (letter) { /* Go folds U+017F to s and U+212A to k */
		snprintf(key, sizeof(key), "%.*s%s%s", (int)(letter - spot->row->key), spot->row->key,
			 *letter == 's' ? "\\u017f" : "\\u212a", letter + 1);
		refused_at(spot, key, "null", "to every parser");
	}
	/* Twice, once with an escape; whatever the first one is. */
	snprintf(key, sizeof(key), "%s\":null,\"\\u%04x%s", spot->row->key, (unsigned)spot->row->key[0],
		 spot->row->key + 1);
	refused_at(spot, key, "null", "the same key a second time");
}

static void visit(const struct cfd_schema_row *row, const char *path, const char *before, const char *after,
		  size_t *visited)
{
	char here[256], inner_before[512], inner_after[256];

	for (const struct cfd_schema_row *member = row->members; member && member->key; member++) {
		struct spot spot = {member, here, before, after};
		const struct cfd_schema_row *inside = member;

		snprintf(here, sizeof(here), "%s.%s", path, member->key);
		check_types(&spot);
		check_spellings(&spot);
		*visited += 1;
		if (member->kind == CFD_SCHEMA_ARRAY || member->kind == CFD_SCHEMA_MAP)
			inside = member->element;
		if (inside->kind != CFD_SCHEMA_OBJECT)
			continue;
		snprintf(inner_before, sizeof(inner_before), "%s\"%s\":%s", before, member->key,
			 member->kind == CFD_SCHEMA_ARRAY ? "[{"
			 : member->kind == CFD_SCHEMA_MAP ? "{\"k\":{"
							  : "{");
		snprintf(inner_after, sizeof(inner_after), "%s%s",
			 member->kind == CFD_SCHEMA_ARRAY ? "}]"
			 : member->kind == CFD_SCHEMA_MAP ? "}}"
							  : "}",
			 after);
		visit(inside, here, inner_before, inner_after, visited);
	}
}

Test(reader, every_key_has_one_type_and_one_spelling)
{
	size_t visited = 0;

	visit(&cfd_schema_config, "", "{", "}", &visited);
	cr_expect_gt(visited, 200);
}

/* The whole table in one document, its members in any order, with any white space and escapes. */
Test(reader, what_is_written_is_the_same_whatever_the_order)
{
	unsigned short state[3] = {1, 2, 3};
	CFD_AUTO_BUF struct cfd_buf wanted = {0};
	struct cfd_error err = {0};

	for (unsigned round = 0; round < 200; round++) {
		CFD_AUTO_BUF struct cfd_buf text = {0}, written = {0}, again = {0};

		sample_config(round ? state : NULL, &text);
		cr_assert_eq(pass(text.data, text.length, CFD_SPEC_UNKNOWN_STRICT, &written, &err), 0, "%s",
			     err.message);
		cr_assert_eq(pass(written.data, written.length, CFD_SPEC_UNKNOWN_STRICT, &again, &err), 0, "%s",
			     err.message);
		cr_expect_str_eq(written.data, again.data);
		if (!round)
			cfd_buf_add_string(&wanted, text.data); /* in the spec's order, without white space */
		cr_assert_str_eq(written.data, wanted.data, "round %u", round);
	}
}

Test(reader, what_was_amended_wrongly_is_not_written)
{
	static const char text[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":1}}}";
	CFD_AUTO_BUF struct cfd_buf written = {0};
	struct cfd_error err = {0};
	SPEC spec = {0};
	DOC *doc = NULL;
	struct cfd_json *user;

	cr_assert_eq(cfd_json_parse(text, strlen(text), NULL, &doc, &err), 0);
	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, &err), 0);
	user = cfd_json_get(cfd_json_get(spec.root, "process"), "user");
	cr_assert_eq(cfd_json_set(doc, user, "uid", cfd_json_new_int(doc, -1)), 0);
	cr_expect_eq(cfd_spec_write(doc, &written, &err), -EINVAL);
	cr_expect(strstr(err.message, "process.user.uid: expected a whole number"), "%s", err.message);
	cr_assert_eq(cfd_json_set(doc, user, "uid", cfd_json_new_int(doc, 1)), 0);
	cr_assert_eq(cfd_json_set(doc, user, "uuid", cfd_json_new_int(doc, 1)), 0);
	cr_expect_eq(cfd_spec_write(doc, &written, &err), -EINVAL);
	cr_expect_eq(written.length, 0);
}

Test(reader, versions_are_read_from_what_runtimes_print)
{
	static const struct {
		const char *text;
		enum cfd_reader_kind kind;
		uint32_t version;
	} cases[] = {
		{"crun version 1.8.1\ncommit: f8a096be\n", CFD_READER_CRUN, CFD_SCHEMA_VERSION(1, 8, 1)},
		{"crun version 1.28\n", CFD_READER_CRUN, CFD_SCHEMA_VERSION(1, 28, 0)},
		{"runc version 1.1.5+ds1\nspec: 1.0.2-dev\n", CFD_READER_RUNC, CFD_SCHEMA_VERSION(1, 1, 5)},
		{"runc version 1.4.0-rc.1\n", CFD_READER_RUNC, CFD_SCHEMA_VERSION(1, 4, 0)},
		{"crun version UNKNOWN\n", CFD_READER_OTHER, 0},
		{"runc version 1\n", CFD_READER_OTHER, 0},
		{"runc version 1.300\n", CFD_READER_OTHER, 0},
		{"youki version 0.5.1\n", CFD_READER_OTHER, 0},
		{" crun version 1.8.1\n", CFD_READER_OTHER, 0},
		{"", CFD_READER_OTHER, 0},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_reader reader = cfd_reader_parse(cases[i].text);

		cr_expect_eq(reader.kind, cases[i].kind, "%s", cases[i].text);
		cr_expect_eq(reader.version, cases[i].version, "%s", cases[i].text);
	}
}

static int fit(const char *members, const char *version, struct cfd_buf *list, struct cfd_buf *written,
	       struct cfd_error *err)
{
	const struct cfd_reader reader = cfd_reader_parse(version);
	CFD_AUTO_BUF struct cfd_buf text = {0};
	SPEC spec = {0};
	DOC *doc = NULL;
	int r;

	cfd_buf_addf(&text, "{\"ociVersion\":\"1.3.0\",%s}", members);
	cr_assert_eq(cfd_json_parse(text.data, text.length, NULL, &doc, err), 0, "%s", err->message);
	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, err), 0, "%s", err->message);
	cr_expect(cfd_reader_matters(&spec), "%s", members);
	r = cfd_reader_fit(&spec, &reader, list, err);
	return r ? r : cfd_spec_write(doc, written, err);
}

Test(reader, a_runtime_gets_only_what_it_acts_on)
{
	static const struct {
		const char *members, *version, *removed; /* NULL: refused */
	} cases[] = {
		{"\"domainname\":\"d\"", "runc version 1.1.5", "domainname\n"},
		{"\"domainname\":\"d\"", "runc version 1.2.0", ""},
		{"\"domainname\":\"d\"", "crun version 1.8.1", ""},
		{"\"domainname\":\"d\"", "kata version 3", "domainname\n"},
		{"\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}}", "crun version 1.21", "linux.memoryPolicy\n"},
		{"\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}}", "crun version 1.28", ""},
		{"\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}}", "runc version 1.3.6", "linux.memoryPolicy\n"},
		{"\"linux\":{\"intelRdt\":{\"schemata\":[],\"closID\":\"c\"}}", "runc version 1.1.5",
		 "linux.intelRdt.schemata\n"},
		{"\"linux\":{\"resources\":{\"rdma\":{\"mlx5\":{}},\"memory\":{\"kernel\":1,\"limit\":2}}}",
		 "crun version 1.28", "linux.resources.rdma\n"},
		{"\"linux\":{\"resources\":{\"rdma\":{\"mlx5\":{}},\"memory\":{\"kernel\":1,\"limit\":2}}}",
		 "runc version 1.3.6", "linux.resources.memory.kernel\n"},
		{"\"mounts\":[{\"destination\":\"/a\",\"uidMappings\":[]}]", "runc version 1.1.5", NULL},
		{"\"mounts\":[{\"destination\":\"/a\",\"uidMappings\":[]}]", "", NULL},
		{"\"mounts\":[{\"destination\":\"/a\",\"uidMappings\":[]}]", "runc version 1.2.0", ""},
		{"\"process\":{\"cwd\":\"/\",\"commandLine\":\"c\",\"user\":{\"username\":\"u\"}}", "crun version 1.28",
		 "process.commandLine\nprocess.user.username\n"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf list = {0}, written = {0};
		struct cfd_error err = {0};
		int r = fit(cases[i].members, cases[i].version, &list, &written, &err);

		if (!cases[i].removed) {
			cr_expect_eq(r, -EINVAL, "%s", cases[i].members);
			cr_expect(strstr(err.message, "mounts[0].uidMappings: this version of the runtime"), "%s",
				  err.message);
			continue;
		}
		cr_expect_eq(r, 0, "%s", err.message);
		cr_expect_str_eq(list.data ? list.data : "", cases[i].removed, "%s, %s: %s", cases[i].members,
				 cases[i].version, list.data);
		cr_expect_eq(strstr(written.data, "rdma") != NULL, strstr(cases[i].removed, "kernel") != NULL, "%s",
			     written.data);
	}
}

/* What runc 1.1 and crun 1.8 both act on needs no question: the usual configuration is free of it. */
Test(reader, engines_write_what_every_runtime_acts_on)
{
	struct dirent **entries;
	int count = scandir("tests/corpus/engines", &entries, NULL, alphasort);

	cr_assert_gt(count, 10);
	for (int i = 0; i < count; i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0}, config = {0};
		struct cfd_error err = {0};
		char path[512];
		SPEC spec = {0};
		DOC *doc = NULL, *whole = NULL;

		snprintf(path, sizeof(path), "tests/corpus/engines/%s", entries[i]->d_name);
		free(entries[i]);
		if (!cfd_ends_with(path, ".json"))
			continue;
		cr_assert_eq(cfd_fd_read_file(AT_FDCWD, path, 1 << 20, &text, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_json_parse(text.data, text.length, NULL, &whole, &err), 0, "%s", err.message);
		cfd_json_write(cfd_json_get(cfd_json_root(whole), "config"), &config);
		cr_assert_eq(cfd_json_parse(config.data, config.length, NULL, &doc, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, &err), 0, "%s", err.message);
		cr_expect_not(cfd_reader_matters(&spec), "%s", path);
	}
	free(entries);
}
