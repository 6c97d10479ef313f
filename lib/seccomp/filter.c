/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp filters as rules: the vocabulary, reading an OCI linux.seccomp, writing one. */
#include "lib/seccomp/filter.h"
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"
#include "lib/seccomp/subset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 2048

void cfd_seccomp_filter_release(struct cfd_seccomp_filter *filter)
{
	cfd_base_free(&filter->rules);
	filter->rule_count = filter->rule_room = 0;
}

int cfd_seccomp_filter_add(struct cfd_seccomp_filter *filter, const struct cfd_seccomp_rule *rule,
			   struct cfd_error *err)
{
	if (filter->rule_count == filter->rule_room) {
		size_t room = filter->rule_room ? filter->rule_room * 2 : 512;
		struct cfd_seccomp_rule *more = reallocarray(filter->rules, room, sizeof(*more));

		if (!more)
			return cfd_fail_memory(err, "seccomp rules");
		filter->rules = more;
		filter->rule_room = room;
	}
	if (filter->rule_count == CFD_SECCOMP_MAX_RULES)
		return cfd_fail(err, -E2BIG, "a seccomp filter of more than %d rules; use fewer argument rules",
				CFD_SECCOMP_MAX_RULES);
	filter->rules[filter->rule_count++] = *rule;
	return 0;
}

static int read_value(const struct cfd_seccomp_source *source, const struct cfd_json *object, const char *key,
		      uint64_t *value, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(object, key);

	if (node && cfd_parse_u64(cfd_json_number(node), UINT64_MAX, value))
		return cfd_seccomp_fail(source, node, -EINVAL, err, "not a whole number from 0 to 2^64-1");
	return 0;
}

static int read_condition(const struct cfd_seccomp_source *source, const struct cfd_json *node,
			  struct cfd_seccomp_condition *ret, struct cfd_error *err)
{
	static const char *const keys[] = {"index", "value", "valueTwo", "op", NULL};
	int64_t index = 0;
	int r = cfd_seccomp_check_keys(source, node, keys, err);

	if (!r && cfd_json_int(cfd_json_get(node, "index"), 0, CFD_SECCOMP_ARGUMENTS - 1, &index))
		r = cfd_seccomp_fail(source, node, -EINVAL, err, "index must be there, from 0 to 5");
	if (!r && !cfd_json_get(node, "value"))
		r = cfd_seccomp_fail(source, node, -EINVAL, err, "value is missing");
	if (!r && !cfd_json_get(node, "op"))
		r = cfd_seccomp_fail(source, node, -EINVAL, err, "op is missing");
	if (!r)
		r = read_value(source, node, "value", &ret->value, err);
	if (!r)
		r = read_value(source, node, "valueTwo", &ret->value_two, err);
	if (!r)
		r = cfd_seccomp_read_op(source, cfd_json_get(node, "op"), &ret->op, err);
	ret->index = (unsigned)index;
	if (ret->op != CFD_SECCOMP_MASKED_EQ) /* engines write a 0 there, and it means nothing */
		ret->value_two = 0;
	return r;
}

static int compare_index(const void *a, const void *b)
{
	const struct cfd_seccomp_condition *x = a, *y = b;

	return (int)x->index - (int)y->index;
}

int cfd_seccomp_read_args(const struct cfd_seccomp_source *source, const struct cfd_json *args, bool strict,
			  struct cfd_seccomp_alternatives *ret_list, struct cfd_error *err)
{
	struct cfd_seccomp_condition conditions[CFD_COUNT(ret_list->rules)] = {0};
	size_t count = cfd_json_count(args);
	unsigned seen = 0;
	bool repeated = false;

