/* SPDX-License-Identifier: Apache-2.0 */
/* Lower layers by podman's own list of them. */
#include "lib/userns/lowers.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/userns/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define LIST "lower"
#define LIST_MAX_BYTES ((size_t)1 << 16) /* 500 names of 29 bytes take 14,500 */

static bool are_descriptors(const struct cfd_overlay *overlay)
{
	for (size_t i = 0; i < overlay->lower_count; i++)
		if (overlay->lowers[i][strspn(overlay->lowers[i], "0123456789")])
			return false;
	return true;
}

static int fail_list(const struct cfd_overlay *overlay, const char *what, struct cfd_error *err)
{
	return cfd_fail(err, -EOPNOTSUPP,
			"its lower layers are named by descriptors of a process that is gone, and %s/" LIST
			" does not tell them: %s",
			overlay->upper_parent, what);
}

static int replace(struct cfd_overlay *overlay, char *list, struct cfd_error *err)
{
	size_t count = 0;
	char *rest = list, *name;

	list[strcspn(list, "\n")] = '\0';
	while ((name = strsep(&rest, ":"))) {
		if (!cfd_starts_with(name, "l/") || strchr(name + 2, '/') || cfd_path_has_dotdot(name))
			return fail_list(overlay, "a name in there is not one of podman's links", err);
		if (count == overlay->lower_count)
			return fail_list(overlay, "it has more of them", err);
		if (cfd_string_replace(&overlay->lowers[count++], name))
			return cfd_fail_memory(err, "the layers of an overlay");
	}
	return count == overlay->lower_count ? 0 : fail_list(overlay, "it has fewer of them", err);
}

int cfd_lowers_recall(struct cfd_overlay *overlay, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf list = {0};
	CFD_AUTO_FD int directory = -1;
	int r;

	if (!overlay->upper_parent || !are_descriptors(overlay))
		return 0;
	r = cfd_fd_open_dir(AT_FDCWD, overlay->upper_parent, false, &directory, err);
	if (!r)
		r = cfd_fd_read_file(directory, LIST, LIST_MAX_BYTES, &list, err);
	if (r == -ENOENT)
		return 0; /* not podman's; directories may have such names */
	if (!r && !list.length)
		return fail_list(overlay, "it is empty", err);
	return r ? r : replace(overlay, list.data, err);
}
