/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   fault fail|kill N REPORT COMMAND...
 *       Runs the command under ptrace(2) and lets the Nth system call of its process tree fail with an error that this
 *       call can give, or kills the process that made it when it is done. A process is out of the tree once it executes
 *       another program: the runtime behind is somebody else's. Writes to the file REPORT what was hit ("openat 3 name:
 *       EMFILE", "...: killed") or, if there were fewer calls, all of them, each on a line, and a last line "none".
 * Ends as the command does; 125: could not be done. fault calls Writes the table: which errors are given, and why some
 * calls are left alone.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h> /* <sys/ptrace.h> names the structure otherwise from one glibc to the next */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TREE_MAX 64
#define TROUBLE 125

struct call {
	long number;
	const char *name;
	int error; /* 0: succeeds without doing anything, as setfsuid(2) and brk(2) have no other way to fail */
	const char *spared; /* why it is left alone */
	bool done;          /* before it fails: the descriptor is closed whatever close(2) says */
	bool at;            /* its arguments are a directory and a path, by which one is told from others */
};

// clang-format off
#define FAILS(name, error)      { SYS_##name, #name, error, NULL, false, false }
#define FAILS_AT(name, error)   { SYS_##name, #name, error, NULL, false, true }
#define DONE_FAILS(name, error) { SYS_##name, #name, error, NULL, true, false }
#define SPARED(name, why)       { SYS_##name, #name, 0, why, false, false }
// clang-format on

static const char no_failure[] = "cannot fail";

// clang-format off
static const struct call calls[] = {
	/* The libc's own, before main or behind its back. */
	SPARED(exit_group,      no_failure),
	SPARED(exit,            no_failure),
	SPARED(getpid,          no_failure),
	SPARED(getppid,         no_failure),
	SPARED(gettid,          no_failure),
	SPARED(getuid,          no_failure),
	SPARED(geteuid,         no_failure),
	SPARED(getgid,          no_failure),
	SPARED(getegid,         no_failure),
	SPARED(umask,           no_failure),
	SPARED(alarm,           no_failure),
	SPARED(rt_sigreturn,    no_failure),
	SPARED(set_tid_address, no_failure),
	SPARED(set_robust_list, "the libc's, for locks between processes, of which there are none"),
	SPARED(rseq,            "the libc's, optional"),
	SPARED(futex,           "the libc ends the process when it fails as no kernel does"),
	SPARED(rt_sigprocmask,  "fails for a wrong argument alone"),
	SPARED(rt_sigaction,    "fails for a wrong argument alone"),
	SPARED(clock_gettime,   "fails for a wrong argument alone"),
	SPARED(brk,             "the libc turns to mmap; no program here calls it"),
	SPARED(mprotect,        "the libc's, before main: it ends the process"),
	SPARED(pause,           "fails in any case, when a signal comes"),
#ifdef __x86_64__
	SPARED(arch_prctl,      "the libc's, for thread-local storage: it ends the process"),
#endif
	FAILS(mmap,             ENOMEM),
	FAILS(munmap,           ENOMEM),
	FAILS(mremap,           ENOMEM),
	FAILS(prlimit64,        EPERM),
	FAILS(getrandom,        EINTR),
	FAILS(uname,            EFAULT),

	FAILS_AT(openat, EMFILE),
	FAILS_AT(openat2, ENOMEM),
	DONE_FAILS(close,       EIO),
	FAILS(read,             EIO),
	FAILS(pread64,          EIO),
	FAILS(write,            ENOSPC),
	FAILS(lseek,            ESPIPE),
	FAILS(fcntl,            EMFILE),
	FAILS(ioctl,            EMFILE),
	FAILS(dup3,             EINTR),
	FAILS(pipe2,            ENFILE),
	FAILS(ppoll,            EINTR),
	FAILS(flock,            ENOLCK),
	FAILS(fsync,            EIO),
	FAILS(ftruncate,        EIO),
	FAILS(memfd_create,     ENFILE),
	FAILS(signalfd4,        ENFILE),
	FAILS(socket,           ENFILE),
	FAILS(connect,          EACCES),
	FAILS(sendto,           ENOBUFS),
	FAILS(recvfrom,         ENOMEM),
	FAILS(socketpair,       ENFILE),
	FAILS(sendmsg,          ENOBUFS),
	FAILS(recvmsg,          ENOMEM),
	FAILS(seccomp,          ENOMEM),
	FAILS(setsid,           EPERM),
	FAILS(close_range,      ENOMEM),
	FAILS_AT(newfstatat, ENOMEM),
	FAILS(fstat,            ENOMEM),
	FAILS_AT(statx, ENOMEM),
	FAILS(statfs,           EIO),
	FAILS(fstatfs,          EIO),
	FAILS_AT(faccessat, ENOMEM),
	FAILS(faccessat2,       ENOMEM),
	FAILS_AT(readlinkat, EIO),
	FAILS(getdents64,       EIO),
	FAILS(getcwd,           ENOMEM),
	FAILS(getxattr,         EIO),
	FAILS(fgetxattr,        EIO),

	FAILS_AT(mkdirat, ENOSPC),
	FAILS_AT(mknodat, ENOSPC),
	FAILS(symlinkat,        ENOSPC),
	FAILS(linkat,           ENOSPC),
	FAILS_AT(renameat, ENOSPC),
	FAILS(renameat2,        ENOSPC),
	FAILS_AT(unlinkat, EIO),
	FAILS(fchmod,           EIO),
	FAILS_AT(fchmodat, EIO),
	FAILS_AT(fchownat, EIO),
	FAILS(fchown,           EIO),
	FAILS(chdir,            ENOMEM),
	FAILS(fchdir,           EIO),

	FAILS(open_tree,        EMFILE),
	FAILS(move_mount,       ENOMEM),
	FAILS(mount_setattr,    ENOMEM),
	FAILS(fsopen,           ENOMEM),
	FAILS(fsconfig,         ENOMEM),
	FAILS(fsmount,          ENOMEM),
	FAILS(mount,            ENOMEM),
	FAILS(umount2,          EBUSY),
	FAILS(unshare,          ENOSPC),
	FAILS(setns,            ENOMEM),

	FAILS(clone,            EAGAIN),
	FAILS(clone3,           ENOSPC),
	FAILS(execve,           ENOMEM),
	FAILS(wait4,            EINTR),
	FAILS(waitid,           EINTR),
	FAILS(kill,             EPERM),
	FAILS(pidfd_open,       EMFILE),
	FAILS(pidfd_send_signal, EPERM),
	FAILS(pidfd_getfd,      EMFILE),
	FAILS(prctl,            EPERM),
	FAILS(setfsuid,         0),
	FAILS(setfsgid,         0),
	FAILS(bpf,              EPERM),
	FAILS(perf_event_open,  EACCES),
#ifdef __x86_64__ /* the older forms of some of these */
	FAILS(open,             EMFILE),
	FAILS(stat,             ENOMEM),
	FAILS(lstat,            ENOMEM),
	FAILS(access,           ENOMEM),
	FAILS(readlink,         EIO),
	FAILS(dup2,             EINTR),
	FAILS(poll,             EINTR),
	FAILS(rename,           ENOSPC),
	FAILS(mkdir,            ENOSPC),
	FAILS(rmdir,            EIO),
	FAILS(symlink,          ENOSPC),
	FAILS(unlink,           EIO),
	FAILS(fork,             EAGAIN),
	FAILS(vfork,            EAGAIN),
#endif
};
// clang-format on