	if (args && !cfd_json_is(args, CFD_JSON_ARRAY) && !cfd_json_is(args, CFD_JSON_NULL))
		return cfd_seccomp_fail(source, args, -EINVAL, err, "not an array of conditions");
	if (count > CFD_COUNT(conditions))
		return cfd_seccomp_fail(source, args, -E2BIG, err, "%zu conditions; at most %zu are accepted", count,
					CFD_COUNT(conditions));
	for (size_t i = 0; i < count; i++) {
		int r = read_condition(source, cfd_json_at(args, i), &conditions[i], err);

		if (r)
			return r;
		repeated = repeated || (seen >> conditions[i].index & 1);
		seen |= 1u << conditions[i].index;
	}
	if (repeated && strict)
		return cfd_seccomp_fail(
			source, args, -EINVAL, err,
			"two conditions on one argument; the runtimes would take ALL conditions of this rule as "
			"alternatives: write a rule for each alternative");
	memset(ret_list, 0, sizeof(*ret_list));
	ret_list->count = repeated ? count : 1;
	for (size_t i = 0; i < count; i++) {
		struct cfd_seccomp_rule *rule = &ret_list->rules[repeated ? i : 0];

		rule->conditions[rule->count++] = conditions[i];
	}
	if (!repeated)
		qsort(ret_list->rules[0].conditions, ret_list->rules[0].count, sizeof(conditions[0]), compare_index);
	return 0;
}

/* Adds the rule, which has everything but its name, for each name of the list. */
static int add_names(const struct cfd_seccomp_source *source, const struct cfd_json *names, bool strict, bool foreign,
		     struct cfd_seccomp_alternatives *list, struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	int r = 0;

	if (!cfd_json_is(names, CFD_JSON_ARRAY) || !cfd_json_count(names) || cfd_json_count(names) > MAX_NAMES)
		return cfd_seccomp_fail(source, names, -EINVAL, err, "names must be a list of 1 to %d system calls",
					MAX_NAMES);
	for (size_t i = 0; i < cfd_json_count(names) && !r; i++) {
		const struct cfd_json *node = cfd_json_at(names, i);
		const char *name = cfd_json_string(node);
		enum cfd_seccomp_name kind = name ? cfd_seccomp_name(name) : CFD_SECCOMP_UNKNOWN;

		if (!name)
			return cfd_seccomp_fail(source, node, -EINVAL, err, "not the name of a system call");
		if (kind == CFD_SECCOMP_UNKNOWN && strict)
			return cfd_seccomp_fail(source, node, -EINVAL, err,
						"%s is not a system call that libseccomp knows", name);
		if (kind == CFD_SECCOMP_UNKNOWN || (kind == CFD_SECCOMP_FOREIGN && !foreign))
			continue;
		for (size_t k = 0; k < list->count && !r; k++) {
			list->rules[k].name = name;
			r = cfd_seccomp_filter_add(filter, &list->rules[k], err);
		}
	}
	return r;
}

static int read_entry(const struct cfd_seccomp_source *source, const struct cfd_json *entry, bool strict, bool foreign,
		      struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	static const char *const keys[] = {"names", "action", "errnoRet", "args", NULL};
	struct cfd_seccomp_alternatives list;
	uint32_t action = 0;
	int r = cfd_seccomp_check_keys(source, entry, keys, err);

	if (!r)
		r = cfd_seccomp_read_action(source, entry, "action", "errnoRet", &action, err);
	if (!r && action == SECCOMP_RET_USER_NOTIF)
		r = cfd_seccomp_fail(source, cfd_json_get(entry, "action"), -EINVAL, err,
				     "SCMP_ACT_NOTIFY leaves the decision to a listener, which cofferdam cannot check");
	if (!r)
		r = cfd_seccomp_read_args(source, cfd_json_get(entry, "args"), false, &list, err);
	if (r)
		return r;
	for (size_t i = 0; i < list.count; i++)
		list.rules[i].action = action;
	if (!cfd_json_get(entry, "names"))
		return cfd_seccomp_fail(source, entry, -EINVAL, err, "names is missing");
	return add_names(source, cfd_json_get(entry, "names"), strict, foreign, &list, filter, err);
}

