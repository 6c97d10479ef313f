/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile in the administrator's directory, over fixed ones that it may extend, be extended by, and match beside; and
 * the same bytes as cofferdam.json. What is loaded has only values that later steps may rely on.
 */
#include "tests/fuzz/fuzz.h"

#include "bpf/guard.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/policy/policy.h"
#include "lib/policy/routes.h"
#include "lib/image/image.h"
#include "lib/profile/profile.h"
#include "lib/shape.h"

#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *file, *text;
} fixed[] = {
	{"shipped/default.json", "{\"cofferdam\": 1, \"name\": \"default\"}"},
	{"shipped/base.json", "{\"cofferdam\": 1, \"name\": \"base\", \"extends\": [\"default\"], /* lists */\n"
			      "\"capabilities\": [\"CHOWN\"], \"devices\": {\"allow\": [\"/dev/fuse\"]},\n"
			      "\"match\": [{\"image\": \"docker.io/library/nginx:1.*\"}]}"},
	{"shipped/above.json", "{\"cofferdam\": 1, \"name\": \"above\", \"extends\": [\"fuzz\"]}"},
};

static char admin[96], shipped[96], settings[96];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	snprintf(admin, sizeof(admin), "%s/admin", fuzz_directory());
	snprintf(shipped, sizeof(shipped), "%s/shipped", fuzz_directory());
	snprintf(settings, sizeof(settings), "%s/admin/fuzz.json", fuzz_directory());
	FUZZ_CHECK(mkdir(admin, 0700) == 0 && mkdir(shipped, 0700) == 0);
	for (size_t i = 0; i < CFD_COUNT(fixed); i++)
		fuzz_put(fixed[i].file, fixed[i].text, strlen(fixed[i].text));
	return 0;
}

static void check_ports(const struct cfd_profile_port *ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(ports[i].first <= ports[i].last);
}

static void check_paths(char *const *paths)
{
	for (; paths && *paths; paths++)
		FUZZ_CHECK(cfd_shape_path(*paths));
}

static void check_lists(const struct cfd_profile *profile)
{
	unsigned number;

	for (char *const *name = profile->capabilities; name && *name; name++)
		FUZZ_CHECK(cfd_caps_number(*name, &number) == 0);
	for (size_t i = 0; i < profile->mount_count; i++)
		FUZZ_CHECK(cfd_shape_path(profile->mounts[i].source));
	for (size_t i = 0; i < profile->exception_count; i++)
		FUZZ_CHECK(profile->exceptions[i].rule && profile->exceptions[i].subject &&
			   *profile->exceptions[i].reason && profile->exceptions[i].expires > 0);
	for (size_t i = 0; i < profile->connect_count; i++) {
		FUZZ_CHECK(profile->connect[i].prefix <= 128);
		FUZZ_CHECK((profile->connect[i].kind == CFD_PEER_NAME) == cfd_shape_host(profile->connect[i].name));
		FUZZ_CHECK(profile->connect[i].kind == CFD_PEER_NAME || !profile->connect[i].follow);
		check_ports(profile->connect[i].ports, profile->connect[i].port_count);
	}
	check_ports(profile->listen, profile->listen_count);
	check_paths(profile->devices);
	check_paths(profile->exec_allow);
}

static void check_network(const struct cfd_profile *profile)
{
	CFD_AUTO_FREE struct cfd_guard_route *routes = NULL;
	struct cfd_guard_range ranges[CFD_GUARD_LISTENS];
	struct cfd_error err = {0};
	size_t count = 0;
	uint16_t listens = 0;

	if (cfd_routes_compile(profile, &routes, &count, &err) == 0)
		FUZZ_CHECK(count <= CFD_POLICY_MAX_ROUTES);
	if (cfd_routes_listens(profile, ranges, CFD_COUNT(ranges), &listens, &err) == 0)
		FUZZ_CHECK(listens <= CFD_COUNT(ranges));
}

static void load(const struct cfd_profile_set *set, const char *name)
{
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	struct cfd_error err = {0};

	if (cfd_profile_load(set, name, &profile, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	FUZZ_CHECK(cfd_streq(profile->name, name) && profile->format == CFD_PROFILE_FORMAT && profile->syscalls);
	FUZZ_CHECK(profile->userns_host == (profile->userns_reason != NULL));
	FUZZ_CHECK(!profile->userns_host || (!profile->userns_base && !profile->userns_size));
	FUZZ_CHECK(profile->userns_base + cfd_profile_ids(profile) <= UINT32_MAX);
	FUZZ_CHECK(cfd_profile_ids(profile) % 65536 == 0);
	check_lists(profile);
	check_network(profile);
}

static void check_match(const struct cfd_profile_set *set)
{
	static const struct cfd_image image = {
		.name = (char *)"docker.io/library/nginx:1.27",
		.digests = {(char *)"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	};
	const char *name = NULL;
	struct cfd_error err = {0};

	if (cfd_profile_match(set, &image, &name, &err))
		FUZZ_CHECK(*err.message);
	else
		FUZZ_CHECK(cfd_streq(name, "fuzz") || cfd_streq(name, "base")); /* the second always fits */
}

static void check_config(void)
{
	struct cfd_config config = {0};
	struct cfd_error err = {0};

	if (cfd_config_read(settings, &config, &err) == 0)
		FUZZ_CHECK(config.default_profile && config.runtimes[0] && config.audit_file);
	else
		FUZZ_CHECK(*err.message);
	cfd_config_release(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	struct cfd_error err = {0};

	fuzz_put("admin/fuzz.json", data, size);
	check_config();
	if (cfd_profile_set_open(admin, shipped, &set, &err)) {
		FUZZ_CHECK(*err.message);
		return 0;
	}
	load(set, "fuzz");
	load(set, "above");
	check_match(set);
	return 0;
}
