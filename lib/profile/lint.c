/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mistake of one profile. The readers are those of a create: they go on behind a mistake when the document
 * collects them (lib/json/diagnostics.h). What only shows beside other profiles is looked for afterwards.
 */
#include "lib/profile/internal.h"

#include "lib/fd.h"
#include "lib/json/diagnostics.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/shape.h"
#include "lib/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct linting {
	const char *file; /* as it was given, for messages */
	char *directory;
	struct cfd_profile_entry entry; /* its name, and what it matches as far as that can be read */
	struct cfd_diagnostics *diagnostics;
	struct cfd_profile_set *set; /* what is around it, and the file itself if it can be read */
	struct cfd_json_doc *doc;
	struct cfd_error ignored; /* of mistakes, which are in the diagnostics */
};

static void linting_release(struct linting *linting)
{
	free(linting->directory);
	cfd_profile_entry_release(&linting->entry);
	cfd_profile_set_freep(&linting->set);
	cfd_json_doc_freep(&linting->doc);
}

/* A mistake was taken note of; anything else is trouble. */
static int noted(struct linting *linting, int r, struct cfd_error *err)
{
	if (r && r != -EINVAL)
		return cfd_fail(err, r, "%s", linting->ignored.message);
	return 0;
}

static int name_file(const char *file, struct linting *linting, struct cfd_error *err)
{
	const char *base = cfd_path_base(file);
	size_t length = strlen(base) - (cfd_ends_with(base, ".json") ? strlen(".json") : 0);

	linting->file = file;
	linting->entry.name = strndup(base, length);
	linting->directory = base == file ? strdup(".") : strndup(file, (size_t)(base - file));
	if (!linting->entry.name || !linting->directory)
		return cfd_fail_memory(err, "a profile");
	length = strlen(linting->directory);
	if (length > 1 && linting->directory[length - 1] == '/')
		linting->directory[length - 1] = '\0';
	return 0;
}

/* -EINVAL: it is no JSON, which is in the diagnostics. */
static int parse_file(struct linting *linting, struct cfd_error *err)
{
	const struct cfd_json_options options = {
		.name = linting->file,
		.max_bytes = CFD_PROFILE_MAX_BYTES,
		.allow_comments = true,
		.diagnostics = linting->diagnostics,
	};
	struct cfd_buf *text = &linting->entry.text;
	int r = cfd_fd_read_file(AT_FDCWD, linting->file, CFD_PROFILE_MAX_BYTES, text, err);

	if (r)
		return r;
	r = cfd_json_parse(text->data ? text->data : "", text->length, &options, &linting->doc, err);
	return r && linting->diagnostics->errors ? -EINVAL : r;
}

static int check_file_name(struct linting *linting)
{
	struct cfd_json *root = cfd_json_root(linting->doc);

	if (!cfd_ends_with(linting->file, ".json"))
		return cfd_fields_fail(linting->doc, root, linting->file, &linting->ignored,
				       "the file's name does not end in .json, so it is not looked at");
	if (!cfd_shape_name(linting->entry.name))
		return cfd_fields_fail(linting->doc, root, linting->file, &linting->ignored,
				       "the file's name is no profile's name: a-z, 0-9 and, not first, \".\", \"_\", "
				       "\"-\"");
	if (!cfd_json_get(root, "name"))
		return 0; /* its table says so */
	return cfd_profile_name_check(linting->doc, linting->file, linting->entry.name, &linting->ignored);
}

/* Whether the two are one directory; NULL and what cannot be looked at are none. */
static bool is_same(const struct stat *directory, const char *other)
{
	struct stat st;

	return other && stat(other, &st) == 0 && st.st_dev == directory->st_dev && st.st_ino == directory->st_ino;
}

