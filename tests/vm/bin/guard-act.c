/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an intruder would try, one action a call: prints `ok` or the errno's name, for tests/vm/tests/20-guard.sh. It
 * runs inside of a governed cgroup and knows nothing of the guard.
 *
 *   guard-act ACTION [ARGUMENT...]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int tell(int failed)
{
	puts(failed ? strerrorname_np(errno) : "ok");
	fflush(stdout);
	return 0;
}

/* --- files */

static int copy_into(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return -1;
	return (int)n;
}

/* Runs `FD --help`-like: a copy of guard-act itself or of a shell; the child's exec tells. */
static int exec_fd(int fd, char **argv)
{
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return tell(1);
}

static int act_exec(char **argv)
{
	pid_t child = fork();
	int status;

	if (!child) {
		execv(argv[0], argv);
		tell(1);
		_exit(126);
	}
	waitpid(child, &status, 0);
	return 0;
}

static int act_become(char **argv)
{
	execv(argv[0], argv);
	return tell(1);
}

static int act_copy(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0755);

	return tell(from < 0 || to < 0 || copy_into(from, to));
}

static int act_memfd(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = memfd_create("x", MFD_CLOEXEC);

	if (from < 0 || to < 0 || copy_into(from, to))
		return tell(1);
	return exec_fd(to, argv);
}

static int act_tmpfile(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = open(argv[1], O_RDWR | O_TMPFILE, 0755), again;
	char path[64];

	if (from < 0 || to < 0 || copy_into(from, to))
		return tell(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	again = open(path, O_RDONLY | O_CLOEXEC); /* else ETXTBSY */
	if (again < 0)
		return tell(1);
	close(to);
	return exec_fd(again, argv);
}

/* Opens a file of the image, unlinks it, executes what is left. */
static int act_deleted(char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink(argv[0]))
		return tell(1);
	return exec_fd(fd, argv);
}

static int act_mmap(char **argv)
{
	int fd = open(argv[0], O_RDONLY);

	return tell(fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
}

static int act_mmap_read(char **argv)
{
	int fd = open(argv[0], O_RDONLY);

	return tell(fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
}

static int act_mmap_anonymous(char **argv)
{
	(void)argv;
	return tell(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED);
}

static int act_link(char **argv)
{
	return tell(link(argv[0], argv[1]));
}

static int act_rename(char **argv)
{
	return tell(rename(argv[0], argv[1]));
}

static int act_symlink(char **argv)
{
	return tell(symlink(argv[0], argv[1]));
}

static int act_write(char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0755);

	return tell(fd < 0 || dprintf(fd, "%s", argv[1]) < 0 || close(fd));
}

static int act_pause(char **argv)
{
	(void)argv;
	pause();
	return 0;
}

/* --- sockets */

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

static struct address parse(const char *text, const char *port)
{
	struct address address = {0};
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

static int socket_for(const struct address *address, int type)
{
	int fd = socket(address->storage.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		perror("socket");
		exit(2);
	}
	return fd;
}

static int act_tcp(char **argv)
{
	struct address to = parse(argv[0], argv[1]);

	return tell(connect(socket_for(&to, SOCK_STREAM), (struct sockaddr *)&to.storage, to.length));
}

static int act_udp(char **argv)
{
	struct address to = parse(argv[0], argv[1]);

	return tell(connect(socket_for(&to, SOCK_DGRAM), (struct sockaddr *)&to.storage, to.length));
}

static int act_sendto(char **argv)
{
	struct address to = parse(argv[0], argv[1]);

	return tell(sendto(socket_for(&to, SOCK_DGRAM), "x", 1, 0, (struct sockaddr *)&to.storage, to.length) < 0);
}

/* As often as it says; tells how often it was refused. */
static int act_flood(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	int fd = socket_for(&to, SOCK_DGRAM), times = atoi(argv[2]), refused = 0;

	for (int i = 0; i < times; i++)
		refused += sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) < 0;
	printf("%d\n", refused);
	return 0;
}

static int act_sendmsg(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_name = &to.storage, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1};

	return tell(sendmsg(socket_for(&to, SOCK_DGRAM), &message, 0) < 0);
}

static int act_sendmmsg(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct mmsghdr message = {
		.msg_hdr = {.msg_name = &to.storage, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1}};

	return tell(sendmmsg(socket_for(&to, SOCK_DGRAM), &message, 1, 0) < 0);
}