static int read_head(const struct cfd_seccomp_source *source, const struct cfd_json *seccomp,
		     struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	static const char *const keys[] = {"defaultAction", "defaultErrnoRet", "architectures",
					   "flags",         "syscalls",        NULL};
	static const char *const listener[] = {"listenerPath", "listenerMetadata"};
	int r;

	for (size_t i = 0; i < CFD_COUNT(listener); i++)
		if (cfd_json_get(seccomp, listener[i]))
			return cfd_seccomp_fail(
				source, cfd_json_get(seccomp, listener[i]), -EINVAL, err,
				"a listener decides about system calls outside of the filter, which cofferdam cannot "
				"check; remove it");
	r = cfd_seccomp_check_keys(source, seccomp, keys, err);
	if (!r)
		r = cfd_seccomp_read_action(source, seccomp, "defaultAction", "defaultErrnoRet",
					    &filter->default_action, err);
	if (!r && cfd_subset_strictness(filter->default_action) > cfd_subset_strictness(SECCOMP_RET_ERRNO))
		r = cfd_seccomp_fail(source, cfd_json_get(seccomp, "defaultAction"), -EINVAL, err,
				     "%s lets every call pass that no rule names; a filter must list what it allows",
				     cfd_json_string(cfd_json_get(seccomp, "defaultAction")));
	if (!r)
		r = cfd_seccomp_read_architectures(source, cfd_json_get(seccomp, "architectures"), filter, err);
	return r ? r : cfd_seccomp_read_flags(source, seccomp, filter, err);
}

int cfd_seccomp_filter_read(const struct cfd_json *seccomp, bool strict, bool foreign,
			    struct cfd_seccomp_filter *ret_filter, struct cfd_error *err)
{
	const struct cfd_seccomp_source source = {0};
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	const struct cfd_json *entries = cfd_json_get(seccomp, "syscalls");
	int r = read_head(&source, seccomp, &filter, err);

	if (!r && entries && !cfd_json_is(entries, CFD_JSON_ARRAY))
		r = cfd_seccomp_fail(&source, entries, -EINVAL, err, "not an array of rules");
	for (size_t i = 0; i < cfd_json_count(entries) && !r; i++)
		r = read_entry(&source, cfd_json_at(entries, i), strict, foreign, &filter, err);
	if (r)
		return r;
	*ret_filter = filter;
	filter.rules = NULL;
	return 0;
}

int cfd_seccomp_check(const struct cfd_json *seccomp, bool strict, struct cfd_error *err)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};

	return cfd_seccomp_filter_read(seccomp, strict, true, &filter, err);
}

/* Writing: nodes are NULL only when out of memory, and set and append pass that on. */
static int write_action(struct cfd_json_doc *doc, struct cfd_json *object, const char *action_key,
			const char *errno_key, uint32_t action)
{
	bool has_data = false;
	int r = cfd_json_set(doc, object, action_key,
			     cfd_json_new_string(doc, cfd_seccomp_action_name(action, &has_data)));

	if (!r && has_data)
		r = cfd_json_set(doc, object, errno_key, cfd_json_new_int(doc, action & SECCOMP_RET_DATA));
	return r;
}

static struct cfd_json *new_condition(struct cfd_json_doc *doc, const struct cfd_seccomp_condition *condition)
{
	struct cfd_json *object = cfd_json_new_object(doc);

	if (!object || cfd_json_set(doc, object, "index", cfd_json_new_int(doc, condition->index)) ||
	    cfd_json_set(doc, object, "value", cfd_json_new_u64(doc, condition->value)) ||
	    (condition->op == CFD_SECCOMP_MASKED_EQ &&
	     cfd_json_set(doc, object, "valueTwo", cfd_json_new_u64(doc, condition->value_two))) ||
	    cfd_json_set(doc, object, "op", cfd_json_new_string(doc, cfd_seccomp_op_name(condition->op))))
		return NULL;
	return object;
}

