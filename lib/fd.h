/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, opened once and used by descriptor. Every path is opened relative to a directory descriptor (AT_FDCWD for
 * none), every descriptor is O_CLOEXEC, every read is bounded.
 */
#ifndef CFD_FD_H
#define CFD_FD_H

#include "lib/base.h"
#include "lib/err.h"

#include <sys/types.h>

/*
 * Opens a regular file for reading. A symlink in the last component is refused (ELOOP), a FIFO, device, socket or
 * directory too (EINVAL), without blocking on it. The caller owns the descriptor.
 */
int cfd_fd_open_regular(int dirfd, const char *path, int *ret_fd, struct cfd_error *err);

/* Reads all of an open file, at most `max` bytes: EFBIG if there are more. The buffer is appended to. */
int cfd_fd_read(int fd, size_t max, const char *name, struct cfd_buf *buf, struct cfd_error *err);

/* Both of the above. */
int cfd_fd_read_file(int dirfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err);

/*
 * Reads a file of the kernel's (/proc, /sys), which has no size of its own. Symlinks such as /proc/self are followed.
 * -ENOENT and -ESRCH are returned as they are, so that callers can tell a process that has gone.
 */
int cfd_fd_read_kernel(int dirfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err);

/*
 * Replaces `name` in the directory as a whole or not at all: a temporary file beside it, fsync if `durable`, rename.
 * On failure, ENOSPC included, the old file is as it was and the temporary file is gone.
 */
int cfd_fd_write_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode, bool durable,
		      struct cfd_error *err);

/* Writes all of it, going on after short writes and EINTR. */
int cfd_fd_write_all(int fd, const void *data, size_t length, const char *name, struct cfd_error *err);

/*
 * A copy in memory that nobody can change any more, for a program that is about to replace this one: the descriptor is
 * the one kind here that is not O_CLOEXEC. Its number is `first` or the next one that is free.
 */
int cfd_fd_seal(const char *name, const void *data, size_t length, int first, int *ret_fd, struct cfd_error *err);

/* Opens a directory, O_PATH if `path_only`. Symlinks are followed except in the last component. */
int cfd_fd_open_dir(int dirfd, const char *path, bool path_only, int *ret_fd, struct cfd_error *err);

/*
 * Makes a directory if it is missing and opens it. One that exists must be a directory of the caller's own user that
 * nobody else can write, else EPERM: state is not read from where others could have put it. Parents must exist.
 */
int cfd_fd_make_dir(int dirfd, const char *path, mode_t mode, int *ret_fd, struct cfd_error *err);

/*
 * Resolves a path as a process would whose root directory is `rootfd` (openat2 RESOLVE_IN_ROOT): absolute symlinks and
 * `..` stay inside. Flags as for openat2, O_CLOEXEC is added. -ENOENT, -ENOTDIR and -ELOOP are returned as they are.
 */
int cfd_fd_open_in_root(int rootfd, const char *path, int flags, int *ret_fd, struct cfd_error *err);

/*
 * Opens what lies beneath the directory without following any symlink on the way or at the end (openat2
 * RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS): -ELOOP. Flags as for openat2, O_CLOEXEC is added. -ENOENT and -ENOTDIR are
 * returned as they are.
 */
int cfd_fd_open_beneath(int dirfd, const char *path, int flags, int *ret_fd, struct cfd_error *err);

/*
 * Reads a regular file of that root, at most `max` bytes. Nothing is opened for reading before it is known to be a
 * regular file (-EINVAL), so a FIFO or device in a hostile image does nothing. -ENOENT, -ENOTDIR and -ELOOP as above.
 */
int cfd_fd_read_in_root(int rootfd, const char *path, size_t max, struct cfd_buf *buf, struct cfd_error *err);

/* The absolute path that the kernel has for an open descriptor; the caller frees it. */
int cfd_fd_path(int fd, char **ret_path, struct cfd_error *err);

/*
 * Calls visit for every name in the directory; stops at its first non-zero return, which it returns. Or -errno, also
 * when the directory could not be read to its end.
 */
int cfd_fd_each(int dirfd, int (*visit)(const char *name, void *data), void *data);

/* Takes an exclusive flock on `name` in the directory, waiting; it is dropped when the descriptor is closed. */
int cfd_fd_lock(int dirfd, const char *name, int *ret_fd, struct cfd_error *err);

#endif
