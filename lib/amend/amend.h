/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the decision into the document: what the profile gives a container, however the engine asked for it. After
 * this the document holds only what the schema knows and the profile permits; it is what the runtime will read.
 */
#ifndef CFD_AMEND_H
#define CFD_AMEND_H

#include "lib/base.h"
#include "lib/caps.h"
#include "lib/err.h"

struct cfd_idmap_result;
struct cfd_json;
struct cfd_profile;
struct cfd_spec;
struct cfd_userns_range;

struct cfd_amend_decision {
	const struct cfd_profile *profile;
	const char *rootfs;                    /* absolute; becomes root.path */
	const struct cfd_userns_range *range;  /* NULL: no user namespace is added */
	const struct cfd_idmap_result *mounts; /* what was prepared, every bind included; NULL (hooks alone): nothing */
	const struct cfd_json *seccomp;        /* the new linux.seccomp, from another document; NULL: left as it is */
	const char *hook_path;                 /* absolute path of cofferdam-hook, or NULL for none */
	const char *hook_env;                  /* NAME=VALUE that it gets too, or NULL */
	bool noexec; /* of mounts that can be written, as nothing else guards what is executed */
};

/*
 * Capabilities down to the profile's most (without a list of its own: what engines give by default), ambient and
 * inheritable emptied, noNewPrivileges, root.path, read-only root if the profile says so, masked and read-only paths
 * completed to what engines hide by default, annotations outside of the allow list removed, seccomp, sysctls that are
 * written already, paths of namespaces, user namespace with its mappings, mounts and devices, hooks (createRuntime
 * first in its list, poststop last; each with a non-empty env; entries of the same path that an engine made from
 * hooks.d go), ociVersion (1.0.2, unless it is a 1.0). Nothing here gives more than the engine asked for: a true stays
 * true. Without `mounts` and with the same decision, amending twice is the same as amending once.
 *
 * 0 or -ENOMEM or -EINVAL: a path that is not absolute or not UTF-8, a mapping of ids or a joined user namespace of the
 * engine's where a range is given, an index that the document does not have, a bind or a path of a namespace that was
 * not prepared. After a failure the document must not be
 * used. The view is stale afterwards: only the document counts.
 */
int cfd_amend(const struct cfd_spec *spec, const struct cfd_amend_decision *decision, struct cfd_error *err);

/* The most that a container of this profile is left with: the profile's list, or else what engines give by default. */
int cfd_amend_capabilities(const struct cfd_profile *profile, cfd_caps *ret_caps, struct cfd_error *err);

#endif
