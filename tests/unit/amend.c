/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/amend/amend.h"
#include "lib/fd.h"
#include "lib/userns/idmap.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/userns/userns.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DOC CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc
#define SPEC CFD_AUTO(cfd_spec_release) struct cfd_spec
#define START "{\"ociVersion\":\"1.2.0\""

static const struct cfd_profile plain = {.name = (char *)"test"};

static struct cfd_json_doc *parse(const char *text)
{
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_parse(text, strlen(text), NULL, &doc, &err), 0, "%s: %s", text, err.message);
	return doc;
}

static char *written(const struct cfd_json *node)
{
	struct cfd_buf buf = {0};

	cr_assert_eq(cfd_json_write(node, &buf), 0);
	return buf.data;
}

static int amend(struct cfd_json_doc *doc, const struct cfd_amend_decision *decision, struct cfd_error *err)
{
	struct cfd_amend_decision full = *decision;
	SPEC spec = {0};

	if (!full.profile)
		full.profile = &plain;
	if (!full.rootfs)
		full.rootfs = "/stage/rootfs";
	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, err), 0, "%s", err->message);
	return cfd_amend(&spec, &full, err);
}

/* The node at a path of keys and places, which is written as JSON; "" when it is absent. */
static char *amended(const char *text, const struct cfd_amend_decision *decision, const char *const keys[])
{
	struct cfd_error err = {0};
	DOC *doc = parse(text);
	const struct cfd_json *node = cfd_json_root(doc);

	cr_assert_eq(amend(doc, decision, &err), 0, "%s: %s", text, err.message);
	for (; *keys; keys++)
		node = cfd_json_is(node, CFD_JSON_ARRAY) ? cfd_json_at(node, (size_t)(**keys - '0'))
							 : cfd_json_get(node, *keys);
	return node ? written(node) : strdup("");
}

#define AT(...) ((const char *const[]){__VA_ARGS__, NULL})
#define expect(text, decision, at, ...)                                                                                \
	do {                                                                                                           \
		CFD_AUTO_FREE char *found = amended(text, decision, at);                                               \
		cr_expect_str_eq(found, __VA_ARGS__);                                                                  \
	} while (0)

Test(amend, capabilities_only_shrink)
{
	static const char text[] =
		START ",\"process\":{\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\","
		      "\"CAP_CHOWN\",\"CAP_KILL\",\"cap_chown\",\"21\"],\"effective\":[\"CAP_CHOWN\"],"
		      "\"inheritable\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]}}}";
	static const char nothing[] = START ",\"process\":{\"cwd\":\"/\"}}";
	char *list[] = {(char *)"CAP_KILL", (char *)"CAP_SYS_TIME", NULL}, *none[] = {NULL};
	const struct cfd_profile some = {.name = (char *)"some", .capabilities = list};
	const struct cfd_profile empty = {.name = (char *)"empty", .capabilities = none};

	expect(text, &(struct cfd_amend_decision){0}, AT("process", "capabilities"),
	       "{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"effective\":[\"CAP_CHOWN\"],\"inheritable\":[],"
	       "\"ambient\":[],\"permitted\":[]}");
	expect(text, &(struct cfd_amend_decision){.profile = &some}, AT("process", "capabilities"),
	       "{\"bounding\":[\"CAP_KILL\"],\"effective\":[],\"inheritable\":[],\"ambient\":[],\"permitted\":[]}");
	expect(text, &(struct cfd_amend_decision){.profile = &empty}, AT("process", "capabilities", "bounding"), "[]");
	expect(nothing, &(struct cfd_amend_decision){0}, AT("process", "capabilities"),
	       "{\"bounding\":[],\"effective\":[],\"permitted\":[],\"inheritable\":[],\"ambient\":[]}");
}

Test(amend, every_runtime_knows_the_version)
{
	expect(START "}", &(struct cfd_amend_decision){0}, AT("ociVersion"), "\"1.0.2\"");
	expect("{\"ociVersion\":\"1.1.0\"}", &(struct cfd_amend_decision){0}, AT("ociVersion"), "\"1.0.2\"");
	expect("{\"ociVersion\":\"1.10.0\"}", &(struct cfd_amend_decision){0}, AT("ociVersion"), "\"1.0.2\"");
	expect("{\"ociVersion\":\"1.0.2-dev\"}", &(struct cfd_amend_decision){0}, AT("ociVersion"), "\"1.0.2-dev\"");
}

