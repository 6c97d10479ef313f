/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of this host, resolved and compared by (device, inode). */
#include "lib/rules/hostfiles.h"

#include "lib/fd.h"
#include "lib/rules/named.h"
#include "lib/rules/protected.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct parent { /* a directory above a protected object; of several objects the first one's */
	struct cfd_identity identity;
	const struct cfd_protected *row;
	size_t length; /* of its path, which the row's begins with */
};

struct directory {
	const char *path;
	struct cfd_identity identity; /* {0, 0}: it does not exist */
};

struct cfd_resolver {
	int root;
	char path[CFD_PATH_MAX]; /* the last one */
	struct stat steps[CFD_RESOLVED_DEPTH + 1];
	size_t known; /* steps from "/" on that nobody but root can replace */
	bool has_device;
	dev_t device;
	const char *kernel; /* the filesystem of that device, as in cfd_resolved */
	struct directory *directories;
	size_t directory_count;
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

static int too_deep(const char *path, struct cfd_error *err)
{
	return cfd_fail(err, -ENAMETOOLONG, "%s is more than %d directories deep", path, CFD_RESOLVED_DEPTH);
}

int cfd_resolver_new(struct cfd_resolver **ret_resolver, struct cfd_error *err)
{
	CFD_AUTO(cfd_resolver_freep) struct cfd_resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return cfd_fail_memory(err, "paths of this host");
	resolver->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (resolver->root < 0)
		return cfd_fail_errno(err, -errno, "cannot open /");
	if (fstat(resolver->root, &resolver->steps[0]))
		return cfd_fail_errno(err, -errno, "cannot stat /");
	resolver->known = 1;
	*ret_resolver = cfd_take(resolver);
	return 0;
}

void cfd_resolver_freep(struct cfd_resolver **resolver)
{
	if (*resolver) {
		cfd_base_close(&(*resolver)->root);
		free((*resolver)->directories);
		free(*resolver);
	}
	*resolver = NULL;
}

/* Whether the first `length` bytes of the path are a directory of the last path. */
static bool is_of_last(const struct cfd_resolver *resolver, const char *path, size_t length)
{
	return strncmp(resolver->path, path, length) == 0 &&
	       (resolver->path[length] == '/' || resolver->path[length] == '\0');
}

/* The directory or object that this begin of the path names. */
static int look_at(const char *prefix, struct stat *ret_step, struct cfd_error *err)
{
	if (fstatat(AT_FDCWD, prefix, ret_step, AT_SYMLINK_NOFOLLOW))
		return cfd_fail_errno(err, -errno, "cannot stat %s", prefix);
	return 0;
}

/*
 * The object itself was opened and is in resolved->stat. Where others could have put another one in its place since, or
 * in the place of a directory above, its name is asked again.
 */
static int identify_object(const struct cfd_resolved *resolved, bool trusted, const char *above,
			   const struct stat *parent, struct stat *ret_step, struct cfd_error *err)
{
	bool replaceable = true;
	int r = 0;

	*ret_step = resolved->stat;
	if (trusted)
		r = cfd_named_replaceable(above, parent, ret_step, &replaceable, err);
	return r || !replaceable ? r : look_at(resolved->path, ret_step, err);
}

static int note_if_swappable(struct cfd_resolved *resolved, const char *above, const struct stat *parent,
			     const struct stat *step, struct cfd_error *err)
{
	bool replaceable = false;
	int r = resolved->swappable[0] ? 0 : cfd_named_replaceable(above, parent, step, &replaceable, err);

	if (!r && replaceable)
		strcpy(resolved->swappable, above);
	return r;
}

/* Identifies "/" and every further component of resolved->path. */
static int identify_chain(struct cfd_resolver *resolver, struct cfd_resolved *resolved, struct cfd_error *err)
{
	struct stat *steps = resolver->steps;
	char prefix[CFD_PATH_MAX] = "/", above[CFD_PATH_MAX];
	size_t known = 1, of_last = resolver->known;
	int r = 0;

	resolver->known = 1; /* until all steps are those of this path */
	resolved->chain[0] = identity_of(&steps[0]);
	resolved->count = 1;
	for (const char *next = resolved->path; *next == '/' && next[1];) {
		size_t length = (size_t)(next - resolved->path) + 1 + strcspn(next + 1, "/"), i = resolved->count;

		if (i > CFD_RESOLVED_DEPTH)
			return too_deep(resolved->path, err);
		strcpy(above, prefix);
		memcpy(prefix, resolved->path, length);
		prefix[length] = '\0';
		if (!resolved->path[length])
			r = identify_object(resolved, known == i, above, &steps[i - 1], &steps[i], err);
		else if (known < i || i >= of_last || !is_of_last(resolver, prefix, length))
			r = look_at(prefix, &steps[i], err);
		if (!r)
			r = note_if_swappable(resolved, above, &steps[i - 1], &steps[i], err);
		if (r)
			return r;
		known += !resolved->swappable[0] && known == i;
		resolved->chain[resolved->count++] = identity_of(&steps[i]);
		next = resolved->path + length;
	}
	strcpy(resolver->path, resolved->path);
	resolver->known = known;
	return 0;
}

/*
 * A path without symbolic links: then it is its own name. As a directory first: asked for like this, one that an
 * automounter has yet to mount is mounted (path_walk, namei.c).
 */
static int open_without_links(const struct cfd_resolver *resolver, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_DIRECTORY,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	int fd;

	if (!cfd_path_is_clean(path) || cfd_ends_with(path, "/"))
		return -1;
	fd = (int)syscall(SYS_openat2, resolver->root, path, &how, sizeof(how));
	if (fd >= 0 || errno != ENOTDIR)
		return fd;
	how.flags &= ~(uint64_t)O_DIRECTORY;
	return (int)syscall(SYS_openat2, resolver->root, path, &how, sizeof(how));
}

/* With what the kernel calls it. */
static int open_path(const struct cfd_resolver *resolver, const char *path, int *ret_fd, char **ret_name,
		     struct cfd_error *err)
{
	CFD_AUTO_FD int fd = open_without_links(resolver, path);
	int r = 0;

