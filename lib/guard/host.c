/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard needs of this host. */
#include "lib/guard/host.h"
#include "lib/guard/cgroup.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LSM_LIST_MAX_BYTES ((size_t)4096)
#define VERIFIER_LOG_TOLD 300

const char *cfd_guard_host_release(char *buffer, size_t room)
{
	struct utsname name;

	snprintf(buffer, room, "%s", uname(&name) ? "unknown" : name.release);
	return buffer;
}

int cfd_guard_host_check_bpffs(struct cfd_error *err)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return cfd_fail_errno(err, -errno, "cannot examine /sys/fs/bpf");
		fs.f_type = 0;
	}
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"no bpf filesystem at /sys/fs/bpf, where the guard's programs are kept: "
			"mount -t bpf -o mode=0700 bpf /sys/fs/bpf");
}

int cfd_guard_host_check(struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	int r = cfd_guard_host_check_bpffs(err);

	if (r)
		return r;
	r = cfd_cgroup_root(&root, err);
	if (r == -EINVAL) /* there is none */
		r = err->code = -EOPNOTSUPP;
	return r;
}

static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

int cfd_guard_host_check_lsm(struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf list = {0};
	struct cfd_error ignored;
	char release[65];

	if (cfd_fd_read_kernel(AT_FDCWD, CFD_GUARD_HOST_LSM_LIST, LSM_LIST_MAX_BYTES, &list, &ignored) || !list.data)
		return 0;
	list.data[strcspn(list.data, "\n")] = '\0';
	if (list_has(list.data, "bpf"))
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"kernel %s does not consult BPF as a security module (%s has %s): boot with lsm=%s,bpf",
			cfd_guard_host_release(release, sizeof(release)), CFD_GUARD_HOST_LSM_LIST, list.data,
			list.data);
}

/* The last lines of the verifier's log, on one line. */
static const char *end_of(char *log)
{
	size_t length = strlen(log);
	char *start = length > VERIFIER_LOG_TOLD ? log + length - VERIFIER_LOG_TOLD : log;

	while (length && log[length - 1] == '\n')
		log[--length] = '\0';
	for (char *c = start; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	return start;
}

int cfd_guard_host_explain(bool lsm, int code, char *log, struct cfd_error *err)
{
	const char *kind = lsm ? " LSM" : "";
	char release[65];

	cfd_guard_host_release(release, sizeof(release));
	if (code == -EPERM)
		return cfd_fail(err, -EOPNOTSUPP,
				"kernel %s refuses to load BPF%s programs: it takes CAP_BPF, CAP_PERFMON and "
				"CAP_NET_ADMIN, and "
				"a host that does not forbid it (lockdown)",
				release, kind);
	return cfd_fail(err, -EOPNOTSUPP,
			"kernel %s does not load the guard's BPF%s programs (%s; Linux 6.1 or later with "
			"CONFIG_BPF_LSM and CONFIG_DEBUG_INFO_BTF is needed): %s",
			release, kind, strerrordesc_np(-code), end_of(log));
}
