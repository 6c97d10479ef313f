/* SPDX-License-Identifier: Apache-2.0 */
/* Asks name servers for addresses, in a child in another network namespace. */
#include "lib/policy/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2
#define FIRST_WAIT_MS 1500 /* for one answer, in the first round; twice as long in the second */
#define UDP_MAX 512        /* RFC 1035, 2.3.4: more is not sent to who does not say that he takes more */
#define TCP_MAX 4096       /* a longer answer is of no use to us */
#define NOBODY 65534

/* What parent and child share: memory that the child writes and the parent reads when the child has ended. */
struct work {
	int result;
	struct cfd_error err;
	struct cfd_resolved_name resolved[CFD_RESOLVE_NAMES];
};

struct asking {
	const struct cfd_resolve_request *request;
	size_t server;    /* the one that answered last */
	int64_t deadline; /* CLOCK_MONOTONIC, ms */
};

struct peer { /* a server as the kernel wants it */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t size;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct peer peer_of(const struct cfd_resolve_server *server, uint16_t port)
{
	struct peer peer = {.size = sizeof(peer.address.in6)};

	if (!IN6_IS_ADDR_V4MAPPED(&server->address)) {
		peer.address.in6.sin6_family = AF_INET6;
		peer.address.in6.sin6_port = htons(port);
		peer.address.in6.sin6_addr = server->address;
		return peer;
	}
	peer.address.in.sin_family = AF_INET;
	peer.address.in.sin_port = htons(port);
	memcpy(&peer.address.in.sin_addr, server->address.s6_addr + 12, 4);
	peer.size = sizeof(peer.address.in);
	return peer;
}

static const char *server_text(const struct cfd_resolve_server *server, char text[INET6_ADDRSTRLEN])
{
	bool mapped = IN6_IS_ADDR_V4MAPPED(&server->address);

	return inet_ntop(mapped ? AF_INET : AF_INET6, server->address.s6_addr + (mapped ? 12 : 0), text,
			 INET6_ADDRSTRLEN);
}

/* False when the time is over. */
static bool wait_for(int fd, short events, int64_t until)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = until - now_ms();
		int r = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;

		if (r >= 0 || errno != EINTR)
			return r > 0;
	}
}

static int open_socket(const struct cfd_resolve_server *server, int type, int64_t until)
{
	struct peer peer = peer_of(server, server->port);
	CFD_AUTO_FD int fd = socket(peer.address.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, &peer.address.any, peer.size) && errno != EINPROGRESS)
		return -errno;
	if (type == SOCK_STREAM &&
	    (!wait_for(fd, POLLOUT, until) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error))
		return error ? -error : -ETIMEDOUT;
	return cfd_take_fd(&fd);
}

struct question {
	uint8_t bytes[CFD_DNS_QUERY];
	size_t length;
};

/* A connected socket hears nobody else; what is no answer to this question is passed over. */
static int ask_udp(const struct cfd_resolve_server *server, const struct question *question, int64_t until,
		   struct cfd_dns_answer *answer)
{
	CFD_AUTO_FD int fd = open_socket(server, SOCK_DGRAM, until);
	uint8_t bytes[UDP_MAX];

