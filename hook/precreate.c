/* SPDX-License-Identifier: Apache-2.0 */
/*
 * precreate, a stage that podman alone has: config.json on standard input as podman means to hand it to the runtime,
 * and on standard output as the runtime shall have it. It is judged and amended as by cofferdam-runtime, but for what
 * needs a process around the runtime: the range of ids and its idmapped files. Podman adds to it afterwards (secrets in
 * the environment, limits) and the runtime reads what podman writes, so createRuntime, which is amended into it, judges
 * the whole once more.
 *
 * Whose container it is tells the working directory: from 4.6 on podman runs this hook in the bundle that it is about
 * to write (libpod/container_internal.go, setupOCIHooks). config.json is not asked for that, since whoever types
 * `podman run` has a word in most of it.
 */
#include "hook/call.h"
#include "hook/insist.h"

#include "lib/amend/amend.h"
#include "lib/amend/filter.h"
#include "lib/audit.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/spec/canonical.h"
#include "lib/userns/userns.h"
#include "lib/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOK CFD_LIBEXECDIR "/cofferdam-hook"
#define ID_DIGITS 64

static int fail_no_bundle(const struct cfd_call *call, struct cfd_error *err)
{
	return cfd_fail(err, -EINVAL,
			"the working directory %s is no bundle of podman's; podman runs precreate hooks in the "
			"container's bundle from 4.6 on: use cofferdam-runtime with an older one",
			call->cwd);
}

/* .../<driver>-containers/<id>/userdata; lib/image/storage.c asks for the container's record beside it. */
static int find_bundle(struct cfd_call *call, struct cfd_error *err)
{
	static const char before[] = "-containers/", behind[] = "/userdata";
	const size_t length = strlen(before) + ID_DIGITS + strlen(behind);
	const char *tail;

	call->cwd = getcwd(NULL, 0);
	if (!call->cwd)
		return cfd_fail_errno(err, -errno,
				      "cannot tell the working directory, which is the container's bundle");
	tail = strlen(call->cwd) > length ? call->cwd + strlen(call->cwd) - length : "";
	if (!cfd_starts_with(tail, before) || !cfd_ends_with(tail, behind))
		return fail_no_bundle(call, err);
	call->cwd_id = strndup(tail + strlen(before), ID_DIGITS);
	if (!call->cwd_id)
		return cfd_fail_memory(err, "the container's id");
	if (!cfd_shape_hex(call->cwd_id, ID_DIGITS))
		return fail_no_bundle(call, err);
	call->bundle = call->cwd;
	call->id = call->cwd_id;
	return 0;
}

int cfd_precreate_open(int input, struct cfd_call *call, struct cfd_error *err)
{
	static const char what[] = "config.json on standard input";
	/* Without root a hook alone could insist on nothing; cofferdam-runtime does what can be done. */
	int r = call->with_runtime ? 0 : cfd_userns_check_rootful(err);

	if (!r)
		r = cfd_fd_read(input, CFD_JSON_MAX_BYTES, what, &call->text, err);
	if (!r && !call->text.length)
		r = cfd_fail(err, -EINVAL, "%s is empty", what);
	if (!r)
		r = cfd_call_open_log(call, err);
	return r ? r : find_bundle(call, err);
}

/*
 * libpod/container_internal_linux.go, getOCICgroupPath: in all its forms podman's own id is the end, whatever the user
 * said about the beginning. A caller of an older podman chooses the working directory, but not this.
 */
static int check_identity(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	const char *cgroup = verdict->spec.cgroups_path;

	if (verdict->image.engine != CFD_ENGINE_PODMAN)
		return fail_no_bundle(call, err);
	if (!cgroup || !*cgroup || cfd_ends_with(cgroup, call->id))
		return 0;
	return cfd_fail(err, -EBADMSG,
			"linux.cgroupsPath %s is not that of the container in whose bundle, %s, this hook runs", cgroup,
			call->bundle);
}

static int note_unknown(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (!verdict->spec.unknown.length)
		return 0;
	if (cfd_buf_addf(&text, "removed from config.json, as no schema knows it: %s", verdict->spec.unknown.data))
		return cfd_fail_memory(err, "a notice");
	return cfd_audit_notice(call->audit_fd, &call->config, call->id, text.data, err);
}

static int amend(const struct cfd_verdict *verdict, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *seccomp = NULL;
	struct cfd_amend_decision decision = {
		.profile = verdict->profile, .rootfs = verdict->spec.root_path, .hook_path = HOOK};
	int r = cfd_filter_build(verdict->profile, &verdict->spec, &seccomp, err);

	if (r)
		return r;
	decision.seccomp = cfd_json_root(seccomp);
	return cfd_amend(&verdict->spec, &decision, err);
}

static int write_text(const struct cfd_buf *text, struct cfd_error *err)
{
	return cfd_fd_write_all(STDOUT_FILENO, text->data, text->length, "the amended config.json on standard output",
				err);
}

static int write_amended(const struct cfd_verdict *verdict, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_spec_write(verdict->doc, &text, err);

	return r ? r : write_text(&text, err);
}

int cfd_stage_precreate(struct cfd_call *call, struct cfd_error *err)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	int r;

	if (call->config.caller != CFD_CALLER_ROOT) /* all of it is the runtime's to judge and to amend */
		return write_text(&call->text, err);
	r = cfd_call_judge(call, &verdict, err);
	if (!r)
		r = check_identity(call, &verdict, err);
	if (!r)
		r = note_unknown(call, &verdict, err);
	if (!r && !call->with_runtime)
		r = cfd_insist_userns(call, &verdict, err);
	if (!r)
		r = amend(&verdict, err);
	return r ? r : write_amended(&verdict, err);
}
