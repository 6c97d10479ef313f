/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents for tests. */
#ifndef CFD_TEST_DOCUMENTS_H
#define CFD_TEST_DOCUMENTS_H

#include "lib/json/json.h"

#define DOC CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc

/* As cfd_json_parse, of a file named "f.json". */
int parse_with(const char *text, size_t length, bool comments, struct cfd_json_doc **ret_doc, struct cfd_error *err);
/* Both assert that it worked; the caller frees. */
struct cfd_json_doc *parse(const char *text);
char *written(const struct cfd_json *node);

#endif
