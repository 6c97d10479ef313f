/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of seccomp filters: actions, comparisons, flags, architectures; reading each of them. */
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"

#include <errno.h>
#include <stdio.h>

/* The kernel cuts larger ones to this (MAX_ERRNO of linux/err.h). */
#define MAX_ERRNO 4095

static const struct {
	const char *name;
	uint32_t action;
	bool has_data; /* errnoRet means something */
} actions[] = {
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
};

static const char *const ops[] = {
	[CFD_SECCOMP_NE] = "SCMP_CMP_NE",
	[CFD_SECCOMP_LT] = "SCMP_CMP_LT",
	[CFD_SECCOMP_LE] = "SCMP_CMP_LE",
	[CFD_SECCOMP_EQ] = "SCMP_CMP_EQ",
	[CFD_SECCOMP_GE] = "SCMP_CMP_GE",
	[CFD_SECCOMP_GT] = "SCMP_CMP_GT",
	[CFD_SECCOMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

/* The order makes the bits of `flags`. */
static const char *const flag_names[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
};

/* runtime-spec config-linux.md names the first; `arches` of profiles the second (moby profiles: GOARCH, mostly). */
static const char *const architectures[][2] = {
	{"SCMP_ARCH_X86_64", "amd64"},      {"SCMP_ARCH_X86", "x86"},         {"SCMP_ARCH_X32", "x32"},
	{"SCMP_ARCH_AARCH64", "arm64"},     {"SCMP_ARCH_ARM", "arm"},         {"SCMP_ARCH_PPC64LE", "ppc64le"},
	{"SCMP_ARCH_PPC64", "ppc64"},       {"SCMP_ARCH_PPC", "ppc"},         {"SCMP_ARCH_S390X", "s390x"},
	{"SCMP_ARCH_S390", "s390"},         {"SCMP_ARCH_RISCV64", "riscv64"}, {"SCMP_ARCH_LOONGARCH64", "loongarch64"},
	{"SCMP_ARCH_MIPS64", "mips64"},     {"SCMP_ARCH_MIPS", "mips"},       {"SCMP_ARCH_MIPS64N32", "mips64n32"},
	{"SCMP_ARCH_MIPSEL64", "mipsel64"}, {"SCMP_ARCH_MIPSEL", "mipsel"},   {"SCMP_ARCH_MIPSEL64N32", "mips3l64n32"},
};

const char *cfd_seccomp_action_name(uint32_t action, bool *ret_has_data)
{
	for (size_t i = 0; i < CFD_COUNT(actions); i++) {
		if (actions[i].action == (action & SECCOMP_RET_ACTION_FULL)) {
			*ret_has_data = actions[i].has_data;
			return actions[i].name;
		}
	}
	return NULL;
}

const char *cfd_seccomp_op_name(enum cfd_seccomp_op op)
{
	return ops[op];
}

const char *cfd_seccomp_flag_name(size_t flag)
{
	return flag < CFD_COUNT(flag_names) ? flag_names[flag] : NULL;
}

const char *cfd_seccomp_arch_row(size_t row, const char **ret_go_name)
{
	if (row >= CFD_COUNT(architectures))
		return NULL;
	*ret_go_name = architectures[row][1];
	return architectures[row][0];
}

bool cfd_seccomp_arch_known(const char *go_name)
{
	for (size_t i = 0; i < CFD_COUNT(architectures); i++)
		if (cfd_streq(architectures[i][1], go_name))
			return true;
	return false;
}

int cfd_seccomp_fail(const struct cfd_seccomp_source *source, const struct cfd_json *node, int code,
		     struct cfd_error *err, const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (source->doc) {
		cfd_fields_fail(source->doc, node, source->file, err, "%s", message);
		err->code = code;
		return code;
	}
	if (cfd_json_path(node, &path))
		return cfd_fail_memory(err, "a message");
	return cfd_fail(err, code, "%s%s%s: %s", source->file ? source->file : "", source->file ? ": " : "", path.data,
			message);
}

int cfd_seccomp_check_keys(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			   const char *const *keys, struct cfd_error *err)
{
	if (!cfd_json_is(object, CFD_JSON_OBJECT))
		return cfd_seccomp_fail(source, object, -EINVAL, err, "%s where an object belongs",
					cfd_json_type_name(cfd_json_type(object)));
	for (size_t i = 0; i < cfd_json_count(object); i++) {
		const char *key = NULL, *const *known = keys;
		const struct cfd_json *member = cfd_json_member(object, i, &key);

		while (*known && !cfd_streq(*known, key))
			known++;
		if (!*known)
			return cfd_seccomp_fail(source, member, -EINVAL, err,
						"a key that is not known here; remove it");
	}
	return 0;
}

/* The row of a table whose first member is the name, or -EINVAL with a message that lists nothing but the find. */
static int find_name(const struct cfd_seccomp_source *source, const struct cfd_json *node, const char *what,
		     const char *const *table, size_t count, size_t *ret_row, struct cfd_error *err)
{
	const char *name = cfd_json_string(node);

	for (size_t i = 0; i < count; i++) {
		if (cfd_streq(table[i], name)) {
			*ret_row = i;
			return 0;
		}
	}
	return cfd_seccomp_fail(source, node, -EINVAL, err, "%s is not the name of %s",
				name ? name : cfd_json_type_name(cfd_json_type(node)), what);
}

int cfd_seccomp_read_action(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			    const char *action_key, const char *errno_key, uint32_t *ret_action, struct cfd_error *err)
{
	const struct cfd_json *node = cfd_json_get(object, action_key), *number = cfd_json_get(object, errno_key);
	const char *name = cfd_json_string(node);
	int64_t value = EPERM;
	size_t row = 0;

	while (row < CFD_COUNT(actions) && !cfd_streq(actions[row].name, name))
		row++;
	if (!node)
		return cfd_seccomp_fail(source, object, -EINVAL, err, "%s is missing", action_key);
	if (row == CFD_COUNT(actions))
		return cfd_seccomp_fail(source, node, -EINVAL, err, "%s is not the name of a seccomp action",
					name ? name : cfd_json_type_name(cfd_json_type(node)));
	if (number && cfd_json_int(number, 0, MAX_ERRNO, &value))
		return cfd_seccomp_fail(source, number, -EINVAL, err, "not a number from 0 to %d", MAX_ERRNO);
	*ret_action = actions[row].action | (actions[row].has_data ? (uint32_t)value : 0);
	return 0;
}

int cfd_seccomp_read_op(const struct cfd_seccomp_source *source, const struct cfd_json *node,
			enum cfd_seccomp_op *ret_op, struct cfd_error *err)
{
	size_t row = 0;
	int r = find_name(source, node, "a comparison", ops, CFD_COUNT(ops), &row, err);

	*ret_op = (enum cfd_seccomp_op)row;
	return r;
}

int cfd_seccomp_read_flags(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			   struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	const struct cfd_json *list = cfd_json_get(object, "flags");

	if (!list)
		return 0;
	if (!cfd_json_is(list, CFD_JSON_ARRAY))
		return cfd_seccomp_fail(source, list, -EINVAL, err, "not an array of flags");
	for (size_t i = 0; i < cfd_json_count(list); i++) {
		size_t row = 0;
		int r = find_name(source, cfd_json_at(list, i), "a seccomp flag", flag_names, CFD_COUNT(flag_names),
				  &row, err);

		if (r)
			return r;
		filter->flags |= 1u << row;
	}
	filter->has_flags = true;
	return 0;
}

static bool has_string(const char *const *list, size_t count, const char *string)
{
	for (size_t i = 0; i < count; i++)
		if (cfd_streq(list[i], string))
			return true;
	return false;
}

int cfd_seccomp_read_architectures(const struct cfd_seccomp_source *source, const struct cfd_json *array,
				   struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	if (array && !cfd_json_is(array, CFD_JSON_ARRAY))
		return cfd_seccomp_fail(source, array, -EINVAL, err, "not an array of architectures");
	for (size_t i = 0; i < cfd_json_count(array); i++) {
		const struct cfd_json *node = cfd_json_at(array, i);
		const char *name = cfd_json_string(node);

		if (!name || !cfd_seccomp_has_architecture(name))
			return cfd_seccomp_fail(source, node, -EINVAL, err,
						"%s is not an architecture that libseccomp knows",
						name ? name : cfd_json_type_name(cfd_json_type(node)));
		if (has_string(filter->architectures, filter->architecture_count, name))
			continue;
		if (filter->architecture_count == CFD_SECCOMP_MAX_ARCHITECTURES)
			return cfd_seccomp_fail(source, node, -E2BIG, err, "more than %d architectures",
						CFD_SECCOMP_MAX_ARCHITECTURES);
		filter->architectures[filter->architecture_count++] = name;
	}
	return 0;
}