Test(amend, a_capability_of_the_profile_that_nobody_knows_is_refused)
{
	char *list[] = {(char *)"CAP_KILLL", NULL};
	const struct cfd_profile profile = {.name = (char *)"typo", .capabilities = list};
	struct cfd_error err = {0};
	DOC *doc = parse(START "}");

	cr_expect_eq(amend(doc, &(struct cfd_amend_decision){.profile = &profile}, &err), -EINVAL);
	cr_expect_str_eq(err.message, "profile typo: capability \"CAP_KILLL\" is not known");
}

Test(amend, privileges_and_root_only_get_tighter)
{
	static const char loose[] =
		START ",\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":false},\"root\":{\"path\":\"r\"}}";
	static const char tight[] = START ",\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":true},"
					  "\"root\":{\"path\":\"r\",\"readonly\":true}}";
	const struct cfd_profile strict = {.name = (char *)"s", .no_new_privileges = true, .readonly_rootfs = true};
	const struct cfd_amend_decision by_plain = {0}, by_strict = {.profile = &strict};

	expect(loose, &by_plain, AT("process", "noNewPrivileges"), "false");
	expect(loose, &by_strict, AT("process", "noNewPrivileges"), "true");
	expect(tight, &by_plain, AT("process", "noNewPrivileges"), "true");
	expect(loose, &by_plain, AT("root"), "{\"path\":\"/stage/rootfs\"}");
	expect(loose, &by_strict, AT("root"), "{\"path\":\"/stage/rootfs\",\"readonly\":true}");
	expect(tight, &by_plain, AT("root"), "{\"path\":\"/stage/rootfs\",\"readonly\":true}");
	expect(START "}", &by_strict, AT("root"), "{\"path\":\"/stage/rootfs\",\"readonly\":true}");
}

/* What runtimes do without it is not the same. */
Test(amend, the_umask_is_always_said)
{
	static const struct cfd_amend_decision none = {0};

	expect(START ",\"process\":{\"cwd\":\"/\"}}", &none, AT("process", "user"), "{\"umask\":18}");
	expect(START ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":5,\"umask\":0}}}", &none, AT("process", "user"),
	       "{\"uid\":5,\"umask\":0}");
	expect(START "}", &none, AT("process"), "");
}

Test(amend, of_variables_of_one_name_the_last_stays)
{
	static const char text[] =
		START ",\"process\":{\"cwd\":\"/\",\"env\":[\"A=1\",\"AB=2\",\"A=\",\"a=4\",\"A=5=6\"]}}";
	static const struct cfd_amend_decision none = {0};

	expect(text, &none, AT("process", "env"), "[\"AB=2\",\"a=4\",\"A=5=6\"]");
}

Test(amend, hidden_paths_are_completed_and_never_shortened)
{
	const struct cfd_amend_decision decision = {0};

	expect(START ",\"linux\":{\"maskedPaths\":[\"/mine\",\"/proc/kcore\"],\"readonlyPaths\":[]}}", &decision,
	       AT("linux", "maskedPaths"),
	       "[\"/mine\",\"/proc/kcore\",\"/proc/acpi\",\"/proc/asound\",\"/proc/interrupts\",\"/proc/keys\","
	       "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\",\"/proc/"
	       "scsi\","
	       "\"/sys/firmware\",\"/sys/devices/virtual/powercap\"]");
	expect(START "}", &decision, AT("linux", "readonlyPaths"),
	       "[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]");
}

Test(amend, devices_are_denied_before_any_is_allowed)
{
	struct cfd_amend_decision none = {0};

	expect(START "}", &none, AT("linux", "resources", "devices"), "[{\"allow\":false,\"access\":\"rwm\"}]");
	expect(START ",\"linux\":{\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,"
		     "\"access\":\"rwm\"}]}}}",
	       &none, AT("linux", "resources", "devices"),
	       "[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,"
	       "\"access\":\"rwm\"}]");
	expect(START ",\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,"
		     "\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"}]}}}",
	       &none, AT("linux", "resources", "devices"),
	       "[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,"
	       "\"access\":\"rwm\"}]");
	expect(START ",\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"type\":\"c\",\"access\":\"rwm\"}]}}}",
	       &none, AT("linux", "resources", "devices"),
	       "[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":false,\"type\":\"c\",\"access\":\"rwm\"}]");
}

