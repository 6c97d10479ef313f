/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings: present when and only when there is a user namespace, and away from the ids of the host. */
#include "lib/rules/namespaces.h"

#include "lib/held.h"
#include "lib/rules/common.h"
#include "lib/userns/maps.h"
#include "lib/userns/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A table of mappings, in config.json or of a namespace that is joined, and what the container needs of it. */
struct table {
	const char *name;   /* where it is: "linux.uidMappings" */
	const char *subids; /* the file of that kind: "subuid" */
	const struct cfd_spec_id_maps *maps;
	uint32_t own; /* the first process's id */
	const uint32_t *more;
	size_t more_count;
	uint32_t callers; /* the engine's own id */
	bool joined;      /* of a namespace that is there already */
};

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

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

/*
 * Without root the ids are those of the engine's own user namespace, which has none of the host's but its user's; or it
 * is one user, who maps himself, and else what newuidmap(1) lets him.
 */
static bool is_callers_own(const struct cfd_rules_context *context, const struct cfd_spec_id_map *map, uint32_t own)
{
	if (context->config->caller == CFD_CALLER_USER)
		return map->host_id == own && map->size == 1;
	return context->config->caller == CFD_CALLER_NAMESPACE;
}

/* What one line says, by itself. The schema has refused empty ranges and those that wrap; a live map has none. */
static const char *refuse_line(const struct cfd_spec_id_map *map, bool own)
{
	if (map->size == 0)
		return "an empty range";
	if ((uint64_t)map->host_id + map->size > UINT32_MAX)
		return "ends above the last id";
	if (own || map->host_id >= CFD_USERNS_LOWEST_HOST_ID)
		return NULL;
	return map->host_id == map->container_id
		       ? "an identity mapping: the container's users are those of the host below 65536"
		       : "covers ids of the host below 65536";
}

/* What one line says together with those before it. The kernel refuses both, after the runtime has begun. */
static const char *refuse_overlap(const struct cfd_spec_id_maps *maps, size_t index)
{
	const struct cfd_spec_id_map *map = &maps->values[index];

	for (size_t i = 0; i < index; i++) {
		const struct cfd_spec_id_map *other = &maps->values[i];

		if (overlap(map->container_id, map->size, other->container_id, other->size))
			return "overlaps an earlier line: an id of the container would be two of the host's";
		if (overlap(map->host_id, map->size, other->host_id, other->size))
			return "overlaps an earlier line: two ids of the container would be one of the host's";
	}
	return NULL;
}

static bool is_mapped(const struct cfd_spec_id_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++)
		if (overlap(id, 1, maps->values[i].container_id, maps->values[i].size))
			return true;
	return false;
}

static int add_line(const struct cfd_rule *rule, struct cfd_findings *findings, const struct table *table, size_t index,
		    const char *message, struct cfd_error *err)
{
	const struct cfd_spec_id_map *map = &table->maps->values[index];
	char text[64];

	snprintf(text, sizeof(text), "%u %u %u", map->container_id, map->host_id, map->size);
	return cfd_findings_add(findings, rule, text, err, message, "%s[%zu]", table->name, index);
}

static int check_line(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		      struct cfd_findings *findings, const struct table *table, size_t index, struct cfd_error *err)
{
	const struct cfd_spec_id_map *map = &table->maps->values[index];
	const char *message = refuse_line(map, is_callers_own(context, map, table->callers));

	if (!message)
		message = refuse_overlap(table->maps, index);
	if (!message)
		return 0;
	return add_line(rule, findings, table, index, message, err);
}

/* Ids that cofferdam gives to its own containers, now or with the next one. Two engines may share ranges; these not. */
static int check_pool(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		      struct cfd_findings *findings, const struct table *table, struct cfd_error *err)
{
	const char *directory = context->subid_dir ? context->subid_dir : "/etc";
	size_t count = table->maps->count, index = count;
	CFD_AUTO_FREE struct cfd_userns_range *ranges = NULL;
	char file[256];
	const struct cfd_pool pool = {.owner = context->config->userns_pool, .subuid = file};
	int r;

	if (!context->host_facts || table->joined || context->config->userns == CFD_NEED_OFF)
		return 0;
	ranges = calloc(count, sizeof(*ranges));
	if (!ranges)
		return cfd_fail_memory(err, "id mappings");
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct cfd_userns_range){.base = table->maps->values[i].host_id,
						      .size = table->maps->values[i].size};
	snprintf(file, sizeof(file), "%s/%s", directory, table->subids);
	r = cfd_pool_find(&pool, ranges, count, &index, err);
	if (r || index == count)
		return r;
	return add_line(rule, findings, table, index,
			"covers ids that cofferdam gives to its containers (`userns.pool`): the engine must take those "
			"of another owner",
			err);
}

