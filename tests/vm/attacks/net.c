/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by network: the table, and those by TCP and UDP. */
#include "tests/vm/attacks/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define LISTED 8000 /* one that it names */
#define DOOR 4444   /* a port that the profile does not name, nor the next */

struct net_address net_address(const char *text, uint16_t port)
{
	struct net_address address = {0};

	if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1) {
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons(port);
		address.length = sizeof(address.in);
	} else if (inet_pton(AF_INET6, text, &address.in6.sin6_addr) == 1) {
		address.in6.sin6_family = AF_INET6;
		address.in6.sin6_port = htons(port);
		address.length = sizeof(address.in6);
	}
	return address;
}

int net_refused(const char *what)
{
	static const int answers[] = {EPERM, EACCES, EPROTONOSUPPORT, EAFNOSUPPORT};

	for (size_t i = 0; i < NET_COUNT(answers); i++)
		if (errno == answers[i])
			return attack_stopped(what);
	return attack_broken(what);
}

int net_hear(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char answer[64] = "";

	if (poll(&wait, 1, PATIENCE_MS) != 1) {
		attack_say("no answer");
		return ATTACK_BROKEN;
	}
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return attack_broken("recv");
	return strcmp(answer, NET_ANSWER) ? ATTACK_BROKEN : ATTACK_SUCCEEDED;
}

int net_talk(int fd)
{
	return send(fd, "x", 1, MSG_NOSIGNAL) == 1 ? net_hear(fd) : net_refused("send");
}

int net_control(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path + 1, NET_CONTROL, strlen(NET_CONTROL));
	if (connect(fd, (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(NET_CONTROL)))
		return -1;
	return fd;
}

int net_ask(enum net_wish wish, uint16_t port)
{
	struct net_request request = {.wish = wish, .port = port};
	int fd = net_control();

	return fd >= 0 && write(fd, &request, sizeof(request)) == sizeof(request) ? fd : -1;
}

static int set_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

int net_own_namespace(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) ? -1 : set_loopback_up();
}

int net_own_address(unsigned number, const char *text)
{
	struct net_address address = net_address(text, 0);
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "lo:%u", number);
	memcpy(&request.ifr_addr, &address.in, sizeof(request.ifr_addr));
	return fd < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &request);
}

/* --- by address */

static int tcp_to(const char *text)
{
	struct net_address to = net_address(text, NET_PORT);
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &to.any, to.length))
		return net_refused("connect");
	return net_talk(fd);
}

static int net_tcp4(void)
{
	return tcp_to(NET_FORBIDDEN4);
}

static int net_tcp6(void)
{
	return tcp_to(NET_FORBIDDEN6);
}

static int net_mapped(void)
{
	return tcp_to("::ffff:" NET_FORBIDDEN4);
}

static int net_nat64(void)
{
	return tcp_to("64:ff9b::" NET_FORBIDDEN4);
}

static int net_6to4(void)
{
	return tcp_to("2002:cb00:7101::1");
}

static int net_zero4(void)
{
	return tcp_to("0.0.0.0");
}

static int net_zero6(void)
{
	return tcp_to("::");
}

static int net_metadata4(void)
{
	return tcp_to("169.254.169.254");
}

static int net_metadata6(void)
{
	return tcp_to("fd00:ec2::254");
}

/* --- Fast Open */

static int net_tfo_sendto(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sendto(fd, "x", 1, MSG_FASTOPEN, &to.any, to.length) < 0)
		return net_refused("sendto");
	return net_hear(fd);
}

static int net_tfo_sendmsg(void)
{
	struct net_address to = net_address(NET_FORBIDDEN6, NET_PORT);
	struct iovec data = {(char[]){'x'}, 1};
	struct msghdr message = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sendmsg(fd, &message, MSG_FASTOPEN) < 0)
		return net_refused("sendmsg");
	return net_hear(fd);
}

static int net_tfo_connect(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){1}, sizeof(int)))
		return attack_broken("TCP_FASTOPEN_CONNECT");
	if (connect(fd, &to.any, to.length))
		return net_refused("connect");
	return net_talk(fd);
}

/* --- UDP */

static int udp_socket(const struct net_address *to)
{
	return socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int net_udp_connect(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = udp_socket(&to);

	if (connect(fd, &to.any, to.length))
		return net_refused("connect");
	return net_talk(fd);
}

static int net_udp_sendto(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = udp_socket(&to);

	if (sendto(fd, "x", 1, 0, &to.any, to.length) < 0)
		return net_refused("sendto");
	return net_hear(fd);
}

static int net_udp_sendmsg(void)
{
	struct net_address to = net_address("::ffff:" NET_FORBIDDEN4, NET_PORT);
	struct iovec data = {(char[]){'x'}, 1};
	struct msghdr message = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1};
	int fd = udp_socket(&to);

	if (sendmsg(fd, &message, 0) < 0)
		return net_refused("sendmsg");
	return net_hear(fd);
}

