/* SPDX-License-Identifier: Apache-2.0 */
/* What exec and update have in common. */
#include "shim/later.h"

#include "shim/args.h"
#include "shim/launch.h"
#include "shim/runtime.h"

#include "lib/audit.h"
#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/rootless.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cfd_later_release(struct cfd_later *later)
{
	free(later->state_path);
	cfd_strings_free(later->runtime_argv);
	cfd_verdict_release(&later->verdict);
	cfd_record_release(&later->record);
	cfd_base_close(&later->audit_fd);
	cfd_config_release(&later->config);
}

/* Root's first, as nothing must be found out for that. Others may not look there, or find nothing. */
static int find_record(struct cfd_later *later, const char *root, struct cfd_error *err)
{
	const struct cfd_error none = {0};
	enum cfd_caller caller;
	int first, r;

	if (cfd_string_replace(&later->state_path, CFD_STATE_DIR))
		return cfd_fail_memory(err, "a path");
	first = cfd_state_find(later->state_path, later->args->id, root, &later->found, &later->record, err);
	if (later->found || (first && first != -EACCES))
		return first;
	r = cfd_rootless_caller(&caller, err);
	if (r || caller == CFD_CALLER_ROOT)
		return r ? r : first;
	*err = none;
	free(cfd_take(later->state_path));
	r = cfd_rootless_directory(&later->state_path, err);
	return r ? r : cfd_state_find(later->state_path, later->args->id, root, &later->found, &later->record, err);
}

int cfd_later_find(struct cfd_later *later, struct cfd_error *err)
{
	const char *root = later->args->root ? later->args->root : "";
	int r = find_record(later, root, err);

	return r ? r : cfd_runtime_behind(later->argv, later->args, later->runtime, err);
}

static int open_log(struct cfd_later *later, struct cfd_error *err)
{
	int r;

	if (later->audit_fd >= 0)
		return 0;
	cfd_config_release(&later->config); /* a first try may have ended behind it */
	r = cfd_rootless_read_config(CFD_CONFIG_PATH, &later->config, err);
	return r ? r : cfd_audit_open(&later->config, &later->audit_fd, err);
}

static int tell_unknown(struct cfd_later *later, struct cfd_error *err)
{
	const struct cfd_buf *unknown = &later->verdict.spec.unknown;
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (!unknown->length)
		return 0;
	if (later->config.strict_keys)
		return cfd_fail(err, -EINVAL, "%.*s: a key that OCI runtime-spec 1.3.0 does not have for Linux",
				(int)strcspn(unknown->data, "\n"), unknown->data);
	if (cfd_buf_addf(&text, "removed from what %s was given, as no schema knows it: %s",
			 later->args->command == CFD_ARGS_EXEC ? "exec" : "update", unknown->data))
		return cfd_fail_memory(err, "a notice");
	return cfd_audit_notice(later->audit_fd, &later->config, later->args->id, text.data, err);
}

int cfd_later_judge(struct cfd_later *later, struct cfd_rules_context *context, struct cfd_error *err)
{
	struct cfd_verdict *verdict = &later->verdict;
	int r;

	context->occasion = later->occasion;
	context->record = &later->record;
	r = cfd_verdict_look(context, verdict, err);
	if (r || (!verdict->findings.total && !verdict->spec.unknown.length))
		return r;
	r = open_log(later, err);
	if (!r)
		r = tell_unknown(later, err);
	if (r || !verdict->findings.total)
		return r;
	r = cfd_verdict_settle(&later->record, verdict, err);
	if (!r)
		r = cfd_audit_verdict(later->audit_fd, &later->config, later->args->id, verdict, err);
	return !r && verdict->refused ? cfd_fail(err, -EACCES, "refused by the rules") : r;
}

int cfd_later_read(struct cfd_later *later, int fd, const char *name, struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = name};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_fd_read(fd, CFD_JSON_MAX_BYTES, name, &text, err);

	return r ? r : cfd_json_parse(text.data ? text.data : "", text.length, &options, &later->verdict.doc, err);
}

int cfd_later_copy(const struct cfd_json *node, const char *name, int first, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (cfd_json_write(node, &text))
		return cfd_fail_memory(err, name);
	return cfd_fd_seal(name, text.data, text.length, first, ret_fd, err);
}

int cfd_later_hand_on(struct cfd_later *later, struct cfd_error *err)
{
	return cfd_launch_replace(later->runtime, later->runtime_argv ? later->runtime_argv : later->argv, err);
}

#define SHOWN_OF_ID 238 /* as long as one may be */

int cfd_later_refuse(struct cfd_later *later, const struct cfd_error *err, struct cfd_buf *ret_text)
{
	const char *id = later->args->id && *later->args->id ? later->args->id : "a container";
	const char *asked = cfd_verdict_asked(later->occasion);
	CFD_AUTO_BUF struct cfd_buf message = {0};
	struct cfd_error ignored = {0};

	if (later->verdict.refused && err->code == -EACCES) {
		cfd_verdict_text(&later->verdict, later->args->id, &cfd_paint_none, ret_text);
		return 1;
	}
	cfd_buf_addf(ret_text, "cofferdam: refused %s%.*s: %s", asked, SHOWN_OF_ID, id, err->message);
	cfd_hide_control(ret_text->data, "");
	if (open_log(later, &ignored) == 0)
		cfd_audit_failure(later->audit_fd, &later->config, id,
				  later->args->command == CFD_ARGS_EXEC ? "exec" : "update", err->message, &ignored);
	return 1;
}
