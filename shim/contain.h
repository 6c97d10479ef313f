/* SPDX-License-Identifier: Apache-2.0 */
/* What one container gets: the steps from a verdict to a bundle of our own. shim/create.c has their order. */
#ifndef CFD_SHIM_CONTAIN_H
#define CFD_SHIM_CONTAIN_H

#include "shim/launch.h"
#include "shim/pod.h"

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/userns/idmap.h"
#include "lib/state/state.h"
#include "lib/verdict.h"

struct cfd_args;
struct cfd_json_doc;
struct cfd_policy;

struct cfd_contain {
	char **argv;                 /* borrowed */
	const struct cfd_args *args; /* borrowed */
	struct cfd_config config;
	int audit_fd, bundle_fd;
	char *bundle; /* the engine's; absolute, real */
	struct cfd_verdict verdict;
	const char *runtime; /* borrowed from the configuration or the profile */
	struct cfd_state *state;
	struct cfd_record record;
	char key[CFD_STATE_KEY_MAX + 1];
	bool claimed; /* the record is this process's to drop */
	struct cfd_pod pod;
	int userns_fd;
	struct cfd_idmap_result files;
	struct cfd_json_doc *seccomp;
	struct cfd_policy *policy;
	bool noexec; /* no guard for what is executed: mounts that can be written are noexec */
	char *private_bundle;
	char **runtime_argv;
	struct cfd_launch launch;
};
#define CFD_CONTAIN_INIT                                                                                               \
	{                                                                                                              \
		.audit_fd = -1, .bundle_fd = -1, .userns_fd = -1, .pod = CFD_POD_INIT, .verdict = CFD_VERDICT_INIT,    \
		.launch = CFD_LAUNCH_INIT                                                                              \
	}

/* Gives everything back; a record that is still claimed is dropped. */
void cfd_contain_release(struct cfd_contain *contain);

/* A line in the audit log about what is done without. */
int cfd_contain_notice(const struct cfd_contain *contain, struct cfd_error *err, const char *format, ...)
	CFD_PRINTF(3, 4);

/* Engines would tell a runtime's `no such file or directory` as the container's command that is not found. */
int cfd_contain_check_hook(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_claim(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_load_guard(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_open_userns(struct cfd_contain *contain, struct cfd_error *err);
/* Opens what the rules could not, so that all that is mounted or joined later is open by now. */
int cfd_contain_hold(struct cfd_contain *contain, struct cfd_error *err);
/* Moves this process into a mount namespace of its own, in which the container's files are put together. */
int cfd_contain_prepare_files(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_build_seccomp(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_compile_policy(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_amend(struct cfd_contain *contain, struct cfd_error *err);
int cfd_contain_write_bundle(struct cfd_contain *contain, struct cfd_error *err);
/* Last: for a pod's container this process may enter namespaces in the runtime's place, and the runtime's hooks are
 * there. */
int cfd_contain_enter(struct cfd_contain *contain, struct cfd_error *err);

#endif
