/* SPDX-License-Identifier: Apache-2.0 */
/* Engines' records: JSON files that they own, with keys that are theirs. */
#ifndef CFD_IMAGE_RECORDS_H
#define CFD_IMAGE_RECORDS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json_doc;

/*
 * Opens `path` (absolute, no symlink in the last component) and checks that nobody but root, or the caller, can write
 * it or a directory above it. -ENOENT is returned as it is.
 */
int cfd_records_open_dir(const char *path, int *ret_fd, struct cfd_error *err);

/* Reads such a file whole, at most `max` bytes. `dir` is for messages. -ENOENT is returned as it is. */
int cfd_records_read(int dirfd, const char *dir, const char *file, size_t max, struct cfd_buf *text,
		     struct cfd_error *err);

/*
 * Finds the object whose "id" is `id` in the text of an array of objects and parses that one alone; `ret_doc` stays as
 * it is when there is none. The rest of the text is only followed from bracket to bracket: 3.4 MB (5,000
 * containers) take 2 ms instead of 7, and little memory. -EBADMSG: no whole array (torn), or the id is there twice.
 */
int cfd_records_find(const struct cfd_buf *text, const char *name, const char *id, struct cfd_json_doc **ret_doc,
		     struct cfd_error *err);

#endif
