/* SPDX-License-Identifier: Apache-2.0 */
/* Names of this host, walked in user space: openat2(2) follows links without telling whose they were. */
#include "lib/rules/named.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS_MAX 40 /* path_resolution(7) */

/* acl(5): the group bits are the mask then, so those of root's group may be what a list gives to others. */
static int has_acl(const char *path, bool *ret_has, struct cfd_error *err)
{
	ssize_t length = getxattr(path, "system.posix_acl_access", NULL, 0);

	if (length < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return cfd_fail_errno(err, -errno, "cannot ask for the access list of %s", path);
	*ret_has = length > 0;
	return 0;
}

int cfd_named_replaceable(const char *path, const struct stat *directory, const struct stat *child,
			  bool *ret_replaceable, struct cfd_error *err)
{
	bool others = (directory->st_mode & S_IWOTH) || ((directory->st_mode & S_IWGRP) && directory->st_gid != 0);
	bool sticky = (directory->st_mode & S_ISVTX) && child->st_uid == 0;
	int r = 0;

	if (directory->st_uid == 0 && !sticky && !others && (directory->st_mode & S_IWGRP))
		r = has_acl(path, &others, err);
	if (!r)
		*ret_replaceable = directory->st_uid != 0 || (others && !sticky);
	return r;
}

struct walk {
	int fd; /* where it is */
	char pending[2 * CFD_PATH_MAX];
	char *planted;
	unsigned links;
};

static int open_root(struct walk *walk, struct cfd_error *err)
{
	cfd_base_close(&walk->fd);
	walk->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return walk->fd < 0 ? cfd_fail_errno(err, -errno, "cannot open /") : 0;
}

static int note_if_planted(struct walk *walk, const struct stat *link, struct cfd_error *err)
{
	CFD_AUTO_FREE char *directory = NULL;
	bool replaceable = false;
	struct stat st;
	int r;

	if (walk->planted[0])
		return 0;
	if (fstat(walk->fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat a directory");
	r = cfd_fd_path(walk->fd, &directory, err);
	if (!r)
		r = cfd_named_replaceable(directory, &st, link, &replaceable, err);
	if (!r && replaceable)
		snprintf(walk->planted, CFD_PATH_MAX, "%s", directory);
	return r;
}

static int follow_link(struct walk *walk, int link, const struct stat *st, struct cfd_error *err)
{
	char target[CFD_PATH_MAX], rest[sizeof(walk->pending)];
	ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);
	int r;

	if (length < 0)
		return cfd_fail_errno(err, -errno, "cannot read a link");
	target[length] = '\0';
	if (++walk->links > LINKS_MAX)
		return cfd_fail(err, -ELOOP, "more than %d links", LINKS_MAX);
	r = note_if_planted(walk, st, err);
	if (!r && target[0] == '/')
		r = open_root(walk, err);
	strcpy(rest, walk->pending);
	if (!r && snprintf(walk->pending, sizeof(walk->pending), "%s/%s", target, rest) >= (int)sizeof(walk->pending))
		r = cfd_fail(err, -ENAMETOOLONG, "links that are too long");
	return r;
}

/* As a directory first, for automounters: see lib/rules/hostfiles.c. */
static int enter(struct walk *walk, const char *component, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(walk->fd, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOTDIR)
		fd = openat(walk->fd, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", component);
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", component);
	if (S_ISLNK(st.st_mode))
		return follow_link(walk, fd, &st, err);
	cfd_base_close(&walk->fd);
	walk->fd = cfd_take_fd(&fd);
	return 0;
}

static void walk_release(struct walk *walk)
{
	cfd_base_close(&walk->fd);
}

int cfd_named_open(const char *path, int *ret_fd, char ret_planted[CFD_PATH_MAX], struct cfd_error *err)
{
	CFD_AUTO(walk_release) struct walk walk = {.fd = -1, .planted = ret_planted};
	char component[CFD_PATH_MAX];
	int r;

	ret_planted[0] = '\0';
	if (path[0] != '/' || strlen(path) >= CFD_PATH_MAX)
		return cfd_fail(err, -EINVAL, "%.64s is no absolute path, or too long", path);
	strcpy(walk.pending, path);
	r = open_root(&walk, err);
	while (!r && cfd_path_take_first(walk.pending, component))
		r = enter(&walk, component, err);
	if (r)
		return cfd_wrap(err, "%s", path);
	*ret_fd = cfd_take_fd(&walk.fd);
	return 0;
}
