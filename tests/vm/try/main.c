/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs. */
#include "tests/vm/try/try.h"

#include <stdio.h>

// clang-format off
static const struct verb {
	const char *name;
	int arguments;
	try_verb *run;
} verbs[] = {
	{"load", 0, try_load},
	{"start", 5, try_start},
	{"run", 5, try_run},
	{"enter", 3, try_enter},
	{"enter-late", 3, try_enter},
	{"enter-early", 3, try_enter_early},
	{"zero", 2, try_zero},
	{"attach", 5, try_attach},
	{"state", 1, try_state},
	{"events", 0, try_events},
	{"many", 3, try_many},
	{"features", 0, try_features},
	{"collect", 0, try_collect},
	{"hook", 4, try_hook},
	{"exempt", 3, try_exempt},
	{"starts", 4, try_starts},
	{"fill-policies", 0, try_fill_policies},
	{"crowd", 0, try_crowd},
	{"bare", 3, try_bare},
};
// clang-format on

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < CFD_COUNT(verbs); i++)
		if (cfd_streq(argv[1], verbs[i].name) && argc - 2 >= verbs[i].arguments)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "guard-try: no such verb, or too few arguments\n");
	return 2;
}
