/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed view of a checked config.json. The table has made sure of types and ranges, so nothing is checked again;
 * the only failure is memory, which is noted and told once, at the end.
 */
#include "lib/spec/view.h"
#include "lib/json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)8 << 10)

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct view {
	struct cfd_spec *spec;
	bool failed;
};

/* Zeroed memory that lives as long as the view; NULL for nothing, and when there is none left. */
static void *cut(struct view *v, size_t count, size_t each)
{
	struct block *block = v->spec->storage;
	size_t size = (count * each + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	char *data;

	if (size == 0)
		return NULL;
	if (!block || block->size - block->used < size) {
		size_t want = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		block = calloc(1, sizeof(*block) + want);
		if (!block) {
			v->failed = true;
			return NULL;
		}
		block->size = want;
		block->next = v->spec->storage;
		v->spec->storage = block;
	}
	data = (char *)block->data + block->used;
	block->used += size;
	return data;
}

static int64_t number(const struct cfd_json *object, const char *key, int64_t absent)
{
	int64_t value = absent;

	cfd_json_int(cfd_json_get(object, key), INT64_MIN, INT64_MAX, &value);
	return value;
}

static uint64_t large_number(const struct cfd_json *object, const char *key)
{
	uint64_t value = 0;

	cfd_json_uint(cfd_json_get(object, key), UINT64_MAX, &value);
	return value;
}

static const char *string(const struct cfd_json *object, const char *key)
{
	return cfd_json_string(cfd_json_get(object, key));
}

static bool truth(const struct cfd_json *object, const char *key)
{
	return cfd_json_bool(cfd_json_get(object, key));
}

static struct cfd_spec_strings strings(struct view *v, const struct cfd_json *object, const char *key)
{
	const struct cfd_json *array = cfd_json_get(object, key);
	struct cfd_spec_strings list = {.values = cut(v, cfd_json_count(array), sizeof(list.values[0]))};

	for (size_t i = 0; list.values && i < cfd_json_count(array); i++)
		list.values[list.count++] = cfd_json_string(cfd_json_at(array, i));
	return list;
}

static struct cfd_spec_pairs pairs(struct view *v, const struct cfd_json *object, const char *key)
{
	const struct cfd_json *map = cfd_json_get(object, key);
	struct cfd_spec_pairs list = {.values = cut(v, cfd_json_count(map), sizeof(list.values[0]))};

	for (size_t i = 0; list.values && i < cfd_json_count(map); i++) {
		const struct cfd_json *value = cfd_json_member(map, i, &list.values[i].key);

		list.values[i].value = cfd_json_string(value);
		list.count++;
	}
	return list;
}

static struct cfd_spec_id_maps id_maps(struct view *v, const struct cfd_json *object, const char *key)
{
	const struct cfd_json *array = cfd_json_get(object, key);
	struct cfd_spec_id_maps list = {.values = cut(v, cfd_json_count(array), sizeof(list.values[0]))};

	for (size_t i = 0; list.values && i < cfd_json_count(array); i++) {
		const struct cfd_json *map = cfd_json_at(array, i);

		list.values[list.count++] = (struct cfd_spec_id_map){
			.container_id = (uint32_t)number(map, "containerID", 0),
			.host_id = (uint32_t)number(map, "hostID", 0),
			.size = (uint32_t)number(map, "size", 0),
		};
	}
	return list;
}

static void fill_user(struct view *v, const struct cfd_json *user)
{
	struct cfd_spec_process *process = &v->spec->process;
	const struct cfd_json *gids = cfd_json_get(user, "additionalGids");

	process->uid = (uint32_t)number(user, "uid", 0);
	process->gid = (uint32_t)number(user, "gid", 0);
	process->additional_gids = cut(v, cfd_json_count(gids), sizeof(process->additional_gids[0]));
	for (size_t i = 0; process->additional_gids && i < cfd_json_count(gids); i++) {
		uint64_t gid = 0;

		cfd_json_uint(cfd_json_at(gids, i), UINT32_MAX, &gid);
		process->additional_gids[process->additional_gid_count++] = (uint32_t)gid;
	}
}

static void fill_capabilities(struct view *v, const struct cfd_json *capabilities)
{
	static const char *const keys[CFD_SPEC_CAPABILITY_SETS] = {
		[CFD_SPEC_BOUNDING] = "bounding",       [CFD_SPEC_EFFECTIVE] = "effective",
		[CFD_SPEC_INHERITABLE] = "inheritable", [CFD_SPEC_PERMITTED] = "permitted",
		[CFD_SPEC_AMBIENT] = "ambient",
	};

	v->spec->process.has_capabilities = capabilities != NULL;
	for (size_t i = 0; i < CFD_COUNT(keys); i++)
		v->spec->process.capabilities[i] = strings(v, capabilities, keys[i]);
}

static void fill_rlimits(struct view *v, const struct cfd_json *rlimits)
{
	struct cfd_spec_process *process = &v->spec->process;

	process->rlimits = cut(v, cfd_json_count(rlimits), sizeof(process->rlimits[0]));
	for (size_t i = 0; process->rlimits && i < cfd_json_count(rlimits); i++) {
		const struct cfd_json *rlimit = cfd_json_at(rlimits, i);

		process->rlimits[process->rlimit_count++] = (struct cfd_spec_rlimit){
			.type = string(rlimit, "type"),
			.soft = large_number(rlimit, "soft"),
			.hard = large_number(rlimit, "hard"),
		};
	}
}

static void fill_process(struct view *v, const struct cfd_json *json)
{
	struct cfd_spec_process *process = &v->spec->process;

	process->present = json != NULL;
	process->terminal = truth(json, "terminal");
	process->args = strings(v, json, "args");
	process->env = strings(v, json, "env");
	process->cwd = string(json, "cwd");
	process->no_new_privileges = truth(json, "noNewPrivileges");
	process->apparmor_profile = string(json, "apparmorProfile");
	process->selinux_label = string(json, "selinuxLabel");
	process->has_oom_score_adj = cfd_json_get(json, "oomScoreAdj") != NULL;
	process->oom_score_adj = (int)number(json, "oomScoreAdj", 0);
	fill_user(v, cfd_json_get(json, "user"));
	fill_capabilities(v, cfd_json_get(json, "capabilities"));
	fill_rlimits(v, cfd_json_get(json, "rlimits"));
}

static void fill_mounts(struct view *v, const struct cfd_json *mounts)
{
	struct cfd_spec *spec = v->spec;

	spec->mounts = cut(v, cfd_json_count(mounts), sizeof(spec->mounts[0]));
	for (size_t i = 0; spec->mounts && i < cfd_json_count(mounts); i++) {
		const struct cfd_json *mount = cfd_json_at(mounts, i);

		spec->mounts[spec->mount_count++] = (struct cfd_spec_mount){
			.destination = string(mount, "destination"),
			.type = string(mount, "type"),
			.source = string(mount, "source"),
			.options = strings(v, mount, "options"),
			.has_id_mappings = cfd_json_get(mount, "uidMappings") || cfd_json_get(mount, "gidMappings"),
		};
	}
}

static void fill_hooks(struct view *v, const struct cfd_json *hooks)
{
	struct cfd_spec *spec = v->spec;
	const char *stage;
	size_t total = 0;

	for (size_t i = 0; i < cfd_json_count(hooks); i++)
		total += cfd_json_count(cfd_json_member(hooks, i, &stage));
	spec->hooks = cut(v, total, sizeof(spec->hooks[0]));
	for (size_t i = 0; spec->hooks && i < cfd_json_count(hooks); i++) {
		const struct cfd_json *list = cfd_json_member(hooks, i, &stage);

		for (size_t j = 0; j < cfd_json_count(list); j++)
			spec->hooks[spec->hook_count++] = (struct cfd_spec_hook){
				.stage = stage, .path = string(cfd_json_at(list, j), "path"), .index = j};
	}
}

static void fill_namespaces(struct view *v, const struct cfd_json *namespaces)
{
	struct cfd_spec *spec = v->spec;

	spec->namespaces = cut(v, cfd_json_count(namespaces), sizeof(spec->namespaces[0]));
	for (size_t i = 0; spec->namespaces && i < cfd_json_count(namespaces); i++) {
		const struct cfd_json *namespace = cfd_json_at(namespaces, i);

		spec->namespaces[spec->namespace_count++] = (struct cfd_spec_namespace){
			.type = string(namespace, "type"), .path = string(namespace, "path")};
	}
}

static void fill_devices(struct view *v, const struct cfd_json *devices)
{
	struct cfd_spec *spec = v->spec;

	spec->devices = cut(v, cfd_json_count(devices), sizeof(spec->devices[0]));
	for (size_t i = 0; spec->devices && i < cfd_json_count(devices); i++) {
		const struct cfd_json *device = cfd_json_at(devices, i);

		spec->devices[spec->device_count++] = (struct cfd_spec_device){
			.type = string(device, "type"),
			.path = string(device, "path"),
			.major = number(device, "major", -1),
			.minor = number(device, "minor", -1),
			.file_mode = number(device, "fileMode", -1),
			.uid = number(device, "uid", -1),
			.gid = number(device, "gid", -1),
		};
	}
}

static void fill_device_rules(struct view *v, const struct cfd_json *rules)
{
	struct cfd_spec *spec = v->spec;

	spec->device_rules = cut(v, cfd_json_count(rules), sizeof(spec->device_rules[0]));
	for (size_t i = 0; spec->device_rules && i < cfd_json_count(rules); i++) {
		const struct cfd_json *rule = cfd_json_at(rules, i);

		spec->device_rules[spec->device_rule_count++] = (struct cfd_spec_device_rule){
			.allow = truth(rule, "allow"),
			.type = string(rule, "type"),
			.access = string(rule, "access"),
			.major = number(rule, "major", -1),
			.minor = number(rule, "minor", -1),
		};
	}
}

static void fill_linux(struct view *v, const struct cfd_json *json)
{
	struct cfd_spec *spec = v->spec;

	spec->has_linux = json != NULL;
	fill_namespaces(v, cfd_json_get(json, "namespaces"));
	spec->uid_mappings = id_maps(v, json, "uidMappings");
	spec->gid_mappings = id_maps(v, json, "gidMappings");
	fill_devices(v, cfd_json_get(json, "devices"));
	spec->sysctls = pairs(v, json, "sysctl");
	spec->masked_paths = strings(v, json, "maskedPaths");
	spec->readonly_paths = strings(v, json, "readonlyPaths");
	spec->cgroups_path = string(json, "cgroupsPath");
	spec->rootfs_propagation = string(json, "rootfsPropagation");
	spec->mount_label = string(json, "mountLabel");
	spec->seccomp = cfd_json_get(json, "seccomp");
	spec->intel_rdt = cfd_json_get(json, "intelRdt");
	spec->personality = cfd_json_get(json, "personality");
	spec->time_offsets = cfd_json_get(json, "timeOffsets");
	spec->net_devices = cfd_json_get(json, "netDevices");
	spec->memory_policy = cfd_json_get(json, "memoryPolicy");
	spec->resources = cfd_json_get(json, "resources");
	fill_device_rules(v, cfd_json_get(spec->resources, "devices"));
}

int cfd_spec_view_fill(struct cfd_spec *spec)
{
	struct view v = {.spec = spec};
	const struct cfd_json *root = cfd_json_get(spec->root, "root");

	spec->oci_version = string(spec->root, "ociVersion");
	spec->hostname = string(spec->root, "hostname");
	spec->domainname = string(spec->root, "domainname");
	spec->root_path = string(root, "path");
	spec->root_readonly = truth(root, "readonly");
	spec->annotations = pairs(&v, spec->root, "annotations");
	fill_process(&v, cfd_json_get(spec->root, "process"));
	fill_mounts(&v, cfd_json_get(spec->root, "mounts"));
	fill_hooks(&v, cfd_json_get(spec->root, "hooks"));
	fill_linux(&v, cfd_json_get(spec->root, "linux"));
	return v.failed ? -ENOMEM : 0;
}

void cfd_spec_release(struct cfd_spec *spec)
{
	struct block *next;

	for (struct block *block = spec->storage; block; block = next) {
		next = block->next;
		free(block);
	}
	cfd_buf_release(&spec->unknown);
	*spec = (struct cfd_spec){0};
}
