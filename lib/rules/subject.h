/* SPDX-License-Identifier: Apache-2.0 */
/* One bind source while it is judged, and what engines themselves bring; for lib/rules/sources.c. */
#ifndef CFD_RULES_SUBJECT_H
#define CFD_RULES_SUBJECT_H

#include "lib/base.h"
#include "lib/path.h"

struct cfd_resolved;
struct cfd_resolver;
struct cfd_rules_context;
struct cfd_spec_mount;

struct cfd_subject {
	const struct cfd_rules_context *context;
	const struct cfd_spec_mount *mount;
	char clean[CFD_PATH_MAX];            /* its text, cleaned, /var/run as /run */
	char destination[CFD_PATH_MAX];      /* cleaned; "" when it cannot be */
	const struct cfd_resolved *resolved; /* NULL without host facts */
	struct cfd_resolver *resolver;       /* likewise */
};

bool cfd_subject_read_only(const struct cfd_subject *subject);

/* What follows the directory in the source, or NULL; by identity with host facts, by text without. Borrowed. */
const char *cfd_subject_beneath(const struct cfd_subject *subject, const char *directory);

/* A file that the engine brings at its well-known place (resolv.conf, shm, secrets). */
bool cfd_subject_is_engine_file(const struct cfd_subject *subject);
/* The init binary of the engine's that `--init` binds, read-only. */
bool cfd_subject_is_init(const struct cfd_subject *subject);

/*
 * What follows one of the engine's directories of volumes, or NULL. An entry may be a file (the kubelet's etc-hosts); a
 * directory of volumes itself is no volume. Borrowed.
 */
const char *cfd_subject_volume(const struct cfd_subject *subject);

#endif
