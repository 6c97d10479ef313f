/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that somebody outside has connected, and unix sockets that lead outside. */
#include "tests/vm/attacks/net.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PROXY "/tmp/proxy"

int net_send_fd(int to, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = {0};
	struct iovec data = {(char[]){'f'}, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int net_receive_fd(int from)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = {0};
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	cmsg = CMSG_FIRSTHDR(&message);
	errno = message.msg_flags & MSG_CTRUNC ? EPERM : ENOMSG;
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len < CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

int net_scm_rights(void)
{
	int control = net_ask(NET_PASS, 0), fd;

	if (control < 0)
		return attack_broken("ask");
	fd = net_receive_fd(control);
	return fd < 0 ? net_refused("the descriptor was kept back") : net_talk(fd);
}

int net_pidfd_getfd(void)
{
	const uint16_t number = 100;
	int control = net_ask(NET_PIDFD, number), pidfd, fd;

	if (control < 0)
		return attack_broken("ask");
	pidfd = net_receive_fd(control);
	if (pidfd < 0)
		return attack_broken("pidfd");
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return fd < 0 ? net_refused("pidfd_getfd") : net_talk(fd);
}

/* --- a proxy */

static _Noreturn void be_proxy(int listener)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int client = accept(listener, NULL, NULL), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte, answer[64];
	ssize_t n;

	if (read(client, &byte, 1) != 1)
		_exit(2);
	if (connect(fd, &to.any, to.length)) {
		net_refused("the proxy's connect");
		_exit(1);
	}
	if (write(fd, &byte, 1) != 1 || (n = read(fd, answer, sizeof(answer))) <= 0 ||
	    write(client, answer, (size_t)n) != n)
		_exit(2);
	_exit(0);
}

int net_unix_proxy(void)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = PROXY};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[64] = "";

	unlink(PROXY);
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) || listen(listener, 1))
		return attack_broken("listen");
	if (!fork())
		be_proxy(listener);
	close(listener);
	if (connect(fd, (struct sockaddr *)&here, sizeof(here)) || write(fd, "x", 1) != 1)
		return attack_broken("connect to the proxy");
	if (read(fd, answer, sizeof(answer) - 1) <= 0)
		return ATTACK_STOPPED; /* what the proxy said tells why */
	return strcmp(answer, NET_ANSWER) ? ATTACK_BROKEN : ATTACK_SUCCEEDED;
}

/* --- abstract names of the host's network namespace */

static socklen_t host_daemon(struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path + 1, NET_HOST, strlen(NET_HOST));
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(NET_HOST);
}

int net_abstract_stream(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;
	socklen_t length = host_daemon(&to);

	return connect(fd, (struct sockaddr *)&to, length) ? net_refused("connect") : net_talk(fd);
}

/* The daemon answers to the name that bind without one gives. */
int net_abstract_datagram(void)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;
	socklen_t length = host_daemon(&to);

	if (bind(fd, (struct sockaddr *)&here, sizeof(here.sun_family)))
		return attack_broken("bind");
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, length) != 1)
		return net_refused("sendto");
	return net_hear(fd);
}
