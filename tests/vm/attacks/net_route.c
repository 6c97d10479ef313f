/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To a declared address by way of another: a loose source route (RFC 791) or a routing header of type 2 (RFC 6275). The
 * packet leaves with the other address as its destination. With IPv6 the accomplice sees it; IPv4 takes CAP_NET_RAW in
 * newer kernels, so it is tried in a network namespace of one's own, where the receiver is told of the route.
 */
#include "tests/vm/attacks/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LISTED 8000      /* a port that the profile lets the container listen on */
#define PORT_RTHDR 7101  /* a destination port each, by which its packet is known */
#define PATIENCE_MS 2000 /* a packet that was dropped is waited for in vain */
#define TRIES 20
#define PAUSE_US 50000
#define LOOSE_ROUTE 131

union route_cmsg {
	char bytes[CMSG_SPACE(24)];
	struct cmsghdr aligned;
};

/* A message of one byte with one control message. */
static ssize_t send_with(int fd, const struct net_address *to, int level, int type, const void *route, size_t length)
{
	union route_cmsg control = {0};
	struct net_address copy = *to;
	struct iovec data = {(char[]){'x'}, 1};
	struct msghdr message = {.msg_name = &copy.any,
				 .msg_namelen = copy.length,
				 .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(length)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(cmsg), route, length);
	return sendmsg(fd, &message, 0);
}

/* --- IPv4 */

static void lsrr(unsigned char route[8])
{
	memcpy(route, (unsigned char[]){1, LOOSE_ROUTE, 7, 4}, 4);
	inet_pton(AF_INET, NET_FORBIDDEN4, route + 4);
}

/* A namespace with both addresses, and a socket that is bound to the declared one; -1 with errno. */
static int own_receiver(int type)
{
	struct net_address here = net_address(NET_DECLARED4, LISTED);
	int fd;

	if (net_own_namespace() || net_own_address(1, NET_DECLARED4) || net_own_address(2, NET_FORBIDDEN4))
		return -1;
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (setsockopt(fd, IPPROTO_IP, IP_RECVOPTS, &(int){1}, sizeof(int)) || bind(fd, &here.any, here.length))
		return -1;
	return type == SOCK_STREAM && listen(fd, 1) ? -1 : fd;
}

static bool arrives(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, PATIENCE_MS) == 1;
}

/* What came names the route that it came by. */
static int hear_of_route(int fd)
{
	union route_cmsg control = {0};
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *cmsg;

	if (!arrives(fd) || recvmsg(fd, &message, 0) != 1)
		return attack_broken("nothing came");
	cmsg = CMSG_FIRSTHDR(&message);
	return cmsg && cmsg->cmsg_type == IP_RECVOPTS && memchr(CMSG_DATA(cmsg), LOOSE_ROUTE, 4) ? ATTACK_SUCCEEDED
												 : ATTACK_BROKEN;
}

int net_lsrr_option(void)
{
	struct net_address to = net_address(NET_DECLARED4, LISTED);
	int receiver = own_receiver(SOCK_DGRAM), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned char route[8];

	lsrr(route);
	if (receiver < 0 || setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)))
		return attack_broken("IP_OPTIONS");
	if (sendto(fd, "x", 1, 0, &to.any, to.length) != 1)
		return net_refused("sendto");
	return hear_of_route(receiver);
}

int net_lsrr_cmsg(void)
{
	struct net_address to = net_address(NET_DECLARED4, LISTED);
	int receiver = own_receiver(SOCK_DGRAM), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned char route[8];

	lsrr(route);
	if (receiver < 0)
		return attack_broken("receiver");
	if (send_with(fd, &to, IPPROTO_IP, IP_RETOPTS, route, sizeof(route)) != 1)
		return net_refused("sendmsg");
	return hear_of_route(receiver);
}

/* The kernel tries again and again: that the first packet was dropped is not told by connect. */
int net_lsrr_tcp(void)
{
	struct net_address to = net_address(NET_DECLARED4, LISTED);
	int receiver = own_receiver(SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unsigned char route[8], kept[40];
	socklen_t length = sizeof(kept);

	lsrr(route);
	if (receiver < 0 || setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)))
		return attack_broken("IP_OPTIONS");
	if (connect(fd, &to.any, to.length) && errno != EINPROGRESS)
		return net_refused("connect");
	if (!arrives(receiver)) {
		attack_say("nobody came");
		return ATTACK_STOPPED;
	}
	if (accept(receiver, NULL, NULL) < 0 || getsockopt(fd, IPPROTO_IP, IP_OPTIONS, kept, &length) || !length)
		return attack_broken("accept");
	return ATTACK_SUCCEEDED;
}

/* --- IPv6 */

static void routing_header(unsigned char header[24])
{
	memset(header, 0, 24);
	memcpy(header, (unsigned char[]){0, 2, 2, 1}, 4);
	inet_pton(AF_INET6, NET_FORBIDDEN6, header + 8);
}

static int was_seen(uint16_t port)
{
	int control = net_ask(NET_SEEN, port);
	char seen = 0;

	if (control < 0 || read(control, &seen, 1) != 1)
		return -1;
	close(control);
	return seen;
}

/* Was it seen out there? If not, the errno of the send tells why, if that was refused. */
static int judge(uint16_t port, bool refused)
{
	int error = errno, seen = 0;

	for (int i = 0; i < TRIES && !seen; i++) {
		seen = was_seen(port);
		if (seen < 0)
			return attack_broken("ask");
		usleep(PAUSE_US);
	}
	if (seen)
		return ATTACK_SUCCEEDED;
	errno = error;
	if (refused)
		return net_refused("send");
	attack_say("not seen");
	return ATTACK_STOPPED;
}

static int rthdr_by_option(int type, uint16_t port)
{
	struct net_address to = net_address(NET_DECLARED6, port);
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unsigned char header[24];

	routing_header(header);
	if (was_seen(port) < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof(header)))
		return attack_broken("IPV6_RTHDR");
	if (type == SOCK_DGRAM)
		return judge(port, sendto(fd, "x", 1, 0, &to.any, to.length) < 0);
	return judge(port, connect(fd, &to.any, to.length) && errno != EINPROGRESS);
}

int net_rthdr_option(void)
{
	return rthdr_by_option(SOCK_DGRAM, PORT_RTHDR);
}

int net_rthdr_tcp(void)
{
	return rthdr_by_option(SOCK_STREAM, PORT_RTHDR + 1);
}

int net_rthdr_cmsg(void)
{
	struct net_address to = net_address(NET_DECLARED6, PORT_RTHDR + 2);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned char header[24];

	routing_header(header);
	if (was_seen(PORT_RTHDR + 2) < 0)
		return attack_broken("ask");
	return judge(PORT_RTHDR + 2, send_with(fd, &to, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof(header)) < 0);
}
