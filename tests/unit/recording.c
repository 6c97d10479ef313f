/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: what adds up, what is read back, and the profile that is made of them. */
#include "lib/recording/recording.h"
#include "lib/recording/suggest.h"
#include "tests/unit/profiles.h"

#include "bpf/guard.h"
#include "lib/json/diagnostics.h"
#include "lib/json/json.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING CFD_AUTO(cfd_recording_release) struct cfd_recording

static void begin(struct cfd_recording *recording, const char *image)
{
	*recording = (struct cfd_recording){.runs = 1, .first = 86400, .last = 2 * 86400};
	cr_assert_eq(cfd_string_replace(&recording->image, image), 0);
	cr_assert_eq(cfd_string_replace(&recording->profile, "default"), 0);
}

static void use_file(struct cfd_recording *recording, uint8_t kind, const char *path, uint32_t facts, uint64_t count)
{
	const struct cfd_used used = {.kind = kind, .path = (char *)path, .facts = facts, .count = count};

	cr_assert_eq(cfd_recording_use(recording, &used), 0);
}

static void use_socket(struct cfd_recording *recording, struct cfd_used used, const char *address)
{
	if (!used.count)
		used.count = 1;
	if (address)
		cr_assert_eq(inet_pton(AF_INET6, address, &used.address), 1);
	cr_assert_eq(cfd_recording_use(recording, &used), 0);
}

#define USE(recording, address, ...) use_socket(recording, (struct cfd_used){__VA_ARGS__}, address)

