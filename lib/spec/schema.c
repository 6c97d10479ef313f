/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of config.json, but for `linux`.
 *
 * Bounds are the kernel's where it has one (cited at the row) and otherwise far above what engines write; without them
 * a document could make every later step slow.
 */
#include "lib/json/json.h"
#include "lib/spec/schema_rows.h"

#include <string.h>

rows cfd_schema_string = STRING(NULL);
rows cfd_schema_path = PATH(NULL);
rows cfd_schema_id = UINT(NULL, ID_MAX);

/* 1.0.2-dev, 1.2.0+dev, 1.1.0-rc.1: Semantic Versioning with the major version that this table describes. */
static const char *wrong_version(const struct cfd_json *value)
{
	static const char digits[] = "0123456789";
	static const char message[] = "only versions 1.x.y of the OCI runtime specification are known";
	const char *at = cfd_json_string(value);
	size_t minor, patch;

	if (!cfd_starts_with(at, "1."))
		return message;
	at += 2;
	minor = strspn(at, digits);
	if (minor == 0 || minor > 4 || at[minor] != '.')
		return message;
	at += minor + 1;
	patch = strspn(at, digits);
	at += patch;
	if (patch == 0 || patch > 4 || (*at && *at != '-' && *at != '+'))
		return message;
	return strlen(at) > 64 || at[strspn(at, "-+.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")]
		       ? message
		       : NULL;
}

/* The kernel refuses ranges that wrap; 4294967295 is no id (user_namespaces(7)). */
static const char *wrong_id_map(const struct cfd_json *value)
{
	uint64_t container = 0, host = 0, size = 0;

	cfd_json_uint(cfd_json_get(value, "containerID"), ID_MAX, &container);
	cfd_json_uint(cfd_json_get(value, "hostID"), ID_MAX, &host);
	cfd_json_uint(cfd_json_get(value, "size"), UINT32_MAX, &size);
	if (size == 0)
		return "an empty range of ids";
	return container + size > UINT32_MAX || host + size > UINT32_MAX ? "the range goes beyond the last id" : NULL;
}

const char *cfd_schema_wrong_list(const struct cfd_json *value)
{
	const char *text = cfd_json_string(value);

	return text[strspn(text, "0123456789,- ")] ? "expected numbers and ranges such as \"0-3,7\"" : NULL;
}

/* runc fails without a name and a `=`; crun hands anything on. */
static const char *wrong_variable(const struct cfd_json *value)
{
	const char *equals = strchr(cfd_json_string(value), '=');

	return !equals || equals == cfd_json_string(value) ? "expected NAME=VALUE" : NULL;
}

// clang-format off
static rows variable = STRING(NULL, .wrong = wrong_variable);
static rows id_map_members[] = {
	UINT("containerID", ID_MAX, REQUIRED),
	UINT("hostID", ID_MAX, REQUIRED),
	UINT("size", UINT32_MAX, REQUIRED),
	END
};
rows cfd_schema_id_map = { .kind = CFD_SCHEMA_OBJECT, .members = id_map_members, .wrong = wrong_id_map };

static rows console_size[] = { /* struct winsize, ioctl_tty(2) */
	UINT("height", UINT16_MAX, REQUIRED),
	UINT("width", UINT16_MAX, REQUIRED),
	END
};

static rows user[] = {
	UINT("uid", ID_MAX),
	UINT("gid", ID_MAX),
	UINT("umask", 0777),
	ARRAY("additionalGids", cfd_schema_id, 65536), /* NGROUPS_MAX, linux/limits.h */
	STRING("username", NOBODY), /* Windows */
	END
};

static rows capabilities[] = { /* a 64-bit mask, capabilities(7) */
	ARRAY("bounding", cfd_schema_string, 64),
	ARRAY("effective", cfd_schema_string, 64),
	ARRAY("inheritable", cfd_schema_string, 64),
	ARRAY("permitted", cfd_schema_string, 64),
	ARRAY("ambient", cfd_schema_string, 64),
	END
};

static choices rlimit_types[] = { /* all 16 of the kernel, asm-generic/resource.h */
	"RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_LOCKS", "RLIMIT_MEMLOCK",
	"RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS", "RLIMIT_RTPRIO",
	"RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK", NULL
};
static rows rlimit_members[] = {
	CHOICE("type", rlimit_types, REQUIRED),
	UINT("hard", UINT64_MAX, REQUIRED),
	UINT("soft", UINT64_MAX, REQUIRED),
	END
};
static rows rlimit = OBJECT(NULL, rlimit_members);

