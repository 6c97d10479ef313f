/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fd.h"
#include "lib/state/state.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_BASE 1000000u

struct fixture {
	char path[64], subuid[96], top[96];
};

/* A state directory of the test's own, and a pool of `ranges` ranges for the owner "cofferdam". */
static void make_fixture(struct fixture *fixture, unsigned ranges)
{
	FILE *file;

	strcpy(fixture->path, "/tmp/cofferdam-test-XXXXXX");
	cr_assert_not_null(mkdtemp(fixture->path));
	snprintf(fixture->top, sizeof(fixture->top), "%s/run", fixture->path);
	snprintf(fixture->subuid, sizeof(fixture->subuid), "%s/subuid", fixture->path);
	file = fopen(fixture->subuid, "w");
	cr_assert_not_null(file);
	fprintf(file, "cofferdam:%u:%u\n", POOL_BASE, ranges * CFD_USERNS_RANGE_SIZE);
	fclose(file);
}

static struct cfd_state *open_state(const struct fixture *fixture)
{
	struct cfd_state *state = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_state_open_at(fixture->top, fixture->subuid, fixture->subuid, &state, &err), 0, "%s",
		     err.message);
	return state;
}

static void fill(struct cfd_record *record, const char *id, const char *root)
{
	*record = (struct cfd_record){.id = strdup(id),
				      .root = strdup(root),
				      .bundle = strdup("/engine/bundle"),
				      .image = strdup("docker.io/library/nginx:1.27"),
				      .profile = strdup("nginx"),
				      .runtime = strdup("/usr/bin/crun"),
				      .created = 1700000000};
}

static int entries(const struct fixture *fixture, const char *directory)
{
	char command[256];
	FILE *pipe;
	int count = -1;

	snprintf(command, sizeof(command), "ls -A %s/%s | wc -l", fixture->top, directory);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	cr_assert_eq(fscanf(pipe, "%d", &count), 1);
	pclose(pipe);
	return count;
}

Test(state, ids_are_file_names_of_plain_characters)
{
	static const char *const accepted[] = {"a", "web-1", "0123456789abcdef", "a_b.c+d-e", "...", "-x"};
	static const char *const refused[] = {"",    ".",   "..",       "a/b", "../x", "a b",
					      "a@b", "a\n", "\xc3\xa9", "a:b", "a%"};
	struct cfd_error err = {0};
	char longest[240];

	for (size_t i = 0; i < CFD_COUNT(accepted); i++)
		cr_expect_eq(cfd_state_check_id(accepted[i], &err), 0, "%s", accepted[i]);
	for (size_t i = 0; i < CFD_COUNT(refused); i++)
		cr_expect_eq(cfd_state_check_id(refused[i], &err), -EINVAL, "%s", refused[i]);
	cr_expect_eq(cfd_state_check_id(NULL, &err), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[238] = '\0';
	cr_expect_eq(cfd_state_check_id(longest, &err), 0);
	longest[238] = 'a';
	longest[239] = '\0';
	cr_expect_eq(cfd_state_check_id(longest, &err), -EINVAL);
}

Test(state, what_is_claimed_is_read_back_and_dropped_whole)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0};
	CFD_AUTO_FD int dirfd = -1, bundle = -1;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 3);
	state = open_state(&fixture);
	fill(&record, "web", "/run/x");
	record.cgroup_id = UINT64_C(0xfedcba9876543210);
	record.policy_id = 42;
	record.guard_exec_required = true;
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(record.range.size, CFD_USERNS_RANGE_SIZE);
	cr_expect_eq(record.shim.pid, getpid());

	cr_assert_eq(cfd_state_read(state, key, &back, &err), 0, "%s", err.message);
	cr_expect_str_eq(back.id, "web");
	cr_expect_str_eq(back.root, "/run/x");
	cr_expect_str_eq(back.image, "docker.io/library/nginx:1.27");
	cr_expect_str_eq(back.runtime, "/usr/bin/crun");
	cr_expect_null(back.cgroups_path);
	cr_expect_eq(back.cgroup_id, record.cgroup_id);
	cr_expect_eq(back.policy_id, 42);
	cr_expect(back.guard_exec_required);
	cr_expect_not(back.guard_net_required);
	cr_expect_eq(back.range.base, record.range.base);
	cr_expect_eq(back.shim.start, record.shim.start);
	cr_expect_eq(back.created, 1700000000);

	cr_assert_eq(cfd_state_open_container(state, key, &dirfd, &err), 0);
	cr_assert_eq(cfd_fd_make_dir(dirfd, "bundle", 0700, &bundle, &err), 0);
	cr_assert_eq(cfd_fd_write_file(bundle, "config.json", "{}", 2, 0600, false, &err), 0);
	cr_expect_eq(cfd_state_drop(state, key, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "containers"), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
	cr_expect_eq(cfd_state_drop(state, key, &err), 0, "twice");
}

