/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids live containers have: names of links. */
#include "lib/state/ranges.h"

#include "lib/fd.h"
#include "lib/state/entry.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cfd_ranges_name(const char *key, const struct cfd_userns_range *range, char ret_name[CFD_RANGES_NAME])
{
	uint64_t hash = cfd_hash(CFD_HASH_START, key, strlen(key));

	if (range->size == CFD_USERNS_RANGE_SIZE)
		snprintf(ret_name, CFD_RANGES_NAME, "%" PRIu32 ".%016" PRIx64, range->base, hash);
	else
		snprintf(ret_name, CFD_RANGES_NAME, "%" PRIu32 "-%" PRIu32 ".%016" PRIx64, range->base, range->size,
			 hash);
}

static bool read_name(const char *name, struct cfd_userns_range *ret_range)
{
	size_t length = strcspn(name, ".");
	uint64_t base = 0, size = CFD_USERNS_RANGE_SIZE;
	char text[32], *dash;

	if (length >= sizeof(text))
		return false;
	memcpy(text, name, length);
	text[length] = '\0';
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (cfd_parse_u64(text, UINT32_MAX, &base) || (dash && cfd_parse_u64(dash + 1, UINT32_MAX, &size)))
		return false;
	*ret_range = (struct cfd_userns_range){.base = (uint32_t)base, .size = (uint32_t)size};
	return true;
}

struct list {
	struct cfd_userns_range *values;
	size_t count, room;
};

static int add(const char *name, void *data)
{
	struct list *list = data;
	struct cfd_userns_range range;

	if (!read_name(name, &range))
		return 0;
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct cfd_userns_range *values = reallocarray(list->values, room, sizeof(*values));

		if (!values)
			return -ENOMEM;
		list->values = values;
		list->room = room;
	}
	list->values[list->count++] = range;
	return 0;
}

int cfd_ranges_list(int dirfd, struct cfd_userns_range **ret_ranges, size_t *ret_count)
{
	struct list list = {0};
	int r = cfd_fd_each(dirfd, add, &list);

	if (r) {
		free(list.values);
		return r;
	}
	*ret_ranges = list.values;
	*ret_count = list.count;
	return 0;
}

struct search {
	const struct cfd_userns_range *range;
	int dirfd;
	char key[NAME_MAX + 1];
};

static int match(const char *name, void *data)
{
	struct search *search = data;
	const struct cfd_userns_range *range = search->range;
	struct cfd_userns_range held;

	if (!read_name(name, &held) || (uint64_t)held.base + held.size <= range->base ||
	    (uint64_t)range->base + range->size <= held.base)
		return 0;
	return cfd_entry_read_link(search->dirfd, name, search->key, sizeof(search->key)) > 0;
}

bool cfd_ranges_holder(int dirfd, const struct cfd_userns_range *range, char *ret_id, size_t room)
{
	struct search search = {.range = range, .dirfd = dirfd};

	if (cfd_fd_each(dirfd, match, &search) != 1)
		return false;
	search.key[strcspn(search.key, "@")] = '\0';
	snprintf(ret_id, room, "%s", search.key);
	return true;
}
