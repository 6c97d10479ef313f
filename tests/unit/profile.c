/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: reading (tests/corpus/profiles), extending; and that what is shipped holds together. */
#include "tests/unit/profiles.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORPUS "tests/corpus/profiles"
#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void expect_full_lists(const struct cfd_profile *profile)
{
	cr_assert_eq(profile->mount_count, 2);
	cr_expect_str_eq(profile->mounts[0].source, "/srv/www");
	cr_expect_str_eq(profile->mounts[0].destination, "/usr/share/nginx/html");
	cr_expect_not(profile->mounts[0].writable);
	cr_expect_not(profile->mounts[0].idmap);
	cr_expect_str_eq(profile->mounts[1].source, "/srv/data");
	cr_expect_null(profile->mounts[1].destination);
	cr_expect(profile->mounts[1].writable && profile->mounts[1].idmap);
	cr_expect_str_eq(profile->devices[0], "/dev/fuse");
	cr_expect_null(profile->devices[1]);
	cr_expect_str_eq(profile->capabilities[0], "CAP_CHOWN");
	cr_expect_str_eq(profile->capabilities[1], "CAP_NET_BIND_SERVICE");
	cr_expect_null(profile->capabilities[2]);
	cr_expect_str_eq(profile->sysctls[0], "net.core.somaxconn");
	cr_expect_str_eq(profile->exec_allow[1], "/app/migrate");
	cr_expect_null(profile->exec_allow[2]);
	cr_assert_eq(profile->exception_count, 1);
	cr_expect_str_eq(profile->exceptions[0].rule, "mount.host-path");
	cr_expect_str_eq(profile->exceptions[0].subject, "/srv/legacy");
	cr_expect_str_eq(profile->exceptions[0].reason, "OPS-91");
	/* 1 March 2028, 00:00 UTC: the day that is named is the last one. */
	cr_expect_eq(profile->exceptions[0].expires, 1835481600);
}

static void expect_port(const struct cfd_profile_port *port, enum cfd_protocol protocol, unsigned first, unsigned last)
{
	cr_expect_eq(port->protocol, protocol);
	cr_expect_eq(port->first, first);
	cr_expect_eq(port->last, last);
}

static void expect_network(const struct cfd_profile_peer *peer, const char *address, unsigned prefix)
{
	char text[INET6_ADDRSTRLEN];

	cr_expect_eq(peer->kind, CFD_PEER_NETWORK);
	cr_expect_str_eq(inet_ntop(AF_INET6, &peer->address, text, sizeof(text)), address);
	cr_expect_eq(peer->prefix, prefix);
}

static void expect_full_net(const struct cfd_profile *profile)
{
	cr_expect_not(profile->listen_any);
	cr_assert_eq(profile->listen_count, 3);
	expect_port(&profile->listen[0], CFD_PROTOCOL_TCP, 80, 80);
	expect_port(&profile->listen[1], CFD_PROTOCOL_TCP, 8000, 8100);
	expect_port(&profile->listen[2], CFD_PROTOCOL_UDP, 53, 53);
	cr_assert_eq(profile->connect_count, 11);
	for (size_t i = 0; i < 5; i++)
		cr_expect_eq(profile->connect[i].kind, (enum cfd_profile_peer_kind)(CFD_PEER_LOOPBACK + i));
	expect_network(&profile->connect[5], "::ffff:10.0.0.0", 104);
	cr_assert_eq(profile->connect[5].port_count, 1);
	expect_port(&profile->connect[5].ports[0], CFD_PROTOCOL_TCP, 5432, 5432);
	expect_network(&profile->connect[6], "::ffff:192.0.2.7", 128);
	cr_expect_eq(profile->connect[6].port_count, 0);
	expect_network(&profile->connect[7], "::ffff:0.0.0.0", 96);
	cr_assert_eq(profile->connect[7].port_count, 2);
	expect_port(&profile->connect[7].ports[1], CFD_PROTOCOL_UDP, 443, 443);
	expect_network(&profile->connect[8], "2001:db8::", 32);
	expect_port(&profile->connect[8].ports[0], CFD_PROTOCOL_TCP, 1, 65535);
	cr_expect_eq(profile->connect[9].kind, CFD_PEER_NAME);
	cr_expect_str_eq(profile->connect[9].name, "api.example.org");
	cr_expect(profile->connect[9].follow);
	expect_port(&profile->connect[9].ports[0], CFD_PROTOCOL_TCP, 443, 443);
	cr_expect_str_eq(profile->connect[10].name, "xn--bcher-kva.example");
	cr_expect(!profile->connect[10].follow && !profile->connect[10].port_count);
}

