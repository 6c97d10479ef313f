/* SPDX-License-Identifier: Apache-2.0 */
/* Files, opened once and used by descriptor. */
#include "lib/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int cfd_fd_open_regular(int dirfd, const char *path, int *ret_fd, struct cfd_error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	CFD_AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return cfd_fail(err, -ELOOP, "%s is a symbolic link; a regular file is expected here", path);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", path);
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return cfd_fail(err, -EINVAL, "%s is not a regular file", path);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

/* Reads in steps of `step`; one byte more than `max` is asked for, so that a file that is too long is noticed. */
static int read_bounded(int fd, size_t max, size_t step, const char *name, struct cfd_buf *buf, struct cfd_error *err)
{
	size_t start = buf->length;
	CFD_AUTO_FREE char *chunk = malloc(step);

	if (!chunk)
		return cfd_fail_memory(err, name);
	for (;;) {
		size_t room = max + 1 - (buf->length - start);
		ssize_t n = read(fd, chunk, room < step ? room : step);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cfd_fail_errno(err, -errno, "cannot read %s", name);
		if (n == 0)
			return 0;
		if (cfd_buf_add(buf, chunk, (size_t)n))
			return cfd_fail_memory(err, name);
		if (buf->length - start > max)
			return cfd_fail(err, -EFBIG, "%s is longer than the %zu bytes that are accepted", name, max);
	}
}

int cfd_fd_read(int fd, size_t max, const char *name, struct cfd_buf *buf, struct cfd_error *err)
{
	struct stat st;
	size_t step = 65536;

	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", name);
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return cfd_fail(err, -EFBIG, "%s has %lld bytes; at most %zu are accepted", name, (long long)st.st_size,
				max);
	if (st.st_size > 0 && st.st_size < 65536)
		step = (size_t)st.st_size + 1;
	return read_bounded(fd, max, step, name, buf, err);
}

int cfd_fd_read_file(int dirfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	int r = cfd_fd_open_regular(dirfd, path, &fd, err);

	return r ? r : cfd_fd_read(fd, max, path, buf, err);
}

int cfd_fd_read_kernel(int dirfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", path);
	return read_bounded(fd, max, 4096, path, buf, err);
}

int cfd_fd_write_all(int fd, const void *data, size_t length, const char *name, struct cfd_error *err)
{
	const char *next = data;

	while (length) {
		ssize_t n = write(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cfd_fail_errno(err, -errno, "cannot write %s", name);
		next += n;
		length -= (size_t)n;
	}
	return 0;
}

static int fill_and_rename(int dirfd, int fd, const char *temporary, const char *name, const struct cfd_buf *content,
			   bool durable, struct cfd_error *err)
{
	int r = cfd_fd_write_all(fd, content->data, content->length, name, err);

	if (!r && durable && fsync(fd))
		r = cfd_fail_errno(err, -errno, "cannot flush %s to disk", name);
	if (!r && renameat(dirfd, temporary, dirfd, name))
		r = cfd_fail_errno(err, -errno, "cannot put %s in place", name);
	if (!r && durable && fsync(dirfd))
		r = cfd_fail_errno(err, -errno, "cannot flush the directory of %s to disk", name);
	return r;
}

int cfd_fd_write_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode, bool durable,
		      struct cfd_error *err)
{
	static atomic_uint counter;
	const struct cfd_buf content = {.data = (char *)data, .length = length};
	CFD_AUTO_FD int fd = -1;
	char temporary[64];
	int r;

	snprintf(temporary, sizeof(temporary), ".new-%d-%u", (int)getpid(), atomic_fetch_add(&counter, 1));
	/* A file of that name is what a process with our pid left when it was killed. */
	unlinkat(dirfd, temporary, 0);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot create a file beside %s", name);
	r = fchmod(fd, mode) ? cfd_fail_errno(err, -errno, "cannot set the mode of %s", name)
			     : fill_and_rename(dirfd, fd, temporary, name, &content, durable, err);
	if (r)
		unlinkat(dirfd, temporary, 0);
	return r;
}

/* Flags from linux/memfd.h; MFD_NOEXEC_SEAL is newer (6.3), and must be there where vm.memfd_noexec insists. */
static int open_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | 8u);

	return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

