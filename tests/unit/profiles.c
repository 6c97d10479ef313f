/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of profiles for tests. */
#include "tests/unit/profiles.h"

#include "lib/image/image.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cfd_profile_set *open_set(const char *admin, const char *shipped)
{
	struct cfd_profile_set *set = NULL;
	struct cfd_error err;

	cr_assert_eq(cfd_profile_set_open(admin, shipped, &set, &err), 0, "%s", err.message);
	return set;
}

struct cfd_profile *load_profile(const struct cfd_profile_set *set, const char *name)
{
	struct cfd_profile *profile = NULL;
	struct cfd_error err;

	cr_assert_eq(cfd_profile_load(set, name, &profile, &err), 0, "%s", err.message);
	return profile;
}

void write_profile(const char *tree, const char *name, const char *keys)
{
	CFD_AUTO_FREE char *text = NULL, *path = NULL;

	cr_assert_geq(asprintf(&text, "{\"cofferdam\": 1, \"name\": \"%s\"%s%s}", name, *keys ? ", " : "", keys), 0);
	cr_assert_geq(asprintf(&path, "%s.json", name), 0);
	tree_write(tree, path, text);
}
const char *match_profile(const struct cfd_profile_set *set, const char *name, const char *digest, const char *id)
{
	const struct cfd_image image = {.name = (char *)name, .digests = {(char *)digest}, .id = (char *)id};
	const char *found = "untouched";
	struct cfd_error err = {0};

	cr_assert_eq(cfd_profile_match(set, &image, &found, &err), 0, "%s", err.message);
	return found ? found : "none";
}

bool next_expectation(const char **text, struct expectation *ret_expectation)
{
	static const char mark[] = "// expect ";
	const char *colon;

	if (!cfd_starts_with(*text, mark))
		return false;
	*text += sizeof(mark) - 1;
	colon = strstr(*text, ": ");
	cr_assert_not_null(colon);
	snprintf(ret_expectation->place, sizeof(ret_expectation->place), "%.*s", (int)(colon - *text), *text);
	snprintf(ret_expectation->message, sizeof(ret_expectation->message), "%.*s", (int)strcspn(colon + 2, "\n"),
		 colon + 2);
	*text += strcspn(*text, "\n") + 1;
	return true;
}

void copy_shipped(const char *tree)
{
	DIR *directory = opendir("profiles");
	const struct dirent *file;

	cr_assert_not_null(directory);
	while ((file = readdir(directory))) {
		CFD_AUTO_FREE char *source = tree_path("profiles", file->d_name);

		if (cfd_ends_with(file->d_name, ".json") && !cfd_streq(file->d_name, "schema.json"))
			tree_copy(tree, file->d_name, source);
	}
	closedir(directory);
}