Test(profile, every_key_is_read)
{
	TREE tree = tree_make();

	tree_copy(tree, "full.json", CORPUS "/full.json");
	{
		SET set = open_set(tree, NULL);
		PROFILE profile = load_profile(set, "full");

		cr_expect_str_eq(profile->name, "full");
		cr_expect_str_eq(profile->description, "Everything");
		cr_expect(cfd_ends_with(profile->path, "/full.json"));
		cr_expect_eq(profile->mode, CFD_MODE_RECORD);
		cr_expect_str_eq(profile->runtime, "/usr/bin/runc");
		cr_expect_not(profile->no_new_privileges);
		cr_expect(profile->readonly_rootfs);
		cr_expect(profile->userns_host);
		cr_expect_str_eq(profile->userns_reason, "OPS-17");
		cr_expect_str_eq(profile->syscalls, "/etc/cofferdam/seccomp/app.json");
		cr_expect(profile->all_architectures);
		cr_expect_eq(profile->shells, CFD_SHELLS_DENY);
		cr_expect_not(profile->image_only);
		cr_expect(profile->deny_wx);
		cr_expect(profile->log_allowed);
		expect_full_lists(profile);
		expect_full_net(profile);
	}
}

Test(profile, what_no_file_says_is_strict)
{
	TREE tree = tree_make();

	write_profile(tree, "bare", "");
	{
		SET set = open_set(tree, NULL);
		PROFILE profile = load_profile(set, "bare");

		cr_expect_eq(profile->mode, CFD_MODE_ENFORCE);
		cr_expect(profile->no_new_privileges);
		cr_expect(profile->image_only);
		cr_expect_not(profile->deny_wx);
		cr_expect_eq(profile->shells, CFD_SHELLS_STARTUP);
		cr_expect_not(profile->userns_host);
		cr_expect_str_eq(profile->syscalls, "docker-default");
		cr_expect_not(profile->all_architectures);
		cr_expect_not(profile->listen_any);
		cr_expect_eq(profile->listen_count + profile->connect_count + profile->mount_count, 0);
		cr_expect_null(profile->capabilities);
		cr_expect_null(profile->exec_allow);
		cr_expect_null(profile->runtime);
	}
}

static void expect_refused(const char *file)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *source = tree_path(CORPUS "/bad", file), *text = tree_read(source);
	CFD_AUTO_FREE char *name = strndup(file, strlen(file) - strlen(".json"));
	struct expectation expected = {0};
	const char *rest = text;
	SET set = NULL;
	PROFILE profile = NULL;
	struct cfd_error err = {0};
	int r;

	cr_assert(next_expectation(&rest, &expected), "%s", file);
	tree_write(tree, file, text);
	r = cfd_profile_set_open(tree, NULL, &set, &err);
	if (!r)
		r = cfd_profile_load(set, name, &profile, &err);
	cr_expect(r == -EINVAL || r == -ELOOP, "%s: %d", file, r);
	cr_expect_not_null(strstr(err.message, expected.message), "%s: expected \"%s\" in \"%s\"", file,
			   expected.message, err.message);
	cr_expect_not_null(strstr(err.message, file), "%s is not named in \"%s\"", file, err.message);
	cr_expect_null(profile);
}

Test(profile, every_bad_file_of_the_corpus_is_refused_with_its_message)
{
	DIR *directory = opendir(CORPUS "/bad");
	const struct dirent *file;
	size_t count = 0;

	cr_assert_not_null(directory);
	while ((file = readdir(directory))) {
		if (!cfd_ends_with(file->d_name, ".json"))
			continue;
		expect_refused(file->d_name);
		count++;
	}
	closedir(directory);
	cr_expect_geq(count, 70);
}

Test(profile, a_message_has_file_line_and_column)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *expected = tree_path(tree, "x.json:4:12: net.listen[0]: \"tcp/0\" is no port");
	SET set = NULL;
	PROFILE profile = NULL;
	struct cfd_error err = {0};

	tree_write(tree, "x.json",
		   "{ \"cofferdam\": 1,\n  \"name\": \"x\",\n  \"net\": {\n\"listen\": [\"tcp/0\"] } }\n");
	set = open_set(tree, NULL);
	cr_expect_eq(cfd_profile_load(set, "x", &profile, &err), -EINVAL);
	cr_expect(cfd_starts_with(err.message, expected), "%s", err.message);
}

