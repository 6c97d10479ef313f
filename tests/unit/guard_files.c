/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard knows of files: copies of shells, programs that start others, files of volumes, the engine's init. */
#include "lib/policy/files.h"
#include "bpf/guard.h"
#include "lib/policy/copies.h"
#include "lib/policy/policy.h"
#include "lib/policy/shells.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t make_file(const char *tree, const char *path, const char *text)
{
	CFD_AUTO_FREE char *whole = tree_path(tree, path);
	struct stat st;

	tree_write(tree, path, text);
	tree_mode(tree, path, 0755);
	cr_assert_eq(stat(whole, &st), 0);
	return st.st_ino;
}

static int open_tree(const char *tree)
{
	int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static bool has(const uint64_t *list, size_t count, uint64_t inode)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == inode)
			return true;
	return false;
}

/* --- copies */

Test(guard_files, copies_of_a_shell_are_shells)
{
	TREE tree = tree_make();
	CFD_AUTO_FD int root = open_tree(tree);
	uint64_t bash = make_file(tree, "usr/bin/bash", "a shell"), inodes[8];
	uint64_t copy = make_file(tree, "usr/local/bin/innocent", "a shell");
	uint64_t size = make_file(tree, "usr/bin/other", "a shelf"),
		 longer = make_file(tree, "usr/bin/more", "a shell.");
	uint64_t elsewhere = make_file(tree, "srv/innocent", "a shell"); /* not where programs are looked for */
	struct cfd_error err = {0};
	size_t count = 0;

	make_file(tree, "bin/ash", ""); /* empty files are not alike */
	make_file(tree, "bin/empty", "");
	cr_assert_eq(cfd_shells_find(root, inodes, 8, &count, &err), 0, "%s", err.message);
	cr_expect_eq(count, 3);
	cr_expect(has(inodes, count, bash) && has(inodes, count, copy));
	cr_expect_not(has(inodes, count, size) || has(inodes, count, longer) || has(inodes, count, elsewhere));
	cr_expect_eq(cfd_shells_find(root, inodes, 2, &count, &err), -E2BIG);
	cr_expect(strstr(err.message, "innocent"), "%s", err.message);
}

static int count_copy(const char *name, uint64_t inode, void *data, struct cfd_error *err)
{
	(void)name;
	(void)inode;
	(void)err;
	++*(size_t *)data;
	return 0;
}

Test(guard_files, what_is_over_the_bound_counts_as_a_copy)
{
	TREE tree = tree_make();
	CFD_AUTO_FD int root = open_tree(tree), original = -1;
	struct cfd_copies copies = {.original_count = 1};
	struct cfd_error err = {0};
	size_t found = 0;

	make_file(tree, "one", "a shell");
	make_file(tree, "two", "a shelf");
	original = openat(root, "one", O_PATH | O_CLOEXEC);
	copies.originals = &original;
	cr_assert_eq(cfd_copies_search(&copies, root, count_copy, &found, &err), 0, "%s", err.message);
	cr_expect_eq(found, 0);
	copies.bytes = CFD_COPIES_MAX_BYTES;
	cr_assert_eq(cfd_copies_search(&copies, root, count_copy, &found, &err), 0, "%s", err.message);
	cr_expect_eq(found, 1, "not compared any more");
	copies.entries = CFD_COPIES_MAX_ENTRIES;
	cr_assert_eq(cfd_copies_search(&copies, root, count_copy, &found, &err), 0);
	cr_expect_eq(found, 1, "not looked at any more");
}

/* --- programs that start others */

Test(guard_files, programs_that_start_others_are_known_by_name)
{
	TREE tree = tree_make();
	CFD_AUTO_FD int root = open_tree(tree);
	uint64_t env = make_file(tree, "usr/bin/env", "1"), tini = make_file(tree, "sbin/tini", "2"), inodes[8];
	struct cfd_error err = {0};
	size_t count = 0;

	make_file(tree, "usr/bin/nginx", "3");
	cr_assert_eq(cfd_shells_wrappers(root, inodes, 8, &count, &err), 0, "%s", err.message);
	cr_expect_eq(count, 2);
	cr_expect(has(inodes, count, env) && has(inodes, count, tini));
	cr_expect_eq(cfd_shells_wrappers(root, inodes, 1, &count, &err), -E2BIG);
}

/* --- files of volumes */

static const char *bind_options[] = {"rbind", "ro"};

static struct cfd_spec_mount bind_of(const char *source, const char *destination)
{
	return (struct cfd_spec_mount){
		.destination = destination, .type = "bind", .source = source, .options = {bind_options, 2}};
}

static size_t find(char **allow, struct cfd_spec_mount *mounts, size_t mount_count, struct cfd_guard_file *files)
{
	struct cfd_profile profile = {.exec_allow = allow};
	struct cfd_spec spec = {.mounts = mounts, .mount_count = mount_count};
	struct cfd_error err = {0};
	size_t count = 0;

	cr_assert_eq(cfd_files_find(&profile, &spec, files, 4, &count, &err), 0, "%s", err.message);
	return count;
}

