/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `attack serve`: who listens outside of the container, in the network namespace that the container shares, and does
 * there what accomplices do.
 */
#include "tests/vm/attacks/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* By destination port: a packet to a forbidden address was seen. Shared by all processes. */
static unsigned char *seen;

static int say_what_failed(const char *what)
{
	fprintf(stderr, "attack serve: %s: %s\n", what, strerror(errno));
	return 1;
}

/* --- echo */

static void answer_stream(int listener)
{
	int guest = accept(listener, NULL, NULL);
	char byte;

	if (guest >= 0 && !fork()) {
		alarm(ATTACK_SECONDS);
		if (read(guest, &byte, 1) == 1)
			(void)!write(guest, NET_ANSWER, strlen(NET_ANSWER));
		(void)!read(guest, &byte, 1); /* till the guest leaves */
		_exit(0);
	}
	close(guest);
}

static void answer_datagram(int fd)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char byte;

	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &length) >= 0)
		sendto(fd, NET_ANSWER, strlen(NET_ANSWER), 0, (struct sockaddr *)&from, length);
}

/* --- packets */

static void note(const struct sockaddr_in6 *to, const unsigned char *transport)
{
	static const char *const forbidden[] = {"::ffff:" NET_FORBIDDEN4, NET_FORBIDDEN6};
	struct in6_addr address;

	for (size_t i = 0; i < NET_COUNT(forbidden); i++) {
		inet_pton(AF_INET6, forbidden[i], &address);
		if (!memcmp(&address, &to->sin6_addr, sizeof(address)))
			seen[transport[2] << 8 | transport[3]] = 1;
	}
}

static void look_at_packet(int fd)
{
	struct sockaddr_in6 to = {0};
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	unsigned char packet[2048] = "";
	size_t at;

	if (recvfrom(fd, packet, sizeof(packet) - 300, 0, (struct sockaddr *)&from, &length) <
	    (ssize_t)sizeof(struct ip))
		return;
	if (from.sll_protocol == htons(ETH_P_IP)) {
		inet_pton(AF_INET6, "::ffff:0.0.0.0", &to.sin6_addr);
		memcpy(to.sin6_addr.s6_addr + 12, packet + 16, 4);
		at = (packet[0] & 0xfu) * 4;
	} else {
		memcpy(&to.sin6_addr, packet + 24, 16);
		at = packet[6] == IPPROTO_ROUTING ? 40u + (packet[41] + 1u) * 8 : 40;
	}
	note(&to, packet + at);
}

/* --- wishes */

static int connected(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &to.any, to.length))
		_exit(say_what_failed("connect"));
	return fd;
}

/*
 * A process in the asker's user namespace, with its user and none of its capabilities: one that the asker may trace. It
 * is in no cgroup of the container's.
 */
static _Noreturn void be_traceable(int control, int number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	struct ucred asker;
	socklen_t length = sizeof(asker);
	char path[64];
	int ns, pidfd;

	if (getsockopt(control, SOL_SOCKET, SO_PEERCRED, &asker, &length))
		_exit(say_what_failed("SO_PEERCRED"));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", asker.pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || dup2(connected(), number) < 0 || setns(ns, CLONE_NEWUSER) || setresgid(0, 0, 0) ||
	    setresuid(0, 0, 0) || syscall(SYS_capset, &header, none) || prctl(PR_SET_DUMPABLE, 1))
		_exit(say_what_failed("the asker's user namespace"));
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0 || net_send_fd(control, pidfd))
		_exit(say_what_failed("pidfd"));
	pause();
	_exit(0);
}

static void come(int type, uint16_t port)
{
	struct net_address to = net_address(NET_DECLARED4, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (connect(fd, &to.any, to.length) || send(fd, NET_ANSWER, strlen(NET_ANSWER), MSG_NOSIGNAL) < 0)
		say_what_failed("come");
	pause();
}

static _Noreturn void grant(int control)
{
	struct net_request request;
	char was;

	alarm(ATTACK_SECONDS);
	if (read(control, &request, sizeof(request)) != sizeof(request))
		_exit(1);
	switch ((enum net_wish)request.wish) {
	case NET_PASS:
		net_send_fd(control, connected());
		break;
	case NET_PIDFD:
		be_traceable(control, request.port);
	case NET_COME_TCP:
		come(SOCK_STREAM, request.port);
		break;
	case NET_COME_UDP:
		come(SOCK_DGRAM, request.port);
		break;
	case NET_SEEN:
		was = (char)__atomic_exchange_n(&seen[request.port], 0, __ATOMIC_RELAXED);
		(void)!write(control, &was, 1);
		break;
	}
	_exit(0);
}

static void answer_wish(int listener)
{
	int control = accept(listener, NULL, NULL);

	if (control >= 0 && !fork())
		grant(control);
	close(control);
}

/* --- what is listened on */

static int listen_inet(int type)
{
	struct net_address here = net_address("::", NET_PORT);
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int)) || bind(fd, &here.any, here.length))
		return -1;
	return type == SOCK_STREAM && listen(fd, 16) ? -1 : fd;
}

static int listen_unix(int type, const char *name)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	memcpy(here.sun_path + 1, name, strlen(name));
	if (bind(fd, (struct sockaddr *)&here, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))))
		return -1;
	return type == SOCK_STREAM && listen(fd, 16) ? -1 : fd;
}

static int listen_vsock(void)
{
	struct sockaddr_vm here = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = NET_VSOCK_PORT};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&here, sizeof(here)) || listen(fd, 16) ? -1 : fd;
}

struct part {
	const char *name;
	int fd;
	void (*answer)(int fd);
};

/* attack serve: prints `ready` when all parts listen. */
int net_serve(void)
{
	struct part parts[] = {
		{"TCP", listen_inet(SOCK_STREAM), answer_stream},
		{"UDP", listen_inet(SOCK_DGRAM), answer_datagram},
		{"control", listen_unix(SOCK_STREAM, NET_CONTROL), answer_wish},
		{"stream", listen_unix(SOCK_STREAM, NET_HOST), answer_stream},
		{"datagram", listen_unix(SOCK_DGRAM, NET_HOST), answer_datagram},
		{"packets", socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)), look_at_packet},
		{"vsock", listen_vsock(), answer_stream},
	};
	struct pollfd waits[NET_COUNT(parts)];

	seen = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return say_what_failed("mmap");
	signal(SIGCHLD, SIG_IGN);
	for (size_t i = 0; i < NET_COUNT(parts); i++) {
		/* Of two that serve at once, one has the vsock port: it is the host's, whatever the namespace. */
		if (parts[i].fd < 0 && strcmp(parts[i].name, "vsock"))
			return say_what_failed(parts[i].name);
		waits[i] = (struct pollfd){.fd = parts[i].fd, .events = POLLIN};
	}
	puts("ready");
	fflush(stdout);
	while (poll(waits, NET_COUNT(parts), -1) > 0 || errno == EINTR)
		for (size_t i = 0; i < NET_COUNT(parts); i++)
			if (waits[i].revents & POLLIN)
				parts[i].answer(parts[i].fd);
	return say_what_failed("poll");
}