Test(profile, every_file_of_the_administrators_replaces_its_namesake_whatever_the_order)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *admin = tree_path(tree, "admin"), *shipped = tree_path(tree, "shipped");

	tree_directory(tree, "admin");
	for (int i = 0; i < 40; i++) {
		char name[16], path[32];

		snprintf(name, sizeof(name), "p%d", i * 7 % 40);
		write_profile(admin, name, "");
		snprintf(path, sizeof(path), "shipped/%s.json", name);
		tree_write(tree, path, "{ torn");
	}
	{
		SET set = open_set(admin, shipped);
		PROFILE profile = load_profile(set, "p17");

		cr_expect(cfd_starts_with(profile->path, admin));
	}
}

Test(profile, the_administrators_file_replaces_the_shipped_one)
{
	TREE tree = tree_make();

	tree_write(tree, "admin/nginx.json", "{\"cofferdam\": 1, \"name\": \"nginx\", \"mode\": \"warn\"}");
	/* The shipped file of that name is not even read. */
	tree_write(tree, "shipped/nginx.json", "{ torn");
	tree_write(tree, "shipped/redis.json", "{\"cofferdam\": 1, \"name\": \"redis\"}");
	tree_write(tree, "shipped/README", "no profile");
	tree_write(tree, "shipped/.new-17-1.json", "{ half written");
	tree_write(tree, "shipped/seccomp/x.json", "{}");
	{
		CFD_AUTO_FREE char *admin = tree_path(tree, "admin"), *shipped = tree_path(tree, "shipped");
		CFD_AUTO_FREE char *missing = tree_path(tree, "missing");
		SET set = open_set(admin, shipped);
		SET alone = open_set(missing, admin);
		PROFILE nginx = load_profile(set, "nginx");
		PROFILE redis = load_profile(set, "redis");
		PROFILE none = NULL;
		struct cfd_error err = {0};

		cr_expect_eq(nginx->mode, CFD_MODE_WARN);
		cr_expect(cfd_ends_with(nginx->path, "/admin/nginx.json"));
		cr_expect_str_eq(redis->name, "redis");
		cr_expect_eq(cfd_profile_load(alone, "redis", &none, &err), -ENOENT);
		cr_expect_not_null(strstr(err.message, "there is no profile \"redis\""));
	}
}

static void expect_set_refused(const char *tree, int code, const char *expected)
{
	SET set = NULL;
	struct cfd_error err = {0};

	cr_expect_eq(cfd_profile_set_open(tree, NULL, &set, &err), code, "%s", err.message);
	cr_expect_not_null(strstr(err.message, expected), "expected \"%s\" in \"%s\"", expected, err.message);
}

Test(profile, what_others_can_write_or_redirect_is_refused)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *path = tree_path(tree, "a.json"), *link = tree_path(tree, "b.json");

	write_profile(tree, "a", "");
	tree_mode(tree, "a.json", 0664);
	expect_set_refused(tree, -EPERM, "a.json belongs to uid");
	tree_mode(tree, "a.json", 0644);
	tree_mode(tree, ".", 0777);
	expect_set_refused(tree, -EPERM, "so others can change it");
	tree_mode(tree, ".", 0755);
	cr_assert_eq(symlink(path, link), 0);
	expect_set_refused(tree, -ELOOP, "b.json is a symbolic link");
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(mkfifo(link, 0600), 0);
	expect_set_refused(tree, -EINVAL, "b.json is not a regular file");
	cr_assert_eq(unlink(link), 0);
	tree_directory(tree, "c.json");
	expect_set_refused(tree, -EINVAL, "c.json is not a regular file");
}

Test(profile, a_range_of_ids_is_inherited_key_by_key_and_goes_with_the_user_namespace)
{
	TREE tree = tree_make();

	tree_copy(tree, "range.json", CORPUS "/range.json");
	write_profile(tree, "wide", "\"extends\": [\"range\"], \"userns_range\": {\"size\": 196608}");
	write_profile(tree, "bare", "");
	write_profile(tree, "none", "\"extends\": [\"range\"], \"userns\": \"host\", \"userns_reason\": \"OPS-1\"");
	write_profile(tree, "both", "\"extends\": [\"none\"], \"userns_range\": {\"size\": 131072}");
	{
		SET set = open_set(tree, NULL);
		PROFILE range = load_profile(set, "range");
		PROFILE wide = load_profile(set, "wide");
		PROFILE bare = load_profile(set, "bare");
		PROFILE none = load_profile(set, "none");
		struct cfd_profile *both = NULL;
		struct cfd_error err = {0};

		cr_expect(range->userns_base == 1879048192 && range->userns_size == 131072);
		cr_expect(wide->userns_base == 1879048192 && wide->userns_size == 196608);
		cr_expect_eq(cfd_profile_ids(wide), 196608);
		cr_expect(!bare->userns_base && !bare->userns_size && cfd_profile_ids(bare) == 65536);
		cr_expect(!none->userns_base && !none->userns_size);
		cr_expect_eq(cfd_profile_load(set, "both", &both, &err), -EINVAL);
		cr_expect_not_null(strstr(err.message, "\"userns\": \"host\" takes away"), "%s", err.message);
	}
}

