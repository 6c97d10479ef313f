/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guard itself costs: attaching it to many containers, the kernel's memory for each, and its programs.
 *
 *   guard crowd FROM TO PROFILES PROFILE ROOT      cgroups crowd-FROM to crowd-TO, both included
 *   guard programs                                 of the set that is pinned; with kernel.bpf_stats_enabled also what
 *                                                  they took
 */
#include "lib/fd.h"
#include "lib/guard/bpf.h"
#include "lib/guard/guard.h"
#include "lib/policy/policy.h"
#include "lib/profile/profile.h"
#include "tests/bench/figures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

enum { MOST = 1000 };

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "guard: %s: %s\n", what, why);
	exit(2);
}

/* --- crowd */

static struct cfd_policy *compile(const char *profiles, const char *name, const char *root)
{
	struct cfd_profile_set *set = NULL;
	struct cfd_profile *profile = NULL;
	struct cfd_policy *policy = NULL;
	struct cfd_error err;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(root, strerror(errno));
	if (cfd_profile_set_open(profiles, NULL, &set, &err) || cfd_profile_load(set, name, &profile, &err) ||
	    cfd_policy_compile(profile, NULL, fd, &policy, &err))
		die(name, err.message);
	return policy;
}

static struct cfd_guard_target make_cgroup(int number)
{
	struct cfd_guard_target target = {.init_pid = getpid()};
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), CGROUPS "/crowd-%d", number);
	if (mkdir(path, 0755))
		die(path, strerror(errno));
	target.cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target.cgroup_fd < 0 || fstat(target.cgroup_fd, &st))
		die(path, strerror(errno));
	target.cgroup_id = st.st_ino;
	return target;
}

/*
 * The kernel's own memory, KiB: slab, and what it has once for each processor. What is replaced is freed within some
 * seconds (kfree_rcu), which take no time where the clock counts instructions.
 */
static long kernel_memory(void)
{
	long sum = 0, value;
	char line[128], name[32];
	FILE *file;

	sleep(15);
	file = fopen("/proc/meminfo", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%31s %ld", name, &value) == 2 &&
		    (strcmp(name, "Slab:") == 0 || strcmp(name, "Percpu:") == 0))
			sum += value;
	if (!sum)
		die("/proc/meminfo", "no Slab");
	fclose(file);
	return sum;
}

/* The cgroups are there before memory is read, and descriptors stay open, so that the guard alone makes the difference.
 */
static int crowd(char **argv)
{
	static const struct cfd_guard_parts everything = {.exec = true, .net = true};
	static struct cfd_guard_target targets[MOST];
	static double took[MOST];
	int from = atoi(argv[0]), count = atoi(argv[1]) - from + 1;
	struct cfd_policy *policy = compile(argv[2], argv[3], argv[4]);
	struct cfd_error err;
	long before;

	if (count < 1 || count > MOST)
		die("crowd", "how many?");
	for (int i = 0; i < count; i++)
		targets[i] = make_cgroup(from + i);
	before = kernel_memory();
	for (int i = 0; i < count; i++) {
		double start = milliseconds(CLOCK_MONOTONIC);

		if (cfd_guard_attach(&targets[i], policy, everything, &err))
			die("attach", err.message);
		took[i] = milliseconds(CLOCK_MONOTONIC) - start;
	}
	printf("%.0f %.0f\n", median(took, count) * 1e6, (double)(kernel_memory() - before) * 1024 / count);
	return 0;
}

/* --- programs */

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void read_program(const char *path, struct bpf_prog_info *info)
{
	union bpf_attr pin = {.pathname = (uintptr_t)path}, ask = {0};
	int fd = bpf(BPF_OBJ_GET, &pin);

	if (fd < 0)
		die(path, strerror(errno));
	ask.info.bpf_fd = (__u32)fd;
	ask.info.info_len = sizeof(*info);
	ask.info.info = (uintptr_t)info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &ask))
		die(path, strerror(errno));
	close(fd);
}

static void show_program(const char *name, const struct bpf_prog_info *info)
{
	char each[32] = "";

	if (info->run_cnt)
		snprintf(each, sizeof(each), "%llu", (unsigned long long)(info->run_time_ns / info->run_cnt));
	printf("| %-12s | %8u | %6u | %6u | %5s |\n", name, info->verified_insns, info->xlated_prog_len / 8,
	       info->jited_prog_len, each);
}

static int programs(char **argv)
{
	char directory[64], path[384];
	struct dirent **entries;
	int count;

	(void)argv;
	snprintf(directory, sizeof(directory), CFD_GUARD_PINS "/%s", cfd_guard_bpf_set());
	count = scandir(directory, &entries, NULL, alphasort);
	if (count < 0)
		die(directory, strerror(errno));
	for (int i = 0; i < count; i++) {
		struct bpf_prog_info info = {0};

		if (strncmp(entries[i]->d_name, "cfd_", 4) != 0) /* a map */
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		read_program(path, &info);
		show_program(entries[i]->d_name, &info);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "crowd") == 0)
		return crowd(argv + 2);
	if (argc == 2 && strcmp(argv[1], "programs") == 0)
		return programs(argv + 2);
	fprintf(stderr, "usage: guard crowd FROM TO PROFILES PROFILE ROOT | programs\n");
	return 2;
}
