/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that the container inherits. */
#include "shim/inherit.h"

#include "shim/args.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FIRST 3
#define MOST 1024 /* far above what anybody hands on; each one is looked at */

static int read_count(const char *text, const char *name, int *count, struct cfd_error *err)
{
	uint64_t number = 0;

	if (text && cfd_parse_u64(text, MOST, &number))
		return cfd_fail(err, -EINVAL, "%s %s is no number from 0 to %d", name, text, MOST);
	*count += (int)number;
	return 0;
}

/* Why the descriptor may not be handed on, or NULL. */
static const char *refuse(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st))
		return errno == EBADF ? NULL : "cannot be looked at";
	if (S_ISDIR(st.st_mode))
		return "is a directory of the host, from which every other can be reached";
	if (S_ISBLK(st.st_mode))
		return "is a disk of the host";
	return flags & O_PATH ? "was opened with O_PATH, and could be anything" : NULL;
}

int cfd_inherit_end(const struct cfd_args *args, const char *listen_fds, int *ret_end, struct cfd_error *err)
{
	int end = FIRST, r = read_count(args->preserve_fds, "--preserve-fds", &end, err);

	if (!r)
		r = read_count(listen_fds, "LISTEN_FDS", &end, err);
	if (!r)
		*ret_end = end;
	return r;
}

int cfd_inherit_check(const struct cfd_args *args, const char *listen_fds, struct cfd_error *err)
{
	int end = FIRST, r = cfd_inherit_end(args, listen_fds, &end, err);

	for (int fd = 0; !r && fd < end; fd++) {
		const char *why = refuse(fd);

		if (why)
			r = cfd_fail(err, -EINVAL, "descriptor %d, which the container would inherit, %s", fd, why);
	}
	return r;
}
