/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of seccomp profiles -> rules for this host.
 *
 * It is the language that Docker and containers-common share (moby profiles/seccomp, containers-common pkg/seccomp), so
 * that their files can be used as they are, with one key more: `"optional": true` on a rule leaves out the names that
 * libseccomp does not know (because they are newer than it), which is an error elsewhere, as it is how a misspelt name
 * looks. `name`, `comment`, `errno` and `defaultErrno` (names of errno values) are theirs too.
 *
 * A rule is left out when `excludes` fits the host (its architecture is among `arches`, ANY of `caps` is in the
 * bounding set, the kernel is at least `minKernel`), or when `includes` does not (architecture not among them, ANY of
 * `caps` missing, kernel older).
 */
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"
#include "lib/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
	struct cfd_seccomp_source source;
	const struct cfd_seccomp_host *host;
	struct cfd_seccomp_filter *filter;
};

static const struct cfd_json *get_array(struct reading *r, const struct cfd_json *object, const char *key, int *code,
					struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(object, key);

	if (node && !*code && !cfd_json_is(node, CFD_JSON_ARRAY) && !cfd_json_is(node, CFD_JSON_NULL))
		*code = cfd_seccomp_fail(&r->source, node, -EINVAL, err, "not an array");
	return node;
}

/* `any`: one of the capabilities is in the bounding set; `all`: none is missing. */
static int read_caps(struct reading *r, const struct cfd_json *list, bool *any, bool *all, struct cfd_error *err)
{
	for (size_t i = 0; i < cfd_json_count(list); i++) {
		const struct cfd_json *node = cfd_json_at(list, i);
		const char *name = cfd_json_string(node);
		unsigned number = 0;
		bool has;

		if (cfd_caps_number(name, &number))
			return cfd_seccomp_fail(&r->source, node, -EINVAL, err,
						"%s is not a capability; names are written as CAP_CHOWN is",
						name ? name : "this");
		has = r->host->bounding >> number & 1;
		*any = *any || has;
		*all = *all && has;
	}
	return 0;
}

static int read_arches(struct reading *r, const struct cfd_json *list, bool *among, struct cfd_error *err)
{
	for (size_t i = 0; i < cfd_json_count(list); i++) {
		const struct cfd_json *node = cfd_json_at(list, i);
		const char *name = cfd_json_string(node);

		if (!cfd_seccomp_arch_known(name))
			return cfd_seccomp_fail(&r->source, node, -EINVAL, err,
						"%s is not an architecture; x86_64 is written amd64 here",
						name ? name : "this");
		*among = *among || cfd_streq(name, r->host->go_name);
	}
	return 0;
}

/* "MAJOR.MINOR" */
static int read_kernel(struct reading *r, const struct cfd_json *node, bool *ret_reached, struct cfd_error *err)
{
	const char *text = cfd_json_string(node), *dot = text ? strchr(text, '.') : NULL;
	uint64_t major = 0, minor = 0;
	char first[8] = "";

	if (dot && (size_t)(dot - text) < sizeof(first))
		memcpy(first, text, (size_t)(dot - text));
	if (!dot || cfd_parse_u64(first, 255, &major) || cfd_parse_u64(dot + 1, 255, &minor) || (!major && !minor))
		return cfd_seccomp_fail(&r->source, node, -EINVAL, err,
					"a kernel is written MAJOR.MINOR, such as \"4.8\"");
	*ret_reached =
		r->host->kernel_major > major || (r->host->kernel_major == major && r->host->kernel_minor >= minor);
	return 0;
}

/* Whether an `includes` (`excludes`) object leaves the rule out. NULL leaves nothing out. */
static int read_when(struct reading *r, const struct cfd_json *when, bool includes, bool *out, struct cfd_error *err)
{
	static const char *const keys[] = {"caps", "arches", "minKernel", NULL};
	bool any = false, all = true, among = false, reached = false;
	const struct cfd_json *caps, *arches, *kernel = cfd_json_get(when, "minKernel");
	int code = 0;

	if (!when || cfd_json_is(when, CFD_JSON_NULL))
		return 0;
	code = cfd_seccomp_check_keys(&r->source, when, keys, err);
	caps = get_array(r, when, "caps", &code, err);
	arches = get_array(r, when, "arches", &code, err);
	if (!code)
		code = read_caps(r, caps, &any, &all, err);
	if (!code)
		code = read_arches(r, arches, &among, err);
	if (!code && kernel)
		code = read_kernel(r, kernel, &reached, err);
	if (includes)
		*out = *out || !all || (cfd_json_count(arches) && !among) || (kernel && !reached);
	else
		*out = *out || any || among || reached;
	return code;
}

