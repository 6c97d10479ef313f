/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON: one bounded read into a lossless document that can be changed and is written canonically.
 *
 * OCI runtimes read config.json with three different parsers, and what two of them read differently is a way past every
 * check. So the reader refuses whatever any of them treats differently (RFC 8259 leaves it open): duplicate keys, NUL
 * (raw or escaped), invalid UTF-8 (overlong, surrogates, above U+10FFFF), lone surrogate escapes, trailing bytes,
 * comments (unless asked for), nesting over the limit. Numbers are kept as the text that was read.
 *
 * A document owns all of its nodes and strings; every node pointer is borrowed from it and dies with it.
 * lib/json/json.c is the only file that knows the JSON library.
 */
#ifndef CFD_JSON_H
#define CFD_JSON_H

#include "lib/base.h"
#include "lib/err.h"

enum cfd_json_type {
	CFD_JSON_NULL,
	CFD_JSON_BOOL,
	CFD_JSON_NUMBER,
	CFD_JSON_STRING,
	CFD_JSON_ARRAY,
	CFD_JSON_OBJECT,
};

/* OCI config.json: 8 MiB and 32 levels are far above what any engine writes (typical: 12 KB, 7 levels). */
#define CFD_JSON_MAX_BYTES ((size_t)8 << 20)
#define CFD_JSON_MAX_DEPTH 32
/* Values in one document. 5,000 mounts make about 50,000; without it 8 MiB of `[[],[],...` would cost 160 MiB. */
#define CFD_JSON_MAX_NODES ((size_t)1 << 19)

struct cfd_diagnostics;

struct cfd_json_options {
	const char *name;    /* of the file, for messages */
	size_t max_bytes;    /* 0: CFD_JSON_MAX_BYTES */
	unsigned max_depth;  /* 0: CFD_JSON_MAX_DEPTH; at most 256 */
	size_t max_nodes;    /* 0: CFD_JSON_MAX_NODES */
	bool allow_comments; /* block and line comments, in files that people write */
	struct cfd_diagnostics
		*diagnostics; /* gets every mistake (lib/json/diagnostics.h); NULL: readers stop at one */
};

struct cfd_json_doc;
struct cfd_json; /* a node */

/*
 * Parses the text, which must be one JSON value. Errors name the JSON path, the line and the column ("config.json:3:14:
 * mounts[2].source: ..."; no path for bytes that are refused before anything is parsed): -EINVAL malformed or refused,
 * -EFBIG too long or too many values, -ELOOP too deep, -ENOMEM. The text is copied.
 */
int cfd_json_parse(const char *text, size_t length, const struct cfd_json_options *options,
		   struct cfd_json_doc **ret_doc, struct cfd_error *err);
void cfd_json_doc_free(struct cfd_json_doc *doc); /* accepts NULL */
void cfd_json_doc_freep(struct cfd_json_doc **doc);
struct cfd_json *cfd_json_root(struct cfd_json_doc *doc);
const char *cfd_json_name(const struct cfd_json_doc *doc);                    /* the options' name, for messages */
struct cfd_diagnostics *cfd_json_diagnostics(const struct cfd_json_doc *doc); /* the options', or NULL */

/* Reading. NULL nodes are accepted everywhere below and read as an absent value. */
enum cfd_json_type cfd_json_type(const struct cfd_json *node);          /* CFD_JSON_NULL for a NULL pointer */
const char *cfd_json_type_name(enum cfd_json_type type);                /* "a string", "an array", ... for messages */
bool cfd_json_is(const struct cfd_json *node, enum cfd_json_type type); /* false for NULL pointers */
const char *cfd_json_string(const struct cfd_json *node);               /* NULL if it is not a string */
const char *cfd_json_number(const struct cfd_json *node);               /* the text as read; NULL if not a number */
bool cfd_json_bool(const struct cfd_json *node);                        /* false if it is not a true */
/* Whole numbers only: -EINVAL for fractions, exponents and -0; -ERANGE outside of min..max. */
int cfd_json_int(const struct cfd_json *node, int64_t min, int64_t max, int64_t *ret_value);
/* The same for what is never negative, up to UINT64_MAX: -EINVAL also for a minus sign. */
int cfd_json_uint(const struct cfd_json *node, uint64_t max, uint64_t *ret_value);
size_t cfd_json_count(const struct cfd_json *node);                       /* elements or members; 0 for anything else */
struct cfd_json *cfd_json_at(const struct cfd_json *array, size_t index); /* NULL when out of range; O(1) */
struct cfd_json *cfd_json_get(const struct cfd_json *object, const char *key); /* NULL when absent; exact bytes */
/* The i-th member in document order. */
struct cfd_json *cfd_json_member(const struct cfd_json *object, size_t index, const char **ret_key);
/* Where the value (for a member: its key) stood in the text, from 1; columns count characters.
 * Nodes that were added have 0, 0. */
