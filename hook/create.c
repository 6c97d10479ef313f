/* SPDX-License-Identifier: Apache-2.0 */
/* createRuntime and prestart for a container of cofferdam-runtime's: the policy that it compiled is put in force. */
#include "hook/call.h"

#include "lib/policy/policy.h"
#include "lib/userns/userns.h"

#include <errno.h>

int cfd_stage_create(struct cfd_call *call, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	CFD_AUTO_FD int dirfd = -1;
	int r;

	if (!call->ours && call->config.caller != CFD_CALLER_ROOT)
		return cfd_userns_check_rootful(err);
	if (!call->ours)
		return cfd_stage_judge(call, err);
	r = cfd_state_read(call->state, call->key, &record, err);
	if (!r && !cfd_streq(record.id, call->id))
		r = cfd_fail(err, -EINVAL, "the runtime calls the container %s, its record is of %s", call->id,
			     record.id);
	if (!r)
		r = cfd_state_open_container(call->state, call->key, &dirfd, err);
	/* A policy was compiled exactly if a guard is wanted. */
	if (!r && record.policy_id)
		r = cfd_policy_read(dirfd, "policy.bin", &policy, err);
	if (!r && !policy && (record.guard_exec || record.guard_net))
		r = cfd_fail(err, -EINVAL, "the container's record wants a guard but names no policy");
	return r ? r : cfd_call_govern(call, &record, policy, err);
}
