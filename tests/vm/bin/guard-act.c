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
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* --- answers of a UDP server */

static const char *error_of(int failed)
{
	return failed ? strerrorname_np(errno) : "ok";
}

static const char *sends(int fd, const struct address *to)
{
	return error_of(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to->storage, to->length) < 0);
}

static int server_at(int family, const char *port)
{
	struct address here = parse(family == AF_INET ? "0.0.0.0" : "::", port);
	int fd = socket_for(&here, SOCK_DGRAM);

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&here.storage, here.length)) {
		perror("bind");
		exit(2);
	}
	return fd;
}

static void add_to_port(struct address *address, int add)
{
	in_port_t *port = &((struct sockaddr_in *)&address->storage)->sin_port; /* at the same place in both */

	*port = htons((uint16_t)(ntohs(*port) + add));
}

/* udp-serve PORT STRANGER: waits for a client; to whom may it send then? */
static int serve(int family, char **argv)
{
	int fd = server_at(family, argv[0]), second, none;
	struct address client = {.length = sizeof(client.storage)}, stranger = parse(argv[1], "4444"), other;
	const char *before = sends(fd, &stranger);
	char byte;

	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&client.storage, &client.length) != 1)
		return tell(1);
	printf("before %s, answer %s, ", before, sends(fd, &client));
	printf("again %s, ", sends(fd, &client));
	second = server_at(family, argv[0]); /* as QUIC servers do: a socket for each client */
	printf("connected %s, ", error_of(connect(second, (struct sockaddr *)&client.storage, client.length)));
	other = client;
	add_to_port(&other, 1);
	printf("other port %s, ", sends(fd, &other));
	other = parse(family == AF_INET ? "10.1.0.2" : "::ffff:10.1.0.2", "4000");
	printf("other address %s, ", sends(fd, &other));
	none = socket_for(&client, SOCK_DGRAM);
	printf("other socket %s\n", sends(none, &client));
	return 0;
}

static int act_udp_serve(char **argv)
{
	return serve(AF_INET, argv);
}

static int act_udp_serve6(char **argv)
{
	return serve(AF_INET6, argv);
}

/* udp-ask FROM PORT TO PORT */
static int act_udp_ask(char **argv)
{
	struct address from = parse(argv[0], argv[1]), to = parse(argv[2], argv[3]);
	int fd = socket_for(&from, SOCK_DGRAM);
	struct timeval patience = {.tv_sec = 10};
	char byte;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    bind(fd, (struct sockaddr *)&from.storage, from.length) ||
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&to.storage, to.length) != 1 || recv(fd, &byte, 1, 0) != 1)
		return tell(1);
	puts("answered");
	return 0;
}

/* udp-again PORT TO PORT: from the server's port, to who may have asked before. */
static int act_udp_again(char **argv)
{
	struct address to = parse(argv[1], argv[2]);

	puts(sends(server_at(AF_INET, argv[0]), &to));
	return 0;
}

/* udp-control TO PORT: a connected socket, a message that asks for a time to live of its own. */
static int act_udp_control(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = {0};
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	int fd = socket_for(&to, SOCK_DGRAM);

	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_TTL;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &(int){64}, sizeof(int));
	return tell(connect(fd, (struct sockaddr *)&to.storage, to.length) || sendmsg(fd, &message, 0) != 1);
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
		struct address own = parse(addresses[i], "0");

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
static int act_udp_pretend(char **argv)
{
	const char *const addresses[] = {argv[1], argv[2]};
	struct address who = parse(argv[1], "0"), mine = parse(argv[2], argv[0]);
	int here = server_at(AF_INET, argv[0]), there, client;
	char byte;

	if (own_network(addresses))
		return tell(1);
	there = server_at(AF_INET, argv[0]);
	client = socket_for(&who, SOCK_DGRAM);
	if (bind(client, (struct sockaddr *)&who.storage, who.length) ||
	    getsockname(client, (struct sockaddr *)&who.storage, &who.length) ||
	    sendto(client, "x", 1, 0, (struct sockaddr *)&mine.storage, mine.length) != 1 ||
	    recvfrom(there, &byte, 1, 0, (struct sockaddr *)&who.storage, &who.length) != 1)
		return tell(1);
	printf("there %s, ", sends(there, &who));
	printf("here %s\n", sends(here, &who));
	return 0;
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

/* What a container must not get through with its first instructions: status 1, a shell ran; 2, a connect was not
 * denied; 3, both. */
static int act_first(char **argv)
{
	struct address to = parse(argv[0], argv[1]);
	int status = 0, fd = -1;
	pid_t child = vfork();

	if (!child) {
		execl("/bin/sh", "sh", "-c", "exit 42", NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	fd = socket(to.storage.ss_family, SOCK_DGRAM, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to.storage, to.length) && errno == EPERM))
		return WEXITSTATUS(status) == 42;
	return (WEXITSTATUS(status) == 42) | 2;
}

static const struct action {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} actions[] = {
	{"exec", 1, act_exec},
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
	{"udp-serve", 2, act_udp_serve},
	{"udp-serve6", 2, act_udp_serve6},
	{"udp-ask", 4, act_udp_ask},
	{"udp-again", 3, act_udp_again},
	{"udp-pretend", 3, act_udp_pretend},
	{"udp-control", 2, act_udp_control},
	{"bind", 3, act_bind},
	{"listen", 2, act_listen},
	{"socket", 3, act_socket},
	{"first", 2, act_first},
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
