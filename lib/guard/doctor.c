/* SPDX-License-Identifier: Apache-2.0 */
/* What `cofferdam doctor` says of the guard: a row each for what it needs of the host, and for what is loaded. */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/bpf.h"
#include "lib/guard/cgroup.h"
#include "lib/guard/guard.h"
#include "lib/guard/hooks.h"
#include "lib/guard/host.h"
#include "lib/guard/pins.h"
#include "lib/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BTF_FILE "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"
#define JIT_FILE "/proc/sys/net/core/bpf_jit_enable"
#define UNPRIVILEGED_FILE "/proc/sys/kernel/unprivileged_bpf_disabled"
#define SMALL_FILE_MAX_BYTES ((size_t)256)

/* BPF_LSM_CGROUP came with Linux 6.0 (69fd337a975c); 6.1 is the first that has long-term support. */
#define KERNEL_NEEDED 6

static bool tell(struct cfd_guard_feature *feature, bool present, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool tell(struct cfd_guard_feature *feature, bool present, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(feature->detail, sizeof(feature->detail), format, arguments);
	va_end(arguments);
	return present;
}

/* The first line of a small file of the kernel's, or NULL. */
static const char *read_line(const char *path, struct cfd_buf *buf)
{
	struct cfd_error ignored;

	if (cfd_fd_read_kernel(AT_FDCWD, path, SMALL_FILE_MAX_BYTES, buf, &ignored) || !buf->data)
		return NULL;
	buf->data[strcspn(buf->data, "\n")] = '\0';
	return buf->data;
}

static bool see_kernel(struct cfd_guard_feature *feature)
{
	char release[65];

	cfd_guard_host_release(release, sizeof(release));
	if (strtol(release, NULL, 10) >= KERNEL_NEEDED)
		return tell(feature, true, "%s", release);
	return tell(feature, false, "%s: LSM programs on cgroups came with Linux 6.0, install 6.1 or later", release);
}

/* Whether the options have nsdelegate, by which a cgroup namespace is a wall; true when it cannot be told. */
static bool has_nsdelegate(const char *root)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_mountinfo mount;
	struct cfd_error ignored;
	char *cursor;

	if (cfd_mountinfo_read(&buf, &ignored))
		return true;
	cursor = buf.data;
	while (cfd_mountinfo_next(&cursor, &mount))
		if (cfd_streq(mount.type, "cgroup2") && cfd_streq(mount.point, root))
			return strstr(mount.super_options, "nsdelegate");
	return true;
}

static bool see_cgroup(struct cfd_guard_feature *feature)
{
	CFD_AUTO_FREE char *root = NULL;
	struct cfd_error err;

	if (cfd_cgroup_root(&root, &err))
		return tell(feature, false, "%s", err.message);
	if (has_nsdelegate(root))
		return tell(feature, true, "%s", root);
	return tell(feature, false,
		    "%s is mounted without nsdelegate, so a process that is handed a cgroup's descriptor can leave its "
		    "container's: mount -o remount,nsdelegate %s",
		    root, root);
}

static bool see_bpffs(struct cfd_guard_feature *feature)
{
	struct cfd_error err;

	if (cfd_guard_host_check_bpffs(&err))
		return tell(feature, false, "%s", err.message);
	return tell(feature, true, "/sys/fs/bpf");
}

static bool see_lsm(struct cfd_guard_feature *feature)
{
	struct cfd_error err;

	if (cfd_guard_host_check_lsm(&err))
		return tell(feature, false, "%s", err.message);
	if (!access(CFD_GUARD_HOST_LSM_LIST, R_OK))
		return tell(feature, true, CFD_GUARD_HOST_LSM_LIST);
	return tell(feature, false, "cannot tell: mount -t securityfs securityfs /sys/kernel/security");
}

static bool see_btf(struct cfd_guard_feature *feature)
{
	bool present = !access(BTF_FILE, R_OK);

	return tell(feature, present, present ? BTF_FILE : "the kernel is built without CONFIG_DEBUG_INFO_BTF");
}

static bool see_overlay(struct cfd_guard_feature *feature)
{
	/* Built into the kernel, it is described with the kernel; as a module, once that is loaded. */
	bool present = !access("/sys/kernel/btf/overlay", R_OK) || access("/sys/module/overlay/initstate", F_OK);

	return tell(feature, present,
		    present ? "found when overlayfs is in use"
			    : "CONFIG_DEBUG_INFO_BTF_MODULES is off: no image_only on overlayfs");
}

/* Trampolines are made by the JIT. A kernel that has no such file always compiles, or never. */
static bool see_jit(struct cfd_guard_feature *feature)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	const char *line = read_line(JIT_FILE, &buf);

	if (line && cfd_streq(line, "0"))
		return tell(
			feature, false,
			"sysctl -w net.core.bpf_jit_enable=1: the kernel interprets BPF, and then has no LSM programs");
	return tell(feature, true, line ? "on" : "the kernel does not say");
}

