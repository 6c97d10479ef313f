/* SPDX-License-Identifier: Apache-2.0 */
/* A container's linux.seccomp: what its profile's `syscalls` come to on this host, beside what the engine gave it. */
#ifndef CFD_FILTER_H
#define CFD_FILTER_H

#include "lib/err.h"

struct cfd_json_doc;
struct cfd_profile;
struct cfd_spec;

/*
 * The filter that allows only what the profile and the engine's filter, if there is one, both allow. It is made for the
 * capabilities that cfd_amend leaves, so amending once more makes the same. Errors: those of cfd_seccomp_build; -EINVAL
 * a profile without `syscalls`.
 */
int cfd_filter_build(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_json_doc **ret_doc,
		     struct cfd_error *err);

/* Proves that the filter which is there is at least as strict as the profile. -EPERM, with a call, when it is not. */
int cfd_filter_check(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_error *err);

#endif
