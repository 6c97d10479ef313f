/* SPDX-License-Identifier: Apache-2.0 */
/* What one container gets: record, range, files, filter, policy, and the config.json that says so. */
#include "shim/contain.h"

#include "shim/args.h"
#include "shim/enter.h"
#include "shim/note.h"
#include "shim/start.h"
#include "shim/runtime.h"
#include "shim/ways.h"

#include "lib/amend/amend.h"
#include "lib/amend/filter.h"
#include "lib/audit.h"
#include "lib/caps.h"
#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/guard/guard.h"
#include "lib/json/json.h"
#include "lib/policy/policy.h"
#include "lib/profile/profile.h"
#include "lib/spec/canonical.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOK CFD_LIBEXECDIR "/cofferdam-hook"

void cfd_contain_release(struct cfd_contain *contain)
{
	struct cfd_error ignored = {0};

	cfd_launch_release(&contain->launch); /* first: it uses what the record holds */
	if (contain->claimed)
		cfd_state_abandon(contain->state, contain->key, &ignored);
	cfd_strings_free(contain->runtime_argv);
	free(contain->private_bundle);
	cfd_policy_freep(&contain->policy);
	cfd_json_doc_freep(&contain->seccomp);
	cfd_idmap_result_release(&contain->files);
	cfd_base_close(&contain->userns_fd);
	cfd_pod_release(&contain->pod);
	cfd_record_release(&contain->record);
	cfd_state_freep(&contain->state);
	cfd_verdict_release(&contain->verdict);
	free(contain->bundle);
	cfd_base_close(&contain->bundle_fd);
	cfd_base_close(&contain->audit_fd);
	cfd_config_release(&contain->config);
}

int cfd_contain_notice(const struct cfd_contain *contain, struct cfd_error *err, const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	va_list args;
	int r;

	va_start(args, format);
	r = cfd_buf_vaddf(&text, format, args);
	va_end(args);
	if (r)
		return cfd_fail_memory(err, "a notice");
	return cfd_audit_notice(contain->audit_fd, &contain->config, contain->args->id, text.data, err);
}

int cfd_contain_check_hook(struct cfd_contain *contain, struct cfd_error *err)
{
	(void)contain;
	if (access(HOOK, X_OK) == 0)
		return 0;
	return cfd_fail_errno(err, -errno,
			      HOOK ", which the runtime is to call, cannot be executed (install cofferdam anew)");
}

static int fill_record(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_args *args = contain->args;
	struct cfd_record *record = &contain->record;

	if (cfd_string_replace(&record->id, args->id) ||
	    cfd_string_replace(&record->root, args->root ? args->root : "") ||
	    cfd_string_replace(&record->bundle, contain->bundle) ||
	    cfd_string_replace(&record->runtime, contain->runtime))
		return cfd_fail_memory(err, "the record");
	record->foreground = args->command == CFD_ARGS_RUN && !args->detach;
	if (cfd_verdict_note(&contain->verdict, &contain->config, record, err))
		return err->code;
	return cfd_runtime_directory(contain->runtime, args, contain->config.caller, &record->runtime_dir, err);
}

static bool wants_range(const struct cfd_contain *contain)
{
	return contain->config.userns != CFD_NEED_OFF && !contain->verdict.profile->userns_host &&
	       !cfd_spec_namespace(&contain->verdict.spec, "user");
}

/* userns.mode is prefer: says why there is none, and forgets the error. */
static int go_without_range(struct cfd_contain *contain, struct cfd_error *err)
{
	struct cfd_error why = *err;

	contain->record.range = (struct cfd_userns_range){0};
	return cfd_contain_notice(contain, err, "no user namespace (userns.mode is prefer): %s", why.message);
}

/* A range of its own, as the profile wants it, or the pod's. */
static int claim_range(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_profile *profile = contain->verdict.profile;
	const char *pool = contain->config.userns_pool;
	struct cfd_userns_range *range = &contain->record.range;
	int r = cfd_pod_find(contain->state, &contain->verdict, contain->record.root, &contain->pod, err);

	if (!r)
		r = cfd_pod_check(&contain->pod, profile, err);
	if (r)
		return r;
	*range = contain->pod.range;
	if (range->size)
		pool = NULL;
	else
		*range = (struct cfd_userns_range){.base = (uint32_t)profile->userns_base,
						   .size = cfd_profile_ids(profile)};
	r = cfd_state_claim(contain->state, &contain->record, pool, contain->key, err);
	if ((r == -ENOENT || r == -ENOSPC || r == -EBUSY) && (profile->userns_base || profile->userns_size))
		cfd_wrap(err, "userns_range of profile %s", profile->name);
	/* Not -EBUSY: the range is there, and somebody else's. */
	if ((r != -ENOENT && r != -ENOSPC) || contain->config.userns != CFD_NEED_PREFER)
		return r;
	r = go_without_range(contain, err);
	return r ? r : cfd_state_claim(contain->state, &contain->record, NULL, contain->key, err);
}

