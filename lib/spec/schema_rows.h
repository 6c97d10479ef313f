/* SPDX-License-Identifier: Apache-2.0 */
/* How the rows of the table of config.json are written; for lib/spec/schema*.c only. */
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

/* Behind what is given may follow REQUIRED, EARLIER, VITAL, and who acts on it. */
#define STRING(name, ...)                { .key = (name), .kind = CFD_SCHEMA_STRING, __VA_ARGS__ }
#define PATH(name, ...)                  { .key = (name), .kind = CFD_SCHEMA_PATH, __VA_ARGS__ }
#define BOOL(name, ...)                  { .key = (name), .kind = CFD_SCHEMA_BOOL, __VA_ARGS__ }
#define INT(name, low, high, ...)        { .key = (name), .kind = CFD_SCHEMA_INT, .min = (low), .max = (high), __VA_ARGS__ }
#define UINT(name, high, ...)            { .key = (name), .kind = CFD_SCHEMA_UINT, .max = (high), __VA_ARGS__ }
#define CHOICE(name, list, ...)          { .key = (name), .kind = CFD_SCHEMA_CHOICE, .choices = (list), __VA_ARGS__ }
#define OBJECT(name, rows, ...)          { .key = (name), .kind = CFD_SCHEMA_OBJECT, .members = (rows), __VA_ARGS__ }
#define ARRAY(name, row, most, ...)      { .key = (name), .kind = CFD_SCHEMA_ARRAY, .element = &(row), .max = (most), __VA_ARGS__ }
#define MAP(name, row, most, ...)        { .key = (name), .kind = CFD_SCHEMA_MAP, .element = &(row), .max = (most), __VA_ARGS__ }
#define FOREIGN(name)                    { .key = (name), .kind = CFD_SCHEMA_FOREIGN }
#define REQUIRED                         .required = true
#define EARLIER                          .beyond = true
#define VITAL                            .vital = true
#define UNIQUE(by)                       .unique = (by)
/* Who acts on it, when not every runc from 1.1 and every crun from 1.8 on does. */
#define RUNC(major, minor, patch)        .runc = CFD_SCHEMA_VERSION(major, minor, patch)
#define CRUN(major, minor, patch)        .crun = CFD_SCHEMA_VERSION(major, minor, patch)
#define RUNC_NEVER                       .runc = CFD_SCHEMA_NEVER
#define CRUN_NEVER                       .crun = CFD_SCHEMA_NEVER
#define NOBODY                           RUNC_NEVER, CRUN_NEVER
#define END                              { 0 }

typedef const struct cfd_schema_row rows;
typedef const char *const choices;
// clang-format on

extern const struct cfd_schema_row cfd_schema_string, cfd_schema_path, cfd_schema_id, cfd_schema_id_map;
/* Of numbers and ranges, as in cpuset(7): "0-3,7". */
const char *cfd_schema_wrong_list(const struct cfd_json *value);
/* The members of `linux`. */
extern const struct cfd_schema_row cfd_schema_linux[];
/* The same with nothing but `resources`. */
extern const struct cfd_schema_row cfd_schema_linux_resources[];

#endif
