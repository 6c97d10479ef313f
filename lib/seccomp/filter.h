/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter as rules: what a profile or an OCI linux.seccomp says, before libseccomp compiles it. A part of
 * lib/seccomp; it knows neither libseccomp nor files.
 */
#ifndef CFD_SECCOMP_FILTER_H
#define CFD_SECCOMP_FILTER_H

#include "lib/base.h"
#include "lib/caps.h"
#include "lib/err.h"

struct cfd_json;
struct cfd_json_doc;

#define CFD_SECCOMP_ARGUMENTS 6    /* of a system call */
#define CFD_SECCOMP_MAX_RULES 8192 /* Docker's profile has 470 */
#define CFD_SECCOMP_MAX_ARCHITECTURES 16

/* In the order of the table in seccomp_words.c; of libseccomp too. */
enum cfd_seccomp_op {
	CFD_SECCOMP_NE,
	CFD_SECCOMP_LT,
	CFD_SECCOMP_LE,
	CFD_SECCOMP_EQ,
	CFD_SECCOMP_GE,
	CFD_SECCOMP_GT,
	CFD_SECCOMP_MASKED_EQ, /* (argument & value) == value_two */
	CFD_SECCOMP_OPS,
};

struct cfd_seccomp_condition {
	unsigned index;
	enum cfd_seccomp_op op;
	uint64_t value, value_two;
};

#define CFD_SECCOMP_FLAG_SPEC_ALLOW (1u << 2)

/* A conjunction of conditions on different arguments, in their order; none: the call whatever its arguments. */
struct cfd_seccomp_rule {
	const char *name; /* borrowed from the document it was read from */
	uint32_t action;  /* what the kernel calls a return value: SECCOMP_RET_... with its data */
	unsigned count;
	struct cfd_seccomp_condition conditions[CFD_SECCOMP_ARGUMENTS];
};

struct cfd_seccomp_filter {
	uint32_t default_action;
	const char
		*architectures[CFD_SECCOMP_MAX_ARCHITECTURES]; /* "SCMP_ARCH_X86_64"; borrowed; none: the native one */
	size_t architecture_count;
	bool has_flags;
	unsigned flags; /* bit n: the n-th row of the table in seccomp_words.c */
	struct cfd_seccomp_rule *rules;
	size_t rule_count, rule_room;
};

void cfd_seccomp_filter_release(struct cfd_seccomp_filter *filter);

/* -ENOMEM, or -E2BIG over CFD_SECCOMP_MAX_RULES. */
int cfd_seccomp_filter_add(struct cfd_seccomp_filter *filter, const struct cfd_seccomp_rule *rule,
			   struct cfd_error *err);

/* Where it runs: what decides about names and about the conditional parts of a profile. */
struct cfd_seccomp_host {
	const char *architecture; /* "SCMP_ARCH_X86_64" */
	const char *go_name;      /* "amd64", as profiles name it in `arches` */
	unsigned kernel_major, kernel_minor;
	cfd_caps bounding;
	bool all_architectures;
};

/* What a name is to libseccomp, for the native architecture. Implemented by lib/seccomp/seccomp.c. */
enum cfd_seccomp_name {
	CFD_SECCOMP_UNKNOWN,
	CFD_SECCOMP_FOREIGN, /* of other architectures only */
	CFD_SECCOMP_NATIVE,
};
enum cfd_seccomp_name cfd_seccomp_name(const char *name);
/* Whether libseccomp knows an architecture of this name ("SCMP_ARCH_..."). */
bool cfd_seccomp_has_architecture(const char *name);

/*
 * The rows {SCMP_ARCH_ name, name in `arches`}: NULL beyond the last. cfd_seccomp_arch_known: whether any row has this
 * name for `arches`.
 */
const char *cfd_seccomp_arch_row(size_t row, const char **ret_go_name);
bool cfd_seccomp_arch_known(const char *go_name);

/* "SCMP_ACT_ERRNO" and whether it carries data (errnoRet); NULL: not an action of the kernel's. */
const char *cfd_seccomp_action_name(uint32_t action, bool *ret_has_data);
const char *cfd_seccomp_op_name(enum cfd_seccomp_op op);
const char *cfd_seccomp_flag_name(size_t flag); /* of that bit; NULL beyond the last */

/* A text in which messages point to a place; without `doc` the path is all there is. */
struct cfd_seccomp_source {
	struct cfd_json_doc *doc;
	const char *file;
};
int cfd_seccomp_fail(const struct cfd_seccomp_source *source, const struct cfd_json *node, int code,
		     struct cfd_error *err, const char *format, ...) CFD_PRINTF(5, 6);
/* Every key of the object must be in the NULL-terminated list. A node that is no object is refused. */
int cfd_seccomp_check_keys(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			   const char *const *keys, struct cfd_error *err);

