/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, and what that makes of the configuration: asked by children that become somebody else. */
#include "lib/rootless.h"
#include "lib/state/state.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT 100

static bool write_to(const char *path, const char *text)
{
	CFD_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Root of a user namespace whose only id is this process's. */
static void enter_namespace(void)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER) || !write_to("/proc/self/setgroups", "deny") ||
	    !write_to("/proc/self/uid_map", uid_map) || !write_to("/proc/self/gid_map", gid_map))
		_exit(CANNOT);
}

static void enter_nothing(void)
{
}

static void become_user(void)
{
	if (setresgid(12345, 12345, 12345) || setresuid(12345, 12345, 12345))
		_exit(CANNOT);
}

/* The number of the check that did not hold, 0 if all did. */
static int run_as(void (*become)(void), int (*check)(const char *tree), const char *tree)
{
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0) {
		become();
		_exit(check(tree));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT)
		cr_skip("this user may not become another one, or make user namespaces");
	return WEXITSTATUS(status);
}

static int is_caller(enum cfd_caller expected)
{
	enum cfd_caller caller;
	struct cfd_error err = {0};

	return cfd_rootless_caller(&caller, &err) || caller != expected;
}

static int is_namespace(const char *tree)
{
	(void)tree;
	return is_caller(CFD_CALLER_NAMESPACE);
}

static int is_user(const char *tree)
{
	(void)tree;
	return is_caller(CFD_CALLER_USER);
}

static int is_root_or_user(const char *tree)
{
	(void)tree;
	return is_caller(geteuid() ? CFD_CALLER_USER : CFD_CALLER_ROOT);
}

Test(rootless, callers_are_told_apart)
{
	cr_expect_eq(run_as(enter_nothing, is_root_or_user, NULL), 0);
	cr_expect_eq(run_as(enter_namespace, is_namespace, NULL), 0);
	cr_expect_eq(run_as(become_user, is_user, NULL), 0);
}

static int directory_is(const char *set, int code, const char *expected)
{
	CFD_AUTO_FREE char *path = NULL;
	struct cfd_error err = {0};

	if (set)
		setenv("XDG_RUNTIME_DIR", set, 1);
	else
		unsetenv("XDG_RUNTIME_DIR");
	if (cfd_rootless_directory(&path, &err) != code || !strstr(code ? err.message : path, expected)) {
		fprintf(stderr, "%s: found %s\n", set ? set : "unset", path ? path : err.message);
		return 1;
	}
	return 0;
}

static int checks_directory(const char *tree)
{
	CFD_AUTO_FREE char *link = tree_path(tree, "link"), *through = tree_path(tree, "user/cofferdam");
	CFD_AUTO_FREE char *open_to_all = tree_path(tree, "open"), *text = NULL;
	struct cfd_error err = {0};
	char no_text[] = "/tmp/\xff";

	if (directory_is(link, 0, through)) /* where links lead, as a runtime will name it */
		return 1;
	if (directory_is(open_to_all, -EPERM, "others can change it"))
		return 2;
	if (directory_is("relative", -EINVAL, "no absolute path"))
		return 3;
	if (directory_is("/nonexistent/x", -ENOENT, "XDG_RUNTIME_DIR"))
		return 4;
	if (directory_is(no_text, -ENOENT, "XDG_RUNTIME_DIR"))
		return 5;
	setenv("XDG_RUNTIME_DIR", link, 1);
	if (cfd_state_path(&text, &err) || strcmp(text, through) != 0)
		return 6;
	return 0;
}

Test(rootless, the_directory_is_the_callers_alone)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *link = tree_path(tree, "link"), *user = tree_path(tree, "user");

	tree_directory(tree, "user");
	tree_directory(tree, "open");
	tree_mode(tree, "open", 0777);
	cr_assert_eq(symlink(user, link), 0);
	cr_expect_eq(run_as(enter_namespace, checks_directory, tree), 0);
}

static int checks_config(const char *tree)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_FREE char *file = tree_path(tree, "cofferdam.json"), *log = tree_path(tree, "cofferdam/audit.jsonl");
	struct cfd_error err = {0};

	setenv("XDG_RUNTIME_DIR", tree, 1);
	if (cfd_rootless_read_config("/nonexistent", &config, &err) != -EOPNOTSUPP || config.default_profile)
		return 1;
	if (!strstr(err.message, "no guard of what is executed") || !strstr(err.message, "`\"rootless\": \"partial\"`"))
		return 2;
	if (cfd_rootless_read_config(file, &config, &err))
		return 3;
	if (config.caller == CFD_CALLER_ROOT || config.guard_exec != CFD_NEED_OFF || config.guard_net != CFD_NEED_OFF ||
	    config.userns != CFD_NEED_OFF || strcmp(config.audit_file, log) != 0)
		return 4;
	return 0;
}

static int keeps_config(const char *tree)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_FREE char *file = tree_path(tree, "cofferdam.json"), *path = NULL;
	struct cfd_error err = {0};

	setenv("XDG_RUNTIME_DIR", tree, 1);
	if (geteuid())
		return CANNOT;
	if (cfd_rootless_read_config(file, &config, &err))
		return 1;
	if (config.caller != CFD_CALLER_ROOT || config.guard_exec != CFD_NEED_REQUIRE ||
	    config.userns != CFD_NEED_REQUIRE || strcmp(config.audit_file, "/var/log/cofferdam/audit.jsonl") != 0)
		return 2;
	return cfd_state_path(&path, &err) || strcmp(path, CFD_STATE_DIR) != 0 ? 3 : 0;
}

Test(rootless, what_cannot_be_is_off_for_those_alone_who_are_not_root)
{
	TREE tree = tree_make();

	tree_write(tree, "cofferdam.json", "{\"rootless\": \"partial\", \"guard\": {\"exec\": \"require\"}}");
	cr_expect_eq(run_as(enter_namespace, checks_config, tree), 0);
	cr_expect_eq(run_as(enter_nothing, keeps_config, tree), 0);
}
