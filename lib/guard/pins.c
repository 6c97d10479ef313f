/* SPDX-License-Identifier: Apache-2.0 */
/* Where the loaded programs and maps wait between processes. */
#include "lib/guard/pins.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_PREFIX "new-"

int cfd_guard_pins_open(int *ret_fd, struct cfd_error *err)
{
	return cfd_fd_make_dir(AT_FDCWD, CFD_GUARD_PINS, 0700, ret_fd, err);
}

int cfd_guard_pins_has(int pins, const char *set, const char *name, bool *ret_has, struct cfd_error *err)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", set, name);
	*ret_has = !faccessat(pins, path, F_OK, AT_SYMLINK_NOFOLLOW);
	if (!*ret_has && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot look at %s in %s", path, CFD_GUARD_PINS);
	return 0;
}

struct visiting {
	cfd_guard_pins_visit *visit;
	int dirfd;
	void *data;
	struct cfd_error *err;
};

static int visit_one(const char *name, void *data)
{
	const struct visiting *visiting = data;

	return visiting->visit(visiting->dirfd, name, visiting->data, visiting->err);
}

/* Calls visit with every name in the directory. */
static int each_name(int parent, const char *path, cfd_guard_pins_visit *visit, void *data, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct visiting visiting = {.visit = visit, .dirfd = fd, .data = data, .err = err};
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : cfd_fail_errno(err, -errno, "cannot open %s in %s", path, CFD_GUARD_PINS);
	err->code = 0;
	r = cfd_fd_each(fd, visit_one, &visiting);
	return r < 0 && !err->code ? cfd_fail_errno(err, r, "cannot read %s in %s", path, CFD_GUARD_PINS) : r;
}

int cfd_guard_pins_each(int pins, cfd_guard_pins_visit *visit, void *data, struct cfd_error *err)
{
	return each_name(pins, ".", visit, data, err);
}

int cfd_guard_pins_lock(bool exclusive, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = open(CFD_GUARD_PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return cfd_fail(err, -ENOENT, "the guard is not loaded: there is no %s", CFD_GUARD_PINS);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", CFD_GUARD_PINS);
	while (flock(fd, exclusive ? LOCK_EX : LOCK_SH))
		if (errno != EINTR)
			return cfd_fail_errno(err, -errno, "cannot lock %s", CFD_GUARD_PINS);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

static int remove_pin(int dirfd, const char *name, void *data, struct cfd_error *err)
{
	(void)data;
	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot remove the pin %s below %s", name, CFD_GUARD_PINS);
	return 0;
}

int cfd_guard_pins_remove(int pins, const char *set, struct cfd_error *err)
{
	int r = each_name(pins, set, remove_pin, NULL, err);

	if (!r && unlinkat(pins, set, AT_REMOVEDIR) && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot remove %s/%s", CFD_GUARD_PINS, set);
	return r;
}

static int sweep_one(int dirfd, const char *name, void *data, struct cfd_error *err)
{
	(void)data;
	return cfd_starts_with(name, NEW_PREFIX) ? cfd_guard_pins_remove(dirfd, name, err) : 0;
}

int cfd_guard_pins_sweep(int pins, struct cfd_error *err)
{
	return each_name(pins, ".", sweep_one, NULL, err);
}

int cfd_guard_pins_begin(int pins, char ret_name[32], struct cfd_error *err)
{
	snprintf(ret_name, 32, NEW_PREFIX "%d", (int)getpid());
	if (mkdirat(pins, ret_name, 0700))
		return cfd_fail_errno(err, -errno, "cannot make %s/%s", CFD_GUARD_PINS, ret_name);
	return 0;
}

int cfd_guard_pins_finish(int pins, const char *name, const char *set, struct cfd_error *err)
{
	int r = cfd_guard_pins_remove(pins, set, err);

	if (!r && renameat(pins, name, pins, set))
		return cfd_fail_errno(err, -errno, "cannot put %s/%s in place", CFD_GUARD_PINS, set);
	return r;
}
