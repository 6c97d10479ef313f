/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks ranges of host ids from subuid(5) and subgid(5).
 *
 * A pick is a walk over the owner's lines of the uid file in steps of 65536 ids. A place is skipped when the group file
 * does not give the same numbers, when any other owner has any of them, when a live container has, or when they are not
 * the pool's to give (the host's own ids, the end of the number space). A range that was asked for by its numbers is
 * held against the same, wherever it begins. Whoever holds the lock of the records calls this, so `used` is complete
 * for this program; other programs take their ids from these two files as well, so what they use is seen as another
 * owner's line. /proc is not searched: see lib/userns/pool.h.
 */
#include "lib/userns/pool.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Where the first of the merged intervals after `start` begins, or `end`. */
static uint64_t intervals_next_start(const struct intervals *intervals, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < intervals->count; i++)
		if (intervals->values[i].start > start)
			return intervals->values[i].start < end ? intervals->values[i].start : end;
	return end;
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

struct ids { /* both files, and what of them is in use */
	struct subids uids, gids;
	struct intervals used;
};

static void ids_release(struct ids *ids)
{
	subids_release(&ids->uids);
	subids_release(&ids->gids);
	intervals_release(&ids->used);
}

static int ids_read(const struct cfd_pool *pool, struct ids *ids, struct cfd_error *err)
{
	int r = subids_read(pool->subuid, pool->owner, &ids->uids, err);

	if (!r && pool->subgid)
		r = subids_read(pool->subgid, pool->owner, &ids->gids, err);
	for (size_t i = 0; !r && i < pool->used_count; i++) {
		uint64_t start = pool->used[i].base;

		if (intervals_add(&ids->used, start, start + pool->used[i].size))
			r = cfd_fail_memory(err, "the ranges in use");
	}
	intervals_merge(&ids->gids.own);
	intervals_merge(&ids->used);
	return r;
}

/* Whether the pool may give it, in use or not; that the uid file has it is the caller's to see. */
static bool may_be_given(const struct ids *ids, uint64_t start, uint64_t end)
{
	return start >= CFD_USERNS_LOWEST_HOST_ID && end <= ID_END && intervals_cover(&ids->gids.own, start, end) &&
	       !intervals_overlap(&ids->uids.others, start, end) && !intervals_overlap(&ids->gids.others, start, end);
}

/* The next place on the line, from *start on, for a range of that size. */
static bool next_place(const struct ids *ids, const struct interval *line, uint32_t size, uint64_t *start)
{
	for (; *start + size <= line->end; *start += CFD_USERNS_RANGE_SIZE)
		if (may_be_given(ids, *start, *start + size))
			return true;
	return false;
}

static void count_places(const struct ids *ids, uint32_t size, struct cfd_pool_count *count)
{
	for (size_t i = 0; i < ids->uids.own.count; i++) {
		const struct interval *line = &ids->uids.own.values[i];

		for (uint64_t start = line->start; next_place(ids, line, size, &start);
		     start += CFD_USERNS_RANGE_SIZE) {
			if (!count->ranges++)
				count->lowest = (uint32_t)start;
			count->in_use += intervals_overlap(&ids->used, start, start + CFD_USERNS_RANGE_SIZE);
		}
	}
}

static int fail_without_range(const struct cfd_pool *pool, uint32_t size, struct cfd_error *err)
{
	return cfd_fail(
		err, -ENOENT,
		"no range of ids for containers: %s and %s give `%s` no %u ids in common that are above %u and nobody "
		"else's; add the line `%s:%u:%u` to both",
		pool->subuid, pool->subgid, pool->owner, size, CFD_USERNS_LOWEST_HOST_ID - 1, pool->owner,
		SUGGESTED_START, SUGGESTED_SIZE);
}

static int fail_without_free_range(const struct cfd_pool *pool, const struct ids *ids, uint32_t size,
				   struct cfd_error *err)
{
	struct cfd_pool_count places = {0}, ranges = {0};

	count_places(ids, size, &places);
	if (!places.ranges)
		return fail_without_range(pool, size, err);
	count_places(ids, CFD_USERNS_RANGE_SIZE, &ranges);
	if (size == CFD_USERNS_RANGE_SIZE)
		return cfd_fail(err, -ENOSPC,
				"no free range of ids for one more container: all %zu that %s gives `%s` are in use; "
				"stop containers or give it more in %s and %s",
				ranges.in_use, pool->subuid, pool->owner, pool->subuid, pool->subgid);
	return cfd_fail(err, -ENOSPC,
			"no free range of %u ids in a row for one more container: of the %zu ranges of %u that %s "
			"gives `%s`, %zu are in use; stop containers or give it more in %s and %s",
			size, ranges.ranges, CFD_USERNS_RANGE_SIZE, pool->subuid, pool->owner, ranges.in_use,
			pool->subuid, pool->subgid);
}

