/* SPDX-License-Identifier: Apache-2.0 */
/* The table of config.json: what stands under `linux` (config-linux.md). */
#include "lib/json/json.h"
#include "lib/spec/schema_rows.h"

#include <string.h>
#include <sys/stat.h>

/*
 * podman writes st_mode whole, with the type (0020666). A type that contradicts `type` would be the real one with crun,
 * which ORs both into mknod(2).
 */
static const char *wrong_device(const struct cfd_json *value)
{
	static const struct {
		const char *type;
		uint64_t format;
	} formats[] = {
		{"c", S_IFCHR},
		{"u", S_IFCHR},
		{"b", S_IFBLK},
		{"p", S_IFIFO},
	};
	const char *type = cfd_json_string(cfd_json_get(value, "type"));
	uint64_t mode = 0;

	cfd_json_uint(cfd_json_get(value, "fileMode"), UINT16_MAX, &mode);
	for (size_t i = 0; i < CFD_COUNT(formats); i++)
		if (cfd_streq(type, formats[i].type) && (mode & S_IFMT) != 0 && (mode & S_IFMT) != formats[i].format)
			return "the file type within fileMode is not the one that `type` says";
	if (!cfd_streq(type, "p") && (!cfd_json_get(value, "major") || !cfd_json_get(value, "minor")))
		return "a device needs major and minor";
	return NULL;
}

/*
 * A rule for every type of device allows or denies everything to runc, whatever its access and numbers say; crun looks
 * at them. Without `access` runc fails and crun makes a rule that matches nothing.
 */
static const char *wrong_device_rule(const struct cfd_json *value)
{
	const char *type = cfd_json_string(cfd_json_get(value, "type"));
	const char *access = cfd_json_string(cfd_json_get(value, "access"));
	int64_t major = -1, minor = -1;

	if (!access || !*access || access[strspn(access, "rwm")])
		return "`access` must be made of the letters r, w and m";
	if (type && !cfd_streq(type, "a"))
		return NULL;
	cfd_json_int(cfd_json_get(value, "major"), -1, MAJOR_MAX, &major);
	cfd_json_int(cfd_json_get(value, "minor"), -1, MINOR_MAX, &minor);
	if (major >= 0 || minor >= 0 || !strchr(access, 'r') || !strchr(access, 'w') || !strchr(access, 'm'))
		return "runc takes a rule for devices of every type for all of them and all access; name a type, or "
		       "write rwm and no numbers";
	return NULL;
}

/* The size becomes a part of a file's name (hugetlb.2MB.max). */
static const char *wrong_page_size(const struct cfd_json *value)
{
	const char *text = cfd_json_string(value);
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;

	if (*text == '0' || digits == 0 || digits > 4 || !*unit || !strchr("KMG", *unit) || !cfd_streq(unit + 1, "B"))
		return "expected a size such as \"2MB\"";
	return NULL;
}

// clang-format off
static choices namespace_types[] = { "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time", NULL };
static rows namespace_members[] = {
	CHOICE("type", namespace_types, REQUIRED),
	PATH("path"),
	END
};
static rows namespace = OBJECT(NULL, namespace_members);

static choices device_types[] = { "c", "b", "u", "p", NULL };
static rows device_members[] = {
	PATH("path", REQUIRED),
	CHOICE("type", device_types, REQUIRED),
	INT("major", 0, MAJOR_MAX),
	INT("minor", 0, MINOR_MAX),
	UINT("fileMode", UINT16_MAX),
	UINT("uid", ID_MAX),
	UINT("gid", ID_MAX),
	END
};
static rows device = { .kind = CFD_SCHEMA_OBJECT, .members = device_members, .wrong = wrong_device };

static choices rule_types[] = { "a", "c", "b", NULL }; /* crun takes any other for "c", runc fails */
static rows device_rule_members[] = { /* -1 is "any" to both runtimes */
	BOOL("allow", REQUIRED),
	CHOICE("type", rule_types),
	INT("major", -1, MAJOR_MAX),
	INT("minor", -1, MINOR_MAX),
	STRING("access"),
	END
};
static rows device_rule = { .kind = CFD_SCHEMA_OBJECT, .members = device_rule_members, .wrong = wrong_device_rule };

static rows net_device_members[] = { STRING("name"), END };
static rows net_device = OBJECT(NULL, net_device_members);