int cfd_fd_seal(const char *name, const void *data, size_t length, int first, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = open_memory(name);
	int r, kept;

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot make a file in memory for %s", name);
	r = cfd_fd_write_all(fd, data, length, name, err);
	if (r)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return cfd_fail_errno(err, -errno, "cannot seal the file in memory for %s", name);
	kept = fcntl(fd, F_DUPFD, first);
	if (kept < 0)
		return cfd_fail_errno(err, -errno, "no descriptor from %d on is free for %s", first, name);
	*ret_fd = kept;
	return 0;
}

int cfd_fd_open_dir(int dirfd, const char *path, bool path_only, int *ret_fd, struct cfd_error *err)
{
	int fd = openat(dirfd, path, (path_only ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return cfd_fail(err, -errno, "%s is not a directory (a symbolic link is not followed here)", path);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the directory %s", path);
	*ret_fd = fd;
	return 0;
}

int cfd_fd_make_dir(int dirfd, const char *path, mode_t mode, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	bool made = mkdirat(dirfd, path, mode) == 0;
	struct stat st;
	int r;

	if (!made && errno != EEXIST)
		return cfd_fail_errno(err, -errno, "cannot make the directory %s", path);
	r = cfd_fd_open_dir(dirfd, path, false, &fd, err);
	if (r)
		return r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return cfd_fail(err, -EPERM,
				"%s belongs to uid %u with mode %04o: it must belong to uid %u and not be writable by "
				"others (chown, chmod go-w)",
				path, st.st_uid, st.st_mode & 07777, geteuid());
	if (made && fchmod(fd, mode)) /* whatever the umask took away */
		return cfd_fail_errno(err, -errno, "cannot set the mode of %s", path);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

static int open_resolved(int dirfd, const char *path, struct open_how how)
{
	int fd = -1;

	/* EAGAIN: a rename raced with a `..` in the path; the kernel asks to try again. Bounded, as someone may do it
	 * on purpose. */
	for (int attempt = 0; attempt < 64 && fd < 0; attempt++) {
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	return fd;
}

int cfd_fd_open_beneath(int dirfd, const char *path, int flags, int *ret_fd, struct cfd_error *err)
{
	const struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	int fd = open_resolved(dirfd, path, how);

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s, without following links", path);
	*ret_fd = fd;
	return 0;
}

int cfd_fd_open_in_root(int rootfd, const char *path, int flags, int *ret_fd, struct cfd_error *err)
{
	const struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int fd = open_resolved(rootfd, path, how);

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s inside of the root filesystem", path);
	*ret_fd = fd;
	return 0;
}

int cfd_fd_read_in_root(int rootfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err)
{
	CFD_AUTO_FD int found = -1, fd = -1;
	char link[64];
	struct stat st;
	int r = cfd_fd_open_in_root(rootfd, path, O_PATH, &found, err);

	if (r)
		return r;
	if (fstat(found, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s inside of the root filesystem", path);
	if (!S_ISREG(st.st_mode))
		return cfd_fail(err, -EINVAL, "%s inside of the root filesystem is not a regular file", path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot read %s inside of the root filesystem", path);
	return cfd_fd_read(fd, max, path, buf, err);
}

int cfd_fd_path(int fd, char **ret_path, struct cfd_error *err)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	if (length < 0)
		return cfd_fail_errno(err, -errno, "cannot read %s", link);
	if (length == (ssize_t)sizeof(path))
		return cfd_fail(err, -ENAMETOOLONG, "the path behind %s is longer than %zu bytes", link,
				sizeof(path) - 1);
	if (path[0] != '/')
		return cfd_fail(err, -ENOENT, "%s has no path", link);
	*ret_path = strndup(path, (size_t)length);
	return *ret_path ? 0 : cfd_fail_memory(err, "a path");
}

int cfd_fd_lock(int dirfd, const char *name, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the lock file %s", name);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return cfd_fail_errno(err, -errno, "cannot lock %s", name);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

int cfd_fd_each(int dirfd, int (*visit)(const char *name, void *data), void *data)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		cfd_base_close(&fd);
		return r;
	}
	while (!r && (errno = 0, entry = readdir(dir)))
		if (!cfd_streq(entry->d_name, ".") && !cfd_streq(entry->d_name, ".."))
			r = visit(entry->d_name, data);
	if (!r && errno)
		r = -errno;
	closedir(dir);
	return r;
}
