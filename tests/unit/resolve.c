/* SPDX-License-Identifier: Apache-2.0 */
/* Name servers that misbehave. */
#include "lib/policy/resolve.h"

#include "tests/unit/message.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum manner { HONEST, CUT, FORGED, REFUSING, MISSING, SILENT };

struct server {
	enum manner manner;
	int udp, tcp;
	uint16_t port;
	pthread_t thread;
};

static struct message reply_to(const uint8_t *query, size_t length, unsigned flags, const char *address)
{
	struct message reply = {.length = 0};
	bool v6 = query[length - 3] == CFD_DNS_AAAA;

	message_add(&reply, query, length);
	reply.bytes[2] = (uint8_t)(flags >> 8);
	reply.bytes[3] = (uint8_t)flags;
	reply.bytes[7] = address && !v6;
	if (address && !v6)
		message_add_address(&reply, NULL, address);
	return reply;
}

static void serve_udp(const struct server *server)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	uint8_t query[512];
	ssize_t length = recvfrom(server->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
	static const unsigned flags[] = {
		[HONEST] = 0x8180, [CUT] = 0x8380, [FORGED] = 0x8180, [REFUSING] = 0x8185, [MISSING] = 0x8183};
	struct message reply;

	if (length <= 0 || server->manner == SILENT)
		return;
	reply = reply_to(query, (size_t)length, flags[server->manner],
			 server->manner == HONEST || server->manner == FORGED ? "10.1.0.1" : NULL);
	if (server->manner == FORGED) { /* what a forger would send who guesses the id, and the question */
		struct message forged = reply_to(query, (size_t)length, 0x8180, "10.66.0.1");

		forged.bytes[1]++;
		sendto(server->udp, forged.bytes, forged.length, 0, (struct sockaddr *)&from, size);
		forged.bytes[1]--;
		forged.bytes[14]++;
		sendto(server->udp, forged.bytes, forged.length, 0, (struct sockaddr *)&from, size);
		sendto(server->udp, forged.bytes, 5, 0, (struct sockaddr *)&from, size);
	}
	sendto(server->udp, reply.bytes, reply.length, 0, (struct sockaddr *)&from, size);
}

static void serve_tcp(const struct server *server)
{
	CFD_AUTO_FD int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC);
	uint8_t framed[514], length[2];
	ssize_t got = recv(fd, framed, sizeof(framed), 0);
	struct message reply;

	if (got <= 2)
		return;
	reply = reply_to(framed + 2, (size_t)got - 2, 0x8180, "10.1.0.9");
	length[0] = 0;
	length[1] = (uint8_t)reply.length;
	send(fd, length, 1, MSG_NOSIGNAL); /* in pieces */
	send(fd, length + 1, 1, MSG_NOSIGNAL);
	send(fd, reply.bytes, 20, MSG_NOSIGNAL);
	send(fd, reply.bytes + 20, reply.length - 20, MSG_NOSIGNAL);
}

static void *serve(void *data)
{
	const struct server *server = data;

	for (int question = 0; question < 2; question++) { /* A and AAAA */
		serve_udp(server);
		if (server->manner == CUT)
			serve_tcp(server);
	}
	return NULL;
}

static struct server start_server(enum manner manner)
{
	const struct timeval limit = {.tv_sec = 5};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	struct server server = {.manner = manner};

