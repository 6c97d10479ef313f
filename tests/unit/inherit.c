/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/args.h"
#include "shim/inherit.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

struct handed { /* what is put at descriptor 3, or at 0; 4 is closed */
	const char *path;
	int flags, at;
	const char *preserve, *listen;
	bool passes;
};

/* In a child, as the test framework has a use for these descriptors: 0 passes, 1 is refused, 2 is neither. */
static int judge(const struct handed *handed)
{
	struct cfd_args args = {.preserve_fds = handed->preserve};
	struct cfd_error err = {0};
	int fd = open(handed->path, handed->flags), status = 2;
	pid_t child;

	cr_assert_geq(fd, 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		if (dup2(fd, handed->at) < 0)
			_exit(2);
		close(4);
		switch (cfd_inherit_check(&args, handed->listen, &err)) {
		case 0:
			_exit(0);
		case -EINVAL:
			_exit(1);
		default:
			_exit(2);
		}
	}
	close(fd);
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

Test(inherit, a_directory_of_the_host_is_not_handed_on)
{
	static const struct handed cases[] = {
		{"/dev/null", O_RDWR, 3, "1", NULL, true},
		{"/etc/passwd", O_RDONLY, 3, "1", NULL, true},
		{"/etc/passwd", O_RDONLY, 3, "2", NULL, true}, /* 4 is not open: the runtime says so */
		{"/", O_RDONLY, 3, NULL, NULL, true},          /* not handed on */
		{"/", O_RDONLY, 3, "0", "0", true},
		{"/", O_RDONLY, 3, "1", NULL, false},
		{"/", O_RDONLY, 3, "2", NULL, false},
		{"/", O_RDONLY, 3, NULL, "1", false},
		{"/", O_RDONLY, 0, NULL, NULL, false},
		{"/", O_PATH, 3, "1", NULL, false},
		{"/etc/passwd", O_PATH, 3, "1", NULL, false},
		{"/dev/null", O_RDWR, 3, "+1", NULL, false},
		{"/dev/null", O_RDWR, 3, "-1", NULL, false},
		{"/dev/null", O_RDWR, 3, "4294967297", NULL, false},
		{"/dev/null", O_RDWR, 3, "1 ", NULL, false},
		{"/dev/null", O_RDWR, 3, NULL, "x", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++)
		cr_expect_eq(judge(&cases[i]), cases[i].passes ? 0 : 1, "case %zu", i);
}
