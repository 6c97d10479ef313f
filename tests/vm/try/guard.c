/* SPDX-License-Identifier: Apache-2.0 */
/* The guard itself: loaded, put in force, exempted, collected. */
#include "tests/vm/try/try.h"
#include "bpf/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/exempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* load [optional]: all of it; if optional, what this kernel can do, and it tells what that lacks. */
int try_load(char **argv)
{
	CFD_AUTO_BUF struct cfd_buf lacks = {0};
	struct cfd_guard_parts optional = {0}, had;
	struct cfd_error err;
	double start = try_now_ms();

	if (argv[0] && !strcmp(argv[0], "optional"))
		optional = try_everything;
	if (cfd_guard_load(try_state_dir(), try_everything, optional, &had, &lacks, &err))
		try_die(&err);
	printf("exec=%d net=%d destinations=%d\n", had.exec, had.net, had.destinations);
	if (lacks.length)
		puts(lacks.data);
	fprintf(stderr, "took %.2f ms\n", try_now_ms() - start);
	return 0;
}

/* zero NAME ARGV...: programs attached, no policy. */
int try_zero(char **argv)
{
	struct cfd_guard_enforcement zeroed = {.set = cfd_guard_bpf_set(), .halves = CFD_GUARD_ALL};
	struct cfd_error err;

	zeroed.cgroup_fd = try_open_cgroup(argv[0], true, &zeroed.cgroup_id);
	if (cfd_guard_bpf_enforce(&zeroed, &err))
		try_die(&err);
	try_enter_cgroup(argv[0]);
	execv(argv[1], argv + 1);
	printf("%s\n", strerrorname_np(errno));
	return 126;
}

/* attach NAME PROFILES PROFILE ROOT PID: to a cgroup that is governed already, or not. */
int try_attach(char **argv)
{
	struct cfd_policy *policy = try_compile(argv[1], argv[2], argv[3]);
	struct cfd_guard_target target = {.init_pid = (int)strtol(argv[4], NULL, 10)};
	struct cfd_error err;

	target.cgroup_fd = try_open_cgroup(argv[0], true, &target.cgroup_id);
	if (cfd_guard_attach(&target, policy, try_everything, &err))
		try_die(&err);
	return 0;
}

/* hook CGROUP PROFILES PROFILE ROOT: as a hook of createRuntime, with the container's state on standard input. */
int try_hook(char **argv)
{
	char state[4096] = "";
	const char *pid = fread(state, 1, sizeof(state) - 1, stdin) ? strstr(state, "\"pid\":") : NULL;
	char text[16];

	if (!pid) {
		fprintf(stderr, "guard-try: no pid in the container's state\n");
		return 2;
	}
	snprintf(text, sizeof(text), "%ld", strtol(pid + strlen("\"pid\":"), NULL, 10));
	return try_attach((char *[]){argv[0], argv[1], argv[2], argv[3], text});
}

/* fill-policies: entries of policies that no container has, until there is no room. */
int try_fill_policies(char **argv)
{
	struct cfd_guard_policy nobodys = {.routes = 1};
	struct cfd_error err;
	int map, count = 0;

	(void)argv;
	if (cfd_guard_bpf_open(cfd_guard_bpf_set(), "policies", &map, &err))
		try_die(&err);
	for (uint64_t id = 1; !cfd_guard_bpf_update(map, &id, &nobodys); id++)
		count++;
	printf("%d added\n", count);
	return 0;
}

static void put_in_force(uint64_t policy, int containers)
{
	const struct cfd_guard_state state = {.magic = CFD_GUARD_MAGIC,
					      .version = CFD_GUARD_VERSION,
					      .policy = policy,
					      .init_pid = (uint32_t)getpid()};
	struct cfd_guard_enforcement what = {.set = cfd_guard_bpf_set(),
					     .halves = CFD_GUARD_TRACES, /* one program, which makes the state */
					     .state = &state,
					     .is_new = true,
					     .containers = containers};
	struct cfd_error err;
	char name[32];

	snprintf(name, sizeof(name), "crowd/%u", (unsigned)policy);
	what.cgroup_fd = try_open_cgroup(name, true, &what.cgroup_id);
	if (cfd_guard_bpf_enforce(&what, &err))
		try_die(&err);
	close(what.cgroup_fd);
}

/* crowd: as many cgroups as there is room for policies, crowd/1 to crowd/CFD_GUARD_POLICIES_MAX, and in each one's
 * force. */
int try_crowd(char **argv)
{
	struct cfd_guard_policy policy = {.routes = 1};
	struct cfd_error err;
	int containers, policies;

	(void)argv;
	if (cfd_guard_bpf_open(cfd_guard_bpf_set(), "containers", &containers, &err) ||
	    cfd_guard_bpf_open(cfd_guard_bpf_set(), "policies", &policies, &err))
		try_die(&err);
	close(try_open_cgroup("crowd", true, NULL));
	for (uint64_t id = 1; id <= CFD_GUARD_POLICIES_MAX; id++) {
		if (cfd_guard_bpf_update(policies, &id, &policy))
			try_die_errno("policies");
		put_in_force(id, containers);
	}
	printf("%u policies in force\n", CFD_GUARD_POLICIES_MAX);
	return 0;
}

int try_collect(char **argv)
{
	struct cfd_error err;
	struct cfd_guard_collected collected;

	(void)argv;
	if (cfd_guard_collect(&collected, &err))
		try_die(&err);
	printf("%zu removed\n", collected.rules);
	return 0;
}

/* exempt NAME exec|net|all SECONDS */
int try_exempt(char **argv)
{
	const unsigned both = 1u << CFD_GUARD_PART_EXEC | 1u << CFD_GUARD_PART_NET;
	uint32_t left[CFD_GUARD_PARTS];
	unsigned parts = both;
	struct cfd_error err;
	uint64_t id;

	if (!strcmp(argv[1], "exec"))
		parts = 1u << CFD_GUARD_PART_EXEC;
	else if (!strcmp(argv[1], "net"))
		parts = 1u << CFD_GUARD_PART_NET;
	try_open_cgroup(argv[0], false, &id);
	if (cfd_guard_exempt(id, parts, (unsigned)strtoul(argv[2], NULL, 10), &err) ||
	    cfd_guard_exempt_left(id, left, &err))
		try_die(&err);
	printf("exec=%u net=%u\n", left[CFD_GUARD_PART_EXEC], left[CFD_GUARD_PART_NET]);
	return 0;
}