static long ask(long request, pid_t pid, unsigned long address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(TROUBLE);
}

/* A call without a row ends the run: nobody has thought about it. */
static const struct call *find_call(long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return &calls[i];
	fprintf(stderr, "fault: system call %ld has no row in the table of tests/vm/bin/fault.c\n", number);
	exit(TROUBLE);
}

#if defined(__x86_64__)
static void set_registers(pid_t pid, bool entry, long value)
{
	struct user_regs_struct registers;

	if (ask(PTRACE_GETREGS, pid, 0, &registers))
		give_up("registers");
	*(entry ? &registers.orig_rax : &registers.rax) = (unsigned long)value;
	if (ask(PTRACE_SETREGS, pid, 0, &registers))
		give_up("registers");
}
#elif defined(__aarch64__)
static void set_registers(pid_t pid, bool entry, long value)
{
	struct user_regs_struct registers;
	int number = (int)value;
	struct iovec set = {.iov_base = &registers, .iov_len = sizeof(registers)};
	struct iovec call = {.iov_base = &number, .iov_len = sizeof(number)};

	if (entry ? ask(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call)
		  : ask(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set))
		give_up("registers");
	registers.regs[0] = (unsigned long)value;
	if (!entry && ask(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set))
		give_up("registers");
}
#else
#error "how a system call is skipped and its result set is not written for this architecture"
#endif

struct process {
	pid_t pid;
	const struct call *hit; /* its call is the one; what is to be done comes when it returns */
	char text[128];         /* the call */
};

struct run {
	unsigned long wanted, seen;
	bool kills, begun, done;
	pid_t root;
	int status;
	FILE *report;
	struct process tree[TREE_MAX];
};

static const char *error_name(const struct call *call)
{
	return call->error ? strerrorname_np(call->error) : "ineffective";
}

static struct process *process_of(struct run *run, pid_t pid)
{
	struct process *free_one = NULL;

	for (size_t i = 0; i < TREE_MAX; i++) {
		if (run->tree[i].pid == pid)
			return &run->tree[i];
		if (!run->tree[i].pid && !free_one)
			free_one = &run->tree[i];
	}
	if (!free_one) {
		fprintf(stderr, "fault: more than %d processes\n", TREE_MAX);
		exit(TROUBLE);
	}
	*free_one = (struct process){.pid = pid};
	return free_one;
}