static int pick_any(const struct cfd_pool *pool, const struct ids *ids, uint32_t size, uint64_t *ret_start,
		    struct cfd_error *err)
{
	for (size_t i = 0; i < ids->uids.own.count; i++) {
		const struct interval *line = &ids->uids.own.values[i];
		uint64_t start = line->start;

		for (; next_place(ids, line, size, &start); start += CFD_USERNS_RANGE_SIZE) {
			if (intervals_overlap(&ids->used, start, start + size))
				continue;
			*ret_start = start;
			return 0;
		}
	}
	return fail_without_free_range(pool, ids, size, err);
}

static int check_fixed(const struct cfd_pool *pool, struct ids *ids, uint32_t base, uint32_t size,
		       struct cfd_error *err)
{
	uint64_t end = (uint64_t)base + size;

	intervals_merge(&ids->uids.own); /* it may lie on two lines */
	if (base < CFD_USERNS_LOWEST_HOST_ID || end > ID_END)
		return cfd_fail(err, -ENOENT, "the ids %u to %" PRIu64 " are not all above %u and below %" PRIu64, base,
				end - 1, CFD_USERNS_LOWEST_HOST_ID - 1, ID_END);
	if (intervals_overlap(&ids->uids.others, base, end) || intervals_overlap(&ids->gids.others, base, end))
		return cfd_fail(err, -ENOENT,
				"of the ids %u to %" PRIu64 ", %s or %s gives some to another owner than `%s`: ask for "
				"others",
				base, end - 1, pool->subuid, pool->subgid, pool->owner);
	if (!intervals_cover(&ids->uids.own, base, end) || !intervals_cover(&ids->gids.own, base, end))
		return cfd_fail(err, -ENOENT,
				"the ids %u to %" PRIu64 " are not all in what %s and %s give `%s`: ask for others, or "
				"add the line `%s:%u:%u` to both",
				base, end - 1, pool->subuid, pool->subgid, pool->owner, pool->owner, base, size);
	if (intervals_overlap(&ids->used, base, end))
		return cfd_fail(err, -EBUSY, "of the ids %u to %" PRIu64 ", another container has some", base, end - 1);
	return 0;
}

int cfd_pool_pick(const struct cfd_pool *pool, const struct cfd_userns_range *wanted,
		  struct cfd_userns_range *ret_range, struct cfd_error *err)
{
	CFD_AUTO(ids_release) struct ids ids = {0};
	uint32_t size = wanted->size ? wanted->size : CFD_USERNS_RANGE_SIZE;
	uint64_t start = wanted->base;
	int r = ids_read(pool, &ids, err);

	if (!r)
		r = start ? check_fixed(pool, &ids, wanted->base, size, err) : pick_any(pool, &ids, size, &start, err);
	if (!r)
		*ret_range = (struct cfd_userns_range){.base = (uint32_t)start, .size = size};
	return r;
}

int cfd_pool_count(const struct cfd_pool *pool, struct cfd_pool_count *ret_count, struct cfd_error *err)
{
	CFD_AUTO(ids_release) struct ids ids = {0};
	struct cfd_pool_count count = {0};
	int r = ids_read(pool, &ids, err);

	if (r)
		return r;
	count_places(&ids, CFD_USERNS_RANGE_SIZE, &count);
	if (!count.ranges)
		return fail_without_range(pool, CFD_USERNS_RANGE_SIZE, err);
	*ret_count = count;
	return 0;
}

/* What another owner has too is never picked. Both are merged. */
static bool has_alone(const struct subids *ids, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct interval *other = intervals_last_before(&ids->others, start + 1);
		uint64_t next = intervals_next_start(&ids->others, start, end);

		if (other && other->end > start) {
			start = other->end;
			continue;
		}
		if (intervals_overlap(&ids->own, start, next))
			return true;
		start = next;
	}
	return false;
}

int cfd_pool_find(const struct cfd_pool *pool, const struct cfd_userns_range *ranges, size_t count, size_t *ret_index,
		  struct cfd_error *err)
{
	CFD_AUTO(ids_release) struct ids ids = {0};
	size_t index = 0;
	int r = ids_read(pool, &ids, err);

	if (r)
		return r;
	intervals_merge(&ids.uids.own);
	for (; index < count; index++) {
		uint64_t start = ranges[index].base, end = start + ranges[index].size;

		if (has_alone(&ids.uids, start, end) || has_alone(&ids.gids, start, end))
			break;
	}
	*ret_index = index;
	return 0;
}