static rows memory[] = {
	INT("limit", I64_MIN, I64_MAX),
	INT("reservation", I64_MIN, I64_MAX),
	INT("swap", I64_MIN, I64_MAX),
	INT("kernel", I64_MIN, I64_MAX, RUNC_NEVER),
	INT("kernelTCP", I64_MIN, I64_MAX, RUNC_NEVER),
	UINT("swappiness", UINT64_MAX),
	BOOL("disableOOMKiller"),
	BOOL("useHierarchy", RUNC_NEVER),
	BOOL("checkBeforeUpdate", RUNC(1, 2, 0)),
	END
};

static rows cpu[] = {
	UINT("shares", UINT64_MAX),
	INT("quota", I64_MIN, I64_MAX),
	UINT("burst", UINT64_MAX, RUNC(1, 2, 0), CRUN(1, 11, 0)),
	UINT("period", UINT64_MAX),
	INT("realtimeRuntime", I64_MIN, I64_MAX),
	UINT("realtimePeriod", UINT64_MAX),
	STRING("cpus", .wrong = cfd_schema_wrong_list),
	STRING("mems", .wrong = cfd_schema_wrong_list),
	INT("idle", I64_MIN, I64_MAX, RUNC(1, 2, 0)),
	END
};

static rows pids[] = { INT("limit", I64_MIN, I64_MAX), END };

static rows weight_members[] = {
	INT("major", 0, MAJOR_MAX, REQUIRED),
	INT("minor", 0, MINOR_MAX, REQUIRED),
	UINT("weight", UINT16_MAX),
	UINT("leafWeight", UINT16_MAX),
	END
};
static rows weight = OBJECT(NULL, weight_members);
static rows throttle_members[] = {
	INT("major", 0, MAJOR_MAX, REQUIRED),
	INT("minor", 0, MINOR_MAX, REQUIRED),
	UINT("rate", UINT64_MAX),
	END
};
static rows throttle = OBJECT(NULL, throttle_members);
static rows block_io[] = {
	UINT("weight", UINT16_MAX),
	UINT("leafWeight", UINT16_MAX),
	ARRAY("weightDevice", weight, 1024),
	ARRAY("throttleReadBpsDevice", throttle, 1024),
	ARRAY("throttleWriteBpsDevice", throttle, 1024),
	ARRAY("throttleReadIOPSDevice", throttle, 1024),
	ARRAY("throttleWriteIOPSDevice", throttle, 1024),
	END
};

static rows hugepage_members[] = {
	STRING("pageSize", REQUIRED, .wrong = wrong_page_size),
	UINT("limit", UINT64_MAX, REQUIRED),
	END
};
static rows hugepage = OBJECT(NULL, hugepage_members);

static rows priority_members[] = {
	STRING("name", REQUIRED),
	UINT("priority", UINT32_MAX, REQUIRED),
	END
};
static rows priority = OBJECT(NULL, priority_members);
static rows network[] = {
	UINT("classID", UINT32_MAX),
	ARRAY("priorities", priority, 1024),
	END
};

static rows rdma_members[] = {
	UINT("hcaHandles", UINT32_MAX),
	UINT("hcaObjects", UINT32_MAX),
	END
};
static rows rdma = OBJECT(NULL, rdma_members);

static rows resources[] = {
	ARRAY("devices", device_rule, 2048),
	OBJECT("memory", memory),
	OBJECT("cpu", cpu),
	OBJECT("pids", pids),
	OBJECT("blockIO", block_io),
	ARRAY("hugepageLimits", hugepage, 64),
	OBJECT("network", network),
	MAP("rdma", rdma, 256, CRUN_NEVER),
	MAP("unified", cfd_schema_string, 256),
	END
};