/* A process whose id is not mapped has none in the container, and keeps the one of whoever made the namespace. */
static int check_hole(const struct cfd_rule *rule, struct cfd_findings *findings, const struct table *table,
		      uint32_t id, struct cfd_error *err)
{
	char text[16];

	if (is_mapped(table->maps, id))
		return 0;
	snprintf(text, sizeof(text), "%u", id);
	return cfd_findings_add(findings, rule, text, err,
				id ? "a hole: the container's process is to have this id, which is not mapped"
				   : "a hole: root of the container is not mapped, so what starts there keeps an id of "
				     "the host",
				"%s", table->name);
}

static int check_table(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		       struct cfd_findings *findings, const struct table *table, struct cfd_error *err)
{
	bool process = context->spec->process.present;
	int r = 0;

	for (size_t i = 0; !r && i < table->maps->count; i++)
		r = check_line(rule, context, findings, table, i, err);
	if (r || !table->maps->count)
		return r;
	r = check_pool(rule, context, findings, table, err);
	if (!r)
		r = check_hole(rule, findings, table, 0, err);
	if (!r && process && table->own)
		r = check_hole(rule, findings, table, table->own, err);
	for (size_t i = 0; !r && process && i < table->more_count; i++)
		if (table->more[i] && table->more[i] != table->own)
			r = check_hole(rule, findings, table, table->more[i], err);
	return r;
}

static int check_tables(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			struct cfd_findings *findings, const struct cfd_spec_id_maps *uids,
			const struct cfd_spec_id_maps *gids, bool joined, struct cfd_error *err)
{
	const struct cfd_spec_process *process = &context->spec->process;
	const struct table users = {.name = joined ? "linux.namespaces: uid_map" : "linux.uidMappings",
				    .subids = "subuid",
				    .maps = uids,
				    .own = process->uid,
				    .callers = geteuid(),
				    .joined = joined};
	const struct table groups = {.name = joined ? "linux.namespaces: gid_map" : "linux.gidMappings",
				     .subids = "subgid",
				     .maps = gids,
				     .own = process->gid,
				     .more = process->additional_gids,
				     .more_count = process->additional_gid_count,
				     .callers = getegid(),
				     .joined = joined};
	int r = check_table(rule, context, findings, &users, err);

	return r ? r : check_table(rule, context, findings, &groups, err);
}

/* A namespace that is joined, wherever it is pinned: asked of a process inside. */
static int check_joined(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			struct cfd_findings *findings, const struct cfd_spec_namespace *user, struct cfd_error *err)
{
	CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
	const struct cfd_error none = {0};
	int fd = context->held->namespaces[user - context->spec->namespaces];

	if (cfd_maps_of_namespace(fd, user->path, &maps, err)) {
		*err = none; /* that it cannot be told is the finding */
		return cfd_findings_add(findings, rule, user->path, err, "its mapping cannot be read",
					"linux.namespaces");
	}
	if (!maps.uids.count || !maps.gids.count)
		return cfd_findings_add(findings, rule, user->path, err, "has no mapping yet", "linux.namespaces");
	return check_tables(rule, context, findings, &maps.uids, &maps.gids, true, err);
}

int cfd_check_id_range(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		       struct cfd_findings *findings, struct cfd_error *err)
{
	const struct cfd_spec_namespace *user = cfd_spec_namespace(context->spec, "user");
	int r = check_tables(rule, context, findings, &context->spec->uid_mappings, &context->spec->gid_mappings, false,
			     err);

	return !r && context->host_facts && user && user->path ? check_joined(rule, context, findings, user, err) : r;
}