/* UDP takes an address of family AF_UNSPEC for one of AF_INET. */
static int act_unspec(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	int fd = socket_for(&to, SOCK_DGRAM);

	to.storage.ss_family = AF_UNSPEC;
	return tell(sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) < 0);
}

static int act_fastopen(char **argv)
{
	struct address to = parse(argv[0], argv[1]);

	return tell(sendto(socket_for(&to, SOCK_STREAM), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to.storage,
			   to.length) < 0);
}

/* UDP to an allowed address, by way of another: a loose source route (RFC 791), or a routing header of type 2 (RFC
 * 6275). */
static int act_source_route(char **argv)
{
	struct address to = parse(argv[0], argv[1]), via = parse(argv[2], argv[1]);
	int fd = socket_for(&to, SOCK_DGRAM);

	if (to.storage.ss_family == AF_INET) {
		unsigned char options[8] = {1, 131, 7, 4};

		memcpy(options + 4, &((struct sockaddr_in *)&via.storage)->sin_addr, 4);
		if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)))
			return tell(1);
	} else {
		unsigned char header[24] = {0, 2, 2, 1};

		memcpy(header + 8, &((struct sockaddr_in6 *)&via.storage)->sin6_addr, 16);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof(header)))
			return tell(1);
	}
	return tell(sendto(fd, "xxxx", 4, 0, (struct sockaddr *)&to.storage, to.length) < 0);
}

/* Connects to what is allowed, then to the other one with the same socket. */
static int act_reconnect(char **argv)
{
	struct address first = parse(argv[0], argv[1]), second = parse(argv[2], argv[1]);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = socket_for(&first, SOCK_DGRAM);

	if (connect(fd, (struct sockaddr *)&first.storage, first.length) || connect(fd, &none, sizeof(none)))
		return tell(1);
	return tell(connect(fd, (struct sockaddr *)&second.storage, second.length));
}

static int act_bind(char **argv)
{
	struct address here = parse(argv[1], argv[2]);

	return tell(bind(socket_for(&here, argv[0][0] == 't' ? SOCK_STREAM : SOCK_DGRAM),
			 (struct sockaddr *)&here.storage, here.length));
}

static int act_listen(char **argv)
{
	struct address here = parse(argv[0], argv[1]);
	int fd = socket_for(&here, SOCK_STREAM);

	if (here.storage.ss_family == AF_INET && strcmp(argv[1], "0") &&
	    bind(fd, (struct sockaddr *)&here.storage, here.length))
		return tell(1);
	return tell(listen(fd, 1));
}

static int act_socket(char **argv)
{
	return tell(socket(atoi(argv[0]), atoi(argv[1]), atoi(argv[2])) < 0);
}

static int act_abstract(char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(to.sun_path + 1, argv[0], sizeof(to.sun_path) - 2);
	return tell(connect(fd, (struct sockaddr *)&to, (socklen_t)(sizeof(to.sun_family) + 1 + strlen(argv[0]))));
}

static const struct action {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} actions[] = {
	{"exec", 1, act_exec},
	{"become", 1, act_become},
	{"copy", 2, act_copy},
	{"memfd", 1, act_memfd},
	{"tmpfile", 2, act_tmpfile},
	{"deleted", 1, act_deleted},
	{"mmap", 1, act_mmap},
	{"mmap-read", 1, act_mmap_read},
	{"mmap-anonymous", 0, act_mmap_anonymous},
	{"link", 2, act_link},
	{"rename", 2, act_rename},
	{"symlink", 2, act_symlink},
	{"write", 2, act_write},
	{"pause", 0, act_pause},
	{"tcp", 2, act_tcp},
	{"udp", 2, act_udp},
	{"sendto", 2, act_sendto},
	{"flood", 3, act_flood},
	{"sendmsg", 2, act_sendmsg},
	{"sendmmsg", 2, act_sendmmsg},
	{"unspec", 2, act_unspec},
	{"fastopen", 2, act_fastopen},
	{"source-route", 3, act_source_route},
	{"reconnect", 3, act_reconnect},
	{"bind", 3, act_bind},
	{"listen", 2, act_listen},
	{"socket", 3, act_socket},
	{"abstract", 1, act_abstract},
};

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "ran")) {
		puts("ran");
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(argv[1], actions[i].name) && argc - 2 >= actions[i].arguments)
			return actions[i].run(argv + 2);
	fprintf(stderr, "guard-act: no such action, or too few arguments\n");
	return 2;
}