/* The profile as text; `base` is the text of the profile that was in force, or NULL. */
static char *suggest(const struct cfd_recording *recording, const char *base, bool *ret_whole)
{
	static const struct cfd_json_options options = {.name = "base", .allow_comments = true};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err;

	if (base)
		cr_assert_eq(cfd_json_parse(base, strlen(base), &options, &doc, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_suggest(recording, doc, &text, ret_whole, &err), 0, "%s", err.message);
	return cfd_take(text.data);
}

#define BASE "{ \"cofferdam\": 1, \"name\": \"default\" }"

/* The same, which must lint without a word and is loaded. */
static struct cfd_profile *suggest_profile(const struct cfd_recording *recording, const char *base, const char *name)
{
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_FREE char *file = NULL, *text = NULL, *path = NULL;
	TREE tree = tree_make();
	struct cfd_profile *profile = NULL;
	struct cfd_error err;
	bool whole;

	write_profile(tree, "default", "");
	text = suggest(recording, base, &whole);
	cr_assert(asprintf(&file, "%s.json", name) > 0);
	tree_write(tree, file, text);
	path = tree_path(tree, file);
	cr_assert_eq(cfd_profile_lint(path, tree, NULL, 0, &diagnostics, &doc, &profile, &err), 0, "%s", err.message);
	cr_assert_eq(diagnostics.count, 0, "%s\n%s", diagnostics.count ? diagnostics.values[0].message : "", text);
	cr_assert(profile);
	return profile;
}

static void expect_text(const struct cfd_recording *recording, const char *part)
{
	bool whole;
	CFD_AUTO_FREE char *text = suggest(recording, BASE, &whole);

	cr_expect(strstr(text, part), "no '%s' in:\n%s", part, text);
}

Test(recording, the_same_things_add_up)
{
	RECORDING a, b;

	begin(&a, "docker.io/library/app:1");
	use_file(&a, CFD_GUARD_EXEC, "/bin/app", 0, 2);
	USE(&a, "::ffff:10.0.0.1", .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 80, .count = 3);
	begin(&b, "docker.io/library/app:1");
	use_file(&b, CFD_GUARD_EXEC, "/bin/app", CFD_GUARD_FACT_LATE, 5);
	USE(&b, "::ffff:10.0.0.1", .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 81);
	b.first = 10;
	b.last = 20;
	b.lost = 7;
	cr_assert_eq(cfd_recording_join(&a, &b), 0);
	cr_expect_eq(a.count, 3);
	cr_expect_eq(a.used[0].count, 7);
	cr_expect_eq(a.used[0].facts, CFD_GUARD_FACT_LATE);
	cr_expect_eq(a.runs, 2);
	cr_expect_eq(a.lost, 7);
	cr_expect_eq(a.first, 10);
	cr_expect_eq(a.last, 2 * 86400);
}

Test(recording, is_read_back_as_it_was_written)
{
	CFD_AUTO_BUF struct cfd_buf text = {0}, again = {0};
	RECORDING a, b = {0};
	struct cfd_error err;

	begin(&a, NULL);
	use_file(&a, CFD_GUARD_MMAP, "/tmp/a \"b\"\n", CFD_GUARD_FACT_FOREIGN, UINT64_MAX);
	USE(&a, "fd00::1", .kind = CFD_GUARD_SEND, .protocol = IPPROTO_UDP, .port = 53, .dns = true);
	USE(&a, NULL, .kind = CFD_GUARD_CREATE, .reason = CFD_GUARD_FAMILY, .family = 17, .type = 3, .protocol = 768);
	cr_assert_eq(cfd_recording_add_container(&a, "0123", "web"), 0);
	cr_assert_eq(cfd_recording_add_container(&a, "4567", NULL), 0);
	cr_assert_eq(cfd_recording_write(&a, &text), 0);
	cr_assert_eq(cfd_recording_parse(text.data, text.length, "file", &b, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_recording_write(&b, &again), 0);
	cr_expect_str_eq(text.data, again.data);
	cr_expect(cfd_recording_has(&b, "web") && cfd_recording_has(&b, "0123") && cfd_recording_has(&b, "4567"));
	cr_expect_not(cfd_recording_has(&b, "we") || cfd_recording_has(&b, "012") ||
		      cfd_recording_has(&b, "web (0123"));
}

Test(recording, what_is_none_is_refused)
{
	static const char *const texts[] = {
		"{}",
		"{\"recording\":2,\"runs\":1,\"lost\":0,\"first\":0,\"last\":0,\"containers\":[],\"used\":[]}",
		"{\"recording\":1,\"runs\":-1,\"lost\":0,\"first\":0,\"last\":0,\"containers\":[],\"used\":[]}",
		"{\"recording\":1,\"runs\":1,\"lost\":0,\"first\":0,\"last\":0,\"containers\":[3],\"used\":[]}",
		"{\"recording\":1,\"runs\":1,\"lost\":0,\"first\":0,\"last\":0,\"containers\":[],\"used\":[{\"kind\":0}"
		"]}",
		"{\"recording\":1,\"runs\":1,\"lost\":0,\"first\":0,\"last\":0,\"containers\":[],\"used\":[{\"kind\":2,"
		"\"reason\":0,\"count\":1,\"family\":0,\"type\":0,\"protocol\":6,\"port\":70000,\"address\":\"::\"}]}",
	};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		RECORDING recording = {0};
		struct cfd_error err;

		cr_expect_eq(cfd_recording_parse(texts[i], strlen(texts[i]), "file", &recording, &err), -EINVAL, "%s",
			     texts[i]);
	}
}

Test(recording, has_room_for_so_much_and_counts_the_rest)
{
	RECORDING recording;

	begin(&recording, "docker.io/library/app:1");
	for (unsigned i = 0; i < CFD_RECORDING_USED_MAX + 3; i++)
		USE(&recording, NULL, .kind = CFD_GUARD_BIND, .protocol = IPPROTO_TCP, .port = (uint16_t)(i + 1));
	cr_expect_eq(recording.count, CFD_RECORDING_USED_MAX);
	cr_expect_eq(recording.lost, 3);
	expect_text(&recording, "INCOMPLETE: 3 uses");
	for (unsigned i = 0; i < CFD_RECORDING_CONTAINERS + 1; i++) {
		char id[8];

		snprintf(id, sizeof(id), "c%u", i);
		cr_assert_eq(cfd_recording_add_container(&recording, id, NULL), 0);
	}
	cr_expect_not(cfd_recording_has(&recording, "c0"));
	cr_expect(cfd_recording_has(&recording, "c1") && cfd_recording_has(&recording, "c16"));
}

Test(recording, the_profile_allows_what_was_seen)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	use_file(&recording, CFD_GUARD_EXEC, "/entrypoint.sh", CFD_GUARD_FACT_SCRIPT, 1);
	use_file(&recording, CFD_GUARD_EXEC, "/bin/dash", CFD_GUARD_FACT_SHELL, 2);
	use_file(&recording, CFD_GUARD_EXEC, "/bin/app", 0, 1);
	USE(&recording, "::ffff:127.0.0.1", .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 80);
	USE(&recording, "::ffff:10.0.0.2", .kind = CFD_GUARD_SEND, .protocol = IPPROTO_UDP, .port = 53, .dns = true);
	USE(&recording, "::ffff:10.0.0.1", .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 443);
	USE(&recording, "fd00::5", .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 443);
	USE(&recording, NULL, .kind = CFD_GUARD_BIND, .protocol = IPPROTO_TCP, .port = 80, .count = 4);
	USE(&recording, NULL, .kind = CFD_GUARD_LISTEN, .protocol = IPPROTO_TCP, .port = 80, .count = 4);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_eq(profile->mode, CFD_MODE_ENFORCE);
	cr_expect_eq(profile->shells, CFD_SHELLS_STARTUP);
	cr_expect(profile->image_only);
	cr_assert(profile->exec_allow && profile->exec_allow[0]);
	cr_expect_str_eq(profile->exec_allow[0], "/bin/app");
	cr_expect_null(profile->exec_allow[1]);
	cr_assert_eq(profile->connect_count, 4);
	cr_expect_eq(profile->connect[0].kind, CFD_PEER_LOOPBACK);
	cr_expect_eq(profile->connect[1].kind, CFD_PEER_DNS);
	cr_expect_eq(profile->connect[2].prefix, 128);
	cr_expect_eq(profile->connect[2].ports[0].first, 443);
	cr_assert_eq(profile->listen_count, 1);
	cr_expect_eq(profile->listen[0].first, 80);
	expect_text(&recording, "\"tcp/80\" // 4x");
	expect_text(&recording, "\"match\": [{ \"image\": \"docker.io/library/app:1\" }]");
	expect_text(&recording, "\"extends\": [\"default\"]");
}

