/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam-runtime: an OCI runtime to engines. What starts a container, or a process in one, or changes its limits, is
 * judged and amended before crun or runc sees it; everything else is theirs at once.
 */
#include "shim/args.h"
#include "shim/create.h"
#include "shim/exec.h"
#include "shim/launch.h"
#include "shim/runtime.h"
#include "shim/start.h"
#include "shim/update.h"

#include "lib/log.h"

#include <limits.h>

static int pass_through(char **argv, const struct cfd_args *args, struct cfd_error *err)
{
	char runtime[PATH_MAX];
	int r = cfd_runtime_behind(argv, args, runtime, err);

	if (!r)
		r = cfd_start_complete(argv, args, err);
	return r ? r : cfd_launch_replace(runtime, argv, err);
}

static void tell(const struct cfd_args *args, const char *text)
{
	/* containerd and podman ask for json; the runtimes' own default is text. */
	cfd_log_refusal(args->log, cfd_streq(args->log_format, "json"), text);
}

int main(int argc, char **argv)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_args args = {0};
	struct cfd_error err = {0};
	int status = 1, r = cfd_args_parse(argc, argv, &args, &err);

	if (!r && args.command == CFD_ARGS_OTHER)
		r = pass_through(argv, &args, &err);
	else if (!r && args.command == CFD_ARGS_EXEC)
		status = cfd_exec(argv, &args, &text);
	else if (!r && args.command == CFD_ARGS_UPDATE)
		status = cfd_update(argv, &args, &text);
	else if (!r)
		status = cfd_create(argv, &args, &text);
	if (r) {
		cfd_buf_addf(&text, "cofferdam: %s", err.message);
		cfd_hide_control(text.data, "");
	}
	if (text.data)
		tell(&args, text.data);
	return status;
}
