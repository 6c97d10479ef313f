/* SPDX-License-Identifier: Apache-2.0 */
/* create and run, step by step; restore as far as its verdict, which is always a refusal. */
#include "shim/create.h"

#include "shim/args.h"
#include "shim/contain.h"
#include "shim/inherit.h"
#include "shim/launch.h"
#include "shim/reader.h"
#include "shim/runtime.h"

#include "lib/audit.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int read_config(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_rootless_read_config(CFD_CONFIG_PATH, &contain->config, err);
}

static int open_audit(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_audit_open(&contain->config, &contain->audit_fd, err);
}

/* What is done without when there is no root; and, first of all, a mount namespace in which mounts may be made. */
static int look_at_caller(struct cfd_contain *contain, struct cfd_error *err)
{
	enum cfd_caller caller = contain->config.caller;

	if (caller == CFD_CALLER_ROOT)
		return 0;
	if (caller == CFD_CALLER_NAMESPACE && cfd_rootless_own_mounts(err))
		return err->code;
	return cfd_contain_notice(contain, err, "the engine runs without root: " CFD_ROOTLESS_LACKS "%s",
				  caller == CFD_CALLER_USER ? "; mounts are made by their names" : "");
}

static int check_arguments(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_args *args = contain->args;

	if (args->config && strchr(args->config, '/'))
		return cfd_fail(err, -EINVAL, "--config %s: only the name of a file in the bundle is accepted",
				args->config);
	return cfd_state_check_id(args->id, err);
}

static int check_descriptors(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_inherit_check(contain->args, getenv("LISTEN_FDS"), err);
}

static int open_bundle(struct cfd_contain *contain, struct cfd_error *err)
{
	const char *path = contain->args->bundle ? contain->args->bundle : ".";

	contain->bundle_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (contain->bundle_fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the bundle %s", path);
	return cfd_fd_path(contain->bundle_fd, &contain->bundle, err);
}

static int reach_verdict(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_verdict_request request = {
		.config = &contain->config,
		.container_id = contain->args->id,
		.bundle = contain->bundle,
		.bundle_fd = contain->bundle_fd,
		.config_file = contain->args->config,
		.host_facts = true,
		.by_name = contain->config.caller == CFD_CALLER_USER,
		.occasion = contain->args->command == CFD_ARGS_RESTORE ? CFD_RESTORE : CFD_CREATE};

	return cfd_verdict_reach(&request, &contain->verdict, err);
}

/* Recorded before anything is done about it; a log that takes nothing is a refusal. */
static int judge(struct cfd_contain *contain, struct cfd_error *err)
{
	int r = cfd_audit_verdict(contain->audit_fd, &contain->config, contain->args->id, &contain->verdict, err);

	if (!r && contain->verdict.spec.unknown.length)
		r = cfd_contain_notice(contain, err, "removed from config.json, as no schema knows it: %s",
				       contain->verdict.spec.unknown.data);
	if (!r && contain->verdict.refused)
		r = cfd_fail(err, -EACCES, "refused by the rules");
	return r;
}

static int choose_runtime(struct cfd_contain *contain, struct cfd_error *err)
{
	return cfd_runtime_choose(&contain->config, contain->verdict.profile, &contain->runtime, err);
}

static int start(struct cfd_contain *contain, struct cfd_error *err)
{
	int r = cfd_args_rewrite(contain->argv, contain->args, contain->runtime, contain->private_bundle,
				 &contain->runtime_argv, err);

	return r ? r : cfd_launch_start(contain->runtime, contain->runtime_argv, &contain->launch, err);
}

// clang-format off
static const struct step {
	const char *name;
	int (*take)(struct cfd_contain *contain, struct cfd_error *err);
} steps[] = {
	{ "configuration",   read_config },
	{ "audit log",       open_audit },
	{ "caller",          look_at_caller },
	{ "arguments",       check_arguments },
	{ "descriptors",     check_descriptors },
	{ "bundle",          open_bundle },
	{ "verdict",         reach_verdict },
	{ "audit log",       judge },
	{ "runtime",         choose_runtime },
	{ "runtime",         cfd_reader_fit_config },
	{ "hook",            cfd_contain_check_hook },
	{ "files",           cfd_contain_hold },
	{ "record",          cfd_contain_claim },
	{ "guard",           cfd_contain_load_guard },
	{ "user namespace",  cfd_contain_open_userns },
	{ "files",           cfd_contain_prepare_files },
	{ "system calls",    cfd_contain_build_seccomp },
	{ "guard's policy",  cfd_contain_compile_policy },
	{ "decision",        cfd_contain_amend },
	{ "private bundle",  cfd_contain_write_bundle },
	{ "namespaces",      cfd_contain_enter },
	{ "start",           start },
};
// clang-format on

static const struct step *take_steps(struct cfd_contain *contain, struct cfd_error *err)
{
	for (size_t i = 0; i < CFD_COUNT(steps); i++)
		if (steps[i].take(contain, err))
			return &steps[i];
	return NULL;
}

#define SHOWN_OF_ID 238 /* as long as one may be */

static void refuse(struct cfd_contain *contain, const struct step *step, const struct cfd_error *err,
		   struct cfd_buf *ret_text)
{
	const char *id = *contain->args->id ? contain->args->id : "a container";
	struct cfd_error ignored = {0};

	if (step->take == judge && contain->verdict.refused) {
		cfd_verdict_text(&contain->verdict, contain->args->id, &cfd_paint_none, ret_text);
		return;
	}
	cfd_buf_addf(ret_text, "cofferdam: refused %.*s: %s: %s", SHOWN_OF_ID, id, step->name, err->message);
	cfd_hide_control(ret_text->data, step->take ? "" : "\n"); /* a hook may have written several lines */
	if (contain->audit_fd >= 0)
		cfd_audit_failure(contain->audit_fd, &contain->config, contain->args->id, step->name, err->message,
				  &ignored);
}

/*
 * The runtime says that it has created the container. Had it not called the hook, the guard would not be attached, so
 * the record must name init; then the record is no longer this process's but the container's.
 */
static int settle(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	int r = cfd_state_read(contain->state, contain->key, &record, err);

	if (r)
		return r;
	if (record.init.pid == 0)
		return cfd_fail(err, -EPROTO, "%s created the container without calling cofferdam-hook",
				contain->runtime);
	record.shim = (struct cfd_process_id){0};
	return cfd_state_update(contain->state, contain->key, &record, err);
}

/* The same for one that ran in the foreground and has ended: if its hooks were called, poststop has dropped the record.
 */
static int was_governed(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};

	if (cfd_state_read(contain->state, contain->key, &record, &ignored) || record.init.pid != 0)
		return 0;
	return cfd_fail(err, -EPROTO, "%s ran the container without calling cofferdam-hook: nothing governed it",
			contain->runtime);
}

