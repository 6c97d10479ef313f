/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attacks by network share. The container is in a network namespace whose loopback device has all addresses of
 * this file, and where `attack serve` runs, outside of the container: it answers on port 7 whatever the address, and
 * does on request what accomplices do.
 */
#ifndef CFD_ATTACK_NET_H
#define CFD_ATTACK_NET_H

#include "tests/vm/attacks/attack.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* In the profile there are private networks, 64:ff9b::/96, 2002::/16, 0.0.0.0/8 and ::, but none of these. */
#define NET_FORBIDDEN4 "203.0.113.1"
#define NET_FORBIDDEN6 "2001:db8:2::1"
#define NET_DECLARED4 "10.1.0.1"
#define NET_DECLARED6 "fd00:1::1"
#define NET_PORT 7
#define NET_VSOCK_PORT 7007
#define NET_CONTROL "attack-control" /* abstract names */
#define NET_HOST "attack-host"
#define NET_ANSWER "echo"
#define NET_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is asked of the accomplice, through NET_CONTROL. */
enum net_wish {
	NET_PASS,  /* send a TCP socket that is connected to NET_FORBIDDEN4 */
	NET_PIDFD, /* send a pidfd of a process in my user namespace whose descriptor number `port` is such a socket */
	NET_COME_TCP, /* connect to my `port`, and talk */
	NET_COME_UDP, /* send a datagram to my `port` */
	NET_SEEN, /* was a packet seen to a forbidden address with this destination port since I asked last? one byte */
};

struct net_request {
	uint16_t wish;
	uint16_t port;
};

struct net_address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t length;
};

struct net_address net_address(const char *text, uint16_t port);
/* ATTACK_STOPPED for an errno that a guard may give, else ATTACK_BROKEN; says which. */
int net_refused(const char *what);
/* Writes a byte and expects NET_ANSWER. */
int net_talk(int fd);
/* Expects NET_ANSWER. */
int net_hear(int fd);
/* A connection to the accomplice's control socket, or -1. */
int net_control(void);
/* Sends a wish; the connection, or -1. */
int net_ask(enum net_wish wish, uint16_t port);
/* The descriptor that comes over a unix socket, or -1: errno is EPERM when it was kept back (MSG_CTRUNC). */
int net_receive_fd(int fd);
int net_send_fd(int to, int fd);
/* Gives the loopback device of the own namespace this IPv4 address too; `number` tells them apart. 0 or -1. */
int net_own_address(unsigned number, const char *text);
/* A user namespace and a network namespace of one's own, with all capabilities over both, and loopback up. 0 or -1. */
int net_own_namespace(void);

/* Never returns in the children; returns 1 when it cannot serve. */
int net_serve(void);

extern const struct attack_group net_attacks, hostnet_attacks;

/* net_kinds.c */
int net_mptcp(void), net_sctp(void), net_dccp(void), net_raw(void), net_packet(void), net_xdp(void), net_vsock(void),
	net_alg(void), net_netlink(void);
/* net_pass.c */
int net_scm_rights(void), net_pidfd_getfd(void), net_unix_proxy(void), net_abstract_stream(void),
	net_abstract_datagram(void);
/* net_route.c */
int net_lsrr_option(void), net_lsrr_cmsg(void), net_lsrr_tcp(void), net_rthdr_option(void), net_rthdr_cmsg(void),
	net_rthdr_tcp(void);
/* net_uring.c */
int net_uring_connect(void), net_uring_sendmsg(void), net_uring_fastopen(void);

#endif
