/* SPDX-License-Identifier: Apache-2.0 */
/* One option of a command line, as getopt_long(3) and Go's flags both read it; the tables are their users'. */
#ifndef CFD_SHIM_OPTIONS_H
#define CFD_SHIM_OPTIONS_H

#include "lib/base.h"
#include "lib/err.h"

enum cfd_option_kind {
	CFD_OPTION_FLAG = false,
	CFD_OPTION_VALUE = true, /* in its word behind `=` (long names only), or in the next word */
	CFD_OPTION_SWITCH,       /* a flag that may say `=true` or `=false` */
};

struct cfd_option {
	const char *name; /* NULL: a letter alone */
	char letter;      /* 0: none */
	unsigned kind;    /* of enum cfd_option_kind */
	unsigned use;     /* what becomes of it; its table's business, as what follows */
	unsigned commands;
	size_t field;
};

struct cfd_option_found {
	const struct cfd_option *option;
	const char *value; /* NULL for a flag */
	int words;         /* of argv that it takes */
};

/*
 * What argv[index] is. -EINVAL: an option that the table does not have, in exactly that spelling; one without its
 * value, or with one that it does not take.
 */
int cfd_option_scan(char **argv, int index, const struct cfd_option *options, size_t count,
		    struct cfd_option_found *ret_found, struct cfd_error *err);

#endif