int cfd_contain_claim(struct cfd_contain *contain, struct cfd_error *err)
{
	int r = cfd_state_open(&contain->state, err);

	if (!r)
		r = fill_record(contain, err);
	if (!r)
		r = wants_range(contain) ? claim_range(contain, err)
					 : cfd_state_claim(contain->state, &contain->record, NULL, contain->key, err);
	contain->claimed = r == 0;
	return r ? r : cfd_pod_confirm(contain->state, &contain->pod, err);
}

/* Before the mount namespace is left: pins in bpffs must be made where everybody sees them. */
int cfd_contain_load_guard(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_record *record = &contain->record;
	const struct cfd_guard_parts wanted = {.exec = record->guard_exec, .net = record->guard_net};
	const struct cfd_guard_parts optional = {.exec = !record->guard_exec_required,
						 .net = !record->guard_net_required};
	const struct cfd_profile *profile = contain->verdict.profile;
	CFD_AUTO_BUF struct cfd_buf lacks = {0};
	struct cfd_guard_parts had = {0};
	int r;

	if (!wanted.exec && !wanted.net)
		return 0;
	r = cfd_guard_load(cfd_state_dir(contain->state), wanted, optional, &had, &lacks, err);
	if (r || !lacks.length)
		return r;
	contain->noexec = wanted.exec && !had.exec && profile->image_only && profile->mode == CFD_MODE_ENFORCE;
	return cfd_contain_notice(contain, err, "%s%s", lacks.data,
				  contain->noexec ? "; mounts that can be written are noexec, which is all that is "
						    "left of exec.image_only"
						  : "");
}

int cfd_contain_open_userns(struct cfd_contain *contain, struct cfd_error *err)
{
	int r = 0;

	if (contain->pod.userns_fd >= 0)
		contain->userns_fd = cfd_take_fd(&contain->pod.userns_fd);
	else if (contain->record.range.size)
		r = cfd_userns_open(&contain->record.range, &contain->userns_fd, err);
	return r && contain->config.userns == CFD_NEED_PREFER ? go_without_range(contain, err) : r;
}

static int prepare(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_verdict *verdict = &contain->verdict;
	const struct cfd_idmap_request request = {.spec = &verdict->spec,
						  .image = &verdict->image,
						  .profile = verdict->profile,
						  .held = &verdict->held,
						  .rootfs = verdict->rootfs,
						  .rootfs_fd = verdict->rootfs_fd,
						  .range = contain->record.range,
						  .userns_fd = contain->record.range.size ? contain->userns_fd : -1,
						  .join_userns = contain->pod.joins,
						  .stage_dir = cfd_state_stage(contain->state)};

	return cfd_idmap_prepare(&request, &contain->files, err);
}

/* Back into the mount namespace that was left. */
static int return_to(int namespace_fd, int cwd, struct cfd_error *err)
{
	struct cfd_error why = *err;

	if (setns(namespace_fd, CLONE_NEWNS) || fchdir(cwd))
		return cfd_fail_errno(err, -errno, "cannot return to the host's mount namespace after: %s",
				      why.message);
	return 0;
}

int cfd_contain_hold(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_held_open_rest(&contain->verdict.held, &contain->verdict.spec, contain->bundle, err);
}

static int prepare_or_go_without_range(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_FD int namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CFD_AUTO_FD int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (namespace_fd < 0 || cwd < 0)
		return cfd_fail_errno(err, -errno, "cannot remember the mount namespace");
	r = prepare(contain, err);
	if (!r || r == -ENOTRECOVERABLE)
		return r;
	r = return_to(namespace_fd, cwd, err);
	if (!r)
		r = go_without_range(contain, err);
	return r ? r : prepare(contain, err);
}

/* The profile grants it, and what fails will say no more than EPERM. */
static int tell_raw_sockets(struct cfd_contain *contain, struct cfd_error *err)
{
	unsigned raw = 0;

	if (!contain->files.sysctls.foreign_network || cfd_caps_number("CAP_NET_RAW", &raw) ||
	    !(contain->record.capabilities >> raw & 1))
		return 0;
	return cfd_contain_notice(
		contain, err,
		"CAP_NET_RAW does nothing here: the network is the engine's, and its user namespace "
		"the host's, so raw and packet sockets fail with EPERM; ping works without them (echo "
		"sockets). What needs them (tcpdump, nmap, keepalived) needs \"userns\": \"host\" in "
		"its profile, with a reason");
}

/* Who may not mount leaves it to the runtime. */
static int leave_files(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_string_replace(&contain->files.rootfs, contain->verdict.rootfs)
		       ? cfd_fail_memory(err, "the root filesystem")
		       : 0;
}

