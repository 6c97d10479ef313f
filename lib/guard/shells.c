/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a root filesystem are shells. Hard links need no search, they are the same inode. A copy under a name
 * of its own is not found; one that the image brought is the profile author's to list (exec.allow), one that the
 * container made is what exec.image_only refuses.
 */
#include "lib/guard/shells.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHELLS_FILE_MAX_BYTES ((size_t)64 << 10)
#define SHELLS_FILE_MAX_LINES 512

static const char *const directories[] = {
	"bin",     "sbin",    "usr/bin",           "usr/sbin", "usr/local/bin", "usr/local/sbin",
	"opt/bin", "busybox", "usr/lib/klibc/bin", ".",
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

/* What /etc/shells lists although it runs nothing; with uutils or `coreutils` they would take a whole multi-call
 * binary. */
static const char *const not_shells[] = {"false", "true", "nologin"};

struct inodes {
	uint64_t *values;
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
	struct stat st;
	int r = cfd_fd_open_in_root(rootfs_fd, path, O_PATH, &fd, err);

	if (r)
		return is_nothing(r) ? 0 : r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s inside of the root filesystem", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	r = add_inode(inodes, st.st_ino);
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

static int add_known_names(int rootfs_fd, struct inodes *shells, struct cfd_error *err)
{
	uint64_t directory_inodes[CFD_COUNT(directories)];
	struct inodes seen = {.values = directory_inodes, .room = CFD_COUNT(directories)};

	for (size_t i = 0; i < CFD_COUNT(directories); i++) {
		bool is_new;
		int r = is_new_directory(rootfs_fd, directories[i], &seen, &is_new, err);

		for (size_t k = 0; !r && is_new && k < CFD_COUNT(names); k++) {
			char path[64];

			snprintf(path, sizeof(path), "%s/%s", directories[i], names[k]);
			r = add_path(rootfs_fd, path, shells, err);
		}
		if (r)
			return r;
	}
	return 0;
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

int cfd_shells_find(int rootfs_fd, uint64_t *ret_inodes, size_t room, size_t *ret_count, struct cfd_error *err)
{
	struct inodes shells = {.values = ret_inodes, .room = room};
	int r = add_known_names(rootfs_fd, &shells, err);

	if (!r)
		r = add_listed(rootfs_fd, &shells, err);
	if (r)
		return cfd_wrap(err, "looking for the image's shells");
	return finish(&shells, ret_count);
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
