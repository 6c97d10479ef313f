/* SPDX-License-Identifier: Apache-2.0 */
/* Capability names and sets. lib/caps.c is the only file that knows libcap-ng. */
#ifndef CFD_CAPS_H
#define CFD_CAPS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_spec_strings;

typedef uint64_t cfd_caps; /* bit n: capability number n */

/* "CAP_CHOWN" exactly (upper case, with the prefix). -EINVAL for anything that this build does not know. */
int cfd_caps_number(const char *name, unsigned *ret_number);
/* "CAP_CHOWN", or NULL beyond the last. A static string. */
const char *cfd_caps_name(unsigned number);
/* A list of names, such as one of process.capabilities; `what` names it in messages. Twice the same is an error. */
int cfd_caps_set(const struct cfd_spec_strings *names, const char *what, cfd_caps *ret_set, struct cfd_error *err);

/* What Docker gives by default (moby profiles, 14 capabilities): engines' defaults ask for no more than these. */
extern const cfd_caps cfd_caps_engine_default;
/* Never for a container: each is a way to the host's root (doc/rules; facts of CVEs there). */
extern const cfd_caps cfd_caps_forbidden;

#endif