/* By its directory and path, where it has them: "newfstatat 4 record.json". */
static void describe(const struct ptrace_syscall_info *info, const struct call *call, struct process *process)
{
	char path[96] = "";
	struct iovec here = {.iov_base = path, .iov_len = sizeof(path) - 1};
	struct iovec there = {.iov_base = (void *)(uintptr_t)info->entry.args[1], .iov_len = sizeof(path) - 1};

	if (!call->at) {
		snprintf(process->text, sizeof(process->text), "%s", call->name);
		return;
	}
	/* What lies behind a short path may be unmapped. */
	while (process_vm_readv(process->pid, &here, 1, &there, 1, 0) < 0 && there.iov_len > 1)
		there.iov_len /= 2;
	path[strcspn(path, "\n")] = '\0';
	snprintf(process->text, sizeof(process->text), "%s %d %s", call->name, (int)info->entry.args[0], path);
}

static void at_entry(struct run *run, struct process *process, const struct ptrace_syscall_info *info)
{
	const struct call *call = find_call((long)info->entry.nr);

	if (call->spared || run->done)
		return;
	describe(info, call, process);
	if (++run->seen != run->wanted) {
		fprintf(run->report, "%s\n", process->text);
		return;
	}
	process->hit = call;
	if (!run->kills && !call->done)
		set_registers(process->pid, true, -1);
}

/* Of those before it nothing is said any more. */
static void report(const struct run *run, const char *text, const char *what)
{
	rewind(run->report);
	if (ftruncate(fileno(run->report), 0) || fprintf(run->report, "%s: %s\n", text, what) < 0)
		give_up("report");
}

static void at_exit(struct run *run, struct process *process)
{
	const struct call *call = process->hit;

	if (!call)
		return;
	process->hit = NULL;
	run->done = true;
	report(run, process->text, run->kills ? "killed" : error_name(call));
	if (run->kills)
		kill(process->pid, SIGKILL);
	else
		set_registers(process->pid, false, -call->error);
}

static void at_call(struct run *run, struct process *process)
{
	struct ptrace_syscall_info info = {0};

	if (!run->begun || ask(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		at_entry(run, process, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		at_exit(run, process);
}

static bool at_exec(struct run *run, const struct process *process)
{
	bool first = !run->begun && process->pid == run->root;

	run->begun = true;
	return first;
}

/* It goes on: to its next call, or on its own when there is nothing to look for any more. */
static void look(struct run *run, struct process *process, int status)
{
	bool wanted = true;
	long signal_number = 0;

	if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		at_call(run, process);
	else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
		wanted = at_exec(run, process);
	else if (status >> 16 == 0)
		signal_number = WSTOPSIG(status); /* one of its own */
	ask(wanted && !run->done ? PTRACE_SYSCALL : PTRACE_DETACH, process->pid, 0, (void *)signal_number);
}

/* Until the first process has ended; those that it left behind are then let go. */
static void follow(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct process *process = process_of(run, pid);

		if (WIFSTOPPED(status)) {
			look(run, process, status);
			continue;
		}
		*process = (struct process){0};
		if (pid != run->root)
			continue;
		run->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return;
	}
	give_up("waitpid");
}

/* Seized, as those that are begun so stop at nothing that outlives their tracer. */
static pid_t start(char **command)
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int ends[2];
	pid_t child;
	char byte = 0;

	if (pipe2(ends, O_CLOEXEC) || (child = fork()) < 0)
		give_up("fork");
	if (child == 0) {
		if (read(ends[0], &byte, 1) != 1)
			_exit(TROUBLE);
		execv(command[0], command);
		give_up(command[0]);
	}
	if (ask(PTRACE_SEIZE, child, 0, (void *)options) || write(ends[1], &byte, 1) != 1)
		give_up("PTRACE_SEIZE");
	close(ends[0]);
	close(ends[1]);
	return child;
}

static int list_calls(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		printf("%s: %s\n", calls[i].name, calls[i].spared ? calls[i].spared : error_name(&calls[i]));
	return 0;
}

int main(int argc, char **argv)
{
	struct run run = {0};

	if (argc == 2 && !strcmp(argv[1], "calls"))
		return list_calls();
	if (argc < 5 || (strcmp(argv[1], "fail") && strcmp(argv[1], "kill"))) {
		fprintf(stderr, "usage: fault fail|kill N REPORT COMMAND...\n");
		return TROUBLE;
	}
	run.kills = !strcmp(argv[1], "kill");
	run.wanted = strtoul(argv[2], NULL, 10);
	run.report = fopen(argv[3], "we");
	if (!run.report)
		give_up(argv[3]);
	run.root = start(argv + 4);
	follow(&run);
	if (!run.done)
		fprintf(run.report, "none\n");
	if (fclose(run.report))
		give_up(argv[3]);
	return run.status;
}
