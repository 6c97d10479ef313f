/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which rule does the source of a bind mount fall? Every bind falls under one rule or under none, so that one
 * mistake is one finding; for lib/rules and lib/standards.
 */
#ifndef CFD_RULES_SOURCES_H
#define CFD_RULES_SOURCES_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_rules_context;
struct cfd_sources; /* one judgement for each mount */

/* With host facts: resolves every source. Without: by the text alone. */
int cfd_sources_judge(const struct cfd_rules_context *context, struct cfd_sources **ret_sources, struct cfd_error *err);
void cfd_sources_freep(struct cfd_sources **sources);

/* The protected files of this host, gathered now if they have not been, and what resolves paths. Borrowed. */
struct cfd_hostfiles;
struct cfd_resolver;
int cfd_sources_hostfiles(struct cfd_sources *sources, const struct cfd_hostfiles **ret_hostfiles,
			  struct cfd_error *err);
struct cfd_resolver *cfd_sources_resolver(struct cfd_sources *sources);

/* The id of the rule, with its message in ret_message; NULL: nothing against it, or it is not a bind. Borrowed. */
const char *cfd_sources_rule(const struct cfd_sources *sources, size_t mount, const char **ret_message);

#endif
