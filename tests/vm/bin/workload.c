/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ordinary programs do that Debian has no small package for: a server that forks for each client, code that is
 * made at run time, threads, io_uring, sockets of all ordinary kinds. Prints "ok" at the end, or dies with what failed.
 *
 *   workload fork-server PORT          a process for each connection, with memory that they share (PostgreSQL)
 *   workload udp-server PORT           answers until it gets "end"
 *   workload ask tcp|udp ADDRESS PORT TEXT
 *   workload jit                       as Java, V8 and .NET without W^X make code
 *   workload threads
 *   workload unix PATH                 by path, abstract, in pairs, descriptors passed on
 *   workload uring ADDRESS PORT        connect and send by io_uring
 *   workload flood COUNT               a datagram to each of so many ports
 *   workload world                     outside of the container: HTTP at 10.1.0.1:80, a name server at 10.3.0.1:53
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 200

static _Noreturn void die(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

static int checked(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		die(address);
	return in;
}

static int bound(int type, const char *address, const char *port)
{
	struct sockaddr_in in = address_of(address, port);
	int fd = checked(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket"), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	checked(bind(fd, (struct sockaddr *)&in, sizeof(in)), "bind");
	if (type == SOCK_STREAM)
		checked(listen(fd, 64), "listen");
	return fd;
}

/* --- servers and clients */

static void echo(int client, uint64_t *served)
{
	char text[256];
	ssize_t length = read(client, text, sizeof(text));

	if (length > 0 && write(client, text, (size_t)length) == length)
		__sync_fetch_and_add(served, 1);
	close(client);
}

static int fork_server(char **argv)
{
	uint64_t *served = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = bound(SOCK_STREAM, "0.0.0.0", argv[0]);

	if (served == MAP_FAILED)
		die("mmap");
	signal(SIGCHLD, SIG_IGN);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int client = checked(accept4(fd, NULL, NULL, SOCK_CLOEXEC), "accept");

		if (!checked(fork(), "fork")) {
			echo(client, served);
			_exit(0);
		}
		close(client);
	}
}

static int udp_server(char **argv)
{
	int fd = bound(SOCK_DGRAM, "0.0.0.0", argv[0]);
	struct sockaddr_in from;
	char text[256];

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t length =
			checked((int)recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size), "recvfrom");

		checked((int)sendto(fd, text, (size_t)length, 0, (struct sockaddr *)&from, size), "sendto");
		if (length == 3 && !memcmp(text, "end", 3))
			return 0;
	}
}

static int ask(char **argv)
{
	struct sockaddr_in in = address_of(argv[1], argv[2]);
	int fd = checked(socket(AF_INET, strcmp(argv[0], "udp") ? SOCK_STREAM : SOCK_DGRAM, 0), "socket");
	char text[256] = "";

	alarm(10);
	checked(connect(fd, (struct sockaddr *)&in, sizeof(in)), "connect");
	checked((int)write(fd, argv[3], strlen(argv[3])), "write");
	checked((int)read(fd, text, sizeof(text) - 1), "read");
	if (strcmp(text, argv[3]))
		die("another answer");
	return 0;
}

/* --- code made at run time */

