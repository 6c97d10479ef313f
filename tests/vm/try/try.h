/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the guard without engine or runtime, for the tests of the guard (tests/vm/guest-guard.sh): makes a cgroup,
 * puts a policy in force there, runs programs in it, in a root of their own, as a runtime would. What is tried in there
 * is tests/vm/act.
 *
 *   guard-try VERB [ARGUMENT...]
 *
 * The table of verbs is in main.c.
 */
#ifndef CFD_TRY_H
#define CFD_TRY_H

#include "lib/guard/guard.h"
#include "lib/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRY_STATE "/run/guard-try" /* the guard's state, and NAME.pid of each container that was started */
#define TRY_CGROUPS "/sys/fs/cgroup"

/* Both halves of the guard. */
extern const struct cfd_guard_parts try_everything;

/* End the program: with status 1 and the error's message; with status 2, what could not be done, and errno. */
_Noreturn void try_die(const struct cfd_error *err);
_Noreturn void try_die_errno(const char *what);

/* Milliseconds of the monotonic clock. */
double try_now_ms(void);

/* What follows ends the program when it fails. Descriptors and policies are the caller's. */

/* TRY_STATE, made if there is none. */
int try_state_dir(void);

/* The cgroup of this name below TRY_CGROUPS; `make`: if there is none. ret_id may be NULL. */
int try_open_cgroup(const char *name, bool make, uint64_t *ret_id);
/* Moves this process. */
void try_enter_cgroup(const char *name);

/* The policy of a profile in the directory `profiles` for a container with this root. */
struct cfd_policy *try_compile(const char *profiles, const char *name, const char *root);

/*
 * Starts a container in a cgroup, which is made: argv, in this root, once the policy is in force. policy: NULL for
 * none, and no guard then. `namespaces`: what more it gets than a mount namespace, which it makes itself. Returns its
 * process, a child of this one.
 */
pid_t try_start_init(const char *cgroup, const char *root, const struct cfd_policy *policy, char **argv,
		     unsigned long namespaces);

/* A verb is given as many arguments as the table says, or more; each is told at its function. What it returns is the
 * program's status. */
typedef int try_verb(char **argv);

/* container.c */
try_verb try_start, try_run, try_bare, try_enter, try_enter_early;
/* guard.c */
try_verb try_load, try_zero, try_attach, try_hook, try_fill_policies, try_crowd, try_collect, try_exempt;
/* show.c */
try_verb try_features, try_state, try_events;
/* measure.c */
try_verb try_many, try_starts;

#endif