/* `errno_key` by name ("EPERM") must say the same as by number, if both are there. */
static int read_errno_name(struct reading *r, const struct cfd_json *object, const char *name_key,
			   const char *number_key, uint32_t *action, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(object, name_key);
	const char *name = cfd_json_string(node);
	int value = 1;

	if (!node || (*action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO || (name && !*name))
		return 0;
	while (value < 4096 && !cfd_streq(strerrorname_np(value), name))
		value++;
	if (value == 4096)
		return cfd_seccomp_fail(&r->source, node, -EINVAL, err, "%s is not the name of an errno value",
					name ? name : "this");
	if (cfd_json_get(object, number_key) && (*action & SECCOMP_RET_DATA) != (uint32_t)value)
		return cfd_seccomp_fail(&r->source, node, -EINVAL, err, "%s is %d, but %s says %u", name, value,
					number_key, *action & SECCOMP_RET_DATA);
	*action = SECCOMP_RET_ERRNO | (uint32_t)value;
	return 0;
}

static int read_action(struct reading *r, const struct cfd_json *entry, uint32_t *ret_action, struct cfd_error *err)
{
	int code = cfd_seccomp_read_action(&r->source, entry, "action", "errnoRet", ret_action, err);
	uint32_t what = *ret_action & SECCOMP_RET_ACTION_FULL;

	if (!code)
		code = read_errno_name(r, entry, "errno", "errnoRet", ret_action, err);
	if (!code && (what == SECCOMP_RET_USER_NOTIF || what == SECCOMP_RET_TRACE))
		code = cfd_seccomp_fail(
			&r->source, cfd_json_get(entry, "action"), -EINVAL, err,
			"this action leaves the decision to another process, which cofferdam does not provide");
	return code;
}

static int add_name(struct reading *r, const struct cfd_json *node, bool optional,
		    struct cfd_seccomp_alternatives *list, bool out, struct cfd_error *err)
{
	const char *name = cfd_json_string(node);
	enum cfd_seccomp_name kind = name ? cfd_seccomp_name(name) : CFD_SECCOMP_UNKNOWN;
	int code = 0;

	if (!name)
		return cfd_seccomp_fail(&r->source, node, -EINVAL, err, "not the name of a system call");
	if (kind == CFD_SECCOMP_UNKNOWN && !optional)
		return cfd_seccomp_fail(
			&r->source, node, -EINVAL, err,
			"%s is not a system call that libseccomp knows; if it is only too new, give it a rule of "
			"its own with \"optional\": true",
			name);
	if (out || kind == CFD_SECCOMP_UNKNOWN || (kind == CFD_SECCOMP_FOREIGN && !r->host->all_architectures))
		return 0;
	for (size_t i = 0; i < list->count && !code; i++) {
		list->rules[i].name = name;
		code = cfd_seccomp_filter_add(r->filter, &list->rules[i], err);
	}
	return code;
}

static int check_masks(struct reading *r, const struct cfd_json *entry, const struct cfd_seccomp_alternatives *list,
		       struct cfd_error *err)
{
	for (unsigned i = 0; i < list->rules[0].count; i++) {
		const struct cfd_seccomp_condition *c = &list->rules[0].conditions[i];

		if (c->op == CFD_SECCOMP_MASKED_EQ && (c->value_two & ~c->value))
			return cfd_seccomp_fail(&r->source, entry, -EINVAL, err,
						"MASKED_EQ on argument %u can never hold: value is the mask, valueTwo "
						"what must be left",
						c->index);
	}
	return 0;
}

/* The parts of a rule that are checked whether or not the rule is left out here. */
static int read_entry(struct reading *r, const struct cfd_json *entry, struct cfd_error *err)
{
	static const char *const keys[] = {"names",    "name",     "action",  "args",     "errnoRet", "errno",
					   "includes", "excludes", "comment", "optional", NULL};
	const struct cfd_json *names = cfd_json_get(entry, "names"), *name = cfd_json_get(entry, "name");
	const struct cfd_json *optional = cfd_json_get(entry, "optional");
	struct cfd_seccomp_alternatives list;
	uint32_t action = 0;
	bool out = false;
	int code = cfd_seccomp_check_keys(&r->source, entry, keys, err);

	if (!code)
		code = read_action(r, entry, &action, err);
	if (!code)
		code = cfd_seccomp_read_args(&r->source, cfd_json_get(entry, "args"), true, &list, err);
	if (!code)
		code = check_masks(r, entry, &list, err);
	if (!code)
		code = read_when(r, cfd_json_get(entry, "includes"), true, &out, err);
	if (!code)
		code = read_when(r, cfd_json_get(entry, "excludes"), false, &out, err);
	if (!code && optional && !cfd_json_is(optional, CFD_JSON_BOOL))
		code = cfd_seccomp_fail(&r->source, optional, -EINVAL, err, "not true or false");
	if (!code && (name ? names != NULL : !cfd_json_is(names, CFD_JSON_ARRAY) || !cfd_json_count(names)))
		code = cfd_seccomp_fail(
			&r->source, entry, -EINVAL, err,
			"a rule has names, a list of system calls that is not empty (or name, for one)");
	if (code)
		return code;
	list.rules[0].action = action;
	if (name)
		return add_name(r, name, cfd_json_bool(optional), &list, out, err);
	for (size_t i = 0; i < cfd_json_count(names) && !code; i++)
		code = add_name(r, cfd_json_at(names, i), cfd_json_bool(optional), &list, out, err);
	return code;
}

/* The entry of the native architecture, with its subarchitectures. */
static int read_arch_map(struct reading *r, const struct cfd_json *map, struct cfd_error *err)
{
	static const char *const keys[] = {"architecture", "subArchitectures", NULL};
	int code = 0;

	for (size_t i = 0; i < cfd_json_count(map) && !code; i++) {
		const struct cfd_json *row = cfd_json_at(map, i), *subs = cfd_json_get(row, "subArchitectures");

		code = cfd_seccomp_check_keys(&r->source, row, keys, err);
		if (code || !cfd_streq(cfd_json_string(cfd_json_get(row, "architecture")), r->host->architecture))
			continue;
		if (cfd_json_is(subs, CFD_JSON_ARRAY))
			code = cfd_seccomp_read_architectures(&r->source, subs, r->filter, err);
	}
	return code;
}

static int read_architectures(struct reading *r, const struct cfd_json *root, struct cfd_error *err)
{
	int code = 0;
	const struct cfd_json *list = get_array(r, root, "architectures", &code, err);
	const struct cfd_json *map = get_array(r, root, "archMap", &code, err);
	struct cfd_seccomp_filter *filter = r->filter;

	if (!code && cfd_json_count(list) && cfd_json_count(map))
		code = cfd_seccomp_fail(&r->source, map, -EINVAL, err,
					"architectures is there too; keep one of the two");
	filter->architectures[filter->architecture_count++] = r->host->architecture;
	if (code || !r->host->all_architectures)
		return code;
	return map ? read_arch_map(r, map, err) : cfd_seccomp_read_architectures(&r->source, list, filter, err);
}

static int read_head(struct reading *r, const struct cfd_json *root, struct cfd_error *err)
{
	static const char *const keys[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "archMap",
					   "architectures", "flags",           "syscalls",     NULL};
	struct cfd_seccomp_filter *filter = r->filter;
	int code = cfd_seccomp_check_keys(&r->source, root, keys, err);

	if (!code)
		code = cfd_seccomp_read_action(&r->source, root, "defaultAction", "defaultErrnoRet",
					       &filter->default_action, err);
	if (!code)
		code = read_errno_name(r, root, "defaultErrno", "defaultErrnoRet", &filter->default_action, err);
	if (!code && cfd_subset_strictness(filter->default_action) > cfd_subset_strictness(SECCOMP_RET_ERRNO))
		code = cfd_seccomp_fail(
			&r->source, cfd_json_get(root, "defaultAction"), -EINVAL, err,
			"the default lets every call pass that no rule names; use SCMP_ACT_ERRNO and list what is "
			"allowed");
	if (!code)
		code = read_architectures(r, root, err);
	return code ? code : cfd_seccomp_read_flags(&r->source, root, filter, err);
}

int cfd_seccomp_profile_read(struct cfd_json_doc *doc, const char *file, const struct cfd_seccomp_host *host,
			     struct cfd_seccomp_filter *ret_filter, struct cfd_error *err)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	struct reading reading = {.source = {doc, file}, .host = host, .filter = &filter};
	const struct cfd_json *root = cfd_json_root(doc), *entries = cfd_json_get(root, "syscalls");
	int code = read_head(&reading, root, err);

	if (!code && !cfd_json_is(entries, CFD_JSON_ARRAY))
		code = cfd_seccomp_fail(&reading.source, root, -EINVAL, err, "syscalls, a list of rules, is missing");
	for (size_t i = 0; i < cfd_json_count(entries) && !code; i++)
		code = read_entry(&reading, cfd_json_at(entries, i), err);
	if (code)
		return code;
	*ret_filter = filter;
	filter.rules = NULL;
	return 0;
}

