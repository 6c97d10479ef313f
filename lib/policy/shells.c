/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a root filesystem are shells. Hard links need no search, they are the same inode. Copies are looked
 * for in the usual directories (lib/policy/copies.c); one that the container makes is what exec.image_only refuses.
 */
#include "lib/policy/shells.h"
#include "lib/fd.h"
#include "lib/policy/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHELLS_FILE_MAX_BYTES ((size_t)64 << 10)
#define SHELLS_FILE_MAX_LINES 512

static const char *const directories[] = {
	"bin",
	"sbin",
	"usr/bin",
	"usr/sbin",
	"usr/local/bin",
	"usr/local/sbin",
	"opt/bin",
	"busybox",
	"usr/lib/klibc/bin",
	"usr/lib/initramfs-tools/bin",
	"usr/libexec",
	".",
};

/* busybox, toybox and their like run a shell by their first argument, so all that they are is a shell. */
static const char *const names[] = {
	"sh",
	"bash",
	"dash",
	"ash",
	"ksh",
	"ksh93",
	"mksh",
	"mksh-static",
	"lksh",
	"pdksh",
	"oksh",
	"loksh",
	"posh",
	"zsh",
	"zsh5",
	"zsh-static",
	"fish",
	"csh",
	"tcsh",
	"bsd-csh",
	"rbash",
	"rksh",
	"rzsh",
	"yash",
	"sash",
	"rc",
	"es",
	"bash-static",
	"dash-static",
	"sh.distrib",
	"busybox",
	"toybox",
	"busybox.static",
	"busybox-static",
	"busybox-extras",
	"toybox-static",
	"elvish",
	"nu",
	"xonsh",
	"osh",
	"ysh",
	"oil",
	"pwsh",
	"hush",
};

/*
 * Programs that are there to start another, in their own process or as their only child. An entrypoint's way to its
 * server leads through them (`#!/usr/bin/env bash`, `exec gosu postgres "$0" "$@"`, `tini -- entrypoint.sh`), so that
 * they do not close the door that `startup` holds open.
 */
static const char *const wrappers[] = {
	"env",         "gosu",      "su-exec",   "setpriv",     "runuser",      "su",      "chroot",    "setsid",
	"nice",        "ionice",    "nohup",     "stdbuf",      "timeout",      "taskset", "prlimit",   "tini",
	"tini-static", "dumb-init", "catatonit", "docker-init", "s6-setuidgid", "chpst",   "setuidgid", "numactl",
};

/* What /etc/shells lists although it runs nothing; with uutils or `coreutils` they would take a whole multi-call
 * binary. */
static const char *const not_shells[] = {"false", "true", "nologin"};

struct inodes {
	uint64_t *values;
	int *fds; /* O_PATH, of each; NULL: not wanted */
	size_t count, room;
};

static int add_inode(struct inodes *inodes, uint64_t inode)
{
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->values[i] == inode)
			return 0;
	if (inodes->count == inodes->room)
		return -E2BIG;
	inodes->values[inodes->count++] = inode;
	return 0;
}

static bool is_nothing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* 0 also when there is no regular file at the path. */
static int add_path(int rootfs_fd, const char *path, struct inodes *inodes, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	size_t before;
	struct stat st;
	int r = cfd_fd_open_in_root(rootfs_fd, path, O_PATH, &fd, err);

	if (r)
		return is_nothing(r) ? 0 : r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s inside of the root filesystem", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	before = inodes->count;
	r = add_inode(inodes, st.st_ino);
	if (!r && inodes->fds && inodes->count > before)
		inodes->fds[before] = cfd_take_fd(&fd);
	return r ? cfd_fail(err, r, "%s is one file more than the %zu that the guard can tell apart", path,
			    inodes->room)
		 : 0;
}

/* Whether the directory is another one than those before it: /bin is often a link to /usr/bin. */
static int is_new_directory(int rootfs_fd, const char *path, struct inodes *seen, bool *ret_new, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	size_t before = seen->count;
	struct stat st;
	int r = cfd_fd_open_in_root(rootfs_fd, path, O_PATH | O_DIRECTORY, &fd, err);

	if (r && !is_nothing(r))
		return r;
	if (!r && fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s inside of the root filesystem", path);
	if (!r)
		add_inode(seen, st.st_ino);
	*ret_new = seen->count > before;
	return 0;
}

/* Calls `act` once for each of the usual directories that is there. */
static int each_directory(int rootfs_fd,
			  int (*act)(int rootfs_fd, const char *directory, void *data, struct cfd_error *err),
			  void *data, struct cfd_error *err)
{
	uint64_t directory_inodes[CFD_COUNT(directories)];
	struct inodes seen = {.values = directory_inodes, .room = CFD_COUNT(directories)};
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(directories); i++) {
		bool is_new = false;

		r = is_new_directory(rootfs_fd, directories[i], &seen, &is_new, err);
		if (!r && is_new)
			r = act(rootfs_fd, directories[i], data, err);
	}
	return r;
}

