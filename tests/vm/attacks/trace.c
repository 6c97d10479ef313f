/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `trace`: making a neighbour do what this container may not, where a pid namespace is shared. The
 * neighbour's name is "traced".
 */
#include "tests/vm/attacks/attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEIGHBOUR "traced"

static bool is_neighbour(const char *pid)
{
	char path[300], name[32] = "";
	FILE *file;
	bool is;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	is = file && fgets(name, sizeof(name), file) && !strcmp(name, NEIGHBOUR "\n");
	if (file)
		fclose(file);
	return is;
}

static pid_t find_neighbour(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	pid_t pid = -1;

	while (directory && pid < 0 && (entry = readdir(directory)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_neighbour(entry->d_name))
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	if (directory)
		closedir(directory);
	return pid;
}

static int seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) ? attack_stopped("ptrace") : ATTACK_SUCCEEDED;
}

static int run_attach(void)
{
	pid_t pid = find_neighbour();

	return pid < 0 ? attack_broken("no neighbour") : seize(pid);
}

/* The top of the stack, which holds the name of the program and its environment. */
static uintptr_t stack_of(pid_t pid)
{
	char path[64], line[512];
	unsigned long first = 0, last = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &first, &last) == 2)
			break;
	if (file)
		fclose(file);
	return last ? last - 8 : 0;
}

static int run_write(void)
{
	pid_t pid = find_neighbour();
	uint64_t word = 0;
	struct iovec mine = {&word, sizeof(word)}, its = {NULL, sizeof(word)};

	its.iov_base = pid < 0 ? NULL : (void *)stack_of(pid);
	if (!its.iov_base)
		return attack_broken("the neighbour's stack");
	return process_vm_writev(pid, &mine, 1, &its, 1, 0) == sizeof(word) ? ATTACK_SUCCEEDED
									    : attack_stopped("process_vm_writev");
}

static int run_getfd(void)
{
	pid_t pid = find_neighbour();
	int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return attack_broken("pidfd_open");
	return syscall(SYS_pidfd_getfd, pidfd, 1, 0) < 0 ? attack_stopped("pidfd_getfd") : ATTACK_SUCCEEDED;
}

static int run_mem(void)
{
	pid_t pid = find_neighbour();
	char path[64];

	if (pid < 0)
		return attack_broken("no neighbour");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR | O_CLOEXEC) < 0 ? attack_stopped(path) : ATTACK_SUCCEEDED;
}

// clang-format off
static const struct attack rows[] = {
	{ "trace-attach", "a neighbour traced, ptrace(2)",                 run_attach, "trace", "outside" },
	{ "trace-write",  "a neighbour's memory, process_vm_writev(2)",    run_write,  "trace", "outside" },
	{ "trace-getfd",  "a neighbour's descriptor, pidfd_getfd(2)",      run_getfd,  "trace", "outside" },
	{ "trace-mem",    "a neighbour's memory, /proc/PID/mem",           run_mem,    "trace", "outside" },
};
// clang-format on

const struct attack_group trace_attacks = {"trace", rows, sizeof(rows) / sizeof(rows[0])};

int attack_trace_itself(void)
{
	pid_t child = fork();
	int r;

	if (!child) {
		pause();
		_exit(0);
	}
	r = child < 0 || ptrace(PTRACE_SEIZE, child, NULL, NULL);
	if (r)
		perror("ptrace");
	kill(child, SIGKILL);
	return r;
}
