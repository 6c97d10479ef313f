/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/audit.h"

#include "lib/config.h"
#include "lib/guard/event.h"
#include "lib/guard/fold.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/state/state.h"
#include "lib/verdict.h"

#include "bpf/guard.h"
#include "tests/unit/tree.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT(literal) ((char *)(literal)) /* owned elsewhere, never freed or written */

struct fixture {
	char top[SCRATCH_PATH], file[96];
	struct cfd_config config;
};

static void make_fixture(struct fixture *fixture)
{
	tree_scratch(fixture->top);
	snprintf(fixture->file, sizeof(fixture->file), "%s/log/audit.jsonl", fixture->top);
	fixture->config = (struct cfd_config){.audit_file = fixture->file};
}

static char *read_back(const struct fixture *fixture)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, fixture->file, 1 << 24, &buf, &err), 0, "%s", err.message);
	return cfd_take(buf.data);
}

static struct cfd_json_doc *parse(const char *text, size_t length)
{
	static const struct cfd_json_options options = {.name = TEXT("line")};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_parse(text, length, &options, &doc, &err), 0, "%s in %s", err.message, text);
	return doc;
}

static const char *text_at(struct cfd_json_doc *doc, const char *key)
{
	return cfd_json_string(cfd_json_get(cfd_json_root(doc), key));
}

Test(audit, the_log_is_roots_alone_and_made_when_missing)
{
	CFD_AUTO_FD int fd = -1, again = -1;
	struct cfd_error err = {0};
	struct fixture fixture;
	struct stat st;

	make_fixture(&fixture);
	cr_assert_eq(cfd_audit_open(&fixture.config, &fd, &err), 0, "%s", err.message);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(cfd_audit_open(&fixture.config, &again, &err), 0);
	cfd_base_close(&again);
	cr_assert_eq(chmod(fixture.file, 0622), 0);
	cr_expect_eq(cfd_audit_open(&fixture.config, &again, &err), -EPERM);
	cr_assert_eq(unlink(fixture.file), 0);
	cr_assert_eq(symlink("/dev/null", fixture.file), 0);
	cr_expect_eq(cfd_audit_open(&fixture.config, &again, &err), -ELOOP);
	cr_assert_eq(unlink(fixture.file), 0);
	cr_assert_eq(mkfifo(fixture.file, 0600), 0);
	cr_expect_lt(cfd_audit_open(&fixture.config, &again, &err), 0);
	cr_expect_eq(again, -1);
}

Test(audit, a_directory_that_others_can_write_is_refused)
{
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};
	struct fixture fixture;
	char directory[80];

	make_fixture(&fixture);
	snprintf(directory, sizeof(directory), "%s/log", fixture.top);
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_eq(chmod(directory, 0777), 0);
	cr_expect_eq(cfd_audit_open(&fixture.config, &fd, &err), -EPERM);
}

