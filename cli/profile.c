/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam profile list, match, show: what this host's profiles say. */
#include "cli/command.h"

#include "lib/config.h"
#include "lib/err.h"
#include "lib/image/image.h"
#include "lib/profile/profile.h"
#include "lib/shape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int open_set(struct cfd_profile_set **ret_set, struct cfd_error *err)
{
	return cfd_profile_set_open(CFD_PROFILE_ADMIN_DIR, CFD_PROFILE_SHIPPED_DIR, ret_set, err);
}

int cfd_command_profile_show(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const char *format = "text", *name = NULL;
	const struct cfd_option options[] = {{.name = "format", .value = &format}};
	bool json;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &name, 1, err);

	if (!r)
		r = cfd_command_json(format, &json, err);
	if (!r && !name)
		r = cfd_fail(err, -EINVAL, "profile show needs a profile; `cofferdam profile list` names them");
	if (!r)
		r = open_set(&set, err);
	if (!r)
		r = json ? cfd_profile_show_json(set, name, &text, err) : cfd_profile_show(set, name, &text, err);
	if (r)
		return r;
	printf("%s%s", text.data, json ? "\n" : "");
	return CFD_STATUS_OK;
}

static int print_row_json(const struct cfd_profile_set *set, size_t index, const char *name, const char *path)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};
	const char *pattern;
	int r = 0;

	if (cfd_buf_add_string(&line, "{\"name\":") || cfd_buf_add_json(&line, name) ||
	    cfd_buf_add_member(&line, "file", path) || cfd_buf_add_string(&line, ",\"match\":["))
		return -ENOMEM;
	for (size_t k = 0; !r && (pattern = cfd_profile_set_pattern(set, index, k)); k++) {
		r = cfd_buf_add_string(&line, k ? "," : "");
		if (!r)
			r = cfd_buf_add_json(&line, pattern);
	}
	if (r || cfd_buf_add_string(&line, "]}"))
		return -ENOMEM;
	puts(line.data);
	return 0;
}

static void print_row(const struct cfd_profile_set *set, size_t index, const char *name, const char *path)
{
	const char *pattern = cfd_profile_set_pattern(set, index, 0);

	printf("%-20s %-52s %s\n", name, path, pattern ? pattern : "-");
	for (size_t k = 1; (pattern = cfd_profile_set_pattern(set, index, k)); k++)
		printf("%-20s %-52s %s\n", "", "", pattern);
}

int cfd_command_profile_list(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	const char *format = "text", *name, *path;
	const struct cfd_option options[] = {{.name = "format", .value = &format}};
	bool json;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), NULL, 0, err);

	if (!r)
		r = cfd_command_json(format, &json, err);
	if (!r)
		r = open_set(&set, err);
	if (r)
		return r;
	if (!json)
		printf("%-20s %-52s %s\n", "NAME", "FILE", "MATCH");
	for (size_t i = 0; cfd_profile_set_at(set, i, &name, &path); i++) {
		if (!json)
			print_row(set, i, name, path);
		else if (print_row_json(set, i, name, path))
			return cfd_fail_memory(err, "the list of profiles");
	}
	return CFD_STATUS_OK;
}

struct matching {
	struct cfd_config config;
	struct cfd_profile_set *set;
	struct cfd_image image;
	struct cfd_profile_candidate *candidates; /* the best first */
	size_t count;
	bool tie; /* of the first two */
};

static void matching_release(struct matching *matching)
{
	cfd_config_release(&matching->config);
	cfd_profile_set_freep(&matching->set);
	cfd_image_release(&matching->image);
	free(matching->candidates);
}

/* Why the candidate fits: "a pattern with 24 literal characters". */
static void describe(const struct cfd_profile_candidate *candidate, char *text, size_t size)
{
	if (candidate->class == CFD_MATCH_GLOB)
		snprintf(text, size, "a pattern with %zu literal characters", candidate->literal);
	else
		snprintf(text, size, "%s", candidate->class == CFD_MATCH_DIGEST ? "the digest" : "the exact name");
}

static bool is_tied(const struct matching *matching, size_t index)
{
	return matching->tie &&
	       cfd_profile_candidates_compare(&matching->candidates[index], &matching->candidates[0]) == 0;
}

static const char *word_for(const struct matching *matching, size_t index)
{
	return is_tied(matching, index) ? "ties" : index ? "loses" : "wins";
}

