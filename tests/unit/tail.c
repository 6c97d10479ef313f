/* SPDX-License-Identifier: Apache-2.0 */
/* Events on their way: folded, and lines of a log read from its end. */
#include "lib/watch/tail.h"

#include "lib/guard/fold.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- fold */

static struct cfd_guard_event shell_event(uint64_t time)
{
	return (struct cfd_guard_event){.time = time,
					.cgroup = 7,
					.kind = CFD_GUARD_EXEC,
					.verdict = CFD_GUARD_DENIED,
					.reason = CFD_GUARD_SHELL,
					.pid = (uint32_t)time,
					.comm = "sh",
					.path = "/bin/sh"};
}

Test(fold, repeats_are_counted_with_first_and_last)
{
	static struct cfd_fold fold;
	struct cfd_guard_event event;

	for (uint64_t time = 10; time < 15; time++) {
		event = shell_event(time);
		event.lost = time == 12 ? 9 : 0;
		cr_assert(cfd_fold_add(&fold, &event));
	}
	event = shell_event(3); /* a late one */
	cr_assert(cfd_fold_add(&fold, &event));
	cr_assert_eq(fold.count, 1);
	cr_expect_eq(fold.values[0].count, 6);
	cr_expect_eq(fold.values[0].event.time, 3);
	cr_expect_eq(fold.values[0].last, 14);
	cr_expect_eq(fold.values[0].event.lost, 9);
	cr_expect_eq(fold.values[0].event.pid, 10, "the first one's");
}

/* One change each makes another event. */
static void change(struct cfd_guard_event *event, int which)
{
	switch (which) {
	case 0:
		event->cgroup++;
		break;
	case 1:
		event->kind = CFD_GUARD_MMAP;
		break;
	case 2:
		event->verdict = CFD_GUARD_EXEMPTED;
		break;
	case 3:
		event->reason = CFD_GUARD_CHANGED;
		break;
	case 4:
		event->uid++;
		break;
	case 5:
		event->port++;
		break;
	case 6:
		event->protocol++;
		break;
	case 7:
		event->family++;
		break;
	case 8:
		event->address.words[3]++;
		break;
	case 9:
		event->comm[1] = 'x';
		break;
	default:
		event->path[7] = 'x';
	}
}

Test(fold, what_differs_in_anything_that_tells_is_another_event)
{
	static struct cfd_fold fold;

	for (int which = 0; which < 11; which++) {
		struct cfd_guard_event event = shell_event(1);

		change(&event, which);
		cr_assert(cfd_fold_add(&fold, &event));
		cr_expect_eq(fold.count, which + 1, "change %d", which);
	}
}

Test(fold, a_full_one_takes_repeats_and_nothing_new)
{
	static struct cfd_fold fold;
	struct cfd_guard_event event = shell_event(1);

	for (unsigned i = 0; i < CFD_FOLD_ROOM; i++) {
		event.port = (uint16_t)i;
		cr_assert(cfd_fold_add(&fold, &event));
	}
	cr_expect(cfd_fold_add(&fold, &event));
	event.port = CFD_FOLD_ROOM;
	cr_expect_not(cfd_fold_add(&fold, &event));
	cr_expect_eq(fold.values[CFD_FOLD_ROOM - 1].count, 2);
}

/* --- tail */

struct lines {
	char text[256];
	size_t count;
};

static int keep_line(const char *line, size_t length, void *data)
{
	struct lines *lines = data;
	size_t used = strlen(lines->text);

	snprintf(lines->text + used, sizeof(lines->text) - used, "%.*s|", length > 40 ? 40 : (int)length, line);
	lines->count++;
	return 0;
}

static const char *read_tail(struct cfd_tail *tail, struct lines *lines)
{
	struct cfd_error err = {0};

	*lines = (struct lines){0};
	cr_assert_eq(cfd_tail_read(tail, keep_line, lines, &err), 0, "%s", err.message);
	return lines->text;
}

