/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of system calls: the language, where files come from, the engine's filter, the cache. */
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/seccomp.h"
#include "lib/seccomp_filter.h"
#include "lib/subset.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
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

Test(seccomp, a_profile_is_read_strictly)
{
#define RULE(text) DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"" text "}]}"
	static const struct {
		const char *profile, *message; /* NULL: it is accepted */
	} cases[] = {
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
		{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"EQ\"}]"),
		 "EQ is not the name of a comparison"},
		{RULE(", \"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_EQ\"}]"), "value is missing"},
		{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\"}]"),
		 "can never hold"},
		{RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_GE\"}, "
		      "{\"index\": 0, \"value\": 9, \"op\": \"SCMP_CMP_LE\"}]"),
		 "two conditions on one argument"},
		{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\"}]}", "raed is not a system call"},
		{DENYING
		 "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\", \"excludes\": {\"arches\": [\"amd64\"]}}]}",
		 "raed is not a system call"},
		{DENYING "{\"names\": [\"raed\"], \"action\": \"SCMP_ACT_ALLOW\", \"optional\": true}]}", NULL},
		{DENYING "{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		 "a list of system calls that is not empty"},
		{DENYING "{\"names\": [\"read\"], \"action\": \"ALLOW\"}]}",
		 "ALLOW is not the name of a seccomp action"},
		{DENYING "{\"names\": [\"read\"]}]}", "action is missing"},
		{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}", "decision to another process"},
		{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\"}]}", "decision to another process"},
		{DENYING "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"ENOSYS\"}]}", NULL},
		{DENYING
		 "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"ENOSYS\", \"errnoRet\": 1}]}",
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
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/x\", \"syscalls\": []}",
		 "not known here"},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"TSYNC\"], \"syscalls\": []}",
		 "TSYNC is not the name"},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\"], "
		 "\"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\"}], \"syscalls\": []}",
		 "architectures is there too"},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"x86\"], \"syscalls\": []}",
		 "x86 is not an architecture"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = parse(cases[i].profile);
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
		struct cfd_error err = {0};
		int r = cfd_seccomp_profile_read(doc, "p.json", &usual, &filter, &err);

		cr_expect_eq(r, cases[i].message ? -EINVAL : 0, "%s: %d %s", cases[i].profile, r, err.message);
		if (cases[i].message)
			cr_expect(strstr(err.message, cases[i].message) && cfd_starts_with(err.message, "p.json:"),
				  "%s: %s", cases[i].profile, err.message);
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
	char path[64];
	int fd;
	struct cfd_seccomp_request request;
};

static void make_place(struct place *place)
{
	strcpy(place->path, "/tmp/cofferdam-test-XXXXXX");
	cr_assert_not_null(mkdtemp(place->path));
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

static unsigned count_files(const struct place *place, const char *directory)
{
	int fd = openat(place->fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	unsigned count = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

Test(seccomp, a_kept_result_is_used_only_for_the_same_request)
{
	CFD_AUTO_BUF struct cfd_buf first = {0}, again = {0};
	struct cfd_error err = {0};
	struct place place;
	char cache[128];

	make_place(&place);
	snprintf(cache, sizeof(cache), "%s/cache", place.path);
	place.request.cache_dir = cache;
	cr_assert_eq(build(&place.request, &first, &err), 0, "%s", err.message);
	cr_expect_eq(count_files(&place, "cache"), 1);
	cr_assert_eq(build(&place.request, &again, &err), 0);
	cr_expect_eq(count_files(&place, "cache"), 1);
	cr_expect_str_eq(first.data, again.data);

	place.request.bounding |= UINT64_C(1) << CAP_NET_ADMIN;
	cr_assert_eq(build(&place.request, &again, &err), 0);
	cr_expect_eq(count_files(&place, "cache"), 2);
	cr_expect_str_neq(first.data, again.data);

	place.request.all_architectures = true;
	cr_assert_eq(build(&place.request, &again, &err), 0, "%s", err.message);
	cr_expect_eq(count_files(&place, "cache"), 3);

	cr_assert_eq(chmod(cache, 0777), 0);
	place.request.bounding = 0;
	cr_expect_eq(build(&place.request, &again, &err), 0, "without a cache it works too");
	cr_expect_eq(count_files(&place, "cache"), 3, "nothing is written where others can write");
}

static struct cfd_buf text_of(const char *text)
{
	return (struct cfd_buf){.data = (char *)text, .length = strlen(text)};
}

/* The one file of the cache, opened for writing. */
static int open_entry(const char *directory, int flags)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int fd = -1;

	cr_assert_not_null(dir);
	while (fd < 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			fd = openat(dirfd(dir), entry->d_name, flags | O_CLOEXEC);
	closedir(dir);
	cr_assert_geq(fd, 0);
	return fd;
}

Test(seccomp, a_torn_or_foreign_cache_file_is_a_miss)
{
	const struct cfd_buf key = text_of("key"), other = text_of("kex"), text = text_of("{\"result\": 1}");
	CFD_AUTO_BUF struct cfd_buf got = {0};
	struct place place;
	struct stat st;

	make_place(&place);
	cr_expect_eq(cfd_seccomp_cache_get(place.path, &key, &got), -ENOENT);
	cfd_seccomp_cache_put(place.path, &key, &text);
	cr_assert_eq(cfd_seccomp_cache_get(place.path, &key, &got), 0);
	cr_expect_str_eq(got.data, text.data);
	cr_expect_eq(cfd_seccomp_cache_get(place.path, &other, &got), -ENOENT);

	for (unsigned turn = 0; turn < 5; turn++) {
		CFD_AUTO_FD int fd = -1;

		cfd_seccomp_cache_put(place.path, &key, &text);
		cr_assert_eq(cfd_seccomp_cache_get(place.path, &key, &got), 0);
		fd = open_entry(place.path, O_RDWR);
		cr_assert_eq(fstat(fd, &st), 0);
		if (turn == 0)
			cr_assert_eq(ftruncate(fd, st.st_size - 1), 0);
		else if (turn == 1)
			cr_assert_eq(ftruncate(fd, 5), 0);
		else if (turn == 2) /* the text */
			cr_assert_eq(pwrite(fd, "X", 1, st.st_size - 3), 1);
		else if (turn == 3) /* the key: as if two keys had the same hash */
			cr_assert_eq(pwrite(fd, "X", 1, st.st_size - (off_t)text.length - 1), 1);
		else
			cr_assert_eq(fchmod(fd, 0640), 0);
		cr_expect_eq(cfd_seccomp_cache_get(place.path, &key, &got), -ENOENT, "turn %u", turn);
	}
}

Test(seccomp, the_cache_does_not_grow_without_end)
{
	const struct cfd_buf text = text_of("{}");
	CFD_AUTO_BUF struct cfd_buf got = {0};
	struct cfd_buf last = {0};
	struct place place;
	char key[32];

	make_place(&place);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		last = text_of(key);
		cfd_seccomp_cache_put(place.path, &last, &text);
	}
	cr_expect_leq(count_files(&place, "."), 256);
	cr_expect_geq(count_files(&place, "."), 100);
	cr_expect_eq(cfd_seccomp_cache_get(place.path, &last, &got), 0, "the newest stays");
}