/* Where creates read it, nobody else may have written it: a file that others can write stops them all. */
static int check_owner(struct linting *linting, const char *admin_dir, const char *shipped_dir, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = open(linting->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) || (!is_same(&st, admin_dir) && !is_same(&st, shipped_dir)))
		return 0;
	r = cfd_trust_check(fd, linting->directory, &linting->ignored);
	if (!r)
		r = cfd_trust_read(fd, cfd_path_base(linting->file), linting->file, CFD_PROFILE_MAX_BYTES, &text,
				   &linting->ignored);
	if (r == -ENOMEM)
		return cfd_fail_memory(err, "a profile");
	return r ? noted(linting,
			 cfd_fields_fail(linting->doc, cfd_json_root(linting->doc), linting->file, err, "%s",
					 linting->ignored.message),
			 err)
		 : 0;
}

/* What the file itself says, laid over nothing. */
static int check_keys(struct linting *linting, struct cfd_profile *profile, struct cfd_error *err)
{
	const struct cfd_json *match = cfd_json_get(cfd_json_root(linting->doc), "match");
	int r = noted(linting, check_file_name(linting), err);

	if (!r && match)
		r = noted(
			linting,
			cfd_profile_match_read(linting->doc, match, linting->file, &linting->entry, &linting->ignored),
			err);
	if (!r)
		r = cfd_profile_start(profile, err);
	return r ? r : noted(linting, cfd_profile_read(profile, linting->doc, linting->file, &linting->ignored), err);
}

static int fail_extended(struct linting *linting, const struct cfd_json *node, const char *name, struct cfd_error *err)
{
	struct cfd_near near = cfd_near_start(name);

	for (size_t i = 0; i < linting->set->count; i++)
		cfd_near_offer(&near, linting->set->entries[i].name);
	return noted(linting,
		     cfd_fields_fail_meant(linting->doc, node, linting->file, &linting->ignored, near.meant,
					   "there is no profile \"%s\" that can be read in %s", name,
					   linting->set->places),
		     err);
}

/* One of "extends". What is wrong in this very file has been said. */
static int check_extended(struct linting *linting, const struct cfd_json *node, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	const char *name = cfd_json_string(node);
	const struct cfd_profile_entry *own = cfd_profile_set_find(linting->set, linting->entry.name);
	int r;

	if (!cfd_shape_name(name))
		return 0;
	if (cfd_streq(name, linting->entry.name))
		return noted(linting,
			     cfd_fields_fail(linting->doc, node, linting->file, &linting->ignored,
					     "\"extends\" goes in a circle: %s extends itself", name),
			     err);
	if (!cfd_profile_set_find(linting->set, name))
		return fail_extended(linting, node, name, err);
	r = cfd_profile_load(linting->set, name, &profile, &linting->ignored);
	if (r == -ENOMEM)
		return cfd_fail_memory(err, "a profile");
	if (!r || (r != -ELOOP && own && cfd_starts_with(linting->ignored.message, own->path)))
		return 0;
	return noted(linting, cfd_fields_fail(linting->doc, node, linting->file, err, "%s", linting->ignored.message),
		     err);
}

static int check_extends(struct linting *linting, struct cfd_error *err)
{
	const struct cfd_json *list = cfd_json_get(cfd_json_root(linting->doc), "extends");
	char **names = NULL;
	int r = noted(linting, cfd_profile_extends_read(linting->doc, linting->file, &names, &linting->ignored), err);

	cfd_strings_free(names);
	for (size_t i = 0; !r && i < CFD_PROFILE_MAX_EXTENDS && cfd_json_at(list, i); i++)
		r = check_extended(linting, cfd_json_at(list, i), err);
	return r;
}

/* Equally good, so that an image for which both are the best is refused. */
static bool ties(const struct cfd_profile_match *a, const struct cfd_profile_match *b)
{
	if (!a->text || !b->text || a->class != b->class)
		return false;
	if (a->class != CFD_MATCH_GLOB)
		return cfd_streq(a->text, b->text);
	return a->literal == b->literal && cfd_profile_globs_meet(a->text, b->text);
}

