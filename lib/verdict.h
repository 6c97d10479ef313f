/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: who is the image, which profile, what do the rules find. Shim, hook and `cofferdam check` all ask here,
 * so that the same question has the same answer everywhere.
 */
#ifndef CFD_VERDICT_H
#define CFD_VERDICT_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/held.h"
#include "lib/image/image.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"

struct cfd_config;
struct cfd_json_doc;
struct cfd_paint;
struct cfd_profile;
struct cfd_profile_set;
struct cfd_record;

struct cfd_verdict_request {
	const struct cfd_config *config;
	const char *container_id;
	const char *bundle;      /* absolute real path; "" when a file alone is judged */
	int bundle_fd;           /* -1 when a file alone is judged */
	const char *config_file; /* inside of the bundle; NULL: config.json */
	/* What the engine will write as config.json, or NULL: the file is read. */
	const struct cfd_buf *text;
	const char *image_name;   /* overrides what the engine says (`cofferdam check --image`), or NULL */
	const char *profile_name; /* overrides the match (`--profile`), or NULL */
	const char *admin_profiles, *shipped_profiles; /* directories; NULL: those of this installation */
	bool host_facts;
	bool by_name; /* asked from a hook alone: the runtime finds what is mounted by its names, as they are then */
	bool created; /* asked from a hook: the container's first process is in its cgroup already */
	enum cfd_occasion occasion; /* CFD_CREATE (or 0) or CFD_RESTORE */
};

struct cfd_verdict {
	struct cfd_json_doc *doc;
	struct cfd_spec spec;
	struct cfd_image image;
	struct cfd_profile_set *profiles;
	struct cfd_profile *profile;
	char *rootfs;         /* absolute real path of root.path, or NULL when a file alone is judged */
	int rootfs_fd;        /* O_PATH, or -1 */
	struct cfd_held held; /* what the rules judged: filled when the host was looked at */
	struct cfd_findings findings;
	bool refused; /* findings that no exception lets pass, and the mode is enforce; or of a rule for always */
	enum cfd_occasion occasion; /* 0: create */
};

/*
 * Reads config.json once and decides. 0 means that a verdict was reached, refused or not; an error means that none
 * could be (unreadable, malformed, no profile, a tie), which callers treat as a refusal. Release in both cases: the
 * request zero-initialises with CFD_VERDICT_INIT.
 */
int cfd_verdict_reach(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err);
#define CFD_VERDICT_INIT                                                                                               \
	{                                                                                                              \
		.rootfs_fd = -1                                                                                        \
	}
/*
 * The same for what is asked of a container that exists, an exec or an update, in two steps, since most ask for nothing
 * that needs a profile to be read. The first takes `doc` and `spec` as the caller has filled them in, and adds
 * findings; its context needs no profile, image or configuration. The second, for a verdict that has findings, reads
 * the profile that the record names, applies its exceptions and decides; without findings there is nothing to decide.
 */
int cfd_verdict_look(const struct cfd_rules_context *context, struct cfd_verdict *verdict, struct cfd_error *err);
int cfd_verdict_settle(const struct cfd_record *record, struct cfd_verdict *verdict, struct cfd_error *err);
/* The first part of it: config.json, the rootfs and the image, for whoever judges by something else than a profile. */
int cfd_verdict_read(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err);
/* What the rules look at. Everything is borrowed from the request and the verdict. */
void cfd_verdict_context(const struct cfd_verdict_request *request, const struct cfd_verdict *verdict,
			 struct cfd_rules_context *ret_context);
/*
 * Notes in a container's record whose it is, what is wanted of the guard, when, and what its process gets, which is
 * what exec is judged against. 0, -ENOMEM, or -EINVAL: a capability that has no number.
 */
int cfd_verdict_note(const struct cfd_verdict *verdict, const struct cfd_config *config, struct cfd_record *record,
		     struct cfd_error *err);
void cfd_verdict_release(struct cfd_verdict *verdict);

/*
 * The text that people read, without a final newline:
 *   cofferdam: refused web-1 (docker.io/library/nginx:1.27, profile nginx): 2 findings
 *     mounts[7].source /var/run/docker.sock: socket of a container engine [mount.engine-socket]
 *     process.capabilities.bounding[2] CAP_SYS_ADMIN: never allowed [capability.forbidden]
 *     (`cofferdam rules RULE` explains each and how to allow it)
 * "refused exec in web-1", "refused restore of web-1" when that was asked; "would refuse" instead of "refused" when the
 * profile's mode is not enforce, and "passed" when nothing is refused; findings that an exception lets pass, or no
 * longer does, say so. Of more than five findings of one rule the rest is counted. `paint` is cfd_paint_none for all
 * that is not shown at a terminal. 0 or -ENOMEM.
 */
int cfd_verdict_text(const struct cfd_verdict *verdict, const char *container_id, const struct cfd_paint *paint,
		     struct cfd_buf *buf);
/* Adds what it says of a finding's exception, which is there: " (passes: exception by OPS-91 until 2027-03-01)". */
int cfd_verdict_exception_text(const struct cfd_finding *finding, struct cfd_buf *buf);

/* What stands before a container's name: "exec in ", "update of ", "restore of ", "". A static string. */
const char *cfd_verdict_asked(enum cfd_occasion occasion);

#endif
