/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput (libFuzzer): it hands the bytes to a
 * reader and, when they are accepted, checks what must hold for whatever was accepted. `make fuzz` runs them.
 */
#ifndef CFD_FUZZ_H
#define CFD_FUZZ_H

#include "lib/base.h"

#include <stdio.h>
#include <stdlib.h>

struct cfd_json;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stays in every build, and counts as a crash. */
#define FUZZ_CHECK(condition)                                                                                          \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Whether both hold the same values; objects in the same order. */
bool fuzz_equal(const struct cfd_json *a, const struct cfd_json *b);

/* The node as text. */
void fuzz_write(const struct cfd_json *node, struct cfd_buf *ret_text);

/* A line for people: not empty, and nothing in it that a terminal or a reader of logs obeys. */
void fuzz_check_line(const char *text);

/* An empty directory in memory for readers of files; it goes when the program ends. */
const char *fuzz_directory(void);
/* Writes a file into it, whole. */
void fuzz_put(const char *name, const void *data, size_t size);

#endif