Test(audit, a_torn_line_swallows_no_other)
{
	CFD_AUTO_FD int fd = -1, again = -1;
	CFD_AUTO_FREE char *text = NULL;
	struct cfd_error err = {0};
	struct fixture fixture;

	make_fixture(&fixture);
	cr_assert_eq(cfd_audit_open(&fixture.config, &fd, &err), 0, "%s", err.message);
	cr_assert_eq(write(fd, "{\"torn", 6), 6);
	cr_assert_eq(cfd_audit_open(&fixture.config, &again, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_audit_line(again, &fixture.config, "{}", &err), 0, "%s", err.message);
	cfd_base_close(&again);
	cr_assert_eq(cfd_audit_open(&fixture.config, &again, &err), 0, "%s", err.message);
	text = read_back(&fixture);
	cr_expect_str_eq(text, "{\"torn\n{}\n");
}

Test(audit, a_verdict_has_every_finding)
{
	static const struct cfd_rule socket_rule = {.id = "mount.engine-socket"}, path_rule = {.id = "mount.host-path"};
	static const struct cfd_profile_exception exception = {.reason = TEXT("OPS-91"), .expires = 1800000000};
	struct cfd_finding findings[] = {
		{.rule = &socket_rule,
		 .path = TEXT("mounts[7].source"),
		 .value = TEXT("/var/run/docker.sock"),
		 .message = TEXT("a \"socket\"")},
		{.rule = &path_rule,
		 .path = TEXT("mounts[8].source"),
		 .value = TEXT("/srv\n{}"),
		 .message = TEXT("host"),
		 .exception = &exception,
		 .excepted = true},
	};
	struct cfd_profile profile = {.name = TEXT("nginx")};
	struct cfd_verdict verdict = {
		.profile = &profile,
		.refused = true,
		.findings = {.values = findings, .count = 2, .total = 2},
		.image = {.name = TEXT("docker.io/library/nginx:1.27"), .digests = {TEXT("sha256:1")}}};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_FREE char *text = NULL;
	CFD_AUTO_FD int fd = -1;
	const struct cfd_json *list;
	struct cfd_error err = {0};
	struct fixture fixture;

	make_fixture(&fixture);
	cr_assert_eq(cfd_audit_open(&fixture.config, &fd, &err), 0);
	cr_assert_eq(cfd_audit_verdict(fd, &fixture.config, "web", &verdict, &err), 0, "%s", err.message);
	text = read_back(&fixture);
	cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
	doc = parse(text, strlen(text));
	cr_expect_str_eq(text_at(doc, "type"), "verdict");
	cr_expect_str_eq(text_at(doc, "command"), "create");
	cr_expect_str_eq(text_at(doc, "container"), "web");
	cr_expect_str_eq(text_at(doc, "verdict"), "refused");
	cr_expect_str_eq(text_at(doc, "image"), "docker.io/library/nginx:1.27");
	cr_expect_str_eq(text_at(doc, "profile"), "nginx");
	list = cfd_json_get(cfd_json_root(doc), "findings");
	cr_assert_eq(cfd_json_count(list), 2);
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_at(list, 0), "rule")), "mount.engine-socket");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_at(list, 1), "value")), "/srv\n{}");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_at(list, 1), "exception")), "OPS-91");
}

Test(audit, the_word_tells_allowed_from_would_refuse)
{
	static const struct cfd_rule rule = {.id = "x.y"};
	struct cfd_finding finding = {.rule = &rule, .path = TEXT("p"), .value = TEXT("v"), .message = TEXT("m")};
	struct cfd_verdict verdict = {.findings = {.values = &finding, .count = 0, .total = 0}};
	static const char *const words[] = {"allowed", "would-refuse", "allowed", "would-refuse"};

	for (int i = 0; i < 4; i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
		CFD_AUTO_BUF struct cfd_buf line = {0};

		verdict.findings.count = i > 0 && i < 3;
		verdict.findings.total = i > 0;
		finding.excepted = i == 2;
		verdict.occasion = i == 3 ? CFD_EXEC : CFD_RESTORE;
		cr_assert_eq(cfd_audit_verdict_line("web", &verdict, &line), 0);
		doc = parse(line.data, line.length);
		cr_expect_str_eq(text_at(doc, "verdict"), words[i], "case %d", i);
		cr_expect_str_eq(text_at(doc, "command"), i == 3 ? "exec" : "restore");
	}
}

Test(audit, failures_and_notices_are_lines_of_their_own)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *first = NULL, *second = NULL;
	CFD_AUTO_FREE char *text = NULL;
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};
	struct fixture fixture;
	char *end;

	make_fixture(&fixture);
	cr_assert_eq(cfd_audit_open(&fixture.config, &fd, &err), 0);
	cr_assert_eq(cfd_audit_failure(fd, &fixture.config, "web", "bundle", "torn\n\xff", &err), 0);
	cr_assert_eq(cfd_audit_notice(fd, &fixture.config, "web", "without", &err), 0);
	text = read_back(&fixture);
	end = strchr(text, '\n');
	first = parse(text, (size_t)(end - text));
	second = parse(end + 1, strlen(end + 1));
	cr_expect_str_eq(text_at(first, "step"), "bundle");
	cr_expect_str_eq(text_at(first, "message"), "torn\n\xef\xbf\xbd");
	cr_expect_str_eq(text_at(second, "type"), "notice");
}