	if (fd >= 0) {
		*ret_name = strdup(path);
		r = *ret_name ? 0 : cfd_fail_memory(err, "a path");
	} else {
		r = cfd_fd_open_in_root(resolver->root, path, O_PATH | O_DIRECTORY, &fd, err);
		if (r == -ENOTDIR)
			r = cfd_fd_open_in_root(resolver->root, path, O_PATH, &fd, err);
		if (!r)
			r = cfd_fd_path(fd, ret_name, err);
	}
	if (!r)
		*ret_fd = cfd_take_fd(&fd);
	return r;
}

static int find_filesystem(struct cfd_resolver *resolver, int fd, struct cfd_resolved *resolved, struct cfd_error *err)
{
	int r = 0;

	if (!resolver->has_device || resolver->device != resolved->stat.st_dev) {
		resolver->has_device = false;
		resolver->kernel = NULL;
		r = find_kernel_filesystem(fd, &resolver->kernel, err);
		resolver->device = resolved->stat.st_dev;
		resolver->has_device = !r;
	}
	resolved->kernel = resolver->kernel;
	return r;
}

/* `name` is what the kernel calls it, `path` what it was asked for by. */
static int identify(struct cfd_resolver *resolver, int fd, const char *name, const char *path,
		    struct cfd_resolved *ret_resolved, struct cfd_error *err)
{
	int r;

