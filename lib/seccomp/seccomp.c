/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's system calls -> linux.seccomp, proved. The only file that knows libseccomp.
 *
 * Theory of operation. Profile and engine's filter are read as rules (seccomp_profile.c, seccomp_filter.c) and merged
 * (seccomp_merge.c); the result is written as JSON, and from there on nothing is taken on trust: the JSON is read again
 * and compiled, as are the profile and the engine's filter, and lib/subset decides whether the compiled result is at
 * least as strict as each of the two. libseccomp can hang and can compile wrongly, so it works in a child process that
 * is killed after a while, and what counts is its output. Proved results are cached by everything they depend on.
 *
 * A result for the native architecture only is compared with the engine's filter compiled for that one as well:
 * libseccomp builds each architecture by itself, and on all others the result kills the thread at its first call.
 */
#include "lib/seccomp/seccomp.h"
#include "lib/json/json.h"
#include "lib/seccomp/compiler.h"
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* libseccomp's actions are the kernel's return values, its comparisons are ours from 1 on. */
_Static_assert(SCMP_ACT_ALLOW == SECCOMP_RET_ALLOW && SCMP_ACT_ERRNO(38) == (SECCOMP_RET_ERRNO | 38) &&
		       SCMP_ACT_KILL_PROCESS == SECCOMP_RET_KILL_PROCESS &&
		       SCMP_ACT_TRACE(7) == (SECCOMP_RET_TRACE | 7),
	       "actions");
_Static_assert((int)SCMP_CMP_NE == CFD_SECCOMP_NE + 1 && (int)SCMP_CMP_EQ == CFD_SECCOMP_EQ + 1 &&
		       (int)SCMP_CMP_MASKED_EQ == CFD_SECCOMP_MASKED_EQ + 1,
	       "comparisons");

enum cfd_seccomp_name cfd_seccomp_name(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ? CFD_SECCOMP_UNKNOWN : number < 0 ? CFD_SECCOMP_FOREIGN : CFD_SECCOMP_NATIVE;
}

/* "SCMP_ARCH_X86_64" is "x86_64" to libseccomp; 0: unknown. */
static uint32_t architecture_token(const char *name)
{
	char lower[32];
	size_t length;

	if (!cfd_starts_with(name, "SCMP_ARCH_") || strlen(name) - 10 >= sizeof(lower))
		return 0;
	for (length = 0; name[10 + length]; length++) {
		if (islower((unsigned char)name[10 + length]))
			return 0;
		lower[length] = (char)tolower((unsigned char)name[10 + length]);
	}
	lower[length] = '\0';
	return seccomp_arch_resolve_name(lower);
}

bool cfd_seccomp_has_architecture(const char *name)
{
	return architecture_token(name) != 0;
}

static void ctx_freep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static int add_rule(scmp_filter_ctx ctx, const struct cfd_seccomp_rule *rule)
{
	struct scmp_arg_cmp args[CFD_SECCOMP_ARGUMENTS];

	for (unsigned i = 0; i < rule->count; i++)
		args[i] = (struct scmp_arg_cmp){rule->conditions[i].index,
						(enum scmp_compare)(rule->conditions[i].op + 1),
						rule->conditions[i].value, rule->conditions[i].value_two};
	return seccomp_rule_add_array(ctx, rule->action, seccomp_syscall_resolve_name(rule->name), rule->count, args);
}

/* As runc and crun do it: what equals the default is skipped, an architecture that is there already is no error. */
static int compile_to(const struct cfd_seccomp_filter *filter, int fd)
{
	CFD_AUTO(ctx_freep) scmp_filter_ctx ctx = seccomp_init(filter->default_action);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < filter->architecture_count && !r; i++) {
		r = seccomp_arch_add(ctx, architecture_token(filter->architectures[i]));
		r = r == -EEXIST ? 0 : r;
	}
	for (size_t i = 0; i < filter->rule_count && !r; i++)
		if (filter->rules[i].action != filter->default_action)
			r = add_rule(ctx, &filter->rules[i]);
	return r ? r : seccomp_export_bpf(ctx, fd);
}

