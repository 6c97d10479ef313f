/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `tamper`: taking the guard away, or getting out of its reach. It wants a container as no profile allows
 * one: every capability in the host's user namespace, no seccomp filter; a cgroup namespace and a mount namespace of
 * its own.
 */
#include "tests/vm/attacks/attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUPS "/tmp/cgroups"
#define ROUTE_KEY_BYTES 28
#define PORTS_BYTES 68

/* --- bpf(2) */

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_by_id(enum bpf_cmd command, uint32_t id)
{
	union bpf_attr attr = {.map_id = id}; /* prog_id is the same member */

	return bpf(command, &attr);
}

static const char *name_of(int fd, void *info, uint32_t size, const char *name)
{
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd, .info_len = size, .info = (uintptr_t)info}};

	memset(info, 0, size);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) ? "" : name;
}

/* The first map, or program, of that name on this host. */
static int find(enum bpf_cmd next, enum bpf_cmd open, const char *wanted)
{
	struct bpf_map_info map;
	struct bpf_prog_info program;
	union bpf_attr attr = {0};

	while (!bpf(next, &attr)) {
		int fd = open_by_id(open, attr.next_id);
		const char *name = next == BPF_MAP_GET_NEXT_ID ? name_of(fd, &map, sizeof(map), map.name)
							       : name_of(fd, &program, sizeof(program), program.name);

		if (fd >= 0 && !strcmp(name, wanted))
			return fd;
		if (fd >= 0)
			close(fd);
		attr = (union bpf_attr){.start_id = attr.next_id};
	}
	return -1;
}

/* A route of no bits is the answer to every destination of every container. */
static int run_bpf_map(void)
{
	unsigned char key[ROUTE_KEY_BYTES] = {0}, ports[PORTS_BYTES] = {0};
	int map = find(BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, "routes");
	union bpf_attr attr = {.map_fd = (uint32_t)map, .key = (uintptr_t)key, .value = (uintptr_t)ports};

	if (map < 0)
		return errno == EPERM ? attack_stopped("routes") : attack_broken("routes");
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
		return attack_stopped("update");
	attr.value = 0;
	return bpf(BPF_MAP_DELETE_ELEM, &attr) ? attack_broken("delete") : ATTACK_SUCCEEDED;
}

/* The container's own cgroup, as a filesystem of its own that may be written. */
static int mount_cgroups(void)
{
	mkdir(CGROUPS, 0755);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("cgroup2", CGROUPS, "cgroup2", 0, NULL);
}

