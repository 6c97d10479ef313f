/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who acts on what. Runtimes pass over keys that their version of the specification does not have, without a word: the
 * same config.json gives a container its memory policy behind one and none behind another. So a runtime gets only keys
 * that it acts on; what it would pass over is removed and listed, or, where the container would be another one
 * without it, refused. The columns `runc` and `crun` of lib/spec/schema.h say since when; they come from the two
 * projects' sources and change logs.
 */
#ifndef CFD_SPEC_READERS_H
#define CFD_SPEC_READERS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_spec;

enum cfd_reader_kind {
	CFD_READER_OTHER, /* nothing is known of it: it gets only what every runtime acts on */
	CFD_READER_RUNC,
	CFD_READER_CRUN,
};

struct cfd_reader {
	enum cfd_reader_kind kind;
	uint32_t version; /* CFD_SCHEMA_VERSION */
};

/* From what the runtime prints for --version ("crun version 1.8.1", "runc version 1.1.5+ds1", and more lines). */
struct cfd_reader cfd_reader_parse(const char *text);

/* Whether the document holds a key that not every supported runtime acts on. If not, nobody need ask for a version. */
bool cfd_reader_matters(const struct cfd_spec *spec);

/*
 * Removes from the document what the reader does not act on and adds the paths to the list, one on a line. -EINVAL for
 * a key that must not be removed. The view keeps what it has.
 */
int cfd_reader_fit(const struct cfd_spec *spec, const struct cfd_reader *reader, struct cfd_buf *list,
		   struct cfd_error *err);

#endif
