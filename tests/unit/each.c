/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that cannot be read to their end: what was not seen is not taken for absent. */
#include "lib/fd.h"
#include "lib/guard/pins.h"
#include "lib/state/ranges.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[] = "/tmp/cofferdam-each-XXXXXX";

static int make_directory(void)
{
	int fd;

	cr_assert(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(mkdirat(fd, "one", 0700), 0);
	cr_assert_eq(mkdirat(fd, "one/1.a", 0700), 0);
	return fd;
}

static void remove_directory(int fd)
{
	unlinkat(fd, "one/1.a", AT_REMOVEDIR);
	unlinkat(fd, "one", AT_REMOVEDIR);
	close(fd);
	rmdir(path);
}

/* From here on this process cannot read directories; each test is a process of its own. */
static void break_directories(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = CFD_COUNT(filter), .filter = filter};

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int count_name(const char *name, void *data)
{
	size_t *count = data;

	(void)name;
	return ++*count == 3 ? -EXDEV : 0;
}

static int count_pin(int dirfd, const char *name, void *data, struct cfd_error *err)
{
	(void)dirfd;
	(void)err;
	return count_name(name, data);
}

Test(each, calls_with_every_name_until_told_to_stop)
{
	int fd = make_directory();
	struct cfd_error err;
	size_t count = 0;

	cr_expect_eq(cfd_fd_each(fd, count_name, &count), 0);
	cr_expect_eq(count, 1);
	cr_expect_eq(cfd_guard_pins_each(fd, count_pin, &count, &err), 0);
	cr_expect_eq(count, 2);
	cr_expect_eq(cfd_guard_pins_each(fd, count_pin, &count, &err), -EXDEV);
	cr_expect_eq(cfd_guard_pins_remove(fd, "none", &err), 0);
	remove_directory(fd);
}

Test(each, a_directory_that_cannot_be_read_is_no_empty_one)
{
	int fd = make_directory();
	struct cfd_error err = {0};
	struct cfd_userns_range *ranges = NULL;
	size_t count = 0;

	break_directories();
	cr_expect_eq(cfd_fd_each(fd, count_name, &count), -EIO);
	cr_expect_eq(cfd_guard_pins_each(fd, count_pin, &count, &err), -EIO);
	cr_expect(strstr(err.message, "cannot read . in /sys/fs/bpf/cofferdam"), "%s", err.message);
	cr_expect_eq(cfd_guard_pins_sweep(fd, &err), -EIO);
	cr_expect_eq(cfd_guard_pins_remove(fd, "one", &err), -EIO);
	cr_expect_eq(cfd_ranges_list(fd, &ranges, &count), -EIO);
	cr_expect_eq(count, 0);
	remove_directory(fd);
}
