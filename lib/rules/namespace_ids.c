/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings: present when and only when there is a user namespace, and away from the ids of the host. */
#include "lib/rules/namespaces.h"

#include "lib/fd.h"
#include "lib/rules/common.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids below are the host's own: system and regular users (login.defs UID_MAX is 60000), nobody. */
#define FIRST_FREE_ID 65536

int cfd_check_mappings_without_user(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				    struct cfd_findings *findings, struct cfd_error *err)
{
	const struct cfd_spec *spec = context->spec;

	if (cfd_spec_namespace(spec, "user") || (!spec->uid_mappings.count && !spec->gid_mappings.count))
		return 0;
	return cfd_findings_add(findings, rule, "user", err, "without a user namespace they have no effect",
				spec->uid_mappings.count ? "linux.uidMappings" : "linux.gidMappings");
}

int cfd_check_user_without_mappings(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				    struct cfd_findings *findings, struct cfd_error *err)
{
	const struct cfd_spec_namespace *user = cfd_spec_namespace(context->spec, "user");
	const struct cfd_spec *spec = context->spec;

	if (!user || user->path || (spec->uid_mappings.count && spec->gid_mappings.count))
		return 0;
	return cfd_findings_add(findings, rule, "user", err, "a user namespace without mappings of users and groups",
				spec->uid_mappings.count ? "linux.gidMappings" : "linux.uidMappings");
}

static const char *refuse_range(uint64_t host, uint64_t size)
{
	if (size == 0)
		return "an empty range";
	if (host < FIRST_FREE_ID)
		return "covers ids of the host below 65536";
	if (host + size > (uint64_t)UINT32_MAX)
		return "ends above the last id";
	return NULL;
}

static int check_maps(const struct cfd_rule *rule, struct cfd_findings *findings, struct cfd_error *err,
		      const struct cfd_spec_id_maps *maps, const char *name)
{
	int r = 0;

	for (size_t i = 0; !r && i < maps->count; i++) {
		const struct cfd_spec_id_map *map = &maps->values[i];
		const char *message = refuse_range(map->host_id, map->size);
		char text[64];

		snprintf(text, sizeof(text), "%u %u %u", map->container_id, map->host_id, map->size);
		if (message)
			r = cfd_findings_add(findings, rule, text, err, message, "linux.%s[%zu]", name, i);
	}
	return r;
}

/* Why the mapping of a running namespace is refused, or NULL. */
static const char *refuse_map_text(char *text)
{
	char *rest = NULL;
	bool any = false;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long inside, host, size;
		const char *message;

		if (sscanf(line, "%llu %llu %llu", &inside, &host, &size) != 3)
			return "its mapping cannot be read";
		message = refuse_range(host, size);
		if (message)
			return message;
		any = true;
	}
	return any ? NULL : "has no mapping yet";
}

/* A namespace that is joined: the maps of the process whose it is. Namespaces pinned to files do not tell theirs. */
static const char *refuse_joined(const char *path)
{
	static const char *const maps[] = {"uid_map", "gid_map"};
	size_t process = strlen("/proc/");

	if (!cfd_starts_with(path, "/proc/"))
		return "its mapping cannot be read";
	process += strspn(path + process, "0123456789");
	for (size_t i = 0; i < CFD_COUNT(maps); i++) {
		CFD_AUTO_BUF struct cfd_buf buf = {0};
		struct cfd_error err = {0};
		char file[64];
		const char *message;

		snprintf(file, sizeof(file), "%.*s/%s", (int)process, path, maps[i]);
		if (cfd_fd_read_kernel(AT_FDCWD, file, 65536, &buf, &err) || !buf.data)
			return "its mapping cannot be read";
		message = refuse_map_text(buf.data);
		if (message)
			return message;
	}
	return NULL;
}

int cfd_check_id_range(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		       struct cfd_findings *findings, struct cfd_error *err)
{
	const struct cfd_spec_namespace *user = cfd_spec_namespace(context->spec, "user");
	const char *message = NULL;
	int r = check_maps(rule, findings, err, &context->spec->uid_mappings, "uidMappings");

	if (!r)
		r = check_maps(rule, findings, err, &context->spec->gid_mappings, "gidMappings");
	if (!r && context->host_facts && user && user->path)
		message = refuse_joined(user->path);
	return message ? cfd_findings_add(findings, rule, user->path, err, message, "linux.namespaces") : r;
}
