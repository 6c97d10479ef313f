/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks ranges of host ids from subuid(5) and subgid(5), and makes user namespaces that map them.
 *
 * A pick is a walk over the owner's lines of the uid file in steps of a whole range. A step is skipped when the group
 * file does not give the same numbers, when any other owner has any of them, when a live container has, or when they
 * are not the pool's to give (the host's own ids, the end of the number space). Whoever holds the lock of the records
 * calls this, so `used` is complete for this program; other programs take their ids from these two files as well, so
 * what they use is seen as another owner's line and /proc is not searched.
 */
#include "lib/userns/userns.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUBID_MAX_BYTES ((size_t)1 << 20)
#define ID_END UINT64_C(4294967295) /* the last number is (uid_t)-1, which is nobody's */

/* For the message that tells what to write: above what useradd(8) gives away and what systemd's containers take. */
#define SUGGESTED_START 1879048192u
#define SUGGESTED_SIZE 67108864u

struct interval {
	uint64_t start, end; /* end is the first number behind it */
};

struct intervals { /* in the order of the file until they are merged */
	struct interval *values;
	size_t count, capacity;
};

struct subids { /* one file */
	struct intervals own, others;
};

static void intervals_release(struct intervals *intervals)
{
	free(intervals->values);
	*intervals = (struct intervals){0};
}

static void subids_release(struct subids *subids)
{
	intervals_release(&subids->own);
	intervals_release(&subids->others);
}

static int intervals_add(struct intervals *intervals, uint64_t start, uint64_t end)
{
	if (intervals->count == intervals->capacity) {
		size_t capacity = intervals->capacity ? intervals->capacity * 2 : 16;
		struct interval *values = reallocarray(intervals->values, capacity, sizeof(*values));

		if (!values)
			return -ENOMEM;
		intervals->values = values;
		intervals->capacity = capacity;
	}
	intervals->values[intervals->count++] = (struct interval){start, end};
	return 0;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct interval *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

/* Sorts them and joins those that overlap or touch, so that a search can halve them. */
static void intervals_merge(struct intervals *intervals)
{
	size_t kept = 0;

	if (intervals->count)
		qsort(intervals->values, intervals->count, sizeof(*intervals->values), compare_intervals);
	for (size_t i = 0; i < intervals->count; i++) {
		const struct interval *next = &intervals->values[i];

		if (kept && next->start <= intervals->values[kept - 1].end) {
			if (next->end > intervals->values[kept - 1].end)
				intervals->values[kept - 1].end = next->end;
		} else {
			intervals->values[kept++] = *next;
		}
	}
	intervals->count = kept;
}

/* The last of the merged intervals that starts before `end`, or NULL. */
static const struct interval *intervals_last_before(const struct intervals *intervals, uint64_t end)
{
	size_t low = 0, high = intervals->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals->values[middle].start < end)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &intervals->values[low - 1] : NULL;
}

static bool intervals_overlap(const struct intervals *intervals, uint64_t start, uint64_t end)
{
	const struct interval *last = intervals_last_before(intervals, end);

	return last && last->end > start;
}

static bool intervals_cover(const struct intervals *intervals, uint64_t start, uint64_t end)
{
	const struct interval *last = intervals_last_before(intervals, start + 1);

	return last && last->end >= end;
}

/* `owner:start:count`; the line is cut into pieces in its place. */
static int subids_add_line(struct subids *subids, const char *owner, char *line, const char *file, unsigned number,
			   struct cfd_error *err)
{
	char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
	struct intervals *list;
	uint64_t start, count;

	if (!second || first == line)
		return cfd_fail(err, -EINVAL,
				"%s:%u: `%.64s` is not owner:start:count; correct the line or remove it (`#` begins a "
				"comment)",
				file, number, line);
	*first = *second = '\0';
	if (cfd_parse_u64(first + 1, UINT32_MAX, &start) || cfd_parse_u64(second + 1, UINT32_MAX, &count))
		return cfd_fail(err, -EINVAL,
				"%s:%u: `%.64s:%.64s:%.64s`: start and count must be decimal numbers up to 4294967295; "
				"correct the line or remove it",
				file, number, line, first + 1, second + 1);
	list = cfd_streq(line, owner) ? &subids->own : &subids->others;
	if (count && intervals_add(list, start, start + count))
		return cfd_fail_memory(err, file);
	return 0;
}

static int subids_read(const char *file, const char *owner, struct subids *subids, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	unsigned number = 0;
	char *next;
	int r = cfd_fd_read_file(AT_FDCWD, file, SUBID_MAX_BYTES, &text, err);

	if (r == -ENOENT)
		return 0; /* nobody has a range: the caller says so with the line to add */
	if (r)
		return r;
	if (text.length && memchr(text.data, '\0', text.length))
		return cfd_fail(err, -EINVAL, "%s contains a NUL byte", file);
	next = text.data;
	while (next && *next) {
		char *line = next, *end = strchrnul(line, '\n');

		next = *end ? end + 1 : end;
		*end = '\0';
		number++;
		if (!*line || *line == '#')
			continue;
		r = subids_add_line(subids, owner, line, file, number, err);
		if (r)
			return r;
	}
	intervals_merge(&subids->others);
	return 0;
}

static int fail_without_range(const char *owner, const char *uid_file, const char *gid_file, struct cfd_error *err)
{
	return cfd_fail(
		err, -ENOENT,
		"no range of ids for containers: %s and %s give `%s` no %u ids in common that are above %u and nobody "
		"else's; add the line `%s:%u:%u` to both",
		uid_file, gid_file, owner, CFD_USERNS_RANGE_SIZE, CFD_USERNS_LOWEST_HOST_ID - 1, owner, SUGGESTED_START,
		SUGGESTED_SIZE);
}

