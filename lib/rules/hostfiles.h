/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of this host, resolved and compared by (device, inode); for lib/rules only.
 *
 * A path says little: symbolic links, bind mounts and ".." give one object many names. So a source is resolved once,
 * by the kernel, and every directory above it is identified; what is protected is identified too. An object is beneath
 * a protected one when one of the directories above it IS the protected one, whatever the names.
 */
#ifndef CFD_RULES_HOSTFILES_H
#define CFD_RULES_HOSTFILES_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/path.h"

#include <sys/stat.h>
#include <sys/types.h>

struct cfd_protected;

#define CFD_RESOLVED_DEPTH 128 /* a path of more components is refused; people use fewer than 20 */

struct cfd_identity {
	dev_t device;
	ino_t inode;
};

struct cfd_resolved {
	char path[CFD_PATH_MAX]; /* as the kernel names it: no symlinks, no ".." */
	struct stat stat;
	const char *kernel; /* the kernel's filesystem that it lies on (proc, sysfs, ...), wherever mounted; or NULL */
	struct cfd_identity chain[CFD_RESOLVED_DEPTH + 1]; /* from "/" down to the object itself */
	size_t count;
	char swappable[CFD_PATH_MAX]; /* a directory above in which somebody other than root can replace the next; or ""
				       */
};

/*
 * What one run of the rules has found out, so that it is not asked again for each of a thousand mounts: the directories
 * above the last path, unless somebody other than root can make their names mean something else; which filesystem a
 * device has; where the directories of engines and profiles are.
 */
struct cfd_resolver;
int cfd_resolver_new(struct cfd_resolver **ret_resolver, struct cfd_error *err);
void cfd_resolver_freep(struct cfd_resolver **resolver);

/*
 * Resolves as the mounting runtime would, but not through magic links (/proc/PID/fd, /proc/PID/root). -ENOENT and
 * others are returned as they are, with a message; -EAGAIN: it changed while it was looked at. ret_fd (O_PATH) is the
 * object that was looked at, for the caller to close; it may be NULL.
 */
int cfd_resolve(struct cfd_resolver *resolver, const char *path, struct cfd_resolved *ret_resolved, int *ret_fd,
		struct cfd_error *err);
/* The same for what is open already; `name` is for people. */
int cfd_resolve_open(struct cfd_resolver *resolver, int fd, const char *name, struct cfd_resolved *ret_resolved,
		     struct cfd_error *err);

/*
 * What follows `directory` (an existing one, compared by identity) in the resolved path, or NULL. Borrowed; so is
 * `directory`, by the resolver.
 */
const char *cfd_resolved_beneath(struct cfd_resolver *resolver, const struct cfd_resolved *resolved,
				 const char *directory);

bool cfd_resolved_is(const struct cfd_resolved *resolved, const struct stat *object);
/* Whether it is that directory, or lies beneath it. */
bool cfd_resolved_is_beneath(const struct cfd_resolved *resolved, const struct stat *directory);

struct cfd_hostfiles; /* the objects of cfd_protected on this host */

int cfd_hostfiles_gather(struct cfd_hostfiles **ret_hostfiles, struct cfd_error *err);
void cfd_hostfiles_freep(struct cfd_hostfiles **hostfiles);

/* The row that the object is (ret_itself) or that is nearest above it, or NULL. */
const struct cfd_protected *cfd_hostfiles_find(const struct cfd_hostfiles *hostfiles,
					       const struct cfd_resolved *resolved, bool *ret_itself);
/* A row whose object lies beneath this one, or NULL. */
const struct cfd_protected *cfd_hostfiles_ancestor(const struct cfd_hostfiles *hostfiles,
						   const struct cfd_resolved *resolved);

#endif