Test(amend, annotations_that_are_not_known_as_harmless_go)
{
	expect(START ",\"annotations\":{\"run.oci.hooks.stdout\":\"/etc/x\",\"org.opencontainers.image.version\":\"1\","
		     "\"org.systemd.property.ExecStart\":\"x\",\"my.own\":\"y\",\"io.container.manager\":\"libpod\"}}",
	       &(struct cfd_amend_decision){0}, AT("annotations"),
	       "{\"org.opencontainers.image.version\":\"1\",\"io.container.manager\":\"libpod\"}");
}

Test(amend, seccomp_is_replaced_by_a_copy_or_left)
{
	static const char text[] = START ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}}";
	DOC *seccomp = parse("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
			     "\"action\":\"SCMP_ACT_ALLOW\"}]}");
	const struct cfd_amend_decision decision = {.seccomp = cfd_json_root(seccomp)};

	expect(text, &decision, AT("linux", "seccomp"),
	       "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_"
	       "ALLOW\"}]}");
	expect(START "}", &decision, AT("linux", "seccomp", "defaultAction"), "\"SCMP_ACT_ERRNO\"");
	expect(text, &(struct cfd_amend_decision){0}, AT("linux", "seccomp", "defaultAction"), "\"SCMP_ACT_ALLOW\"");
}

Test(amend, a_range_becomes_a_user_namespace)
{
	static const char maps[] = "[{\"containerID\":0,\"hostID\":4294901760,\"size\":65535}]";
	static const char text[] = START ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}";
	const struct cfd_userns_range range = {.base = 4294901760u, .size = 65535};
	const struct cfd_amend_decision decision = {.range = &range};

	expect(text, &decision, AT("linux", "namespaces"), "[{\"type\":\"pid\"},{\"type\":\"user\"}]");
	expect(text, &decision, AT("linux", "uidMappings"), maps);
	expect(text, &decision, AT("linux", "gidMappings"), maps);
	expect(START ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}]}}", &decision, AT("linux", "namespaces"),
	       "[{\"type\":\"user\"}]");
	expect(text, &(struct cfd_amend_decision){0}, AT("linux", "uidMappings"), "");
}

/* As Docker and containerd ask for it; the kernel refuses a group that the user namespace does not have. */
Test(amend, groups_that_may_ping_are_those_of_the_range)
{
	static const char text[] = START ",\"linux\":{\"namespaces\":[{\"type\":\"network\"}],\"sysctl\":{\"net.ipv4."
					 "ping_group_range\":\"%s\"}}}";
	static const struct {
		const char *asked, *given;
	} cases[] = {
		{"0 2147483647", "\"0 65535\""}, {"0 0", "\"0 0\""}, {"5\\t10", "\"5 10\""},
		{"65536 70000", "\"1 0\""},      {"1 0", "\"1 0\""},
	};
	static const struct cfd_userns_range range = {.base = 1000000, .size = 65536};
	static const struct cfd_amend_decision with = {.range = &range}, without = {0};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_FREE char *config = NULL;

		cr_assert_gt(asprintf(&config, text, cases[i].asked), 0);
		expect(config, &with, AT("linux", "sysctl", "net.ipv4.ping_group_range"), cases[i].given);
	}
	expect(START ",\"linux\":{\"sysctl\":{\"net.ipv4.ping_group_range\":\"0 2147483647\"}}}", &without,
	       AT("linux", "sysctl", "net.ipv4.ping_group_range"), "\"0 2147483647\"");
}

/* Where the engine asks for CAP_NET_RAW and says nothing of groups; the profile takes that capability away. */
Test(amend, who_was_to_ping_still_can)
{
#define RAW                                                                                                            \
	START ",\"process\":{\"cwd\":\"/"                                                                              \
	      "\",\"args\":[\"a\"],\"user\":{\"uid\":0,\"gid\":0},\"capabilities\":{\"bounding\":"                     \
	      "[\"CAP_NET_RAW\"]}},\"linux\":{\"namespaces\":[{\"type\":\"network\"}]}}"
	static const struct cfd_userns_range range = {.base = 1000000, .size = 65536};
	static const struct cfd_amend_decision with = {.range = &range}, without = {0};

	expect(RAW, &with, AT("linux", "sysctl"), "{\"net.ipv4.ping_group_range\":\"0 65535\"}");
	expect(RAW, &without, AT("linux", "sysctl"), "");
	expect(START ",\"linux\":{\"namespaces\":[{\"type\":\"network\"}]}}", &with, AT("linux", "sysctl"), "");
#undef RAW
}