/* "SCMP_ACT_ERRNO" and the member `errno_key` of `object` -> a return value. The action must be there. */
int cfd_seccomp_read_action(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			    const char *action_key, const char *errno_key, uint32_t *ret_action, struct cfd_error *err);
int cfd_seccomp_read_op(const struct cfd_seccomp_source *source, const struct cfd_json *node,
			enum cfd_seccomp_op *ret_op, struct cfd_error *err);
/* The `flags` member, if there is one. */
int cfd_seccomp_read_flags(const struct cfd_seccomp_source *source, const struct cfd_json *object,
			   struct cfd_seccomp_filter *filter, struct cfd_error *err);
int cfd_seccomp_read_architectures(const struct cfd_seccomp_source *source, const struct cfd_json *array,
				   struct cfd_seccomp_filter *filter, struct cfd_error *err);

/*
 * Reads `args` into rule templates without a name. One rule in general; where an argument index is repeated, the
 * runtimes make a rule of each condition (they are alternatives then), and so does this, unless `strict`, which
 * refuses.
 */
struct cfd_seccomp_alternatives {
	struct cfd_seccomp_rule rules[CFD_SECCOMP_ARGUMENTS * 2];
	size_t count;
};
int cfd_seccomp_read_args(const struct cfd_seccomp_source *source, const struct cfd_json *args, bool strict,
			  struct cfd_seccomp_alternatives *ret_list, struct cfd_error *err);

/*
 * An OCI linux.seccomp. Names that libseccomp does not know are left out, as the runtimes do, or refused when
 * `strict`; foreign ones are left out unless `foreign`. The strings are borrowed from the document.
 */
int cfd_seccomp_filter_read(const struct cfd_json *seccomp, bool strict, bool foreign,
			    struct cfd_seccomp_filter *ret_filter, struct cfd_error *err);

#define CFD_SECCOMP_MAX_PATH 4096
#define CFD_SECCOMP_MAX_PROFILE ((size_t)1 << 20)

/*
 * The text of the profile that the request names, and its path. It and its directory must belong to root or to the
 * caller, and not be writable by others: -EPERM. -ENOENT: there is none of that name.
 */
struct cfd_seccomp_request;
int cfd_seccomp_profile_find(const struct cfd_seccomp_request *request, char ret_file[CFD_SECCOMP_MAX_PATH],
			     struct cfd_buf *ret_text, struct cfd_error *err);

/* A profile (lib/seccomp/profile.c describes the language), resolved for the host. */
int cfd_seccomp_profile_read(struct cfd_json_doc *doc, const char *file, const struct cfd_seccomp_host *host,
			     struct cfd_seccomp_filter *ret_filter, struct cfd_error *err);

/* An OCI linux.seccomp of this filter, in a document of its own; calls with the same rule are one entry. */
int cfd_seccomp_filter_write(const struct cfd_seccomp_filter *filter, struct cfd_json_doc **ret_doc,
			     struct cfd_error *err);

/*
 * A filter that allows only what both allow (lib/seccomp/merge.c describes how); it borrows the strings of both. What
 * cannot be expressed is denied. Its architectures are the profile's that the engine has too.
 */
int cfd_seccomp_merge(const struct cfd_seccomp_filter *engine, const struct cfd_seccomp_filter *profile,
		      struct cfd_seccomp_filter *ret_filter, struct cfd_error *err);

/*
 * Both conditions at once, on the same argument. 1 and the one condition that says the same; 0: never both;
 * -EOPNOTSUPP: there is no such condition.
 */
int cfd_seccomp_conjoin(const struct cfd_seccomp_condition *a, const struct cfd_seccomp_condition *b,
			struct cfd_seccomp_condition *ret_both);
bool cfd_seccomp_condition_holds(const struct cfd_seccomp_condition *condition, uint64_t argument);

/*
 * Whether the filter lets the runtimes do what they do themselves after loading it (runc 1.1.5, newer runc and crun
 * 1.8.1, traced without no_new_privileges). -EPERM with the calls that are missing.
 */
int cfd_seccomp_check_needs(const struct cfd_seccomp_filter *filter, struct cfd_error *err);

/*
 * Results that were proved before, in a directory of the caller's own. `key` holds everything that the result depends
 * on, and is compared whole. A directory or file that is missing, torn or not to be trusted is a miss (-ENOENT); what
 * cannot be written is not kept. At most 256 files stay, the newest.
 */
int cfd_seccomp_cache_get(const char *directory, const struct cfd_buf *key, struct cfd_buf *ret_text);
void cfd_seccomp_cache_put(const char *directory, const struct cfd_buf *key, const struct cfd_buf *text);

#endif
