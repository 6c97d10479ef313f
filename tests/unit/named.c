/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/named.h"
#include "lib/trust.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* linux/posix_acl_xattr.h, which cannot be included beside the C library's headers everywhere. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[5];
};

#define ACL_NAME "system.posix_acl_access"
#define NOBODY 65534

/* rwx for the owner, rwx for `nobody`, r-x for the group and others; what the mask leaves of it. */
static int give_to_nobody(const char *path, uint16_t mask)
{
	const uint32_t none = (uint32_t)-1;
	const struct acl acl = {
		.version = htole32(2),
		.entries = {{htole16(0x01), htole16(7), none},
			    {htole16(0x02), htole16(7), htole32(NOBODY)},
			    {htole16(0x04), htole16(5), none},
			    {htole16(0x10), htole16(mask), none},
			    {htole16(0x20), htole16(5), none}},
	};

	return setxattr(path, ACL_NAME, &acl, sizeof(acl), 0);
}

/* As if it were root's: nobody but the list is asked about. */
static bool replaceable(const char *path)
{
	struct stat directory, child = {0};
	struct cfd_error err = {0};
	bool found = false;

	cr_assert_eq(stat(path, &directory), 0);
	directory.st_uid = 0;
	directory.st_gid = 0;
	cr_assert_eq(cfd_named_replaceable(path, &directory, &child, &found, &err), 0);
	return found;
}

static int trust(const char *path)
{
	CFD_AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_error err = {0};

	return cfd_trust_check(fd, path, &err);
}

Test(named, an_access_control_list_that_lets_others_write_is_seen)
{
	char path[] = "/tmp/cofferdam-named-XXXXXX";

	cr_assert_not_null(mkdtemp(path));
	if (give_to_nobody(path, 5) && errno == EOPNOTSUPP) {
		rmdir(path);
		cr_skip("no access control lists on /tmp");
	}
	cr_expect_not(replaceable(path), "the mask takes what the entry gives");
	cr_expect_eq(trust(path), 0);
	cr_expect_eq(give_to_nobody(path, 7), 0);
	cr_expect(replaceable(path), "an entry gives it to nobody");
	cr_expect_eq(trust(path), -EPERM, "the mask is in the place of the group");
	cr_expect_eq(removexattr(path, ACL_NAME), 0);
	cr_expect_eq(chmod(path, 0775), 0);
	cr_expect_not(replaceable(path), "root's own group");
	cr_expect_eq(chmod(path, 0757), 0);
	cr_expect(replaceable(path), "everybody");
	cr_expect_eq(rmdir(path), 0);
}

Test(named, a_name_leads_where_the_kernel_says)
{
	static const char *const names[] = {"/", "/proc/self/", "/usr/../usr/./lib", "/dev/fd"};

	for (size_t i = 0; i < CFD_COUNT(names); i++) {
		CFD_AUTO_FD int fd = -1;
		char planted[CFD_PATH_MAX];
		struct cfd_error err = {0};
		struct stat found, wanted;

		cr_assert_eq(cfd_named_open(names[i], &fd, planted, &err), 0, "%s", err.message);
		cr_assert(!fstat(fd, &found) && !stat(names[i], &wanted));
		cr_expect(found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino, "%s", names[i]);
		cr_expect_str_empty(planted, "%s: %s", names[i], planted);
	}
}

Test(named, what_leads_nowhere_is_told)
{
	char path[] = "/tmp/cofferdam-named-XXXXXX", loop[64];
	CFD_AUTO_FD int fd = -1;
	char planted[CFD_PATH_MAX];
	struct cfd_error err = {0};

	cr_assert_not_null(mkdtemp(path));
	snprintf(loop, sizeof(loop), "%s/loop", path);
	cr_assert_eq(symlink("loop", loop), 0);
	cr_expect_eq(cfd_named_open(loop, &fd, planted, &err), -ELOOP);
	cr_expect_eq(cfd_named_open("/no/such/file", &fd, planted, &err), -ENOENT);
	cr_expect_eq(cfd_named_open("relative", &fd, planted, &err), -EINVAL);
	cr_expect_eq(fd, -1);
	cr_expect(!unlink(loop) && !rmdir(path));
}
