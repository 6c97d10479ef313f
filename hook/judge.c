/* SPDX-License-Identifier: Apache-2.0 */
/*
 * createRuntime where only hooks can be installed. At this moment config.json has been read by the runtime and nothing
 * in it can be changed any more: what cofferdam-runtime would have added must be there already, else the container is
 * refused. The record it claims has no range and no runtime, and is known by the engine's bundle.
 */
#include "hook/call.h"
#include "hook/insist.h"

#include "lib/policy/policy.h"
#include "lib/profile/profile.h"
#include "lib/verdict.h"

#include <errno.h>

/* The runtime's --root is not known here; the engine's bundle is the container's own. */
static int fill_record(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_record *record,
		       struct cfd_error *err)
{
	if (cfd_string_replace(&record->id, call->id) || cfd_string_replace(&record->root, call->bundle) ||
	    cfd_string_replace(&record->bundle, call->bundle))
		return cfd_fail_memory(err, "the record");
	return cfd_verdict_note(verdict, &call->config, record, err);
}

/* Engines may have the hook in createRuntime and in prestart: the second call finds what the first one did. */
static bool is_done(struct cfd_call *call)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};

	return cfd_state_key(call->id, call->bundle, call->key, &ignored) == 0 &&
	       cfd_state_read(call->state, call->key, &record, &ignored) == 0 && record.init.pid == call->pid &&
	       cfd_process_lives(&record.init);
}

static int claim_and_govern(struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_record *record,
			    struct cfd_error *err)
{
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	struct cfd_error ignored = {0};
	int r = cfd_state_claim(call->state, record, NULL, call->key, err);

	if (r)
		return r;
	if (record->guard_exec || record->guard_net)
		r = cfd_policy_compile(verdict->profile, &verdict->spec, verdict->rootfs_fd, &policy, err);
	if (!r && policy)
		record->policy_id = cfd_policy_id(policy);
	record->shim = (struct cfd_process_id){0}; /* from here on it is init's */
	if (!r)
		r = cfd_call_govern(call, record, policy, err);
	if (r)
		cfd_state_drop(call->state, call->key, &ignored);
	return r;
}

int cfd_stage_judge(struct cfd_call *call, struct cfd_error *err)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	int r;

	if (is_done(call))
		return 0;
	r = cfd_call_judge(call, &verdict, err);
	if (!r)
		r = cfd_insist(call, &verdict, err);
	if (!r)
		r = fill_record(call, &verdict, &record, err);
	return r ? r : claim_and_govern(call, &verdict, &record, err);
}