Test(state, an_id_that_lives_is_refused_and_another_root_is_another_container)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, again = {0}, other = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1], key_of_other[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 3);
	state = open_state(&fixture);
	fill(&first, "web", "");
	fill(&again, "web", "");
	fill(&other, "web", "/run/other");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	cr_expect_eq(cfd_state_claim(state, &again, "cofferdam", key_of_other, &err), -EEXIST);
	cr_assert_eq(cfd_state_claim(state, &other, "cofferdam", key_of_other, &err), 0);
	cr_expect_str_neq(key, key_of_other);
	cr_expect_neq(first.range.base, other.range.base);
}

Test(state, containers_of_a_pod_hold_their_range_together)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, member = {0}, other = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1], key_of_member[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	fill(&first, "pause", "");
	fill(&member, "member", "");
	fill(&other, "other", "");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	member.range = first.range;
	cr_assert_eq(cfd_state_claim(state, &member, NULL, key_of_member, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "ranges"), 2);
	cr_assert_eq(cfd_state_drop(state, key, &err), 0);
	cr_expect_eq(cfd_state_claim(state, &other, "cofferdam", key, &err), -ENOSPC, "the member has it still");
	cr_assert_eq(cfd_state_drop(state, key_of_member, &err), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
	cr_expect_eq(cfd_state_claim(state, &other, "cofferdam", key, &err), 0);
}

/* A child that claims and is killed at once. */
static void claim_in_a_child_that_dies(const struct fixture *fixture, const char *id)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct cfd_state *state = open_state(fixture);
		struct cfd_record record;
		struct cfd_error err = {0};
		char key[CFD_STATE_KEY_MAX + 1];

		fill(&record, id, "");
		if (cfd_state_claim(state, &record, "cofferdam", key, &err))
			_exit(1);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(state, an_exhausted_pool_is_refused_until_somebody_is_dead)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, second = {0}, third = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	fill(&first, "first", "");
	fill(&second, "second", "");
	fill(&third, "third", "");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	claim_in_a_child_that_dies(&fixture, "dead");
	cr_expect_eq(entries(&fixture, "ranges"), 2);
	cr_expect_eq(cfd_state_claim(state, &second, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_state_claim(state, &third, "cofferdam", key, &err), -ENOSPC);
	cr_expect_eq(entries(&fixture, "containers"), 2);
}

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
	fill(&record, "web", "");
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
	fill(&record, "web", "");
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

		fill(&record, "web", "");
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

		fill(&record, "web", "");
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
	fill(&record, "web", "");
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

Test(state, a_record_of_another_format_is_not_read_and_not_taken_from_the_living)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0};
	static const char *const texts[] = {"", "{", "{\"format\":2}", "{\"format\":1}", "[]"};
	CFD_AUTO_FD int dirfd = -1;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];
	size_t swept = 99;

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	fill(&record, "web", "");
	cr_assert_eq(cfd_state_claim(state, &record, NULL, key, &err), 0);
	cr_assert_eq(cfd_state_open_container(state, key, &dirfd, &err), 0);
	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		cr_assert_eq(cfd_fd_write_file(dirfd, "record.json", texts[i], strlen(texts[i]), 0600, false, &err), 0);
		cr_expect_eq(cfd_state_read(state, key, &back, &err), -EINVAL, "%s", texts[i]);
		cr_expect_null(back.id);
	}
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 0);
}

