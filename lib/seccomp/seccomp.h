/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's system calls -> linux.seccomp. lib/seccomp/seccomp.c is the only file that knows libseccomp.
 *
 * The result is for the native architecture unless the profile asks for all (three architectures cost 10 ms a start),
 * and where the engine gave a filter it allows only what BOTH allow; that is proved on the compiled programs (see
 * lib/seccomp/subset.h), and what cannot be proved is refused.
 */
#ifndef CFD_SECCOMP_H
#define CFD_SECCOMP_H

#include "lib/base.h"
#include "lib/caps.h"
#include "lib/err.h"

struct cfd_json;
struct cfd_json_doc;
struct cfd_subset_program;

struct cfd_seccomp_request {
	const char *profile;   /* "docker-default", or an absolute path */
	const char *admin_dir; /* where names are looked up first: <dir>/<name>.json */
	const char *shipped_dir;
	const char *cache_dir; /* proved results are kept here (must be root's own); NULL: no cache */
	bool all_architectures;
	cfd_caps bounding;             /* what the container WILL have: rules that depend on capabilities ask this */
	const struct cfd_json *engine; /* the engine's linux.seccomp, or NULL */
};

/*
 * Gives the linux.seccomp object in a document of its own. A result that was proved before for exactly this request is
 * taken from the cache (0.1 ms; new ones take 3 to 6). Errors: -ENOENT no such profile; -EINVAL an unknown system call,
 * key or action, a default that allows, an engine's filter with a listener; -EPERM a file that others can write, a call
 * denied that the runtimes need, or a result that is looser than one of the two, with the call that shows it; -E2BIG
 * and -EOPNOTSUPP what cannot be compared; -ETIME what libseccomp does not come to an end with.
 */
int cfd_seccomp_build(const struct cfd_seccomp_request *request, struct cfd_json_doc **ret_doc, struct cfd_error *err);

/*
 * Proves that the engine's filter, as it is, is at least as strict as the profile: on the machine's architecture, and
 * where the filter knows others, on all of the profile's. `all_architectures` and `cache_dir` are not looked at. Errors
 * as above; -EPERM with a call that the profile denies and the filter does not.
 */
int cfd_seccomp_satisfies(const struct cfd_seccomp_request *request, struct cfd_error *err);

/*
 * Checks a filter that an engine or author wrote, without building: default action ALLOW, LOG, TRACE or NOTIFY, a
 * listenerPath, unknown names. `strict` also refuses names that libseccomp does not know.
 */
int cfd_seccomp_check(const struct cfd_json *seccomp, bool strict, struct cfd_error *err);

/*
 * Compiles a linux.seccomp as the runtimes do: names and architectures through libseccomp, rules in their order, names
 * that it does not know left out. It happens in a child process with two seconds of processor time, as there are
 * rules on which libseccomp does not come to an end: -ETIME. The caller releases the program (cfd_subset_release).
 */
int cfd_seccomp_compile(const struct cfd_json *seccomp, struct cfd_subset_program *ret_program, struct cfd_error *err);

#endif
