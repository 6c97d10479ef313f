/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a host that no container gets by accident: one table of paths; for lib/rules only. */
#ifndef CFD_RULES_PROTECTED_H
#define CFD_RULES_PROTECTED_H

#include "lib/base.h"

struct cfd_protected {
	const char *path;
	const char *itself; /* id of the rule that a mount of the object itself falls under */
	const char *inside; /* id of the rule for what lies beneath; NULL: beneath it nothing is special */
	const char *what;   /* a clause for the message */
};

extern const struct cfd_protected cfd_protected[];
extern const size_t cfd_protected_count;

/* For clean paths, by text: the longest row that the path is or lies beneath, or NULL. */
const struct cfd_protected *cfd_protected_find(const char *path);
/* A row whose object lies beneath the path (so that mounting it hands the row's object over too), or NULL. */
const struct cfd_protected *cfd_protected_ancestor(const char *path);
/* Whether a file of that name is an engine's API socket wherever it lies. */
bool cfd_protected_socket_name(const char *name);

#endif