/* An entry of `syscalls` with an empty list of names, which is returned. */
static struct cfd_json *append_entry(struct cfd_json_doc *doc, struct cfd_json *entries,
				     const struct cfd_seccomp_rule *rule)
{
	struct cfd_json *entry = cfd_json_new_object(doc), *names = cfd_json_new_array(doc), *args;

	if (!entry || !names || cfd_json_set(doc, entry, "names", names) ||
	    write_action(doc, entry, "action", "errnoRet", rule->action))
		return NULL;
	args = rule->count ? cfd_json_want_array(doc, entry, "args") : NULL;
	for (unsigned i = 0; i < rule->count; i++)
		if (!args || cfd_json_append(doc, args, new_condition(doc, &rule->conditions[i])))
			return NULL;
	return cfd_json_append(doc, entries, entry) ? NULL : names;
}

static bool same_rule(const struct cfd_seccomp_rule *a, const struct cfd_seccomp_rule *b)
{
	bool same = a->action == b->action && a->count == b->count;

	for (unsigned i = 0; i < a->count && same; i++)
		same = a->conditions[i].index == b->conditions[i].index && a->conditions[i].op == b->conditions[i].op &&
		       a->conditions[i].value == b->conditions[i].value &&
		       a->conditions[i].value_two == b->conditions[i].value_two;
	return same;
}

/* One entry for all rules that differ in nothing but the name, for those with conditions or for those without. */
static int write_entries(struct cfd_json_doc *doc, struct cfd_json *entries, const struct cfd_seccomp_filter *filter,
			 bool conditional)
{
	CFD_AUTO_FREE struct entry {
		const struct cfd_seccomp_rule *rule;
		struct cfd_json *names;
	} *written = calloc(filter->rule_count + 1, sizeof(*written));
	size_t count = 0, at;

	if (!written)
		return -ENOMEM;
	for (size_t i = 0; i < filter->rule_count; i++) {
		const struct cfd_seccomp_rule *rule = &filter->rules[i];

		if ((rule->count > 0) != conditional)
			continue;
		for (at = 0; at < count && !same_rule(written[at].rule, rule); at++)
			;
		if (at == count) {
			written[count++] = (struct entry){rule, append_entry(doc, entries, rule)};
			if (!written[at].names)
				return -ENOMEM;
		}
		if (cfd_json_append(doc, written[at].names, cfd_json_new_string(doc, rule->name)))
			return -ENOMEM;
	}
	return 0;
}

static int append_string(struct cfd_json_doc *doc, struct cfd_json *root, const char *key, const char *string)
{
	struct cfd_json *list = cfd_json_want_array(doc, root, key);

	return list && (!string || !cfd_json_append(doc, list, cfd_json_new_string(doc, string))) ? 0 : -ENOMEM;
}

static int write_head(struct cfd_json_doc *doc, struct cfd_json *root, const struct cfd_seccomp_filter *filter)
{
	int r = write_action(doc, root, "defaultAction", "defaultErrnoRet", filter->default_action);

	for (size_t i = 0; i < filter->architecture_count && !r; i++)
		r = append_string(doc, root, "architectures", filter->architectures[i]);
	if (!r && filter->has_flags)
		r = append_string(doc, root, "flags", NULL);
	for (size_t i = 0; cfd_seccomp_flag_name(i) && !r; i++)
		if (filter->flags >> i & 1)
			r = append_string(doc, root, "flags", cfd_seccomp_flag_name(i));
	return r;
}

int cfd_seccomp_filter_write(const struct cfd_seccomp_filter *filter, struct cfd_json_doc **ret_doc,
			     struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "seccomp"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_json *root, *entries;
	int r = cfd_json_parse("{}", 2, &options, &doc, err);

	if (r)
		return r;
	root = cfd_json_root(doc);
	/*
	 * Rules without conditions first: on 32-bit x86 libseccomp adds to each rule for socket one for socketcall,
	 * which it drops where socketcall has a rule already, and takes for a contradiction otherwise.
	 */
	if (write_head(doc, root, filter) || !(entries = cfd_json_want_array(doc, root, "syscalls")) ||
	    write_entries(doc, entries, filter, false) || write_entries(doc, entries, filter, true))
		return cfd_fail_memory(err, "a seccomp filter");
	*ret_doc = cfd_take(doc);
	return 0;
}
