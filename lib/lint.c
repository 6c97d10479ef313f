/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake of a profile, those among them that the rules and the compiler of system calls know. */
#include "lib/lint.h"

#include "lib/caps.h"
#include "lib/json/diagnostics.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/json/value.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/rules/rules.h"
#include "lib/seccomp/seccomp.h"
#include "lib/shape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct lint {
	const struct cfd_lint_request *request;
	struct cfd_json_doc *doc;
	const struct cfd_json *root;
	const struct cfd_profile *profile; /* whole, or NULL when it cannot be loaded */
};

/* Taken note of; what is left is trouble. */
static int noted(int r)
{
	return r == -EINVAL ? 0 : r;
}

static const struct cfd_json *member(const struct lint *lint, const char *object, const char *key)
{
	return cfd_json_get(cfd_json_get(lint->root, object), key);
}

static bool written_exception(const struct cfd_json *exception, const char *rule, const char *subject)
{
	return cfd_streq(cfd_json_string(cfd_json_get(exception, "rule")), rule) &&
	       cfd_streq(cfd_json_string(cfd_json_get(exception, "subject")), subject);
}

/* Also one that has expired: that is another mistake. */
static bool has_exception(const struct lint *lint, const char *rule, const char *subject)
{
	const struct cfd_json *own = cfd_json_get(lint->root, "exceptions");

	for (size_t i = 0; cfd_json_is(own, CFD_JSON_ARRAY) && i < cfd_json_count(own); i++)
		if (written_exception(cfd_json_at(own, i), rule, subject))
			return true;
	for (size_t i = 0; lint->profile && i < lint->profile->exception_count; i++)
		if (cfd_streq(lint->profile->exceptions[i].rule, rule) &&
		    cfd_streq(lint->profile->exceptions[i].subject, subject))
			return true;
	return false;
}

static int fail_never(const struct lint *lint, const struct cfd_json *node, const struct cfd_rule *rule,
		      const char *subject, const char *why, struct cfd_error *err)
{
	if (has_exception(lint, rule->id, subject))
		return 0;
	return noted(
		cfd_fields_fail(lint->doc, node, lint->request->file, err,
				"%s is never allowed (%s): it needs an exception for %s with a reason and an expiry",
				subject, why, rule->id));
}

static int check_rule(const struct lint *lint, const struct cfd_json *exception, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(exception, "rule");
	const char *id = cfd_json_string(node);
	struct cfd_near near = cfd_near_start(id);

	if (!id || !*id || cfd_rule_find(id))
		return 0;
	for (const struct cfd_rule_group *const *group = cfd_rule_groups; *group; group++)
		for (size_t i = 0; i < (*group)->count; i++)
			cfd_near_offer(&near, (*group)->rules[i].id);
	return noted(cfd_fields_fail_meant(lint->doc, node, lint->request->file, err, near.meant,
					   "there is no rule \"%s\"; `cofferdam rules` lists them all", id));
}

/* A directory may be refused itself and what lies below it be allowed: /etc, /home. */
static int check_mount(const struct lint *lint, const struct cfd_json *mount, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(mount, "source");
	const char *source = cfd_json_string(node);
	const struct cfd_rule *itself = NULL, *below = NULL;
	char why[CFD_RULES_MESSAGE_MAX], ignored[CFD_RULES_MESSAGE_MAX], file[CFD_PATH_MAX];
	int r;

	if (!cfd_shape_path(source) || cfd_streq(source, "/"))
		return 0;
	snprintf(file, sizeof(file), "%s/x", source);
	r = cfd_rules_never_source(source, &itself, why, err);
	if (!r)
		r = cfd_rules_never_source(file, &below, ignored, err);
	if (r || !itself)
		return r;
	if (below)
		return fail_never(lint, node, itself, source, why, err);
	if (has_exception(lint, itself->id, source))
		return 0;
	return cfd_fields_warn(
		lint->doc, node,
		"%s itself is never allowed (%s); only what lies below it is, each path by itself: name that", source,
		why);
}