static const uint8_t returns_42[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */

static void call(void *code)
{
	int (*function)(void);

	memcpy(&function, &code, sizeof(function));
	if (function() != 42)
		die("what the code returned");
}

static void *anonymous(int protection, int more)
{
	void *memory = mmap(NULL, 1 << 20, protection, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* Memory that is writable and executable at once; the same in turns; reserved first, as heaps of code are. */
static int jit(char **argv)
{
	uint8_t *both = anonymous(PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	uint8_t *turns = anonymous(PROT_READ | PROT_WRITE, 0);
	uint8_t *heap = anonymous(PROT_NONE, MAP_NORESERVE);

	(void)argv;
	memcpy(both, returns_42, sizeof(returns_42));
	call(both);
	for (int i = 0; i < ROUNDS; i++) {
		checked(mprotect(turns, 4096, PROT_READ | PROT_WRITE), "mprotect");
		memcpy(turns, returns_42, sizeof(returns_42));
		checked(mprotect(turns, 4096, PROT_READ | PROT_EXEC), "mprotect");
		call(turns);
	}
	if (mmap(heap + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		die("mmap in what was reserved");
	memcpy(heap + 4096, returns_42, sizeof(returns_42));
	call(heap + 4096);
	return 0;
}

static void *work(void *data)
{
	char *none[] = {NULL};

	jit(none);
	__sync_fetch_and_add((int *)data, 1);
	return NULL;
}

static int threads(char **argv)
{
	pthread_t all[THREADS];
	int done = 0;

	(void)argv;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&all[i], NULL, work, &done))
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	return done == THREADS ? 0 : 1;
}

/* --- unix sockets */

static void talk(const struct sockaddr_un *un, socklen_t size, int type)
{
	int server = checked(socket(AF_UNIX, type, 0), "socket"), client = checked(socket(AF_UNIX, type, 0), "socket");
	char byte = 0;

	checked(bind(server, (const struct sockaddr *)un, size), "bind");
	if (type == SOCK_STREAM)
		checked(listen(server, 1), "listen");
	checked(connect(client, (const struct sockaddr *)un, size), "connect");
	checked((int)write(client, "x", 1), "write");
	if (type == SOCK_STREAM)
		server = checked(accept(server, NULL, NULL), "accept");
	checked((int)read(server, &byte, 1), "read");
	if (byte != 'x')
		die("what came");
	close(server);
	close(client);
}

static void pass_on(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2];

	checked(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &pair[0], sizeof(int));
	checked((int)sendmsg(pair[0], &message, 0), "sendmsg");
	checked((int)recvmsg(pair[1], &message, 0), "recvmsg");
}

static int unix_sockets(char **argv)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", argv[0]);
	talk(&un, sizeof(un), SOCK_STREAM);
	unlink(argv[0]);
	talk(&un, sizeof(un), SOCK_DGRAM);
	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "name");
	un.sun_path[0] = '\0';
	talk(&un, offsetof(struct sockaddr_un, sun_path) + 5, SOCK_STREAM);
	pass_on();
	return 0;
}

/* --- io_uring */

struct ring {
	int fd;
	uint8_t *queue;
	struct io_uring_sqe *entries;
	struct io_uring_params params;
};

static void open_ring(struct ring *ring)
{
	ring->fd = checked((int)syscall(SYS_io_uring_setup, 4, &ring->params), "io_uring_setup");
	ring->queue = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (ring->queue == MAP_FAILED || ring->entries == MAP_FAILED)
		die("mmap of the ring");
}

/* One operation at a time: the result of it. */
static int submit(struct ring *ring, const struct io_uring_sqe *entry)
{
	uint32_t *tail = (uint32_t *)(ring->queue + ring->params.sq_off.tail);
	uint32_t *array = (uint32_t *)(ring->queue + ring->params.sq_off.array);
	uint32_t *head = (uint32_t *)(ring->queue + ring->params.cq_off.head);
	const struct io_uring_cqe *results = (const void *)(ring->queue + ring->params.cq_off.cqes);
	int result;

	ring->entries[0] = *entry;
	array[*tail & 3] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	checked((int)syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
	result = results[*head & (ring->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result < 0)
		errno = -result;
	return checked(result, "io_uring");
}

static int uring(char **argv)
{
	struct sockaddr_in in = address_of(argv[0], argv[1]);
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	struct ring ring = {0};
	int fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
	struct io_uring_sqe connecting = {
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uint64_t)(uintptr_t)&in, .off = sizeof(in)};
	struct io_uring_sqe sending = {
		.opcode = IORING_OP_SEND, .fd = fd, .addr = (uint64_t)(uintptr_t)request, .len = sizeof(request) - 1};

	open_ring(&ring);
	submit(&ring, &connecting);
	return submit(&ring, &sending) == sizeof(request) - 1 ? 0 : 1;
}

/* --- more than anyone needs */

static int flood(char **argv)
{
	struct sockaddr_in in = address_of("127.0.0.1", "1");
	int fd = checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	for (long port = strtol(argv[0], NULL, 10); port > 0; port--) {
		in.sin_port = htons((uint16_t)port);
		sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)); /* nobody listens there */
	}
	return 0;
}

/* --- the world outside of the container */

static void serve_http(void)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
	int fd = bound(SOCK_STREAM, "10.1.0.1", "80");
	char request[1024];

	for (;;) {
		int client = checked(accept(fd, NULL, NULL), "accept");

		if (read(client, request, sizeof(request)) > 0)
			checked((int)write(client, answer, sizeof(answer) - 1), "write");
		close(client);
	}
}

/* Every name has the address 10.1.0.1, and no other (RFC 1035, 4.1; a question of type A is answered by one record). */
static ssize_t answer_dns(uint8_t *packet, ssize_t length)
{
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 0, 1};
	ssize_t end = 12;

	while (end < length && packet[end])
		end += packet[end] + 1;
	end += 5;
	if (end > length)
		return -1;
	packet[2] = 0x85; /* a response, with authority */
	packet[3] = 0x80;
	packet[7] = packet[end - 3] == 1;
	memset(packet + 8, 0, 4);
	if (!packet[7])
		return end;
	memcpy(packet + end, record, sizeof(record));
	return end + (ssize_t)sizeof(record);
}

static void serve_dns(void)
{
	int fd = bound(SOCK_DGRAM, "10.3.0.1", "53");
	struct sockaddr_in from;
	uint8_t packet[1024];

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t length = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &size);

		length = length > 12 ? answer_dns(packet, length) : -1;
		if (length > 0)
			sendto(fd, packet, (size_t)length, 0, (struct sockaddr *)&from, size);
	}
}

static int world(char **argv)
{
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	if (checked(fork(), "fork"))
		serve_http();
	serve_dns();
	return 0;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} commands[] = {
	{"fork-server", 1, fork_server},
	{"udp-server", 1, udp_server},
	{"ask", 4, ask},
	{"jit", 0, jit},
	{"threads", 0, threads},
	{"unix", 1, unix_sockets},
	{"uring", 2, uring},
	{"world", 0, world},
	{"flood", 1, flood},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[1]) || argc - 2 != commands[i].arguments)
			continue;
		if (commands[i].run(argv + 2))
			return 1;
		printf("ok\n");
		return 0;
	}
	return 2;
}
