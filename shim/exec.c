/* SPDX-License-Identifier: Apache-2.0 */
/* exec, step by step. */
#include "shim/exec.h"

#include "shim/args.h"
#include "shim/enter.h"
#include "shim/exec_args.h"
#include "shim/inherit.h"
#include "shim/later.h"
#include "shim/ways.h"

#include "lib/amend/exec.h"
#include "lib/fd.h"
#include "lib/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

struct exec {
	struct cfd_later later;
	struct cfd_exec_args asked;
	char file[32]; /* /proc/self/fd/N, or empty */
};

static void release(struct exec *exec)
{
	cfd_exec_args_release(&exec->asked);
	cfd_later_release(&exec->later);
}

/* A file is read once; the runtime gets a copy of what was read. */
static int read_process(struct exec *exec, struct cfd_error *err)
{
	struct cfd_later *later = &exec->later;
	CFD_AUTO_FD int fd = -1;
	int r;

	if (exec->asked.process) {
		r = cfd_fd_open_regular(AT_FDCWD, exec->asked.process, &fd, err);
		if (!r)
			r = cfd_later_read(later, fd, exec->asked.process, err);
	} else {
		/* Options go to the runtime as they are: what the container did not get cannot be trimmed. */
		later->record.asked_capabilities = later->record.capabilities;
		r = cfd_exec_args_process(&exec->asked, &later->record, &later->verdict.doc, err);
	}
	return r ? r : cfd_spec_read_process(later->verdict.doc, CFD_SPEC_UNKNOWN_WARN, &later->verdict.spec, err);
}

static int copy_process(struct exec *exec, struct cfd_error *err)
{
	const struct cfd_spec *spec = &exec->later.verdict.spec;
	int first = 0, fd = -1, r = cfd_amend_exec(spec, &exec->later.record, err);

	/* Behind what --preserve-fds hands on, so that both runtimes close it before the process starts. */
	if (!r)
		r = cfd_inherit_end(exec->later.args, getenv("LISTEN_FDS"), &first, err);
	if (!r)
		r = cfd_later_copy(cfd_json_get(spec->root, "process"), "cofferdam-exec", first, &fd, err);
	if (!r)
		snprintf(exec->file, sizeof(exec->file), "/proc/self/fd/%d", fd);
	return r;
}

static int judge(struct exec *exec, struct cfd_error *err)
{
	struct cfd_rules_context context = {.cgroups = &exec->asked.cgroups};
	struct cfd_later *later = &exec->later;
	int r = cfd_inherit_check(later->args, getenv("LISTEN_FDS"), err);

	if (!r)
		r = read_process(exec, err);
	if (!r)
		r = cfd_later_judge(later, &context, err);
	if (!r && exec->asked.process)
		r = copy_process(exec, err);
	return r ? r
		 : cfd_exec_args_rewrite(later->argv, later->args, &exec->asked, &later->record, later->runtime,
					 *exec->file ? exec->file : NULL, &later->runtime_argv, err);
}

/* A container that is not there any more is for the runtime to tell. */
static int enter(struct exec *exec, struct cfd_error *err)
{
	const struct cfd_record *record = &exec->later.record;
	bool first = false;
	int r;

	if (!record->range.size || !cfd_process_lives(&record->init))
		return 0;
	r = cfd_ways_has(exec->later.runtime, CFD_WAY_USERNS_FIRST, &first, err);
	if (!r && first)
		r = cfd_enter_of(record->init.pid, err);
	return r == -ESRCH ? 0 : r;
}

int cfd_exec(char **argv, struct cfd_args *args, struct cfd_buf *ret_text)
{
	CFD_AUTO(release) struct exec exec = {.later = CFD_LATER_INIT};
	struct cfd_error err = {0};
	int r;

	exec.later.argv = argv;
	exec.later.args = args;
	exec.later.occasion = CFD_EXEC;
	r = cfd_exec_args_parse(argv, args, &exec.asked, &err);
	if (!r)
		r = cfd_later_find(&exec.later, &err);
	if (!r && exec.later.found)
		r = judge(&exec, &err);
	if (!r && exec.later.found)
		r = enter(&exec, &err);
	if (!r)
		cfd_later_hand_on(&exec.later, &err);
	return cfd_later_refuse(&exec.later, &err, ret_text);
}