/* The container must not be started by an engine that did not look at our status. */
static void delete_container(struct cfd_contain *contain)
{
	CFD_AUTO(cfd_launch_release) struct cfd_launch launch = CFD_LAUNCH_INIT;
	struct cfd_error ignored = {0};
	const char *words[8] = {contain->runtime};
	int count = 1, status = 0;

	if (contain->args->root) {
		words[count++] = "--root";
		words[count++] = contain->args->root;
	}
	words[count++] = "delete";
	words[count++] = "--force";
	words[count++] = contain->args->id;
	if (cfd_launch_start(contain->runtime, (char **)words, &launch, &ignored) == 0)
		cfd_launch_wait(&launch, &status, &ignored);
}

static bool leaves_a_container(const struct cfd_args *args)
{
	return args->command == CFD_ARGS_CREATE || args->detach;
}

/*
 * Why the runtime failed, if it was our hook: crun says only that a hook did. A second line in --log makes podman take
 * what was written to stderr, where all of it stands; containerd takes the last line.
 */
static int hook_failure(const struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_error ignored = {0};

	if (cfd_state_open_container(contain->state, contain->key, &dirfd, &ignored) ||
	    cfd_fd_read_file(dirfd, CFD_STATE_FAILURE, sizeof(err->message), &text, &ignored) || !text.data)
		return 0;
	return cfd_fail(err, -EPROTO, "%s", text.data);
}

/* While the runtime works nobody waits for this process: the time to look for what the dead have left. */
static int await(struct cfd_contain *contain, int *ret_status, struct cfd_error *err)
{
	struct cfd_error ignored = {0};
	size_t swept = 0;
	int r;

	cfd_state_sweep(contain->state, &swept, &ignored);
	r = cfd_launch_wait(&contain->launch, ret_status, err);
	if (!r && *ret_status)
		return hook_failure(contain, err);
	if (!r && !leaves_a_container(contain->args))
		return was_governed(contain, err);
	if (r)
		return r;
	r = settle(contain, err);
	if (r)
		delete_container(contain);
	else
		contain->claimed = false; /* it is the container's now */
	return r;
}

int cfd_create(char **argv, const struct cfd_args *args, struct cfd_buf *ret_text)
{
	CFD_AUTO(cfd_contain_release) struct cfd_contain contain = CFD_CONTAIN_INIT;
	static const struct step waiting = {"hook", NULL};
	struct cfd_error err = {0};
	const struct step *failed;
	int status = 1;

	contain.argv = argv;
	contain.args = args;
	failed = take_steps(&contain, &err);
	if (!failed && await(&contain, &status, &err))
		failed = &waiting;
	if (!failed)
		return status;
	refuse(&contain, failed, &err, ret_text);
	return 1;
}
