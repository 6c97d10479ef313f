/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of values that come from files and annotations, checked before they are believed or put into a path. None of
 * these looks at the file system.
 */
#ifndef CFD_SHAPE_H
#define CFD_SHAPE_H

#include "lib/base.h"

/* A clean absolute path (lib/path.h) as people should write it: no slash at the end, no control characters. */
bool cfd_shape_path(const char *path);

/* The name of a profile: a-z 0-9 and, not first, `.` `_` `-`; at most 64 characters. Fit to be a file's stem. */
bool cfd_shape_name(const char *name);

/* A container's, pod's or layer's name or id, fit to be ONE component of a path: A-Z a-z 0-9, not first . _ -; 1..253.
 */
bool cfd_shape_component(const char *text);

/*
 * A host name, whole (nothing is put behind it) and in lower case: labels of a-z 0-9 _ and, inside, `-`, 1..63 long,
 * separated by dots, 253 in all (RFC 1035, 2.3.4; 253 is what 255 bytes on the wire hold). The last is no number, as
 * that would be an address.
 */
bool cfd_shape_host(const char *text);

/* Exactly `digits` lower-case hexadecimal digits. */
bool cfd_shape_hex(const char *text, size_t digits);

/* `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits (OCI image-spec, descriptor.md). */
bool cfd_shape_digest(const char *text);

/*
 * A day, `YYYY-MM-DD` with the year 1970..9999, as the number of seconds since the epoch at which it begins, in UTC.
 * -EINVAL for any other text and for days that no calendar has.
 */
int cfd_shape_day(const char *text, int64_t *ret_seconds);

#endif
