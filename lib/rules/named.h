/* SPDX-License-Identifier: Apache-2.0 */
/* What a name of this host stands for, and who could have made it so. */
#ifndef CFD_RULES_NAMED_H
#define CFD_RULES_NAMED_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/path.h"

#include <sys/stat.h>

/*
 * Whether somebody other than root can make the name of `child` in the directory (real path and stat) another object.
 * An error: its list of access cannot be read.
 */
int cfd_named_replaceable(const char *path, const struct stat *directory, const struct stat *child,
			  bool *ret_replaceable, struct cfd_error *err);

/*
 * Opens (O_PATH) what an absolute path names, component by component, so that nothing is followed that was not looked
 * at. ret_planted: a directory in which somebody other than root can have put a link that was followed; "" for none. A
 * directory or file in that place is taken: whoever can put it there can only give what is his own.
 * -ENOENT and others are returned as they are, with a message.
 */
int cfd_named_open(const char *path, int *ret_fd, char ret_planted[CFD_PATH_MAX], struct cfd_error *err);

#endif