struct search {
	const char *const *names;
	size_t name_count;
	struct inodes *inodes;
	struct cfd_copies copies;
	const char *directory;
};

static int add_names_in(int rootfs_fd, const char *directory, void *data, struct cfd_error *err)
{
	const struct search *search = data;
	int r = 0;

	for (size_t i = 0; !r && i < search->name_count; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", directory, search->names[i]);
		r = add_path(rootfs_fd, path, search->inodes, err);
	}
	return r;
}

static int add_copy(const char *name, uint64_t inode, void *data, struct cfd_error *err)
{
	struct search *search = data;

	if (!add_inode(search->inodes, inode))
		return 0;
	return cfd_fail(err, -E2BIG,
			"%s/%s, a copy of a shell, is one file more than the %zu that the guard can tell apart",
			search->directory, name, search->inodes->room);
}

/* Not in the root directory itself, where nobody looks for programs. */
static int add_copies_in(int rootfs_fd, const char *directory, void *data, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	struct search *search = data;
	int r = 0;

	if (cfd_streq(directory, "."))
		return 0;
	r = cfd_fd_open_in_root(rootfs_fd, directory, O_PATH | O_DIRECTORY, &fd, err);
	search->directory = directory;
	return r ? r : cfd_copies_search(&search->copies, fd, add_copy, search, err);
}

static bool names_a_shell(const char *line)
{
	const char *base = strrchr(line, '/');

	if (line[0] != '/')
		return false;
	for (size_t i = 0; i < CFD_COUNT(not_shells); i++)
		if (cfd_streq(base + 1, not_shells[i]))
			return false;
	return true;
}

static int add_listed(int rootfs_fd, struct inodes *shells, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	char *cursor, *line;
	int r = cfd_fd_read_in_root(rootfs_fd, "etc/shells", SHELLS_FILE_MAX_BYTES, &buf, err);

	if (r)
		return is_nothing(r) ? 0 : r;
	cursor = buf.data;
	for (size_t lines = 0; !r && (line = strsep(&cursor, "\n")); lines++) {
		if (lines == SHELLS_FILE_MAX_LINES)
			return cfd_fail(err, -E2BIG, "the image's /etc/shells has more than %d lines",
					SHELLS_FILE_MAX_LINES);
		line[strcspn(line, "# \t\r")] = '\0';
		if (names_a_shell(line))
			r = add_path(rootfs_fd, line, shells, err);
	}
	return r;
}

static int compare_inodes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int finish(const struct inodes *inodes, size_t *ret_count)
{
	qsort(inodes->values, inodes->count, sizeof(*inodes->values), compare_inodes);
	*ret_count = inodes->count;
	return 0;
}

struct fds {
	int values[CFD_COPIES_MAX_ORIGINALS];
};

static void fds_release(struct fds *fds)
{
	for (size_t i = 0; i < CFD_COUNT(fds->values); i++)
		cfd_base_close(&fds->values[i]);
}

int cfd_shells_find(int rootfs_fd, uint64_t *ret_inodes, size_t room, size_t *ret_count, struct cfd_error *err)
{
	CFD_AUTO(fds_release) struct fds fds;
	struct inodes shells = {.values = ret_inodes,
				.fds = fds.values,
				.room = room < CFD_COPIES_MAX_ORIGINALS ? room : CFD_COPIES_MAX_ORIGINALS};
	struct search search = {.names = names, .name_count = CFD_COUNT(names), .inodes = &shells};
	int r;

	memset(&fds, 0xff, sizeof(fds)); /* -1 */
	r = each_directory(rootfs_fd, add_names_in, &search, err);
	if (!r)
		r = add_listed(rootfs_fd, &shells, err);
	shells.fds = NULL;
	search.copies = (struct cfd_copies){.originals = fds.values, .original_count = shells.count};
	if (!r && shells.count)
		r = each_directory(rootfs_fd, add_copies_in, &search, err);
	if (r)
		return cfd_wrap(err, "looking for the image's shells");
	return finish(&shells, ret_count);
}

int cfd_shells_wrappers(int rootfs_fd, uint64_t *ret_inodes, size_t room, size_t *ret_count, struct cfd_error *err)
{
	struct inodes inodes = {.values = ret_inodes, .room = room};
	const struct search search = {.names = wrappers, .name_count = CFD_COUNT(wrappers), .inodes = &inodes};
	int r = each_directory(rootfs_fd, add_names_in, (void *)&search, err);

	return r ? cfd_wrap(err, "looking for programs of the image that start others") : finish(&inodes, ret_count);
}

int cfd_shells_resolve(int rootfs_fd, char *const *paths, uint64_t *ret_inodes, size_t room, size_t *ret_count,
		       struct cfd_error *err)
{
	struct inodes inodes = {.values = ret_inodes, .room = room};

	for (size_t i = 0; paths[i]; i++) {
		int r = add_path(rootfs_fd, paths[i], &inodes, err);

		if (r)
			return r;
	}
	return finish(&inodes, ret_count);
}
