/* SPDX-License-Identifier: Apache-2.0 */
/* How the rows of the table of config.json are written; for lib/spec_schema*.c only. */
#ifndef CFD_SPEC_SCHEMA_ROWS_H
#define CFD_SPEC_SCHEMA_ROWS_H

#include "lib/spec/schema.h"

// clang-format off
#define ID_MAX 4294967294u /* 4294967295 is (uid_t)-1, "leave it as it is" to setresuid(2); runc and crun differ about it */
#define I64_MIN INT64_MIN
#define I64_MAX INT64_MAX
#define MAJOR_MAX 4095 /* include/linux/kdev_t.h: MINORBITS 20 of a 32-bit dev_t */
#define MINOR_MAX 1048575
#define EXTENTS_MAX 340 /* UID_GID_MAP_MAX_EXTENTS, user_namespaces(7) */

#define STRING(name)                { .key = (name), .kind = CFD_SCHEMA_STRING }
#define PATH(name)                  { .key = (name), .kind = CFD_SCHEMA_PATH }
#define BOOL(name)                  { .key = (name), .kind = CFD_SCHEMA_BOOL }
#define INT(name, low, high)        { .key = (name), .kind = CFD_SCHEMA_INT, .min = (low), .max = (high) }
#define UINT(name, high)            { .key = (name), .kind = CFD_SCHEMA_UINT, .max = (high) }
#define CHOICE(name, list)          { .key = (name), .kind = CFD_SCHEMA_CHOICE, .choices = (list) }
#define OBJECT(name, rows)          { .key = (name), .kind = CFD_SCHEMA_OBJECT, .members = (rows) }
#define ARRAY(name, row, most)      { .key = (name), .kind = CFD_SCHEMA_ARRAY, .element = &(row), .max = (most) }
#define UNIQUE(name, row, most, by) { .key = (name), .kind = CFD_SCHEMA_ARRAY, .element = &(row), .max = (most), .unique = (by) }
#define MAP(name, row, most)        { .key = (name), .kind = CFD_SCHEMA_MAP, .element = &(row), .max = (most) }
#define FOREIGN(name)               { .key = (name), .kind = CFD_SCHEMA_FOREIGN }
#define NEED_STRING(name)           { .key = (name), .kind = CFD_SCHEMA_STRING, .required = true }
#define NEED_PATH(name)             { .key = (name), .kind = CFD_SCHEMA_PATH, .required = true }
#define NEED_BOOL(name)             { .key = (name), .kind = CFD_SCHEMA_BOOL, .required = true }
#define NEED_INT(name, low, high)   { .key = (name), .kind = CFD_SCHEMA_INT, .min = (low), .max = (high), .required = true }
#define NEED_UINT(name, high)       { .key = (name), .kind = CFD_SCHEMA_UINT, .max = (high), .required = true }
#define NEED_CHOICE(name, list)     { .key = (name), .kind = CFD_SCHEMA_CHOICE, .choices = (list), .required = true }
#define END                         { 0 }

typedef const struct cfd_schema_row rows;
typedef const char *const choices;
// clang-format on

extern const struct cfd_schema_row cfd_schema_string, cfd_schema_path, cfd_schema_id, cfd_schema_id_map;
/* The members of `linux`. */
extern const struct cfd_schema_row cfd_schema_linux[];
/* The same with nothing but `resources`. */
extern const struct cfd_schema_row cfd_schema_linux_resources[];

#endif