Test(recording, nothing_seen_nothing_allowed)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/default:1");
	profile = suggest_profile(&recording, BASE, "default-only");
	cr_expect_eq(profile->shells, CFD_SHELLS_DENY);
	cr_assert(profile->exec_allow);
	cr_expect_null(profile->exec_allow[0]);
	cr_expect_eq(profile->connect_count + profile->listen_count, 0);
	cr_expect_not(profile->listen_any);
}

Test(recording, late_shells_are_allowed_and_listed)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	use_file(&recording, CFD_GUARD_EXEC, "/start", CFD_GUARD_FACT_SCRIPT, 1);
	use_file(&recording, CFD_GUARD_EXEC, "/bin/sh", CFD_GUARD_FACT_SHELL | CFD_GUARD_FACT_LATE, 1);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_eq(profile->shells, CFD_SHELLS_ALLOW);
	cr_assert(profile->exec_allow && profile->exec_allow[0] && profile->exec_allow[1]);
	cr_expect_str_eq(profile->exec_allow[0], "/start");
	cr_expect_str_eq(profile->exec_allow[1], "/bin/sh");
}

Test(recording, a_script_without_a_shell_is_listed)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	use_file(&recording, CFD_GUARD_EXEC, "/app.py", CFD_GUARD_FACT_SCRIPT, 1);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_eq(profile->shells, CFD_SHELLS_DENY);
	cr_assert(profile->exec_allow && profile->exec_allow[0], "under `deny` nothing is `starting`");
}

/* A list names files of the image, by paths that JSON can have, and not more than the guard can hold. */
Test(recording, without_a_list_when_there_can_be_none)
{
	static const struct {
		const char *path;
		uint32_t facts;
		const char *why;
	} cases[] = {
		{"/tmp/tool", CFD_GUARD_FACT_FOREIGN, "nothing but files of the image"},
		{"", 0, "too long, or no text"},
		{"/bin/\xef\xbf\xbd", 0, "too long, or no text"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		RECORDING recording;
		PROFILE profile = NULL;

		begin(&recording, "docker.io/library/app:1");
		use_file(&recording, CFD_GUARD_EXEC, cases[i].path, cases[i].facts, 1);
		profile = suggest_profile(&recording, BASE, "app");
		cr_expect_null(profile->exec_allow);
		cr_expect_eq(profile->image_only, !cases[i].facts);
		expect_text(&recording, cases[i].why);
	}
}

Test(recording, without_a_list_of_more_than_the_guard_holds)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	for (unsigned i = 0; i < CFD_GUARD_ALLOWED + 1; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/bin/tool-%u", i);
		use_file(&recording, CFD_GUARD_EXEC, path, 0, 1);
	}
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_null(profile->exec_allow);
	expect_text(&recording, "there are too many");
}

Test(recording, libraries_from_elsewhere_open_image_only)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	use_file(&recording, CFD_GUARD_MMAP, "/data/plugin.so", CFD_GUARD_FACT_FOREIGN, 2);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_not(profile->image_only);
	expect_text(&recording, "/data/plugin.so mapped is not of the image, 2x");
}

