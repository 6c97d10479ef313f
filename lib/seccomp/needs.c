/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that an OCI runtime makes itself once the container's filter is in force. */
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"

#include <errno.h>

static const char *const needs[] = {
	/* runc with no_new_privileges, which loads the filter last */
	"close",
	"execve",
	"exit_group",
	"fstatfs",
	"getdents64",
	"openat",
	"write",
	/* and without */
	"capget",
	"capset",
	"chdir",
	"faccessat2",
	"fstat",
	"getcwd",
	"getppid",
	"newfstatat",
	"prctl",
	"read",
	"setgid",
	"setgroups",
	"setuid",
	/* its Go runtime */
	"epoll_ctl",
	"epoll_pwait",
	"fcntl",
	"futex",
	"getpid",
	"mmap",
	"nanosleep",
	"rt_sigreturn",
	"sched_yield",
	"sigaltstack",
	"tgkill",
	/* newer runc */
	"close_range",
	"openat2",
	"statx",
	/* crun */
	"pselect6",
	"rt_sigaction",
	"rt_sigprocmask",
	"setresgid",
	"setresuid",
};

static bool allows(const struct cfd_seccomp_filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->rule_count; i++)
		if (cfd_streq(filter->rules[i].name, name) &&
		    cfd_subset_strictness(filter->rules[i].action) >= cfd_subset_strictness(SECCOMP_RET_LOG))
			return true;
	return false;
}

int cfd_seccomp_check_needs(const struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf missing = {0};

	for (size_t i = 0; i < CFD_COUNT(needs); i++)
		if (cfd_seccomp_name(needs[i]) == CFD_SECCOMP_NATIVE && !allows(filter, needs[i]) &&
		    cfd_buf_addf(&missing, " %s", needs[i]))
			return cfd_fail_memory(err, "a message");
	if (missing.length)
		return cfd_fail(
			err, -EPERM,
			"system calls that crun or runc need to start the container would be denied; add them to the "
			"profile (and to the engine's, if it brings one):%s",
			missing.data);
	return 0;
}
