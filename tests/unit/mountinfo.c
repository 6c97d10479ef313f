/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/mountinfo.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#define AUTO_PLACE CFD_AUTO(cfd_mountinfo_place_release) struct cfd_mountinfo_place

static const char table[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
			    "36 22 98:0 /mnt1 /mnt\\0402\\134x ro,nosuid,nodev,noexec,noatime shared:7 master:1 - ext4 "
			    "/dev/root rw,errors=continue\n"
			    "37 36 0:40 / /mnt2/in\\011side rw - overlay  rw,lowerdir=a\\054b\n"
			    "38 36 0:41 / /mnt2/other rw - tmpfs tmpfs rw\n";

static int find(const char *text, uint64_t id, struct cfd_mountinfo_place *place)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_buf_add_string(&buf, text), 0);
	return cfd_mountinfo_find_id(&buf, id, place, &err);
}

Test(mountinfo, the_mount_with_the_id_is_found_with_what_is_inside)
{
	AUTO_PLACE place = {0};

	cr_assert_eq(find(table, 36, &place), 0);
	cr_expect_eq(place.mount.id, 36);
	cr_expect_eq(place.mount.parent, 22);
	cr_expect_eq(place.mount.major, 98);
	cr_expect_str_eq(place.mount.root, "/mnt1");
	cr_expect_str_eq(place.mount.point, "/mnt 2\\x");
	cr_expect_str_eq(place.mount.type, "ext4");
	cr_expect_str_eq(place.mount.super_options, "rw,errors=continue");
	cr_expect_eq(place.child_count, 2);
	cr_expect_str_eq(place.first_child, "/mnt2/other");
	cr_expect_eq(cfd_mountinfo_flags(&place.mount), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME);
}

Test(mountinfo, an_empty_source_is_a_field_and_super_options_stay_escaped)
{
	AUTO_PLACE place = {0};

	cr_assert_eq(find(table, 37, &place), 0);
	cr_expect_str_eq(place.mount.point, "/mnt2/in\tside");
	cr_expect_str_eq(place.mount.super_options, "rw,lowerdir=a\\054b");
	cr_expect_eq(place.child_count, 0);
	cr_expect_null(place.first_child);
	cr_expect_eq(cfd_mountinfo_flags(&place.mount), MS_STRICTATIME, "none of the access time options was shown");
}

Test(mountinfo, an_unknown_id_and_torn_lines_are_not_found)
{
	static const char *const texts[] = {
		table,
		"",
		"99 27 0:21 / /proc rw,relatime - proc proc",
		"99 27 0:21 / /proc rw,relatime proc proc rw",
		"99 27 0:21 /proc rw - proc proc rw",
		"99x 27 0:21 / /proc rw - proc proc rw",
		"99 -1 0:21 / /proc rw - proc proc rw",
		"99 27 021 / /proc rw - proc proc rw",
		"99 27 0:21 / /pr\\04 rw - proc proc rw",
		"99 27 0:21 / /pr\\000 rw - proc proc rw",
		"99 27 0:21 / /pr\\777 rw - proc proc rw",
	};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		struct cfd_mountinfo_place place = {.child_count = 77};

		cr_expect_eq(find(texts[i], 99, &place), -ENOENT, "%s", texts[i]);
		cr_expect_eq(place.child_count, 77, "output touched by %s", texts[i]);
	}
}

Test(mountinfo, an_open_directory_leads_to_its_mount)
{
	CFD_AUTO_FD int proc = open("/proc", O_PATH | O_CLOEXEC), self = open("/proc/self/", O_PATH | O_CLOEXEC);
	AUTO_PLACE root = {0}, inside = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_mountinfo_find(proc, &root, &err), 0, "%s", err.message);
	cr_expect(root.is_root);
	cr_expect_str_eq(root.mount.type, "proc");
	cr_assert_eq(cfd_mountinfo_find(self, &inside, &err), 0, "%s", err.message);
	cr_expect_not(inside.is_root);
	cr_expect_eq(inside.mount.id, root.mount.id);
}
