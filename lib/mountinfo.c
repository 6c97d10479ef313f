/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/self/mountinfo. */
#include "lib/mountinfo.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX_BYTES ((size_t)16 << 20)

int cfd_mountinfo_read(struct cfd_buf *buf, struct cfd_error *err)
{
	int r = cfd_fd_read_kernel(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, buf, err);

	if (!r && !buf->data)
		return cfd_buf_add(buf, "", 0) ? cfd_fail_memory(err, "the mounts") : 0;
	return r;
}

static bool is_octal(char c, char last)
{
	return c >= '0' && c <= last;
}

int cfd_mountinfo_unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (*in != '\\') {
			*out = *in++;
			continue;
		}
		if (!is_octal(in[1], '3') || !is_octal(in[2], '7') || !is_octal(in[3], '7'))
			return -EINVAL;
		*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
		if (!*out)
			return -EINVAL;
		in += 4;
	}
	*out = '\0';
	return 0;
}

enum { FIELD_ID, FIELD_PARENT, FIELD_DEVICE, FIELD_ROOT, FIELD_POINT, FIELD_OPTIONS, FIELDS };
enum { FIELD_TYPE, FIELD_SOURCE, FIELD_SUPER, FIELDS_BEHIND }; /* behind the dash; the source can be empty */

static bool split(char *line, char **fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i])
			return false;
	}
	return true;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
static bool parse_line(char *line, struct cfd_mountinfo *ret_mount)
{
	char *dash = strstr(line, " - "), *fields[FIELDS], *behind[FIELDS_BEHIND];
	struct cfd_mountinfo mount = {0};
	uint64_t id, parent;

	if (!dash)
		return false;
	*dash = '\0';
	if (!split(line, fields, FIELDS) || !split(dash + 3, behind, FIELDS_BEHIND))
		return false;
	if (cfd_parse_u64(fields[FIELD_ID], INT_MAX, &id) || cfd_parse_u64(fields[FIELD_PARENT], INT_MAX, &parent) ||
	    sscanf(fields[FIELD_DEVICE], "%u:%u", &mount.major, &mount.minor) != 2)
		return false;
	if (cfd_mountinfo_unescape(fields[FIELD_ROOT]) || cfd_mountinfo_unescape(fields[FIELD_POINT]))
		return false;
	mount.id = (int)id;
	mount.parent = (int)parent;
	mount.root = fields[FIELD_ROOT];
	mount.point = fields[FIELD_POINT];
	mount.options = fields[FIELD_OPTIONS];
	mount.type = behind[FIELD_TYPE];
	mount.super_options = behind[FIELD_SUPER];
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

void cfd_mountinfo_place_release(struct cfd_mountinfo_place *place)
{
	cfd_buf_release(&place->text);
	*place = (struct cfd_mountinfo_place){0};
}

int cfd_mountinfo_find_id(struct cfd_buf *text, uint64_t id, struct cfd_mountinfo_place *ret_place,
			  struct cfd_error *err)
{
	struct cfd_mountinfo_place place = {0};
	struct cfd_mountinfo mount;
	char *cursor = text->data;

	while (cfd_mountinfo_next(&cursor, &mount)) {
		if ((uint64_t)mount.id == id) {
			place.mount = mount;
		} else if ((uint64_t)mount.parent == id) {
			place.child_count++;
			place.first_child = mount.point;
		}
	}
	if (!place.mount.type)
		return cfd_fail(err, -ENOENT, "mountinfo has no mount with the id %llu", (unsigned long long)id);
	place.text = *text;
	*text = (struct cfd_buf){0};
	*ret_place = place;
	return 0;
}

int cfd_mountinfo_find(int fd, struct cfd_mountinfo_place *ret_place, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct statx stx;
	int r;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx))
		return cfd_fail_errno(err, -errno, "cannot ask for the mount of an open file");
	if (!(stx.stx_mask & STATX_MNT_ID) || !(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return cfd_fail(err, -EOPNOTSUPP, "this kernel does not tell the mount of a file: Linux 5.8 is needed");
	r = cfd_mountinfo_read(&text, err);
	if (!r)
		r = cfd_mountinfo_find_id(&text, stx.stx_mnt_id, ret_place, err);
	if (!r)
		ret_place->is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return r;
}

unsigned long cfd_mountinfo_flags(const struct cfd_mountinfo *mount)
{
	// clang-format off
	static const struct {
		const char *name;
		unsigned long flag;
	} known[] = {
		{ "ro",          MS_RDONLY },
		{ "nosuid",      MS_NOSUID },
		{ "nodev",       MS_NODEV },
		{ "noexec",      MS_NOEXEC },
		{ "noatime",     MS_NOATIME },
		{ "nodiratime",  MS_NODIRATIME },
		{ "relatime",    MS_RELATIME },
		{ "nosymfollow", MS_NOSYMFOLLOW },
	};
	// clang-format on
	unsigned long flags = 0;

	for (const char *option = mount->options; *option;) {
		size_t length = strcspn(option, ",");

		for (size_t i = 0; i < CFD_COUNT(known); i++)
			if (strlen(known[i].name) == length && !strncmp(option, known[i].name, length))
				flags |= known[i].flag;
		option += length + (option[length] == ',');
	}
	/* The kernel shows strictatime by showing none of the others, and mount(2) takes relatime when it is told none.
	 */
	return flags & (MS_NOATIME | MS_RELATIME) ? flags : flags | MS_STRICTATIME;
}
