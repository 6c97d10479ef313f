/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict: one reading of config.json, the image, its profile, the rules. */
#include "lib/verdict.h"

#include "lib/amend/amend.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHOWN_OF_A_RULE 5
#define LOADER_ENV_MAX_BYTES ((size_t)8 << 10) /* six times that as JSON, and a record has 256 KiB */

static bool is_file_alone(const struct cfd_verdict_request *request)
{
	return request->bundle_fd < 0;
}

/* Opened once and read once: whatever happens to the file afterwards, this is what was judged. */
static int read_text(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	const char *file = request->config_file ? request->config_file : "config.json";
	const struct cfd_json_options options = {.name = file};
	CFD_AUTO_BUF struct cfd_buf read = {0};
	const struct cfd_buf *text = request->text ? request->text : &read;
	int r = 0;

	if (!request->text)
		r = cfd_fd_read_file(is_file_alone(request) ? AT_FDCWD : request->bundle_fd, file, CFD_JSON_MAX_BYTES,
				     &read, err);
	if (!r)
		r = cfd_json_parse(text->data ? text->data : "", text->length, &options, &verdict->doc, err);
	if (r)
		return r;
	return cfd_spec_read(verdict->doc,
			     request->config->strict_keys ? CFD_SPEC_UNKNOWN_STRICT : CFD_SPEC_UNKNOWN_WARN,
			     &verdict->spec, err);
}

static int read_config(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	int r = read_text(request, verdict, err);

	return r && !is_file_alone(request) ? cfd_wrap(err, "bundle %s", request->bundle) : r;
}

/*
 * Follows root.path as the runtime would; that it has "..", is a link or a directory of the host is for the rules. From
 * here on the descriptor and its real path count.
 */
