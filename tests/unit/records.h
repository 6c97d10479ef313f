/* SPDX-License-Identifier: Apache-2.0 */
/* A state directory and records for tests. Every function asserts that it worked. */
#ifndef CFD_TEST_RECORDS_H
#define CFD_TEST_RECORDS_H

#include "lib/state/state.h"
#include "tests/unit/tree.h"

#define POOL_BASE 1000000u

struct fixture {
	char path[SCRATCH_PATH], subuid[96], top[96];
};

/* A state directory of the test's own, and a pool of `ranges` ranges for the owner "cofferdam". */
void make_fixture(struct fixture *fixture, unsigned ranges);
struct cfd_state *open_state(const struct fixture *fixture);
/* A record as a create makes it; the caller releases it. */
void fill_record(struct cfd_record *record, const char *id, const char *root);
/* How many entries a directory of the state has. */
int entries(const struct fixture *fixture, const char *directory);
/* A child that claims and is killed at once. */
void claim_in_a_child_that_dies(const struct fixture *fixture, const char *id);

#endif