int cfd_seccomp_compile(const struct cfd_json *seccomp, struct cfd_subset_program *ret_program, struct cfd_error *err)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	CFD_AUTO(cfd_seccomp_compiler_stop) struct cfd_seccomp_compiler compiler = CFD_SECCOMP_COMPILER_NONE;
	int r = cfd_seccomp_filter_read(seccomp, false, true, &filter, err);

	if (!r)
		r = cfd_seccomp_compiler_start(&compiler, "the seccomp filter", compile_to, &filter, err);
	return r ? r : cfd_seccomp_compiler_finish(&compiler, ret_program, err);
}

/* What a request is about, once found: all of it is part of the cache's key. */
struct build {
	const struct cfd_seccomp_request *request;
	char file[CFD_SECCOMP_MAX_PATH]; /* the profile's path, for messages */
	struct cfd_buf profile, engine;  /* texts */
	struct utsname system;
	struct cfd_seccomp_host host;
};

static void build_release(struct build *b)
{
	cfd_buf_release(&b->profile);
	cfd_buf_release(&b->engine);
}

/* The machine: architecture, kernel, capabilities. */
static int find_host(struct build *b, struct cfd_error *err)
{
	struct cfd_seccomp_host *host = &b->host;
	uint32_t native = seccomp_arch_native();

	host->bounding = b->request->bounding;
	host->all_architectures = b->request->all_architectures;
	for (size_t i = 0; (host->architecture = cfd_seccomp_arch_row(i, &host->go_name)) != NULL; i++)
		if (architecture_token(host->architecture) == native)
			break;
	if (!host->architecture)
		return cfd_fail(err, -EOPNOTSUPP, "seccomp profiles have no name for this machine's architecture");
	if (uname(&b->system))
		return cfd_fail_errno(err, -errno, "cannot ask for the kernel's version");
	if (sscanf(b->system.release, "%u.%u", &host->kernel_major, &host->kernel_minor) != 2)
		return cfd_fail(err, -EINVAL, "the kernel's version \"%s\" does not begin with MAJOR.MINOR",
				b->system.release);
	return 0;
}

/* Everything that the result depends on, each part with its length. */
static int make_key(const struct build *b, struct cfd_buf *key, struct cfd_error *err)
{
	const struct scmp_version *version = seccomp_version();

	if (cfd_buf_addf(key, "cofferdam %s libseccomp %u.%u.%u %s %s bounding %llx all %d profile %zu engine %zu\n",
			 CFD_VERSION, version->major, version->minor, version->micro, b->host.architecture,
			 b->system.release, (unsigned long long)b->host.bounding, b->host.all_architectures,
			 b->profile.length, b->engine.length) ||
	    cfd_buf_add(key, b->profile.data, b->profile.length) || cfd_buf_add(key, b->engine.data, b->engine.length))
		return cfd_fail_memory(err, "a seccomp filter");
	return 0;
}

static const char *describe_action(uint32_t action, char text[48])
{
	bool has_data = false;
	const char *name = cfd_seccomp_action_name(action, &has_data);

	snprintf(text, 48, has_data ? "%s(%u)" : "%s", name ? name + strlen("SCMP_ACT_") : "?",
		 action & SECCOMP_RET_DATA);
	return text;
}

enum { RESULT, PROFILE, ENGINE, FILTERS };

struct filters {
	struct cfd_seccomp_filter filter[FILTERS];
	struct cfd_subset_program program[FILTERS];
	struct cfd_seccomp_compiler compiler[FILTERS];
};

static const char *const filter_names[] = {
	[RESULT] = "the merged seccomp filter",
	[PROFILE] = "the seccomp profile",
	[ENGINE] = "the engine's seccomp filter",
};

