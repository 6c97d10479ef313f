/* SPDX-License-Identifier: Apache-2.0 */
/* A log of lines, read from its end or as it grows. */
#include "lib/watch/tail.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

void cfd_tail_release(struct cfd_tail *tail)
{
	cfd_base_close(&tail->fd);
	cfd_buf_release(&tail->rest);
}

int cfd_tail_open(const char *path, off_t start, struct cfd_tail *tail, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	struct stat st;
	int r = cfd_fd_open_regular(AT_FDCWD, path, &fd, err);

	if (r)
		return r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	if (start > st.st_size)
		start = st.st_size;
	cfd_tail_release(tail);
	/* From one byte before: whether a line begins at `start` is told by the line feed before it. */
	*tail = (struct cfd_tail){.fd = cfd_take_fd(&fd), .at = start > 0 ? start - 1 : 0, .skipping = start > 0};
	return 0;
}

/* Takes one line, or what there is of one, out of the block. */
static int take_line(struct cfd_tail *tail, const char *start, size_t length, bool ended,
		     int (*visit)(const char *line, size_t length, void *data), void *data, struct cfd_error *err)
{
	int r = 0;

	if (!tail->skipping && tail->rest.length + length > CFD_TAIL_LINE_MAX) {
		tail->skipping = true;
		cfd_buf_release(&tail->rest);
	}
	if (!tail->skipping && cfd_buf_add(&tail->rest, start, length))
		return cfd_fail_memory(err, "a line of a log");
	if (!ended)
		return 0;
	if (!tail->skipping && tail->rest.length)
		r = visit(tail->rest.data, tail->rest.length, data);
	tail->skipping = false;
	tail->rest.length = 0;
	return r;
}

int cfd_tail_read(struct cfd_tail *tail, int (*visit)(const char *line, size_t length, void *data), void *data,
		  struct cfd_error *err)
{
	char block[BLOCK_BYTES];
	ssize_t got;

	while ((got = pread(tail->fd, block, sizeof(block), tail->at)) != 0) {
		size_t used = 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cfd_fail_errno(err, -errno, "cannot read a log");
		while (used < (size_t)got) {
			const char *start = block + used, *end = memchr(start, '\n', (size_t)got - used);
			size_t length = end ? (size_t)(end - start) : (size_t)got - used;
			int r;

			used += length + (end != NULL);
			r = take_line(tail, start, length, end != NULL, visit, data, err);
			if (r) {
				tail->at += (off_t)used;
				return r;
			}
		}
		tail->at += got;
	}
	return 0;
}

bool cfd_tail_rotated(const struct cfd_tail *tail, const char *path)
{
	struct stat there, here;

	if (stat(path, &there) || fstat(tail->fd, &here))
		return true;
	return there.st_dev != here.st_dev || there.st_ino != here.st_ino || here.st_size < tail->at;
}
