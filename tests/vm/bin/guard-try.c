/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the guard without engine or runtime, for tests/vm/tests/20-guard.sh: makes a cgroup, puts a policy in force
 * there, runs programs in it, in a root of their own, as a runtime would. What is tried in there is
 * tests/vm/bin/guard-act.c.
 */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/exempt.h"
#include "lib/guard/policy.h"
#include "lib/profile/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATE "/run/guard-try"
#define CGROUPS "/sys/fs/cgroup"
#define MANY 200

static _Noreturn void die(const struct cfd_error *err)
{
	fprintf(stderr, "guard-try: %s (%s)\n", err->message, strerrorname_np(-err->code));
	exit(1);
}

static _Noreturn void die_errno(const char *what)
{
	fprintf(stderr, "guard-try: %s: %s\n", what, strerrorname_np(errno));
	exit(2);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int state_dir(void)
{
	struct cfd_error err;
	int fd;

	if (cfd_fd_make_dir(AT_FDCWD, STATE, 0700, &fd, &err))
		die(&err);
	return fd;
}

/* --- load */

static const struct cfd_guard_parts everything = {.exec = true, .net = true};

static int load(char **argv)
{
	CFD_AUTO_BUF struct cfd_buf lacks = {0};
	struct cfd_guard_parts optional = {0}, had;
	struct cfd_error err;
	double start = now_ms();

	if (argv[0] && !strcmp(argv[0], "optional"))
		optional = everything;
	if (cfd_guard_load(state_dir(), everything, optional, &had, &lacks, &err))
		die(&err);
	printf("exec=%d net=%d destinations=%d\n", had.exec, had.net, had.destinations);
	if (lacks.length)
		puts(lacks.data);
	fprintf(stderr, "took %.2f ms\n", now_ms() - start);
	return 0;
}

/* --- cgroups */

static int open_cgroup(const char *name, bool make, uint64_t *ret_id)
{
	char path[256];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), CGROUPS "/%s", name);
	if (make && mkdir(path, 0755) && errno != EEXIST)
		die_errno(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		die_errno(path);
	if (ret_id)
		*ret_id = st.st_ino;
	return fd;
}

static void enter_cgroup(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), CGROUPS "/%s/cgroup.procs", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die_errno(path);
	close(fd);
}

/* --- a container */

static struct cfd_policy *compile(const char *profiles, const char *name, const char *root)
{
	struct cfd_profile_set *set = NULL;
	struct cfd_profile *profile = NULL;
	struct cfd_policy *policy = NULL;
	struct cfd_error err;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die_errno(root);
	if (cfd_profile_set_open(profiles, NULL, &set, &err) || cfd_profile_load(set, name, &profile, &err) ||
	    cfd_policy_compile(profile, NULL, fd, &policy, &err))
		die(&err);
	return policy;
}

/* The runtime's part: a mount namespace and a root of its own, then it waits to be told to go on. */
static _Noreturn void become_init(const char *cgroup, const char *root, int ready, char **argv)
{
	char byte;

	enter_cgroup(cgroup);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) || chdir(root) || chroot("."))
		die_errno("root");
	if (read(ready, &byte, 1) != 1)
		exit(3);
	execv(argv[0], argv);
	printf("%s\n", strerrorname_np(errno));
	fflush(stdout);
	_exit(126);
}

static void write_pid(const char *name, pid_t pid)
{
	char text[16], file[128];
	struct cfd_error err;
	int length = snprintf(text, sizeof(text), "%d", pid);

	snprintf(file, sizeof(file), "%s.pid", name);
	if (cfd_fd_write_file(state_dir(), file, text, (size_t)length, 0600, false, &err))
		die(&err);
}

static pid_t read_pid(const char *name)
{
	char path[256], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), STATE "/%s.pid", name);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		die_errno(path);
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

/* policy: NULL for none, and no guard then. `namespaces`: what more it gets than a mount namespace, which it makes
 * itself. */
static pid_t start_init(const char *cgroup, const char *root, const struct cfd_policy *policy, char **argv,
			unsigned long namespaces)
{
	struct cfd_guard_target target;
	struct cfd_error err;
	int ready[2];
	pid_t pid;

	target.cgroup_fd = open_cgroup(cgroup, true, &target.cgroup_id);
	if (pipe2(ready, O_CLOEXEC))
		die_errno("pipe");
	pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		close(ready[1]);
		become_init(cgroup, root, ready[0], argv);
	}
	/* Its mount namespace tells it apart from the runtime's: wait until it has one. */
	for (int i = 0; i < 2000; i++) {
		char mine[64], its[64], path[64];
		ssize_t a = readlink("/proc/self/ns/mnt", mine, sizeof(mine) - 1), b;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
		b = readlink(path, its, sizeof(its) - 1);
		if (a > 0 && b > 0 && (a != b || memcmp(mine, its, (size_t)a)))
			break;
		usleep(1000);
	}
	target.init_pid = pid;
	for (int twice = 0; policy && twice < 2; twice++) /* engines run hooks twice */
		if (cfd_guard_attach(&target, policy, everything, &err)) {
			kill(pid, SIGKILL);
			die(&err);
		}
	if (write(ready[1], "", 1) != 1)
		die_errno("start");
	close(ready[0]);
	close(ready[1]);
	close(target.cgroup_fd);
	return pid;
}