	if (strlen(name) >= sizeof(ret_resolved->path))
		return cfd_fail(err, -ENAMETOOLONG, "the real path of %s is too long", path);
	ret_resolved->count = 0;
	ret_resolved->swappable[0] = '\0';
	strcpy(ret_resolved->path, name);
	if (fstat(fd, &ret_resolved->stat))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	r = find_filesystem(resolver, fd, ret_resolved, err);
	if (!r)
		r = identify_chain(resolver, ret_resolved, err);
	if (r || cfd_resolved_is(ret_resolved, &ret_resolved->stat))
		return r;
	resolver->known = 1;
	return cfd_fail(err, -EAGAIN, "%s was replaced while it was checked", path);
}

int cfd_resolve(struct cfd_resolver *resolver, const char *path, struct cfd_resolved *ret_resolved, int *ret_fd,
		struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	CFD_AUTO_FREE char *name = NULL;
	int r = open_path(resolver, path, &fd, &name, err);

	if (!r)
		r = identify(resolver, fd, name, path, ret_resolved, err);
	if (!r && ret_fd)
		*ret_fd = cfd_take_fd(&fd);
	return r;
}

int cfd_resolve_open(struct cfd_resolver *resolver, int fd, const char *path, struct cfd_resolved *ret_resolved,
		     struct cfd_error *err)
{
	CFD_AUTO_FREE char *name = NULL;
	int r = cfd_fd_path(fd, &name, err);

	return r ? r : identify(resolver, fd, name, path, ret_resolved, err);
}

bool cfd_resolved_is(const struct cfd_resolved *resolved, const struct stat *object)
{
	return same(resolved->chain[resolved->count - 1], identity_of(object));
}

bool cfd_resolved_is_beneath(const struct cfd_resolved *resolved, const struct stat *directory)
{
	for (size_t i = 0; i < resolved->count; i++)
		if (same(resolved->chain[i], identity_of(directory)))
			return true;
	return false;
}

/* Asked once for each directory; what cannot be remembered is asked again. */
static struct cfd_identity find_directory(struct cfd_resolver *resolver, const char *path)
{
	struct directory *directories, found = {.path = path};
	struct stat st;

	for (size_t i = 0; i < resolver->directory_count; i++)
		if (resolver->directories[i].path == path)
			return resolver->directories[i].identity;
	if (stat(path, &st) == 0)
		found.identity = identity_of(&st);
	directories = reallocarray(resolver->directories, resolver->directory_count + 1, sizeof(*directories));
	if (directories) {
		resolver->directories = directories;
		directories[resolver->directory_count++] = found;
	}
	return found.identity;
}

const char *cfd_resolved_beneath(struct cfd_resolver *resolver, const struct cfd_resolved *resolved,
				 const char *directory)
{
	struct cfd_identity identity = find_directory(resolver, directory);
	const char *rest = resolved->path;

	for (size_t i = 0; i < resolved->count; i++) {
		if (i > 0)
			rest += 1 + strcspn(rest + 1, "/");
		if (same(resolved->chain[i], identity))
			return *rest == '/' ? rest + 1 : rest;
	}
	return NULL;
}

static bool has_parent(const struct cfd_hostfiles *hostfiles, const char *path, size_t length)
{
	for (size_t i = 0; i < hostfiles->parent_count; i++)
		if (hostfiles->parents[i].length == length &&
		    strncmp(hostfiles->parents[i].row->path, path, length) == 0)
			return true;
	return false;
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
		if (has_parent(hostfiles, prefix, strlen(prefix)))
			continue;
		if (stat(prefix, &st)) {
			if (errno == ENOENT || errno == ENOTDIR)
				continue;
			return cfd_fail_errno(err, -errno, "cannot stat %s", prefix);
		}
		parents = reallocarray(hostfiles->parents, hostfiles->parent_count + 1, sizeof(*parents));
		if (!parents)
			return cfd_fail_memory(err, "protected files");
		hostfiles->parents = parents;
		parents[hostfiles->parent_count++] =
			(struct parent){.identity = identity_of(&st), .row = row, .length = strlen(prefix)};
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