static choices scheduler_policies[] = {
	"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE", NULL
};
static choices scheduler_flags[] = {
	"SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY",
	"SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX", NULL
};
static rows scheduler_flag = CHOICE(NULL, scheduler_flags);
static rows scheduler[] = {
	CHOICE("policy", scheduler_policies, REQUIRED),
	INT("nice", INT32_MIN, INT32_MAX),
	INT("priority", INT32_MIN, INT32_MAX),
	ARRAY("flags", scheduler_flag, 16),
	UINT("runtime", UINT64_MAX),
	UINT("deadline", UINT64_MAX),
	UINT("period", UINT64_MAX),
	END
};

static choices io_classes[] = { "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE", NULL };
static rows io_priority[] = {
	CHOICE("class", io_classes, REQUIRED),
	INT("priority", INT32_MIN, INT32_MAX),
	END
};

static rows cpu_affinity[] = {
	STRING("initial", .wrong = cfd_schema_wrong_list),
	STRING("final", .wrong = cfd_schema_wrong_list),
	END
};

static rows process[] = {
	BOOL("terminal"),
	OBJECT("consoleSize", console_size),
	OBJECT("user", user),
	ARRAY("args", cfd_schema_string, 16384),
	STRING("commandLine", NOBODY), /* Windows */
	ARRAY("env", variable, 4096),
	PATH("cwd", REQUIRED),
	OBJECT("capabilities", capabilities),
	ARRAY("rlimits", rlimit, 16, UNIQUE("type")), /* config.md: duplicates MUST be an error */
	BOOL("noNewPrivileges"),
	STRING("apparmorProfile"),
	INT("oomScoreAdj", -1000, 1000), /* proc(5) */
	OBJECT("scheduler", scheduler, RUNC(1, 2, 0), CRUN(1, 8, 2)),
	STRING("selinuxLabel"),
	OBJECT("ioPriority", io_priority, RUNC(1, 2, 0), CRUN(1, 8, 6)),
	OBJECT("execCPUAffinity", cpu_affinity, RUNC(1, 3, 0), CRUN(1, 19, 0)),
	END
};

static rows root[] = {
	STRING("path", REQUIRED), /* may be relative to the bundle */
	BOOL("readonly"),
	END
};

static rows mount_members[] = {
	PATH("destination", REQUIRED),
	STRING("type"),
	STRING("source"),
	ARRAY("options", cfd_schema_string, 256),
	ARRAY("uidMappings", cfd_schema_id_map, EXTENTS_MAX, RUNC(1, 2, 0), VITAL),
	ARRAY("gidMappings", cfd_schema_id_map, EXTENTS_MAX, RUNC(1, 2, 0), VITAL),
	END
};
static rows mount = OBJECT(NULL, mount_members);

static rows hook_members[] = {
	PATH("path", REQUIRED),
	ARRAY("args", cfd_schema_string, 1024),
	ARRAY("env", cfd_schema_string, 1024),
	INT("timeout", 1, INT32_MAX),
	END
};
static rows hook = OBJECT(NULL, hook_members);
static rows hooks[] = {
	ARRAY("prestart", hook, 128),
	ARRAY("createRuntime", hook, 128),
	ARRAY("createContainer", hook, 128),
	ARRAY("startContainer", hook, 128),
	ARRAY("poststart", hook, 128),
	ARRAY("poststop", hook, 128),
	END
};

static rows config[] = {
	{ .key = "ociVersion", .kind = CFD_SCHEMA_STRING, .required = true, .wrong = wrong_version },
	OBJECT("process", process),
	OBJECT("root", root),
	STRING("hostname"),
	STRING("domainname", RUNC(1, 2, 0)),
	ARRAY("mounts", mount, 8192),
	OBJECT("hooks", hooks),
	MAP("annotations", cfd_schema_string, 4096),
	OBJECT("linux", cfd_schema_linux),
	FOREIGN("solaris"),
	FOREIGN("windows"),
	FOREIGN("vm"),
	FOREIGN("zos"),
	FOREIGN("freebsd"),
	END
};
// clang-format on

const struct cfd_schema_row cfd_schema_config = OBJECT(NULL, config);

static rows process_alone[] = {OBJECT("process", process), END};
const struct cfd_schema_row cfd_schema_process_alone = OBJECT(NULL, process_alone);

static rows resources_alone[] = {OBJECT("linux", cfd_schema_linux_resources), END};
const struct cfd_schema_row cfd_schema_resources_alone = OBJECT(NULL, resources_alone);

const struct cfd_schema_row *cfd_schema_member(const struct cfd_schema_row *object, const char *key)
{
	for (const struct cfd_schema_row *row = object->members; row->key; row++)
		if (cfd_streq(row->key, key))
			return row;
	return NULL;
}
