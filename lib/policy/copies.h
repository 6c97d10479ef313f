/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of known shells under other names. What is searched is bounded: an image's author can always bring a shell of
 * his own that nobody knows; this is about an image that was not made against the guard.
 */
#ifndef CFD_COPIES_H
#define CFD_COPIES_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_COPIES_MAX_ENTRIES 8192 /* of all directories together; those behind are not looked at */
#define CFD_COPIES_MAX_BYTES                                                                                           \
	((uint64_t)64 << 20) /* compared; a file of a shell's size behind that counts as a copy                        \
			      */
#define CFD_COPIES_MAX_ORIGINALS 256

struct cfd_copies {
	const int *originals;  /* O_PATH descriptors of the shells, borrowed */
	size_t original_count; /* at most CFD_COPIES_MAX_ORIGINALS */
	size_t entries;        /* seen so far; begin with 0 */
	uint64_t bytes;
};

/*
 * Calls `found` for each regular file in the directory (O_PATH or not) that has the size and the content of an original
 * and is none of them. An empty file is no copy. A non-zero return of found ends it and is returned.
 */
int cfd_copies_search(struct cfd_copies *copies, int directory,
		      int (*found)(const char *name, uint64_t inode, void *data, struct cfd_error *err), void *data,
		      struct cfd_error *err);

#endif
