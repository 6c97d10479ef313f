/* SPDX-License-Identifier: Apache-2.0 */
/* poststop: the guard's events go to the audit log while there is a record to name them by; then the record goes. */
#include "hook/call.h"

#include "lib/guard/event.h"
#include "lib/guard/exempt.h"
#include "lib/recording/session.h"

/*
 * What mode `record` kept in the kernel. Of exemptions what is left concerns nobody, and `cofferdam gc` finds it too.
 */
static int end_in_kernel(struct cfd_call *call, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};

	if (cfd_state_read(call->state, call->key, &record, &ignored)) /* swept already, or never there */
		return 0;
	if (record.cgroup_id)
		cfd_guard_exempt_forget(record.cgroup_id, &ignored);
	return cfd_session_end(cfd_state_dir(call->state), record.cgroup_id, err);
}

int cfd_stage_stop(struct cfd_call *call, struct cfd_error *err)
{
	struct cfd_error ignored = {0};
	size_t count = 0;
	int r = 0;

	if (!call->ours)
		r = cfd_state_key(call->id, call->bundle, call->key, err); /* as cfd_stage_judge claimed it */
	if (r)
		return r;
	if (call->config.caller != CFD_CALLER_ROOT) /* the kernel has nothing of it */
		return cfd_state_drop(call->state, call->key, err);
	r = cfd_event_drain(call->state, &call->config, call->audit_fd, 0, &count, err);
	if (!r)
		r = end_in_kernel(call, err);
	/* Whatever became of the events, the container is gone. */
	return r ? (cfd_state_drop(call->state, call->key, &ignored), r) : cfd_state_drop(call->state, call->key, err);
}