/* Refuses unless `one` is at least as strict as `other`; the message holds the call that shows it. */
static int prove(const struct filters *f, int one, int other, const char *advice, struct cfd_error *err)
{
	struct cfd_subset_result compared;
	const struct seccomp_data *call = &compared.witness;
	CFD_AUTO_FREE char *name = NULL;
	char theirs[48], ours[48];
	int r = cfd_subset_compare(&f->program[one], &f->program[other], &compared, err);

	if (r)
		return cfd_wrap(err, "cannot prove that %s is at least as strict as %s", filter_names[one],
				filter_names[other]);
	if (compared.holds)
		return 0;
	name = seccomp_syscall_resolve_num_arch(call->arch, call->nr);
	return cfd_fail(err, -EPERM,
			"%s is not as strict as %s: it answers %s (number %u, architecture %#x) with "
			"arguments %#llx, %#llx, %#llx, %#llx, %#llx, %#llx by %s, not %s; %s",
			filter_names[one], filter_names[other], name ? name : "a call", (unsigned)call->nr, call->arch,
			(unsigned long long)call->args[0], (unsigned long long)call->args[1],
			(unsigned long long)call->args[2], (unsigned long long)call->args[3],
			(unsigned long long)call->args[4], (unsigned long long)call->args[5],
			describe_action(compared.action_a, ours), describe_action(compared.action_b, theirs), advice);
}

static void filters_release(struct filters *f)
{
	for (int i = 0; i < FILTERS; i++) {
		cfd_seccomp_compiler_stop(&f->compiler[i]);
		cfd_subset_release(&f->program[i]);
		cfd_seccomp_filter_release(&f->filter[i]);
	}
}

static int start(struct filters *f, int which, struct cfd_error *err)
{
	return cfd_seccomp_compiler_start(&f->compiler[which], filter_names[which], compile_to, &f->filter[which], err);
}

/* The engine's side, if there is one: read, and given to the compiler. */
static int start_engine(const struct build *b, struct filters *f, struct cfd_error *err)
{
	struct cfd_seccomp_filter *engine = &f->filter[ENGINE];
	int r;

	if (!b->request->engine)
		return 0;
	r = cfd_seccomp_filter_read(b->request->engine, false, true, engine, err);
	if (r)
		return cfd_wrap(err, "the engine's filter");
	if (!b->host.all_architectures)
		engine->architecture_count = 0;
	return start(f, ENGINE, err);
}

/*
 * Leaves out the denials that differ from the default by their errno only. They make no call denied that would not be
 * denied without them, but libseccomp compiles conditions on one argument wrongly more often, the more kinds there are.
 */
static void drop_errnos(struct cfd_seccomp_filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < filter->rule_count; i++) {
		const struct cfd_seccomp_rule *rule = &filter->rules[i];

		if (!rule->count ||
		    cfd_subset_strictness(rule->action) != cfd_subset_strictness(filter->default_action))
			filter->rules[kept++] = *rule;
	}
	filter->rule_count = kept;
}

static int finish(struct filters *f, int which, struct cfd_error *err)
{
	if (!f->compiler[which].child || f->program[which].code)
		return 0;
	return cfd_seccomp_compiler_finish(&f->compiler[which], &f->program[which], err);
}

/* The result is compiled from the JSON that will be handed out, read again, and compared with the others. */
static int write_and_prove(struct filters *f, const struct cfd_seccomp_filter *merged, struct cfd_json_doc **ret_doc,
			   struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = cfd_seccomp_filter_write(merged, &doc, err);

	cfd_seccomp_compiler_stop(&f->compiler[RESULT]);
	cfd_subset_release(&f->program[RESULT]);
	cfd_seccomp_filter_release(&f->filter[RESULT]);
	if (!r)
		r = cfd_seccomp_filter_read(cfd_json_root(doc), true, true, &f->filter[RESULT], err);
	if (!r)
		r = cfd_seccomp_check_needs(&f->filter[RESULT], err);
	if (!r)
		r = start(f, RESULT, err);
	for (int i = 0; i < FILTERS && !r; i++)
		r = finish(f, i, err);
	for (int i = PROFILE; i < FILTERS && !r; i++)
		if (f->program[i].code)
			r = prove(f, RESULT, i, "simplify the rules for this call", err);
	if (!r)
		*ret_doc = cfd_take(doc);
	return r;
}

/*
 * Without an engine's filter the profile stands for both: what comes out is then written as it will be when the same is
 * asked about the result, whose rules must stay where they are.
 */