Test(recording, many_ports_and_addresses_are_joined)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	for (unsigned i = 0; i < 300; i++) {
		char address[INET6_ADDRSTRLEN];

		USE(&recording, NULL, .kind = CFD_GUARD_BIND, .protocol = IPPROTO_UDP,
		    .port = (uint16_t)(40000 + 7 * i));
		snprintf(address, sizeof(address), "::ffff:10.%u.0.%u", i % 3, i % 250 + 1);
		USE(&recording, address, .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = (uint16_t)(i + 1));
		snprintf(address, sizeof(address), "fd00:%x::1", i);
		USE(&recording, address, .kind = CFD_GUARD_CONNECT, .protocol = IPPROTO_TCP, .port = 443);
	}
	USE(&recording, NULL, .kind = CFD_GUARD_LISTEN, .protocol = IPPROTO_TCP, .port = 80);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_eq(profile->listen_count, CFD_GUARD_LISTENS);
	cr_expect(profile->connect_count > 0 && profile->connect_count <= 200, "%zu", profile->connect_count);
	for (size_t i = 0; i < profile->connect_count; i++)
		cr_expect(profile->connect[i].port_count <= CFD_GUARD_RANGES && profile->connect[i].prefix < 128);
	expect_text(&recording, "addresses: they were joined");
}

Test(recording, listening_without_a_port_takes_any)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	USE(&recording, NULL, .kind = CFD_GUARD_LISTEN, .protocol = IPPROTO_TCP);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect(profile->listen_any);
}

Test(recording, what_no_profile_allows_is_told)
{
	bool whole = true;
	RECORDING recording;
	CFD_AUTO_FREE char *text = NULL;

	begin(&recording, "docker.io/library/app:1");
	free(suggest(&recording, NULL, &whole));
	cr_expect(whole);
	USE(&recording, NULL, .kind = CFD_GUARD_CREATE, .reason = CFD_GUARD_FAMILY, .family = 17, .type = 3,
	    .count = 9);
	text = suggest(&recording, NULL, &whole);
	cr_expect_not(whole);
	cr_expect(strstr(text, "create: socket-family, family 17, type 3, protocol 0, port 0, 9x"), "%s", text);
}

Test(recording, memory_that_wx_denies_is_allowed)
{
	static const char base[] =
		"{ \"cofferdam\": 1, \"name\": \"web\", \"match\": [{ \"image\": \"docker.io/library/app:*\" }], "
		"\"exec\": { \"wx\": \"deny\" } }";
	RECORDING recording;
	PROFILE before = NULL;
	PROFILE after = NULL;
	bool whole;

	begin(&recording, "docker.io/library/app:1");
	cr_assert_eq(cfd_string_replace(&recording.profile, "web"), 0);
	before = suggest_profile(&recording, base, "web");
	cr_expect(before->deny_wx);
	USE(&recording, NULL, .kind = CFD_GUARD_MPROTECT, .reason = CFD_GUARD_ANONYMOUS);
	after = suggest_profile(&recording, base, "web");
	cr_expect_not(after->deny_wx);
	free(suggest(&recording, base, &whole));
	cr_expect(whole);
}

/* What a process chose to be called must not end a comment. */
Test(recording, a_path_stays_in_its_comment)
{
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	use_file(&recording, CFD_GUARD_EXEC, "/tmp/a\n\"net\": {}, //", CFD_GUARD_FACT_FOREIGN, 1);
	profile = suggest_profile(&recording, BASE, "app");
	cr_expect_eq(profile->connect_count, 0);
}

/* Where the profile in force names images, the new one takes its place, with all else that it says. */
Test(recording, a_profile_of_the_image_is_replaced)
{
	static const char base[] =
		"{ \"cofferdam\": 1, \"name\": \"web\", \"match\": [{ \"image\": \"docker.io/library/app:*\" }], "
		"\"extends\": [\"default\"], \"mode\": \"record\", \"capabilities\": [\"CHOWN\"], "
		"\"exec\": { \"shells\": \"allow\" }, \"net\": { \"connect\": [\"any\"] } }";
	RECORDING recording;
	PROFILE profile = NULL;

	begin(&recording, "docker.io/library/app:1");
	cr_assert_eq(cfd_string_replace(&recording.profile, "web"), 0);
	profile = suggest_profile(&recording, base, "web");
	cr_expect_eq(profile->mode, CFD_MODE_ENFORCE);
	cr_expect_eq(profile->connect_count, 0);
	cr_assert(profile->capabilities && profile->capabilities[0]);
	cr_expect_null(profile->capabilities[1]);
}