Test(amend, a_container_of_a_pod_joins_the_user_namespace_of_its_range)
{
	static const char text[] = START ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}";
	const struct cfd_userns_range range = {.base = 100000, .size = 65536};
	const struct cfd_idmap_result result = {.userns_path = (char *)"/stage/userns"};
	const struct cfd_amend_decision decision = {.range = &range, .mounts = &result};

	expect(text, &decision, AT("linux", "namespaces"),
	       "[{\"type\":\"pid\"},{\"type\":\"user\",\"path\":\"/stage/userns\"}]");
	expect(text, &decision, AT("linux", "uidMappings"), "[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]");
}

Test(amend, mappings_of_the_engine_are_not_overwritten)
{
	static const char *const texts[] = {
		START ",\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]}}",
		START ",\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":65536}]}}",
		START
		",\"linux\":{\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1},{\"containerID\":1,"
		"\"hostID\":100001,\"size\":65535}]}}",
	};
	const struct cfd_userns_range range = {.base = 100000, .size = 65536};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		struct cfd_error err = {0};
		DOC *doc = parse(texts[i]);

		cr_expect_eq(amend(doc, &(struct cfd_amend_decision){.range = &range}, &err), -EINVAL, "%s", texts[i]);
		cr_expect(cfd_starts_with(err.message, "linux."), "%s", err.message);
	}
}

Test(amend, a_tree_that_is_read_only_is_so_throughout)
{
	static const char text[] =
		START ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"/a\",\"options\":[\"rbind\",\"ro\"]},"
		      "{\"destination\":\"/b\",\"source\":\"/b\",\"options\":[\"rbind\",\"rw\"]},"
		      "{\"destination\":\"/c\",\"source\":\"/c\",\"options\":[\"bind\",\"ro\"]},"
		      "{\"destination\":\"/d\",\"source\":\"/d\",\"options\":[\"rro\",\"rbind\",\"ro\"]}]}";
	const struct cfd_amend_decision decision = {0};

	expect(text, &decision, AT("mounts", "0", "options"), "[\"rbind\",\"ro\",\"rro\"]");
	expect(text, &decision, AT("mounts", "1", "options"), "[\"rbind\",\"rw\"]");
	expect(text, &decision, AT("mounts", "2", "options"), "[\"bind\",\"ro\"]");
	expect(text, &decision, AT("mounts", "3", "options"), "[\"rro\",\"rbind\",\"ro\"]");
}

Test(amend, prepared_mounts_and_devices_take_their_places)
{
	static const char text[] =
		START ",\"mounts\":["
		      "{\"destination\":\"/a\",\"source\":\"/data\",\"options\":[\"rbind\",\"ro\",\"rprivate\"]},"
		      "{\"destination\":\"/"
		      "sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"nosuid\",\"mode=755\",\"ro\"]},"
		      "{\"destination\":\"/b\",\"source\":\"c/d\",\"options\":[\"bind\"]},"
		      "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
		      "{\"destination\":\"/q\",\"type\":\"mqueue\",\"source\":\"mqueue\"}],"
		      "\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":3},"
		      "{\"type\":\"p\",\"path\":\"/dev/y\"}],\"sysctl\":{\"net.a\":\"1\",\"kernel.b\":\"2\"}}}";
	struct cfd_idmap_mount mounts[] = {{.index = 0, .source = (char *)"/stage/0"},
					   {.index = 1, .source = (char *)"/stage/1", .clear_type = true},
					   {.index = 2, .source = (char *)"/stage/2"},
					   {.index = 4, .source = (char *)"/stage/4", .clear_type = true}};
	struct cfd_idmap_device devices[] = {{.index = 0, .source = (char *)"/stage/x"}};
	char *sysctls[] = {(char *)"net.a", (char *)"net.absent", NULL};
	const struct cfd_idmap_result result = {.mounts = mounts,
						.mount_count = 4,
						.devices = devices,
						.device_count = 1,
						.sysctls = {.keys = sysctls}};
	const struct cfd_amend_decision decision = {.mounts = &result};

	expect(text, &decision, AT("mounts"),
	       "[{\"destination\":\"/a\",\"source\":\"/stage/0\",\"options\":[\"rbind\",\"ro\",\"rprivate\",\"rro\"]},"
	       "{\"destination\":\"/sys\",\"type\":\"bind\",\"source\":\"/stage/"
	       "1\",\"options\":[\"bind\",\"nosuid\",\"ro\"]},"
	       "{\"destination\":\"/b\",\"source\":\"/stage/2\",\"options\":[\"bind\"]},"
	       "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	       "{\"destination\":\"/q\",\"type\":\"bind\",\"source\":\"/stage/4\",\"options\":[\"bind\"]},"
	       "{\"destination\":\"/dev/x\",\"type\":\"bind\",\"source\":\"/stage/"
	       "x\",\"options\":[\"bind\",\"nosuid\",\"noexec\"]}]");
	expect(text, &decision, AT("linux", "devices"), "[{\"type\":\"p\",\"path\":\"/dev/y\"}]");
	expect(text, &decision, AT("linux", "sysctl"), "{\"kernel.b\":\"2\"}");
}

