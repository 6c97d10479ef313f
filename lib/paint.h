/* SPDX-License-Identifier: Apache-2.0 */
/* Colours for people at a terminal. What goes into a pipe, a file or a log is never painted. */
#ifndef CFD_PAINT_H
#define CFD_PAINT_H

#include "lib/base.h"

/* What stands before and behind painted words; empty strings when nothing is painted. */
struct cfd_paint {
	const char *bad, *good, *unsure; /* refused, passed, neither */
	const char *place;               /* where something was found; headings */
	const char *name;                /* ids */
	const char *end;
};

extern const struct cfd_paint cfd_paint_none;

/*
 * For a descriptor: painted only when it is a terminal, NO_COLOR is absent or empty (no-color.org) and TERM is neither
 * absent nor "dumb". Of the environment this decides the looks of what people read, and nothing else.
 */
const struct cfd_paint *cfd_paint_for(int fd);

#endif
