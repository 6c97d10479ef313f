/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that a runtime cannot enter by itself. */
#include "shim/enter.h"

#include "lib/base.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "which AUDIT_ARCH_ is this?"
#endif

// clang-format off
static const struct {
	const char *type; /* in config.json */
	const char *name; /* in /proc/PID/ns */
	int flag;
} kinds[] = {
	[CFD_ENTER_NETWORK] = { "network", "net", CLONE_NEWNET },
	[CFD_ENTER_IPC]     = { "ipc",     "ipc", CLONE_NEWIPC },
	[CFD_ENTER_UTS]     = { "uts",     "uts", CLONE_NEWUTS },
};
// clang-format on

enum cfd_enter_kind cfd_enter_kind_of(const char *type)
{
	size_t kind = 0;

	while (kind < CFD_COUNT(kinds) && !cfd_streq(kinds[kind].type, type))
		kind++;
	return (enum cfd_enter_kind)kind;
}

static int open_of(int pid, const char *name, int *ret_fd, struct cfd_error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? cfd_fail_errno(err, errno == ENOENT ? -ESRCH : -errno, "cannot open %s", path) : 0;
}

static bool is_same(int a, int b)
{
	struct stat left, right;

	return a >= 0 && b >= 0 && !fstat(a, &left) && !fstat(b, &right) && left.st_dev == right.st_dev &&
	       left.st_ino == right.st_ino;
}

/* The helper. A setns(2) by `pid` of its descriptor `fd`: would it change anything? */
static bool is_in_it(int pid, int fd, int flag)
{
	char asked[48], own[48];
	struct stat there, here;
	size_t kind = 0;

	while (kind < CFD_COUNT(kinds) && kinds[kind].flag != flag)
		kind++;
	if (kind == CFD_COUNT(kinds))
		return false;
	snprintf(asked, sizeof(asked), "/proc/%d/fd/%d", pid, fd);
	snprintf(own, sizeof(own), "/proc/%d/ns/%s", pid, kinds[kind].name);
	return !stat(asked, &there) && !stat(own, &here) && there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* Answers one; false: nobody has the filter any more. */
static bool answer(int listener, size_t *expected)
{
	/* Newer kernels may write more than this header knows of. */
	union {
		struct seccomp_notif notif;
		char room[256];
	} asked = {0};
	union {
		struct seccomp_notif_resp resp;
		char room[256];
	} reply = {0};
	struct pollfd wait = {.fd = listener, .events = POLLIN};

	if (poll(&wait, 1, -1) < 0)
		return errno == EINTR;
	if (!(wait.revents & POLLIN))
		return false;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
		return errno == ENOENT || errno == EINTR; /* it died meanwhile */
	reply.resp.id = asked.notif.id;
	if (is_in_it((int)asked.notif.pid, (int)asked.notif.data.args[0], (int)asked.notif.data.args[1]))
		(*expected)--;
	else
		reply.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) == 0 || errno == ENOENT;
}

static int receive(int channel)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec text = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Holds nothing of the engine's, which waits for the other end of pipes to close, or for its children. */
static _Noreturn void help(int channel, size_t expected)
{
	int listener;

	if (fork() != 0)
		_exit(0);
	setsid();
	listener = dup2(channel, 0) < 0 || close_range(1, ~0U, 0) || chdir("/") ? -1 : receive(0);
	while (listener >= 0 && expected && answer(listener, &expected))
		;
	_exit(0);
}

static int start_helper(size_t expected, int *ret_channel, struct cfd_error *err)
{
	CFD_AUTO_FD int ours = -1, theirs = -1;
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return cfd_fail_errno(err, -errno, "cannot make a pair of sockets");
	ours = ends[0];
	theirs = ends[1];
	child = fork();
	if (child == 0)
		help(theirs, expected);
	if (child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process that helps the OCI runtime");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	*ret_channel = cfd_take_fd(&ours);
	return 0;
}

static int hand_over(int channel, int listener, struct cfd_error *err)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	char byte = 0;
	struct iovec text = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &listener, sizeof(listener));
	if (sendmsg(channel, &message, MSG_NOSIGNAL) != 1)
		return cfd_fail_errno(err, -errno,
				      "cannot hand a descriptor to the process that helps the OCI runtime");
	return 0;
}

/* setns(2) with one of these flags goes to the listener, everything else to the kernel. */
static int install_filter(const int flags[], size_t count, int *ret_listener, struct cfd_error *err)
{
	struct sock_filter code[7 + CFD_ENTER_COUNT] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 0, (uint8_t)(count + 3)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setns, 0, (uint8_t)(count + 1)),
		/* an int: its lower half, which comes first on both architectures */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	};
	struct sock_fprog program = {.filter = code};
	size_t length = 5;

	for (size_t i = 0; i < count; i++)
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)flags[i],
							      (uint8_t)(count - i), 0);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	program.len = (unsigned short)length;
	*ret_listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return *ret_listener < 0 ? cfd_fail_errno(err, -errno, "cannot have the OCI runtime's setns(2) answered") : 0;
}

/* Whether it belongs to somebody else than the container, and this process is not in it. */
static int is_foreign(int fd, enum cfd_enter_kind kind, int userns_fd, bool *ret_foreign, struct cfd_error *err)
{
	CFD_AUTO_FD int owner = -1, own = -1;
	int r = open_of(getpid(), kinds[kind].name, &own, err);

	if (r)
		return r;
	owner = ioctl(fd, NS_GET_USERNS);
	if (owner < 0 && errno != EPERM) /* EPERM: of a user namespace that is not below this process's */
		return cfd_fail_errno(err, -errno, "cannot ask for the owner of a %s namespace", kinds[kind].type);
	*ret_foreign = !is_same(owner, userns_fd) && !is_same(fd, own);
	return 0;
}

int cfd_enter(const int namespaces[CFD_ENTER_COUNT], int userns_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int channel = -1, listener = -1;
	int flags[CFD_ENTER_COUNT], r = 0;
	size_t count = 0;

	for (size_t i = 0; !r && i < CFD_ENTER_COUNT; i++) {
		bool foreign = false;

		if (namespaces[i] >= 0)
			r = is_foreign(namespaces[i], (enum cfd_enter_kind)i, userns_fd, &foreign, err);
		if (r || !foreign)
			continue;
		if (setns(namespaces[i], kinds[i].flag))
			return cfd_fail_errno(err, -errno, "cannot enter the container's %s namespace", kinds[i].type);
		flags[count++] = kinds[i].flag;
	}
	if (r || !count)
		return r;
	r = start_helper(count, &channel, err);
	if (!r)
		r = install_filter(flags, count, &listener, err);
	return r ? r : hand_over(channel, listener, err);
}

static void close_all(int (*namespaces)[CFD_ENTER_COUNT])
{
	for (size_t i = 0; i < CFD_ENTER_COUNT; i++)
		cfd_base_close(&(*namespaces)[i]);
}

int cfd_enter_of(int pid, struct cfd_error *err)
{
	CFD_AUTO(close_all) int namespaces[CFD_ENTER_COUNT] = {-1, -1, -1};
	CFD_AUTO_FD int userns = -1;
	int r = open_of(pid, "user", &userns, err);

	for (size_t i = 0; !r && i < CFD_ENTER_COUNT; i++)
		r = open_of(pid, kinds[i].name, &namespaces[i], err);
	return r ? r : cfd_enter(namespaces, userns, err);
}