static choices seccomp_actions[] = {
	"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
	"SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", NULL
};
static choices seccomp_architectures[] = {
	"SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
	"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
	"SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", NULL
};
static choices seccomp_flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL
};
static choices seccomp_operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
	"SCMP_CMP_MASKED_EQ", NULL
};
static rows seccomp_architecture = CHOICE(NULL, seccomp_architectures);
static rows seccomp_flag = CHOICE(NULL, seccomp_flags);
static rows seccomp_argument_members[] = {
	UINT("index", 5, REQUIRED), /* a system call has six arguments, syscall(2) */
	UINT("value", UINT64_MAX, REQUIRED),
	UINT("valueTwo", UINT64_MAX),
	CHOICE("op", seccomp_operators, REQUIRED),
	END
};
static rows seccomp_argument = OBJECT(NULL, seccomp_argument_members);
static rows seccomp_rule_members[] = {
	ARRAY("names", cfd_schema_string, 4096, REQUIRED),
	CHOICE("action", seccomp_actions, REQUIRED),
	UINT("errnoRet", 65535), /* SECCOMP_RET_DATA has 16 bits, seccomp(2) */
	ARRAY("args", seccomp_argument, 64),
	END
};
static rows seccomp_rule = OBJECT(NULL, seccomp_rule_members);
static rows seccomp[] = {
	CHOICE("defaultAction", seccomp_actions, REQUIRED),
	UINT("defaultErrnoRet", 65535),
	ARRAY("architectures", seccomp_architecture, 64),
	ARRAY("flags", seccomp_flag, 16),
	STRING("listenerPath"),
	STRING("listenerMetadata"),
	ARRAY("syscalls", seccomp_rule, 4096),
	END
};

static choices propagations[] = { /* the four of the spec, and the recursive ones that runc and crun take too */
	"private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable", NULL
};

static rows intel_rdt[] = {
	STRING("closID"),
	ARRAY("schemata", cfd_schema_string, 256, RUNC(1, 4, 0), CRUN(1, 22, 0)),
	STRING("l3CacheSchema"),
	STRING("memBwSchema"),
	BOOL("enableMonitoring", RUNC(1, 4, 0), CRUN(1, 24, 0)),
	BOOL("enableCMT", EARLIER, NOBODY), /* 1.1 and 1.2 */
	BOOL("enableMBM", EARLIER, NOBODY),
	END
};

static choices memory_modes[] = {
	"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED",
	"MPOL_PREFERRED_MANY", "MPOL_LOCAL", NULL
};
static choices memory_flags[] = { "MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", NULL };
static rows memory_flag = CHOICE(NULL, memory_flags);
static rows memory_policy[] = {
	CHOICE("mode", memory_modes, REQUIRED),
	STRING("nodes", .wrong = cfd_schema_wrong_list),
	ARRAY("flags", memory_flag, 8),
	END
};

static choices personality_domains[] = { "LINUX", "LINUX32", NULL };
static rows personality[] = {
	CHOICE("domain", personality_domains, REQUIRED),
	ARRAY("flags", cfd_schema_string, 16, NOBODY), /* config-linux.md: none is defined */
	END
};

static rows time_offset[] = {
	INT("secs", I64_MIN, I64_MAX),
	UINT("nanosecs", UINT32_MAX),
	END
};
static rows time_offsets[] = {
	OBJECT("monotonic", time_offset),
	OBJECT("boottime", time_offset),
	END
};

rows cfd_schema_linux[] = {
	ARRAY("uidMappings", cfd_schema_id_map, EXTENTS_MAX),
	ARRAY("gidMappings", cfd_schema_id_map, EXTENTS_MAX),
	MAP("sysctl", cfd_schema_string, 1024),
	OBJECT("resources", resources),
	STRING("cgroupsPath"),
	ARRAY("namespaces", namespace, 8, UNIQUE("type")), /* config-linux.md: duplicates MUST be an error */
	ARRAY("devices", device, 1024),
	MAP("netDevices", net_device, 1024, RUNC(1, 4, 0), CRUN(1, 22, 0)),
	OBJECT("seccomp", seccomp),
	CHOICE("rootfsPropagation", propagations),
	ARRAY("maskedPaths", cfd_schema_path, 1024),
	ARRAY("readonlyPaths", cfd_schema_path, 1024),
	STRING("mountLabel"),
	OBJECT("intelRdt", intel_rdt, CRUN(1, 10, 0)),
	OBJECT("memoryPolicy", memory_policy, RUNC(1, 4, 0), CRUN(1, 24, 0)),
	OBJECT("personality", personality, RUNC(1, 2, 0)),
	OBJECT("timeOffsets", time_offsets, RUNC(1, 2, 0), CRUN(1, 8, 4)),
	END
};

rows cfd_schema_linux_resources[] = {
	OBJECT("resources", resources),
	END
};
// clang-format on
