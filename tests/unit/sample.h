/* SPDX-License-Identifier: Apache-2.0 */
/* A config.json that holds every key of the table, made from the table. */
#ifndef CFD_TEST_SAMPLE_H
#define CFD_TEST_SAMPLE_H

struct cfd_buf;

/*
 * Without `state`: canonical. With it (that of nrand48(3)): the same document, the members of its objects in a random
 * order, with white space, some characters as escapes.
 */
void sample_config(unsigned short *state, struct cfd_buf *text);

#endif