Test(amend, a_namespace_that_is_joined_is_the_one_that_was_held)
{
	static const char text[] = START ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},"
					 "{\"type\":\"network\",\"path\":\"/proc/7/ns/net\"}]}}";
	struct cfd_idmap_namespace network = {.index = 2, .path = (char *)"/stage/namespace2"};
	const struct cfd_idmap_result result = {.namespaces = &network, .namespace_count = 1};

	expect(text, &(struct cfd_amend_decision){.mounts = &result}, AT("linux", "namespaces"),
	       "[{\"type\":\"pid\"},{\"type\":\"ipc\"},"
	       "{\"type\":\"network\",\"path\":\"/stage/namespace2\"}]");
}

Test(amend, nothing_that_a_runtime_would_look_up_by_name_is_passed_on)
{
	static const char *const texts[] = {
		START ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"/data\",\"options\":[\"rbind\"]}]}",
		START ",\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/proc/7/ns/net\"}]}}",
	};
	const struct cfd_idmap_result nothing = {0};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		struct cfd_error err = {0};
		DOC *doc = parse(texts[i]);

		cr_expect_eq(amend(doc, &(struct cfd_amend_decision){.mounts = &nothing}, &err), -EINVAL);
		cr_expect(strstr(err.message, "not prepared"), "%s", err.message);
	}
}

Test(amend, mounts_inside_of_others_go_with_those)
{
	static const char text[] =
		START ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"/1\",\"options\":[\"bind\",\"ro\"]},"
		      "{\"destination\":\"/a/b\",\"source\":\"/2\",\"options\":[\"bind\"]},"
		      "{\"destination\":\"/c\",\"source\":\"/3\",\"options\":[\"rbind\",\"rro\"]},"
		      "{\"destination\":\"/c/d\",\"source\":\"/4\",\"options\":[\"bind\"]}]}";
	struct cfd_idmap_mount mounts[] = {{.index = 0, .source = (char *)"/stage/0", .carries = true},
					   {.index = 1, .nested = true},
					   {.index = 2, .source = (char *)"/stage/2", .carries = true},
					   {.index = 3, .nested = true}};
	const struct cfd_idmap_result result = {.mounts = mounts, .mount_count = 4};

	expect(text, &(struct cfd_amend_decision){.mounts = &result}, AT("mounts"),
	       "[{\"destination\":\"/a\",\"source\":\"/stage/0\",\"options\":[\"rbind\",\"bind\",\"ro\"]},"
	       "{\"destination\":\"/c\",\"source\":\"/stage/2\",\"options\":[\"rbind\",\"ro\"]}]");
}

Test(amend, what_was_prepared_must_be_there)
{
	struct cfd_idmap_mount mount = {.index = 1, .source = (char *)"/s"};
	struct cfd_idmap_device device = {.index = 0, .source = (char *)"/s"};
	const struct cfd_idmap_result results[] = {{.mounts = &mount, .mount_count = 1},
						   {.devices = &device, .device_count = 1}};

	for (size_t i = 0; i < CFD_COUNT(results); i++) {
		struct cfd_error err = {0};
		DOC *doc = parse(START ",\"mounts\":[{\"destination\":\"/a\"}]}");

		cr_expect_eq(amend(doc, &(struct cfd_amend_decision){.mounts = &results[i]}, &err), -EINVAL);
	}
}

