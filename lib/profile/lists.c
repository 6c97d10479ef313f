/* SPDX-License-Identifier: Apache-2.0 */
/* The profile's lists of objects, which add up over "extends": "mounts.allow" and "exceptions". */
#include "lib/profile/internal.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/json/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_OF_A_DAY 86400

/* "mounts": {"allow": [{"source", "destination", "options"}]} */

static int read_mount_source(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			     struct cfd_error *err)
{
	if (cfd_streq(cfd_json_string(value), "/"))
		return cfd_fields_fail(doc, value, file, err,
				       "\"/\" would allow the whole host: name the directory that the container needs");
	return cfd_value_read_path(doc, value, file, field, err);
}

/* Marks which of the words it is. */
static int read_option(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		       const char *const *words, bool *found, struct cfd_error *err)
{
	struct cfd_near near = cfd_near_start(cfd_json_string(value));

	for (size_t i = 0; words[i]; i++) {
		if (cfd_streq(cfd_json_string(value), words[i])) {
			found[i] = true;
			return 0;
		}
	}
	cfd_fields_offer(&near, words);
	return cfd_fields_fail_meant(doc, value, file, err, near.meant, "\"ro\", \"rw\" or \"idmap\" is expected here");
}

static int read_mount_options(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			      struct cfd_error *err)
{
	static const char *const words[] = {"ro", "rw", "idmap", NULL};
	struct cfd_profile_mount *mount = field;
	bool found[CFD_COUNT(words)] = {false};
	int failed = cfd_value_expect_list(doc, value, file, 3, err);
	bool next = failed == 0;

	for (size_t i = 0; next && i < cfd_json_count(value); i++)
		next = cfd_fields_next(doc, read_option(doc, cfd_json_at(value, i), file, words, found, err), &failed);
	if (!failed && found[0] && found[1])
		failed = cfd_fields_fail(doc, value, file, err, "\"ro\" and \"rw\" contradict each other");
	mount->writable = found[1];
	mount->idmap = found[2];
	return failed;
}

static const struct cfd_field mount_fields[] = {
	// clang-format off
	{ .key = "source", .kind = CFD_FIELD_CUSTOM, .required = true, .read = read_mount_source,
	  .offset = offsetof(struct cfd_profile_mount, source) },
	{ .key = "destination", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_path,
	  .offset = offsetof(struct cfd_profile_mount, destination) },
	{ .key = "options", .kind = CFD_FIELD_CUSTOM, .read = read_mount_options },
	// clang-format on
};

int cfd_profile_mounts_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err)
{
	struct cfd_profile *profile = field;
	size_t added = cfd_json_count(value);
	struct cfd_profile_mount *grown;
	bool next = true;
	int r = cfd_value_expect_list(doc, value, file, CFD_VALUE_MAX_LIST, err);

	if (r || !added)
		return r;
	grown = reallocarray(profile->mounts, profile->mount_count + added, sizeof(*grown));
	if (!grown)
		return cfd_fail_memory(err, "a profile");
	profile->mounts = grown;
	memset(grown + profile->mount_count, 0, added * sizeof(*grown));
	for (size_t i = 0; next && i < added; i++)
		next = cfd_fields_next(doc,
				       cfd_fields_read(doc, cfd_json_at(value, i), file, mount_fields,
						       CFD_COUNT(mount_fields), &grown[profile->mount_count++], err),
				       &r);
	return r;
}

bool cfd_profile_mount_covers(const struct cfd_profile_mount *allow, const char *destination, bool read_only)
{
	return (!allow->destination || cfd_streq(allow->destination, destination)) && (allow->writable || read_only);
}

/* "exceptions": [{"rule", "subject", "reason", "expires"}] */

static int read_expires(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err)
{
	int64_t *expires = field, day;
	const char *text = cfd_json_string(value);

	if (cfd_shape_day(text, &day))
		return cfd_fields_fail(
			doc, value, file, err,
			"a day \"YYYY-MM-DD\" is expected here: the last one, in UTC, on which the exception "
			"applies");
	*expires = day + SECONDS_OF_A_DAY;
	return 0;
}

static const struct cfd_field exception_fields[] = {
	// clang-format off
	{ .key = "rule", .kind = CFD_FIELD_CUSTOM, .required = true, .read = cfd_value_read_text,
	  .offset = offsetof(struct cfd_profile_exception, rule) },
	{ .key = "subject", .kind = CFD_FIELD_CUSTOM, .required = true, .read = cfd_value_read_text,
	  .offset = offsetof(struct cfd_profile_exception, subject) },
	{ .key = "reason", .kind = CFD_FIELD_CUSTOM, .required = true, .read = cfd_value_read_text,
	  .offset = offsetof(struct cfd_profile_exception, reason) },
	{ .key = "expires", .kind = CFD_FIELD_CUSTOM, .required = true, .read = read_expires,
	  .offset = offsetof(struct cfd_profile_exception, expires) },
	// clang-format on
};

int cfd_profile_exceptions_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
				struct cfd_error *err)
{
	struct cfd_profile *profile = field;
	size_t added = cfd_json_count(value);
	struct cfd_profile_exception *grown;
	bool next = true;
	int r = cfd_value_expect_list(doc, value, file, CFD_VALUE_MAX_LIST, err);

	if (r || !added)
		return r;
	grown = reallocarray(profile->exceptions, profile->exception_count + added, sizeof(*grown));
	if (!grown)
		return cfd_fail_memory(err, "a profile");
	profile->exceptions = grown;
	memset(grown + profile->exception_count, 0, added * sizeof(*grown));
	for (size_t i = 0; next && i < added; i++)
		next = cfd_fields_next(doc,
				       cfd_fields_read(doc, cfd_json_at(value, i), file, exception_fields,
						       CFD_COUNT(exception_fields), &grown[profile->exception_count++],
						       err),
				       &r);
	return r;
}

void cfd_profile_lists_release(struct cfd_profile *profile)
{
	for (size_t i = 0; i < profile->mount_count; i++) {
		free(profile->mounts[i].source);
		free(profile->mounts[i].destination);
	}
	free(profile->mounts);
	for (size_t i = 0; i < profile->exception_count; i++) {
		free(profile->exceptions[i].rule);
		free(profile->exceptions[i].subject);
		free(profile->exceptions[i].reason);
	}
	free(profile->exceptions);
}
