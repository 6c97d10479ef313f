/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam-hook: called by the runtime with the container's state on standard input. A failure of createRuntime ends
 * the creation; crun hides what a hook says, so the audit log has it too.
 */
#include "hook/call.h"

#include "lib/audit.h"
#include "lib/fd.h"
#include "lib/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// clang-format off
static const struct {
	const char *name;
	int (*run)(struct cfd_call *call, struct cfd_error *err);
} stages[] = {
	{ "createRuntime", cfd_stage_create },
	{ "prestart",      cfd_stage_create }, /* the older name of the same moment */
	{ "poststop",      cfd_stage_stop },
};
// clang-format on

/*
 * The hook ends itself when it takes too long; its `timeout` in config.json is left out. All of crun (1.8 to 1.28,
 * run_process_with_stdin_timeout_envp) loses the hook's SIGCHLD when another child's is pending, then waits for the
 * whole of the timeout and fails a creation that went well: 1 of 60 here.
 */
#define SECONDS_AT_MOST 60

static void limit_time(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(SECONDS_AT_MOST);
}

static int usage(void)
{
	fputs("usage: cofferdam-hook createRuntime | prestart | poststop   (called by an OCI runtime, state on "
	      "stdin)\n",
	      stderr);
	return 2;
}

/* runc hands it on to the engine, as its own error. */
static void tell(const char *stage, const char *message)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (cfd_buf_addf(&text, "cofferdam-hook: %s: %s", stage, message) == 0)
		cfd_log_refusal(NULL, false, text.data);
}

/* crun hides what a hook says. The shim, which waits for the runtime, finds it here and tells the engine. */
static void leave_message(const struct cfd_call *call, const char *message)
{
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_error ignored = {0};

	if (call->ours && cfd_state_open_container(call->state, call->key, &dirfd, &ignored) == 0)
		cfd_fd_write_file(dirfd, CFD_STATE_FAILURE, message, strlen(message), 0600, false, &ignored);
}

static int run(size_t stage)
{
	CFD_AUTO(cfd_call_release) struct cfd_call call = CFD_CALL_INIT;
	struct cfd_error err = {0}, ignored = {0};
	int r;

	limit_time();
	r = cfd_call_open(STDIN_FILENO, &call, &err);

	if (!r)
		r = stages[stage].run(&call, &err);
	if (!r)
		return 0;
	tell(stages[stage].name, err.message);
	leave_message(&call, err.message);
	if (call.audit_fd >= 0)
		cfd_audit_failure(call.audit_fd, &call.config, call.id ? call.id : "", stages[stage].name, err.message,
				  &ignored);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && cfd_streq(argv[1], "--version")) {
		puts("cofferdam-hook " CFD_VERSION);
		return 0;
	}
	for (size_t i = 0; argc == 2 && i < CFD_COUNT(stages); i++)
		if (cfd_streq(argv[1], stages[i].name))
			return run(i);
	return usage();
}
