/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/args.h"
#include "shim/exec_args.h"

#include "lib/caps.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/state/state.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_WORDS 32
#define CHOWN (UINT64_C(1) << 0)

struct line {
	char storage[1024], *argv[MAX_WORDS];
	struct cfd_args args;
	struct cfd_exec_args exec;
};

/* Words separated by one space. */
static int parse(struct line *line, const char *text, struct cfd_error *err)
{
	char *save = NULL;
	int argc = 0, r;

	*line = (struct line){0};
	snprintf(line->storage, sizeof(line->storage), "%s", text);
	for (char *word = strtok_r(line->storage, " ", &save); word; word = strtok_r(NULL, " ", &save))
		line->argv[argc++] = word;
	r = cfd_args_parse(argc, line->argv, &line->args, err);
	cr_assert(r || line->args.command == CFD_ARGS_EXEC, "%s", text);
	return r ? r : cfd_exec_args_parse(line->argv, &line->args, &line->exec, err);
}

Test(exec_args, every_option_of_crun_and_runc_is_understood)
{
	static const struct {
		const char *text, *id, *process, *cap, *env;
		bool new_privileges;
	} cases[] = {
		{"x exec web sh -c --cap", "web", NULL, NULL, NULL, false},
		{"x --root /r exec -d --pid-file p --console-socket c --process f web", "web", "f", NULL, NULL, false},
		{"x exec --process=f --detach=true --tty=false --cgroup sub --preserve-fds 2 web", "web", "f", NULL,
		 NULL, false},
		{"x exec -t -u 1:2 -g 3 -g 4 -e A=1 --env=B=2 --cwd /w -c CAP_KILL --cap=CAP_CHOWN web id", "web", NULL,
		 "CAP_KILL", "A=1", false},
		{"x exec --apparmor a --process-label l --ignore-paused --pidfd-socket s web -- --env X", "web", NULL,
		 NULL, NULL, false},
		{"x exec --no-new-privs=false web id", "web", NULL, NULL, NULL, true},
		{"x exec --no-new-privs web id", "web", NULL, NULL, NULL, false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_error err = {0};
		struct line line;

		cr_assert_eq(parse(&line, cases[i].text, &err), 0, "%s: %s", cases[i].text, err.message);
		cr_expect_str_eq(line.args.id, cases[i].id);
		cr_expect(line.exec.process ? cfd_streq(line.exec.process, cases[i].process) : !cases[i].process, "%s",
			  cases[i].text);
		cr_expect_eq(line.exec.new_privileges, cases[i].new_privileges, "%s", cases[i].text);
		cr_expect(cases[i].cap ? line.exec.caps.count == 2 && cfd_streq(line.exec.caps.values[0], cases[i].cap)
				       : line.exec.caps.count == 0,
			  "%s", cases[i].text);
		cr_expect(cases[i].env ? line.exec.env.count == 2 && cfd_streq(line.exec.env.values[0], cases[i].env)
				       : line.exec.env.count == 0,
			  "%s", cases[i].text);
		cfd_exec_args_release(&line.exec);
	}
}

Test(exec_args, what_could_hide_something_is_refused)
{
	static const char *const lines[] = {
		"x exec",
		"x exec --process f",
		"x exec --process",
		"x exec --process= web",
		"x exec --proc f web",
		"x exec -pf web",
		"x exec -process f web",
		"x exec -ti web sh",
		"x exec -- web sh",
		"x exec --privileged web sh",
		"x exec --no-new-privs=0 web sh",
		"x exec --process a --process b web",
		"x exec --process - web",
		"x exec --process f --cap CAP_KILL web",
		"x exec --process f --user 0 web",
		"x exec --process f --env A=1 web",
		"x exec --process f --no-new-privs=false web",
		"x exec --user 0 --user 1 web sh",
	};

	for (size_t i = 0; i < CFD_COUNT(lines); i++) {
		struct cfd_error err = {0};
		struct line line;

		cr_expect_eq(parse(&line, lines[i], &err), -EINVAL, "%s", lines[i]);
		cr_expect(*err.message, "%s", lines[i]);
		cfd_exec_args_release(&line.exec);
	}
}

Test(exec_args, options_become_a_process)
{
	static const struct {
		const char *text, *process;
	} cases[] = {
		{"x exec web sh", "{\"user\":{\"uid\":7,\"additionalGids\":[]},\"env\":[],\"cwd\":\"/\"}"},
		{"x exec --user 1000:5 -g 6 --env A=1 --cwd /w --apparmor a --process-label l --cap CAP_KILL "
		 "--no-new-privs=false web sh",
		 "{\"user\":{\"uid\":1000,\"gid\":5,\"additionalGids\":[6]},"
		 "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_"
		 "KILL\"],"
		 "\"ambient\":[\"CAP_KILL\"]},\"env\":[\"A=1\"],\"cwd\":\"/"
		 "w\",\"apparmorProfile\":\"a\",\"selinuxLabel\":\"l\","
		 "\"noNewPrivileges\":false}"},
	};
	const struct cfd_record record = {.uid = 7};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};
		struct line line;

		cr_assert_eq(parse(&line, cases[i].text, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_exec_args_process(&line.exec, &record, &doc, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_json_write(cfd_json_root(doc), &text), 0);
		cr_expect_str_eq(text.data, cases[i].process);
		cfd_exec_args_release(&line.exec);
	}
}

Test(exec_args, users_are_numbers)
{
	static const char *const lines[] = {
		"x exec --user root web sh",       "x exec --user 0:wheel web sh", "x exec --user -1 web sh",
		"x exec --user 4294967295 web sh", "x exec --user : web sh",       "x exec --user 1: web sh",
		"x exec --user 4294967296 web sh", "x exec -g audio web sh",       "x exec -g 1,2 web sh",
		"x exec --user 0x0 web sh",        "x exec --user 01 web sh",      "x exec --env \xff web sh",
		"x exec --cwd /\xc0\xaf web sh",
	};
	const struct cfd_record record = {0};

	for (size_t i = 0; i < CFD_COUNT(lines); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
		struct cfd_error err = {0};
		struct line line;

		cr_assert_eq(parse(&line, lines[i], &err), 0, "%s: %s", lines[i], err.message);
		cr_expect_eq(cfd_exec_args_process(&line.exec, &record, &doc, &err), -EINVAL, "%s", lines[i]);
		cfd_exec_args_release(&line.exec);
	}
}

Test(exec_args, the_runtime_gets_our_copy_and_no_more_than_the_record_has)
{
	static const struct {
		const char *text, *file, *expected;
	} cases[] = {
		{"x exec web sh -c true", NULL, "/usr/bin/crun exec --no-new-privs web sh -c true"},
		{"x --root=/r exec --detach -p /tmp/f --pid-file p web", "/proc/self/fd/9",
		 "/usr/bin/crun --root=/r exec --detach --process /proc/self/fd/9 --pid-file p web"},
		{"x exec --process=/tmp/f web", "/proc/self/fd/9", "/usr/bin/crun exec --process /proc/self/fd/9 web"},
		{"x exec --cap CAP_CHOWN --cap=CAP_SYS_ADMIN -c CAP_KILL --no-new-privs=false -t web id --cap "
		 "CAP_SYS_ADMIN",
		 NULL, "/usr/bin/crun exec --no-new-privs --cap CAP_CHOWN -t web id --cap CAP_SYS_ADMIN"},
	};
	const struct cfd_record record = {.capabilities = CHOWN, .no_new_privileges = true};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};
		char **words = NULL;
		struct line line;

		cr_assert_eq(parse(&line, cases[i].text, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_exec_args_rewrite(line.argv, &line.args, &line.exec, &record, "/usr/bin/crun",
						   cases[i].file, &words, &err),
			     0, "%s", err.message);
		for (size_t word = 0; words[word]; word++)
			cr_assert_eq(cfd_buf_addf(&text, word ? " %s" : "%s", words[word]), 0);
		cr_expect_str_eq(text.data, cases[i].expected);
		cfd_strings_free(words);
		cfd_exec_args_release(&line.exec);
	}
}