/* start NAME PROFILES PROFILE ROOT ARGV...: leaves it running. run: waits and gives its status. */
static int start(char **argv, bool wait_for_it)
{
	struct cfd_policy *policy = compile(argv[1], argv[2], argv[3]);
	pid_t pid = start_init(argv[0], argv[3], policy, argv + 4, 0);
	int status = 0;

	write_pid(argv[0], pid);
	if (!wait_for_it)
		return 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* bare NAME ROOT ARGV...: the same without the guard, for comparisons. */
static int start_bare(char **argv)
{
	write_pid(argv[0], start_init(argv[0], argv[1], NULL, argv + 2, 0));
	return 0;
}

/* enter NAME CGROUP ARGV...: as `runtime exec` does, into the cgroup, then into the container, then exec. */
static int enter(char **argv, bool early)
{
	char path[64], late[] = "enter-late";
	int mnt;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", read_pid(argv[0]));
	mnt = open(path, O_RDONLY | O_CLOEXEC);
	if (early) { /* the runtime re-executes itself when it is in the cgroup already */
		enter_cgroup(argv[1]);
		argv[-1] = late;
		execv("/proc/self/exe", argv - 2);
		die_errno("re-exec");
	}
	enter_cgroup(argv[1]);
	snprintf(path, sizeof(path), "/proc/%d/root", read_pid(argv[0]));
	if (mnt < 0 || setns(mnt, CLONE_NEWNS) || chdir(path) || chroot("."))
		die_errno("enter");
	execv(argv[2], argv + 2);
	printf("%s\n", strerrorname_np(errno));
	return 126;
}

/* zero NAME ARGV...: programs attached, no policy. */
static int zero(char **argv)
{
	struct cfd_guard_enforcement zeroed = {.set = cfd_guard_bpf_set(), .halves = CFD_GUARD_ALL};
	struct cfd_error err;

	zeroed.cgroup_fd = open_cgroup(argv[0], true, &zeroed.cgroup_id);
	if (cfd_guard_bpf_enforce(&zeroed, &err))
		die(&err);
	enter_cgroup(argv[0]);
	execv(argv[1], argv + 1);
	printf("%s\n", strerrorname_np(errno));
	return 126;
}

/* attach NAME PROFILES PROFILE ROOT PID: to a cgroup that is governed already, or not. */
static int attach(char **argv)
{
	struct cfd_policy *policy = compile(argv[1], argv[2], argv[3]);
	struct cfd_guard_target target = {.init_pid = (int)strtol(argv[4], NULL, 10)};
	struct cfd_error err;

	target.cgroup_fd = open_cgroup(argv[0], true, &target.cgroup_id);
	if (cfd_guard_attach(&target, policy, everything, &err))
		die(&err);
	return 0;
}

/* hook CGROUP PROFILES PROFILE ROOT: as a hook of createRuntime, with the container's state on standard input. */
static int hook(char **argv)
{
	char state[4096] = "";
	const char *pid = fread(state, 1, sizeof(state) - 1, stdin) ? strstr(state, "\"pid\":") : NULL;
	char text[16];

	if (!pid) {
		fprintf(stderr, "guard-try: no pid in the container's state\n");
		return 2;
	}
	snprintf(text, sizeof(text), "%ld", strtol(pid + strlen("\"pid\":"), NULL, 10));
	return attach((char *[]){argv[0], argv[1], argv[2], argv[3], text});
}

static int show_state(char **argv)
{
	struct cfd_guard_state state;
	struct cfd_error err;
	uint64_t id;

	open_cgroup(argv[0], false, &id);
	if (cfd_guard_read(id, &state, &err))
		die(&err);
	printf("sealed=%u shells=%u listed=%u lost=%llu\n", state.sealed, state.shell_count, state.allowed_count,
	       (unsigned long long)state.lost);
	for (uint8_t kind = 0; kind < CFD_GUARD_KINDS; kind++)
		printf("%s allowed=%llu denied=%llu warned=%llu exempted=%llu\n", cfd_guard_kind_name(kind),
		       (unsigned long long)state.allowed_times[kind], (unsigned long long)state.denied_times[kind],
		       (unsigned long long)state.warned_times[kind], (unsigned long long)state.exempted_times[kind]);
	return 0;
}

static int show_event(const struct cfd_guard_event *event, void *data)
{
	char address[INET6_ADDRSTRLEN];

	(void)data;
	printf("%s %s %s errno=%s comm=%s path=%s family=%u type=%u protocol=%u address=%s port=%u cgroup=%llu\n",
	       cfd_guard_kind_name(event->kind), cfd_guard_verdict_name(event->verdict),
	       cfd_guard_reason_name(event->reason), event->error ? strerrorname_np(event->error) : "0", event->comm,
	       event->path, event->family, event->socket_type, event->protocol,
	       inet_ntop(AF_INET6, event->address.words, address, sizeof(address)), event->port,
	       (unsigned long long)event->cgroup);
	return 0;
}

static int events(char **argv)
{
	struct cfd_error err;
	size_t count;

	(void)argv;
	if (cfd_guard_drain(state_dir(), 0, show_event, NULL, &count, &err))
		die(&err);
	printf("%zu events\n", count);
	return 0;
}

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
static int many(char **argv)
{
	struct cfd_policy *policy = compile(argv[0], argv[1], argv[2]);
	double took[MANY];
	struct spread early, late;
	struct rusage usage;
	struct cfd_error err;

	for (int i = 0; i < MANY; i++) {
		struct cfd_guard_target target = {.init_pid = getpid()};
		char name[32];
		double start_time;

		snprintf(name, sizeof(name), "many-%d", i);
		target.cgroup_fd = open_cgroup(name, true, &target.cgroup_id);
		start_time = now_ms();
		if (cfd_guard_attach(&target, policy, everything, &err))
			die(&err);
		took[i] = now_ms() - start_time;
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

		snprintf(path, sizeof(path), CGROUPS "/many-%d", i);
		rmdir(path);
	}
	/* The least of each: on a busy machine the medians tell how busy it is. */
	printf("flat=%s\n", late.least < 2 * early.least ? "yes" : "no");
	return 0;
}

/* starts TIMES PROFILES PROFILE ROOT: so many containers, one after the other; what their first instructions get
 * through. */
static int starts(char **argv)
{
	const char *const first[] = {"/bin/act", "first", "10.2.0.1", "443", NULL};
	struct cfd_policy *policy = compile(argv[1], argv[2], argv[3]);
	int times = (int)strtol(argv[0], NULL, 10), shells = 0, connects = 0;
	double begin = now_ms();

	for (int i = 0; i < times; i++) {
		int status = 0;

		waitpid(start_init("starts", argv[3], policy, (char **)first, CLONE_NEWPID), &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 3) {
			fprintf(stderr, "guard-try: start %d: status %#x\n", i, status);
			return 2;
		}
		shells += WEXITSTATUS(status) & 1;
		connects += WEXITSTATUS(status) >> 1;
		if (rmdir(CGROUPS "/starts"))
			die_errno("rmdir");
	}
	printf("%d starts: %d shells, %d connections; %.1f ms each\n", times, shells, connects,
	       (now_ms() - begin) / times);
	return shells || connects;
}

/* fill-policies: entries of policies that no container has, until there is no room. */
static int fill_policies(char **argv)
{
	struct cfd_guard_policy nobodys = {.routes = 1};
	struct cfd_error err;
	int map, count = 0;

	(void)argv;
	if (cfd_guard_bpf_open(cfd_guard_bpf_set(), "policies", &map, &err))
		die(&err);
	for (uint64_t id = 1; !cfd_guard_bpf_update(map, &id, &nobodys); id++)
		count++;
	printf("%d added\n", count);
	return 0;
}

static int features(char **argv)
{
	struct cfd_guard_feature list[16];
	size_t count = cfd_guard_probe(list, CFD_COUNT(list));

	(void)argv;
	for (size_t i = 0; i < count; i++)
		printf("%s=%s %s\n", list[i].name, list[i].present ? "yes" : "no", list[i].detail);
	return 0;
}

static int collect(char **argv)
{
	struct cfd_error err;
	struct cfd_guard_collected collected;

	(void)argv;
	if (cfd_guard_collect(&collected, &err))
		die(&err);
	printf("%zu removed\n", collected.rules);
	return 0;
}

/* exempt NAME exec|net|all SECONDS */
static int exempt(char **argv)
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
	open_cgroup(argv[0], false, &id);
	if (cfd_guard_exempt(id, parts, (unsigned)strtoul(argv[2], NULL, 10), &err) ||
	    cfd_guard_exempt_left(id, left, &err))
		die(&err);
	printf("exec=%u net=%u\n", left[CFD_GUARD_PART_EXEC], left[CFD_GUARD_PART_NET]);
	return 0;
}

static int start_it(char **argv)
{
	return start(argv, false);
}

static int run_it(char **argv)
{
	return start(argv, true);
}

static int enter_late(char **argv)
{
	return enter(argv, false);
}

static int enter_early(char **argv)
{
	return enter(argv, true);
}

// clang-format off
static const struct verb {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} verbs[] = {
	{"load", 0, load},
	{"start", 5, start_it},
	{"run", 5, run_it},
	{"enter", 3, enter_late},
	{"enter-late", 3, enter_late},
	{"enter-early", 3, enter_early},
	{"zero", 2, zero},
	{"attach", 5, attach},
	{"state", 1, show_state},
	{"events", 0, events},
	{"many", 3, many},
	{"features", 0, features},
	{"collect", 0, collect},
	{"hook", 4, hook},
	{"exempt", 3, exempt},
	{"starts", 4, starts},
	{"fill-policies", 0, fill_policies},
	{"bare", 3, start_bare},
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
