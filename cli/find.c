/* SPDX-License-Identifier: Apache-2.0 */
/* Which container does a person mean? */
#include "cli/find.h"

#include "lib/watch/history.h"

#include <errno.h>

struct search {
	const char *word;
	char key[CFD_STATE_KEY_MAX + 1], other[CFD_STATE_KEY_MAX + 1];
	bool exact;
	size_t count;
};

/* What is called so exactly makes what only begins so forgotten. */
static int visit(const char *key, const struct cfd_record *record, void *data)
{
	struct search *search = data;
	bool exact = cfd_streq(search->word, record->id) || cfd_streq(search->word, record->container_name);

	if (!cfd_history_is_called(search->word, record->id, record->container_name) || (search->exact && !exact))
		return 0;
	if (exact && !search->exact)
		search->count = 0;
	search->exact = exact;
	strncpy(search->count ? search->other : search->key, key, CFD_STATE_KEY_MAX);
	search->count++;
	return 0;
}

int cfd_find_container(struct cfd_state *state, const char *word, char ret_key[CFD_STATE_KEY_MAX + 1],
		       struct cfd_record *ret_record, struct cfd_error *err)
{
	struct search search = {.word = word};
	int r = cfd_state_each(state, visit, &search, err);

	if (r)
		return r;
	if (!search.count)
		return cfd_fail(err, -ENOENT, "no container of cofferdam's is called %s; `cofferdam status` lists them",
				word);
	if (search.count > 1)
		return cfd_fail(err, -EINVAL, "%s may be %s or %s (%s/containers): say more of the id", word,
				search.key, search.other, CFD_STATE_DIR);
	r = cfd_state_read(state, search.key, ret_record, err);
	if (!r)
		memcpy(ret_key, search.key, sizeof(search.key));
	return r;
}