Test(amend, hooks_stand_where_they_must_and_once)
{
	static const char text[] =
		START ",\"hooks\":{\"createRuntime\":[{\"path\":\"/other\"},{\"path\":\"/hook\",\"args\":[\"x\"]}],"
		      "\"poststop\":[{\"path\":\"/hook\"},{\"path\":\"/other\"}]}}";
	const struct cfd_amend_decision decision = {.hook_path = "/hook"};

	expect(text, &decision, AT("hooks"),
	       "{\"createRuntime\":[{\"path\":\"/hook\",\"args\":[\"cofferdam-hook\",\"createRuntime\"],"
	       "\"env\":[\"PATH=/usr/sbin:/usr/bin:/sbin:/bin\"]},{\"path\":\"/other\"}],"
	       "\"poststop\":[{\"path\":\"/other\"},{\"path\":\"/hook\",\"args\":[\"cofferdam-hook\",\"poststop\"],"
	       "\"env\":[\"PATH=/usr/sbin:/usr/bin:/sbin:/bin\"]}]}");
	expect(START "}", &decision, AT("hooks", "createRuntime", "0", "path"), "\"/hook\"");
	expect(START "}", &(struct cfd_amend_decision){0}, AT("hooks"), "");
}

Test(amend, the_hook_gets_a_variable_that_it_needs)
{
	const struct cfd_amend_decision decision = {.hook_path = "/hook", .hook_env = "XDG_RUNTIME_DIR=/run/user/1"};

	expect(START "}", &decision, AT("hooks", "poststop", "0", "env"),
	       "[\"PATH=/usr/sbin:/usr/bin:/sbin:/bin\",\"XDG_RUNTIME_DIR=/run/user/1\"]");
}

Test(amend, paths_that_json_cannot_hold_are_refused)
{
	static const struct cfd_amend_decision decisions[] = {
		{.rootfs = "/stage/\xff"},
		{.rootfs = "relative"},
		{.hook_path = "relative"},
	};

	for (size_t i = 0; i < CFD_COUNT(decisions); i++) {
		struct cfd_error err = {0};
		DOC *doc =
			parse(START ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"x\",\"options\":[\"bind\"]}]}");

		cr_expect_eq(amend(doc, &decisions[i], &err), -EINVAL, "case %zu", i);
	}
}

Test(amend, twice_is_the_same_as_once_and_passes_the_schema)
{
	static const char *const files[] = {"podman-4.3.json", "runc-1.1.json", "crun-1.8.json"};
	CFD_AUTO_FD int dir = open("tests/corpus/config", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cfd_profile strict = {.name = (char *)"s", .no_new_privileges = true, .readonly_rootfs = true};
	const struct cfd_userns_range range = {.base = 100000, .size = 65536};
	const struct cfd_amend_decision decision = {.profile = &strict, .range = &range, .hook_path = "/hook"};

	for (size_t i = 0; i < CFD_COUNT(files); i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_fd_read_file(dir, files[i], CFD_JSON_MAX_BYTES, &text, &err), 0, "%s", err.message);
		DOC *doc = parse(text.data);

		cr_assert_eq(amend(doc, &decision, &err), 0, "%s: %s", files[i], err.message);
		CFD_AUTO_FREE char *once = written(cfd_json_root(doc));
		DOC *again = parse(once);

		cr_assert_eq(amend(again, &decision, &err), 0, "%s: %s", files[i], err.message);
		CFD_AUTO_FREE char *twice = written(cfd_json_root(again));

		cr_expect_str_eq(once, twice, "%s", files[i]);
	}
}

Test(amend, without_a_guard_mounts_that_can_be_written_are_noexec)
{
	static const char text[] = START
		",\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		"{\"destination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"exec\",\"nosuid\"]},"
		"{\"destination\":\"/b\",\"source\":\"/srv\",\"options\":[\"rbind\",\"rexec\"]},"
		"{\"destination\":\"/c\",\"source\":\"/srv\",\"options\":[\"bind\",\"ro\"]},"
		"{\"destination\":\"/d\",\"source\":\"/srv\",\"options\":[\"bind\",\"noexec\"]}]}";
	const struct cfd_amend_decision with = {0}, without = {.noexec = true};

	expect(text, &with, AT("mounts", "1", "options"), "[\"exec\",\"nosuid\"]");
	expect(text, &without, AT("mounts", "0", "options"), "[\"noexec\"]");
	expect(text, &without, AT("mounts", "1", "options"), "[\"nosuid\",\"noexec\"]");
	expect(text, &without, AT("mounts", "2", "options"), "[\"rbind\",\"noexec\",\"rnoexec\"]");
	expect(text, &without, AT("mounts", "3", "options"), "[\"bind\",\"ro\"]");
	expect(text, &without, AT("mounts", "4", "options"), "[\"bind\",\"noexec\",\"rnoexec\"]");
}