static int net_udp_sendmmsg(void)
{
	struct net_address to = net_address(NET_FORBIDDEN6, NET_PORT);
	struct iovec data = {(char[]){'x'}, 1};
	struct mmsghdr message = {
		.msg_hdr = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1}};
	int fd = udp_socket(&to);

	if (sendmmsg(fd, &message, 1, 0) < 0)
		return net_refused("sendmmsg");
	return net_hear(fd);
}

/* UDP takes an address of no family for one of IPv4. */
static int net_udp_unspec(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = udp_socket(&to);

	to.any.sa_family = AF_UNSPEC;
	if (sendto(fd, "x", 1, 0, &to.any, to.length) < 0)
		return net_refused("sendto");
	return net_hear(fd);
}

static int net_udp_reconnect(void)
{
	struct net_address first = net_address(NET_DECLARED4, NET_PORT), second = net_address(NET_FORBIDDEN4, NET_PORT);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = udp_socket(&first);

	if (connect(fd, &first.any, first.length))
		return attack_broken("connect");
	if (net_talk(fd) != ATTACK_SUCCEEDED || connect(fd, &none, sizeof(none)))
		return ATTACK_BROKEN;
	if (connect(fd, &second.any, second.length))
		return net_refused("connect again");
	return net_talk(fd);
}

/* --- a door for somebody outside */

static int welcome(int fd)
{
	struct net_address here = {.length = sizeof(here.in)};
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int guest;

	if (listen(fd, 1))
		return net_refused("listen");
	if (getsockname(fd, &here.any, &here.length) || net_ask(NET_COME_TCP, ntohs(here.in.sin_port)) < 0)
		return attack_broken("ask");
	if (poll(&wait, 1, PATIENCE_MS) != 1 || (guest = accept(fd, NULL, NULL)) < 0)
		return attack_broken("nobody came");
	return net_hear(guest);
}

static int net_bind_tcp(void)
{
	struct net_address here = net_address("0.0.0.0", DOOR);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, &here.any, here.length))
		return net_refused("bind");
	return welcome(fd);
}

static int net_bind_tcp6(void)
{
	struct net_address here = net_address("::", DOOR + 1);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, &here.any, here.length))
		return net_refused("bind");
	return welcome(fd);
}

