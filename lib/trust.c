/* SPDX-License-Identifier: Apache-2.0 */
/* Who could have written this? */
#include "lib/trust.h"

#include "lib/fd.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LEVELS 128

#define OVERFLOW_UID 65534 /* proc_sys_kernel(5), overflowuid: the default */

/* Root of the host, seen from inside of a user namespace that does not map it. */
static bool is_outside(uid_t uid)
{
	struct cfd_error ignored = {0};
	bool initial = true;

	return uid == OVERFLOW_UID && cfd_userns_is_initial(&initial, &ignored) == 0 && !initial;
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid() || is_outside(st->st_uid);
}

static int fail_untrusted(struct cfd_error *err, const char *name, const char *where, const struct stat *st)
{
	return cfd_fail(err, -EPERM,
			"%s%s belongs to uid %u with mode %04o, so others can change it: it must belong to root and be "
			"writable by nobody else (chown root, chmod go-w)",
			where, name, st->st_uid, st->st_mode & 07777);
}

int cfd_trust_check(int fd, const char *name, struct cfd_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", name);
	return is_ours(&st) && !(st.st_mode & 022) ? 0 : fail_untrusted(err, name, "", &st);
}

int cfd_trust_check_chain(int dirfd, const char *name, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	struct stat below, st;
	int r = cfd_trust_check(dirfd, name, err);

	if (r)
		return r;
	if (fstat(dirfd, &below))
		return cfd_fail_errno(err, -errno, "cannot stat %s", name);
	for (int level = 1; level <= MAX_LEVELS; level++) {
		int up = openat(fd < 0 ? dirfd : fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0)
			return cfd_fail_errno(err, -errno, "cannot open a directory above %s", name);
		cfd_base_close(&fd);
		fd = up;
		if (fstat(fd, &st))
			return cfd_fail_errno(err, -errno, "cannot stat a directory above %s", name);
		if (st.st_ino == below.st_ino && st.st_dev == below.st_dev)
			return 0;
		if (!is_ours(&st) || ((st.st_mode & 022) && !(st.st_mode & S_ISVTX)))
			return fail_untrusted(err, name, "a directory above ", &st);
		below = st;
	}
	return cfd_fail(err, -ELOOP, "%s lies more than %d directories deep", name, MAX_LEVELS);
}

int cfd_trust_read(int dirfd, const char *name, const char *shown, size_t max, struct cfd_buf *buf,
		   struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	int r = cfd_fd_open_regular(dirfd, name, &fd, err);

	if (!r)
		r = cfd_trust_check(fd, shown, err);
	return r ? r : cfd_fd_read(fd, max, shown, buf, err);
}
