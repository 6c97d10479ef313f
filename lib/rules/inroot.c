/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path of an image really leads: every component is opened without following, and links are read. */
#include "lib/rules/inroot.h"

#include "lib/fd.h"
#include "lib/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* path_resolution(7) */

struct walk {
	struct cfd_inroot *end;
	char pending[2 * CFD_PATH_MAX]; /* what is still to be walked */
	unsigned links;
	size_t missing; /* length of the path up to a component that does not exist; 0: all exist */
	const struct cfd_held *covers;
	bool covered;
};

static int too_long(struct cfd_error *err)
{
	return cfd_fail(err, -ENAMETOOLONG, "a path of the image is longer than %d bytes", CFD_PATH_MAX - 1);
}

static void leave_directory(struct cfd_inroot *end)
{
	char *slash = strrchr(end->path, '/');

	if (slash)
		*slash = '\0';
	else
		end->escapes = true;
}

/* Puts the link's target in front of what is still to be walked. */
static int follow_link(struct walk *walk, int fd, struct cfd_error *err)
{
	char target[CFD_PATH_MAX], rest[sizeof(walk->pending)];
	ssize_t length = readlinkat(fd, "", target, sizeof(target) - 1);

	if (length < 0)
		return cfd_fail_errno(err, -errno, "cannot read a link of the image");
	target[length] = '\0';
	walk->end->followed = true;
	if (++walk->links > LINKS_MAX) {
		walk->end->escapes = true;
		walk->pending[0] = '\0';
		return 0;
	}
	leave_directory(walk->end);
	if (target[0] == '/')
		walk->end->path[0] = '\0';
	strcpy(rest, walk->pending);
	if (snprintf(walk->pending, sizeof(walk->pending), "%s/%s", target, rest) >= (int)sizeof(walk->pending))
		return too_long(err);
	return 0;
}

static int enter(struct walk *walk, int rootfs_fd, const char *component, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	size_t length = strlen(walk->end->path);
	struct cfd_error why = {0};
	struct stat st;
	int r;

	if (length + strlen(component) + 2 > sizeof(walk->end->path))
		return too_long(err);
	walk->end->path[length] = '/';
	strcpy(walk->end->path + length + 1, component);
	walk->covered |= walk->covers && cfd_held_at(walk->covers, walk->end->path) != CFD_HELD_NONE;
	if (walk->covered)
		return 0;
	if (walk->missing && length >= walk->missing)
		return 0; /* beneath what does not exist there is nothing */
	walk->missing = 0;
	r = cfd_fd_open_in_root(rootfs_fd, walk->end->path, O_PATH | O_NOFOLLOW, &fd, &why);
	/* The runtime makes it, as it is written; a name that is too long it cannot make. */
	if (r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG) {
		walk->missing = length + 1 + strlen(component);
		return 0;
	}
	if (r) {
		*err = why;
		return r;
	}
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat a file of the image");
	return S_ISLNK(st.st_mode) ? follow_link(walk, fd, err) : 0;
}

int cfd_inroot_follow(int rootfs_fd, const char *path, const struct cfd_held *covers, struct cfd_inroot *ret_end,
		      struct cfd_error *err)
{
	struct cfd_inroot end = {0};
	struct walk walk = {.end = &end, .covers = covers};
	char component[CFD_PATH_MAX];
	int r = 0;

	if (strlen(path) >= CFD_PATH_MAX)
		return too_long(err);
	strcpy(walk.pending, path);
	while (!r && cfd_path_take_first(walk.pending, component)) {
		if (strcmp(component, "..") == 0 && walk.covered)
			end.escapes = true;
		else if (strcmp(component, "..") == 0)
			leave_directory(&end);
		else if (strcmp(component, ".") != 0)
			r = enter(&walk, rootfs_fd, component, err);
	}
	if (r)
		return r;
	if (!end.path[0])
		strcpy(end.path, "/");
	*ret_end = end;
	return 0;
}
