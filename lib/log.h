/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime says to its engine when it fails: ONE JSON line in the file of --log, and the same text on stderr.
 * podman, containerd and Docker read the one or the other. Only the programs' mains call this.
 */
#ifndef CFD_LOG_H
#define CFD_LOG_H

#include "lib/base.h"

/*
 * `path` is the --log argument or NULL; `json` is false when --log-format asks for text. The file is appended to. The
 * phrases by which podman and Docker recognise (and rewrite) other errors, such as `permission denied`, are reworded.
 * Never fails: there is nobody left to tell.
 */
void cfd_log_refusal(const char *path, bool json, const char *text);

#endif
