/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers do all day, in small batches, for tests/bench/turns.c to time inside of a governed cgroup and outside
 * of one. Knows nothing of the guard.
 *
 *   work serve          standard input: lines `OPERATION TIMES`; for each a line with the nanoseconds that the batch
 * took work nothing        what fork+exec executes
 *
 * It makes a network namespace of its own, as a container has.
 */
#include "tests/bench/figures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, PORT = 4000, DATAGRAM = 64, PAGE = 4096 };

static const char library[] = "/lib/libc.so.6";
static const char nothing[] = "/bin/work", dynamic[] = "/bin/dynamic";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int must(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

static double now(void)
{
	return milliseconds(CLOCK_MONOTONIC) * 1e6;
}

/* --- processes */

static double spawn(const char *file, int times)
{
	char *argv[] = {(char *)file, (char *)"nothing", NULL}, *environment[] = {NULL};
	double start = now();

	for (int i = 0; i < times; i++) {
		pid_t child = must(fork(), "fork");
		int status;

		if (!child) {
			execve(file, argv, environment);
			_exit(126);
		}
		must(waitpid(child, &status, 0), "wait");
		if (status) {
			errno = WEXITSTATUS(status) == 126 ? EACCES : ECHILD;
			die(file);
		}
	}
	return now() - start;
}

static double spawn_static(int times)
{
	return spawn(nothing, times);
}

static double spawn_dynamic(int times)
{
	return spawn(dynamic, times);
}

/* --- files */

/* As ld.so does it with libc: header, five mappings one upon the other, what it relocates, gone again. */
static double load_library(int times)
{
	double start = now();

	for (int i = 0; i < times; i++) {
		int fd = must(open(library, O_RDONLY | O_CLOEXEC), library);
		char header[832];
		struct stat st;
		size_t length, quarter;
		char *base;

		must((int)read(fd, header, sizeof(header)), library);
		must(fstat(fd, &st), library);
		length = (size_t)st.st_size & ~(size_t)(PAGE - 1);
		quarter = length / 4 & ~(size_t)(PAGE - 1);
		base = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
		if (base == MAP_FAILED ||
		    mmap(base + quarter, quarter, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, (off_t)quarter) ==
			    MAP_FAILED ||
		    mmap(base + 2 * quarter, quarter, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, (off_t)(2 * quarter)) ==
			    MAP_FAILED ||
		    mmap(base + 3 * quarter, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
			 (off_t)(3 * quarter)) == MAP_FAILED ||
		    mmap(base + 3 * quarter + 6 * PAGE, 13 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			die("mmap");
		close(fd);
		for (int page = 0; page < 6; page++)
			base[3 * quarter + (size_t)page * PAGE] = 1;
		must(munmap(base, length), "munmap");
	}
	return now() - start;
}

/* The one call that the guard judges, alone. */
static double map_code(int times)
{
	int fd = must(open(library, O_RDONLY | O_CLOEXEC), library);
	double start = now();

	for (int i = 0; i < times; i++) {
		void *code = mmap(NULL, 64 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (code == MAP_FAILED)
			die("mmap");
		must(munmap(code, 64 * PAGE), "munmap");
	}
	start = now() - start;
	close(fd);
	return start;
}

/* --- sockets */

static struct sockaddr_in peer;

static int make_server(int type)
{
	struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = peer.sin_port};
	int fd = must(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");

	must(bind(fd, (const void *)&all, sizeof(all)), "bind");
	return fd;
}

/* The client's part is timed: socket, connect, close. */
static double connect_tcp(int times)
{
	static int server = -1;
	double start;

	if (server < 0) {
		server = make_server(SOCK_STREAM);
		must(listen(server, MOST), "listen");
	}
	start = now();
	for (int i = 0; i < times; i++) {
		int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

		must(connect(fd, (const void *)&peer, sizeof(peer)), "connect");
		close(fd);
	}
	start = now() - start;
	for (int i = 0; i < times; i++)
		close(must(accept4(server, NULL, NULL, SOCK_CLOEXEC), "accept"));
	return start;
}

/* step: what is added to the address, but for its last byte, after each datagram; the network is 127.0.0.0/8. */
static double send_udp(int times, unsigned from, unsigned step)
{
	static int server = -1, client;
	const unsigned first = ntohl(peer.sin_addr.s_addr);
	struct sockaddr_in to = peer;
	char datagram[DATAGRAM] = "";
	double start;

	if (server < 0) {
		server = make_server(SOCK_DGRAM);
		client = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	}
	start = now();
	for (int i = 0; i < times; i++) {
		to.sin_addr.s_addr = htonl(127u << 24 | ((first + (from + (unsigned)i * step) * 256) & 0xffffff));
		must((int)sendto(client, datagram, sizeof(datagram), 0, (const void *)&to, sizeof(to)), "sendto");
	}
	start = now() - start;
	for (int i = 0; i < times; i++)
		must((int)recv(server, datagram, sizeof(datagram), 0), "recv");
	return start;
}

static double send_to_one(int times)
{
	return send_udp(times, 0, 0);
}

static double send_to_many(int times)
{
	return send_udp(times, 0, 1);
}

/* To 65,536 before one comes again. */
static double send_to_new(int times)
{
	static unsigned from;

	from += (unsigned)times;
	return send_udp(times, from, 1);
}

static void own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	must(unshare(CLONE_NEWNET), "unshare");
	fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &lo), "lo up");
	close(fd);
}

static const struct operation {
	const char *name;
	double (*run)(int times);
} operations[] = {
	{"spawn", spawn_static},       {"spawn-dynamic", spawn_dynamic},
	{"library", load_library},     {"map", map_code},
	{"connect", connect_tcp},      {"sendto", send_to_one},
	{"sendto-many", send_to_many}, {"sendto-new", send_to_new},
};

static void serve_one(const char *name, int times)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0) {
			printf("%.0f\n", operations[i].run(times));
			fflush(stdout);
			return;
		}
	errno = EINVAL;
	die(name);
}

int main(int argc, char **argv)
{
	char name[16];
	int times;

	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return 0;
	peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
	if (argc != 3 || strcmp(argv[1], "serve") != 0 || inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1) {
		fprintf(stderr, "usage: work serve ADDRESS | nothing\n");
		return 2;
	}
	own_network();
	while (scanf("%15s %d", name, &times) == 2) {
		if (times < 1 || times > MOST)
			die("times");
		serve_one(name, times);
	}
	return 0;
}
