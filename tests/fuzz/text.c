/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small readers of text: paths, image names, globs, mountinfo, resolv.conf, days, JSON strings of messages. Two of
 * their inputs are the first line and the rest.
 */
#include "tests/fuzz/fuzz.h"

#include "bpf/guard.h"
#include "lib/err.h"
#include "lib/policy/dns.h"
#include "lib/policy/routes.h"
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/mountinfo.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/shape.h"

#include <string.h>

static void check_path(const char *text, const char *other)
{
	char clean[CFD_PATH_MAX], again[CFD_PATH_MAX];

	if (cfd_path_clean(text, clean))
		return;
	FUZZ_CHECK(clean[0] == '/' && cfd_path_is_clean(clean) && !cfd_path_has_dotdot(clean));
	FUZZ_CHECK(cfd_path_clean(clean, again) == 0 && cfd_streq(clean, again));
	FUZZ_CHECK(cfd_path_beneath(clean, "/") && *cfd_path_beneath(clean, clean) == '\0');
	FUZZ_CHECK(!cfd_shape_path(text) || cfd_streq(text, clean));
	if (cfd_path_clean(other, again) == 0 && cfd_path_beneath(clean, again))
		FUZZ_CHECK(strncmp(clean, again, strlen(again)) == 0);
}

static void check_reference(const char *text)
{
	CFD_AUTO_FREE char *once = NULL, *twice = NULL;
	struct cfd_error err = {0};

	if (cfd_image_normalise(text, &once, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	FUZZ_CHECK(strchr(once, '/'));
	FUZZ_CHECK(cfd_image_normalise(once, &twice, &err) == 0);
	FUZZ_CHECK(cfd_streq(once, twice));
}

/* A text that is quoted whole is met by itself, and `**` meets everything. */
static void check_glob(const char *pattern, const char *text)
{
	CFD_AUTO_BUF struct cfd_buf quoted = {0};

	cfd_profile_glob(pattern, text);
	FUZZ_CHECK(cfd_profile_glob("**", text));
	for (const char *c = text; *c; c++)
		FUZZ_CHECK(cfd_buf_add(&quoted, "\\", 1) == 0 && cfd_buf_add(&quoted, c, 1) == 0);
	FUZZ_CHECK(cfd_profile_glob(quoted.data ? quoted.data : "", text));
}

static void check_mountinfo(const char *text)
{
	CFD_AUTO_FREE char *copy = strdup(text);
	struct cfd_mountinfo mount;
	char *cursor = copy;

	FUZZ_CHECK(copy);
	while (cfd_mountinfo_next(&cursor, &mount)) {
		FUZZ_CHECK(mount.root && mount.point && mount.options && mount.type && mount.super_options);
		cfd_mountinfo_flags(&mount);
	}
}

static void check_resolvers(const char *text)
{
	struct cfd_guard_address addresses[CFD_GUARD_RESOLVERS];
	struct cfd_error err = {0};
	uint16_t count = 0;

	FUZZ_CHECK(cfd_routes_resolvers(text, addresses, CFD_COUNT(addresses), &count, &err) == 0);
	FUZZ_CHECK(count >= 1 && count <= CFD_COUNT(addresses));
}

/* Whatever bytes go into a message, it stays JSON, on one line; UTF-8 comes out as it went in. */
static void check_message(const char *text)
{
	static const struct cfd_json_options options = {.name = "message"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf json = {0};
	struct cfd_error err = {0};

	FUZZ_CHECK(cfd_buf_add_json(&json, text) == 0);
	fuzz_check_line(json.data);
	FUZZ_CHECK(cfd_json_parse(json.data, json.length, &options, &doc, &err) == 0);
	if (cfd_utf8_valid(text))
		FUZZ_CHECK(cfd_streq(cfd_json_string(cfd_json_root(doc)), text));
}

static void check_error(const char *text)
{
	struct cfd_error err = {0};

	FUZZ_CHECK(cfd_fail(&err, -1, "%s", text) == -1 && strlen(err.message) < sizeof(err.message));
	cfd_wrap(&err, "%s", text);
	FUZZ_CHECK(strlen(err.message) < sizeof(err.message));
}

/* A host name has a form on the wire, which is as long as its text and two bytes; nothing else has. */
static void check_host(const char *text)
{
	uint8_t wire[CFD_DNS_NAME];
	size_t length = cfd_dns_name(text, wire);

	FUZZ_CHECK(length == (cfd_shape_host(text) ? strlen(text) + 2 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CFD_AUTO_FREE char *first = malloc(size + 1);
	const char *rest;
	int64_t day;

	FUZZ_CHECK(first);
	if (size)
		memcpy(first, data, size);
	first[size] = '\0';
	check_mountinfo(first);
	check_resolvers(first);
	check_message(first);
	check_error(first);
	rest = strchr(first, '\n') ? strchr(first, '\n') + 1 : "";
	first[strcspn(first, "\n")] = '\0';
	check_path(first, rest);
	check_reference(first);
	check_host(first);
	check_glob(first, rest);
	if (cfd_shape_day(first, &day) == 0)
		FUZZ_CHECK(day >= 0 && day % 86400 == 0);
	return 0;
}