static int open_rootfs(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	const char *path = verdict->spec.root_path;

	if (is_file_alone(request) || !path || !*path)
		return 0;
	if (request->text && verdict->image.rootfs)
		path = verdict->image.rootfs; /* until the engine binds it to root.path, there is an empty directory */
	verdict->rootfs_fd = openat(request->bundle_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (verdict->rootfs_fd < 0 && errno == ENOENT && !request->host_facts)
		return 0; /* a bundle on its way to another machine: its configuration is judged */
	if (verdict->rootfs_fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open root.path %s", path);
	return cfd_fd_path(verdict->rootfs_fd, &verdict->rootfs, err);
}

/* What somebody says it is replaces all that the engine says. */
static int name_image(const char *reference, struct cfd_image *image, struct cfd_error *err)
{
	char *name;
	int r = cfd_image_normalise(reference, &name, err);

	if (r)
		return r;
	free(image->name);
	free(image->id);
	for (size_t i = 0; i < CFD_COUNT(image->digests); i++) {
		free(image->digests[i]);
		image->digests[i] = NULL;
	}
	image->name = name;
	image->id = NULL;
	return 0;
}

static int identify(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	int r = 0;

	if (!is_file_alone(request))
		r = cfd_image_identify(request->container_id, request->bundle, request->bundle_fd, &verdict->spec,
				       &verdict->image, err);
	if (!r && request->image_name)
		r = name_image(request->image_name, &verdict->image, err);
	return r;
}

static const char *image_name(const struct cfd_image *image)
{
	return image->name ? image->name : image->id ? image->id : "unknown image";
}

static int choose_profile(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	const char *admin = request->admin_profiles ? request->admin_profiles : CFD_PROFILE_ADMIN_DIR;
	const char *shipped = request->shipped_profiles ? request->shipped_profiles : CFD_PROFILE_SHIPPED_DIR;
	const char *name = NULL;
	int r = cfd_profile_set_open(admin, shipped, &verdict->profiles, err);

	if (r)
		return r;
	if (request->profile_name)
		return cfd_profile_load(verdict->profiles, request->profile_name, &verdict->profile, err);
	r = cfd_profile_match(verdict->profiles, &verdict->image, &name, err);
	if (r)
		return r;
	if (!name && request->config->refuse_unknown_image)
		return cfd_fail(err, -ENOKEY,
				"no profile matches %s: add a file with \"match\": [{\"image\": \"%s\"}] to %s, or let "
				"the default "
				"profile apply with \"unknown_image\": \"default\"",
				image_name(&verdict->image), verdict->image.name ? verdict->image.name : "NAME", admin);
	return cfd_profile_load(verdict->profiles, name ? name : request->config->default_profile, &verdict->profile,
				err);
}

static void decide(struct cfd_verdict *verdict)
{
	bool always = false;

	for (size_t i = 0; i < verdict->findings.count; i++)
		always = always || verdict->findings.values[i].rule->class == CFD_RULE_ALWAYS;
	verdict->refused =
		always || (verdict->profile->mode == CFD_MODE_ENFORCE && cfd_findings_against(&verdict->findings));
}

void cfd_verdict_context(const struct cfd_verdict_request *request, const struct cfd_verdict *verdict,
			 struct cfd_rules_context *ret_context)
{
	*ret_context = (struct cfd_rules_context){
		.occasion = request->occasion,
		.spec = &verdict->spec,
		.profile = verdict->profile,
		.image = &verdict->image,
		.config = request->config,
		.container_id = request->container_id,
		.bundle = request->bundle,
		.bundle_fd = request->bundle_fd,
		.rootfs_fd = verdict->rootfs_fd,
		.host_facts = request->host_facts,
		.created = request->created,
		.by_name = request->by_name,
		.now = time(NULL),
	};
}

static int apply_rules(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	struct cfd_rules_context context;
	int r;

	cfd_verdict_context(request, verdict, &context);
	context.held = &verdict->held;
	r = cfd_rules_run(&context, &verdict->findings, err);
	verdict->occasion = request->occasion;
	if (!r)
		decide(verdict);
	return r;
}

typedef int step(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err);

static int take(step *const *steps, size_t count, const struct cfd_verdict_request *request,
		struct cfd_verdict *verdict, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = steps[i](request, verdict, err);
	return r;
}

int cfd_verdict_read(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	step *const steps[] = {read_config, identify, open_rootfs};

	return take(steps, CFD_COUNT(steps), request, verdict, err);
}

int cfd_verdict_reach(const struct cfd_verdict_request *request, struct cfd_verdict *verdict, struct cfd_error *err)
{
	step *const steps[] = {cfd_verdict_read, choose_profile, apply_rules};

	return take(steps, CFD_COUNT(steps), request, verdict, err);
}

int cfd_verdict_look(const struct cfd_rules_context *context, struct cfd_verdict *verdict, struct cfd_error *err)
{
	struct cfd_rules_context with_spec = *context;

	with_spec.spec = &verdict->spec;
	verdict->occasion = context->occasion;
	return cfd_rules_run(&with_spec, &verdict->findings, err);
}

int cfd_verdict_settle(const struct cfd_record *record, struct cfd_verdict *verdict, struct cfd_error *err)
{
	int r;

	if (cfd_string_replace(&verdict->image.name, record->image) ||
	    cfd_string_replace(&verdict->image.container_name, record->container_name))
		return cfd_fail_memory(err, "the verdict");
	r = cfd_profile_set_open(CFD_PROFILE_ADMIN_DIR, CFD_PROFILE_SHIPPED_DIR, &verdict->profiles, err);
	if (!r)
		r = cfd_profile_load(verdict->profiles, record->profile ? record->profile : "", &verdict->profile, err);
	if (r)
		return cfd_wrap(err, "%zu findings, and the profile that could except them cannot be read",
				verdict->findings.total);
	cfd_rules_except(verdict->profile, time(NULL), &verdict->findings);
	decide(verdict);
	return 0;
}

/* The first of them, so that a record stays small whatever an image has; an exec with one of the others is refused. */
static int note_loader_env(const struct cfd_spec_strings *env, struct cfd_record *record)
{
	size_t count = 0, bytes = 0;

	cfd_strings_free(record->loader_env);
	record->loader_env = calloc(env->count + 1, sizeof(*record->loader_env));
	if (!record->loader_env)
		return -ENOMEM;
	for (size_t i = 0; i < env->count; i++) {
		bool noted =
			cfd_rules_loads_code(env->values[i]) && bytes + strlen(env->values[i]) < LOADER_ENV_MAX_BYTES;

		bytes += noted ? strlen(env->values[i]) : 0;
		if (noted && cfd_string_replace(&record->loader_env[count++], env->values[i]))
			return -ENOMEM;
	}
	return 0;
}

/* The process as lib/amend leaves it: what exec is judged against. */
static int note_process(const struct cfd_verdict *verdict, struct cfd_record *record, struct cfd_error *err)
{
	const struct cfd_spec_process *process = &verdict->spec.process;
	cfd_caps most = 0;
	int r = cfd_caps_set(&process->capabilities[CFD_SPEC_BOUNDING], "process.capabilities.bounding",
			     &record->asked_capabilities, err);

	if (!r)
		r = cfd_amend_capabilities(verdict->profile, &most, err);
	if (r)
		return r;
	record->capabilities = record->asked_capabilities & most;
	record->no_new_privileges = process->no_new_privileges || verdict->profile->no_new_privileges;
	record->uid = process->uid;
	record->oom_score_adj = process->oom_score_adj;
	if (cfd_string_replace(&record->apparmor_profile, process->apparmor_profile) ||
	    cfd_string_replace(&record->selinux_label, process->selinux_label) ||
	    note_loader_env(&process->env, record))
		return cfd_fail_memory(err, "the record");
	return 0;
}

int cfd_verdict_note(const struct cfd_verdict *verdict, const struct cfd_config *config, struct cfd_record *record,
		     struct cfd_error *err)
{
	if (cfd_string_replace(&record->image, verdict->image.name) ||
	    cfd_string_replace(&record->profile, verdict->profile->name) ||
	    cfd_string_replace(&record->container_name, verdict->image.container_name) ||
	    cfd_string_replace(&record->pod, verdict->image.pod) ||
	    cfd_string_replace(&record->cgroups_path, verdict->spec.cgroups_path))
		return cfd_fail_memory(err, "the record");
	record->guard_exec = config->guard_exec != CFD_NEED_OFF;
	record->guard_net = config->guard_net != CFD_NEED_OFF;
	record->guard_exec_required = config->guard_exec == CFD_NEED_REQUIRE;
	record->guard_net_required = config->guard_net == CFD_NEED_REQUIRE;
	record->created = time(NULL);
	return note_process(verdict, record, err);
}

void cfd_verdict_release(struct cfd_verdict *verdict)
{
	cfd_findings_release(&verdict->findings);
	cfd_held_release(&verdict->held);
	cfd_profile_freep(&verdict->profile);
	cfd_profile_set_freep(&verdict->profiles);
	cfd_image_release(&verdict->image);
	cfd_spec_release(&verdict->spec);
	cfd_json_doc_freep(&verdict->doc);
	free(verdict->rootfs);
	cfd_base_close(&verdict->rootfs_fd);
	*verdict = (struct cfd_verdict)CFD_VERDICT_INIT;
}

const char *cfd_verdict_asked(enum cfd_occasion occasion)
{
	static const struct {
		enum cfd_occasion occasion;
		const char *words;
	} asked[] = {{CFD_EXEC, "exec in "}, {CFD_UPDATE, "update of "}, {CFD_RESTORE, "restore of "}};

	for (size_t i = 0; i < CFD_COUNT(asked); i++)
		if (asked[i].occasion == occasion)
			return asked[i].words;
	return "";
}

static int add_head(const struct cfd_verdict *verdict, const char *container_id, const struct cfd_paint *paint,
		    struct cfd_buf *buf)
{
	size_t against = cfd_findings_against(&verdict->findings), start;
	const char *what = verdict->refused ? "refused" : against ? "would refuse" : "passed";
	const char *colour = verdict->refused ? paint->bad : against ? paint->unsure : paint->good;
	const char *name = verdict->image.container_name ? verdict->image.container_name : container_id;
	int r = cfd_buf_addf(buf, "cofferdam: %s%s%s", colour, what, paint->end);

	start = buf->length;
	if (!r)
		r = cfd_buf_addf(buf, " %s%s (%s, profile %s): %zu finding%s", cfd_verdict_asked(verdict->occasion),
				 name ? name : "this container", image_name(&verdict->image), verdict->profile->name,
				 against, against == 1 ? "" : "s");
	if (!r)
		cfd_hide_control(buf->data + start, ""); /* names come from engines' records */
	return r;
}

int cfd_verdict_exception_text(const struct cfd_finding *finding, struct cfd_buf *buf)
{
	const struct cfd_profile_exception *exception = finding->exception;
	time_t last_day = (time_t)exception->expires - 1; /* `expires` is the first moment without it */
	char date[32] = "?";
	struct tm tm;

	if (gmtime_r(&last_day, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	return cfd_buf_addf(
		buf, finding->excepted ? " (passes: exception by %s until %s)" : " (an exception by %s expired on %s)",
		exception->reason ? exception->reason : "nobody", date);
}

static int add_finding(const struct cfd_finding *finding, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "\n  %s%s%s%s%s: %s [%s%s%s]", paint->place, finding->path, paint->end,
			     *finding->value ? " " : "", finding->value, finding->message, paint->name,
			     finding->rule->id, paint->end);

	return !r && finding->exception ? cfd_verdict_exception_text(finding, buf) : r;
}

/*
 * The findings of one rule, from `start`: the first few, then how many more. A privileged container has a hundred
 * devices; the audit log names them all. Returns how many there were.
 */
static size_t add_rule(const struct cfd_findings *findings, size_t start, const struct cfd_paint *paint,
		       struct cfd_buf *buf, int *r)
{
	const struct cfd_rule *rule = findings->values[start].rule;
	size_t count = 0;

	for (; start + count < findings->count && findings->values[start + count].rule == rule; count++)
		if (!*r && count < SHOWN_OF_A_RULE)
			*r = add_finding(&findings->values[start + count], paint, buf);
	if (!*r && count > SHOWN_OF_A_RULE)
		*r = cfd_buf_addf(buf, "\n  and %zu more [%s%s%s]", count - SHOWN_OF_A_RULE, paint->name, rule->id,
				  paint->end);
	return count;
}

int cfd_verdict_text(const struct cfd_verdict *verdict, const char *container_id, const struct cfd_paint *paint,
		     struct cfd_buf *buf)
{
	const struct cfd_findings *findings = &verdict->findings;
	int r = add_head(verdict, container_id, paint, buf);

	for (size_t i = 0; !r && i < findings->count;)
		i += add_rule(findings, i, paint, buf, &r);
	if (!r && findings->total > findings->count)
		r = cfd_buf_addf(buf, "\n  and %zu more", findings->total - findings->count);
	if (!r && cfd_findings_against(findings))
		r = cfd_buf_add_string(buf, "\n  (`cofferdam rules RULE` explains each and how to allow it)");
	return r;
}
