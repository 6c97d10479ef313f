/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the hook. */
#include "hook/call.h"

#include "lib/audit.h"
#include "lib/guard/cgroup.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/json/json.h"
#include "lib/policy/policy.h"
#include "lib/rootless.h"
#include "lib/paint.h"
#include "lib/recording/session.h"
#include "lib/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_MAX_LIMIT (1 << 22) /* the kernel's, include/linux/threads.h */

void cfd_call_release(struct cfd_call *call)
{
	cfd_state_freep(&call->state);
	cfd_base_close(&call->audit_fd);
	cfd_config_release(&call->config);
	free(call->cwd);
	free(call->cwd_id);
	cfd_buf_release(&call->text);
	cfd_json_doc_freep(&call->doc);
}

int cfd_call_parse(const char *text, size_t length, struct cfd_call *call, struct cfd_error *err)
{
	static const struct cfd_json_options options = {.name = "the container's state",
							.max_bytes = CFD_HOOK_MAX_STATE};
	struct cfd_json *root, *pid;
	int64_t number = 0;
	int r = cfd_json_parse(text, length, &options, &call->doc, err);

	if (r)
		return r;
	root = cfd_json_root(call->doc);
	call->id = cfd_json_string(cfd_json_get(root, "id"));
	call->bundle = cfd_json_string(cfd_json_get(root, "bundle"));
	pid = cfd_json_get(root, "pid");
	if (pid && cfd_json_int(pid, 0, PID_MAX_LIMIT, &number))
		return cfd_fail(err, -EINVAL, "the container's state has a pid that is none");
	call->pid = (int)number;
	if (!call->bundle || call->bundle[0] != '/')
		return cfd_fail(err, -EINVAL, "the container's state has no absolute `bundle`");
	return cfd_state_check_id(call->id, err);
}

/* crun 1.27 to 1.29 may report another directory than the bundle, but the hook's working directory is the bundle. */
static void find_key(struct cfd_call *call)
{
	struct cfd_error ignored = {0};
	char cwd[PATH_MAX];

	call->ours = cfd_state_key_of_bundle(call->state, call->bundle, call->key, &ignored) == 0 ||
		     (getcwd(cwd, sizeof(cwd)) && cfd_state_key_of_bundle(call->state, cwd, call->key, &ignored) == 0);
}

int cfd_call_open_log(struct cfd_call *call, struct cfd_error *err)
{
	int r = cfd_rootless_read_config(CFD_CONFIG_PATH, &call->config, err);

	return r ? r : cfd_audit_open(&call->config, &call->audit_fd, err);
}

static int find_container(const struct cfd_buf *text, struct cfd_call *call, struct cfd_error *err)
{
	int r = cfd_call_parse(text->data ? text->data : "", text->length, call, err);

	if (!r)
		r = cfd_state_open(&call->state, err);
	if (!r)
		find_key(call);
	return r;
}

int cfd_call_open(int input, struct cfd_call *call, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error second = {0};
	int r = cfd_fd_read(input, CFD_HOOK_MAX_STATE, "the container's state on standard input", &text, err), found;

	if (r)
		return r;
	/* The container is looked for in any case: by way of its directory the shim is told what failed. */
	r = cfd_call_open_log(call, err);
	found = find_container(&text, call, r ? &second : err);
	return r ? r : found;
}

int cfd_call_judge(const struct cfd_call *call, struct cfd_verdict *verdict, struct cfd_error *err)
{
	const bool proposed = call->text.length > 0;
	CFD_AUTO_FD int bundle = open(call->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cfd_verdict_request request = {.config = &call->config,
						    .container_id = call->id,
						    .bundle = call->bundle,
						    .bundle_fd = bundle,
						    .text = proposed ? &call->text : NULL,
						    .host_facts = true,
						    .by_name = !call->with_runtime,
						    .created = !proposed};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r;

	if (bundle < 0)
		return cfd_fail_errno(err, -errno, "cannot open the bundle %s", call->bundle);
	r = cfd_verdict_reach(&request, verdict, err);
	if (!r)
		r = cfd_audit_verdict(call->audit_fd, &call->config, call->id, verdict, err);
	if (r || !verdict->refused)
		return r;
	if (cfd_verdict_text(verdict, call->id, &cfd_paint_none, &text))
		return cfd_fail_memory(err, "the verdict");
	return cfd_fail(err, -EACCES, "%s", text.data);
}

static int attach(struct cfd_call *call, struct cfd_record *record, const struct cfd_policy *policy, int cgroup_fd,
		  struct cfd_error *err)
{
	const struct cfd_guard_parts wanted = {.exec = record->guard_exec, .net = record->guard_net};
	const struct cfd_guard_parts optional = {.exec = !record->guard_exec_required,
						 .net = !record->guard_net_required};
	const struct cfd_guard_target target = {
		.cgroup_fd = cgroup_fd, .cgroup_id = record->cgroup_id, .init_pid = call->pid};
	CFD_AUTO_BUF struct cfd_buf lacks = {0};
	struct cfd_guard_parts had = {0};
	int r = cfd_guard_load(cfd_state_dir(call->state), wanted, optional, &had, &lacks, err);

	if (!r && lacks.length && !call->ours) /* else the shim has said so */
		r = cfd_audit_notice(call->audit_fd, &call->config, call->id, lacks.data, err);
	had.exec = had.exec && wanted.exec;
	had.net = had.net && wanted.net;
	if (!r && (had.exec || had.net || had.destinations))
		r = cfd_session_begin(cfd_state_dir(call->state), record, cfd_policy_state(policy), had.exec && had.net,
				      err);
	if (!r && (had.exec || had.net || had.destinations))
		r = cfd_guard_attach(&target, policy, had, err);
	if (!r) {
		record->guard_exec = had.exec;
		record->guard_net = had.net;
		record->guard_destinations = had.destinations;
	}
	return r;
}

/* By it the others of a pod find out whose a namespace is, also when this container's processes have ended. */
static int note_userns(const struct cfd_call *call, struct cfd_record *record, struct cfd_error *err)
{
	char path[48];
	struct stat st;

	if (!record->range.size)
		return 0; /* no user namespace of cofferdam's */
	snprintf(path, sizeof(path), "/proc/%d/ns/user", call->pid);
	if (stat(path, &st))
		return cfd_fail_errno(err, -errno, "cannot examine the container's user namespace %s", path);
	record->userns = st.st_ino;
	return 0;
}

int cfd_call_govern(struct cfd_call *call, struct cfd_record *record, const struct cfd_policy *policy,
		    struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	CFD_AUTO_FD int cgroup = -1;
	int r = cfd_process_of(call->pid, &record->init, err);

	if (!r)
		r = note_userns(call, record, err);
	if (!r && policy)
		r = cfd_cgroup_of_container(call->pid, record->cgroups_path, &cgroup, &path, &record->cgroup_id, err);
	if (!r && policy)
		r = attach(call, record, policy, cgroup, err);
	if (r)
		return r;
	if (path) {
		free(record->cgroup);
		record->cgroup = cfd_take(path);
	}
	return cfd_state_update(call->state, call->key, record, err);
}
