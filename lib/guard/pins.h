/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the loaded programs and maps wait between processes: one directory of bpffs for each version of the programs. A
 * set is pinned under a name of its own and renamed when it is whole, so a directory with the version's name is
 * complete; a loader that was killed leaves one that begins with "new-". (bpffs does not take names with dots.)
 */
#ifndef CFD_GUARD_PINS_H
#define CFD_GUARD_PINS_H

#include "lib/base.h"
#include "lib/err.h"

/* Opens CFD_GUARD_PINS, made 0700 if missing. */
int cfd_guard_pins_open(int *ret_fd, struct cfd_error *err);
/*
 * Many containers attach at once (shared), but not while the rules that none uses are removed (exclusive): a lock on
 * the directory, dropped when the descriptor is closed.
 */
int cfd_guard_pins_lock(bool exclusive, int *ret_fd, struct cfd_error *err);
typedef int cfd_guard_pins_visit(int pins, const char *set, void *data, struct cfd_error *err);
/* Calls visit with the name of every set; stops at its first non-zero return, which it returns. */
int cfd_guard_pins_each(int pins, cfd_guard_pins_visit *visit, void *data, struct cfd_error *err);
/* Whether the set has a pin of that name. */
int cfd_guard_pins_has(int pins, const char *set, const char *name, bool *ret_has, struct cfd_error *err);
/* Removes what killed loaders left. Under the loader's lock only. */
int cfd_guard_pins_sweep(int pins, struct cfd_error *err);
/* Makes an empty set to pin into; ret_name is for the next three. */
int cfd_guard_pins_begin(int pins, char ret_name[32], struct cfd_error *err);
/* Puts the new set in the place of `set`, of which what is there is removed first. */
int cfd_guard_pins_finish(int pins, const char *name, const char *set, struct cfd_error *err);
/* Removes a set and all that is in it; one that is gone is no error. */
int cfd_guard_pins_remove(int pins, const char *set, struct cfd_error *err);

#endif