Test(profile, one_unreadable_file_refuses_the_set_because_it_might_be_the_one_that_applies)
{
	TREE tree = tree_make();

	write_profile(tree, "good", "");
	tree_write(tree, "torn.json", "{\"cofferdam\": 1, \"name\": \"to");
	expect_set_refused(tree, -EINVAL, "torn.json");
}

Test(profile, names_of_files_are_names_of_profiles)
{
	TREE tree = tree_make();

	tree_write(tree, "My Profile.json", "{}");
	expect_set_refused(tree, -EINVAL, "My Profile.json: the file's name is no profile's name");
}

Test(profile, extended_keys_are_taken_over_the_later_winning_and_lists_replaced_or_added)
{
	TREE tree = tree_make();

	write_profile(tree, "one",
		      "\"capabilities\": [\"CHOWN\", \"KILL\"], \"mode\": \"warn\", \"log\": \"all\","
		      "\"mounts\": {\"allow\": [{\"source\": \"/one\"}]}, \"devices\": {\"allow\": [\"/dev/one\"]},"
		      "\"exceptions\": [{\"rule\": \"r.1\", \"subject\": \"s\", \"reason\": \"r\", \"expires\": "
		      "\"2027-01-01\"}], \"net\": {\"listen\": [\"any\"], \"connect\": [\"any\"]},"
		      "\"userns\": \"host\", \"userns_reason\": \"one\", \"description\": \"the one\"");
	write_profile(tree, "two", "\"capabilities\": [\"SETUID\"], \"mode\": \"record\", \"userns\": \"force\"");
	write_profile(tree, "three",
		      "\"extends\": [\"one\", \"two\"], \"mounts\": {\"allow\": [{\"source\": \"/three\"}]},"
		      "\"devices\": {\"allow\": [\"/dev/three\"]}, \"exceptions\": [{\"rule\": \"r.3\", \"subject\": "
		      "\"s\", \"reason\": \"r\", \"expires\": \"2027-01-01\"}], \"net\": {\"connect\": []}");
	{
		SET set = open_set(tree, NULL);
		PROFILE profile = load_profile(set, "three");

		cr_expect_str_eq(profile->name, "three");
		cr_expect_null(profile->description, "not inherited");
		cr_expect_eq(profile->mode, CFD_MODE_RECORD);
		cr_expect(profile->log_allowed);
		cr_expect_str_eq(profile->capabilities[0], "CAP_SETUID");
		cr_expect_null(profile->capabilities[1]);
		cr_expect_not(profile->userns_host);
		cr_expect_null(profile->userns_reason);
		cr_assert_eq(profile->mount_count, 2);
		cr_expect_str_eq(profile->mounts[0].source, "/one");
		cr_expect_str_eq(profile->mounts[1].source, "/three");
		cr_expect_str_eq(profile->devices[0], "/dev/one");
		cr_expect_str_eq(profile->devices[1], "/dev/three");
		cr_expect_null(profile->devices[2]);
		cr_assert_eq(profile->exception_count, 2);
		cr_expect(profile->listen_any, "\"net\" is laid over key by key");
		cr_expect_eq(profile->connect_count, 0);
	}
}

Test(profile, a_profile_extended_twice_is_laid_down_once_at_the_bottom)
{
	TREE tree = tree_make();

	write_profile(tree, "base", "\"mode\": \"warn\", \"devices\": {\"allow\": [\"/dev/base\"]}");
	write_profile(tree, "left", "\"extends\": [\"base\"], \"mode\": \"record\"");
	write_profile(tree, "right", "\"extends\": [\"base\"]");
	write_profile(tree, "top", "\"extends\": [\"left\", \"right\"]");
	{
		SET set = open_set(tree, NULL);
		PROFILE profile = load_profile(set, "top");

		cr_expect_eq(profile->mode, CFD_MODE_RECORD);
		cr_expect_str_eq(profile->devices[0], "/dev/base");
		cr_expect_null(profile->devices[1]);
	}
}

