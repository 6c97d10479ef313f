/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile and a rootfs -> what the guard in the kernel needs to know: which files are shells, what may be executed,
 * which destinations may be reached. Computed once, when the container is created; kept in a file until the hook
 * attaches it.
 */
#ifndef CFD_POLICY_H
#define CFD_POLICY_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_POLICY_MAX_ROUTES 1024 /* of one profile; all profiles share CFD_GUARD_ROUTES_MAX */

struct cfd_guard_route;
struct cfd_guard_state;
struct cfd_hostnames;
struct cfd_profile;
struct cfd_spec;

struct cfd_policy; /* an opaque image of bpf/guard.h's structures, with the network rules */

/*
 * `rootfs_fd` is the root filesystem as the container will see it (after idmapping), open O_PATH or O_RDONLY. Shells
 * are found by known names in the usual directories, by /etc/shells and by being a hard link or the target of a symlink
 * of one; a multi-call binary that has a shell in it (busybox, toybox) is a shell as a whole. /etc/resolv.conf and
 * /etc/hosts are taken from the spec's binds over them, else from the rootfs; `spec` may be NULL, then from the rootfs.
 * Call it when all of the image is in place: what changes in it later is not the image's. Lists that the guard cannot
 * hold are -E2BIG.
 */
int cfd_policy_compile(const struct cfd_profile *profile, const struct cfd_spec *spec, int rootfs_fd,
		       struct cfd_policy **ret_policy, struct cfd_error *err);
void cfd_policy_freep(struct cfd_policy **policy);

/*
 * podman binds an empty resolv.conf and hosts into the container, and writes them between create and start. True if
 * that is so: then the hook leaves out resolvers and names, and cfd_guard_complete must be called before start. Where
 * there will be no start (`run`), or nobody is called at it (only hooks), do not call it: an empty file says what it
 * says.
 */
bool cfd_policy_put_off(struct cfd_policy *policy);
/* The source of the last bind over that file, borrowed from the spec, or NULL. `spec` may be NULL. */
const char *cfd_policy_bound_over(const struct cfd_spec *spec, const char *path);

/* To and from a file; reading checks magic, version, size and checksum (-EBADMSG: torn or of another version). */
int cfd_policy_write(const struct cfd_policy *policy, int dirfd, const char *name, struct cfd_error *err);
int cfd_policy_read(int dirfd, const char *name, struct cfd_policy **ret_policy, struct cfd_error *err);

/* Names the network rules by content (for records and events); never 0. */
uint64_t cfd_policy_id(const struct cfd_policy *policy);

/* Borrowed views for lib/guard/guard.c and tests: the state without what only the hook knows, and the network rules. */
const struct cfd_guard_state *cfd_policy_state(const struct cfd_policy *policy);
const struct cfd_guard_route *cfd_policy_routes(const struct cfd_policy *policy, size_t *ret_count);
/* The host names that the state has, for who resolves them. */
const struct cfd_hostnames *cfd_policy_hostnames(const struct cfd_policy *policy);
/* A second hash of the rules, so that two policies with one id are noticed. */
uint64_t cfd_policy_route_digest(const struct cfd_policy *policy);

#endif