/* [confidentiality] refuses bpf_probe_read_kernel() (security/security.c, LOCKDOWN_BPF_READ_KERNEL). */
static bool see_lockdown(struct cfd_guard_feature *feature)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	const char *line = read_line(LOCKDOWN_FILE, &buf);

	if (line && strstr(line, "[confidentiality]"))
		return tell(feature, false,
			    "lockdown=confidentiality keeps BPF programs from reading the kernel's memory, as the "
			    "guard's must: boot with lockdown=integrity or without");
	return tell(feature, true, "%s", line ? line : "none");
}

static bool see_programs(struct cfd_guard_feature *feature)
{
	struct cfd_error err;

	if (cfd_guard_hooks_try(&err))
		return tell(feature, false, "%s", err.message);
	return tell(feature, true, "one was loaded, and let go");
}

static bool see_hooks(struct cfd_guard_feature *feature)
{
	CFD_AUTO_FREE char *root = NULL;
	char names[CFD_GUARD_HOOKS_NAMES];
	size_t others = 0, ours = cfd_guard_bpf_hooks();
	struct cfd_error err;

	if (cfd_cgroup_root(&root, &err) || cfd_guard_hooks_of_others(root, names, &others, &err))
		return tell(feature, false, "%s", err.message);
	if (others + ours <= CFD_GUARD_HOOKS_MAX)
		return tell(feature, true, "%zu of the kernel's %d, %zu for others%s%s", ours, CFD_GUARD_HOOKS_MAX,
			    CFD_GUARD_HOOKS_MAX - ours - others, others ? " beside " : "", names);
	return tell(feature, false,
		    "the guard takes %zu of the kernel's %d, and programs of others on cgroups have %zu (%s): end what "
		    "attached them, `bpftool cgroup tree` shows where",
		    ours, CFD_GUARD_HOOKS_MAX, others, names);
}

/* Nothing of the guard depends on it: containers may not call bpf(2) at all. */
static bool see_unprivileged(struct cfd_guard_feature *feature)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	const char *line = read_line(UNPRIVILEGED_FILE, &buf);

	if (line && cfd_streq(line, "0"))
		return tell(feature, false,
			    "every user of this host may load programs: sysctl -w kernel.unprivileged_bpf_disabled=2");
	return tell(feature, true, line ? "disabled" : "the kernel has none");
}

static bool see_set(struct cfd_guard_feature *feature)
{
	CFD_AUTO_FD int pins = open(CFD_GUARD_PINS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *set = cfd_guard_bpf_set();
	struct cfd_error err = {0};
	unsigned halves = 0;

	if (pins < 0 || faccessat(pins, set, F_OK, 0))
		return tell(feature, true, "nothing yet: the first container loads the programs");
	if (cfd_guard_bpf_halves(pins, set, &halves, &err))
		return tell(feature, false, "%s", err.message);
	if (halves == CFD_GUARD_ALL)
		return tell(feature, true, "all of it, " CFD_GUARD_PINS "/%s", set);
	if (halves == (CFD_GUARD_DESTINATIONS | CFD_GUARD_ANSWERS))
		return tell(feature, false,
			    "only what judges destinations (guard is prefer, and this kernel has no BPF LSM)");
	return tell(feature, false, CFD_GUARD_PINS "/%s is torn: the next container loads it anew", set);
}

static size_t count_keys(const char *name)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_error ignored;
	unsigned char key[64];
	size_t count = 0;

	if (cfd_guard_bpf_open(cfd_guard_bpf_set(), name, &map, &ignored))
		return 0;
	while (count <= CFD_GUARD_ROUTES_MAX && !cfd_guard_bpf_next_key(map, count ? key : NULL, key))
		count++;
	return count;
}

static bool see_room(struct cfd_guard_feature *feature)
{
	size_t routes = count_keys("routes"), policies = count_keys("policies");
	bool room = routes < CFD_GUARD_ROUTES_MAX && policies < CFD_GUARD_POLICIES_MAX;

	return tell(feature, room, "network rules %zu of %d, in %zu of %d policies; events %d KiB%s", routes,
		    CFD_GUARD_ROUTES_MAX, policies, CFD_GUARD_POLICIES_MAX, CFD_GUARD_RING_BYTES / 1024,
		    room ? "" : ": `cofferdam gc` removes what no container uses");
}

// clang-format off
static const struct {
	const char *name;
	bool (*see)(struct cfd_guard_feature *feature);
} rows[] = {
	{ "bpf-kernel",          see_kernel },
	{ "cgroup2",             see_cgroup },
	{ "bpffs",               see_bpffs },
	{ "bpf-lsm",             see_lsm },
	{ "btf",                 see_btf },
	{ "overlay-btf",         see_overlay },
	{ "bpf-jit",             see_jit },
	{ "lockdown",            see_lockdown },
	{ "lsm-programs",        see_programs },
	{ "lsm-hooks",           see_hooks },
	{ "unprivileged-bpf",    see_unprivileged },
	{ "guard-loaded",        see_set },
	{ "guard-room",          see_room },
};
// clang-format on

size_t cfd_guard_probe(struct cfd_guard_feature *features, size_t room)
{
	size_t count = room < CFD_COUNT(rows) ? room : CFD_COUNT(rows);

	for (size_t i = 0; i < count; i++) {
		features[i].name = rows[i].name;
		features[i].present = rows[i].see(&features[i]);
	}
	return count;
}
