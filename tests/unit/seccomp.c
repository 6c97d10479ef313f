/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of system calls: the language, where files come from, the engine's filter. */
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHIPPED "profiles/seccomp"

/* The start of a profile whose rules follow. */
#define DENYING "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": ["

static struct cfd_json_doc *parse(const char *text)
{
	const struct cfd_json_options options = {.name = "test", .allow_comments = true};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_parse(text, strlen(text), &options, &doc, &err), 0, "%s", err.message);
	return doc;
}

static const struct cfd_seccomp_host usual = {.architecture = "SCMP_ARCH_X86_64",
					      .go_name = "amd64",
					      .kernel_major = 6,
					      .kernel_minor = 1,
					      .bounding = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_KILL,
					      .all_architectures = true};

#define RULE(text) DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"" text "}]}"
static const struct {
	const char *profile, *message; /* NULL: it is accepted */
} profiles[] = {
	{RULE(""), NULL},
	{RULE(", \"comment\": 7"), NULL},
	{RULE(", \"coment\": 7"), "syscalls[0].coment: a key that is not known"},
	{RULE(", \"optional\": \"true\""), "not true or false"},
	{RULE(", \"args\": {}"), "not an array of conditions"},
	{RULE(", \"args\": null"), NULL},
	{RULE(", \"errnoRet\": 4096"), "not a number from 0 to 4095"},
	{RULE(", \"name\": \"write\""), "a rule has names"},
	{RULE(", \"includes\": {\"caps\": [\"chown\"]}"), "chown is not a capability"},
	{RULE(", \"includes\": {\"arches\": [\"x86_64\"]}"), "x86_64 is not an architecture"},
	{RULE(", \"includes\": {\"minKernel\": \"4\"}"), "MAJOR.MINOR"},
	{RULE(", \"includes\": {\"minKernel\": \"4.8.1\"}"), "MAJOR.MINOR"},
	{RULE(", \"includes\": {\"minKernel\": 4.8}"), "MAJOR.MINOR"},
	{RULE(", \"includes\": {\"kernel\": \"4.8\"}"), "a key that is not known"},
	{RULE(", \"args\": [{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]"), "from 0 to 5"},
	{RULE(", \"args\": [{\"index\": 0, \"value\": -1, \"op\": \"SCMP_CMP_EQ\"}]"), "from 0 to 2^64-1"},
	{RULE(", \"args\": [{\"index\": 0, \"value\": 18446744073709551615, \"op\": \"SCMP_CMP_EQ\"}]"), NULL},
	{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"EQ\"}]"), "EQ is not the name of a comparison"},
	{RULE(", \"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_EQ\"}]"), "value is missing"},
	{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\"}]"),
	 "can never hold"},
	{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_GE\"}, "
	      "{\"index\": 0, \"value\": 9, \"op\": \"SCMP_CMP_LE\"}]"),
	 "two conditions on one argument"},
	{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\"}]}", "raed is not a system call"},
	{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\", \"excludes\": {\"arches\": [\"amd64\"]}}]}",
	 "raed is not a system call"},
	{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\", \"optional\": true}]}", NULL},
	{DENYING "{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}]}", "a list of system calls that is not empty"},
	{DENYING "{\"names\": [\"read\"], \"action\": \"ALLOW\"}]}", "ALLOW is not the name of a seccomp action"},
	{DENYING "{\"names\": [\"read\"]}]}", "action is missing"},
	{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}", "decision to another process"},
	{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\"}]}", "decision to another process"},
	{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"ENOSYS\"}]}", NULL},
	{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"ENOSYS\", \"errnoRet\": 1}]}",
	 "ENOSYS is 38"},
	{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"ENOTHING\"}]}",
	 "ENOTHING is not the name of an errno"},
	{DENYING "]}", NULL},
	{"{\"defaultAction\": \"SCMP_ACT_ERRNO\"}", "syscalls, a list of rules, is missing"},
	{"{\"syscalls\": []}", "defaultAction is missing"},
	{"[]", "an array where an object belongs"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}", "lets every call pass"},
	{"{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": []}", "lets every call pass"},
	{"{\"defaultAction\": \"SCMP_ACT_TRACE\", \"syscalls\": []}", "lets every call pass"},
	{"{\"defaultAction\": \"SCMP_ACT_NOTIFY\", \"syscalls\": []}", "lets every call pass"},
	{"{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", \"syscalls\": []}", NULL},
	{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/x\", \"syscalls\": []}", "not known here"},
	{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"TSYNC\"], \"syscalls\": []}", "TSYNC is not the name"},
	{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\"], "
	 "\"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\"}], \"syscalls\": []}",
	 "architectures is there too"},
	{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"x86\"], \"syscalls\": []}",
	 "x86 is not an architecture"},
};

