/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of config.json: OCI runtime-spec 1.3.0 (config.md, config-linux.md, schema/, specs-go/config.go) for
 * Linux, and what earlier versions had. Every key, type, range and bound that cofferdam lets through is a row here, and
 * which runtimes act on it. The rows stand in the order of the spec's Go structs, in which engines write them and so
 * does cofferdam (lib/spec/canonical.h).
 */
#ifndef CFD_SPEC_SCHEMA_H
#define CFD_SPEC_SCHEMA_H

#include "lib/base.h"

struct cfd_json;

enum cfd_schema_kind {
	CFD_SCHEMA_STRING,
	CFD_SCHEMA_PATH, /* absolute */
	CFD_SCHEMA_BOOL,
	CFD_SCHEMA_INT,    /* min..max */
	CFD_SCHEMA_UINT,   /* 0..max, up to UINT64_MAX */
	CFD_SCHEMA_CHOICE, /* one of `choices` */
	CFD_SCHEMA_OBJECT, /* of `members` */
	CFD_SCHEMA_ARRAY,  /* of at most `max` elements like `element` */
	CFD_SCHEMA_MAP,    /* of any keys, at most `max`, with values like `element` */
	CFD_SCHEMA_FOREIGN /* known, and refused whatever it holds */
};

#define CFD_SCHEMA_VERSION(major, minor, patch) ((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))
#define CFD_SCHEMA_NEVER UINT32_MAX

struct cfd_schema_row {
	const char *key; /* NULL in the row of an element */
	enum cfd_schema_kind kind;
	bool required;
	int64_t min;
	uint64_t max;
	const char *const *choices;           /* NULL-terminated */
	const struct cfd_schema_row *members; /* ends with a row of kind 0 without a key */
	const struct cfd_schema_row *element;
	const char *unique; /* ARRAY of objects: no two elements have the same string there */
	const char *(*wrong)(const struct cfd_json *value); /* what is wrong with it beyond its type, or NULL */
	bool beyond;                                        /* an earlier version of the spec had it; 1.3.0 does not */
	bool vital; /* a runtime that does not act on it must not get the container (else: the key is removed) */
	uint32_t runc, crun; /* the first version that acts on it; 0: all that are supported; CFD_SCHEMA_NEVER */
};

/* The row of the object's member, or NULL. */
const struct cfd_schema_row *cfd_schema_member(const struct cfd_schema_row *object, const char *key);

/* The document as a whole: an object. */
extern const struct cfd_schema_row cfd_schema_config;
/* The same with nothing but `process`, or `linux.resources`, which must be there. */
extern const struct cfd_schema_row cfd_schema_process_alone, cfd_schema_resources_alone;

#endif
