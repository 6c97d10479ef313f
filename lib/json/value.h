/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in files that people write, read by hand where a row of lib/json/fields.h does not say enough: paths, names,
 * lists whose elements are checked. Every failure is a message with file, line, column and what is expected.
 */
#ifndef CFD_VALUE_H
#define CFD_VALUE_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json;
struct cfd_json_doc;

#define CFD_VALUE_MAX_LIST 256 /* elements of a list that has no limit of its own */

/* An array of at most `max` elements, else a message that says what is there instead. */
int cfd_value_expect_list(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, size_t max,
			  struct cfd_error *err);
/* A string that is not empty. */
int cfd_value_expect_string(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
			    struct cfd_error *err);

/* Checks one string; `text` is that of `value`. */
typedef int cfd_value_check(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			    struct cfd_error *err);
cfd_value_check cfd_value_check_path, cfd_value_check_name;

/* A list of strings that pass the check, none of them twice. */
int cfd_value_check_list(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file, size_t max,
			 cfd_value_check *check, struct cfd_error *err);
/* Adds a checked list's strings, each with the prefix, behind those that are there. */
int cfd_value_append_strings(const struct cfd_json *list, const char *prefix, char ***strings, struct cfd_error *err);
/* Checks the list and puts it in the place of the one that is there. */
int cfd_value_replace_strings(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file,
			      cfd_value_check *check, const char *prefix, char ***strings, struct cfd_error *err);
int cfd_value_replace_string(const char *text, char **string, struct cfd_error *err);

/* `read`s of struct cfd_field for a char *: an absolute path; any text; a profile's name. */
int cfd_value_read_path(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err);
int cfd_value_read_text(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err);
int cfd_value_read_name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err);

/* One of two words -> a bool that is true for the second. */
int cfd_value_either(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *no,
		     const char *yes, bool *ret_flag, struct cfd_error *err);

#endif