static void append(const char *path, const char *text)
{
	CFD_AUTO_FD int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

Test(tail, begins_with_a_whole_line_and_goes_on_where_it_was)
{
	static const struct {
		off_t start;
		const char *lines;
	} cases[] = {{0, "one|two|"}, {1, "two|"}, {3, "two|"}, {4, "two|"}, {5, ""}, {8, ""}, {99, ""}};
	char top[SCRATCH_PATH], path[96];
	struct lines lines;

	tree_scratch(top);
	snprintf(path, sizeof(path), "%s/log", top);
	append(path, "one\ntwo\n");
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_tail_release) struct cfd_tail tail = CFD_TAIL_INIT;
		struct cfd_error err = {0};

		cr_assert_eq(cfd_tail_open(path, cases[i].start, &tail, &err), 0, "%s", err.message);
		cr_expect_str_eq(read_tail(&tail, &lines), cases[i].lines, "from %d", (int)cases[i].start);
	}
}

Test(tail, a_line_is_given_out_when_it_has_ended)
{
	CFD_AUTO(cfd_tail_release) struct cfd_tail tail = CFD_TAIL_INIT;
	char top[SCRATCH_PATH], path[96], other[96];
	struct cfd_error err = {0};
	struct lines lines;

	tree_scratch(top);
	snprintf(path, sizeof(path), "%s/log", top);
	snprintf(other, sizeof(other), "%s/log.1", top);
	append(path, "one\ntw");
	cr_assert_eq(cfd_tail_open(path, 0, &tail, &err), 0);
	cr_expect_str_eq(read_tail(&tail, &lines), "one|");
	append(path, "o\n\nthree");
	cr_expect_str_eq(read_tail(&tail, &lines), "two|");
	append(path, "\n");
	cr_expect_str_eq(read_tail(&tail, &lines), "three|");
	cr_expect_not(cfd_tail_rotated(&tail, path));
	cr_assert_eq(rename(path, other), 0);
	cr_expect(cfd_tail_rotated(&tail, path), "it is gone");
	append(path, "new\n");
	cr_expect(cfd_tail_rotated(&tail, path), "it is another file");
	cr_assert_eq(cfd_tail_open(path, 0, &tail, &err), 0);
	cr_expect_str_eq(read_tail(&tail, &lines), "new|");
	cr_assert_eq(truncate(path, 0), 0);
	cr_expect(cfd_tail_rotated(&tail, path), "it is shorter");
}

Test(tail, a_line_without_end_costs_no_memory)
{
	CFD_AUTO(cfd_tail_release) struct cfd_tail tail = CFD_TAIL_INIT;
	CFD_AUTO_FREE char *block = malloc(1 << 20);
	char top[SCRATCH_PATH], path[96];
	struct cfd_error err = {0};
	struct lines lines;

	tree_scratch(top);
	snprintf(path, sizeof(path), "%s/log", top);
	memset(block, 'x', (1 << 20) - 1);
	block[(1 << 20) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		append(path, block);
	append(path, "\nafter\n");
	cr_assert_eq(cfd_tail_open(path, 0, &tail, &err), 0);
	cr_expect_str_eq(read_tail(&tail, &lines), "after|");
	cr_expect_leq(tail.rest.capacity, 2 * CFD_TAIL_LINE_MAX);
}

Test(tail, links_and_what_is_no_file_are_refused)
{
	CFD_AUTO(cfd_tail_release) struct cfd_tail tail = CFD_TAIL_INIT;
	char top[SCRATCH_PATH], path[96];
	struct cfd_error err = {0};

	tree_scratch(top);
	snprintf(path, sizeof(path), "%s/link", top);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_expect_eq(cfd_tail_open(path, 0, &tail, &err), -ELOOP);
	cr_expect_eq(cfd_tail_open(top, 0, &tail, &err), -EINVAL);
}