static int note_tie(struct linting *linting, size_t index, const struct cfd_profile_entry *other,
		    const struct cfd_profile_match *match)
{
	const struct cfd_json *list = cfd_json_get(cfd_json_root(linting->doc), "match");
	const struct cfd_json *element = cfd_json_at(list, index), *node = cfd_json_member(element, 0, NULL);

	if (!cfd_streq(linting->entry.matches[index].text, match->text))
		return cfd_fields_warn(
			linting->doc, node,
			"an image that also fits \"%s\" of profile %s (%s) is refused, as both match equally "
			"well: make one of them more specific",
			match->text, other->name, other->path);
	return cfd_fields_fail(linting->doc, node, linting->file, &linting->ignored,
			       "profile %s (%s) matches the same: images for which two profiles are equally good are "
			       "refused",
			       other->name, other->path);
}

static int check_ties(struct linting *linting, const struct cfd_profile_entry *other, struct cfd_error *err)
{
	int r = 0;

	if (cfd_streq(other->name, linting->entry.name))
		return 0;
	for (size_t i = 0; !r && i < linting->entry.match_count; i++)
		for (size_t k = 0; !r && k < other->match_count; k++)
			if (ties(&linting->entry.matches[i], &other->matches[k]))
				r = noted(linting, note_tie(linting, i, other, &other->matches[k]), err);
	return r;
}

static int look_around(struct linting *linting, const char *admin_dir, const char *shipped_dir, struct cfd_error *err)
{
	const char *const directories[] = {linting->directory, admin_dir, shipped_dir};
	int r = cfd_profile_set_make(directories, CFD_COUNT(directories), true, &linting->set, err);

	if (!r)
		r = check_extends(linting, err);
	for (size_t i = 0; !r && i < linting->set->count; i++)
		r = check_ties(linting, &linting->set->entries[i], err);
	return r;
}

/* The whole profile, for those who look at what is in force. What prevents it is in the diagnostics. */
static int load(struct linting *linting, struct cfd_profile **ret_profile, struct cfd_error *err)
{
	int r;

	if (linting->diagnostics->errors || !cfd_profile_set_find(linting->set, linting->entry.name))
		return 0;
	r = cfd_profile_load(linting->set, linting->entry.name, ret_profile, &linting->ignored);
	if (!r)
		return 0;
	if (r != -ENOMEM)
		r = cfd_fields_fail(linting->doc, cfd_json_get(cfd_json_root(linting->doc), "extends"), linting->file,
				    err, "%s", linting->ignored.message);
	return noted(linting, r, err);
}

static int lint(struct linting *linting, const char *admin_dir, const char *shipped_dir, int64_t now,
		struct cfd_profile **ret_profile, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *own = calloc(1, sizeof(*own));
	int r = own ? check_owner(linting, admin_dir, shipped_dir, err) : cfd_fail_memory(err, "a profile");

	if (!r)
		r = check_keys(linting, own, err);
	if (!r)
		r = look_around(linting, admin_dir, shipped_dir, err);
	if (!r && (cfd_profile_warn_expired(now, linting->doc) ||
		   (!linting->diagnostics->errors && cfd_profile_spare(own, &linting->entry, linting->doc))))
		r = cfd_fail_memory(err, "a profile");
	return r ? r : load(linting, ret_profile, err);
}

int cfd_profile_lint(const char *file, const char *admin_dir, const char *shipped_dir, int64_t now,
		     struct cfd_diagnostics *diagnostics, struct cfd_json_doc **ret_doc,
		     struct cfd_profile **ret_profile, struct cfd_error *err)
{
	CFD_AUTO(linting_release) struct linting linting = {.diagnostics = diagnostics};
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	int r = name_file(file, &linting, err);

	if (!r)
		r = parse_file(&linting, err);
	if (!r && !cfd_json_is(cfd_json_root(linting.doc), CFD_JSON_OBJECT))
		r = cfd_fields_fail(linting.doc, cfd_json_root(linting.doc), file, err,
				    "a profile is an object { ... }");
	if (r == -EINVAL && diagnostics->errors) {
		*ret_doc = NULL;
		*ret_profile = NULL;
		return 0;
	}
	if (!r)
		r = lint(&linting, admin_dir, shipped_dir, now, &profile, err);
	if (r)
		return r;
	*ret_doc = cfd_take(linting.doc);
	*ret_profile = cfd_take(profile);
	return 0;
}