static int net_listen(void)
{
	return welcome(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* A server of one's own is made to believe that a stranger has sent, so that it may answer him. */
static int net_forge(void)
{
	struct net_address server = net_address(NET_DECLARED6, LISTED), from = {.length = sizeof(from.in6)},
			   stranger = net_address("2001:db8:9::9", 0);
	int fd = udp_socket(&server), client = udp_socket(&server);
	char byte;

	if (bind(fd, &server.any, server.length))
		return attack_broken("server");
	if (setsockopt(client, IPPROTO_IPV6, IPV6_FREEBIND, &(int){1}, sizeof(int)))
		return errno == ENOPROTOOPT ? attack_stopped("IPV6_FREEBIND") : attack_broken("IPV6_FREEBIND");
	if (bind(client, &stranger.any, stranger.length) || sendto(client, "x", 1, 0, &server.any, server.length) != 1)
		return attack_broken("client");
	if (recvfrom(fd, &byte, 1, 0, &from.any, &from.length) != 1)
		return attack_broken("recvfrom");
	return memcmp(&from.in6.sin6_addr, &stranger.in6.sin6_addr, 16) ? ATTACK_BROKEN : ATTACK_SUCCEEDED;
}

static int net_bind_udp(void)
{
	struct net_address here = net_address("0.0.0.0", DOOR);
	int fd = udp_socket(&here);

	if (bind(fd, &here.any, here.length))
		return net_refused("bind");
	if (net_ask(NET_COME_UDP, DOOR) < 0)
		return attack_broken("ask");
	return net_hear(fd);
}

// clang-format off
static const struct attack attacks[] = {
	{ "tcp4",          "TCP to an address that is not declared",     net_tcp4,          "connect", "not-listed" },
	{ "tcp6",          "the same by IPv6",                           net_tcp6,          "connect", "not-listed" },
	{ "mapped",        "IPv4-mapped address",                        net_mapped,        "connect", "not-listed" },
	{ "nat64",         "NAT64 address",                              net_nat64,         "connect", "not-listed" },
	{ "6to4",          "6to4 address",                               net_6to4,          "connect", "not-listed" },
	{ "zero4",         "0.0.0.0 as loopback",                        net_zero4,         "connect", "not-listed" },
	{ "zero6",         ":: as loopback",                             net_zero6,         "connect", "not-listed" },
	{ "metadata4",     "169.254.169.254",                            net_metadata4,     "connect", "not-listed" },
	{ "metadata6",     "fd00:ec2::254, in a declared network",       net_metadata6,     "connect", "not-listed" },
	{ "tfo-sendto",    "Fast Open by sendto",                        net_tfo_sendto,    "connect", "not-listed" },
	{ "tfo-sendmsg",   "Fast Open by sendmsg",                       net_tfo_sendmsg,   "connect", "not-listed" },
	{ "tfo-connect",   "Fast Open by TCP_FASTOPEN_CONNECT",          net_tfo_connect,   "connect", "not-listed" },
	{ "udp-connect",   "UDP connect and send",                       net_udp_connect,   "connect", "not-listed" },
	{ "udp-sendto",    "UDP sendto",                                 net_udp_sendto,    "send",    "not-listed" },
	{ "udp-sendmsg",   "UDP sendmsg to a mapped address",            net_udp_sendmsg,   "send",    "not-listed" },
	{ "udp-sendmmsg",  "UDP sendmmsg by IPv6",                       net_udp_sendmmsg,  "send",    "not-listed" },
	{ "udp-unspec",    "UDP sendto with family AF_UNSPEC",           net_udp_unspec,    "send",    "not-listed" },
	{ "udp-reconnect", "reconnecting a connected UDP socket",        net_udp_reconnect, "connect", "not-listed" },
	{ "uring-connect", "io_uring connect",                           net_uring_connect, "connect", "not-listed" },
	{ "uring-sendmsg", "io_uring sendmsg",                           net_uring_sendmsg, "send",    "not-listed" },
	{ "uring-tfo",     "io_uring sendmsg with Fast Open",            net_uring_fastopen, "connect", "not-listed" },
	{ "lsrr-option",   "IPv4 source route by socket option",         net_lsrr_option,   "send",    "source-route" },
	{ "lsrr-cmsg",     "the same by control message",                net_lsrr_cmsg,     "send",    "source-route" },
	{ "lsrr-tcp",      "the same with TCP",                          net_lsrr_tcp,      "send",    "source-route" },
	{ "rthdr-option",  "IPv6 routing header by socket option",       net_rthdr_option,  "send",    "source-route" },
	{ "rthdr-cmsg",    "the same by control message",                net_rthdr_cmsg,    "send",    "source-route" },
	{ "rthdr-tcp",     "the same with TCP",                          net_rthdr_tcp,     "send",    "source-route" },
	{ "mptcp",         "MPTCP",                                      net_mptcp,         "create",  "socket-family" },
	{ "sctp",          "SCTP",                                       net_sctp,          "create",  "socket-family" },
	{ "dccp",          "DCCP",                                       net_dccp,          "create",  "socket-family" },
	{ "raw",           "raw socket, in a namespace of its own",      net_raw,           "create",  "socket-family" },
	{ "packet",        "packet socket, likewise",                    net_packet,        "create",  "socket-family" },
	{ "xdp",           "XDP socket, likewise",                       net_xdp,           "create",  "socket-family" },
	{ "vsock",         "vsock to a listener of the host",            net_vsock,         "create",  "socket-family" },
	{ "alg",           "ALG",                                        net_alg,           "create",  "socket-family" },
	{ "netlink",       "netlink other than routing",                 net_netlink,       "create",  "socket-family" },
	{ "scm-rights",    "connected socket received by SCM_RIGHTS",    net_scm_rights,    "receive", "foreign-socket" },
	{ "pidfd-getfd",   "connected socket taken by pidfd_getfd",      net_pidfd_getfd,   "receive", "foreign-socket" },
	{ "unix-proxy",    "unix socket to a proxy in the container",    net_unix_proxy,    "connect", "not-listed" },
	{ "bind-tcp",      "bind and listen as a reverse door",          net_bind_tcp,      "bind",    "not-listed" },
	{ "bind-tcp6",     "the same by IPv6",                           net_bind_tcp6,     "bind",    "not-listed" },
	{ "listen",        "listen without bind",                        net_listen,        "listen",  "not-listed" },
	{ "forge",         "UDP sender that is somebody else",           net_forge,         "bind",    "forged-sender" },
	{ "bind-udp",      "UDP bind as a reverse door",                 net_bind_udp,      "bind",    "not-listed" },
};

/* In the host's network namespace. */
static const struct attack hostnet[] = {
	{ "abs-stream",    "abstract socket of a host daemon",           net_abstract_stream,   "connect", "abstract-socket" },
	{ "abs-datagram",  "the same with a datagram",                   net_abstract_datagram, "send",    "abstract-socket" },
};
// clang-format on

const struct attack_group net_attacks = {"net", attacks, NET_COUNT(attacks)};
const struct attack_group hostnet_attacks = {"hostnet", hostnet, NET_COUNT(hostnet)};
