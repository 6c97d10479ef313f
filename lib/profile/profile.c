/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of profiles and loading one with what it extends.
 *
 * Every container start opens the set, so a file is opened, checked, read and parsed once, and of the parsed document
 * only the name and the match list are kept (500 files: 2 to 4 ms). There is no index on disk: what it would save is
 * less than what it would take to know that it is still true.
 */
#include "lib/profile/internal.h"

#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/json/value.h"
#include "lib/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

void cfd_profile_entry_release(struct cfd_profile_entry *entry)
{
	free(entry->name);
	free(entry->path);
	cfd_buf_release(&entry->text);
	for (size_t i = 0; i < entry->match_count; i++)
		free(entry->matches[i].text);
	free(entry->matches);
}

void cfd_profile_set_freep(struct cfd_profile_set **set)
{
	if (!*set)
		return;
	for (size_t i = 0; i < (*set)->count; i++)
		cfd_profile_entry_release(&(*set)->entries[i]);
	free((*set)->entries);
	free((*set)->places);
	free(cfd_take(*set));
}

static int parse_entry(const struct cfd_profile_entry *entry, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	const struct cfd_json_options options = {
		.name = entry->path,
		.max_bytes = CFD_PROFILE_MAX_BYTES,
		.allow_comments = true,
	};

	return cfd_json_parse(entry->text.data ? entry->text.data : "", entry->text.length, &options, ret_doc, err);
}

/* The name inside is that of the file: it can be found when it is spoken of, and two files cannot share it. */
int cfd_profile_name_check(struct cfd_json_doc *doc, const char *file, const char *name, struct cfd_error *err)
{
	const struct cfd_json *value = cfd_json_get(cfd_json_root(doc), "name");

	if (!value)
		return cfd_fields_fail(
			doc, cfd_json_root(doc), file, err,
			"the key \"name\" is missing: a profile begins with {\"cofferdam\": 1, \"name\": \"%s\"", name);
	if (!cfd_streq(cfd_json_string(value), name))
		return cfd_fields_fail(doc, value, file, err,
				       "the name must be that of the file, \"%s\"; rename one of them", name);
	return 0;
}

static int index_entry(struct cfd_profile_entry *entry, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	const struct cfd_json *match;
	int r = parse_entry(entry, &doc, err);

	if (r)
		return r;
	if (!cfd_json_is(cfd_json_root(doc), CFD_JSON_OBJECT))
		return cfd_fields_fail(doc, cfd_json_root(doc), entry->path, err, "a profile is an object { ... }");
	r = cfd_profile_name_check(doc, entry->path, entry->name, err);
	match = cfd_json_get(cfd_json_root(doc), "match");
	return r || !match ? r : cfd_profile_match_read(doc, match, entry->path, entry, err);
}

/* The rest of an entry that has its name. */
static int read_entry(int dirfd, const char *dir, const char *file, bool tolerant, struct cfd_profile_entry *entry,
		      struct cfd_error *err)
{
	int r;

	CFD_AUTO_BUF struct cfd_buf path = {0};

	if (cfd_buf_addf(&path, "%s/%s", dir, file))
		return cfd_fail_memory(err, "profiles");
	entry->path = cfd_take(path.data);
	if (!cfd_shape_name(entry->name))
		return cfd_fail(
			err, -EINVAL,
			"%s: the file's name is no profile's name: a-z, 0-9 and, not first, \".\", \"_\", \"-\"",
			entry->path);
	r = tolerant ? cfd_fd_read_file(dirfd, file, CFD_PROFILE_MAX_BYTES, &entry->text, err)
		     : cfd_trust_read(dirfd, file, entry->path, CFD_PROFILE_MAX_BYTES, &entry->text, err);
	return r ? cfd_wrap(err, "profile %s", entry->path) : index_entry(entry, err);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct cfd_profile_entry *)a)->name, ((const struct cfd_profile_entry *)b)->name);
}

static void set_sort(struct cfd_profile_set *set)
{
	if (set->count)
		qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
}

/* Among the first `count` entries, which are sorted. */
static const struct cfd_profile_entry *set_find(const struct cfd_profile_set *set, size_t count, const char *name)
{
	const struct cfd_profile_entry key = {.name = (char *)name};

	return count ? bsearch(&key, set->entries, count, sizeof(key), compare_entries) : NULL;
}

