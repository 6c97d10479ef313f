/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of this host, resolved and compared by (device, inode). */
#include "lib/rules/hostfiles.h"

#include "lib/fd.h"
#include "lib/rules/protected.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

struct parent { /* a directory above a protected object */
	struct cfd_identity identity;
	const struct cfd_protected *row;
};

struct cfd_hostfiles {
	struct cfd_identity *itself; /* by row; {0, 0}: it does not exist here */
	struct parent *parents;
	size_t parent_count;
};

// clang-format off
/*
 * Filesystems through which the kernel shows itself. Each mount of some (proc) is a device of its own, so that it cannot
 * be told by identity. devtmpfs has tmpfs's number; it is one for the whole host, so identity tells it.
 */
static const struct {
	uint64_t magic; /* linux/magic.h; those that it lacks: the files of fs/ named beside */
	const char *name;
} kernel_filesystems[] = {
	{ PROC_SUPER_MAGIC,    "proc" },       { SYSFS_MAGIC,          "sysfs" },
	{ CGROUP_SUPER_MAGIC,  "cgroup" },     { CGROUP2_SUPER_MAGIC,  "cgroup2" },
	{ DEBUGFS_MAGIC,       "debugfs" },    { TRACEFS_MAGIC,        "tracefs" },
	{ SECURITYFS_MAGIC,    "securityfs" }, { SELINUX_MAGIC,        "selinuxfs" },
	{ SMACK_MAGIC,         "smackfs" },    { BPF_FS_MAGIC,         "bpf" },
	{ DEVPTS_SUPER_MAGIC,  "devpts" },     { EFIVARFS_MAGIC,       "efivarfs" },
	{ PSTOREFS_MAGIC,      "pstore" },     { NSFS_MAGIC,           "nsfs" },
	{ BINFMTFS_MAGIC,      "binfmt_misc" }, { RDTGROUP_SUPER_MAGIC, "resctrl" },
	{ 0x62656570,          "configfs" },   /* configfs/mount.c */
	{ 0x65735543,          "fusectl" },    /* fuse/control.c */
	{ 0x6e667364,          "nfsd" },       /* nfsd/nfsctl.c */
	{ 0x67596969,          "rpc_pipefs" }, /* ../net/sunrpc/rpc_pipe.c */
};
// clang-format on

static int find_kernel_filesystem(int fd, const char **ret_name, struct cfd_error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return cfd_fail_errno(err, -errno, "cannot tell the filesystem");
	for (size_t i = 0; i < CFD_COUNT(kernel_filesystems); i++)
		if (kernel_filesystems[i].magic == (uint64_t)fs.f_type)
			*ret_name = kernel_filesystems[i].name;
	return 0;
}

static struct cfd_identity identity_of(const struct stat *st)
{
	return (struct cfd_identity){.device = st->st_dev, .inode = st->st_ino};
}

static bool same(struct cfd_identity a, struct cfd_identity b)
{
	return a.inode && a.device == b.device && a.inode == b.inode;
}

/* Whether somebody other than root can make the name of `child` in `directory` mean something else. */
static bool can_be_replaced(const struct stat *directory, const struct stat *child)
{
	bool others = (directory->st_mode & S_IWOTH) || ((directory->st_mode & S_IWGRP) && directory->st_gid != 0);

	if (directory->st_uid != 0)
		return true;
	return others && !((directory->st_mode & S_ISVTX) && child->st_uid == 0);
}

static int too_deep(const char *path, struct cfd_error *err)
{
	return cfd_fail(err, -ENAMETOOLONG, "%s is more than %d directories deep", path, CFD_RESOLVED_DEPTH);
}

/* Identifies "/" and every further component of resolved->path. */
static int identify_chain(struct cfd_resolved *resolved, struct cfd_error *err)
{
	char prefix[CFD_PATH_MAX] = "/";
	struct stat directory, st;

	if (stat("/", &st))
		return cfd_fail_errno(err, -errno, "cannot stat /");
	resolved->count = 0;
	resolved->chain[resolved->count++] = identity_of(&st);
	for (const char *next = resolved->path; *next == '/' && next[1];) {
		size_t length = (size_t)(next - resolved->path) + 1 + strcspn(next + 1, "/");

		if (resolved->count > CFD_RESOLVED_DEPTH)
			return too_deep(resolved->path, err);
		directory = st;
		memcpy(prefix, resolved->path, length);
		prefix[length] = '\0';
		if (fstatat(AT_FDCWD, prefix, &st, AT_SYMLINK_NOFOLLOW))
			return cfd_fail_errno(err, -errno, "cannot stat %s", prefix);
		if (!resolved->swappable[0] && can_be_replaced(&directory, &st)) {
			memcpy(resolved->swappable, prefix, (size_t)(next - resolved->path));
			resolved->swappable[next - resolved->path] = '\0';
		}
		resolved->chain[resolved->count++] = identity_of(&st);
		next = resolved->path + length;
	}
	return 0;
}

