/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/args.h"
#include "shim/launch.h"

#include "lib/json/fields.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 48

/* Words separated by one space; `_` stands for an empty word. */
static int split(const char *line, char storage[1024], char *argv[MAX_WORDS])
{
	char *save = NULL;
	int argc = 0;

	snprintf(storage, 1024, "%s", line);
	for (char *word = strtok_r(storage, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = cfd_streq(word, "_") ? strchr(word, '\0') : word;
	argv[argc] = NULL;
	return argc;
}

Test(args, what_starts_a_container_is_understood_in_every_spelling)
{
	static const struct {
		const char *line;
		enum cfd_args_command command;
		const char *root, *log, *format, *bundle, *config, *id;
		bool detach;
	} cases[] = {
		{"x create web", CFD_ARGS_CREATE, NULL, NULL, NULL, NULL, NULL, "web", false},
		{"x --root /r --log /l --log-format json create --bundle /b web", CFD_ARGS_CREATE, "/r", "/l", "json",
		 "/b", NULL, "web", false},
		{"x --root=/r --log=/l --log-format=text create --bundle=/b web", CFD_ARGS_CREATE, "/r", "/l", "text",
		 "/b", NULL, "web", false},
		{"x run -b /b -f c.json -d web", CFD_ARGS_RUN, NULL, NULL, NULL, "/b", "c.json", "web", true},
		{"x run --config=c.json --detach --keep web", CFD_ARGS_RUN, NULL, NULL, NULL, NULL, "c.json", "web",
		 true},
		{"x restore --image-path /i --bundle /b web", CFD_ARGS_RESTORE, NULL, NULL, NULL, "/b", NULL, "web",
		 false},
		{"x --systemd-cgroup --debug --log-level debug --cgroup-manager=systemd --rootless auto --criu /c "
		 "create "
		 "--no-new-keyring --no-subreaper --preserve-fds 2 --pid-file=p --console-socket c "
		 "--pidfd-socket s -b /b web",
		 CFD_ARGS_CREATE, NULL, NULL, NULL, "/b", NULL, "web", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char storage[1024], *argv[MAX_WORDS];
		int argc = split(cases[i].line, storage, argv);
		struct cfd_args args = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_args_parse(argc, argv, &args, &err), 0, "%s: %s", cases[i].line, err.message);
		cr_expect_eq(args.command, cases[i].command, "%s", cases[i].line);
		cr_expect(args.detach == cases[i].detach, "%s", cases[i].line);
		cr_expect_str_eq(args.id, cases[i].id);
#define SAME(field, wanted)                                                                                            \
	cr_expect(cases[i].wanted ? cfd_streq(args.field, cases[i].wanted) : !args.field, "%s", cases[i].line)
		SAME(root, root);
		SAME(log, log);
		SAME(log_format, format);
		SAME(bundle, bundle);
		SAME(config, config);
	}
}

Test(args, everything_else_is_passed_through_with_its_root)
{
	static const struct {
		const char *line, *root;
		int command_index;
	} cases[] = {
		{"x", NULL, 1},
		{"x --version", NULL, 2},
		{"x -v", NULL, 2},
		{"x features", NULL, 1},
		{"x --root /r state web", "/r", 3},
		{"x --root=/r --log-format=json kill web KILL", "/r", 3},
		{"x delete --force --unknown=y web", NULL, 1},
		{"x kill --all web KILL", NULL, 1},
		{"x creates web", NULL, 1},
		{"x CREATE web", NULL, 1},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char storage[1024], *argv[MAX_WORDS];
		int argc = split(cases[i].line, storage, argv);
		struct cfd_args args = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_args_parse(argc, argv, &args, &err), 0, "%s: %s", cases[i].line, err.message);
		cr_expect_eq(args.command, CFD_ARGS_OTHER, "%s", cases[i].line);
		cr_expect_eq(args.command_index, cases[i].command_index, "%s", cases[i].line);
		cr_expect(cases[i].root ? cfd_streq(args.root, cases[i].root) : !args.root, "%s", cases[i].line);
	}
}

Test(args, what_could_hide_a_bundle_is_refused)
{
	static const char *const lines[] = {
		"x --unknown create web",
		"x --unknown=1 create web",
		"x -root /r create web",
		"x --roo /r create web",
		"x --root /a --root /b create web",
		"x --root r create web",
		"x --log-format xml create web",
		"x -- create web",
		"x - create web",
		"x --debug=false create web",
		"x --root",
		"x --root= create web",
		"x create",
		"x create --bundle",
		"x create --bundle _ web",
		"x create --bundle= web",
		"x create --bundle /a --bundle /b web",
		"x create -b /a --bundle=/b web",
		"x create -b/b web",
		"x create -b=/b web",
		"x create --bund /b web",
		"x create -bundle /b web",
		"x create --bundlex /b web",
		"x create web --bundle /b",
		"x create web other",
		"x create --unknown web",
		"x create --detach web",
		"x create --image-path /i web",
		"x create -- web",
		"x create --no-pivot=true web",
		"x create --no-pivot web",
		"x run --no-pivot web",
		"x mounts add web /m.json",
		"x checkpoint --image-path /i web",
		"x --root /r checkpoint --leave-running web",
		"x --root /r mounts add web /m.json",
		"x run --detach=false web",
		"x restore --config c web",
		"x create --help web",
		"x run -db /b web",
		"x create --empty-ns network web",
	};

	for (size_t i = 0; i < CFD_COUNT(lines); i++) {
		char storage[1024], *argv[MAX_WORDS];
		int argc = split(lines[i], storage, argv);
		struct cfd_args args = {0};
		struct cfd_error err = {0};

		cr_expect_eq(cfd_args_parse(argc, argv, &args, &err), -EINVAL, "%s", lines[i]);
		cr_expect_neq(err.message[0], '\0', "%s", lines[i]);
	}
}

Test(args, a_refusal_still_knows_the_log)
{
	char storage[1024], *argv[MAX_WORDS];
	int argc = split("x --log /l --log-format json create --unknown web", storage, argv);
	struct cfd_args args = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_args_parse(argc, argv, &args, &err), -EINVAL);
	cr_expect_str_eq(args.log, "/l");
	cr_expect_str_eq(args.log_format, "json");
	cr_expect_str_eq(err.message,
			 "create: option --unknown is not one that cofferdam-runtime knows of crun or runc; "
			 "it is refused since it could hide what is to be judged");
}

