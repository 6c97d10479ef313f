/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which profile fits an image: globs, the "match" list, and the choice between profiles.
 *
 * Order of the choice: a digest, then a name without wildcards, then the glob with the most literal characters. Two
 * profiles that are equally good are an error and never a matter of which file was read first.
 */
#include "lib/profile/internal.h"

#include "lib/json/fields.h"
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/json/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 512

/*
 * Two places to go back to, one for the last `*` and one for the last `**`: nothing before them can make a difference
 * any more. So the steps are at most pattern times text squared, whatever the pattern; going back to every wildcard
 * would be exponential. Names have at most 400 characters.
 */
struct glob_place {
	const char *pattern; /* behind the wildcard; NULL: none was met */
	const char *text;    /* where the next attempt starts */
};

/* To the `*` while its component lasts, and then to the `**`. */
static bool glob_go_back(struct glob_place *star, struct glob_place *stars, const char **pattern, const char **text)
{
	struct glob_place *place = star->pattern && *star->text && *star->text != '/' ? star : stars;

	if (!place->pattern || !*place->text)
		return false;
	place->text++;
	*pattern = place->pattern;
	*text = place->text;
	return true;
}

bool cfd_profile_glob(const char *pattern, const char *text)
{
	struct glob_place star = {0}, stars = {0};

	for (;;) {
		if (pattern[0] == '*' && pattern[1] == '*') {
			pattern += 2;
			stars = (struct glob_place){pattern, text};
			star.pattern = NULL;
		} else if (pattern[0] == '*') {
			pattern++;
			star = (struct glob_place){pattern, text};
		} else if (*text && pattern[0] == '?' && *text != '/') {
			pattern++;
			text++;
		} else if (*text && pattern[0] == '\\' && pattern[1] && pattern[1] == *text) {
			pattern += 2;
			text++;
		} else if (*text && *pattern == *text && *pattern != '?' && *pattern != '\\') {
			pattern++;
			text++;
		} else if (!*text && !*pattern) {
			return true;
		} else if (!glob_go_back(&star, &stars, &pattern, &text)) {
			return false;
		}
	}
}

static bool is_wildcard(char c)
{
	return c == '*' || c == '?';
}

/* Takes the quoting away and counts what stands for itself. -EINVAL: nothing follows a backslash. */
static int unquote(const char *pattern, struct cfd_profile_match *match)
{
	char *out = match->text;

	match->class = CFD_MATCH_NAME;
	for (; *pattern; pattern++) {
		if (is_wildcard(*pattern)) {
			match->class = CFD_MATCH_GLOB;
			continue;
		}
		if (*pattern == '\\' && !*++pattern)
			return -EINVAL;
		*out++ = *pattern;
		match->literal++;
	}
	*out = '\0';
	return 0;
}

/* Whether the pattern's first component can be a registry: names are matched in their full form. */
static bool starts_with_registry(const char *pattern)
{
	size_t length = strcspn(pattern, "/");

	return pattern[length] == '/' &&
	       (strcspn(pattern, ".:*?") < length || (length == 9 && cfd_starts_with(pattern, "localhost")));
}

static int check_image(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *pattern,
		       const struct cfd_profile_match *match, struct cfd_error *err)
{
	CFD_AUTO_FREE char *normal = NULL;
	struct cfd_error ignored;
	char meant[PATTERN_MAX + sizeof("docker.io/library/")];

	snprintf(meant, sizeof(meant), "docker.io/%s%s", strchr(pattern, '/') ? "" : "library/", pattern);
	if (!starts_with_registry(pattern))
		return cfd_fields_fail_meant(
			doc, value, file, err, meant,
			"\"%s\" matches nothing: images are matched by their full name, with the registry, "
			"such as \"docker.io/library/nginx:1.*\"",
			pattern);
	if (match->class == CFD_MATCH_GLOB)
		return 0;
	if (cfd_image_normalise(match->text, &normal, &ignored))
		return cfd_fields_fail(doc, value, file, err, "\"%s\" is no image name: %s", pattern, ignored.message);
	if (!cfd_streq(normal, match->text))
		return cfd_fields_fail(
			doc, value, file, err,
			"\"%s\" matches nothing: the full name of that image is \"%s\" (write \":*\" for "
			"every tag)",
			pattern, normal);
	return 0;
}

