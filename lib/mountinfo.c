/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/self/mountinfo. */
#include "lib/mountinfo.h"
#include "lib/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MOUNTINFO_MAX_BYTES ((size_t)16 << 20)

int cfd_mountinfo_read(struct cfd_buf *buf, struct cfd_error *err)
{
	int r = cfd_fd_read_kernel(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, buf, err);

	if (!r && !buf->data)
		return cfd_buf_add(buf, "", 0) ? cfd_fail_memory(err, "the mounts") : 0;
	return r;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Space, tab, newline and backslash are written as \040 and so on. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (in[0] == '\\' && is_octal(in[1]) && is_octal(in[2]) && is_octal(in[3])) {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
static bool parse_line(char *line, struct cfd_mountinfo *ret_mount)
{
	struct cfd_mountinfo mount = {0};
	char *dash = strstr(line, " - "), *fields[5], *save = NULL;
	uint64_t id;

	if (!dash)
		return false;
	*dash = '\0';
	mount.type = strtok_r(dash + 3, " ", &save);
	for (size_t i = 0; i < CFD_COUNT(fields); i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return false;
	}
	if (!mount.type || cfd_parse_u64(fields[0], INT_MAX, &id) ||
	    sscanf(fields[2], "%u:%u", &mount.major, &mount.minor) != 2)
		return false;
	unescape(fields[3]);
	unescape(fields[4]);
	mount.id = (int)id;
	mount.root = fields[3];
	mount.point = fields[4];
	*ret_mount = mount;
	return true;
}

bool cfd_mountinfo_next(char **cursor, struct cfd_mountinfo *ret_mount)
{
	char *line;

	while ((line = strsep(cursor, "\n")))
		if (parse_line(line, ret_mount))
			return true;
	return false;
}
