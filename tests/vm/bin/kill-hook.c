/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in the place of cofferdam-hook, which is at its own path with `.real` behind it, runs it under ptrace(2), and
 * kills it and itself when it is about to make its Nth system call of a kind, or has just made it. N and the kind's
 * number are in /run/kill-hook/step ("N NUMBER before|after"); what came of it goes to /run/kill-hook/last: the N of
 * the kill, or "none" when the hook made fewer such calls.
 */
#include <limits.h>
#include <linux/ptrace.h> /* <sys/ptrace.h> names the structure otherwise from one glibc to the next */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long ask(long request, pid_t pid, unsigned long address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

struct step {
	unsigned long number;
	long call;
	int after;
};

static _Noreturn void become_hook(char **argv, int trace)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(".real"));

	if (length < 0)
		_exit(125);
	strcpy(path + length, ".real");
	/* The trap at execve comes to nobody where signals are blocked, as behind crun. */
	if (trace && (ask(PTRACE_TRACEME, 0, 0, NULL) || raise(SIGSTOP)))
		_exit(125);
	execv(path, argv);
	_exit(125);
}

static void leave(const char *what)
{
	FILE *file = fopen("/run/kill-hook/last", "we");

	if (file) {
		fprintf(file, "%s\n", what);
		fclose(file);
	}
}

static _Noreturn void kill_both(pid_t hook, unsigned long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", number);
	leave(text);
	kill(hook, SIGKILL);
	waitpid(hook, NULL, 0);
	kill(getpid(), SIGKILL);
	abort();
}

/* Whether the hook is stopped at the call of the step. */
static int is_there(pid_t hook, const struct step *step, unsigned long *seen)
{
	struct ptrace_syscall_info info = {0};
	static int inside;

	if (ask(PTRACE_GET_SYSCALL_INFO, hook, sizeof(info), &info) < 0)
		return 0;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		inside = (long)info.entry.nr == step->call;
		*seen += (unsigned long)inside;
		return inside && !step->after && *seen == step->number;
	}
	return info.op == PTRACE_SYSCALL_INFO_EXIT && inside && step->after && *seen == step->number;
}

static int follow(pid_t hook, const struct step *step)
{
	unsigned long seen = 0;
	int status = 0, signal_number = 0;

	while (waitpid(hook, &status, 0) == hook && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (is_there(hook, step, &seen))
				kill_both(hook, seen);
			signal_number = 0;
		} else {
			signal_number =
				WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
			ask(PTRACE_SETOPTIONS, hook, 0, (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
		}
		ask(PTRACE_SYSCALL, hook, 0, (void *)(long)signal_number);
	}
	leave("none");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	FILE *file = fopen("/run/kill-hook/step", "re");
	struct step step = {0};
	char word[8] = "";
	pid_t hook;

	if (argc != 2 || strcmp(argv[1], "createRuntime") || !file ||
	    fscanf(file, "%lu %ld %7s", &step.number, &step.call, word) != 3)
		become_hook(argv, 0);
	fclose(file);
	step.after = !strcmp(word, "after");
	hook = fork();
	if (hook < 0)
		return 125;
	if (!hook)
		become_hook(argv, 1);
	return follow(hook, &step);
}