Test(guard_files, what_exec_allow_names_on_a_volume_is_found_there)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *volume = tree_path(tree, "volume"), *file = tree_path(tree, "single");
	uint64_t tool = make_file(tree, "volume/bin/tool", "1"), single = make_file(tree, "single", "2");
	char paths[][24] = {"/opt/bin/tool", "/usr/bin/single", "/opt/missing", "/bin/of-the-image", "/opt/bin"};
	char *allow[] = {paths[0], paths[1], paths[2], paths[3], paths[4], paths[0], NULL};
	struct cfd_spec_mount mounts[] = {bind_of(volume, "/opt"), bind_of(file, "/usr/bin/single")};
	struct cfd_guard_file files[4];

	cr_assert_eq(find(allow, mounts, 2, files), 2);
	cr_expect(files[0].inode == tool && files[0].roles == CFD_GUARD_LISTED && files[0].device);
	cr_expect(files[1].inode == single && files[1].roles == CFD_GUARD_LISTED);
	cr_expect_eq(find(allow, NULL, 0, files), 0, "no volume, no file of one");
	cr_expect_eq(find(NULL, mounts, 2, files), 0, "no list, nothing of a volume");
}

Test(guard_files, the_last_mount_over_a_path_decides)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *volume = tree_path(tree, "volume");
	char path[] = "/opt/bin/tool", *allow[] = {path, NULL};
	struct cfd_spec_mount mounts[] = {bind_of(volume, "/opt"), {.destination = "/opt/bin", .type = "tmpfs"}};
	struct cfd_guard_file files[4];

	make_file(tree, "volume/bin/tool", "1");
	cr_expect_eq(find(allow, mounts, 2, files), 0, "a tmpfs is empty");
	cr_expect_eq(find(allow, mounts, 1, files), 1);
}

Test(guard_files, a_link_on_a_volume_stays_on_it)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *volume = tree_path(tree, "volume"), *link = tree_path(tree, "volume/tool");
	char path[] = "/opt/tool", *allow[] = {path, NULL};
	struct cfd_spec_mount mount = bind_of(volume, "/opt");
	struct cfd_guard_file files[4];

	tree_directory(tree, "volume");
	cr_assert_eq(symlink("/bin/sh", link), 0);
	cr_expect_eq(find(allow, &mount, 1, files), 0);
}

Test(guard_files, more_than_there_is_room_for_is_refused)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *volume = tree_path(tree, "volume");
	char paths[][8] = {"/opt/a", "/opt/b"}, *allow[] = {paths[0], paths[1], NULL};
	struct cfd_spec_mount mount = bind_of(volume, "/opt");
	struct cfd_profile profile = {.exec_allow = allow};
	struct cfd_spec spec = {.mounts = &mount, .mount_count = 1};
	struct cfd_guard_file files[1];
	struct cfd_error err = {0};
	size_t count = 0;

	make_file(tree, "volume/a", "1");
	make_file(tree, "volume/b", "2");
	cr_expect_eq(cfd_files_find(&profile, &spec, files, 1, &count, &err), -E2BIG);
	cr_expect(strstr(err.message, "/opt/b"), "%s", err.message);
}

/* --- the engine's init. The tree is this user's, as the host's files are root's. */

Test(guard_files, the_engines_init_is_known_at_its_place_only)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *init = tree_path(tree, "catatonit"), *other = tree_path(tree, "bash");
	uint64_t inode = make_file(tree, "catatonit", "1");
	struct cfd_spec_mount mount = bind_of(init, "/run/podman-init"), moved = bind_of(init, "/usr/bin/x");
	struct cfd_spec_mount renamed = bind_of(other, "/run/podman-init");
	struct cfd_guard_file files[4];

	make_file(tree, "bash", "2");
	cr_assert_eq(find(NULL, &mount, 1, files), 1);
	cr_expect(files[0].inode == inode && files[0].roles == CFD_GUARD_INIT);
	cr_expect_eq(find(NULL, &moved, 1, files), 0);
	cr_expect_eq(find(NULL, &renamed, 1, files), 0);
	tree_mode(tree, "catatonit", 0777);
	cr_expect_eq(find(NULL, &mount, 1, files), 0, "others could have changed it");
}

/* --- the policy */

Test(guard_files, lists_are_filled_up_with_what_no_file_has)
{
	TREE tree = tree_make();
	CFD_AUTO_FD int root = open_tree(tree);
	struct cfd_profile profile = {.deny_wx = true};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	const struct cfd_guard_state *state;
	struct cfd_error err = {0};

	make_file(tree, "bin/sh", "1");
	cr_assert_eq(cfd_policy_compile(&profile, NULL, root, &policy, &err), 0, "%s", err.message);
	state = cfd_policy_state(policy);
	cr_expect(state->flags & CFD_GUARD_WX);
	cr_expect_eq(state->shell_count, 1);
	cr_expect_eq(state->shells[1], CFD_GUARD_NO_INODE);
	cr_expect_eq(state->shells[CFD_GUARD_SHELLS - 1], CFD_GUARD_NO_INODE);
	cr_expect_eq(state->allowed[0], CFD_GUARD_NO_INODE);
	cr_expect_eq(state->wrappers[0], CFD_GUARD_NO_INODE);
}