static int fail_both(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, struct cfd_error *err)
{
	return cfd_fields_fail(doc, value, file, err, "\"image\" and \"digest\" do not go together: write two entries");
}

static int read_image(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		      struct cfd_error *err)
{
	struct cfd_profile_match *match = field;
	const char *pattern = cfd_json_string(value);

	if (!pattern || !*pattern || strlen(pattern) > PATTERN_MAX)
		return cfd_fields_fail(doc, value, file, err,
				       "a pattern for image names of 1 to 512 characters is expected here");
	if (match->text)
		return fail_both(doc, value, file, err);
	match->text = strdup(pattern);
	if (!match->text)
		return cfd_fail_memory(err, "a profile");
	if (unquote(pattern, match))
		return cfd_fields_fail(doc, value, file, err, "\"%s\" ends in a backslash that quotes nothing",
				       pattern);
	if (match->class == CFD_MATCH_GLOB)
		strcpy(match->text, pattern); /* unquoting only made it shorter */
	return check_image(doc, value, file, pattern, match, err);
}

static int read_digest(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		       struct cfd_error *err)
{
	struct cfd_profile_match *match = field;
	const char *digest = cfd_json_string(value);

	if (!cfd_shape_digest(digest))
		return cfd_fields_fail(doc, value, file, err,
				       "a digest is \"sha256:\" and 64 lower-case hexadecimal digits");
	if (match->text)
		return fail_both(doc, value, file, err);
	match->class = CFD_MATCH_DIGEST;
	match->text = strdup(digest);
	return match->text ? 0 : cfd_fail_memory(err, "a profile");
}

static const struct cfd_field match_fields[] = {
	{.key = "image", .kind = CFD_FIELD_CUSTOM, .read = read_image},
	{.key = "digest", .kind = CFD_FIELD_CUSTOM, .read = read_digest},
};

static int read_entry(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		      struct cfd_profile_match *match, struct cfd_error *err)
{
	int r = cfd_fields_read(doc, value, file, match_fields, CFD_COUNT(match_fields), match, err);

	if (r || match->text)
		return r;
	return cfd_fields_fail(doc, value, file, err, "either \"image\" or \"digest\" is expected in here");
}

int cfd_profile_match_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			   struct cfd_error *err)
{
	struct cfd_profile_entry *entry = field;
	size_t count = cfd_json_count(value);
	bool next = true;
	int r = cfd_value_expect_list(doc, value, file, CFD_VALUE_MAX_LIST, err);

	if (r)
		return r;
	entry->matches = calloc(count ? count : 1, sizeof(*entry->matches));
	if (!entry->matches)
		return cfd_fail_memory(err, "a profile");
	entry->match_count = count;
	for (size_t i = 0; next && i < count; i++)
		next = cfd_fields_next(doc, read_entry(doc, cfd_json_at(value, i), file, &entry->matches[i], err), &r);
	return r;
}

static bool has_digest(const struct cfd_image *image, const char *digest)
{
	for (size_t i = 0; image->digests[i]; i++)
		if (cfd_streq(image->digests[i], digest))
			return true;
	return cfd_streq(image->id, digest);
}

static bool match_fits(const struct cfd_profile_match *match, const struct cfd_image *image)
{
	switch (match->class) {
	case CFD_MATCH_DIGEST:
		return has_digest(image, match->text);
	case CFD_MATCH_NAME:
		return cfd_streq(image->name, match->text);
	case CFD_MATCH_GLOB:
		return image->name && cfd_profile_glob(match->text, image->name);
	case CFD_MATCH_NONE:
		break;
	}
	return false;
}

