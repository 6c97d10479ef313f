/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small name server with bad manners, a client, and a look at what the guard has learned, for
 * tests/vm/tests/24-names.sh.
 *
 *   names serve ADDRESS...        on port 53, UDP and TCP. While /run/names-early is there, every name that ends in
 *                                 .org is 10.7.1.1 and fd07:1::1; then it is as the table below says.
 *   names ask SERVER NAME TYPE [mixed] [tcp]
 *                                 the addresses that come back, or `nothing`, or the number of the error
 *   names learned                 each address, the name's number, and how long it stays, in seconds
 *   names expire                  what was learned is out of time from now on
 */
#include "bpf/guard.h"
#include "lib/err.h"
#include "lib/guard/bpf.h"
#include "lib/policy/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EARLY "/run/names-early"
#define PORT 53
#define HEADER 12
#define CNAME 5
#define MESSAGE_MAX 1024
#define WAIT_MS 700

/* --- the zone */

enum manner {
	HONEST,
	CUT,        /* over UDP only the start */
	WRONG_ID,   /* and no other answer */
	WRONG_NAME, /* right id, but the question is api.example.org */
	WRONG_PORT, /* from another port */
	TWICE,      /* a second answer, with 10.7.0.66 */
	ADDITIONAL, /* 10.7.0.66 in the additional section */
	ERROR,      /* no such name, and yet an address */
	UNASKED,    /* twice, the second for api.example.org */
};

// clang-format off
static const struct record {
	const char *owner;
	unsigned type;
	const char *data;
	unsigned ttl;
	enum manner manner;
} zone[] = {
	{ "api.example.org",        CFD_DNS_A,    "10.7.0.1",         300, HONEST },
	{ "api.example.org",        CFD_DNS_AAAA, "fd07::1",          300, HONEST },
	{ "alias.example.org",      CNAME,        "b.example.net",    100, HONEST },
	{ "b.example.net",          CNAME,        "c.example.net",   3000, HONEST },
	{ "c.example.net",          CFD_DNS_A,    "10.7.0.2",        3000, HONEST },
	{ "rebind.example.org",     CFD_DNS_A,    "127.0.0.1",        300, HONEST },
	{ "rebind.example.org",     CFD_DNS_A,    "169.254.169.254",  300, HONEST },
	{ "rebind.example.org",     CFD_DNS_A,    "0.0.0.0",          300, HONEST },
	{ "rebind.example.org",     CFD_DNS_A,    "10.7.0.3",         300, HONEST },
	{ "rebind.example.org",     CFD_DNS_AAAA, "::1",              300, HONEST },
	{ "rebind.example.org",     CFD_DNS_AAAA, "::ffff:127.0.0.1", 300, HONEST },
	{ "rebind.example.org",     CFD_DNS_AAAA, "64:ff9b::a9fe:a9fe", 300, HONEST },
	{ "rebind.example.org",     CFD_DNS_AAAA, "fd00:ec2::254",    300, HONEST },
	{ "other.example.org",      CFD_DNS_A,    "10.7.0.4",         300, HONEST },
	{ "fixed.example.org",      CFD_DNS_A,    "10.7.0.5",         300, HONEST },
	{ "short.example.org",      CFD_DNS_A,    "10.7.0.6",           5, HONEST },
	{ "long.example.org",       CFD_DNS_A,    "10.7.0.7",  0x7fffffff, HONEST },
	{ "carried.example.org",    CFD_DNS_AAAA, "64:ff9b::a07:8",   300, HONEST }, /* 10.7.0.8 */
	{ "local.example.org",      CFD_DNS_A,    "10.7.0.9",         300, HONEST },
	{ "mimic.example.org",      CFD_DNS_A,    "10.7.0.10",        300, HONEST },
	{ "cut.example.org",        CFD_DNS_A,    "10.7.0.66",        300, CUT },
	{ "wrong-id.example.org",   CFD_DNS_A,    "10.7.0.66",        300, WRONG_ID },
	{ "wrong-name.example.org", CFD_DNS_A,    "10.7.0.66",        300, WRONG_NAME },
	{ "wrong-port.example.org", CFD_DNS_A,    "10.7.0.66",        300, WRONG_PORT },
	{ "twice.example.org",      CFD_DNS_A,    "10.7.0.11",        300, TWICE },
	{ "more.example.org",       CFD_DNS_A,    "10.7.0.12",        300, ADDITIONAL },
	{ "error.example.org",      CFD_DNS_A,    "10.7.0.66",        300, ERROR },
	{ "unasked.example.org",    CFD_DNS_A,    "10.7.0.13",        300, UNASKED },
};
// clang-format on

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "names: %s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

