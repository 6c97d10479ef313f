/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of sockets whose destinations the guard cannot judge. Each one is seen to carry something. */
#include "tests/vm/attacks/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SOCK_DCCP
#define SOCK_DCCP 6
#endif
#define SERVICE 1
#define PAIR_PORT 7300
#define FRAMES 16
#define FRAME_BYTES 4096

int net_mptcp(void)
{
	struct net_address to = net_address(NET_DECLARED4, NET_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		return net_refused("socket");
	return connect(fd, &to.any, to.length) ? net_refused("connect") : net_talk(fd);
}

/* Both ends in this process. */
static int pair_of(int type, int protocol)
{
	struct net_address here = net_address(NET_DECLARED4, PAIR_PORT);
	int server = socket(AF_INET, type | SOCK_CLOEXEC, protocol), client, guest;

	if (server < 0)
		return net_refused("socket");
	client = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
	if (type == SOCK_DCCP && (setsockopt(server, 269, 2, &(uint32_t){htonl(SERVICE)}, 4) || /* SOL_DCCP, SERVICE */
				  setsockopt(client, 269, 2, &(uint32_t){htonl(SERVICE)}, 4)))
		return attack_broken("DCCP_SOCKOPT_SERVICE");
	if (bind(server, &here.any, here.length) || listen(server, 1))
		return attack_broken("listen");
	if (connect(client, &here.any, here.length))
		return net_refused("connect");
	guest = accept(server, NULL, NULL);
	if (guest < 0 || send(guest, NET_ANSWER, strlen(NET_ANSWER), 0) < 0)
		return attack_broken("accept");
	return net_hear(client);
}

int net_sctp(void)
{
	return pair_of(SOCK_STREAM, IPPROTO_SCTP);
}

int net_dccp(void)
{
	return pair_of(SOCK_DCCP, IPPROTO_DCCP);
}

/* With all capabilities over a network namespace of one's own: no other socket can be had by asking more. */
int net_raw(void)
{
	struct net_address to = net_address("127.0.0.1", 0);
	unsigned char packet[64] = "";
	struct pollfd wait = {.events = POLLIN};
	int fd;

	if (net_own_namespace())
		return attack_broken("unshare");
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0)
		return net_refused("socket");
	wait.fd = fd;
	if (sendto(fd, "\x08\0\xf7\xff\0\0\0\0", 8, 0, &to.any, to.length) != 8 || poll(&wait, 1, 5000) != 1 ||
	    recv(fd, packet, sizeof(packet), 0) < 20 + 8)
		return attack_broken("echo");
	return ATTACK_SUCCEEDED;
}

int net_packet(void)
{
	struct sockaddr_ll lo = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct pollfd wait = {.events = POLLIN};
	char frame[60] = "attack";
	int fd;

	if (net_own_namespace())
		return attack_broken("unshare");
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0)
		return net_refused("socket");
	lo.sll_ifindex = (int)if_nametoindex("lo");
	wait.fd = fd;
	if (bind(fd, (struct sockaddr *)&lo, sizeof(lo)) || send(fd, frame, sizeof(frame), 0) != sizeof(frame) ||
	    poll(&wait, 1, 5000) != 1)
		return attack_broken("frame");
	return ATTACK_SUCCEEDED;
}

int net_xdp(void)
{
	struct xdp_umem_reg memory = {.len = FRAMES * FRAME_BYTES, .chunk_size = FRAME_BYTES};
	struct sockaddr_xdp lo = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY};
	void *frames = mmap(NULL, memory.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int rings[] = {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING};
	int fd, size = FRAMES;

	if (net_own_namespace())
		return attack_broken("unshare");
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return net_refused("socket");
	memory.addr = (uintptr_t)frames;
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)))
		return attack_broken("XDP_UMEM_REG");
	for (size_t i = 0; i < NET_COUNT(rings); i++)
		if (setsockopt(fd, SOL_XDP, rings[i], &size, sizeof(size)))
			return attack_broken("rings");
	lo.sxdp_ifindex = if_nametoindex("lo");
	return bind(fd, (struct sockaddr *)&lo, sizeof(lo)) ? attack_broken("bind") : ATTACK_SUCCEEDED;
}

int net_vsock(void)
{
	struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = NET_VSOCK_PORT};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return net_refused("socket");
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? net_refused("connect") : net_talk(fd);
}

/* A digest computed by the kernel. */
int net_alg(void)
{
	struct sockaddr_alg hash = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
	int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), operation;
	unsigned char digest[32] = "";

	if (fd < 0)
		return net_refused("socket");
	if (bind(fd, (struct sockaddr *)&hash, sizeof(hash)))
		return attack_broken("bind");
	operation = accept(fd, NULL, NULL);
	if (operation < 0 || send(operation, "x", 1, 0) != 1 || recv(operation, digest, sizeof(digest), 0) != 32)
		return attack_broken("digest");
	return ATTACK_SUCCEEDED;
}

/* The generic netlink's own controller tells about itself. */
int net_netlink(void)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr generic;
		struct nlattr attribute;
		uint16_t id, unused;
	} request = {
		.header = {.nlmsg_len = sizeof(request), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST},
		.generic = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
		.attribute = {.nla_len = 6, .nla_type = CTRL_ATTR_FAMILY_ID},
		.id = GENL_ID_CTRL,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer = {0};

	if (fd < 0)
		return net_refused("socket");
	if (send(fd, &request, sizeof(request), 0) != sizeof(request) || recv(fd, &answer, sizeof(answer), 0) < 0)
		return attack_broken("request");
	return answer.header.nlmsg_type == GENL_ID_CTRL ? ATTACK_SUCCEEDED : ATTACK_BROKEN;
}
