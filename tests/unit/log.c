/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include "lib/fd.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

static char *read_back(const char *path)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, path, 65536, &buf, &err), 0, "%s", err.message);
	return cfd_take(buf.data);
}

static void temporary(char path[64])
{
	int fd;

	strcpy(path, "/tmp/cofferdam-test-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

Test(log, one_json_line_is_appended_and_stderr_gets_the_same, .init = cr_redirect_stderr)
{
	CFD_AUTO_FREE char *text = NULL;
	char path[64];

	temporary(path);
	cfd_log_refusal(path, true, "cofferdam: refused \"web\"\n  two");
	text = read_back(path);
	cr_expect(cfd_starts_with(
		text, "{\"level\":\"error\",\"msg\":\"cofferdam: refused \\\"web\\\"\\u000a  two\",\"time\":\"20"));
	cr_expect(cfd_ends_with(text, "Z\"}\n"));
	cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line");
	fflush(stderr);
	cr_assert_stderr_eq_str("cofferdam: refused \"web\"\n  two\n");
	unlink(path);
}

Test(log, words_that_engines_rewrite_are_replaced, .init = cr_redirect_stderr)
{
	static const char *const words[] = {"No such file or directory", "permission denied",
					    "Operation not permitted"};

	for (size_t i = 0; i < CFD_COUNT(words); i++) {
		CFD_AUTO_FREE char *text = NULL;
		char path[64], message[128];

		temporary(path);
		snprintf(message, sizeof(message), "cannot open x: %s (%s)", words[i], words[i]);
		cfd_log_refusal(path, true, message);
		text = read_back(path);
		cr_expect_null(strcasestr(text, words[i]), "%s", text);
		cr_expect_not_null(strstr(text, "cannot open x: "), "%s", text);
		unlink(path);
	}
}

Test(log, text_format_is_that_of_the_runtimes, .init = cr_redirect_stderr)
{
	CFD_AUTO_FREE char *text = NULL;
	char path[64];

	temporary(path);
	cfd_log_refusal(path, false, "refused");
	text = read_back(path);
	cr_expect(cfd_starts_with(text, "time=\"20"), "%s", text);
	cr_expect(cfd_ends_with(text, "Z\" level=error msg=\"refused\"\n"), "%s", text);
	unlink(path);
}

Test(log, a_log_that_cannot_be_opened_leaves_stderr, .init = cr_redirect_stderr)
{
	char directory[SCRATCH_PATH], fifo[80];

	tree_scratch(directory);
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cfd_log_refusal(fifo, true, "a"); /* nobody reads: must not wait */
	cfd_log_refusal("/nonexistent/log", true, "b");
	cfd_log_refusal(NULL, true, "c");
	fflush(stderr);
	cr_assert_stderr_eq_str("a\nb\nc\n");
}