Test(seccomp, a_profile_is_read_strictly)
{
	for (size_t i = 0; i < CFD_COUNT(profiles); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = parse(profiles[i].profile);
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
		struct cfd_error err = {0};
		int r = cfd_seccomp_profile_read(doc, "p.json", &usual, &filter, &err);

		cr_expect_eq(r, profiles[i].message ? -EINVAL : 0, "%s: %d %s", profiles[i].profile, r, err.message);
		if (profiles[i].message)
			cr_expect(strstr(err.message, profiles[i].message) && cfd_starts_with(err.message, "p.json:"),
				  "%s: %s", profiles[i].profile, err.message);
	}
}

Test(seccomp, a_rule_depends_on_capabilities_architecture_and_kernel)
{
	static const struct {
		const char *when;
		bool there;
	} cases[] = {
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\"]}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_KILL\"]}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_SYS_ADMIN\"]}", false},
		{"\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", false},
		{"\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}", true},
		{"\"includes\": {\"arches\": [\"arm64\", \"amd64\"]}", true},
		{"\"includes\": {\"arches\": [\"arm64\"]}", false},
		{"\"includes\": {\"arches\": []}", true},
		{"\"excludes\": {\"arches\": [\"arm64\"]}", true},
		{"\"excludes\": {\"arches\": [\"amd64\"]}", false},
		{"\"includes\": {\"minKernel\": \"6.1\"}", true},
		{"\"includes\": {\"minKernel\": \"6.2\"}", false},
		{"\"includes\": {\"minKernel\": \"5.19\"}", true},
		{"\"includes\": {\"minKernel\": \"7.0\"}", false},
		{"\"excludes\": {\"minKernel\": \"6.1\"}", false},
		{"\"excludes\": {\"minKernel\": \"6.2\"}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\"]}, \"excludes\": {\"arches\": [\"amd64\"]}", false},
		{"\"includes\": {}, \"excludes\": null", true},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
		struct cfd_error err = {0};
		char text[512];

		snprintf(text, sizeof(text), DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", %s}]}",
			 cases[i].when);
		doc = parse(text);
		cr_assert_eq(cfd_seccomp_profile_read(doc, "p", &usual, &filter, &err), 0, "%s", err.message);
		cr_expect_eq(filter.rule_count, cases[i].there, "%s", cases[i].when);
	}
}

