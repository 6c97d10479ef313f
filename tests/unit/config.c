/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam.json: defaults, every key, and what is refused. Shapes and trust, on which it rests, are tested here too.
 */
#include "lib/config.h"
#include "lib/shape.h"
#include "lib/trust.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG CFD_AUTO(cfd_config_release) struct cfd_config

static int read_config(const char *tree, struct cfd_config *config, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = tree_path(tree, "cofferdam.json");

	return cfd_config_read(path, config, err);
}

static void expect_defaults(const struct cfd_config *config)
{
	cr_expect_str_eq(config->runtimes[0], "/usr/bin/crun");
	cr_expect_str_eq(config->runtimes[1], "/usr/bin/runc");
	cr_expect_str_eq(config->runtimes[2], "/usr/sbin/runc");
	cr_expect_null(config->runtimes[3]);
	cr_expect_str_eq(config->default_profile, "default");
	cr_expect_not(config->refuse_unknown_image);
	cr_expect_not(config->strict_keys);
	cr_expect_eq(config->userns, CFD_NEED_REQUIRE);
	cr_expect_str_eq(config->userns_pool, "cofferdam");
	cr_expect_eq(config->guard_exec, CFD_NEED_REQUIRE);
	cr_expect_eq(config->guard_net, CFD_NEED_REQUIRE);
	cr_expect_str_eq(config->audit_file, "/var/log/cofferdam/audit.jsonl");
	cr_expect(config->audit_journal);
	cr_expect_null(config->allowed_hooks);
}

Test(config, a_missing_and_an_empty_file_mean_the_defaults)
{
	TREE tree = tree_make();
	CONFIG missing = {0}, empty = {0};
	struct cfd_error err;

	cr_assert_eq(read_config(tree, &missing, &err), 0, "%s", err.message);
	expect_defaults(&missing);
	tree_write(tree, "cofferdam.json", "{} // nothing decided\n");
	cr_assert_eq(read_config(tree, &empty, &err), 0, "%s", err.message);
	expect_defaults(&empty);
}

Test(config, every_key_is_read)
{
	TREE tree = tree_make();
	CONFIG config = {0};
	struct cfd_error err;

	tree_write(tree, "cofferdam.json",
		   "{ \"$schema\": \"x\", \"runtimes\": [\"/opt/crun\"], /* one */ \"default_profile\": \"strict\","
		   "\"unknown_image\": \"refuse\", \"unknown_keys\": \"strict\","
		   "\"userns\": {\"mode\": \"prefer\", \"pool\": \"containers\"},"
		   "\"guard\": {\"exec\": \"prefer\", \"net\": \"off\"},"
		   "\"audit\": {\"file\": \"/var/log/a.jsonl\", \"journal\": false},"
		   "\"rootless\": \"partial\","
		   "\"hooks\": {\"allow\": [\"/usr/bin/nvidia-container-runtime-hook\", \"/usr/bin/other\"]} }");
	cr_assert_eq(read_config(tree, &config, &err), 0, "%s", err.message);
	cr_expect_str_eq(config.runtimes[0], "/opt/crun");
	cr_expect_null(config.runtimes[1]);
	cr_expect_str_eq(config.default_profile, "strict");
	cr_expect(config.refuse_unknown_image);
	cr_expect(config.strict_keys);
	cr_expect_eq(config.userns, CFD_NEED_PREFER);
	cr_expect_str_eq(config.userns_pool, "containers");
	cr_expect_eq(config.guard_exec, CFD_NEED_PREFER);
	cr_expect_eq(config.guard_net, CFD_NEED_OFF);
	cr_expect_str_eq(config.audit_file, "/var/log/a.jsonl");
	cr_expect_not(config.audit_journal);
	cr_expect(config.rootless_partial);
	cr_expect_str_eq(config.allowed_hooks[0], "/usr/bin/nvidia-container-runtime-hook");
	cr_expect_str_eq(config.allowed_hooks[1], "/usr/bin/other");
	cr_expect_null(config.allowed_hooks[2]);
}

