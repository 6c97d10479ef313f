/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime says to its engine when it fails: one line in --log, the same text on stderr. */
#include "lib/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * podman (libpod/oci_conmon_linux.go, getOCIRuntimeError) and moby (daemon/start.go) match these words, without regard
 * to case, and put another error in place of the message: "command not found", rc 127 or 126.
 */
// clang-format off
static const struct {
	const char *phrase, *instead;
} rewordings[] = {
	{ "no such file or directory",           "does not exist" },
	{ "permission denied",                   "access refused by the kernel" },
	{ "operation not permitted",             "not allowed by the kernel" },
	{ "executable file not found in $path",  "program is not in PATH" },
	{ "no such file",                        "does not exist" },
	{ "not a directory",                     "no directory" },
};
// clang-format on

static size_t rewording_at(const char *text)
{
	size_t i = 0;

	while (i < CFD_COUNT(rewordings) && strncasecmp(text, rewordings[i].phrase, strlen(rewordings[i].phrase)))
		i++;
	return i;
}

static int reword(const char *text, struct cfd_buf *buf)
{
	int r = 0;

	while (!r && *text) {
		size_t i = rewording_at(text);

		if (i < CFD_COUNT(rewordings)) {
			r = cfd_buf_add_string(buf, rewordings[i].instead);
			text += strlen(rewordings[i].phrase);
		} else {
			r = cfd_buf_add(buf, text++, 1);
		}
	}
	return r;
}

/* The two forms of logrus, which runc and crun write. */
static int format_line(bool json, const char *text, struct cfd_buf *line)
{
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm utc;

	if (gmtime_r(&now, &utc))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (cfd_buf_add_string(line, json ? "{\"level\":\"error\",\"msg\":" : "time=\"") ||
	    (!json && cfd_buf_addf(line, "%s\" level=error msg=", stamp)) || cfd_buf_add_json(line, text))
		return -1;
	return json ? cfd_buf_addf(line, ",\"time\":\"%s\"}\n", stamp) : cfd_buf_add_string(line, "\n");
}

static void write_once(int fd, const struct cfd_buf *line)
{
	ssize_t written = write(fd, line->data, line->length);

	(void)written; /* there is nobody left to tell */
}

void cfd_log_refusal(const char *path, bool json, const char *text)
{
	CFD_AUTO_BUF struct cfd_buf worded = {0}, line = {0};
	CFD_AUTO_FD int fd = -1;

	if (reword(text, &worded) || cfd_buf_add(&worded, "", 0))
		return;
	/* O_NONBLOCK: a FIFO without a reader must not hold the container's end. */
	if (path)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (fd >= 0 && format_line(json, worded.data, &line) == 0)
		write_once(fd, &line);
	if (cfd_buf_add(&worded, "\n", 1) == 0)
		write_once(STDERR_FILENO, &worded);
}
