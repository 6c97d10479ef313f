/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers of one image used while their profile's mode was `record`: each thing once, with how often. Runs add
 * up. Kept as JSON in CFD_RECORDINGS, a file for each image.
 */
#ifndef CFD_RECORDING_H
#define CFD_RECORDING_H

#include "lib/base.h"
#include "lib/err.h"

#include <netinet/in.h>

#define CFD_RECORDING_USED_MAX 4096 /* different things of one image; what is beyond is counted as lost */
#define CFD_RECORDING_CONTAINERS 16 /* the last of them, by name and id */
/* CFD_RECORDING_USED_MAX paths of CFD_GUARD_PATH bytes, each of six in JSON, fit. */
#define CFD_RECORDING_MAX_BYTES ((size_t)8 << 20)

/* Numbers are those of bpf/guard.h. */
struct cfd_used {
	uint8_t kind;            /* enum cfd_guard_kind */
	uint8_t reason;          /* why no profile but perhaps one with `any` allows it; 0: a profile can */
	bool dns;                /* port 53 of a name server that the container's resolv.conf had */
	uint16_t family, type;   /* of a socket that is refused */
	uint16_t protocol, port; /* IPPROTO_...; host byte order */
	struct in6_addr address; /* IPv4 mapped */
	char *path;              /* of a file, in the container; "" when it was too long; NULL for the network */
	uint32_t facts;          /* enum cfd_guard_fact */
	uint64_t count;
};

struct cfd_recording {
	char *image;                                /* NULL: no engine told */
	char *profile;                              /* that they had */
	char *containers[CFD_RECORDING_CONTAINERS]; /* "ID" or "NAME (ID)": see cfd_recording_has */
	size_t container_count;
	uint64_t runs, lost; /* lost: uses that are not in the list */
	int64_t first, last; /* seconds since the epoch: the first start, the last end */
	struct cfd_used *used;
	size_t count;
};

void cfd_recording_release(struct cfd_recording *recording);

/* Adds a use: its count to that of the same thing, or the thing, copied. 0 or -ENOMEM. */
int cfd_recording_use(struct cfd_recording *recording, const struct cfd_used *used);
/* A container of that id and name (which may be NULL); the oldest makes room. 0 or -ENOMEM. */
int cfd_recording_add_container(struct cfd_recording *recording, const char *id, const char *name);
/* Whether it is one of those, by id or name. */
bool cfd_recording_has(const struct cfd_recording *recording, const char *container);
/* Adds all that `from` has; the image and profile of the first that has them stay. 0 or -ENOMEM. */
int cfd_recording_join(struct cfd_recording *recording, const struct cfd_recording *from);

/* To and from JSON. -EINVAL: it is not what was written. The caller releases also what could not be read whole. */
int cfd_recording_write(const struct cfd_recording *recording, struct cfd_buf *text);
int cfd_recording_parse(const char *text, size_t length, const char *name, struct cfd_recording *ret_recording,
			struct cfd_error *err);

#endif