Test(config, what_is_not_understood_is_refused_with_its_place)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"[]", "expected an object, found an array"},
		{"{\n  \"runtime\": []}", "cofferdam.json:2:3: runtime: unknown key; did you mean \"runtimes\"?"},
		{"{\"runtimes\": \"/usr/bin/crun\"}", "a list [ ... ] is expected here"},
		{"{\"runtimes\": []}", "at least one runtime"},
		{"{\"runtimes\": [\"crun\"]}", "runtimes[0]: \"crun\" is not accepted"},
		{"{\"runtimes\": [\"/usr/../crun\"]}", "runtimes[0]: \"/usr/../crun\" is not accepted"},
		{"{\"runtimes\": [\"/a\",\"/b\",\"/c\",\"/d\",\"/e\",\"/f\",\"/g\",\"/h\",\"/i\"]}",
		 "9 elements; at most 8"},
		{"{\"runtimes\": [\"/a\",\"/a\"]}", "runtimes[1]: \"/a\" stands here twice"},
		{"{\"default_profile\": \"../x\"}", "\"../x\" is no profile's name"},
		{"{\"default_profile\": \"\"}", "default_profile: "},
		{"{\"unknown_image\": \"allow\"}", "\"default\" or \"refuse\" is expected here"},
		{"{\"unknown_keys\": true}", "\"warn\" or \"strict\" is expected here"},
		{"{\"userns\": \"off\"}", "userns: expected an object"},
		{"{\"userns\": {\"mode\": \"no\"}}", "expected one of \"require\", \"prefer\", \"off\""},
		{"{\"userns\": {\"pool\": \"a:b\"}}", "userns.pool: the owner of a range in /etc/subuid"},
		{"{\"guard\": {\"network\": \"off\"}}", "guard.network: unknown key"},
		{"{\"audit\": {\"file\": \"audit.jsonl\"}}", "audit.file: \"audit.jsonl\" is not accepted"},
		{"{\"audit\": {\"journal\": \"yes\"}}", "expected true or false"},
		{"{\"hooks\": {\"allow\": [\"hook\"]}}", "hooks.allow[0]: \"hook\" is not accepted"},
		{"{\"rootless\": true}", "rootless: \"refuse\" or \"partial\" is expected here"},
		{"{\"userns\": {}, \"userns\": {}}", "userns"},
		{"", "cofferdam.json"},
		{"{", "cofferdam.json"},
	};
	TREE tree = tree_make();

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CONFIG config = {0};
		struct cfd_error err = {0};

		tree_write(tree, "cofferdam.json", cases[i].text);
		cr_expect_eq(read_config(tree, &config, &err), -EINVAL, "%s", cases[i].text);
		cr_expect_not_null(strstr(err.message, cases[i].expected), "%s: %s", cases[i].text, err.message);
		cr_expect_null(config.default_profile, "output touched by %s", cases[i].text);
	}
}

Test(config, a_file_that_others_can_write_or_a_link_is_refused)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *link = tree_path(tree, "cofferdam.json");
	CONFIG config = {0};
	struct cfd_error err = {0};

	tree_write(tree, "cofferdam.json", "{}");
	tree_mode(tree, "cofferdam.json", 0646);
	cr_expect_eq(read_config(tree, &config, &err), -EPERM);
	cr_expect_not_null(strstr(err.message, "with mode 0646"), "%s", err.message);
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(symlink("/etc/hostname", link), 0);
	cr_expect_eq(read_config(tree, &config, &err), -ELOOP);
}

Test(config, needs_have_their_words)
{
	cr_expect_str_eq(cfd_need_name(CFD_NEED_REQUIRE), "require");
	cr_expect_str_eq(cfd_need_name(CFD_NEED_PREFER), "prefer");
	cr_expect_str_eq(cfd_need_name(CFD_NEED_OFF), "off");
}