/* --- messages */

struct message {
	uint8_t bytes[MESSAGE_MAX];
	size_t length;
};

static void add(struct message *message, const void *bytes, size_t length)
{
	if (message->length + length > sizeof(message->bytes))
		die("no room");
	memcpy(message->bytes + message->length, bytes, length);
	message->length += length;
}

static void add16(struct message *message, unsigned value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	add(message, bytes, sizeof(bytes));
}

static void add_name(struct message *message, const char *name)
{
	uint8_t wire[CFD_DNS_NAME];

	add(message, wire, cfd_dns_name(name, wire));
}

/* The owner as a pointer when it is the question's. */
static void add_record(struct message *message, const struct record *record, bool is_first)
{
	uint8_t data[CFD_DNS_NAME];
	size_t length = record->type == CFD_DNS_A ? 4 : 16;

	if (record->type == CNAME)
		length = cfd_dns_name(record->data, data);
	else if (inet_pton(record->type == CFD_DNS_A ? AF_INET : AF_INET6, record->data, data) != 1)
		die(record->data);
	if (is_first)
		add16(message, 0xc00c);
	else
		add_name(message, record->owner);
	add16(message, record->type);
	add16(message, 1);
	add16(message, record->ttl >> 16);
	add16(message, record->ttl & 0xffff);
	add16(message, (unsigned)length);
	add(message, data, length);
}

static unsigned type_of(const struct message *query)
{
	return query->bytes[query->length - 3];
}

/* The name that is asked for, in lower case. */
static void name_of(const struct message *query, char name[256])
{
	size_t at = HEADER, length = 0;

	while (at < query->length && query->bytes[at] && length + query->bytes[at] < 250) {
		for (uint8_t i = 1; i <= query->bytes[at]; i++)
			name[length++] = (char)(query->bytes[at + i] | 0x20);
		name[length++] = '.';
		at += query->bytes[at] + 1u;
	}
	name[length ? length - 1 : 0] = '\0';
}

static bool is_early(const char *name)
{
	return access(EARLY, F_OK) == 0 && strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".org") &&
	       strcmp(name, "missing.example.org") != 0;
}

static const struct record *find(const char *owner, unsigned type, size_t from)
{
	for (size_t i = from; i < CFD_COUNT(zone); i++)
		if (!strcmp(zone[i].owner, owner) && (zone[i].type == type || zone[i].type == CNAME))
			return &zone[i];
	return NULL;
}

static bool is_known(const char *owner)
{
	for (size_t i = 0; i < CFD_COUNT(zone); i++)
		if (!strcmp(zone[i].owner, owner))
			return true;
	return false;
}

/* The answer, honestly; in what manner it is to be given. */
static enum manner fill_answer(const struct message *query, struct message *answer)
{
	const struct record early[] = {{"", CFD_DNS_A, "10.7.1.1", 300, HONEST},
				       {"", CFD_DNS_AAAA, "fd07:1::1", 300, HONEST}};
	const struct record *record;
	enum manner manner = HONEST;
	char name[256] = "";
	unsigned count = 0;

	name_of(query, name);
	*answer = *query;
	answer->bytes[2] = 0x81;
	answer->bytes[3] = is_early(name) || is_known(name) ? 0x80 : 0x83;
	if (is_early(name)) {
		add_record(answer, &early[type_of(query) == CFD_DNS_AAAA], true);
		answer->bytes[7] = 1;
		return HONEST;
	}
	for (record = find(name, type_of(query), 0); record;) {
		add_record(answer, record, !count++);
		manner = record->manner;
		record = record->type == CNAME ? find(record->data, type_of(query), 0)
					       : find(record->owner, record->type, (size_t)(record - zone) + 1);
	}
	answer->bytes[7] = (uint8_t)count;
	return manner;
}

/* --- serving */

struct peer {
	struct sockaddr_storage address;
	socklen_t size;
};