struct pool {
	struct subids uids, gids;
	const uint32_t *used;
	size_t used_count;
	size_t in_use; /* steps that were skipped because a live container has them */
};

static void pool_release(struct pool *pool)
{
	subids_release(&pool->uids);
	subids_release(&pool->gids);
}

/* Whether a live container has any id of the range that starts there. `used` is sorted. */
static bool is_used(const struct pool *pool, uint64_t start)
{
	size_t low = 0, high = pool->used_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uint64_t)pool->used[middle] + CFD_USERNS_RANGE_SIZE <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pool->used_count && pool->used[low] < start + CFD_USERNS_RANGE_SIZE;
}

static bool pick_from(struct pool *pool, const struct interval *own, uint64_t *ret_start)
{
	uint64_t limit = own->end < ID_END ? own->end : ID_END;

	for (uint64_t start = own->start; start + CFD_USERNS_RANGE_SIZE <= limit; start += CFD_USERNS_RANGE_SIZE) {
		uint64_t end = start + CFD_USERNS_RANGE_SIZE;

		if (start < CFD_USERNS_LOWEST_HOST_ID || !intervals_cover(&pool->gids.own, start, end) ||
		    intervals_overlap(&pool->uids.others, start, end) ||
		    intervals_overlap(&pool->gids.others, start, end))
			continue;
		if (is_used(pool, start)) {
			pool->in_use++;
			continue;
		}
		*ret_start = start;
		return true;
	}
	return false;
}

int cfd_userns_pick(const char *owner, const char *subuid, const char *subgid, const uint32_t *used, size_t used_count,
		    struct cfd_userns_range *ret_range, struct cfd_error *err)
{
	CFD_AUTO(pool_release) struct pool pool = {.used = used, .used_count = used_count};
	uint64_t start;
	int r = subids_read(subuid, owner, &pool.uids, err);

	if (!r)
		r = subids_read(subgid, owner, &pool.gids, err);
	if (r)
		return r;
	intervals_merge(&pool.gids.own);
	for (size_t i = 0; i < pool.uids.own.count; i++) {
		if (!pick_from(&pool, &pool.uids.own.values[i], &start))
			continue;
		*ret_range = (struct cfd_userns_range){.base = (uint32_t)start, .size = CFD_USERNS_RANGE_SIZE};
		return 0;
	}
	if (!pool.in_use)
		return fail_without_range(owner, subuid, subgid, err);
	return cfd_fail(
		err, -ENOSPC,
		"no free range of ids for one more container: all %zu that %s gives `%s` are in use; stop containers "
		"or give it more in %s and %s",
		pool.in_use, subuid, owner, subuid, subgid);
}

int cfd_userns_is_initial(bool *ret_initial, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf map = {0};
	unsigned long inside, outside, count;
	int r = cfd_fd_read_kernel(AT_FDCWD, "/proc/self/uid_map", 65536, &map, err);

	if (r)
		return r;
	/* A namespace without a map yet reads as empty, and is not the initial one. */
	*ret_initial = map.length && sscanf(map.data, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 &&
		       outside == 0 && count == ID_END;
	return 0;
}

int cfd_userns_check_rootful(struct cfd_error *err)
{
	bool initial = false;
	int r = cfd_userns_is_initial(&initial, err);

	if (r || (initial && geteuid() == 0))
		return r;
	return cfd_fail(err, -EOPNOTSUPP,
			"the engine runs without root (%s); cofferdam contains rootful engines only, as the guard and "
			"the records of the host are root's",
			initial ? "it is not uid 0" : "in a user namespace");
}

struct child {
	int pid;
	int pidfd;
};

static void child_end(struct child *child)
{
	siginfo_t info;

	if (child->pid <= 0)
		return;
	syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	/* ECHILD: whoever started us ignores SIGCHLD, and the kernel has reaped it. */
	while (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | __WALL) && errno == EINTR)
		;
	cfd_base_close(&child->pidfd);
}

/* Lives until it is killed, or until its parent is gone. It has copies of the parent's descriptors for that long. */
static _Noreturn void child_wait(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

static int child_start(struct child *ret_child, struct cfd_error *err)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t parent = getpid();
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		child_wait(parent);
	if (pid < 0 && (errno == ENOSPC || errno == EUSERS))
		return cfd_fail(err, -errno,
				"the kernel makes no more user namespaces: raise user.max_user_namespaces (sysctl)");
	if (pid < 0)
		return cfd_fail_errno(err, -errno, "cannot make a user namespace");
	*ret_child = (struct child){.pid = (int)pid, .pidfd = pidfd};
	return 0;
}

static int write_map(int proc, const char *name, const struct cfd_userns_range *range, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
	char line[64];

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s of the new user namespace", name);
	snprintf(line, sizeof(line), "0 %u %u\n", range->base, range->size);
	return cfd_fd_write_all(fd, line, strlen(line), name, err);
}

int cfd_userns_open(const struct cfd_userns_range *range, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO(child_end) struct child child = {.pidfd = -1};
	CFD_AUTO_FD int proc = -1, fd = -1;
	char path[32];
	int r = child_start(&child, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/proc/%d", child.pid);
	r = cfd_fd_open_dir(AT_FDCWD, path, false, &proc, err);
	if (!r)
		r = write_map(proc, "uid_map", range, err);
	if (!r)
		r = write_map(proc, "gid_map", range, err);
	if (r)
		return r;
	fd = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the new user namespace");
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}