int cfd_contain_prepare_files(struct cfd_contain *contain, struct cfd_error *err)
{
	bool optional = contain->record.range.size && contain->config.userns == CFD_NEED_PREFER;
	int r;

	if (contain->config.caller == CFD_CALLER_USER)
		r = leave_files(contain, err);
	else
		r = optional ? prepare_or_go_without_range(contain, err) : prepare(contain, err);
	cfd_held_release(&contain->verdict.held); /* what is held cannot be unmounted on the host */
	if (!r)
		r = tell_raw_sockets(contain, err);
	return r ? r : cfd_note_files(contain, err);
}

int cfd_contain_build_seccomp(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_filter_build(contain->verdict.profile, &contain->verdict.spec, &contain->seccomp, err);
}

int cfd_contain_compile_policy(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_FD int rootfs = -1, dirfd = -1;
	int r;

	if (!contain->record.guard_exec && !contain->record.guard_net)
		return 0;
	r = cfd_fd_open_dir(AT_FDCWD, contain->files.rootfs, true, &rootfs, err);
	if (!r)
		r = cfd_policy_compile(contain->verdict.profile, &contain->verdict.spec, rootfs, &contain->policy, err);
	if (!r)
		r = cfd_state_open_container(contain->state, contain->key, &dirfd, err);
	if (!r && contain->args->command == CFD_ARGS_CREATE && cfd_policy_put_off(contain->policy))
		r = cfd_start_put_off(dirfd, &contain->verdict.spec, err);
	if (!r && cfd_policy_write(contain->policy, dirfd, "policy.bin", err))
		return cfd_wrap(err, CFD_STATE_DIR "/containers/%s", contain->key);
	if (!r)
		contain->record.policy_id = cfd_policy_id(contain->policy);
	return r;
}

/* The hook gets no environment but this, and must find the records where they are: DIR/cofferdam/stage is one. */
static int hook_variable(const struct cfd_contain *contain, char **ret_text, struct cfd_error *err)
{
	CFD_AUTO_FREE char *stage = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (contain->config.caller == CFD_CALLER_ROOT)
		return 0;
	stage = strdup(cfd_state_stage(contain->state));
	if (!stage || cfd_buf_addf(&text, "XDG_RUNTIME_DIR=%s", dirname(dirname(stage))))
		return cfd_fail_memory(err, "the hook's environment");
	*ret_text = cfd_take(text.data);
	return 0;
}

int cfd_contain_amend(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_FREE char *runtime_dir = NULL;
	int r = hook_variable(contain, &runtime_dir, err);
	const struct cfd_amend_decision decision = {
		.profile = contain->verdict.profile,
		.rootfs = contain->files.rootfs,
		.range = contain->record.range.size ? &contain->record.range : NULL,
		.mounts = contain->config.caller == CFD_CALLER_USER ? NULL : &contain->files,
		.seccomp = cfd_json_root(contain->seccomp),
		.hook_path = HOOK,
		.hook_env = runtime_dir,
		.noexec = contain->noexec,
	};

	if (!r)
		r = cfd_amend(&contain->verdict.spec, &decision, err);
	/* The hook reads it: what is wanted, under which policy. */
	return r ? r : cfd_state_update(contain->state, contain->key, &contain->record, err);
}

int cfd_contain_write_bundle(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int dirfd = -1, bundle = -1;
	int r = cfd_state_open_container(contain->state, contain->key, &dirfd, err);

	if (!r)
		r = cfd_spec_write(contain->verdict.doc, &text, err);
	if (!r)
		r = cfd_fd_make_dir(dirfd, "bundle", 0700, &bundle, err);
	if (!r)
		r = cfd_fd_write_file(bundle, "config.json", text.data, text.length, 0600, false, err);
	if (r)
		return cfd_wrap(err, CFD_STATE_DIR "/containers/%s", contain->key);
	return cfd_state_bundle_path(contain->state, contain->key, &contain->private_bundle, err);
}

static void close_namespaces(int (*namespaces)[CFD_ENTER_COUNT])
{
	for (size_t i = 0; i < CFD_ENTER_COUNT; i++)
		cfd_base_close(&(*namespaces)[i]);
}

int cfd_contain_enter(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO(close_namespaces) int namespaces[CFD_ENTER_COUNT] = {-1, -1, -1};
	bool first = false;
	int r = 0;

	/* A new user namespace is made when all others have been joined. */
	if (contain->pod.joins)
		r = cfd_ways_has(contain->runtime, CFD_WAY_USERNS_FIRST, &first, err);
	for (size_t i = 0; !r && first && i < contain->files.namespace_count; i++) {
		const struct cfd_idmap_namespace *joined = &contain->files.namespaces[i];
		enum cfd_enter_kind kind = cfd_enter_kind_of(contain->verdict.spec.namespaces[joined->index].type);

		if (kind == CFD_ENTER_COUNT)
			continue;
		namespaces[kind] = open(joined->path, O_RDONLY | O_CLOEXEC);
		if (namespaces[kind] < 0)
			r = cfd_fail_errno(err, -errno, "cannot open %s", joined->path);
	}
	return r || !first ? r : cfd_enter(namespaces, contain->userns_fd, err);
}