int cfd_resolve(const char *path, struct cfd_resolved *ret_resolved, struct cfd_error *err)
{
	CFD_AUTO_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	CFD_AUTO_FREE char *name = NULL;
	int r;

	if (root < 0)
		return cfd_fail_errno(err, -errno, "cannot open /");
	r = cfd_fd_open_in_root(root, path, O_PATH, &fd, err);
	if (r)
		return r;
	r = cfd_fd_path(fd, &name, err);
	if (r)
		return r;
	if (strlen(name) >= sizeof(ret_resolved->path))
		return cfd_fail(err, -ENAMETOOLONG, "the real path of %s is too long", path);
	*ret_resolved = (struct cfd_resolved){0};
	strcpy(ret_resolved->path, name);
	if (fstat(fd, &ret_resolved->stat))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	r = find_kernel_filesystem(fd, &ret_resolved->kernel, err);
	if (!r)
		r = identify_chain(ret_resolved, err);
	if (r)
		return r;
	if (!same(ret_resolved->chain[ret_resolved->count - 1], identity_of(&ret_resolved->stat)))
		return cfd_fail(err, -EAGAIN, "%s was replaced while it was checked", path);
	return 0;
}

const char *cfd_resolved_beneath(const struct cfd_resolved *resolved, const char *directory)
{
	const char *rest = resolved->path;
	struct stat st;

	if (stat(directory, &st))
		return NULL;
	for (size_t i = 0; i < resolved->count; i++) {
		if (i > 0)
			rest += 1 + strcspn(rest + 1, "/");
		if (same(resolved->chain[i], identity_of(&st)))
			return *rest == '/' ? rest + 1 : rest;
	}
	return NULL;
}

static int add_parents(struct cfd_hostfiles *hostfiles, const struct cfd_protected *row, struct cfd_error *err)
{
	char prefix[CFD_PATH_MAX];
	struct stat st;

	if (strlen(row->path) >= sizeof(prefix))
		return cfd_fail(err, -ENAMETOOLONG, "%s is too long", row->path);
	strcpy(prefix, row->path);
	while (strcmp(prefix, "/") != 0) {
		char *slash = strrchr(prefix, '/');
		struct parent *parents;

		slash[slash == prefix] = '\0';
		if (stat(prefix, &st))
			continue;
		parents = reallocarray(hostfiles->parents, hostfiles->parent_count + 1, sizeof(*parents));
		if (!parents)
			return cfd_fail_memory(err, "protected files");
		hostfiles->parents = parents;
		parents[hostfiles->parent_count++] = (struct parent){.identity = identity_of(&st), .row = row};
	}
	return 0;
}

int cfd_hostfiles_gather(struct cfd_hostfiles **ret_hostfiles, struct cfd_error *err)
{
	CFD_AUTO(cfd_hostfiles_freep) struct cfd_hostfiles *hostfiles = calloc(1, sizeof(*hostfiles));
	struct stat st;

	if (!hostfiles)
		return cfd_fail_memory(err, "protected files");
	hostfiles->itself = calloc(cfd_protected_count, sizeof(*hostfiles->itself));
	if (!hostfiles->itself)
		return cfd_fail_memory(err, "protected files");
	for (size_t i = 0; i < cfd_protected_count; i++) {
		int r;

		/* A row that does not exist here cannot be handed over; what is in the way of looking is a failure. */
		if (stat(cfd_protected[i].path, &st) == 0)
			hostfiles->itself[i] = identity_of(&st);
		else if (errno != ENOENT && errno != ENOTDIR)
			return cfd_fail_errno(err, -errno, "cannot stat %s", cfd_protected[i].path);
		r = add_parents(hostfiles, &cfd_protected[i], err);
		if (r)
			return r;
	}
	*ret_hostfiles = cfd_take(hostfiles);
	return 0;
}

void cfd_hostfiles_freep(struct cfd_hostfiles **hostfiles)
{
	if (*hostfiles) {
		free((*hostfiles)->itself);
		free((*hostfiles)->parents);
		free(*hostfiles);
	}
	*hostfiles = NULL;
}

/*
 * Several rows may name one object (/bin is a link to /usr/bin): of those for the same place in the chain the first
 * serves, as they do not contradict each other.
 */
static const struct cfd_protected *row_of(const struct cfd_hostfiles *hostfiles, struct cfd_identity identity)
{
	for (size_t i = 0; i < cfd_protected_count; i++)
		if (same(hostfiles->itself[i], identity))
			return &cfd_protected[i];
	return NULL;
}

const struct cfd_protected *cfd_hostfiles_find(const struct cfd_hostfiles *hostfiles,
					       const struct cfd_resolved *resolved, bool *ret_itself)
{
	for (size_t i = resolved->count; i-- > 0;) {
		const struct cfd_protected *row = row_of(hostfiles, resolved->chain[i]);
		bool itself = i + 1 == resolved->count;

		if (row && (itself || row->inside)) {
			*ret_itself = itself;
			return row;
		}
	}
	return NULL;
}

const struct cfd_protected *cfd_hostfiles_ancestor(const struct cfd_hostfiles *hostfiles,
						   const struct cfd_resolved *resolved)
{
	for (size_t i = 0; i < hostfiles->parent_count; i++)
		if (same(hostfiles->parents[i].identity, resolved->chain[resolved->count - 1]))
			return hostfiles->parents[i].row;
	return NULL;
}