Test(state, bundles_of_ours_are_known_by_their_whole_path)
{
	static const char *const foreign[] = {"",
					      "/",
					      "/x/bundle",
					      "%s/containers//bundle",
					      "%s/containers/k",
					      "%s/containers/k/bundle/",
					      "%s/containers/k/bundle/x",
					      "%s/containers/k/x",
					      "%s/containers/../bundle",
					      "%s/stage/k/bundle"};
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO_FREE char *path = NULL;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1] = "untouched", wanted[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	cr_assert_eq(cfd_state_key("web", "/run/crun", wanted, &err), 0);
	cr_assert_eq(cfd_state_bundle_path(state, wanted, &path, &err), 0);
	cr_expect_eq(cfd_state_key_of_bundle(state, path, key, &err), 0);
	cr_expect_str_eq(key, wanted);
	strcpy(key, "untouched");
	for (size_t i = 0; i < CFD_COUNT(foreign); i++) {
		char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), foreign[i], fixture.top);
#pragma GCC diagnostic pop
		cr_expect_eq(cfd_state_key_of_bundle(state, text, key, &err), -ENOENT, "%s", text);
	}
	cr_expect_str_eq(key, "untouched");
}

Test(state, a_directory_that_others_can_write_is_refused)
{
	struct cfd_state *state = NULL;
	struct cfd_error err = {0};
	struct fixture fixture;

	make_fixture(&fixture, 1);
	cr_assert_eq(mkdir(fixture.top, 0700), 0);
	cr_assert_eq(chmod(fixture.top, 0777), 0);
	cr_expect_eq(cfd_state_open_at(fixture.top, fixture.subuid, fixture.subuid, &state, &err), -EPERM);
	cr_expect_null(state);
}

#define CLAIMANTS 50

Test(state, fifty_claims_at_once_get_fifty_ranges)
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
			fill(&record, id, "");
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

	fill(&record, "web", "");
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

	make_fixture(&fixture, 1);
	for (; !ended; calls++) {
		CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
		CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
		struct cfd_error err = {0};
		char key[CFD_STATE_KEY_MAX + 1];
		size_t swept = 0;

		ended = kill_after(&fixture, calls);
		state = open_state(&fixture);
		/* The only range of the pool must be free again, whoever asks. */
		fill(&record, calls % 2 ? "web" : "other", "");
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

Test(process, a_pid_is_not_enough_and_a_zombie_is_gone)
{
	struct cfd_process_id self = {0}, child_id = {0}, none = {0};
	struct cfd_error err = {0};
	siginfo_t info;
	pid_t child;

	cr_assert_eq(cfd_process_self(&self, &err), 0);
	cr_expect(cfd_process_lives(&self));
	self.start++;
	cr_expect_not(cfd_process_lives(&self));
	cr_expect_not(cfd_process_lives(&none));

	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	cr_assert_eq(cfd_process_of(child, &child_id, &err), 0);
	cr_expect(cfd_process_lives(&child_id));
	kill(child, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	cr_expect_not(cfd_process_lives(&child_id), "a zombie");
	cr_expect_eq(cfd_process_of(child, &child_id, &err), -ESRCH);
	waitpid(child, NULL, 0);
	cr_expect_eq(cfd_process_of(child, &child_id, &err), -ESRCH);
	cr_expect_eq(cfd_process_of(0, &child_id, &err), -EINVAL);
}
