/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proved seccomp filters, kept by what they were made from. A file is named by a hash, which says nothing; what counts
 * is that it belongs to us, is whole, and begins with exactly the key that is asked for.
 */
#include "lib/fd.h"
#include "lib/seccomp/filter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE ((size_t)16 << 20)
#define MAX_FILES 256
#define KEEP_FILES 192 /* after clearing out, so that it is not done each time */

struct header {
	char magic[8];
	uint64_t key_length, text_length;
	uint64_t hash; /* of key and text: finds a torn file, not a forged one */
};

static const char magic[8] = {'c', 'f', 'd', 's', 'c', 'm', 'p', '1'};

static void name_of(const struct cfd_buf *key, char name[32])
{
	snprintf(name, 32, "%016llx.seccomp", (unsigned long long)cfd_hash(CFD_HASH_START, key->data, key->length));
}

static uint64_t hash_of(const struct cfd_buf *key, const char *text, size_t length)
{
	return cfd_hash(cfd_hash(CFD_HASH_START, key->data, key->length), text, length);
}

static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 07777) == 0600;
}

int cfd_seccomp_cache_get(const char *directory, const struct cfd_buf *key, struct cfd_buf *ret_text)
{
	CFD_AUTO_FD int dir = -1, fd = -1;
	CFD_AUTO_BUF struct cfd_buf file = {0};
	struct cfd_error ignored;
	struct header header;
	const char *text;
	char name[32];

	name_of(key, name);
	if (cfd_fd_make_dir(AT_FDCWD, directory, 0700, &dir, &ignored) ||
	    cfd_fd_open_regular(dir, name, &fd, &ignored) || !is_ours(fd) ||
	    cfd_fd_read(fd, MAX_FILE, name, &file, &ignored) || file.length < sizeof(header))
		return -ENOENT;
	memcpy(&header, file.data, sizeof(header));
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.key_length != key->length ||
	    header.text_length > file.length || sizeof(header) + key->length + header.text_length != file.length ||
	    memcmp(file.data + sizeof(header), key->data, key->length) != 0)
		return -ENOENT;
	text = file.data + sizeof(header) + key->length;
	if (hash_of(key, text, header.text_length) != header.hash || cfd_buf_add(ret_text, text, header.text_length))
		return -ENOENT;
	return 0;
}

struct aged {
	char name[64];
	struct timespec time;
};

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct aged *)a)->time, *y = &((const struct aged *)b)->time;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The plain files of the directory, at most `most` of them; among them what a writer left that was killed. */
static size_t list_files(int directory, struct aged *files, size_t most)
{
	CFD_AUTO(closedirp) DIR *dir = NULL;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	size_t count = 0;
	struct stat st;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		cfd_base_close(&fd);
		return 0;
	}
	while (count < most && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) >= sizeof(files->name) ||
		    fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		memcpy(files[count].name, entry->d_name, strlen(entry->d_name) + 1);
		files[count++].time = st.st_mtim;
	}
	return count;
}

static void clear_out(int directory)
{
	const size_t most = 4 * MAX_FILES; /* a directory that grew beyond is cleared in several turns */
	CFD_AUTO_FREE struct aged *files = calloc(most, sizeof(*files));
	size_t count = files ? list_files(directory, files, most) : 0;

	if (count <= MAX_FILES)
		return;
	qsort(files, count, sizeof(*files), by_age);
	for (size_t i = 0; i < count - KEEP_FILES; i++)
		unlinkat(directory, files[i].name, 0);
}

void cfd_seccomp_cache_put(const char *directory, const struct cfd_buf *key, const struct cfd_buf *text)
{
	struct header header = {
		.key_length = key->length, .text_length = text->length, .hash = hash_of(key, text->data, text->length)};
	CFD_AUTO_FD int dir = -1;
	CFD_AUTO_BUF struct cfd_buf file = {0};
	struct cfd_error ignored;
	char name[32];

	memcpy(header.magic, magic, sizeof(magic));
	name_of(key, name);
	if (sizeof(header) + key->length + text->length > MAX_FILE || cfd_buf_add(&file, &header, sizeof(header)) ||
	    cfd_buf_add(&file, key->data, key->length) || cfd_buf_add(&file, text->data, text->length) ||
	    cfd_fd_make_dir(AT_FDCWD, directory, 0700, &dir, &ignored))
		return;
	/* Not flushed to disk: what a crash tears is a miss. */
	if (!cfd_fd_write_file(dir, name, file.data, file.length, 0600, false, &ignored))
		clear_out(dir);
}