/* Negative, 0 or positive as a is the weaker, an equal or the better match. A whole name is as good as another. */
static int compare_matches(const struct cfd_profile_match *a, const struct cfd_profile_match *b)
{
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->class != CFD_MATCH_GLOB || a->literal == b->literal)
		return 0;
	return a->literal < b->literal ? -1 : 1;
}

/* The best entry of that profile's list for the image; class NONE when none fits. */
static struct cfd_profile_match best_of(const struct cfd_profile_entry *entry, const struct cfd_image *image)
{
	struct cfd_profile_match best = {0};

	for (size_t i = 0; i < entry->match_count; i++)
		if (match_fits(&entry->matches[i], image) && compare_matches(&entry->matches[i], &best) > 0)
			best = entry->matches[i];
	return best;
}

static int fail_tie(const struct cfd_profile_entry *a, const struct cfd_profile_entry *b,
		    const struct cfd_profile_match *match, const struct cfd_image *image, struct cfd_error *err)
{
	return cfd_fail(
		err, -EEXIST,
		"two profiles match %s equally well (\"%s\"): %s in %s and %s in %s; make one of them more specific "
		"or remove it",
		image->name ? image->name : "the image", match->text, a->name, a->path, b->name, b->path);
}

int cfd_profile_match(const struct cfd_profile_set *set, const struct cfd_image *image, const char **ret_name,
		      struct cfd_error *err)
{
	const struct cfd_profile_entry *winner = NULL, *tied = NULL;
	struct cfd_profile_match best = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct cfd_profile_entry *entry = &set->entries[i];
		struct cfd_profile_match match = best_of(entry, image);
		int order = compare_matches(&match, &best);

		if (match.class == CFD_MATCH_NONE || order < 0)
			continue;
		tied = order == 0 ? entry : NULL;
		if (order > 0) {
			winner = entry;
			best = match;
		}
	}
	if (tied)
		return fail_tie(winner, tied, &best, image, err);
	*ret_name = winner ? winner->name : NULL;
	return 0;
}

int cfd_profile_candidates_compare(const struct cfd_profile_candidate *a, const struct cfd_profile_candidate *b)
{
	const struct cfd_profile_match x = {.class = a->class, .literal = a->literal};
	const struct cfd_profile_match y = {.class = b->class, .literal = b->literal};

	return compare_matches(&x, &y);
}

static int best_first(const void *a, const void *b)
{
	int order = cfd_profile_candidates_compare(b, a);

	return order ? order
		     : strcmp(((const struct cfd_profile_candidate *)a)->name,
			      ((const struct cfd_profile_candidate *)b)->name);
}

int cfd_profile_candidates(const struct cfd_profile_set *set, const struct cfd_image *image,
			   struct cfd_profile_candidate **ret_list, size_t *ret_count, struct cfd_error *err)
{
	struct cfd_profile_candidate *list = calloc(set->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return cfd_fail_memory(err, "profiles");
	for (size_t i = 0; i < set->count; i++) {
		const struct cfd_profile_match match = best_of(&set->entries[i], image);

		if (match.class != CFD_MATCH_NONE)
			list[count++] = (struct cfd_profile_candidate){.name = set->entries[i].name,
								       .path = set->entries[i].path,
								       .pattern = match.text,
								       .class = match.class,
								       .literal = match.literal};
	}
	qsort(list, count, sizeof(*list), best_first);
	*ret_list = list;
	*ret_count = count;
	return 0;
}

bool cfd_profile_set_at(const struct cfd_profile_set *set, size_t index, const char **ret_name, const char **ret_path)
{
	if (index >= set->count)
		return false;
	*ret_name = set->entries[index].name;
	*ret_path = set->entries[index].path;
	return true;
}

const char *cfd_profile_set_pattern(const struct cfd_profile_set *set, size_t index, size_t k)
{
	return index < set->count && k < set->entries[index].match_count ? set->entries[index].matches[k].text : NULL;
}