Test(shape, paths_names_components_and_digests)
{
	char long_name[66], long_component[255];

	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	memset(long_component, 'a', 254);
	long_component[254] = '\0';
	cr_expect(cfd_shape_path("/"));
	cr_expect(cfd_shape_path("/a/b.c/..d"));
	cr_expect_not(cfd_shape_path(NULL));
	cr_expect_not(cfd_shape_path(""));
	cr_expect_not(cfd_shape_path("a"));
	cr_expect_not(cfd_shape_path("/a/"));
	cr_expect_not(cfd_shape_path("//a"));
	cr_expect_not(cfd_shape_path("/a/./b"));
	cr_expect_not(cfd_shape_path("/a/.."));
	cr_expect_not(cfd_shape_path("/a\nb"));
	cr_expect(cfd_shape_name("a-1.b_c"));
	cr_expect_not(cfd_shape_name("-a"));
	cr_expect_not(cfd_shape_name("A"));
	cr_expect_not(cfd_shape_name("a/b"));
	cr_expect_not(cfd_shape_name(long_name));
	cr_expect(cfd_shape_name(long_name + 1));
	cr_expect(cfd_shape_component("Web_1.x"));
	cr_expect_not(cfd_shape_component(".."));
	cr_expect_not(cfd_shape_component("a/b"));
	cr_expect_not(cfd_shape_component(""));
	cr_expect_not(cfd_shape_component(long_component));
	cr_expect(cfd_shape_component(long_component + 1));
	cr_expect(cfd_shape_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	cr_expect_not(cfd_shape_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF"));
	cr_expect_not(cfd_shape_digest("sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	cr_expect_not(cfd_shape_digest("md5:0123456789abcdef0123456789abcdef"));
}

Test(shape, days_are_those_of_the_calendar)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{"1970-01-01", 0},  {"2026-11-22", 1795305600}, {"2028-02-29", 1835395200},
		{"2027-02-29", -1}, {"2100-02-29", -1},         {"2027-13-01", -1},
		{"2027-00-10", -1}, {"2027-01-00", -1},         {"2027-04-31", -1},
		{"1969-12-31", -1}, {"2027-1-1", -1},           {"2027-01-01 ", -1},
		{"2027/01/01", -1}, {"+027-01-01", -1},         {"", -1},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		int64_t seconds = -1;

		cr_expect_eq(cfd_shape_day(cases[i].text, &seconds), cases[i].seconds < 0 ? -EINVAL : 0, "%s",
			     cases[i].text);
		cr_expect_eq(seconds, cases[i].seconds, "%s: %lld", cases[i].text, (long long)seconds);
	}
}

static int open_tree(const char *tree, const char *path)
{
	CFD_AUTO_FREE char *joined = tree_path(tree, path);
	int fd = open(joined, O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(trust, a_chain_is_as_good_as_its_worst_directory_and_tmp_is_good_enough)
{
	TREE tree = tree_make();
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};

	tree_directory(tree, "a/b/c");
	fd = open_tree(tree, "a/b/c");
	cr_expect_eq(cfd_trust_check_chain(fd, "c", &err), 0, "%s", err.message);
	tree_mode(tree, "a", 0775);
	cr_expect_eq(cfd_trust_check_chain(fd, "c", &err), -EPERM);
	cr_expect(cfd_starts_with(err.message, "a directory above c belongs to uid"), "%s", err.message);
	tree_mode(tree, "a", 01777);
	cr_expect_eq(cfd_trust_check_chain(fd, "c", &err), 0, "sticky");
	tree_mode(tree, "a/b/c", 01777);
	cr_expect_eq(cfd_trust_check_chain(fd, "c", &err), -EPERM, "others make files in it");
}

Test(trust, what_belongs_to_another_user_is_not_trusted)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *path = tree_path(tree, "a");
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};

	if (geteuid() != 0)
		cr_skip("only root can give files away");
	tree_directory(tree, "a/b");
	cr_assert_eq(chown(path, 12345, 12345), 0);
	fd = open_tree(tree, "a/b");
	cr_expect_eq(cfd_trust_check(fd, "b", &err), 0);
	cr_expect_eq(cfd_trust_check_chain(fd, "b", &err), -EPERM);
	cr_expect_not_null(strstr(err.message, "belongs to uid 12345"), "%s", err.message);
	/* In the host's own user namespace that is a user as any other. */
	cr_assert_eq(chown(path, 65534, 65534), 0);
	cr_expect_eq(cfd_trust_check_chain(fd, "b", &err), -EPERM);
}
