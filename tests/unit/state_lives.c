/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives and who is swept: lib/state/sweep.c. */
#include "lib/fd.h"
#include "tests/unit/records.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Test(state, a_dead_holder_of_the_id_gives_way)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	claim_in_a_child_that_dies(&fixture, "web");
	fill_record(&record, "web", "");
	cr_expect_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "ranges"), 1);
}

Test(state, a_created_container_is_kept_while_init_runs_or_the_runtime_has_it)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1], kept[128];
	size_t swept = 99;
	pid_t init;

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	snprintf(kept, sizeof(kept), "%s/kept", fixture.path);
	cr_assert_eq(mkdir(kept, 0700), 0);
	fill_record(&record, "web", "");
	record.runtime_dir = strdup(kept);
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0);

	init = fork();
	if (init == 0)
		for (;;)
			pause();
	cr_assert_eq(cfd_process_of(init, &record.init, &err), 0);
	record.shim = (struct cfd_process_id){0};
	cr_assert_eq(cfd_state_update(state, key, &record, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 0, "init lives");

	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 0, "stopped, and the runtime has it still");
	cr_assert_eq(rmdir(kept), 0);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 1, "deleted");
	cr_expect_eq(entries(&fixture, "containers"), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
}

Test(state, a_create_that_was_killed_is_swept_though_the_runtime_kept_something)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];
	size_t swept = 99;
	pid_t child;

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	child = fork();
	if (child == 0) {
		struct cfd_record record;

		fill_record(&record, "web", "");
		record.runtime_dir = strdup("/tmp");
		if (cfd_state_claim(state, &record, "cofferdam", key, &err))
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 1);
}

/* A shim that was killed when the hook had run already; `foreground`: it stood in for a container that ran. */
static pid_t kill_shim_after_hook(const struct fixture *fixture, bool foreground)
{
	pid_t init = fork(), child;

	if (init == 0)
		for (;;)
			pause();
	child = fork();
	if (child == 0) {
		struct cfd_state *state = open_state(fixture);
		struct cfd_record record;
		struct cfd_error err = {0};
		char key[CFD_STATE_KEY_MAX + 1];

		fill_record(&record, "web", "");
		record.foreground = foreground;
		if (cfd_state_claim(state, &record, NULL, key, &err) || cfd_process_of(init, &record.init, &err) ||
		    cfd_state_update(state, key, &record, &err))
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	return init;
}

Test(state, an_init_whose_shim_was_killed_while_creating_is_ended)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct fixture fixture;
	struct cfd_error err = {0};
	size_t swept = 99;
	int status = 0;
	pid_t init;

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	init = kill_shim_after_hook(&fixture, false);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0, "%s", err.message);
	cr_expect_eq(swept, 1);
	cr_assert_eq(waitpid(init, &status, 0), init);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_expect_eq(entries(&fixture, "containers"), 0);
}

Test(state, an_init_is_ended_before_its_range_is_given_back)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	char key[CFD_STATE_KEY_MAX + 1];
	struct fixture fixture;
	struct cfd_error err = {0};
	int status = 0;
	pid_t init;

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	fill_record(&record, "web", "");
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_state_abandon(state, key, &err), 0, "without an init: %s", err.message);
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	init = fork();
	cr_assert_geq(init, 0);
	if (init == 0)
		for (;;)
			pause();
	cr_assert_eq(cfd_process_of(init, &record.init, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_state_update(state, key, &record, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_state_abandon(state, key, &err), 0, "%s", err.message);
	cr_assert_eq(waitpid(init, &status, WNOHANG), init, "it lives on");
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_expect_eq(entries(&fixture, "containers"), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
}

Test(state, a_container_that_ran_in_the_foreground_outlives_its_shim)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct fixture fixture;
	struct cfd_error err = {0};
	size_t swept = 99;
	pid_t init;

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	init = kill_shim_after_hook(&fixture, true);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 0);
	cr_expect_eq(kill(init, 0), 0);
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 1);
}