static struct peer peer_of(const char *text, uint16_t port)
{
	struct peer peer = {.size = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&peer.address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&peer.address;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return peer;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		die(text);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	peer.size = sizeof(*in6);
	return peer;
}

static int open_bound(const char *address, int type, uint16_t port)
{
	struct peer peer = peer_of(address, port);
	int fd = socket(peer.address.ss_family, type | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&peer.address, peer.size) || (type == SOCK_STREAM && listen(fd, 8)))
		die(address);
	return fd;
}

static void send_to(int fd, const struct message *message, const struct peer *to)
{
	sendto(fd, message->bytes, message->length, 0, (const struct sockaddr *)&to->address, to->size);
}

/* The last four bytes are the address. */
static struct message with_address(const struct message *answer, uint8_t last)
{
	struct message other = *answer;

	other.bytes[other.length - 1] = last;
	return other;
}

/* The same as an answer to the question for api.example.org. */
static struct message for_api(const struct message *answer)
{
	static const struct record record = {"", CFD_DNS_A, "10.7.0.66", 300, HONEST};
	struct message other = {.length = 0};

	add(&other, answer->bytes, HEADER);
	add_name(&other, "api.example.org");
	add16(&other, CFD_DNS_A);
	add16(&other, 1);
	add_record(&other, &record, true);
	return other;
}

static void answer_udp(int fd, const char *address)
{
	static const struct record additional = {"", CFD_DNS_A, "10.7.0.66", 300, HONEST};
	struct peer from = {.size = sizeof(from.address)};
	struct message query, answer, other;
	ssize_t length =
		recvfrom(fd, query.bytes, sizeof(query.bytes), 0, (struct sockaddr *)&from.address, &from.size);
	enum manner manner;
	int odd;

	if (length <= HEADER + 4)
		return;
	query.length = (size_t)length;
	manner = fill_answer(&query, &answer);
	if (manner == CUT)
		answer.bytes[2] |= 0x02;
	if (manner == WRONG_ID)
		answer.bytes[1] ^= 1;
	if (manner == ERROR)
		answer.bytes[3] = 0x83;
	if (manner == WRONG_NAME)
		answer = for_api(&answer);
	if (manner == ADDITIONAL) {
		add_record(&answer, &additional, true);
		answer.bytes[11] = 1;
	}
	if (manner == WRONG_PORT) {
		odd = open_bound(address, SOCK_DGRAM, PORT + 1);
		send_to(odd, &answer, &from);
		close(odd);
		return;
	}
	send_to(fd, &answer, &from);
	if (manner != TWICE && manner != UNASKED)
		return;
	other = manner == TWICE ? with_address(&answer, 66) : for_api(&answer);
	send_to(fd, &other, &from);
}

static void answer_tcp(int fd)
{
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct message query, answer;
	uint8_t framed[MESSAGE_MAX + 2];
	ssize_t length = peer < 0 ? -1 : recv(peer, framed, sizeof(framed), 0);

	if (length > HEADER + 6) {
		query.length = (size_t)length - 2;
		memcpy(query.bytes, framed + 2, query.length);
		fill_answer(&query, &answer);
		framed[0] = (uint8_t)(answer.length >> 8);
		framed[1] = (uint8_t)answer.length;
		memcpy(framed + 2, answer.bytes, answer.length);
		if (send(peer, framed, answer.length + 2, MSG_NOSIGNAL) < 0)
			perror("names: tcp");
	}
	if (peer >= 0)
		close(peer);
}

static int serve(int count, char **addresses)
{
	struct pollfd fds[8];

	if (count < 1 || count > 4)
		return 2;
	for (int i = 0; i < count; i++) {
		fds[2 * i] = (struct pollfd){.fd = open_bound(addresses[i], SOCK_DGRAM, PORT), .events = POLLIN};
		fds[2 * i + 1] = (struct pollfd){.fd = open_bound(addresses[i], SOCK_STREAM, PORT), .events = POLLIN};
	}
	puts("serving");
	fflush(stdout);
	for (;;) {
		if (poll(fds, 2 * (nfds_t)count, -1) < 0)
			die("poll");
		for (int i = 0; i < 2 * count; i++) {
			if (fds[i].revents && i % 2)
				answer_tcp(fds[i].fd);
			else if (fds[i].revents)
				answer_udp(fds[i].fd, addresses[i / 2]);
		}
	}
}

