/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a UDP server, which may send to those that asked. */
#include "tests/vm/act/act.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

static const char *error_of(int failed)
{
	return failed ? strerrorname_np(errno) : "ok";
}

static const char *sends(int fd, const struct act_address *to)
{
	return error_of(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to->storage, to->length) < 0);
}

static int server_at(int family, const char *port)
{
	struct act_address here = act_parse(family == AF_INET ? "0.0.0.0" : "::", port);
	int fd = act_socket_for(&here, SOCK_DGRAM);

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&here.storage, here.length)) {
		perror("bind");
		exit(2);
	}
	return fd;
}

static void add_to_port(struct act_address *address, int add)
{
	in_port_t *port = &((struct sockaddr_in *)&address->storage)->sin_port; /* at the same place in both */

	*port = htons((uint16_t)(ntohs(*port) + add));
}

/* udp-serve PORT STRANGER: waits for a client; to whom may it send then? */
static int serve(int family, char **argv)
{
	int fd = server_at(family, argv[0]), second, none;
	struct act_address client = {.length = sizeof(client.storage)}, stranger = act_parse(argv[1], "4444"), other;
	const char *before = sends(fd, &stranger);
	char byte;

	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&client.storage, &client.length) != 1)
		return act_tell(1);
	printf("before %s, answer %s, ", before, sends(fd, &client));
	printf("again %s, ", sends(fd, &client));
	second = server_at(family, argv[0]); /* as QUIC servers do: a socket for each client */
	printf("connected %s, ", error_of(connect(second, (struct sockaddr *)&client.storage, client.length)));
	other = client;
	add_to_port(&other, 1);
	printf("other port %s, ", sends(fd, &other));
	other = act_parse(family == AF_INET ? "10.1.0.2" : "::ffff:10.1.0.2", "4000");
	printf("other address %s, ", sends(fd, &other));
	none = act_socket_for(&client, SOCK_DGRAM);
	printf("other socket %s\n", sends(none, &client));
	return 0;
}

int act_udp_serve(char **argv)
{
	return serve(AF_INET, argv);
}

int act_udp_serve6(char **argv)
{
	return serve(AF_INET6, argv);
}

/* udp-ask FROM PORT TO PORT */
int act_udp_ask(char **argv)
{
	struct act_address from = act_parse(argv[0], argv[1]), to = act_parse(argv[2], argv[3]);
	int fd = act_socket_for(&from, SOCK_DGRAM);
	struct timeval patience = {.tv_sec = 10};
	char byte;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    bind(fd, (struct sockaddr *)&from.storage, from.length) ||
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) != 1 || recv(fd, &byte, 1, 0) != 1)
		return act_tell(1);
	puts("answered");
	return 0;
}

/* udp-again PORT TO PORT: from the server's port, to who may have asked before. */
int act_udp_again(char **argv)
{
	struct act_address to = act_parse(argv[1], argv[2]);

	puts(sends(server_at(AF_INET, argv[0]), &to));
	return 0;
}

/* udp-control TO PORT: a connected socket, a message that asks for a time to live of its own. */
int act_udp_control(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = {0};
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	int fd = act_socket_for(&to, SOCK_DGRAM);

	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_TTL;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &(int){64}, sizeof(int));
	return act_tell(connect(fd, (struct sockaddr *)&to.storage, to.length) || sendmsg(fd, &message, 0) != 1);
}

/* A network namespace with two addresses of one's own choice. */
static int own_network(const char *const addresses[2])
{
	struct ifreq request = {0};
	int fd;

	if (unshare(CLONE_NEWNET))
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 2; i++) {
		struct act_address own = act_parse(addresses[i], "0");

		snprintf(request.ifr_name, sizeof(request.ifr_name), "lo:%d", i + 1);
		memcpy(&request.ifr_addr, &own.storage, sizeof(request.ifr_addr));
		if (ioctl(fd, SIOCSIFADDR, &request))
			return -1;
	}
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* udp-pretend PORT WHO MINE: somebody sends in a namespace where that is me; then is he answered here? */
int act_udp_pretend(char **argv)
{
	const char *const addresses[] = {argv[1], argv[2]};
	struct act_address who = act_parse(argv[1], "0"), mine = act_parse(argv[2], argv[0]);
	int here = server_at(AF_INET, argv[0]), there, client;
	char byte;

	if (own_network(addresses))
		return act_tell(1);
	there = server_at(AF_INET, argv[0]);
	client = act_socket_for(&who, SOCK_DGRAM);
	if (bind(client, (struct sockaddr *)&who.storage, who.length) ||
	    getsockname(client, (struct sockaddr *)&who.storage, &who.length) ||
	    sendto(client, "x", 1, 0, (struct sockaddr *)&mine.storage, mine.length) != 1 ||
	    recvfrom(there, &byte, 1, 0, (struct sockaddr *)&who.storage, &who.length) != 1)
		return act_tell(1);
	printf("there %s, ", sends(there, &who));
	printf("here %s\n", sends(here, &who));
	return 0;
}
