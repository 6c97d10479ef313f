/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(base, numbers_are_plain_decimals_in_range)
{
	static const struct {
		const char *text;
		uint64_t max;
		int expected;
	} cases[] = {
		{"0", 0, 0},
		{"65535", 65535, 0},
		{"65536", 65535, -ERANGE},
		{"", 10, -EINVAL},
		{"01", 10, -EINVAL},
		{"+1", 10, -EINVAL},
		{" 1", 10, -EINVAL},
		{"1 ", 10, -EINVAL},
		{"-1", 10, -EINVAL},
		{"0x1", 10, -EINVAL},
		{"18446744073709551615", UINT64_MAX, 0},
		{"18446744073709551616", UINT64_MAX, -ERANGE},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		uint64_t value = 77;

		cr_expect_eq(cfd_parse_u64(cases[i].text, cases[i].max, &value), cases[i].expected, "%s",
			     cases[i].text);
		if (cases[i].expected)
			cr_expect_eq(value, 77, "output touched by %s", cases[i].text);
	}
}

Test(base, a_text_takes_the_place_of_another)
{
	char *slot = NULL;

	cr_expect_eq(cfd_string_replace(&slot, "first"), 0);
	cr_expect_str_eq(slot, "first");
	cr_expect_eq(cfd_string_replace(&slot, "second"), 0);
	cr_expect_str_eq(slot, "second");
	cr_expect_eq(cfd_string_replace(&slot, NULL), 0);
	cr_expect_null(slot);
}

Test(base, json_strings_stay_json_whatever_the_bytes)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain", "\"plain\""},
		{"a\"b\\c\n", "\"a\\\"b\\\\c\\u000a\""},
		{"\xc3\xa9", "\"\xc3\xa9\""},
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf buf = {0};

		cr_assert_eq(cfd_buf_add_json(&buf, cases[i].in), 0);
		cr_expect_str_eq(buf.data, cases[i].out);
	}
}

Test(err, a_message_obeys_no_terminal)
{
	char line[] = "a\x1b[2Jb\nc\x7f";
	struct cfd_error err;

	cfd_fail(&err, -EINVAL, "cannot open %s", "a\x1b[2J\tb\nc");
	cr_expect_str_eq(err.message, "cannot open a?[2J?b\nc");
	cfd_wrap(&err, "in \a");
	cr_expect_str_eq(err.message, "in ?: cannot open a?[2J?b\nc");
	cfd_hide_control(line, "");
	cr_expect_str_eq(line, "a?[2Jb?c?");
	cfd_hide_control(NULL, "");
}

/* U+009B is the CSI of ECMA-48 to a terminal that reads UTF-8; U+202E turns what follows around. */
Test(err, a_message_obeys_no_terminal_that_reads_utf_8)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"\xc2\x9b"
		 "2J",
		 "??2J"},
		{"a\xe2\x80\xae"
		 "b",
		 "a???b"},
		{"\xe2\x81\xa6\xe2\x81\xa9", "??????"},
		{"\xd8\x9c", "??"},
		{"\xe2\x80\xa8", "???"},
		{"\xc2\xa0\xc3\xa9\xe2\x80\x93\xe2\x81\xa5\xd8\x9d",
		 "\xc2\xa0\xc3\xa9\xe2\x80\x93\xe2\x81\xa5\xd8\x9d"},
		{"\xc2", "\xc2"},
		{"\xe2\x80", "\xe2\x80"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		cfd_hide_control(text, "");
		cr_expect_str_eq(text, cases[i].shown, "case %zu", i);
	}
}