const struct cfd_profile_entry *cfd_profile_set_find(const struct cfd_profile_set *set, const char *name)
{
	return set_find(set, set->count, name);
}

/* Makes room in steps; the new entry is zeroed and counted, so that the set owns it at once. */
static struct cfd_profile_entry *set_add(struct cfd_profile_set *set)
{
	if (set->count % 64 == 0) {
		struct cfd_profile_entry *grown = reallocarray(set->entries, set->count + 64, sizeof(*grown));

		if (!grown)
			return NULL;
		set->entries = grown;
	}
	set->entries[set->count] = (struct cfd_profile_entry){0};
	return &set->entries[set->count++];
}

/* One file of a directory: unless it is no profile, or a file of that name is among the `above` entries. */
static int add_file(int dirfd, const char *path, const char *file, size_t above, struct cfd_profile_set *set,
		    struct cfd_error *err)
{
	CFD_AUTO_FREE char *name = NULL;
	struct cfd_profile_entry *entry;
	int r;

	if (file[0] == '.' || !cfd_ends_with(file, ".json"))
		return 0;
	name = strndup(file, strlen(file) - strlen(".json"));
	if (!name)
		return cfd_fail_memory(err, "profiles");
	if (set_find(set, above, name))
		return 0;
	if (set->count == CFD_PROFILE_MAX_FILES)
		return cfd_fail(err, -E2BIG, "%s: more than %d profiles", path, CFD_PROFILE_MAX_FILES);
	entry = set_add(set);
	if (!entry)
		return cfd_fail_memory(err, "profiles");
	entry->name = cfd_take(name);
	r = read_entry(dirfd, path, file, set->tolerant, entry, err);
	if (r && r != -ENOMEM && set->tolerant) {
		cfd_profile_entry_release(entry);
		set->count--;
		return 0;
	}
	return r;
}

/* The `above` first entries of the set are from the directory over this one. */
static int read_files(DIR *directory, const char *path, size_t above, struct cfd_profile_set *set,
		      struct cfd_error *err)
{
	int r = 0;

	while (!r) {
		const struct dirent *file;

		errno = 0;
		file = readdir(directory);
		if (!file)
			return errno ? cfd_fail_errno(err, -errno, "cannot list %s", path) : 0;
		r = add_file(dirfd(directory), path, file->d_name, above, set, err);
	}
	return r;
}

static int read_directory(const char *path, struct cfd_profile_set *set, struct cfd_error *err)
{
	CFD_AUTO(close_directory) DIR *directory = NULL;
	CFD_AUTO_FD int fd = -1;
	int r = path ? cfd_fd_open_dir(AT_FDCWD, path, false, &fd, err) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	if (!r && !set->tolerant)
		r = cfd_trust_check(fd, path, err);
	if (r)
		return cfd_wrap(err, "profiles");
	directory = fdopendir(fd);
	if (!directory)
		return cfd_fail_errno(err, -errno, "cannot list %s", path);
	cfd_take_fd(&fd); /* the directory's now */
	return read_files(directory, path, set->count, set, err);
}

static char *name_places(const char *const *directories, size_t count)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	for (size_t i = 0; i < count; i++)
		if (directories[i] && cfd_buf_addf(&text, "%s%s", text.length ? " or " : "", directories[i]))
			return NULL;
	return text.data ? cfd_take(text.data) : strdup("no directory");
}

int cfd_profile_set_make(const char *const *directories, size_t count, bool tolerant, struct cfd_profile_set **ret_set,
			 struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = calloc(1, sizeof(*set));

	if (!set)
		return cfd_fail_memory(err, "profiles");
	set->tolerant = tolerant;
	set->places = name_places(directories, count);
	if (!set->places)
		return cfd_fail_memory(err, "profiles");
	for (size_t i = 0; i < count; i++) {
		int r = read_directory(directories[i], set, err);

		if (r)
			return r;
		set_sort(set);
	}
	*ret_set = cfd_take(set);
	return 0;
}

int cfd_profile_set_open(const char *admin_dir, const char *shipped_dir, struct cfd_profile_set **ret_set,
			 struct cfd_error *err)
{
	const char *const directories[] = {admin_dir, shipped_dir};