static int check_capability(const struct lint *lint, const struct cfd_json *node, struct cfd_error *err)
{
	const char *text = cfd_json_string(node);
	char name[64];
	unsigned number;

	if (!text || snprintf(name, sizeof(name), "CAP_%s", text) >= (int)sizeof(name) ||
	    cfd_caps_number(name, &number) || !(cfd_caps_forbidden & (UINT64_C(1) << number)))
		return 0;
	return fail_never(lint, node, cfd_rule_find("capability.forbidden"), name, "a way to the host's root", err);
}

static int check_device(const struct lint *lint, const struct cfd_json *node, struct cfd_error *err)
{
	const char *path = cfd_json_string(node), *why = "";
	const struct cfd_rule *rule = cfd_shape_path(path) ? cfd_rules_never_device(path, &why) : NULL;

	return rule ? fail_never(lint, node, rule, path, why, err) : 0;
}

static int each(const struct lint *lint, const struct cfd_json *list,
		int (*check)(const struct lint *lint, const struct cfd_json *element, struct cfd_error *err),
		struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < CFD_VALUE_MAX_LIST && cfd_json_at(list, i); i++)
		r = check(lint, cfd_json_at(list, i), err);
	return r;
}

/* As a create would build it for a container without capabilities, once from each pair of folders. */
static int build_filter(const struct lint *lint, const char *const *folders, bool *ret_place, struct cfd_error *err)
{
	const struct cfd_seccomp_request request = {
		.profile = lint->profile->syscalls,
		.admin_dir = folders[0],
		.shipped_dir = folders[1],
		.all_architectures = lint->profile->all_architectures,
	};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *filter = NULL;

	for (size_t i = 0; i < 2; i++)
		*ret_place = *ret_place || (folders[i] && access(folders[i], F_OK) == 0);
	return cfd_seccomp_build(&request, &filter, err);
}

/* Where the file itself says which; what an extended profile says is that one's. */
static int check_syscalls(const struct lint *lint, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(lint->root, "syscalls");
	int directory = (int)(cfd_path_base(lint->request->file) - lint->request->file);
	char beside[CFD_PATH_MAX], above[CFD_PATH_MAX];
	const char *const installed[] = {lint->request->admin_seccomp, lint->request->shipped_seccomp};
	const char *const around[] = {beside, above};
	struct cfd_error why = {0};
	bool place = false;
	int r;

	if (!node || !lint->profile)
		return 0;
	snprintf(beside, sizeof(beside), "%.*sseccomp", directory, lint->request->file);
	snprintf(above, sizeof(above), "%.*s../seccomp", directory, lint->request->file);
	r = build_filter(lint, around, &place, &why);
	if (r == -ENOENT)
		r = build_filter(lint, installed, &place, &why);
	if (r == -ENOMEM)
		return cfd_fail_memory(err, "a filter");
	if (r == -ENOENT && (!place || lint->profile->syscalls[0] == '/'))
		return cfd_fields_warn(lint->doc, node, "not looked at: %s is not on this machine",
				       lint->profile->syscalls);
	return r ? noted(cfd_fields_fail(lint->doc, node, lint->request->file, err, "%s", why.message)) : 0;
}

int cfd_lint_profile(const struct cfd_lint_request *request, struct cfd_diagnostics *diagnostics, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	struct lint lint = {.request = request};
	int r = cfd_profile_lint(request->file, request->admin_profiles, request->shipped_profiles, request->now,
				 diagnostics, &doc, &profile, err);

	if (r || !doc)
		return r;
	lint.doc = doc;
	lint.root = cfd_json_root(doc);
	lint.profile = profile;
	r = each(&lint, cfd_json_get(lint.root, "exceptions"), check_rule, err);
	if (!r)
		r = each(&lint, member(&lint, "mounts", "allow"), check_mount, err);
	if (!r)
		r = each(&lint, cfd_json_get(lint.root, "capabilities"), check_capability, err);
	if (!r)
		r = each(&lint, member(&lint, "devices", "allow"), check_device, err);
	if (!r)
		r = check_syscalls(&lint, err);
	cfd_diagnostics_sort(diagnostics);
	return r;
}
