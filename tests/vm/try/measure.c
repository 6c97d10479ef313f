/* SPDX-License-Identifier: Apache-2.0 */
/* Many containers: what putting the guard in force takes, and whether one of them gets through something. */
#include "tests/vm/try/try.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 200

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double least, median;
};

static struct spread spread_of(double *times, size_t count)
{
	qsort(times, count, sizeof(*times), compare_times);
	return (struct spread){times[0], times[count / 2]};
}

/* many PROFILES PROFILE ROOT: attaches to cgroups one after the other and tells the times. */
int try_many(char **argv)
{
	struct cfd_policy *policy = try_compile(argv[0], argv[1], argv[2]);
	double took[MANY];
	struct spread early, late;
	struct rusage usage;
	struct cfd_error err;

	for (int i = 0; i < MANY; i++) {
		struct cfd_guard_target target = {.init_pid = getpid()};
		char name[32];
		double start_time;

		snprintf(name, sizeof(name), "many-%d", i);
		target.cgroup_fd = try_open_cgroup(name, true, &target.cgroup_id);
		start_time = try_now_ms();
		if (cfd_guard_attach(&target, policy, try_everything, &err))
			try_die(&err);
		took[i] = try_now_ms() - start_time;
		close(target.cgroup_fd);
	}
	early = spread_of(took + 1, 50);
	late = spread_of(took + MANY - 50, 50);
	printf("attach, median (least): 1st %.2f ms, 2nd to 51st %.2f (%.2f), 151st to 200th %.2f (%.2f)\n", took[0],
	       early.median, early.least, late.median, late.least);
	getrusage(RUSAGE_SELF, &usage);
	printf("memory: %ld kB\n", usage.ru_maxrss);
	for (int i = 0; i < MANY; i++) {
		char path[64];

		snprintf(path, sizeof(path), TRY_CGROUPS "/many-%d", i);
		rmdir(path);
	}
	/* The least of each: on a busy machine the medians tell how busy it is. */
	printf("flat=%s\n", late.least < 2 * early.least ? "yes" : "no");
	return 0;
}

/* starts TIMES PROFILES PROFILE ROOT: so many containers, one after the other; what their first instructions get
 * through. */
int try_starts(char **argv)
{
	const char *const first[] = {"/bin/act", "first", "10.2.0.1", "443", NULL};
	struct cfd_policy *policy = try_compile(argv[1], argv[2], argv[3]);
	int times = (int)strtol(argv[0], NULL, 10), shells = 0, connects = 0;
	double begin = try_now_ms();

	for (int i = 0; i < times; i++) {
		int status = 0;

		waitpid(try_start_init("starts", argv[3], policy, (char **)first, CLONE_NEWPID), &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 3) {
			fprintf(stderr, "guard-try: start %d: status %#x\n", i, status);
			return 2;
		}
		shells += WEXITSTATUS(status) & 1;
		connects += WEXITSTATUS(status) >> 1;
		if (rmdir(TRY_CGROUPS "/starts"))
			try_die_errno("rmdir");
	}
	printf("%d starts: %d shells, %d connections; %.1f ms each\n", times, shells, connects,
	       (try_now_ms() - begin) / times);
	return shells || connects;
}