static int build_result(const struct build *b, struct filters *f, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter merged = {0};
	const struct cfd_seccomp_filter *profile = &f->filter[PROFILE];
	struct cfd_error second;
	int r = cfd_seccomp_merge(b->request->engine ? &f->filter[ENGINE] : profile, profile, &merged, err);

	if (r)
		return r;
	r = write_and_prove(f, &merged, ret_doc, err);
	if (r != -EPERM && r != -EEXIST)
		return r;
	drop_errnos(&merged);
	r = write_and_prove(f, &merged, ret_doc, &second);
	if (r && r != -EPERM && r != -EEXIST) /* not for the reason of the first */
		*err = second;
	return r ? err->code : 0;
}

/* Both sides, read and given to the compiler. What was read borrows from the document of the profile. */
static int start_both(const struct build *b, struct filters *f, struct cfd_json_doc **ret_profile,
		      struct cfd_error *err)
{
	const struct cfd_json_options options = {
		.name = b->file, .max_bytes = CFD_SECCOMP_MAX_PROFILE, .allow_comments = true};
	int r;

	for (int i = 0; i < FILTERS; i++)
		f->compiler[i] = (struct cfd_seccomp_compiler)CFD_SECCOMP_COMPILER_NONE;
	r = start_engine(b, f, err);
	if (!r)
		r = cfd_json_parse(b->profile.data, b->profile.length, &options, ret_profile, err);
	if (!r)
		r = cfd_seccomp_profile_read(*ret_profile, b->file, &b->host, &f->filter[PROFILE], err);
	return r ? r : start(f, PROFILE, err);
}

static int build_new(const struct build *b, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *profile = NULL;
	CFD_AUTO(filters_release) struct filters f = {0};
	int r = start_both(b, &f, &profile, err);

	return r ? r : build_result(b, &f, ret_doc, err);
}

/* A result that was kept, or a new one, which is kept. */
static int build_cached(const struct build *b, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "a kept seccomp filter"};
	const char *directory = b->request->cache_dir;
	CFD_AUTO_BUF struct cfd_buf key = {0}, text = {0};
	int r = make_key(b, &key, err);

	if (r)
		return r;
	if (directory && !cfd_seccomp_cache_get(directory, &key, &text) &&
	    !cfd_json_parse(text.data, text.length, &options, ret_doc, err))
		return 0;
	text.length = 0;
	r = build_new(b, ret_doc, err);
	if (!r && directory && !cfd_json_write(cfd_json_root(*ret_doc), &text))
		cfd_seccomp_cache_put(directory, &key, &text);
	return r;
}

int cfd_seccomp_build(const struct cfd_seccomp_request *request, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(build_release) struct build b = {.request = request};
	int r = cfd_seccomp_profile_find(request, b.file, &b.profile, err);

	if (!r)
		r = find_host(&b, err);
	if (!r && request->engine && cfd_json_write(request->engine, &b.engine))
		r = cfd_fail_memory(err, "a seccomp filter");
	return r ? r : build_cached(&b, ret_doc, err);
}

/* Whether the engine's filter lets other architectures than the machine's call at all. */
static bool has_other_architectures(const struct build *b)
{
	const struct cfd_json *list = cfd_json_get(b->request->engine, "architectures");

	for (size_t i = 0; i < cfd_json_count(list); i++)
		if (!cfd_streq(cfd_json_string(cfd_json_at(list, i)), b->host.architecture))
			return true;
	return false;
}

int cfd_seccomp_satisfies(const struct cfd_seccomp_request *request, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *profile = NULL;
	CFD_AUTO(filters_release) struct filters f = {0};
	CFD_AUTO(build_release) struct build b = {.request = request};
	int r = cfd_seccomp_profile_find(request, b.file, &b.profile, err);

	if (!r)
		r = find_host(&b, err);
	if (r)
		return r;
	b.host.all_architectures = has_other_architectures(&b);
	r = start_both(&b, &f, &profile, err);
	for (int i = PROFILE; i < FILTERS && !r; i++)
		r = finish(&f, i, err);
	return r ? r : prove(&f, ENGINE, PROFILE, "give the container a filter that denies it", err);
}
