/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files for tests. */
#include "tests/unit/tree.h"

#include "lib/fd.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *tree_make(void)
{
	char *tree = strdup("/tmp/cofferdam-test-XXXXXX");

	cr_assert_not_null(tree);
	cr_assert_not_null(mkdtemp(tree));
	return tree;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(char **tree)
{
	if (*tree)
		nftw(*tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*tree);
	*tree = NULL;
}

#define SCRATCHES 16

static char scratches[SCRATCHES][SCRATCH_PATH];
static size_t scratch_count;
static pid_t scratch_owner; /* a child that a test forks leaves them alone */

static void remove_scratches(void)
{
	for (size_t i = 0; getpid() == scratch_owner && i < scratch_count; i++)
		nftw(scratches[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_scratch(char ret_path[SCRATCH_PATH])
{
	if (!scratch_owner) {
		scratch_owner = getpid();
		cr_assert_eq(atexit(remove_scratches), 0);
	}
	cr_assert_lt(scratch_count, SCRATCHES);
	strcpy(ret_path, "/tmp/cofferdam-test-XXXXXX");
	cr_assert_not_null(mkdtemp(ret_path));
	strcpy(scratches[scratch_count++], ret_path);
}

char *tree_path(const char *tree, const char *path)
{
	char *joined;

	cr_assert_geq(asprintf(&joined, "%s/%s", tree, path), 0);
	return joined;
}

/* Every directory in front of a slash behind `start`. */
static void make_directories(char *path, size_t start)
{
	for (char *slash = strchr(path + start, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) == 0)
			cr_assert_eq(chmod(path, 0755), 0);
		*slash = '/';
	}
}

void tree_write(const char *tree, const char *path, const char *text)
{
	CFD_AUTO_FREE char *joined = tree_path(tree, path);
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err;

	make_directories(joined, strlen(tree) + 1);
	fd = open(joined, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0, "%s", joined);
	cr_assert_eq(cfd_fd_write_all(fd, text, strlen(text), joined, &err), 0);
	cr_assert_eq(fchmod(fd, 0644), 0);
}

void tree_directory(const char *tree, const char *path)
{
	CFD_AUTO_FREE char *joined = NULL;

	cr_assert_geq(asprintf(&joined, "%s/%s/", tree, path), 0);
	make_directories(joined, strlen(tree) + 1);
}

void tree_mode(const char *tree, const char *path, mode_t mode)
{
	CFD_AUTO_FREE char *joined = tree_path(tree, path);

	cr_assert_eq(chmod(joined, mode), 0);
}

char *tree_read(const char *source)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err;

	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, source, 1 << 20, &text, &err), 0, "%s", err.message);
	return cfd_take(text.data);
}

void tree_copy(const char *tree, const char *path, const char *source)
{
	CFD_AUTO_FREE char *text = tree_read(source);

	tree_write(tree, path, text);
}
