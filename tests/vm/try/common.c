/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share: how they end, cgroups, policies. */
#include "tests/vm/try/try.h"
#include "lib/fd.h"
#include "lib/profile/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const struct cfd_guard_parts try_everything = {.exec = true, .net = true};

_Noreturn void try_die(const struct cfd_error *err)
{
	fprintf(stderr, "guard-try: %s (%s)\n", err->message, strerrorname_np(-err->code));
	exit(1);
}

_Noreturn void try_die_errno(const char *what)
{
	fprintf(stderr, "guard-try: %s: %s\n", what, strerrorname_np(errno));
	exit(2);
}

double try_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int try_state_dir(void)
{
	struct cfd_error err;
	int fd;

	if (cfd_fd_make_dir(AT_FDCWD, TRY_STATE, 0700, &fd, &err))
		try_die(&err);
	return fd;
}

int try_open_cgroup(const char *name, bool make, uint64_t *ret_id)
{
	char path[256];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), TRY_CGROUPS "/%s", name);
	if (make && mkdir(path, 0755) && errno != EEXIST)
		try_die_errno(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		try_die_errno(path);
	if (ret_id)
		*ret_id = st.st_ino;
	return fd;
}

void try_enter_cgroup(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), TRY_CGROUPS "/%s/cgroup.procs", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		try_die_errno(path);
	close(fd);
}

struct cfd_policy *try_compile(const char *profiles, const char *name, const char *root)
{
	struct cfd_profile_set *set = NULL;
	struct cfd_profile *profile = NULL;
	struct cfd_policy *policy = NULL;
	struct cfd_error err;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		try_die_errno(root);
	if (cfd_profile_set_open(profiles, NULL, &set, &err) || cfd_profile_load(set, name, &profile, &err) ||
	    cfd_policy_compile(profile, NULL, fd, &policy, &err))
		try_die(&err);
	return policy;
}