Test(audit, a_log_that_takes_no_more_is_an_error)
{
	const struct rlimit limit = {100, 100};
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};
	struct fixture fixture;

	make_fixture(&fixture);
	cr_assert_eq(cfd_audit_open(&fixture.config, &fd, &err), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(
		cfd_audit_notice(fd, &fixture.config, "web", "a notice that is longer than the file may become", &err),
		-ENOSPC);
	cr_expect_eq(cfd_audit_notice(fd, &fixture.config, "web", "and another", &err), -EFBIG);
}

#define WRITERS 8
#define LINES 100

Test(audit, lines_of_concurrent_writers_do_not_mix)
{
	CFD_AUTO_FREE char *text = NULL;
	char long_text[3000], *save = NULL;
	struct cfd_error err = {0};
	struct fixture fixture;
	int count = 0;

	make_fixture(&fixture);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			int fd = -1, r = cfd_audit_open(&fixture.config, &fd, &err);

			for (int line = 0; !r && line < LINES; line++)
				r = cfd_audit_notice(fd, &fixture.config, "web", long_text + line * 20, &err);
			_exit(r ? 1 : 0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = 1;

		cr_assert_gt(wait(&status), 0);
		cr_expect_eq(status, 0);
	}
	text = read_back(&fixture);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save), count++)
		cfd_json_doc_free(parse(line, strlen(line)));
	cr_expect_eq(count, WRITERS * LINES);
}

Test(event, an_address_and_a_path_are_told_as_people_write_them)
{
	struct cfd_record record = {
		.id = TEXT("0123"), .container_name = TEXT("web-1"), .image = TEXT("docker.io/library/nginx:1.27")};
	struct cfd_folded folded = {.count = 1};
	struct cfd_guard_event *event = &folded.event;
	static const struct {
		const char *address, *path, *subject;
	} cases[] = {
		{"::ffff:192.0.2.1", "", "192.0.2.1:443"},
		{"2001:db8::1", "", "[2001:db8::1]:443"},
		{"::", "/bin/sh", "/bin/sh"},
	};

	*event = (struct cfd_guard_event){.cgroup = 7,
					  .kind = CFD_GUARD_CONNECT,
					  .verdict = CFD_GUARD_DENIED,
					  .reason = CFD_GUARD_NOT_LISTED,
					  .family = AF_INET,
					  .port = 443,
					  .protocol = 6,
					  .pid = 12,
					  .uid = 65536,
					  .comm = "curl",
					  .error = EPERM};
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
		CFD_AUTO_BUF struct cfd_buf line = {0};
		struct in6_addr in6;
		const struct cfd_json *process;

		cr_assert_eq(inet_pton(AF_INET6, cases[i].address, &in6), 1);
		memcpy(&event->address, &in6, sizeof(in6));
		snprintf(event->path, sizeof(event->path), "%s", cases[i].path);
		cr_assert_eq(cfd_event_line(&record, &folded, &line), 0);
		doc = parse(line.data, line.length);
		cr_expect_str_eq(text_at(doc, "subject"), cases[i].subject);
		cr_expect_str_eq(text_at(doc, "type"), "event");
		cr_expect_str_eq(text_at(doc, "verdict"), "denied");
		cr_expect_str_eq(text_at(doc, "name"), "web-1");
		process = cfd_json_get(cfd_json_root(doc), "process");
		cr_expect_str_eq(cfd_json_string(cfd_json_get(process, "comm")), "curl");
		cr_expect_str_eq(cfd_json_number(cfd_json_get(process, "uid")), "65536");
	}
}

Test(event, bytes_without_an_end_and_of_no_encoding_stay_json)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf line = {0};
	struct cfd_folded folded;

	memset(&folded, 0xff, sizeof(folded));
	cr_assert_eq(cfd_event_line(NULL, &folded, &line), 0);
	doc = parse(line.data, line.length);
	cr_expect_null(text_at(doc, "container"));
}