	return cfd_profile_set_make(directories, CFD_COUNT(directories), false, ret_set, err);
}

/* One load: what was laid down already, and the way from the profile that was asked for to where we are. */
struct loading {
	const struct cfd_profile_set *set;
	struct cfd_profile *profile;
	struct cfd_profile_trace *trace; /* or NULL */
	bool *done;                      /* by the entry's index */
	const struct cfd_profile_entry *way[CFD_PROFILE_MAX_EXTENDS];
	size_t depth;
};

static int check_way(const struct loading *loading, const struct cfd_profile_entry *entry, struct cfd_error *err)
{
	for (size_t i = 0; i < loading->depth; i++)
		if (loading->way[i] == entry)
			return cfd_fail(err, -ELOOP, "%s: \"extends\" goes in a circle: %s extends itself by way of %s",
					entry->path, entry->name, loading->way[loading->depth - 1]->name);
	if (loading->depth == CFD_PROFILE_MAX_EXTENDS)
		return cfd_fail(err, -ELOOP, "%s: \"extends\" goes more than %d levels deep", entry->path,
				CFD_PROFILE_MAX_EXTENDS);
	return 0;
}

static void strings_freep(char ***strings)
{
	cfd_strings_free(*strings);
}

static int lay_down(struct loading *loading, const struct cfd_profile_entry *entry, struct cfd_error *err);

static int lay_down_extended(struct loading *loading, struct cfd_json_doc *doc, const struct cfd_profile_entry *entry,
			     struct cfd_error *err)
{
	CFD_AUTO(strings_freep) char **names = NULL;
	int r = cfd_profile_extends_read(doc, entry->path, &names, err);

	for (size_t i = 0; !r && names && names[i]; i++) {
		const struct cfd_profile_entry *extended = cfd_profile_set_find(loading->set, names[i]);

		if (!extended)
			r = cfd_fields_fail(doc, cfd_json_get(cfd_json_root(doc), "extends"), entry->path, err,
					    "there is no profile \"%s\" in %s", names[i], loading->set->places);
		else
			r = lay_down(loading, extended, err);
	}
	return r;
}

/* What the entry extends first, then itself over it; nothing twice. Recursion is as deep as check_way allows. */
static int lay_down(struct loading *loading, const struct cfd_profile_entry *entry, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = check_way(loading, entry, err);

	if (r || loading->done[entry - loading->set->entries])
		return r;
	r = parse_entry(entry, &doc, err);
	if (r)
		return r;
	loading->way[loading->depth++] = entry;
	r = lay_down_extended(loading, doc, entry, err);
	loading->depth--;
	loading->done[entry - loading->set->entries] = true;
	if (!r)
		r = cfd_profile_read(loading->profile, doc, entry->path, err);
	return r || !loading->trace ? r : cfd_profile_trace_add(loading->trace, doc, entry->path, err);
}

int cfd_profile_load(const struct cfd_profile_set *set, const char *name, struct cfd_profile **ret_profile,
		     struct cfd_error *err)
{
	return cfd_profile_load_traced(set, name, NULL, ret_profile, err);
}

int cfd_profile_load_traced(const struct cfd_profile_set *set, const char *name, struct cfd_profile_trace *trace,
			    struct cfd_profile **ret_profile, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	CFD_AUTO_FREE bool *done = NULL;
	const struct cfd_profile_entry *entry = cfd_profile_set_find(set, name);
	struct loading loading = {.set = set, .trace = trace};
	int r;

	if (!entry)
		return cfd_fail(err, -ENOENT, "there is no profile \"%s\": no %s.json in %s", name, name, set->places);
	profile = calloc(1, sizeof(*profile));
	done = calloc(set->count, sizeof(*done));
	if (!profile || !done)
		return cfd_fail_memory(err, "a profile");
	loading.profile = profile;
	loading.done = done;
	r = cfd_profile_start(profile, err);
	if (!r)
		r = lay_down(&loading, entry, err);
	if (!r)
		r = cfd_value_replace_string(entry->path, &profile->path, err);
	if (r)
		return r;
	*ret_profile = cfd_take(profile);
	return 0;
}
