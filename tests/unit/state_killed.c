/* SPDX-License-Identifier: Apache-2.0 */
/* Many at once, and killed at any system call. */
#include "lib/fd.h"
#include "tests/unit/records.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLAIMANTS 200

Test(state, two_hundred_claims_at_once_get_two_hundred_ranges)
{
	uint32_t *bases = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fixture fixture;
	int go[2], done[2];
	pid_t children[CLAIMANTS];

	make_fixture(&fixture, CLAIMANTS);
	cr_assert_eq(pipe(go), 0);
	cr_assert_eq(pipe(done), 0);
	for (int i = 0; i < CLAIMANTS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct cfd_record record;
			struct cfd_error err = {0};
			char id[32], key[CFD_STATE_KEY_MAX + 1], byte;

			snprintf(id, sizeof(id), "c%d", i);
			fill_record(&record, id, "");
			close(go[1]);
			(void)!read(go[0], &byte, 1); /* until all are there */
			bases[i] = cfd_state_claim(open_state(&fixture), &record, "cofferdam", key, &err)
					   ? 0
					   : record.range.base;
			(void)!write(done[1], "x", 1);
			pause(); /* a claim lives with its claimant */
		}
	}
	close(go[1]);
	for (int i = 0; i < CLAIMANTS; i++) {
		char byte;

		cr_assert_eq(read(done[0], &byte, 1), 1);
	}
	for (int i = 0; i < CLAIMANTS; i++) {
		cr_expect_geq(bases[i], POOL_BASE, "claim %d", i);
		for (int j = 0; j < i; j++)
			cr_expect_neq(bases[i], bases[j]);
	}
	for (int i = 0; i < CLAIMANTS; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

/* What is killed below: a claim, the hook's update, the end of the shim's work, a drop. */
static void whole_life(const struct fixture *fixture)
{
	struct cfd_state *state = NULL;
	struct cfd_record record;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	fill_record(&record, "web", "");
	record.range = (struct cfd_userns_range){.base = POOL_BASE, .size = 2 * CFD_USERNS_RANGE_SIZE};
	if (cfd_state_open_at(fixture->top, fixture->subuid, fixture->subuid, &state, &err) ||
	    cfd_state_claim(state, &record, "cofferdam", key, &err) || cfd_process_self(&record.init, &err))
		_exit(1);
	record.shim = (struct cfd_process_id){0};
	_exit(cfd_state_update(state, key, &record, &err) || cfd_state_drop(state, key, &err));
}

/* Lets the child make `calls` stops at system calls and kills it there. True: it had ended before. */
static bool kill_after(const struct fixture *fixture, unsigned calls)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(1);
		whole_life(fixture);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	for (unsigned i = 0; i < calls; i++) {
		cr_assert_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		cr_assert_eq(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			cr_assert_eq(WEXITSTATUS(status), 0);
			return true;
		}
	}
	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
		continue;
	return false;
}

Test(state, killed_at_any_system_call_it_leaves_what_the_next_claim_clears, .timeout = 120)
{
	struct fixture fixture;
	unsigned calls = 1;
	bool ended = false;

	make_fixture(&fixture, 2);
	for (; !ended; calls++) {
		CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
		CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
		struct cfd_error err = {0};
		char key[CFD_STATE_KEY_MAX + 1];
		size_t swept = 0;

		ended = kill_after(&fixture, calls);
		state = open_state(&fixture);
		/* All of the pool must be free again, whoever asks, for this range or for any. */
		fill_record(&record, calls % 2 ? "web" : "other", "");
		record.range.base = calls % 4 < 2 ? POOL_BASE : 0;
		record.range.size = 2 * CFD_USERNS_RANGE_SIZE;
		cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "after %u stops: %s", calls,
			     err.message);
		cr_assert_eq(cfd_state_sweep(state, &swept, &err), 0, "%s", err.message);
		cr_assert_eq(entries(&fixture, "containers"), 1, "after %u stops", calls);
		cr_assert_eq(entries(&fixture, "ranges"), 1, "after %u stops", calls);
		cr_assert_eq(cfd_state_drop(state, key, &err), 0, "%s", err.message);
		cr_assert_eq(entries(&fixture, "containers"), 0);
		cr_assert_eq(entries(&fixture, "ranges"), 0);
	}
	cr_expect_gt(calls, 60, "only %u stops: the child was not followed", calls);
}