Test(seccomp, what_an_engine_writes_is_checked)
{
	static const struct {
		const char *filter, *message;
		bool strict;
	} cases[] = {
		{DENYING "]}", NULL, true},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\"}", NULL, true},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "defaultAction: SCMP_ACT_ALLOW lets every call pass",
		 false},
		{"{\"defaultAction\": \"SCMP_ACT_LOG\"}", "lets every call pass", false},
		{"{\"defaultAction\": \"SCMP_ACT_TRACE\"}", "lets every call pass", false},
		{"{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "lets every call pass", false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/run/x\"}", "listenerPath: a listener",
		 false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerMetadata\": \"\"}", "listenerMetadata: a listener",
		 false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"DefaultAction\": \"SCMP_ACT_ERRNO\"}", "not known here",
		 false},
		{"{}", "defaultAction is missing", false},
		{"[]", "an array where an object belongs", false},
		{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\"}]}", NULL, false},
		{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\"}]}", "raed is not a system call",
		 true},
		{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}", "to a listener", false},
		{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_MAYBE\"}]}", "SCMP_ACT_MAYBE is not", false},
		{DENYING "{\"names\": \"read\", \"action\": \"SCMP_ACT_ALLOW\"}]}", "names must be a list", false},
		{DENYING "{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}]}", "names must be a list", false},
		{DENYING "{\"action\": \"SCMP_ACT_ALLOW\"}]}", "names is missing", false},
		{DENYING "{\"names\": [7], \"action\": \"SCMP_ACT_ALLOW\"}]}", "not the name of a system call", false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}", "not an array of rules", false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_VAX\"]}", "SCMP_ARCH_VAX",
		 false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_x86\"]}", "SCMP_ARCH_x86",
		 false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"]}", NULL, true},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}",
		 "not the name", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = parse(cases[i].filter);
		struct cfd_error err = {0};
		int r = cfd_seccomp_check(cfd_json_root(doc), cases[i].strict, &err);

		cr_expect_eq(r, cases[i].message ? -EINVAL : 0, "%s: %d %s", cases[i].filter, r, err.message);
		if (cases[i].message)
			cr_expect(strstr(err.message, cases[i].message), "%s: %s", cases[i].filter, err.message);
	}
}

/* A directory with a profile in it, and the request for it. */
struct place {
	char path[SCRATCH_PATH];
	int fd;
	struct cfd_seccomp_request request;
};

static void make_place(struct place *place)
{
	tree_scratch(place->path);
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(place->fd, 0);
	place->request = (struct cfd_seccomp_request){.profile = "docker-default",
						      .admin_dir = place->path,
						      .shipped_dir = SHIPPED,
						      .bounding = cfd_caps_engine_default};
}

static void put(const struct place *place, const char *name, const char *text, mode_t mode)
{
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_write_file(place->fd, name, text, strlen(text), mode, false, &err), 0, "%s", err.message);
}

static int build(const struct cfd_seccomp_request *request, struct cfd_buf *text, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = cfd_seccomp_build(request, &doc, err);

	text->length = 0;
	if (!r)
		cr_assert_eq(cfd_json_write(cfd_json_root(doc), text), 0);
	return r;
}

Test(seccomp, the_administrators_profile_wins_and_must_be_trustworthy)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct place place;

	make_place(&place);
	cr_expect_eq(build(&place.request, &text, &err), 0, "%s", err.message);
	cr_expect(strstr(text.data, "\"openat\""));

	put(&place, "docker-default.json", DENYING "]}", 0600);
	cr_expect_eq(build(&place.request, &text, &err), -EPERM);
	cr_expect(strstr(err.message, "that crun or runc need to start the container would be denied"), "%s",
		  err.message);
	cr_expect(strstr(err.message, " execve"), "%s", err.message);

	put(&place, "docker-default.json", DENYING "]}", 0622);
	cr_expect_eq(build(&place.request, &text, &err), -EPERM);
	cr_expect(strstr(err.message, "with mode 0622"), "%s", err.message);

	cr_assert_eq(unlinkat(place.fd, "docker-default.json", 0), 0);
	cr_assert_eq(symlinkat("/etc/passwd", place.fd, "docker-default.json"), 0);
	cr_expect_eq(build(&place.request, &text, &err), -ELOOP);

	cr_assert_eq(unlinkat(place.fd, "docker-default.json", 0), 0);
	cr_assert_eq(fchmod(place.fd, 0777), 0);
	cr_expect_eq(build(&place.request, &text, &err), -EPERM, "a directory that everyone can write");
}