Test(args, the_runtime_gets_our_bundle_and_absolute_paths)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"x create web", "/usr/bin/crun create --bundle /ours web"},
		{"x --root /r --systemd-cgroup create -b /b web",
		 "/usr/bin/crun --root /r --systemd-cgroup create --bundle /ours web"},
		{"x --root=/r create --bundle=/b --pid-file=/p --no-subreaper web",
		 "/usr/bin/crun --root=/r create --pid-file /p --no-subreaper --bundle /ours web"},
		{"x run -f other.json -d --preserve-fds 3 web",
		 "/usr/bin/crun run -d --preserve-fds 3 --bundle /ours web"},
		{"x create --pid-file=pid --console-socket s/c --pidfd-socket=p web",
		 "/usr/bin/crun create --pid-file /tmp/pid --console-socket /tmp/s/c --pidfd-socket /tmp/p --bundle "
		 "/ours web"},
		/* the id may look like anything else on the line */
		{"x create --pid-file /web --bundle web web",
		 "/usr/bin/crun create --pid-file /web --bundle /ours web"},
	};

	cr_assert_eq(chdir("/tmp"), 0);
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf line = {0};
		char storage[1024], *argv[MAX_WORDS], **words = NULL;
		int argc = split(cases[i].line, storage, argv);
		struct cfd_args args = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_args_parse(argc, argv, &args, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_args_rewrite(argv, &args, "/usr/bin/crun", "/ours", &words, &err), 0, "%s",
			     err.message);
		for (size_t word = 0; words[word]; word++)
			cr_assert_eq(cfd_buf_addf(&line, word ? " %s" : "%s", words[word]), 0);
		cr_expect_str_eq(line.data, cases[i].expected);
		cfd_strings_free(words);
	}
}

Test(launch, the_environment_is_what_runtimes_are_told_through_it)
{
	static const char *const before[] = {
		"LD_PRELOAD=/x.so",   "LD_LIBRARY_PATH=/x", "GCONV_PATH=/x",    "GLIBC_TUNABLES=x", "PATH=/evil",
		"BASH_ENV=/x",        "_OCI_SYNCPIPE=3",    "_OCI_STARTPIPE=4", "NOTIFY_SOCKET=/n", "LISTEN_FDS=2",
		"XDG_RUNTIME_DIR=/x", "GODEBUG=x",          "HOMEX=1",          "LANGUAGE=x",       NULL};
	static const char *const after[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					    "_OCI_SYNCPIPE=3",
					    "_OCI_STARTPIPE=4",
					    "NOTIFY_SOCKET=/n",
					    "LISTEN_FDS=2",
					    "XDG_RUNTIME_DIR=/x"};
	CFD_AUTO_FREE char **environment = cfd_launch_environment((char *const *)before);

	cr_assert_not_null(environment);
	for (size_t i = 0; i < CFD_COUNT(after); i++)
		cr_expect_str_eq(environment[i], after[i]);
	cr_expect_null(environment[CFD_COUNT(after)]);
}

Test(launch, what_is_no_program_is_an_error_and_leaves_no_process)
{
	const char *argv[] = {"passwd", NULL};
	struct cfd_launch launch = CFD_LAUNCH_INIT;
	struct cfd_error err = {0};

	cr_expect_eq(cfd_launch_start("/etc/passwd", (char **)argv, &launch, &err), -EACCES);
	cr_expect_not_null(strstr(err.message, "cannot execute the OCI runtime /etc/passwd"));
	cr_expect_eq(launch.pid, 0);
	cr_expect_eq(launch.signals, -1);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
}

Test(launch, the_status_is_the_runtimes)
{
	const char *argv[] = {"sh", "-c", "exit 42", NULL};
	struct cfd_launch launch = CFD_LAUNCH_INIT;
	struct cfd_error err = {0};
	int status = 0;

	cr_assert_eq(cfd_launch_start("/bin/sh", (char **)argv, &launch, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_launch_wait(&launch, &status, &err), 0, "%s", err.message);
	cr_expect_eq(status, 42);
	cfd_launch_release(&launch);
}
