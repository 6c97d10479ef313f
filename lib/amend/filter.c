/* SPDX-License-Identifier: Apache-2.0 */
/* Asks lib/seccomp/ for the filter of a profile, with this installation's directories. */
#include "lib/amend/filter.h"

#include "lib/amend/amend.h"
#include "lib/fd.h"
#include "lib/profile/profile.h"
#include "lib/seccomp/seccomp.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>

#define ADMIN_SECCOMP CFD_SYSCONFDIR "/seccomp"
#define SHIPPED_SECCOMP CFD_DATADIR "/profiles/seccomp"
#define CACHE "/var/cache/cofferdam"

/* What is left of the engine's bounding set once cfd_amend has cut it down to the profile's. */
static int bounding_after(const struct cfd_profile *profile, const struct cfd_spec *spec, cfd_caps *ret_caps,
			  struct cfd_error *err)
{
	cfd_caps asked = 0, most = 0;
	int r = cfd_caps_set(&spec->process.capabilities[CFD_SPEC_BOUNDING], "process.capabilities.bounding", &asked,
			     err);

	if (!r)
		r = cfd_amend_capabilities(profile, &most, err);
	if (!r)
		*ret_caps = asked & most;
	return r;
}

static int make_request(const struct cfd_profile *profile, const struct cfd_spec *spec,
			struct cfd_seccomp_request *request, struct cfd_error *err)
{
	*request = (struct cfd_seccomp_request){.profile = profile->syscalls,
						.admin_dir = ADMIN_SECCOMP,
						.shipped_dir = SHIPPED_SECCOMP,
						.all_architectures = profile->all_architectures,
						.engine = spec->seccomp};
	if (!profile->syscalls)
		return cfd_fail(err, -EINVAL, "profile %s has no `syscalls`, nor has any that it extends",
				profile->name);
	return bounding_after(profile, spec, &request->bounding, err);
}

int cfd_filter_build(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_json_doc **ret_doc,
		     struct cfd_error *err)
{
	struct cfd_seccomp_request request;
	CFD_AUTO_FD int cache = -1;
	struct cfd_error ignored = {0};
	int r = make_request(profile, spec, &request, err);

	if (r)
		return r;
	if (cfd_fd_make_dir(AT_FDCWD, CACHE, 0700, &cache, &ignored) == 0)
		request.cache_dir = CACHE; /* without it the same result takes longer */
	return cfd_seccomp_build(&request, ret_doc, err);
}

int cfd_filter_check(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_error *err)
{
	struct cfd_seccomp_request request;
	int r = make_request(profile, spec, &request, err);

	return r ? r : cfd_seccomp_satisfies(&request, err);
}