void cfd_json_position(const struct cfd_json_doc *doc, const struct cfd_json *node, unsigned *ret_line,
		       unsigned *ret_column);
/* The key of a member; NULL for elements, the root, and nodes that hang nowhere. */
const char *cfd_json_key(const struct cfd_json *node);
/* Adds the node's path, such as `mounts[7].source` or `annotations["a.b"]`, to the buffer; the root's is `$`. Keys of
 * more than 256 bytes are cut. 0 or -ENOMEM. */
int cfd_json_path(const struct cfd_json *node, struct cfd_buf *buf);

/*
 * Changing. New nodes belong to the document and hang nowhere until they are set or appended. Functions that return a
 * node return NULL only when out of memory, and accept NULL children (they pass the failure on), so that a whole tree
 * can be built and the result be checked once.
 */
struct cfd_json *cfd_json_new_object(struct cfd_json_doc *doc);
struct cfd_json *cfd_json_new_array(struct cfd_json_doc *doc);
struct cfd_json *cfd_json_new_string(struct cfd_json_doc *doc, const char *value); /* NULL also if it is not UTF-8 */
struct cfd_json *cfd_json_new_int(struct cfd_json_doc *doc, int64_t value);
struct cfd_json *cfd_json_new_u64(struct cfd_json_doc *doc, uint64_t value); /* a mask of seccomp's can be 2^64-1 */
struct cfd_json *cfd_json_new_bool(struct cfd_json_doc *doc, bool value);
/* A deep copy of a node, which may belong to another document. */
struct cfd_json *cfd_json_copy(struct cfd_json_doc *doc, const struct cfd_json *node);
/* Replaces a member in its place, or adds it at the end. 0 or -ENOMEM (also when value is NULL), -EINVAL when the value
 * hangs somewhere already or `object` is none. */
int cfd_json_set(struct cfd_json_doc *doc, struct cfd_json *object, const char *key, struct cfd_json *value);
int cfd_json_append(struct cfd_json_doc *doc, struct cfd_json *array, struct cfd_json *value);
void cfd_json_remove(struct cfd_json *object, const char *key); /* nothing happens when it is absent */
void cfd_json_remove_at(struct cfd_json *array, size_t index);
int cfd_json_insert(struct cfd_json_doc *doc, struct cfd_json *array, size_t index, struct cfd_json *value);
/* Removes every member or element for which `keep` returns false, in one pass (a remove is linear: many are quadratic).
 */
void cfd_json_filter(struct cfd_json *container, bool (*keep)(const struct cfd_json *child, void *context),
		     void *context);
/* Puts the members in another order; `compare` as for qsort(3). Equal ones may change places. */
void cfd_json_sort(struct cfd_json *object,
		   int (*compare)(const struct cfd_json *a, const struct cfd_json *b, void *context), void *context);
/* The member, which is made as an empty object (array) when absent. NULL when out of memory or of another type. */
struct cfd_json *cfd_json_want_object(struct cfd_json_doc *doc, struct cfd_json *object, const char *key);
struct cfd_json *cfd_json_want_array(struct cfd_json_doc *doc, struct cfd_json *object, const char *key);

/* The document becomes an object whose only member is what was its root. 0 or -ENOMEM. */
int cfd_json_wrap(struct cfd_json_doc *doc, const char *key);

/* Adds the node as canonical JSON: no white space, document order, the shortest escapes, valid UTF-8. 0 or -ENOMEM. */
int cfd_json_write(const struct cfd_json *node, struct cfd_buf *buf);

#endif
