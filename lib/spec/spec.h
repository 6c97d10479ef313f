/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A typed view of an OCI config.json (runtime-spec 1.3.0), read through one table of names, types and ranges.
 *
 * Everything here is borrowed from the document. A key that the table does not know is refused or removed, by
 * configuration, and never reaches the runtime; one that differs from a known key only in case is always refused
 * (Go's decoder accepts it, C's ignore it). Absent lists have count 0, absent strings are NULL.
 */
#ifndef CFD_SPEC_H
#define CFD_SPEC_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json;
struct cfd_json_doc;

struct cfd_spec_strings {
	const char **values;
	size_t count;
};

struct cfd_spec_pair { /* annotations, sysctls */
	const char *key, *value;
};

struct cfd_spec_pairs {
	struct cfd_spec_pair *values;
	size_t count;
};

struct cfd_spec_mount {
	const char *destination, *type, *source;
	struct cfd_spec_strings options;
	bool has_id_mappings;
};

struct cfd_spec_device { /* linux.devices */
	const char *type, *path;
	int64_t major, minor;        /* -1 when absent */
	int64_t file_mode, uid, gid; /* -1 when absent; the runtimes then take 0666, 0, 0 */
};

struct cfd_spec_device_rule { /* linux.resources.devices */
	bool allow;
	const char *type, *access; /* NULL when absent */
	int64_t major, minor;      /* -1: any */
};

struct cfd_spec_namespace {
	const char *type, *path; /* path NULL: a new one */
};

struct cfd_spec_id_map {
	uint32_t container_id, host_id, size;
};

struct cfd_spec_id_maps {
	struct cfd_spec_id_map *values;
	size_t count;
};

struct cfd_spec_hook {
	const char *stage; /* prestart createRuntime createContainer startContainer poststart poststop */
	const char *path;
	size_t index; /* within its stage */
};

/* In the order of the spec. */
enum cfd_spec_capability_set {
	CFD_SPEC_BOUNDING,
	CFD_SPEC_EFFECTIVE,
	CFD_SPEC_INHERITABLE,
	CFD_SPEC_PERMITTED,
	CFD_SPEC_AMBIENT,
	CFD_SPEC_CAPABILITY_SETS,
};

struct cfd_spec_rlimit {
	const char *type;
	uint64_t soft, hard;
};

struct cfd_spec_process {
	bool present;
	bool terminal;
	uint32_t uid, gid;
	uint32_t *additional_gids;
	size_t additional_gid_count;
	struct cfd_spec_strings args, env;
	const char *cwd;
	bool has_capabilities;
	struct cfd_spec_strings capabilities[CFD_SPEC_CAPABILITY_SETS];
	bool no_new_privileges;
	const char *apparmor_profile, *selinux_label;
	bool has_oom_score_adj;
	int oom_score_adj;
	struct cfd_spec_rlimit *rlimits;
	size_t rlimit_count;
};

struct cfd_spec {
	struct cfd_json_doc *doc; /* borrowed */
	struct cfd_json *root;
	const char *oci_version;
	const char *hostname, *domainname;
	struct cfd_spec_process process;
	const char *root_path; /* root.path, as written; relative to the bundle */
	bool root_readonly;
	struct cfd_spec_mount *mounts;
	size_t mount_count;
	struct cfd_spec_hook *hooks;
	size_t hook_count;
	struct cfd_spec_pairs annotations;
	bool has_linux;
	struct cfd_spec_namespace *namespaces;
	size_t namespace_count;
	struct cfd_spec_id_maps uid_mappings, gid_mappings;
	struct cfd_spec_device *devices;
	size_t device_count;
	struct cfd_spec_device_rule *device_rules;
	size_t device_rule_count;
	struct cfd_spec_pairs sysctls;
	struct cfd_spec_strings masked_paths, readonly_paths;
	const char *cgroups_path, *rootfs_propagation, *mount_label;
	struct cfd_json *seccomp; /* linux.seccomp, or NULL; its inside is lib/seccomp's business */
	struct cfd_json *intel_rdt, *personality, *time_offsets, *net_devices, *memory_policy, *resources; /* or NULL */
	struct cfd_buf
		unknown; /* the JSON paths of keys that were removed, one on a line; empty when there were none */
	void *storage;   /* what the arrays above are cut from */
};

enum cfd_spec_unknown {
	CFD_SPEC_UNKNOWN_WARN,   /* remove them and list them in `unknown` */
	CFD_SPEC_UNKNOWN_STRICT, /* refuse */
};

/*
 * Checks the whole document against the table and fills the view. The document is borrowed and must outlive the view;
 * unknown keys are removed from it. -EINVAL with the JSON path, what is there and what is expected.
 */
int cfd_spec_read(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
		  struct cfd_error *err);
/*
 * The same for a document that is one part of a config.json: what `exec --process` and `update --resources` are given.
 * It is put where the part stands in a config.json, so that paths, rules and view are those of a whole one.
 */
int cfd_spec_read_process(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
			  struct cfd_error *err);
int cfd_spec_read_resources(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
			    struct cfd_error *err);
void cfd_spec_release(struct cfd_spec *spec);

/* The namespace entry of that type ("pid", "network", ...), or NULL. */
const struct cfd_spec_namespace *cfd_spec_namespace(const struct cfd_spec *spec, const char *type);
/* The annotation's value, or NULL. */
const char *cfd_spec_annotation(const struct cfd_spec *spec, const char *key);
/* Whether the mount is a bind: decided by the options `bind` and `rbind`, never by the type (as the runtimes do). */
bool cfd_spec_mount_is_bind(const struct cfd_spec_mount *mount);
/* Whether linux.resources.devices begins with a rule that denies every device. Without one crun filters none. */
bool cfd_spec_devices_denied(const struct cfd_spec *spec);
bool cfd_spec_mount_has_option(const struct cfd_spec_mount *mount, const char *option);

#endif
