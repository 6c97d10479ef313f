/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a JSON document, shared by the files lib/json*.c and known to nobody else. */
#ifndef CFD_JSON_NODE_H
#define CFD_JSON_NODE_H

#include "lib/json/json.h"

struct cfd_json_index; /* of an object's keys */

struct cfd_json {
	struct cfd_json *parent; /* NULL: the root, or hanging nowhere */
	const char *key;         /* of a member */
	union {
		const char *text; /* strings and numbers */
		bool truth;
		struct cfd_json **items; /* arrays and objects */
	};
	struct cfd_json_index *index; /* objects of more than a few members, else NULL */
	uint32_t count, capacity;     /* of items */
	uint32_t place;               /* within the parent's items */
	uint32_t offset;              /* in the text, from 1; 0: added later */
	enum cfd_json_type type;
};

struct cfd_json_chunk {
	struct cfd_json_chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct cfd_json_doc {
	struct cfd_json_chunk *chunks;
	struct cfd_json *root;
	const char *name;
	struct cfd_diagnostics *diagnostics; /* borrowed; NULL: nobody collects */
	char *text;                          /* as read, NUL behind it; closing quotes are overwritten by NULs */
	size_t length;
	uint64_t seed[2]; /* of the indexes, so that nobody can choose keys that collide */
	bool seeded;
};

/* Memory that lives as long as the document; NULL when there is none. */
void *cfd_json_alloc(struct cfd_json_doc *doc, size_t size);
char *cfd_json_alloc_text(struct cfd_json_doc *doc, const char *text, size_t length);
struct cfd_json *cfd_json_node_new(struct cfd_json_doc *doc, enum cfd_json_type type);

/*
 * Indexes the object if it is large. When two members have the same key the later one is stored in `ret_duplicate` (for
 * small objects too), else NULL is. 0 or a negative errno.
 */
int cfd_json_index_build(struct cfd_json_doc *doc, struct cfd_json *object, struct cfd_json **ret_duplicate);
/* The place of the member, or -1. */
int64_t cfd_json_index_find(const struct cfd_json *object, const char *key);
/* Notes a member that was just put at the end of the items. 0 or a negative errno. */
int cfd_json_index_add(struct cfd_json_doc *doc, struct cfd_json *object);

/* The line and column of a byte, from 1; columns count characters. */
void cfd_json_locate(const struct cfd_json_doc *doc, size_t offset, unsigned *ret_line, unsigned *ret_column);

#endif