Test(seccomp, a_profile_is_named_or_given_by_an_absolute_path)
{
	static const char *const wrong[] = {
		"", "../docker-default", "a/b", ".hidden", "-x", "relative/p.json", "/", "/tmp/", NULL};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct place place;
	char path[128];

	make_place(&place);
	for (size_t i = 0; i < CFD_COUNT(wrong); i++) {
		place.request.profile = wrong[i];
		cr_expect_eq(build(&place.request, &text, &err), -EINVAL, "%s", wrong[i] ? wrong[i] : "NULL");
	}
	place.request.profile = "missing";
	cr_expect_eq(build(&place.request, &text, &err), -ENOENT);
	cr_expect(strstr(err.message, "there is no seccomp profile missing"), "%s", err.message);
	cr_expect(strstr(err.message, SHIPPED "/missing.json"), "%s", err.message);

	snprintf(path, sizeof(path), "%s/own", place.path);
	put(&place, "own", "{]", 0600);
	place.request.profile = path;
	cr_expect_eq(build(&place.request, &text, &err), -EINVAL);
	cr_expect(strstr(err.message, path), "%s", err.message);
}

Test(seccomp, an_engines_filter_that_cannot_be_combined_is_refused)
{
	static const struct {
		const char *engine, *message;
		int expected;
	} cases[] = {
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "lets every call pass", -EINVAL},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/x\"}", "a listener", -EINVAL},
		{DENYING "]}", "that crun or runc need", -EPERM},
	};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct place place;

	make_place(&place);
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *engine = parse(cases[i].engine);
		struct cfd_error err = {0};

		place.request.engine = cfd_json_root(engine);
		cr_expect_eq(build(&place.request, &text, &err), cases[i].expected, "%s", err.message);
		cr_expect(strstr(err.message, cases[i].message), "%s", err.message);
	}
}

static void needs_x86_64(void)
{
#ifndef __x86_64__
	cr_skip_test("the filter is of x86_64");
#endif
}

/*
 * libseccomp 2.5.4 compiles `a0 < 2 or a0 < 0x100000001` so that 2 is denied. The merged rules allow it, as both sides'
 * text does; but what counts is what the engine's filter would have done.
 */
Test(seccomp, what_libseccomp_makes_of_a_filter_is_what_counts)
{
#define START                                                                                                          \
	"{\"names\": [\"close\", \"execve\", \"exit_group\", \"fstatfs\", \"getdents64\", \"openat\", \"write\", "     \
	"\"capget\", \"capset\", \"chdir\", \"faccessat2\", \"fstat\", \"getcwd\", \"getppid\", \"newfstatat\", "      \
	"\"prctl\", "                                                                                                  \
	"\"read\", \"setgid\", \"setgroups\", \"setuid\", \"epoll_ctl\", \"epoll_pwait\", \"fcntl\", \"futex\", "      \
	"\"getpid\", \"mmap\", \"nanosleep\", \"rt_sigreturn\", \"sched_yield\", \"sigaltstack\", \"tgkill\", "        \
	"\"close_range\", \"openat2\", \"statx\", \"pselect6\", \"rt_sigaction\", \"rt_sigprocmask\", \"setresgid\", " \
	"\"setresuid\"], \"action\": \"SCMP_ACT_ALLOW\"}"
#define LESS(n)                                                                                                        \
	",{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", "                                                  \
	"\"args\": [{\"index\": 0, \"value\": " #n ", \"op\": \"SCMP_CMP_LT\"}]}"
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *engine = parse(DENYING START LESS(2) LESS(4294967297) "]}");
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *other = parse(DENYING START LESS(3) "]}");
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_subset_program program = {0};
	struct cfd_error err = {0};
	struct place place;
	uint32_t action = 0;
	int r;

	needs_x86_64();
	make_place(&place);
	put(&place, "own.json", DENYING START LESS(3) "]}", 0600);
	place.request.profile = "own";
	place.request.engine = cfd_json_root(other);
	cr_assert_eq(build(&place.request, &text, &err), 0, "%s", err.message);

	place.request.engine = cfd_json_root(engine);
	r = build(&place.request, &text, &err);
	cr_expect(r == 0 || strstr(err.message,
				   "is not as strict as the engine's seccomp filter: it answers socket (number 41"),
		  "%s", err.message);
	cr_assert_eq(cfd_seccomp_compile(place.request.engine, &program, &err), 0);
	cr_assert_eq(cfd_subset_run(&program, &(struct seccomp_data){41, AUDIT_ARCH_X86_64, 0, {2}}, &action), 0);
	cfd_subset_release(&program);
	if (action == SECCOMP_RET_ALLOW) /* a libseccomp without the fault */
		cr_expect_eq(r, 0, "%s", err.message);
	else
		cr_expect_eq(r, -EPERM);
}