	server.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	server.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(server.udp, (struct sockaddr *)&address, size), 0);
	cr_assert_eq(getsockname(server.udp, (struct sockaddr *)&address, &size), 0);
	cr_assert_eq(bind(server.tcp, (struct sockaddr *)&address, size), 0);
	cr_assert_eq(listen(server.tcp, 4), 0);
	setsockopt(server.udp, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(server.tcp, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	server.port = ntohs(address.sin_port);
	return server;
}

/* What comes of asking these servers for one name; ret_resolved only after 0. */
static int ask_servers(struct server *servers, size_t count, bool elsewhere, struct cfd_resolved_name *ret_resolved,
		       struct cfd_error *err)
{
	CFD_AUTO_FD int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	static const char *const name = "api.example.org";
	struct cfd_resolve_server list[4];
	const struct cfd_resolve_request request = {
		.netns = netns, .servers = list, .server_count = count, .names = &name, .name_count = 1};
	int r;

	for (size_t i = 0; i < count; i++) {
		list[i] = (struct cfd_resolve_server){.port = servers[i].port, .elsewhere = elsewhere};
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &list[i].address);
		pthread_create(&servers[i].thread, NULL, serve, &servers[i]);
	}
	r = cfd_resolve_names(&request, ret_resolved, err);
	for (size_t i = 0; i < count; i++) {
		shutdown(servers[i].udp, SHUT_RDWR);
		pthread_cancel(servers[i].thread);
		pthread_join(servers[i].thread, NULL);
		close(servers[i].udp);
		close(servers[i].tcp);
	}
	return r;
}

static int ask_one(enum manner manner, struct cfd_resolved_name *ret_resolved, struct cfd_error *err)
{
	struct server server = start_server(manner);

	return ask_servers(&server, 1, false, ret_resolved, err);
}

Test(resolve, an_honest_server)
{
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	cr_assert_eq(ask_one(HONEST, &resolved, &err), 0, "%s", err.message);
	cr_expect_str_eq(addresses_text(resolved.addresses, resolved.count), "10.1.0.1");
}

Test(resolve, forged_answers_are_passed_over)
{
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	cr_assert_eq(ask_one(FORGED, &resolved, &err), 0, "%s", err.message);
	cr_expect_str_eq(addresses_text(resolved.addresses, resolved.count), "10.1.0.1");
}

Test(resolve, an_answer_that_was_cut_is_asked_for_over_tcp)
{
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	cr_assert_eq(ask_one(CUT, &resolved, &err), 0, "%s", err.message);
	cr_expect_str_eq(addresses_text(resolved.addresses, resolved.count), "10.1.0.9");
}

Test(resolve, no_such_name)
{
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	cr_expect_eq(ask_one(MISSING, &resolved, &err), -ENOENT);
	cr_expect_str_eq(
		err.message,
		"api.example.org: the name server 127.0.0.1 says that there is no such name: correct the name");
}

/* One refuses, one is silent, one is not there, the last one knows: no more than the wait for the silent one. */
Test(resolve, the_next_server_is_asked)
{
	struct server servers[] = {start_server(REFUSING), start_server(SILENT), start_server(SILENT),
				   start_server(HONEST)};
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	close(servers[2].udp);
	servers[2].udp = -1;
	cr_assert_eq(ask_servers(servers, 4, false, &resolved, &err), 0, "%s", err.message);
	cr_expect_str_eq(addresses_text(resolved.addresses, resolved.count), "10.1.0.1");
}

Test(resolve, no_server_answers, .timeout = 30)
{
	struct server server = start_server(REFUSING);
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	close(server.udp);
	server.udp = -1;
	cr_expect_eq(ask_servers(&server, 1, false, &resolved, &err), -ETIMEDOUT);
	cr_expect(cfd_starts_with(err.message, "api.example.org: none of the name servers 127.0.0.1 answers from the "
					       "container's network (Connection refused): "),
		  "%s", err.message);
}

Test(resolve, a_server_of_the_same_namespace_is_refused_where_it_must_be_elsewhere)
{
	struct server server = start_server(HONEST);
	struct cfd_resolved_name resolved;
	struct cfd_error err = {0};

	cr_expect_eq(ask_servers(&server, 1, true, &resolved, &err), -EOPNOTSUPP);
	cr_expect(
		cfd_starts_with(err.message, "follow: the name server 127.0.0.1 is an address of the container's own"),
		"%s", err.message);
}