Test(err, context_goes_in_front_and_a_long_message_is_cut)
{
	struct cfd_error err = {0};
	char long_text[4096];

	cr_expect_eq(cfd_fail_errno(&err, -ENOSPC, "cannot write %s", "x"), -ENOSPC);
	cr_expect_str_eq(err.message, "cannot write x: No space left on device");
	cr_expect_eq(cfd_wrap(&err, "saving %d", 7), -ENOSPC);
	cr_expect_str_eq(err.message, "saving 7: cannot write x: No space left on device");

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	cr_expect_eq(cfd_fail(&err, -EINVAL, "%s", long_text), -EINVAL);
	cr_expect(cfd_ends_with(err.message, "aaa..."));
	cfd_wrap(&err, "context");
	cr_expect(cfd_starts_with(err.message, "context: aaa"));
	cr_expect(cfd_ends_with(err.message, "..."));
	cr_expect_eq(strlen(err.message), sizeof(err.message) - 1);
}

Test(err, a_failure_without_a_code_is_none_the_less_one)
{
	struct cfd_error err = {0};

	cr_expect_eq(cfd_fail(&err, 0, "x"), -EIO);
	cr_expect_eq(err.code, -EIO);
	cr_expect_eq(cfd_fail_errno(&err, 0, "x"), -EIO);
	cr_expect_str_eq(err.message, "x: Input/output error");
	err.code = 0;
	cr_expect_eq(cfd_wrap(&err, "y"), -EIO);
}

static int temporary_directory(void)
{
	char path[SCRATCH_PATH];
	int fd;

	tree_scratch(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	return fd;
}

Test(fd, only_a_regular_file_of_bounded_size_is_read)
{
	CFD_AUTO_FD int dir = temporary_directory();
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_write_file(dir, "file", "12345", 5, 0600, true, &err), 0, "%s", err.message);
	cr_assert_eq(symlinkat("file", dir, "link"), 0);
	cr_assert_eq(mkfifoat(dir, "fifo", 0600), 0);

	cr_expect_eq(cfd_fd_read_file(dir, "file", 5, &buf, &err), 0);
	cr_expect_str_eq(buf.data, "12345");
	cr_expect_eq(cfd_fd_read_file(dir, "file", 4, &buf, &err), -EFBIG);
	cr_expect_eq(cfd_fd_read_file(dir, "link", 5, &buf, &err), -ELOOP);
	cr_expect_eq(cfd_fd_read_file(dir, "fifo", 5, &buf, &err), -EINVAL);
	cr_expect_eq(cfd_fd_read_file(dir, "missing", 5, &buf, &err), -ENOENT);
	cr_expect_eq(cfd_fd_read_file(dir, ".", 5, &buf, &err), -EINVAL);
}

Test(fd, the_root_directory_holds_absolute_links_and_dots)
{
	CFD_AUTO_FD int dir = temporary_directory(), found = -1;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_write_file(dir, "passwd", "x", 1, 0600, false, &err), 0);
	cr_assert_eq(symlinkat("/passwd", dir, "absolute"), 0);
	cr_expect_eq(cfd_fd_open_in_root(dir, "absolute", O_PATH, &found, &err), 0, "%s", err.message);
	cfd_base_close(&found);
	cr_expect_eq(cfd_fd_open_in_root(dir, "../../../passwd", O_PATH, &found, &err), 0);
	cfd_base_close(&found);
	cr_expect_eq(cfd_fd_open_in_root(dir, "/etc/passwd", O_PATH, &found, &err), -ENOENT);
}

Test(fd, a_state_directory_that_others_can_write_is_refused)
{
	CFD_AUTO_FD int dir = temporary_directory(), made = -1;
	struct cfd_error err = {0};

	cr_expect_eq(cfd_fd_make_dir(dir, "state", 0700, &made, &err), 0);
	cfd_base_close(&made);
	cr_expect_eq(cfd_fd_make_dir(dir, "state", 0700, &made, &err), 0, "again");
	cfd_base_close(&made);
	cr_assert_eq(fchmodat(dir, "state", 0777, 0), 0);
	cr_expect_eq(cfd_fd_make_dir(dir, "state", 0700, &made, &err), -EPERM);
	cr_expect_eq(made, -1);
}
