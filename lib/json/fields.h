/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a JSON object into a struct through a table, for files that people or cofferdam write: configuration,
 * profiles, state. A key that the table does not have is an error with file, line, column and, where one is close, the
 * key that was probably meant.
 */
#ifndef CFD_FIELDS_H
#define CFD_FIELDS_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/near.h"

struct cfd_json;
struct cfd_json_doc;

enum cfd_field_kind {
	CFD_FIELD_STRING,  /* char *, a copy */
	CFD_FIELD_STRINGS, /* char **, copies, NULL-terminated */
	CFD_FIELD_BOOL,    /* bool */
	CFD_FIELD_INT,     /* int64_t within min..max */
	CFD_FIELD_CHOICE,  /* int: the index of the string within `choices` */
	CFD_FIELD_CUSTOM,  /* `read` does it */
	CFD_FIELD_IGNORED, /* known, of any type, read by somebody else ("$schema") */
};

struct cfd_field {
	const char *key;
	enum cfd_field_kind kind;
	size_t offset; /* in the struct that is filled */
	bool required;
	int64_t min, max;           /* INT; for STRINGS: max is the most elements, 0 is 256 */
	const char *const *choices; /* CHOICE; NULL-terminated */
	int (*read)(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		    struct cfd_error *err);
};

/*
 * Fills `target` from the object. What is already set is replaced (a string is freed first), what the object does not
 * have stays. On failure the target may be partly filled; its owner releases it as always.
 * Messages: "FILE:LINE:COLUMN: PATH: what is wrong". -EINVAL or -ENOMEM.
 */
int cfd_fields_read(struct cfd_json_doc *doc, const struct cfd_json *object, const char *file,
		    const struct cfd_field *fields, size_t count, void *target, struct cfd_error *err);

/*
 * "FILE:LINE:COLUMN: PATH: " and then the format, for checks that a table cannot express. Returns -EINVAL. Where the
 * document's mistakes are collected, this one is.
 */
int cfd_fields_fail(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file, struct cfd_error *err,
		    const char *format, ...) CFD_PRINTF(5, 6);
/* The same, with what was probably meant behind it, or NULL. */
int cfd_fields_fail_meant(struct cfd_json_doc *doc, const struct cfd_json *node, const char *file,
			  struct cfd_error *err, const char *meant, const char *format, ...) CFD_PRINTF(6, 7);
/* Where the document's mistakes are collected, what is read as it stands but hardly meant so. 0 or -ENOMEM. */
int cfd_fields_warn(struct cfd_json_doc *doc, const struct cfd_json *node, const char *format, ...) CFD_PRINTF(3, 4);
/*
 * For loops over members and elements: keeps the first failure, and says whether to go on with the next one. That is
 * after a success, and after a mistake where mistakes are collected and there is room for more.
 */
bool cfd_fields_next(const struct cfd_json_doc *doc, int r, int *failed);
/* Offers every word of a NULL-terminated list. */
void cfd_fields_offer(struct cfd_near *near, const char *const *words);

/* Frees a NULL-terminated list with its strings; accepts NULL. */
void cfd_strings_free(char **strings);

#endif
