/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam gc: what nobody needs any more, removed at once. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/guard/guard.h"
#include "lib/recording/session.h"
#include "lib/state/state.h"

#include <stdio.h>

int cfd_command_gc(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct cfd_guard_collected guard = {0};
	size_t count = 0;
	int r = cfd_command_options(argc, argv, NULL, 0, NULL, 0, err);

	if (!r)
		r = cfd_state_open(&state, err);
	if (!r)
		r = cfd_state_sweep(state, &count, err);
	if (!r)
		r = cfd_session_collect(cfd_state_dir(state), err);
	if (!r)
		r = cfd_guard_collect(&guard, err);
	if (r)
		return r;
	printf("%zu dead container%s removed\n", count, count == 1 ? "" : "s");
	if (guard.rules || guard.sets)
		printf("%zu network rules of the guard's and %zu older versions of it removed, as no container has "
		       "them\n",
		       guard.rules, guard.sets);
	return CFD_STATUS_OK;
}
