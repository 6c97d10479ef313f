/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: to whom a program may connect and send, where it may listen. */
#include "tests/vm/act/act.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct act_address act_parse(const char *text, const char *port)
{
	struct act_address address = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&address.storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.storage;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(port));
		address.length = sizeof(*in);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(port));
		address.length = sizeof(*in6);
	} else {
		fprintf(stderr, "not an address: %s\n", text);
		exit(2);
	}
	return address;
}

int act_socket_for(const struct act_address *address, int type)
{
	int fd = socket(address->storage.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		perror("socket");
		exit(2);
	}
	return fd;
}

int act_tcp(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);

	return act_tell(connect(act_socket_for(&to, SOCK_STREAM), (struct sockaddr *)&to.storage, to.length));
}

int act_udp(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);

	return act_tell(connect(act_socket_for(&to, SOCK_DGRAM), (struct sockaddr *)&to.storage, to.length));
}

int act_sendto(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);

	return act_tell(sendto(act_socket_for(&to, SOCK_DGRAM), "x", 1, 0, (struct sockaddr *)&to.storage, to.length) <
			0);
}

/* As often as it says; tells how often it was refused. */
int act_flood(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	int fd = act_socket_for(&to, SOCK_DGRAM), times = atoi(argv[2]), refused = 0;

	for (int i = 0; i < times; i++)
		refused += sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) < 0;
	printf("%d\n", refused);
	return 0;
}

int act_sendmsg(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_name = &to.storage, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1};

	return act_tell(sendmsg(act_socket_for(&to, SOCK_DGRAM), &message, 0) < 0);
}

int act_sendmmsg(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct mmsghdr message = {
		.msg_hdr = {.msg_name = &to.storage, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1}};

	return act_tell(sendmmsg(act_socket_for(&to, SOCK_DGRAM), &message, 1, 0) < 0);
}

/* UDP takes an address of family AF_UNSPEC for one of AF_INET. */
int act_unspec(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	int fd = act_socket_for(&to, SOCK_DGRAM);

	to.storage.ss_family = AF_UNSPEC;
	return act_tell(sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) < 0);
}

int act_fastopen(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);

	return act_tell(sendto(act_socket_for(&to, SOCK_STREAM), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to.storage,
			       to.length) < 0);
}

int act_bind(char **argv)
{
	struct act_address here = act_parse(argv[1], argv[2]);

	return act_tell(bind(act_socket_for(&here, argv[0][0] == 't' ? SOCK_STREAM : SOCK_DGRAM),
			     (struct sockaddr *)&here.storage, here.length));
}

int act_listen(char **argv)
{
	struct act_address here = act_parse(argv[0], argv[1]);
	int fd = act_socket_for(&here, SOCK_STREAM);

	if (here.storage.ss_family == AF_INET && strcmp(argv[1], "0") &&
	    bind(fd, (struct sockaddr *)&here.storage, here.length))
		return act_tell(1);
	return act_tell(listen(fd, 1));
}

int act_socket(char **argv)
{
	return act_tell(socket(atoi(argv[0]), atoi(argv[1]), atoi(argv[2])) < 0);
}