	if (fd < 0)
		return fd;
	if (send(fd, question->bytes, question->length, MSG_NOSIGNAL) < 0)
		return -errno;
	while (wait_for(fd, POLLIN, until)) {
		ssize_t length = recv(fd, bytes, sizeof(bytes), 0);

		if (length < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (length > 0 && cfd_dns_read(bytes, (size_t)length, question->bytes, question->length, answer))
			return 0;
	}
	return -ETIMEDOUT;
}

static int receive(int fd, uint8_t *bytes, size_t length, int64_t until)
{
	for (size_t done = 0; done < length;) {
		ssize_t r = wait_for(fd, POLLIN, until) ? recv(fd, bytes + done, length - done, 0) : 0;

		if (r < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (r == 0)
			return now_ms() < until ? -ECONNRESET : -ETIMEDOUT;
		done += r > 0 ? (size_t)r : 0;
	}
	return 0;
}

/* RFC 1035, 4.2.2: the length in front. */
static int ask_tcp(const struct cfd_resolve_server *server, const struct question *question, int64_t until,
		   struct cfd_dns_answer *answer)
{
	CFD_AUTO_FD int fd = open_socket(server, SOCK_STREAM, until);
	uint8_t bytes[TCP_MAX], framed[2 + CFD_DNS_QUERY];
	size_t length;
	int r;

	if (fd < 0)
		return fd;
	framed[0] = (uint8_t)(question->length >> 8);
	framed[1] = (uint8_t)question->length;
	memcpy(framed + 2, question->bytes, question->length);
	if (send(fd, framed, question->length + 2, MSG_NOSIGNAL) != (ssize_t)question->length + 2)
		return -ECONNRESET; /* so few bytes fit into every new socket */
	r = receive(fd, bytes, 2, until);
	if (r)
		return r;
	length = (size_t)bytes[0] << 8 | bytes[1];
	if (length > sizeof(bytes))
		return -EMSGSIZE;
	r = receive(fd, bytes, length, until);
	if (r)
		return r;
	return cfd_dns_read(bytes, length, question->bytes, question->length, answer) ? 0 : -EBADMSG;
}

static int ask_server(const struct cfd_resolve_server *server, const char *name, enum cfd_dns_type type, int64_t until,
		      struct cfd_dns_answer *answer)
{
	struct question question;
	uint16_t id;
	int r;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	question.length = cfd_dns_query(id, name, type, question.bytes);
	if (!question.length)
		return -EINVAL;
	r = ask_udp(server, &question, until, answer);
	if (!r && answer->truncated)
		r = ask_tcp(server, &question, until, answer);
	if (!r && answer->code != CFD_DNS_FINE && answer->code != CFD_DNS_NO_SUCH_NAME)
		return -EAGAIN; /* it cannot tell; another one may */
	return r;
}

static void list_servers(const struct cfd_resolve_request *request, struct cfd_buf *text)
{
	char address[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < request->server_count; i++)
		cfd_buf_addf(text, "%s%s", i ? ", " : "", server_text(&request->servers[i], address));
}

/* Every server in turn, then all once more with more time; first the one that answered last. */
static int ask(struct asking *asking, const char *name, enum cfd_dns_type type, struct cfd_dns_answer *answer,
	       struct cfd_error *err)
{
	const struct cfd_resolve_request *request = asking->request;
	CFD_AUTO_BUF struct cfd_buf servers = {0};
	int last = -ETIMEDOUT;

	for (size_t i = 0; i < ROUNDS * request->server_count; i++) {
		size_t which = (asking->server + i) % request->server_count;
		int64_t until = now_ms() + FIRST_WAIT_MS * (int64_t)(i / request->server_count + 1);

		if (until > asking->deadline)
			until = asking->deadline;
		if (now_ms() >= until)
			break;
		last = ask_server(&request->servers[which], name, type, until, answer);
		if (!last) {
			asking->server = which;
			return 0;
		}
	}
	list_servers(request, &servers);
	return cfd_fail(err, -ETIMEDOUT,
			"%s: none of the name servers %s answers from the container's network (%s): set up the network "
			"before the container is created, correct its resolv.conf, or write addresses",
			name, servers.data ? servers.data : "", strerrordesc_np(-last));
}

static int resolve_name(struct asking *asking, const char *name, struct cfd_resolved_name *resolved,
			struct cfd_error *err)
{
	static const enum cfd_dns_type types[] = {CFD_DNS_A, CFD_DNS_AAAA};
	char server[INET6_ADDRSTRLEN];
	unsigned code = CFD_DNS_FINE;

	for (size_t i = 0; i < CFD_COUNT(types); i++) {
		struct cfd_dns_answer answer = {0};
		int r = ask(asking, name, types[i], &answer, err);

		if (r)
			return r;
		code = answer.code;
		memcpy(resolved->addresses + resolved->count, answer.addresses,
		       answer.count * sizeof(answer.addresses[0]));
		resolved->count += answer.count;
	}
	if (resolved->count)
		return 0;
	server_text(&asking->request->servers[asking->server], server);
	return cfd_fail(err, -ENOENT, "%s: the name server %s says that there is no %s: correct the name", name, server,
			code == CFD_DNS_NO_SUCH_NAME ? "such name" : "address for it");
}

/* An address that can be bound is this namespace's own. */
static bool is_local(const struct cfd_resolve_server *server)
{
	struct peer peer = peer_of(server, 0);
	CFD_AUTO_FD int fd = socket(peer.address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, &peer.address.any, peer.size) == 0;
}

static int check_elsewhere(const struct cfd_resolve_request *request, struct cfd_error *err)
{
	char server[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < request->server_count; i++)
		if (request->servers[i].elsewhere && is_local(&request->servers[i]))
			return cfd_fail(err, -EOPNOTSUPP,
					"follow: the name server %s is an address of the container's own network "
					"namespace, where answers can be forged: give it one that is not, or leave "
					"\"follow\" out",
					server_text(&request->servers[i], server));
	return 0;
}

/* From here on nothing can be reached that an unprivileged process there could not. */
static int go_there(int netns, struct cfd_error *err)
{
	struct stat there, here;

	if (fstat(netns, &there) || stat("/proc/self/ns/net", &here))
		return cfd_fail_errno(err, -errno, "cannot look at the container's network namespace");
	if ((there.st_dev != here.st_dev || there.st_ino != here.st_ino) && setns(netns, CLONE_NEWNET))
		return cfd_fail_errno(err, -errno, "cannot enter the container's network namespace");
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
		return cfd_fail_errno(err, -errno, "cannot give up root to resolve names");
	return 0;
}

static int resolve_all(const struct cfd_resolve_request *request, struct cfd_resolved_name *resolved,
		       struct cfd_error *err)
{
	struct asking asking = {.request = request, .deadline = now_ms() + CFD_RESOLVE_SECONDS * INT64_C(1000)};
	int r = go_there(request->netns, err);

	if (!r)
		r = check_elsewhere(request, err);
	for (size_t i = 0; !r && i < request->name_count; i++)
		r = resolve_name(&asking, request->names[i], &resolved[i], err);
	return r;
}

static _Noreturn void run_child(pid_t parent, const struct cfd_resolve_request *request, struct work *work)
{
	signal(SIGALRM, SIG_DFL);
	alarm(CFD_RESOLVE_SECONDS + 2);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || getppid() != parent)
		_exit(1);
	work->result = resolve_all(request, work->resolved, &work->err);
	_exit(0);
}

static void unmap(struct work **work)
{
	if (*work)
		munmap(*work, sizeof(**work));
}

/* What the child left is looked at as what it is: of a process that read from the network. */
static int take_result(const struct work *work, const struct cfd_resolve_request *request,
		       struct cfd_resolved_name *ret_resolved, struct cfd_error *err)
{
	if (work->result)
		return cfd_fail(err, work->result < 0 ? work->result : -EIO, "%.*s", (int)sizeof(work->err.message) - 1,
				work->err.message);
	for (size_t i = 0; i < request->name_count; i++)
		if (!work->resolved[i].count || work->resolved[i].count > CFD_COUNT(work->resolved[i].addresses))
			return cfd_fail(err, -EIO, "%s: it could not be resolved", request->names[i]);
	memcpy(ret_resolved, work->resolved, request->name_count * sizeof(*ret_resolved));
	return 0;
}

int cfd_resolve_names(const struct cfd_resolve_request *request, struct cfd_resolved_name *ret_resolved,
		      struct cfd_error *err)
{
	CFD_AUTO(unmap) struct work *work = NULL;
	void *memory;
	int status = 0;
	pid_t parent = getpid(), child;

	if (!request->server_count || request->name_count > CFD_RESOLVE_NAMES)
		return cfd_fail(err, -EINVAL, "%zu names for %zu name servers", request->name_count,
				request->server_count);
	memory = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return cfd_fail_memory(err, "the resolver");
	work = memory;
	child = fork();
	if (child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process that resolves names");
	if (!child)
		run_child(parent, request, work);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cfd_fail_errno(err, -errno, "cannot wait for the process that resolves names");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return cfd_fail(err, -ETIMEDOUT, "the process that resolves names ended before its time (status %d)",
				status);
	return take_result(work, request, ret_resolved, err);
}