/* On other architectures the result kills the thread and this engine's filter the process: neither makes a call. */
Test(seccomp, an_engine_that_kills_by_default_keeps_doing_so)
{
	const struct cfd_json_options options = {.name = "engine"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *engine = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct place place;

	needs_x86_64();
	make_place(&place);
	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, "tests/sim/engines/docker.json", 1 << 20, &text, &err), 0);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &engine, &err), 0);
	cr_assert_eq(cfd_json_set(engine, cfd_json_root(engine), "defaultAction",
				  cfd_json_new_string(engine, "SCMP_ACT_KILL_PROCESS")),
		     0);
	place.request.engine = cfd_json_root(engine);
	cr_expect_eq(build(&place.request, &text, &err), 0, "%s", err.message);
	cr_expect(cfd_starts_with(text.data, "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\","
					     "\"architectures\":[\"SCMP_ARCH_X86_64\"],"),
		  "%.100s", text.data);
}

/* What a hook asks who cannot change the filter; and merging once more must change nothing. */
Test(seccomp, what_was_merged_satisfies_the_profile_and_stays_what_it_is)
{
	static const char *const engines[] = {"tests/sim/engines/docker.json", "tests/sim/engines/podman.json", NULL};
	const struct cfd_json_options options = {.name = "engine"};
	struct place place;

	needs_x86_64();
	make_place(&place);
	for (size_t i = 0; i < CFD_COUNT(engines) * 2; i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *engine = NULL, *merged = NULL;
		CFD_AUTO_BUF struct cfd_buf text = {0}, again = {0};
		struct cfd_error err = {0};

		place.request.all_architectures = i % 2;
		place.request.engine = NULL;
		if (engines[i / 2]) {
			cr_assert_eq(cfd_fd_read_file(AT_FDCWD, engines[i / 2], 1 << 20, &text, &err), 0);
			cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &engine, &err), 0);
			place.request.engine = cfd_json_root(engine);
			cr_expect_eq(cfd_seccomp_satisfies(&place.request, &err), -EPERM);
			cr_expect(cfd_starts_with(err.message, "the engine's seccomp filter is not as strict as the "
							       "seccomp profile: it answers "),
				  "%s", err.message);
		}
		cr_assert_eq(build(&place.request, &text, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &merged, &err), 0);
		place.request.engine = cfd_json_root(merged);
		cr_expect_eq(cfd_seccomp_satisfies(&place.request, &err), 0, "%s", err.message);
		cr_assert_eq(build(&place.request, &again, &err), 0, "%s", err.message);
		cr_expect_str_eq(again.data, text.data);
	}
}

Test(seccomp, rules_on_which_libseccomp_hangs_are_given_up, .timeout = 60)
{
	CFD_AUTO(cfd_json_doc_freep)
	struct cfd_json_doc *doc = parse(DENYING "{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": ["
						 "{\"index\": 0, \"value\": 38, \"op\": \"SCMP_CMP_LT\"}, "
						 "{\"index\": 1, \"value\": 38, \"op\": \"SCMP_CMP_GT\"}]},"
						 "{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": ["
						 "{\"index\": 0, \"value\": 38, \"op\": \"SCMP_CMP_LT\"}, "
						 "{\"index\": 1, \"value\": 40, \"op\": \"SCMP_CMP_NE\"}]}]}");
	struct cfd_subset_program program = {0};
	struct timespec before, after;
	struct cfd_error err = {0};
	int r;

	clock_gettime(CLOCK_MONOTONIC, &before);
	r = cfd_seccomp_compile(cfd_json_root(doc), &program, &err);
	clock_gettime(CLOCK_MONOTONIC, &after);
	cr_expect(r == 0 || r == -ETIME, "%s", err.message); /* a libseccomp without the fault compiles them */
	cr_expect_lt(after.tv_sec - before.tv_sec, 35);
	cfd_subset_release(&program);
}
