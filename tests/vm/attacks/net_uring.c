/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring, by its system calls: no network system call is made at all. */
#include "tests/vm/attacks/net.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4

/* Submits one operation and waits for it: 0 or a positive result; -1 with errno. */
static int submit(const struct io_uring_sqe *operation)
{
	struct io_uring_params params = {0};
	int ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
	size_t sq_size = params.sq_off.array + params.sq_entries * sizeof(uint32_t),
	       cq_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	char *sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING),
	     *cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
					 ring, IORING_OFF_SQES);
	const struct io_uring_cqe *done;
	int r;

	if (ring < 0 || sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return -1;
	sqes[0] = *operation;
	((uint32_t *)(sq + params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	r = (int)syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	if (r != 1)
		return -1;
	done = (const struct io_uring_cqe *)(cq + params.cq_off.cqes);
	close(ring);
	if (done->res >= 0)
		return done->res;
	errno = -done->res;
	return -1;
}

int net_uring_connect(void)
{
	struct net_address to = net_address(NET_FORBIDDEN4, NET_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe operation = {
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uintptr_t)&to.any, .off = to.length};

	if (submit(&operation) < 0)
		return net_refused("IORING_OP_CONNECT");
	return net_talk(fd);
}

static int send_message(int fd, const char *text, uint32_t flags)
{
	struct net_address to = net_address(text, NET_PORT);
	struct iovec data = {(char[]){'x'}, 1};
	struct msghdr message = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &data, .msg_iovlen = 1};
	struct io_uring_sqe operation = {
		.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (uintptr_t)&message, .len = 1, .msg_flags = flags};

	if (submit(&operation) >= 0)
		return net_hear(fd);
	/* Fast Open does not wait: the connection is on its way. */
	return errno == EINPROGRESS ? net_talk(fd) : net_refused("IORING_OP_SENDMSG");
}

int net_uring_sendmsg(void)
{
	return send_message(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), NET_FORBIDDEN4, 0);
}

int net_uring_fastopen(void)
{
	return send_message(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), NET_FORBIDDEN6, MSG_FASTOPEN);
}
