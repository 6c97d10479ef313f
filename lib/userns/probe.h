/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel can do for containers' files, found out by doing it. */
#ifndef CFD_PROBE_H
#define CFD_PROBE_H

#include "lib/err.h"

/*
 * Mounts an overlay over idmapped layers as a container gets it, in a process that ends: its layers are directories
 * that are made in `directory` (absolute; root's, 0700, on a filesystem that can be idmapped), which the caller removes
 * with what is in it.
 */
int cfd_probe_overlay(const char *directory, struct cfd_error *err);

#endif
