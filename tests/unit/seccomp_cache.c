/* SPDX-License-Identifier: Apache-2.0 */
/* Proved seccomp filters that are kept: used for the same request only, and only if they are whole and ours. */
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"
#include "lib/seccomp/filter.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int build(const struct cfd_seccomp_request *request, struct cfd_buf *text, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = cfd_seccomp_build(request, &doc, err);

	text->length = 0;
	if (!r)
		cr_assert_eq(cfd_json_write(cfd_json_root(doc), text), 0);
	return r;
}

static unsigned count_files(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	unsigned count = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

Test(seccomp_cache, a_kept_result_is_used_only_for_the_same_request)
{
	CFD_AUTO_BUF struct cfd_buf first = {0}, again = {0};
	struct cfd_error err = {0};
	struct cfd_seccomp_request request = {
		.profile = "docker-default", .shipped_dir = "profiles/seccomp", .bounding = cfd_caps_engine_default};
	char path[64], cache[128];

	tree_scratch(path);
	snprintf(cache, sizeof(cache), "%s/cache", path);
	request.cache_dir = cache;
	cr_assert_eq(build(&request, &first, &err), 0, "%s", err.message);
	cr_expect_eq(count_files(cache), 1);
	cr_assert_eq(build(&request, &again, &err), 0);
	cr_expect_eq(count_files(cache), 1);
	cr_expect_str_eq(first.data, again.data);

	request.bounding |= UINT64_C(1) << CAP_NET_ADMIN;
	cr_assert_eq(build(&request, &again, &err), 0);
	cr_expect_eq(count_files(cache), 2);
	cr_expect_str_neq(first.data, again.data);

	request.all_architectures = true;
	cr_assert_eq(build(&request, &again, &err), 0, "%s", err.message);
	cr_expect_eq(count_files(cache), 3);

	cr_assert_eq(chmod(cache, 0777), 0);
	request.bounding = 0;
	cr_expect_eq(build(&request, &again, &err), 0, "without a cache it works too");
	cr_expect_eq(count_files(cache), 3, "nothing is written where others can write");
}

static struct cfd_buf text_of(const char *text)
{
	return (struct cfd_buf){.data = (char *)text, .length = strlen(text)};
}

/* The one file of the cache, opened for writing. */
static int open_entry(const char *directory, int flags)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int fd = -1;

	cr_assert_not_null(dir);
	while (fd < 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			fd = openat(dirfd(dir), entry->d_name, flags | O_CLOEXEC);
	closedir(dir);
	cr_assert_geq(fd, 0);
	return fd;
}

Test(seccomp_cache, a_torn_or_foreign_cache_file_is_a_miss)
{
	const struct cfd_buf key = text_of("key"), other = text_of("kex"), text = text_of("{\"result\": 1}");
	CFD_AUTO_BUF struct cfd_buf got = {0};
	char path[64];
	struct stat st;

	tree_scratch(path);
	cr_expect_eq(cfd_seccomp_cache_get(path, &key, &got), -ENOENT);
	cfd_seccomp_cache_put(path, &key, &text);
	cr_assert_eq(cfd_seccomp_cache_get(path, &key, &got), 0);
	cr_expect_str_eq(got.data, text.data);
	cr_expect_eq(cfd_seccomp_cache_get(path, &other, &got), -ENOENT);

	for (unsigned turn = 0; turn < 5; turn++) {
		CFD_AUTO_FD int fd = -1;

		cfd_seccomp_cache_put(path, &key, &text);
		cr_assert_eq(cfd_seccomp_cache_get(path, &key, &got), 0);
		fd = open_entry(path, O_RDWR);
		cr_assert_eq(fstat(fd, &st), 0);
		if (turn == 0)
			cr_assert_eq(ftruncate(fd, st.st_size - 1), 0);
		else if (turn == 1)
			cr_assert_eq(ftruncate(fd, 5), 0);
		else if (turn == 2) /* the text */
			cr_assert_eq(pwrite(fd, "X", 1, st.st_size - 3), 1);
		else if (turn == 3) /* the key: as if two keys had the same hash */
			cr_assert_eq(pwrite(fd, "X", 1, st.st_size - (off_t)text.length - 1), 1);
		else
			cr_assert_eq(fchmod(fd, 0640), 0);
		cr_expect_eq(cfd_seccomp_cache_get(path, &key, &got), -ENOENT, "turn %u", turn);
	}
}

Test(seccomp_cache, the_cache_does_not_grow_without_end)
{
	const struct cfd_buf text = text_of("{}");
	CFD_AUTO_BUF struct cfd_buf got = {0};
	struct cfd_buf last = {0};
	char path[64];
	char key[32];

	tree_scratch(path);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		last = text_of(key);
		cfd_seccomp_cache_put(path, &last, &text);
	}
	cr_expect_leq(count_files(path), 256);
	cr_expect_geq(count_files(path), 100);
	cr_expect_eq(cfd_seccomp_cache_get(path, &last, &got), 0, "the newest stays");
}
