/* SPDX-License-Identifier: Apache-2.0 */
/* Files with the content of a shell: by size first, which tells nearly all apart. */
#include "lib/policy/copies.h"
#include "lib/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 16384

static void close_directory(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static int open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* What cannot be read or is over the bound counts as the same: nothing is let through that was not compared. */
static bool is_same(struct cfd_copies *copies, int original, int candidate)
{
	CFD_AUTO_FD int a = open_again(original), b = open_again(candidate);
	char left[CHUNK_BYTES], right[CHUNK_BYTES];

	while (a >= 0 && b >= 0 && copies->bytes < CFD_COPIES_MAX_BYTES) {
		ssize_t n = read(a, left, sizeof(left)), m = read(b, right, sizeof(right));

		if (n < 0 || m < 0)
			return true;
		copies->bytes += (uint64_t)n;
		if (n != m || memcmp(left, right, (size_t)n))
			return false;
		if (!n)
			return true;
	}
	return true;
}

struct known { /* of an original, asked for once */
	dev_t device;
	ino_t inode;
	off_t size;
};

static int learn(const struct cfd_copies *copies, struct known *known, struct cfd_error *err)
{
	struct stat st;

	for (size_t i = 0; i < copies->original_count; i++) {
		if (fstat(copies->originals[i], &st))
			return cfd_fail_errno(err, -errno, "cannot stat a shell of the image");
		known[i] = (struct known){.device = st.st_dev, .inode = st.st_ino, .size = st.st_size};
	}
	return 0;
}

static bool is_original(const struct known *known, size_t count, const struct stat *st)
{
	for (size_t i = 0; i < count; i++)
		if (known[i].inode == st->st_ino && known[i].device == st->st_dev)
			return true;
	return false;
}

static int compare(struct cfd_copies *copies, const struct known *known, int directory, const char *name,
		   const struct stat *st, bool *ret_copy, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;

	for (size_t i = 0; i < copies->original_count; i++) {
		if (known[i].size != st->st_size)
			continue;
		if (is_original(known, copies->original_count, st))
			return 0;
		if (fd < 0)
			fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return cfd_fail_errno(err, -errno, "cannot open %s inside of the root filesystem", name);
		*ret_copy = is_same(copies, copies->originals[i], fd);
		if (*ret_copy)
			return 0;
	}
	return 0;
}

int cfd_copies_search(struct cfd_copies *copies, int directory,
		      int (*found)(const char *name, uint64_t inode, void *data, struct cfd_error *err), void *data,
		      struct cfd_error *err)
{
	CFD_AUTO(close_directory) DIR *stream = NULL;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct known known[CFD_COPIES_MAX_ORIGINALS];
	struct dirent *entry;

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot read a directory of the root filesystem");
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return cfd_fail_memory(err, "a directory");
	}
	r = learn(copies, known, err);
	while (!r && copies->entries < CFD_COPIES_MAX_ENTRIES && (errno = 0, entry = readdir(stream))) {
		bool copy = false;
		struct stat st;

		copies->entries++;
		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			if (errno == ENOENT)
				continue;
			return cfd_fail_errno(err, -errno, "cannot look at %s inside of the root filesystem",
					      entry->d_name);
		}
		if (!S_ISREG(st.st_mode) || !st.st_size)
			continue;
		r = compare(copies, known, fd, entry->d_name, &st, &copy, err);
		if (!r && copy)
			r = found(entry->d_name, st.st_ino, data, err);
	}
	if (!r && copies->entries < CFD_COPIES_MAX_ENTRIES && errno)
		return cfd_fail_errno(err, -errno, "cannot read a directory of the root filesystem to its end");
	return r;
}
