/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which annotations may reach the runtime. Runtimes take orders from annotations (crun: `run.oci.*` replaces the
 * seccomp filter or writes host files; systemd: unit properties; runc: criu's configuration), and engines copy
 * annotations from images, pods and command lines. So: a list of what is known to be harmless, by key or prefix, and
 * a list of what is known to be an order, which refuses the container instead of being dropped in silence.
 */
#ifndef CFD_ANNOTATIONS_H
#define CFD_ANNOTATIONS_H

#include "lib/base.h"

/*
 * What the annotation makes somebody do ("crun takes orders from it"), a static string; NULL: not known as dangerous.
 * The few orders that engines put into every container are harmless with the values that they give them, and with no
 * other.
 */
const char *cfd_annotation_danger(const char *key, const char *value);

/* Whether it is known to be read by engines and tools only. Everything else is removed from config.json. */
bool cfd_annotation_allowed(const char *key, const char *value);

#endif
