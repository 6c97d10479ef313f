/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of `exec`, crun's and runc's in one table, as one process: what they ask for is put into a `process`
 * object, so that the same rules judge the options and a file of --process. Words behind the container's id are the
 * command and its own options; neither runtime looks for its own there.
 */
#ifndef CFD_SHIM_EXEC_ARGS_H
#define CFD_SHIM_EXEC_ARGS_H

#include "lib/err.h"
#include "lib/spec/spec.h"

struct cfd_args;
struct cfd_json_doc;
struct cfd_record;

struct cfd_exec_args { /* strings are borrowed from argv */
	int id_index;
	const char *process, *user, *cwd, *apparmor, *process_label;
	bool new_privileges; /* --no-new-privs=false */
	struct cfd_spec_strings caps, env, gids, cgroups;
};

/*
 * Reads what stands behind `exec`; the id and --preserve-fds are noted in `args`. -EINVAL: an option that the table
 * does not have; --process together with one that describes a process, of which the runtimes ignore one.
 */
int cfd_exec_args_parse(char **argv, struct cfd_args *args, struct cfd_exec_args *exec, struct cfd_error *err);
void cfd_exec_args_release(struct cfd_exec_args *exec);

/*
 * The process that the options ask for; what they leave out is the container's. -EINVAL: a user or group that is no
 * number (neither runtime takes names), text that is not UTF-8.
 */
int cfd_exec_args_process(const struct cfd_exec_args *exec, const struct cfd_record *record,
			  struct cfd_json_doc **ret_doc, struct cfd_error *err);

/*
 * The command line for the runtime: `runtime` first, `process_file` for the file of --process if there is one. Else it
 * gets no capability beyond the record's, and --no-new-privs where the container has it, since crun takes an absent one
 * for false. NULL-terminated; the caller frees it with cfd_strings_free.
 */
int cfd_exec_args_rewrite(char **argv, const struct cfd_args *args, const struct cfd_exec_args *exec,
			  const struct cfd_record *record, const char *runtime, const char *process_file,
			  char ***ret_argv, struct cfd_error *err);

#endif
