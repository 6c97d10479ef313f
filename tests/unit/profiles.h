/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of profiles for tests. Every function asserts that it worked. */
#ifndef CFD_TEST_PROFILES_H
#define CFD_TEST_PROFILES_H

#include "lib/profile/profile.h"
#include "tests/unit/tree.h"

#define SET CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *
#define PROFILE CFD_AUTO(cfd_profile_freep) struct cfd_profile *

struct cfd_profile_set *open_set(const char *admin, const char *shipped);
struct cfd_profile *load_profile(const struct cfd_profile_set *set, const char *name);
/* A profile NAME.json whose keys behind the name are `keys`. */
void write_profile(const char *tree, const char *name, const char *keys);
/* The name of the profile that the image gets, or "none". */
const char *match_profile(const struct cfd_profile_set *set, const char *name, const char *digest, const char *id);

/* All that is shipped. */
void copy_shipped(const char *tree);

/* What a file of tests/corpus/profiles says of itself, one line each: "// expect 5:20: part of the message". */
struct expectation {
	char place[32];    /* "5:20" */
	char message[512]; /* what the message begins with, behind the place, or has in it */
};
/* Takes the next one off the text; false when there is none. */
bool next_expectation(const char **text, struct expectation *ret_expectation);

#endif