/* What is detached is attached here first, where no guard is; the program is the guard's. */
static int run_bpf_detach(void)
{
	int cgroup = mount_cgroups() ? -1 : open(CGROUPS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int program = find(BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, "cfd_sendmsg4");
	union bpf_attr attr = {.target_fd = (uint32_t)cgroup,
			       .attach_bpf_fd = (uint32_t)program,
			       .attach_type = BPF_CGROUP_UDP4_SENDMSG,
			       .attach_flags = BPF_F_ALLOW_MULTI};

	if (program < 0 && errno == EPERM)
		return attack_stopped("program");
	if (cgroup < 0 || program < 0)
		return attack_broken("cgroup and program");
	if (bpf(BPF_PROG_ATTACH, &attr) && errno != EINVAL) /* it is there already */
		return attack_stopped("attach");
	attr.attach_flags = 0;
	return bpf(BPF_PROG_DETACH, &attr) ? attack_stopped("detach") : ATTACK_SUCCEEDED;
}

static int run_bpf_load(void)
{
	const struct bpf_insn allow[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
					 {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
			       .insns = (uintptr_t)allow,
			       .insn_cnt = 2,
			       .license = (uintptr_t) "GPL"};

	return bpf(BPF_PROG_LOAD, &attr) < 0 ? attack_stopped("load") : ATTACK_SUCCEEDED;
}

/* --- out of reach: a shell, from where the guard might not be */

static int shell(void)
{
	const char *const argv[] = {"sh", "-c", ATTACK_SHELL_CODE, NULL};

	return attack_shell("/bin/sh", argv);
}

static int open_child_cgroup(void)
{
	if (mount_cgroups() || (mkdir(CGROUPS "/child", 0755) && errno != EEXIST))
		return -1;
	return open(CGROUPS "/child", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int enter_child_cgroup(void)
{
	int child = open_child_cgroup(), procs = child < 0 ? -1 : openat(child, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return procs >= 0 && write(procs, "0", 1) == 1 ? 0 : -1;
}

static int run_child_cgroup(void)
{
	return enter_child_cgroup() ? attack_broken("child cgroup") : shell();
}

static int run_child_socket(void)
{
	if (enter_child_cgroup())
		return attack_broken("child cgroup");
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 ? attack_stopped("socket") : ATTACK_SUCCEEDED;
}

static int outcome_of(pid_t child)
{
	int status = 0;

	if (child < 0 || waitpid(child, &status, 0) < 0)
		return attack_broken("child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : ATTACK_BROKEN;
}

static int run_child_clone(void)
{
	struct clone_args arguments = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)open_child_cgroup()};
	pid_t child;

	if ((int)arguments.cgroup < 0)
		return attack_broken("child cgroup");
	child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (!child)
		_exit(shell());
	return outcome_of(child);
}

static int shell_in_new(int namespaces)
{
	pid_t child;

	if (unshare(namespaces))
		return attack_broken("unshare");
	child = fork(); /* a pid namespace is for children */
	if (!child)
		_exit(shell());
	return outcome_of(child);
}

static int run_cgroup_ns(void)
{
	return shell_in_new(CLONE_NEWCGROUP | CLONE_NEWNS);
}

static int run_user_ns(void)
{
	return shell_in_new(CLONE_NEWUSER);
}

static int run_pid_ns(void)
{
	return shell_in_new(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
}

/* --- out of the cgroup, by the descriptor of the host's uppermost one that somebody has handed in */

#define OUTER 3

static bool read_own_cgroup(char *text, size_t room)
{
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

static int has_left(const char *before)
{
	char now[512];

	if (!read_own_cgroup(now, sizeof(now)))
		return attack_broken("/proc/self/cgroup");
	attack_say("from %.*s to %.*s", (int)strcspn(before, "\n"), before, (int)strcspn(now, "\n"), now);
	return strcmp(before, now) ? ATTACK_SUCCEEDED : ATTACK_BROKEN;
}

static int run_leave_procs(void)
{
	char before[512];
	int procs = openat(OUTER, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (procs < 0 && errno == EBADF)
		return attack_broken("the descriptor");
	if (!read_own_cgroup(before, sizeof(before)))
		return attack_broken("/proc/self/cgroup");
	return procs < 0 || write(procs, "0", 1) != 1 ? attack_stopped("cgroup.procs") : has_left(before);
}

static int run_leave_clone(void)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = OUTER};
	char before[512];
	pid_t child;

	if (!read_own_cgroup(before, sizeof(before)))
		return attack_broken("/proc/self/cgroup");
	child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (!child)
		_exit(has_left(before));
	return child < 0 ? attack_stopped("clone3") : outcome_of(child);
}

// clang-format off
static const struct attack rows[] = {
	{ "bpf-map",      "the guard's map of routes, found by its id",   run_bpf_map,      "bpf",    "tamper" },
	{ "bpf-detach",   "a program taken from the container's cgroup",  run_bpf_detach,   "bpf",    "tamper" },
	{ "bpf-load",     "a program of its own that allows all",         run_bpf_load,     "bpf",    "tamper" },
	{ "child-cgroup", "a shell in a child cgroup",                    run_child_cgroup, "exec",   "shell" },
	{ "child-clone",  "the same, by clone3 CLONE_INTO_CGROUP",        run_child_clone,  "exec",   "shell" },
	{ "child-socket", "a raw socket in a child cgroup",               run_child_socket, "create", "socket-family" },
	{ "cgroup-ns",    "a shell in a cgroup namespace of its own",     run_cgroup_ns,    "exec",   "shell" },
	{ "user-ns",      "a shell in a user namespace of its own",       run_user_ns,      "exec",   "shell" },
	{ "pid-ns",       "a shell in all other namespaces of its own",   run_pid_ns,       "exec",   "shell" },
};

/* It is the kernel that stops these, and tells nobody. */
static const struct attack leave_rows[] = {
	{ "leave-procs",  "the number written to an outer cgroup.procs",  run_leave_procs,  "none",   "none" },
	{ "leave-clone",  "a child by clone3 into an outer cgroup",       run_leave_clone,  "none",   "none" },
};
// clang-format on

const struct attack_group tamper_attacks = {"tamper", rows, sizeof(rows) / sizeof(rows[0])};
const struct attack_group leave_attacks = {"leave", leave_rows, sizeof(leave_rows) / sizeof(leave_rows[0])};
