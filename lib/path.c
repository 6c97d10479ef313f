/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text. */
#include "lib/path.h"

#include <errno.h>
#include <string.h>

static bool is_component(const char *start, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(start, name, length) == 0;
}

int cfd_path_clean(const char *path, char ret_clean[CFD_PATH_MAX])
{
	char clean[CFD_PATH_MAX];
	size_t used = 0;

	if (!path || path[0] != '/')
		return -EINVAL;
	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (is_component(path, length, "..")) {
			while (used && clean[--used] != '/')
				;
		} else if (length && !is_component(path, length, ".")) {
			if (used + length + 2 > sizeof(clean))
				return -ENAMETOOLONG;
			clean[used++] = '/';
			memcpy(clean + used, path, length);
			used += length;
		}
		path += length;
	}
	if (used == 0)
		clean[used++] = '/';
	memcpy(ret_clean, clean, used);
	ret_clean[used] = '\0';
	return 0;
}

bool cfd_path_is_clean(const char *path)
{
	char clean[CFD_PATH_MAX];
	size_t length;

	if (cfd_path_clean(path, clean))
		return false;
	length = strlen(clean);
	if (length == 1)
		return path[1] == '\0';
	return strncmp(path, clean, length) == 0 && (path[length] == '\0' || cfd_streq(path + length, "/"));
}

bool cfd_path_has_dotdot(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (is_component(path, length, ".."))
			return true;
		path += length + (path[length] == '/');
	}
	return false;
}

const char *cfd_path_beneath(const char *path, const char *directory)
{
	if (cfd_streq(directory, "/"))
		return path[0] == '/' ? path + 1 : NULL;
	while (*directory && *path == *directory) { /* most differ soon: no call is worth it */
		path++;
		directory++;
	}
	if (*directory || (*path && *path != '/'))
		return NULL;
	return *path ? path + 1 : path;
}

bool cfd_path_take_first(char *pending, char ret_component[CFD_PATH_MAX])
{
	char *start = pending + strspn(pending, "/");
	size_t length = strcspn(start, "/");

	if (length == 0 || length >= CFD_PATH_MAX)
		return false;
	memcpy(ret_component, start, length);
	ret_component[length] = '\0';
	memmove(pending, start + length, strlen(start + length) + 1);
	return true;
}

const char *cfd_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
