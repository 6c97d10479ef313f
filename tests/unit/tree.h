/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files for tests, in a temporary directory. Every function asserts that it worked. */
#ifndef CFD_TEST_TREE_H
#define CFD_TEST_TREE_H

#include "lib/base.h"

#include <sys/types.h>

/* A new directory of mode 0700; the caller releases it, with everything in it, by tree_remove. */
char *tree_make(void);
void tree_remove(char **tree);
#define TREE __attribute__((cleanup(tree_remove))) char *

/* The same for whoever keeps the path: made, and removed with everything in it when this process exits. */
#define SCRATCH_PATH 64
void tree_scratch(char ret_path[SCRATCH_PATH]);

/* "tree/path"; the caller frees. */
char *tree_path(const char *tree, const char *path);
/* Makes the directories above, mode 0755, and the file, mode 0644. */
void tree_write(const char *tree, const char *path, const char *text);
/* Makes the directory with those above it. */
void tree_directory(const char *tree, const char *path);
void tree_mode(const char *tree, const char *path, mode_t mode);
/* Copies a file of the repository. */
void tree_copy(const char *tree, const char *path, const char *source);
/* The whole of a file; the caller frees. */
char *tree_read(const char *source);

#endif
