/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error contract; doc/errors.md is the same on one page.
 *
 * A function that can fail returns 0 or a negative errno, and takes as its last argument a `struct cfd_error *` that
 * its caller owns and that is never NULL. It is set on failure only, by whoever meets the failure; callers may put
 * context in front of it and never lose it. Outputs (`ret_...`) are untouched on failure. Only a program's main prints.
 */
#ifndef CFD_ERR_H
#define CFD_ERR_H

#include "lib/base.h"

struct cfd_error {
	int code;           /* the negative errno that was returned */
	char message[2048]; /* one line for a person: what was found, where, what to do. Cut with "..." if longer. */
};

/*
 * Sets the message and returns `code`, so that `return cfd_fail(err, -EINVAL, "...")` reads as one step. None of these
 * ever returns 0: a code that is not negative becomes -EIO.
 */
int cfd_fail(struct cfd_error *err, int code, const char *format, ...) CFD_PRINTF(3, 4);

/* The same, with ": " and the text of `code` behind the message: for a system call that failed. */
int cfd_fail_errno(struct cfd_error *err, int code, const char *format, ...) CFD_PRINTF(3, 4);

/* Puts "context: " in front of the message that is set and returns its code. Never allocates. */
int cfd_wrap(struct cfd_error *err, const char *format, ...) CFD_PRINTF(2, 3);

/* Out of memory, with what the memory was for. */
int cfd_fail_memory(struct cfd_error *err, const char *what);

#endif
