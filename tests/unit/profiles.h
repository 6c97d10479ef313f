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

#endif