/* -ENOENT: the directory or the file is not there. */
static int read_file(const char *directory, const char *name, char file[CFD_SECCOMP_MAX_PATH], struct cfd_buf *text,
		     struct cfd_error *err)
{
	CFD_AUTO_FD int dir = -1, fd = -1;
	int r = cfd_fd_open_dir(AT_FDCWD, directory, false, &dir, err);

	if (snprintf(file, CFD_SECCOMP_MAX_PATH, "%s%s%s", directory, cfd_ends_with(directory, "/") ? "" : "/", name) >=
	    (int)CFD_SECCOMP_MAX_PATH)
		return cfd_fail(err, -ENAMETOOLONG, "the path of the seccomp profile %s is too long", name);
	if (!r)
		r = cfd_trust_check(dir, directory, err);
	if (!r)
		r = cfd_fd_open_regular(dir, name, &fd, err);
	if (!r)
		r = cfd_trust_check(fd, file, err);
	return r ? r : cfd_fd_read(fd, CFD_SECCOMP_MAX_PROFILE, file, text, err);
}

static bool is_profile_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return length > 0 && length < 128 && !name[length] && name[0] != '.' && name[0] != '-';
}

int cfd_seccomp_profile_find(const struct cfd_seccomp_request *request, char ret_file[CFD_SECCOMP_MAX_PATH],
			     struct cfd_buf *ret_text, struct cfd_error *err)
{
	const char *profile = request->profile, *slash = profile ? strrchr(profile, '/') : NULL;
	const char *const places[] = {request->admin_dir, request->shipped_dir};
	char name[256], directory[CFD_SECCOMP_MAX_PATH];
	int r = -ENOENT;

	if (slash && profile[0] == '/' && slash[1] && strlen(profile) < sizeof(directory)) {
		memcpy(directory, profile, strlen(profile) + 1);
		directory[slash == profile ? 1 : slash - profile] = '\0';
		return read_file(directory, slash + 1, ret_file, ret_text, err);
	}
	if (!profile || !is_profile_name(profile))
		return cfd_fail(err, -EINVAL,
				"%s is neither the name of a seccomp profile (letters, digits, '.', '_', '-') nor an "
				"absolute path",
				profile ? profile : "nothing");
	snprintf(name, sizeof(name), "%s.json", profile);
	for (size_t i = 0; i < CFD_COUNT(places) && r == -ENOENT; i++)
		r = places[i] ? read_file(places[i], name, ret_file, ret_text, err) : r;
	if (r == -ENOENT)
		return cfd_fail(err, -ENOENT, "there is no seccomp profile %s: neither %s/%s nor %s/%s exists", profile,
				places[0] ? places[0] : "", name, places[1] ? places[1] : "", name);
	return r;
}
