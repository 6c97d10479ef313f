/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. */
#include "tests/fuzz/fuzz.h"

#include "lib/json/json.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_text(const char *a, const char *b)
{
	return a ? cfd_streq(a, b) : !b;
}

bool fuzz_equal(const struct cfd_json *a, const struct cfd_json *b)
{
	if (cfd_json_type(a) != cfd_json_type(b) || !a != !b || cfd_json_count(a) != cfd_json_count(b))
		return false;
	if (!same_text(cfd_json_string(a), cfd_json_string(b)) || !same_text(cfd_json_number(a), cfd_json_number(b)) ||
	    cfd_json_bool(a) != cfd_json_bool(b) || !same_text(cfd_json_key(a), cfd_json_key(b)))
		return false;
	for (size_t i = 0; i < cfd_json_count(a); i++) {
		bool object = cfd_json_is(a, CFD_JSON_OBJECT);

		if (!fuzz_equal(object ? cfd_json_member(a, i, NULL) : cfd_json_at(a, i),
				object ? cfd_json_member(b, i, NULL) : cfd_json_at(b, i)))
			return false;
	}
	return true;
}

void fuzz_write(const struct cfd_json *node, struct cfd_buf *ret_text)
{
	FUZZ_CHECK(cfd_json_write(node, ret_text) == 0);
	FUZZ_CHECK(strlen(ret_text->data) == ret_text->length);
}

void fuzz_check_line(const char *text)
{
	FUZZ_CHECK(text && *text);
	for (; *text; text++)
		FUZZ_CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static char directory[64];
static pid_t owner; /* a child must not remove what its parent uses */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_directory(void)
{
	if (getpid() == owner)
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_directory(void)
{
	if (*directory)
		return directory;
	snprintf(directory, sizeof(directory), "%s/cofferdam-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_CHECK(mkdtemp(directory));
	owner = getpid();
	FUZZ_CHECK(atexit(remove_directory) == 0);
	return directory;
}

void fuzz_put(const char *name, const void *data, size_t size)
{
	CFD_AUTO_FD int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}
