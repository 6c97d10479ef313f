/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text: nothing here looks at a file system. For paths that exist, lib/fd.h resolves and opens. */
#ifndef CFD_PATH_H
#define CFD_PATH_H

#include "lib/base.h"

#define CFD_PATH_MAX 4096 /* with the NUL; the kernel's PATH_MAX */

/*
 * Writes the absolute path without empty, "." and ".." components and without a trailing slash; ".." stops at "/".
 * -EINVAL: not absolute; -ENAMETOOLONG.
 */
int cfd_path_clean(const char *path, char ret_clean[CFD_PATH_MAX]);

/* Absolute and the same when cleaned, but for one trailing slash, which some engines keep. */
bool cfd_path_is_clean(const char *path);

/* Whether any component is "..". */
bool cfd_path_has_dotdot(const char *path);

/* For two clean paths: what follows `directory` in `path` ("" when equal), or NULL when it is not beneath. Borrowed. */
const char *cfd_path_beneath(const char *path, const char *directory);

/*
 * Takes the first component, with the slashes around it, off the front of `pending`. False when there is none, or when
 * it is too long to be one.
 */
bool cfd_path_take_first(char *pending, char ret_component[CFD_PATH_MAX]);

/* What follows the last slash. Borrowed. */
const char *cfd_path_base(const char *path);

#endif
