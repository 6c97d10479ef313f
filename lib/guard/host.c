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

#define LSM_LIST "/sys/kernel/security/lsm"
#define LSM_LIST_MAX_BYTES ((size_t)4096)
#define BTF_FILE "/sys/kernel/btf/vmlinux"

const char *cfd_guard_host_release(char *buffer, size_t room)
{
	struct utsname name;

	snprintf(buffer, room, "%s", uname(&name) ? "unknown" : name.release);
	return buffer;
}

static int check_bpffs(struct cfd_error *err)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"no bpf filesystem at /sys/fs/bpf, where the guard's programs are kept: "
			"mount -t bpf -o mode=0700 bpf /sys/fs/bpf");
}

int cfd_guard_host_check(struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	int r = check_bpffs(err);

	if (r)
		return r;
	if (cfd_cgroup_root(&root, err)) {
		err->code = -EOPNOTSUPP;
		return -EOPNOTSUPP;
	}
	return 0;
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

	if (cfd_fd_read_kernel(AT_FDCWD, LSM_LIST, LSM_LIST_MAX_BYTES, &list, &ignored) || !list.data)
		return 0;
	list.data[strcspn(list.data, "\n")] = '\0';
	if (list_has(list.data, "bpf"))
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"kernel %s does not consult BPF as a security module (%s has %s): boot with lsm=%s,bpf",
			cfd_guard_host_release(release, sizeof(release)), LSM_LIST, list.data, list.data);
}

/* --- doctor */

static void set_feature(struct cfd_guard_feature *feature, const char *name, bool present, const char *detail)
{
	feature->name = name;
	feature->present = present;
	snprintf(feature->detail, sizeof(feature->detail), "%.*s", (int)sizeof(feature->detail) - 1, detail);
}

static void probe_cgroup(struct cfd_guard_feature *feature)
{
	CFD_AUTO_FREE char *root = NULL;
	struct cfd_error err;
	bool present = !cfd_cgroup_root(&root, &err);

	set_feature(feature, "cgroup2", present, present ? root : err.message);
}

static void probe_bpffs(struct cfd_guard_feature *feature)
{
	struct cfd_error err;
	bool present = !check_bpffs(&err);

	set_feature(feature, "bpffs", present, present ? "/sys/fs/bpf" : err.message);
}

static void probe_lsm(struct cfd_guard_feature *feature)
{
	struct cfd_error err;
	bool active = !cfd_guard_host_check_lsm(&err), known = !access(LSM_LIST, R_OK);

	if (active && !known)
		set_feature(feature, "bpf-lsm", false,
			    "cannot tell: mount -t securityfs securityfs /sys/kernel/security");
	else
		set_feature(feature, "bpf-lsm", active, active ? LSM_LIST : err.message);
}

static void probe_btf(struct cfd_guard_feature *feature)
{
	bool present = !access(BTF_FILE, R_OK);

	set_feature(feature, "btf", present, present ? BTF_FILE : "the kernel is built without CONFIG_DEBUG_INFO_BTF");
}

static void probe_overlay(struct cfd_guard_feature *feature)
{
	/* Built into the kernel, it is described with the kernel; as a module, once that is loaded. */
	bool present = !access("/sys/kernel/btf/overlay", R_OK) || access("/sys/module/overlay/initstate", F_OK);

	set_feature(feature, "overlay-btf", present,
		    present ? "found when overlayfs is in use"
			    : "CONFIG_DEBUG_INFO_BTF_MODULES is off: no image_only on overlayfs");
}

size_t cfd_guard_probe(struct cfd_guard_feature *features, size_t room)
{
	static void (*const probes[])(struct cfd_guard_feature *) = {
		probe_cgroup, probe_bpffs, probe_lsm, probe_btf, probe_overlay,
	};
	size_t count = room < CFD_COUNT(probes) ? room : CFD_COUNT(probes);

	for (size_t i = 0; i < count; i++)
		probes[i](&features[i]);
	return count;
}