/* The profile that a create takes, or NULL where it refuses. */
static const char *chosen(const struct matching *matching)
{
	if (matching->tie)
		return NULL;
	if (matching->count)
		return matching->candidates[0].name;
	return matching->config.refuse_unknown_image ? NULL : matching->config.default_profile;
}

static void print_head(const struct matching *matching)
{
	const char *image = matching->image.name;

	if (matching->tie)
		printf("%s: refused, as profiles match equally well: make one of them more specific\n", image);
	else if (matching->count)
		printf("%s: profile %s (%s)\n", image, matching->candidates[0].name, matching->candidates[0].path);
	else if (matching->config.refuse_unknown_image)
		printf("%s: refused, as no profile matches and \"unknown_image\" is \"refuse\"\n", image);
	else
		printf("%s: profile %s, as no profile matches and \"unknown_image\" is \"default\"\n", image,
		       matching->config.default_profile);
}

static void print_matching(const struct matching *matching)
{
	char why[64];

	print_head(matching);
	for (size_t i = 0; i < matching->count; i++) {
		describe(&matching->candidates[i], why, sizeof(why));
		printf("  %-5s %s: \"%s\" is %s (%s)\n", word_for(matching, i), matching->candidates[i].name,
		       matching->candidates[i].pattern, why, matching->candidates[i].path);
	}
}

static int print_matching_json(const struct matching *matching)
{
	static const char *const classes[] = {"none", "pattern", "name", "digest"};
	CFD_AUTO_BUF struct cfd_buf line = {0};
	int r = cfd_buf_add_string(&line, "{\"image\":");

	if (!r)
		r = cfd_buf_add_json(&line, matching->image.name);
	if (!r)
		r = cfd_buf_add_member(&line, "profile", chosen(matching));
	if (!r)
		r = cfd_buf_add_string(&line, ",\"candidates\":[");
	for (size_t i = 0; !r && i < matching->count; i++) {
		const struct cfd_profile_candidate *candidate = &matching->candidates[i];

		r = cfd_buf_addf(&line, "%s{\"verdict\":\"%s\"", i ? "," : "", word_for(matching, i));
		if (!r)
			r = cfd_buf_add_member(&line, "name", candidate->name);
		if (!r)
			r = cfd_buf_add_member(&line, "file", candidate->path);
		if (!r)
			r = cfd_buf_add_member(&line, "by", classes[candidate->class]);
		if (!r)
			r = cfd_buf_add_member(&line, "pattern", candidate->pattern);
		if (!r)
			r = cfd_buf_addf(&line, ",\"literal\":%zu}", candidate->literal);
	}
	if (r || cfd_buf_add_string(&line, "]}"))
		return -ENOMEM;
	puts(line.data);
	return 0;
}

static int find_candidates(const char *image, const char *digest, struct matching *matching, struct cfd_error *err)
{
	int r = cfd_image_normalise(image, &matching->image.name, err);

	if (!r && digest && !cfd_shape_digest(digest))
		r = cfd_fail(err, -EINVAL, "--digest %s is none: \"sha256:\" and 64 lower-case hexadecimal digits",
			     digest);
	if (!r && cfd_string_replace(&matching->image.digests[0], digest))
		r = cfd_fail_memory(err, "the digest");
	if (!r)
		r = cfd_config_read(CFD_CONFIG_PATH, &matching->config, err);
	if (!r)
		r = open_set(&matching->set, err);
	if (!r)
		r = cfd_profile_candidates(matching->set, &matching->image, &matching->candidates, &matching->count,
					   err);
	if (r)
		return r;
	matching->tie = matching->count > 1 &&
			cfd_profile_candidates_compare(&matching->candidates[0], &matching->candidates[1]) == 0;
	return 0;
}

int cfd_command_profile_match(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(matching_release) struct matching matching = {0};
	const char *format = "text", *image = NULL, *digest = NULL;
	const struct cfd_option options[] = {{.name = "digest", .value = &digest},
					     {.name = "format", .value = &format}};
	bool json = false;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &image, 1, err);

	if (!r && !image)
		r = cfd_fail(err, -EINVAL, "profile match needs the name of an image");
	if (!r)
		r = cfd_command_json(format, &json, err);
	if (!r)
		r = find_candidates(image, digest, &matching, err);
	if (r)
		return r;
	if (!json)
		print_matching(&matching);
	else if (print_matching_json(&matching))
		return cfd_fail_memory(err, "the answer");
	return chosen(&matching) ? CFD_STATUS_OK : CFD_STATUS_NO;
}
