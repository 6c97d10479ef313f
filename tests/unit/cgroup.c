/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guard/cgroup.h"
#include "lib/mountinfo.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

Test(cgroup, the_top_is_where_cgroups_path_says)
{
	static const struct {
		const char *path, *cgroups_path, *top; /* top NULL: refused */
	} cases[] = {
		{"/libpod_parent/libpod-1/container", "/libpod_parent/libpod-1", "/libpod_parent/libpod-1"},
		{"/libpod_parent/libpod-1", "/libpod_parent/libpod-1/", "/libpod_parent/libpod-1"},
		{"/libpod_parent/libpod-12", "/libpod_parent/libpod-1", NULL},
		{"/x/libpod_parent/libpod-1", "/libpod_parent/libpod-1", NULL},
		{"/anything", "/", NULL},
		{"/anything", "//", NULL},
		{"/own.slice/a/b/init", "a/b", "/own.slice/a/b"},
		{"/own.slice/a/bc", "a/b", NULL},
		{"/own.slice/ca/b", "a/b", NULL},
		{"/machine.slice/libpod-1.scope/container", "machine.slice:libpod:1", "/machine.slice/libpod-1.scope"},
		{"/machine.slice/libpod-1.scope", "machine.slice:libpod:1", "/machine.slice/libpod-1.scope"},
		{"/machine.slice/libpod-11.scope", "machine.slice:libpod:1", NULL},
		{"/k.slice/p.slice/cri-containerd-1.scope", "p.slice:cri-containerd:1",
		 "/k.slice/p.slice/cri-containerd-1.scope"},
		{"/system.slice/1.scope/x", "system.slice::1", "/system.slice/1.scope"},
		{"/a.slice/b.slice/x", "a.slice:runc:b.slice", "/a.slice/b.slice"},
		{"/a.slice/x", "a.slice:runc", NULL},
		{"/a.slice/x", "a.slice:runc:", NULL},
		{"/a.slice/x", "a.slice:runc:b:c", NULL},
		{"/some/where", NULL, "/some/where"},
		{"/some/where", "", "/some/where"},
		{"/system.slice/crun-1.scope/container", NULL, "/system.slice/crun-1.scope"},
		{"/some/container", NULL, "/some/container"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_error err = {0};
		size_t length = 9999;
		int r = cfd_cgroup_top(cases[i].path, cases[i].cgroups_path, &length, &err);

		if (!cases[i].top) {
			cr_expect_eq(r, -EINVAL, "%s in %s", cases[i].path, cases[i].cgroups_path);
			cr_expect_eq(length, 9999);
			continue;
		}
		cr_expect_eq(r, 0, "%s: %s", cases[i].path, err.message);
		cr_expect_eq(length, strlen(cases[i].top), "%s in %s: %zu", cases[i].path, cases[i].cgroups_path,
			     length);
	}
}

Test(cgroup, our_own_cgroup_is_never_a_containers)
{
	struct cfd_error err = {0};
	char *path = NULL;
	uint64_t id = 77;
	int fd = -1;

	cr_expect_eq(cfd_cgroup_of_container(getpid(), NULL, &fd, &path, &id, &err), -EINVAL, "%s", err.message);
	cr_expect(fd == -1 && !path && id == 77);
}

Test(cgroup, a_process_that_is_gone_is_told)
{
	struct cfd_error err = {0};
	CFD_AUTO_FREE char *root = NULL;
	char *path = NULL;
	uint64_t id;
	int fd = -1,
	    expected = cfd_cgroup_root(&root, &err) ? -EINVAL : -ESRCH; /* without cgroup2 nobody has a cgroup */

	cr_expect_eq(cfd_cgroup_of_container(0x7ffffff0, NULL, &fd, &path, &id, &err), expected, "%s", err.message);
}

Test(mountinfo, lines_are_taken_apart_and_escapes_undone)
{
	char text[] = "36 35 98:12 /a\\040b /mnt\\134x rw,noatime shared:1 master:2 - ext3 /dev/root rw\n"
		      "not a line\n"
		      "x 35 98:0 / / rw - ext3 d rw\n"
		      "37 35 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
	struct cfd_mountinfo mount;
	char *cursor = text;

	cr_assert(cfd_mountinfo_next(&cursor, &mount));
	cr_expect(mount.id == 36 && mount.major == 98 && mount.minor == 12);
	cr_expect_str_eq(mount.root, "/a b");
	cr_expect_str_eq(mount.point, "/mnt\\x");
	cr_expect_str_eq(mount.type, "ext3");
	cr_assert(cfd_mountinfo_next(&cursor, &mount));
	cr_expect_eq(mount.id, 37);
	cr_expect_str_eq(mount.type, "cgroup2");
	cr_expect_not(cfd_mountinfo_next(&cursor, &mount));
}
