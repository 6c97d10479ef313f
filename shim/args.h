/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of an OCI runtime, as far as cofferdam must understand it: crun's and runc's options in one table.
 *
 * What is passed through needs only the global options, in order to find the subcommand. What starts a container (and
 * exec and update, in files of their own) is understood whole: an option that the table does not have could take a
 * value and so hide a bundle, hence it is refused; so are spellings that the runtimes read differently (`-bDIR`,
 * `-bundle DIR`, `--bund DIR`, options after the id), what takes away a protection that config.json does not show
 * (`--no-pivot`), and the one command by which a container that exists gets what create would have refused (crun's
 * `mounts`).
 */
#ifndef CFD_SHIM_ARGS_H
#define CFD_SHIM_ARGS_H

#include "lib/base.h"
#include "lib/err.h"

enum cfd_args_command {
	CFD_ARGS_OTHER = 1, /* passed through as it is */
	CFD_ARGS_CREATE = 2,
	CFD_ARGS_RUN = 4,
	CFD_ARGS_RESTORE = 8,
	CFD_ARGS_EXEC = 16,   /* its options: shim/exec_args.h */
	CFD_ARGS_UPDATE = 32, /* its options: shim/update.c */
};

struct cfd_args { /* all borrowed from argv; NULL: not given */
	enum cfd_args_command command;
	int command_index; /* of the subcommand in argv; argc when there is none */
	const char *root, *log, *log_format;
	const char *bundle, *config, *id, *preserve_fds; /* of create, run, restore; exec and update fill in the id */
	bool detach;
};

/*
 * Takes a command line apart. -EINVAL: not understood; what was understood until then is filled in, so that the refusal
 * can be written to --log.
 */
int cfd_args_parse(int argc, char **argv, struct cfd_args *args, struct cfd_error *err);

/*
 * The command line for the runtime behind: its path first, the options as they were given, except that the bundle is
 * this one, a file of another name is config.json there, and paths of files and sockets are absolute. NULL-terminated;
 * the caller frees it with cfd_strings_free.
 */
int cfd_args_rewrite(char **argv, const struct cfd_args *args, const char *runtime, const char *bundle,
		     char ***ret_argv, struct cfd_error *err);

#endif