static void expect_load(const char *tree, const char *name, int code, const char *expected)
{
	SET set = open_set(tree, NULL);
	PROFILE profile = NULL;
	struct cfd_error err = {0};

	cr_expect_eq(cfd_profile_load(set, name, &profile, &err), code, "%s", err.message);
	if (code)
		cr_expect_not_null(strstr(err.message, expected), "expected \"%s\" in \"%s\"", expected, err.message);
}

Test(profile, what_is_extended_must_go_together_with_the_rest)
{
	TREE tree = tree_make();

	write_profile(tree, "base",
		      "\"net\": {\"connect\": [\"dns\", {\"to\": \"api.example.org\", \"follow\": true}]}");
	write_profile(tree, "top", "\"extends\": [\"base\"], \"capabilities\": [\"NET_ADMIN\"]");
	write_profile(tree, "fine", "\"extends\": [\"base\"], \"capabilities\": [\"NET_RAW\"]");
	expect_load(tree, "top", -EINVAL, "capabilities: \"follow\" and the capability NET_ADMIN exclude each other");
	{
		SET set = open_set(tree, NULL);
		PROFILE profile = load_profile(set, "fine");

		cr_expect(profile->connect[1].follow);
	}
}

Test(profile, circles_and_deep_chains_are_refused)
{
	TREE tree = tree_make();

	write_profile(tree, "a", "\"extends\": [\"b\"]");
	write_profile(tree, "b", "\"extends\": [\"c\"]");
	write_profile(tree, "c", "\"extends\": [\"a\"]");
	expect_load(tree, "a", -ELOOP, "a.json: \"extends\" goes in a circle: a extends itself by way of c");
	for (int i = 0; i < 17; i++) {
		char name[16], keys[64] = "";

		snprintf(name, sizeof(name), "n%d", i);
		if (i < 16)
			snprintf(keys, sizeof(keys), "\"extends\": [\"n%d\"]", i + 1);
		write_profile(tree, name, keys);
	}
	expect_load(tree, "n1", 0, "");
	expect_load(tree, "n0", -ELOOP, "more than 16 levels deep");
}

Test(profile, what_is_shipped_loads_and_matches)
{
	static const struct {
		const char *image, *profile;
		enum cfd_shells shells;
	} cases[] = {
		{"docker.io/library/nginx:1.27", "nginx", CFD_SHELLS_STARTUP},
		{"docker.io/library/nginx@" DIGEST_A, "nginx", CFD_SHELLS_STARTUP},
		{"docker.io/library/redis:7", "redis", CFD_SHELLS_STARTUP},
		{"docker.io/library/postgres:17-alpine", "postgres", CFD_SHELLS_STARTUP},
		{"docker.io/library/busybox:latest", "busybox", CFD_SHELLS_ALLOW},
		{"gcr.io/distroless/static:nonroot", "distroless-static", CFD_SHELLS_DENY},
		{"gcr.io/distroless/static-debian12:latest", "distroless-static", CFD_SHELLS_DENY},
	};
	TREE tree = tree_make();

	copy_shipped(tree);
	{
		SET set = open_set(NULL, tree);
		PROFILE base = load_profile(set, "default");

		cr_expect(base->listen_any && base->image_only && base->no_new_privileges);
		cr_expect_eq(base->shells, CFD_SHELLS_STARTUP);
		cr_expect_eq(base->connect_count, 2);
		for (size_t i = 0; i < CFD_COUNT(cases); i++) {
			const char *name = match_profile(set, cases[i].image, NULL, NULL);
			PROFILE profile = load_profile(set, cases[i].profile);

			cr_expect_str_eq(name, cases[i].profile, "%s", cases[i].image);
			cr_expect_eq(profile->shells, cases[i].shells, "%s", name);
			cr_expect(profile->image_only, "%s", name);
			cr_expect_not_null(profile->description);
		}
		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx-exporter:1", NULL, NULL), "none");
		cr_expect_str_eq(match_profile(set, "docker.io/evil/nginx:1", NULL, NULL), "none");
		cr_expect_str_eq(match_profile(set, "gcr.io/distroless/static/x:1", NULL, NULL), "none");
	}
}

Test(profile, the_schema_says_the_same)
{
	int status = system("python3 tests/unit/schema.py");

	if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127))
		cr_skip("python3 with jsonschema is not installed (make deps)");
	cr_expect_eq(status, 0);
}
