/* SPDX-License-Identifier: Apache-2.0 */
/* Colours for people at a terminal. */
#include "lib/paint.h"

#include <stdlib.h>
#include <unistd.h>

/* ECMA-48 SGR: the eight colours of every terminal, bold, and back to normal. */
static const struct cfd_paint colours = {
	.bad = "\033[1;31m",
	.good = "\033[32m",
	.unsure = "\033[33m",
	.place = "\033[1m",
	.name = "\033[36m",
	.end = "\033[0m",
};

const struct cfd_paint cfd_paint_none = {.bad = "", .good = "", .unsure = "", .place = "", .name = "", .end = ""};

const struct cfd_paint *cfd_paint_for(int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(fd) || (no_colour && *no_colour) || !term || !*term || cfd_streq(term, "dumb"))
		return &cfd_paint_none;
	return &colours;
}
