/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp in a process of its own, limited in time and memory: its output is all that counts. */
#include "lib/seccomp/compiler.h"
#include "lib/fd.h"
#include "lib/seccomp/subset.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMPILE_SECONDS 2   /* of processor time: a busy host is not a hanging libseccomp */
#define COMPILE_DEADLINE 30 /* seconds */
#define COMPILE_MEMORY ((rlim_t)512 << 20)

void cfd_seccomp_compiler_stop(struct cfd_seccomp_compiler *c)
{
	if (c->child > 0) {
		kill(c->child, SIGKILL);
		while (waitpid(c->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->child = 0;
	cfd_base_close(&c->pipe);
	cfd_base_close(&c->program);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit lower = {most, most}, now;

	if (getrlimit(resource, &now) == 0 && now.rlim_max > most)
		setrlimit(resource, &lower);
}

static _Noreturn void work_in_child(cfd_seccomp_work work, const struct cfd_seccomp_filter *filter, int program,
				    int report)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_CPU, COMPILE_SECONDS);
	limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	limit(RLIMIT_DATA, COMPILE_MEMORY);
#endif
	status = work(filter, program);
	_exit(write(report, &status, sizeof(status)) == sizeof(status) ? 0 : 1);
}

int cfd_seccomp_compiler_start(struct cfd_seccomp_compiler *c, const char *what, cfd_seccomp_work work,
			       const struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	CFD_AUTO_FD int program = memfd_create("seccomp", MFD_CLOEXEC), in = -1, out = -1;
	int ends[2];

	if (program < 0 || pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot prepare to compile a seccomp filter");
	in = ends[0];
	out = ends[1];
	c->what = what;
	c->child = fork();
	if (c->child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process to compile a seccomp filter");
	if (c->child == 0)
		work_in_child(work, filter, program, out);
	c->pipe = cfd_take_fd(&in);
	c->program = cfd_take_fd(&program);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail_time(const struct cfd_seccomp_compiler *c, struct cfd_error *err)
{
	return cfd_fail(
		err, -ETIME,
		"libseccomp did not finish compiling %s; it is known to hang on some combinations of argument rules: "
		"use fewer of them",
		c->what);
}

/* The child ended without a report. */
static int fail_death(struct cfd_seccomp_compiler *c, struct cfd_error *err)
{
	int status = 0;
	pid_t child = c->child;

	c->child = 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			break;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
		return fail_time(c, err);
	return cfd_fail(err, -ECHILD, "the process that compiled %s died", c->what);
}

/* Waits for the child's report, which is one int, until the deadline. */
static int compiler_wait(struct cfd_seccomp_compiler *c, int *ret_status, struct cfd_error *err)
{
	struct pollfd poll_fd = {.fd = c->pipe, .events = POLLIN};
	int64_t deadline = now_ms() + COMPILE_DEADLINE * 1000;
	int ready;

	do {
		int64_t left = deadline - now_ms();

		ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
		if (ready < 0 && errno != EINTR)
			return cfd_fail_errno(err, -errno, "cannot wait for libseccomp");
	} while (ready < 0);
	if (ready == 0)
		return fail_time(c, err);
	return read(c->pipe, ret_status, sizeof(*ret_status)) == sizeof(*ret_status) ? 0 : fail_death(c, err);
}

int cfd_seccomp_compiler_finish(struct cfd_seccomp_compiler *c, struct cfd_subset_program *ret_program,
				struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf code = {0};
	int status = 0, r = compiler_wait(c, &status, err);

	if (!r && status)
		r = cfd_fail_errno(err, status, "libseccomp refuses %s%s", c->what,
				   status == -EEXIST ? " (it has two rules for the same arguments of a call)" : "");
	if (!r && lseek(c->program, 0, SEEK_SET) != 0)
		r = cfd_fail_errno(err, -errno, "cannot read a compiled seccomp filter");
	if (!r)
		r = cfd_fd_read(c->program, CFD_SUBSET_MAX_PROGRAM * sizeof(struct sock_filter),
				"a compiled seccomp filter", &code, err);
	if (r)
		return r;
	ret_program->length = code.length / sizeof(struct sock_filter);
	ret_program->code = (void *)code.data;
	code.data = NULL;
	return 0;
}