/* --- asking */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int tell_answer(const struct cfd_dns_answer *answer)
{
	char text[INET6_ADDRSTRLEN];

	if (answer->truncated)
		puts("cut");
	else if (answer->code)
		printf("error %u\n", answer->code);
	for (size_t i = 0; i < answer->count; i++) {
		const struct in6_addr *address = &answer->addresses[i];
		bool v4 = IN6_IS_ADDR_V4MAPPED(address) && i < 32;

		inet_ntop(v4 ? AF_INET : AF_INET6, address->s6_addr + (v4 ? 12 : 0), text, sizeof(text));
		printf("%s%s", i ? " " : "", text);
	}
	if (answer->count)
		puts("");
	return 0;
}

/* What cofferdam-hook would ask too, from a socket that is not connected, so that wrong answers come in as well. */
static int ask(int count, char **argv)
{
	struct peer server = peer_of(argv[0], PORT);
	enum cfd_dns_type type = !strcmp(argv[2], "AAAA") ? CFD_DNS_AAAA : CFD_DNS_A;
	bool mixed = count > 3 && !strcmp(argv[3], "mixed"), tcp = count > 3 && !strcmp(argv[3], "tcp");
	int fd = socket(server.address.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	struct message query, reply;
	struct cfd_dns_answer answer;
	int64_t until = now_ms() + WAIT_MS;
	struct pollfd in = {.fd = fd, .events = POLLIN};
	uint8_t framed[MESSAGE_MAX + 2] = {0};
	uint16_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		die("getrandom");
	query.length = cfd_dns_query(id, argv[1], type, query.bytes);
	for (size_t i = HEADER; mixed && i < query.length - 4; i += 2)
		if (query.bytes[i] >= 'a')
			query.bytes[i] -= 'a' - 'A';
	framed[1] = (uint8_t)query.length;
	memcpy(framed + 2, query.bytes, query.length);
	if (tcp &&
	    (connect(fd, (struct sockaddr *)&server.address, server.size) || send(fd, framed, query.length + 2, 0) < 0))
		die("tcp");
	if (!tcp && sendto(fd, query.bytes, query.length, 0, (struct sockaddr *)&server.address, server.size) < 0)
		die("sendto");
	while (now_ms() < until && poll(&in, 1, (int)(until - now_ms())) > 0) {
		ssize_t length =
			tcp ? recv(fd, framed, sizeof(framed), 0) - 2 : recv(fd, reply.bytes, sizeof(reply.bytes), 0);

		if (tcp && length > 0)
			memcpy(reply.bytes, framed + 2, (size_t)length);
		if (length > 0 && cfd_dns_read(reply.bytes, (size_t)length, query.bytes, query.length, &answer)) {
			tell_answer(&answer);
			usleep(100000); /* what comes behind it finds the socket still there */
			return 0;
		}
	}
	puts("nothing");
	return 0;
}

/* --- what was learned */

static int each_learned(bool expire)
{
	struct cfd_guard_learned_key key, *previous = NULL;
	struct cfd_guard_learned value;
	struct cfd_error err;
	char text[INET6_ADDRSTRLEN];
	int map = -1;

	if (cfd_guard_bpf_open(cfd_guard_bpf_set(), "learned", &map, &err)) {
		fprintf(stderr, "names: %s\n", err.message);
		return 1;
	}
	while (!cfd_guard_bpf_next_key(map, previous, &key)) {
		previous = &key;
		if (cfd_guard_bpf_lookup(map, &key, &value))
			continue;
		if (expire) {
			value.until = 1;
			if (cfd_guard_bpf_update(map, &key, &value))
				die("update");
			continue;
		}
		printf("%s %u %lld\n", inet_ntop(AF_INET6, key.address.words, text, sizeof(text)), key.name,
		       (long long)value.until / 1000000000 - now_ms() / 1000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "serve"))
		return serve(argc - 2, argv + 2);
	if (argc > 4 && !strcmp(argv[1], "ask"))
		return ask(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "learned"))
		return each_learned(false);
	if (argc == 2 && !strcmp(argv[1], "expire"))
		return each_learned(true);
	fputs("usage: names serve ADDRESS... | ask SERVER NAME TYPE [mixed|tcp] | learned | expire\n", stderr);
	return 2;
}
