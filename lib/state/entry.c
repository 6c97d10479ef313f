/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the state directory: links that carry a line of text, listing, removal. */
#include "lib/state/entry.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REMOVE_DEPTH 3 /* KEY/bundle/FILE is the deepest that cofferdam makes */

int cfd_entry_read_link(int dirfd, const char *name, char *ret_text, size_t room)
{
	ssize_t length = readlinkat(dirfd, name, ret_text, room);

	if (length < 0)
		return -errno;
	if ((size_t)length >= room)
		return -ENAMETOOLONG;
	ret_text[length] = '\0';
	return (int)length;
}

int cfd_entry_set_link(int dirfd, const char *name, const char *text, struct cfd_error *err)
{
	char temporary[64];

	if (!text) {
		if (unlinkat(dirfd, name, 0) && errno != ENOENT)
			return cfd_fail_errno(err, -errno, "cannot remove the link %s", name);
		return 0;
	}
	snprintf(temporary, sizeof(temporary), ".link-%d", (int)getpid());
	unlinkat(dirfd, temporary, 0);
	if (symlinkat(text, dirfd, temporary) || renameat(dirfd, temporary, dirfd, name))
		return cfd_fail_errno(err, -errno, "cannot write the link %s", name);
	return 0;
}

int cfd_entry_read_pair(int dirfd, const char *name, uint64_t first_max, uint64_t *ret_first, uint64_t *ret_second)
{
	uint64_t first = 0, second = 0;
	char text[64], *colon;
	int r = cfd_entry_read_link(dirfd, name, text, sizeof(text));

	if (r < 0)
		return r;
	colon = strchr(text, ':');
	if (!colon)
		return -EBADMSG;
	*colon = '\0';
	if (cfd_parse_u64(text, first_max, &first) || cfd_parse_u64(colon + 1, UINT64_MAX, &second))
		return -EBADMSG;
	*ret_first = first;
	*ret_second = second;
	return 0;
}

struct removal {
	int dirfd;
	unsigned depth;
};

static int remove_name(const char *name, void *data)
{
	const struct removal *outer = data;
	CFD_AUTO_FD int fd = -1;
	struct removal inner = {.depth = outer->depth - 1};
	int r;

	if (unlinkat(outer->dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (outer->depth == 0)
		return -ELOOP;
	fd = openat(outer->dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	inner.dirfd = fd;
	r = cfd_fd_each(fd, remove_name, &inner);
	if (r)
		return r;
	return unlinkat(outer->dirfd, name, AT_REMOVEDIR) && errno != ENOENT ? -errno : 0;
}

int cfd_entry_remove(int dirfd, const char *name)
{
	const struct removal removal = {.dirfd = dirfd, .depth = REMOVE_DEPTH};

	return remove_name(name, (void *)&removal);
}
