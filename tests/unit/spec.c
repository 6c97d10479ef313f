/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOC CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc
#define SPEC CFD_AUTO(cfd_spec_release) struct cfd_spec

static int read_text(const char *text, size_t length, enum cfd_spec_unknown unknown, struct cfd_json_doc **ret_doc,
		     struct cfd_spec *spec, struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "config.json"};
	int r = cfd_json_parse(text, length, &options, ret_doc, err);

	return r ? r : cfd_spec_read(*ret_doc, unknown, spec, err);
}

/* {"ociVersion":"1.2.0", and the members */
static int read_members(const char *members, enum cfd_spec_unknown unknown, struct cfd_json_doc **ret_doc,
			struct cfd_spec *spec, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	cr_assert_eq(cfd_buf_addf(&text, "{\"ociVersion\":\"1.2.0\"%s%s}", *members ? "," : "", members), 0);
	return read_text(text.data, text.length, unknown, ret_doc, spec, err);
}

Test(spec, what_engines_and_runtimes_write_is_accepted)
{
	static const struct {
		const char *file, *unknown;
	} cases[] = {
		{"podman-4.3.json", NULL},
		{"runc-1.1.json", NULL},
		{"crun-1.8.json", NULL},
		/* schema/test/config/good of the specification; its author forgot a key that 1.0 had lost */
		{"spec-1.3-example.json", "linux.resources.oomScoreAdj\n"},
	};
	CFD_AUTO_FD int dir = open("tests/corpus/config", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};
		SPEC spec = {0};
		DOC *doc = NULL;

		cr_assert_eq(cfd_fd_read_file(dir, cases[i].file, CFD_JSON_MAX_BYTES, &text, &err), 0, "%s",
			     err.message);
		cr_expect_eq(read_text(text.data, text.length, CFD_SPEC_UNKNOWN_WARN, &doc, &spec, &err), 0, "%s: %s",
			     cases[i].file, err.message);
		cr_expect_str_eq(spec.unknown.data ? spec.unknown.data : "", cases[i].unknown ? cases[i].unknown : "");
	}
}

Test(spec, the_view_holds_what_the_document_holds)
{
	static const char text[] =
		"\"process\":{\"terminal\":true,\"user\":{\"uid\":7,\"gid\":8,\"additionalGids\":[5,4294967294]},"
		"\"args\":[\"a\","
		"\"b\"],\"env\":[\"A=b\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"ambient\":[]},"
		"\"noNewPrivileges\":true,\"oomScoreAdj\":-5,\"apparmorProfile\":\"p\",\"rlimits\":[{\"type\":\"RLIMIT_"
		"CORE\","
		"\"soft\":1,\"hard\":18446744073709551615}]},\"root\":{\"path\":\"r\",\"readonly\":true},\"mounts\":["
		"{\"destination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"/s\",\"options\":[\"ro\",\"rbind\"],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}]},{\"destination\":\"/b\"}],"
		"\"hooks\":{\"poststop\":[{\"path\":\"/x\"}],\"prestart\":[{\"path\":\"/y\"},{\"path\":\"/z\"}]},"
		"\"annotations\":{\"k\":\"v\"},\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\","
		"\"path\":\"/n\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],\"devices\":["
		"{\"type\":\"c\",\"path\":\"/dev/"
		"d\",\"major\":1,\"minor\":3,\"fileMode\":8630}],\"sysctl\":{\"s\":\"1\"},"
		"\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},\"maskedPaths\":[\"/m\"],"
		"\"cgroupsPath\":\"c\",\"rootfsPropagation\":\"rslave\",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_"
		"ERRNO\"}}";
	struct cfd_error err = {0};
	SPEC spec = {0};
	DOC *doc = NULL;

	cr_assert_eq(read_members(text, CFD_SPEC_UNKNOWN_STRICT, &doc, &spec, &err), 0, "%s", err.message);
	cr_expect_str_eq(spec.oci_version, "1.2.0");
	cr_expect(spec.process.present && spec.process.terminal && spec.process.no_new_privileges);
	cr_expect_eq(spec.process.uid, 7);
	cr_expect_eq(spec.process.additional_gids[1], 4294967294u);
	cr_expect_str_eq(spec.process.args.values[1], "b");
	cr_expect_str_eq(spec.process.env.values[0], "A=b");
	cr_expect(spec.process.has_capabilities);
	cr_expect_str_eq(spec.process.capabilities[CFD_SPEC_BOUNDING].values[0], "CAP_CHOWN");
	cr_expect_eq(spec.process.capabilities[CFD_SPEC_AMBIENT].count, 0);
	cr_expect(spec.process.has_oom_score_adj);
	cr_expect_eq(spec.process.oom_score_adj, -5);
	cr_expect_eq(spec.process.rlimits[0].hard, UINT64_MAX);
	cr_expect_str_eq(spec.root_path, "r");
	cr_expect(spec.root_readonly);
	cr_assert_eq(spec.mount_count, 2);
	cr_expect(cfd_spec_mount_is_bind(&spec.mounts[0]), "by its options, whatever its type");
	cr_expect(cfd_spec_mount_has_option(&spec.mounts[0], "ro"));
	cr_expect(spec.mounts[0].has_id_mappings);
	cr_expect_not(cfd_spec_mount_is_bind(&spec.mounts[1]));
	cr_expect_null(spec.mounts[1].type);
	cr_assert_eq(spec.hook_count, 3);
	cr_expect_str_eq(spec.hooks[2].stage, "prestart");
	cr_expect_str_eq(spec.hooks[2].path, "/z");
	cr_expect_eq(spec.hooks[2].index, 1);
	cr_expect_str_eq(cfd_spec_annotation(&spec, "k"), "v");
	cr_expect_null(cfd_spec_annotation(&spec, "K"));
	cr_expect_str_eq(cfd_spec_namespace(&spec, "network")->path, "/n");
	cr_expect_null(cfd_spec_namespace(&spec, "pid")->path);
	cr_expect_null(cfd_spec_namespace(&spec, "user"));
	cr_expect_eq(spec.uid_mappings.values[0].host_id, 100000);
	cr_expect_eq(spec.devices[0].file_mode, 8630);
	cr_expect_eq(spec.devices[0].uid, -1);
	cr_expect_eq(spec.device_rules[0].major, -1);
	cr_expect_eq(spec.device_rules[0].minor, -1);
	cr_expect_null(spec.device_rules[0].type);
	cr_expect_str_eq(spec.sysctls.values[0].key, "s");
	cr_expect_str_eq(spec.masked_paths.values[0], "/m");
	cr_expect_eq(spec.readonly_paths.count, 0);
	cr_expect_str_eq(spec.rootfs_propagation, "rslave");
	cr_expect_not_null(spec.seccomp);
	cr_expect_null(spec.personality);
}

/* Inputs that runc and crun read differently, and what the table says about types and ranges. */
static const struct {
	const char *members, *message;
} read_differently[] = {
	/* Go folds case, C does not. */
	{"\"Mounts\":[]", "Mounts: this is not \"mounts\" to every parser"},
	{"\"mount\xc5\xbf\":[]", "$[\"mount\xc5\xbf\"]: this is not \"mounts\""},
	{"\"hoo\xe2\x84\xaas\":{}", "$[\"hoo\xe2\x84\xaas\"]: this is not \"hooks\""},
	{"\"mount\\u017f\":[]", "$[\"mount\xc5\xbf\"]: this is not \"mounts\""},
	{"\"mounts\":[],\"MOUNTS\":[]", "MOUNTS: this is not \"mounts\""},
	{"\"hooks\":{\"PRESTART\":[]}", "hooks.PRESTART: this is not \"prestart\""},
	{"\"process\":{\"cwd\":\"/\",\"NoNewPrivileges\":true}", "process.NoNewPrivileges: this is not"},
	{"\"linux\":{\"namespaces\":[{\"Type\":\"pid\"}]}", "linux.namespaces[0].Type: this is not \"type\""},
	{"\"linux\":{\"seccomp\":{\"defaultaction\":\"SCMP_ACT_ERRNO\"}}", "linux.seccomp.defaultaction: this"},
	/* Wrong types: crun reads them as 0, false or absent. */
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":\"1000\"}}",
	 "process.user.uid: expected a number, found a string"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":true}}",
	 "process.user.uid: expected a number, found true or false"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":-0}}",
	 "process.user.uid: expected a whole number from 0 to 4294967294, found -0"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":4294967295}}",
	 "process.user.uid: expected a whole number from 0 to 4294967294, found 4294967295"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":1e3}}", "process.user.uid: expected a whole number"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":1.0}}", "process.user.uid: expected a whole number"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"gid\":4294967296}}", "process.user.gid: expected a whole number"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":null}}", "process.user.uid: expected a number, found null"},
	{"\"process\":{\"cwd\":\"/\",\"user\":{\"additionalGids\":[0,-1]}}",
	 "process.user.additionalGids[1]: expected a whole number"},
	{"\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":\"true\"}",
	 "process.noNewPrivileges: expected true or false, found a string"},
	{"\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":1}", "process.noNewPrivileges: expected true or false"},
	{"\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":[]}", "process.noNewPrivileges: expected true or false"},
	{"\"process\":{\"cwd\":\"/\",\"noNewPrivileges\":null}", "process.noNewPrivileges: expected true or false"},
	{"\"linux\":{\"seccomp\":[]}", "linux.seccomp: expected an object, found an array"},
	{"\"linux\":{\"seccomp\":null}", "linux.seccomp: expected an object, found null"},
	{"\"linux\":null", "linux: expected an object, found null"},
	{"\"process\":[]", "process: expected an object, found an array"},
	{"\"mounts\":{}", "mounts: expected an array, found an object"},
	{"\"mounts\":[null]", "mounts[0]: expected an object, found null"},
	{"\"mounts\":[{\"destination\":\"/a\",\"options\":\"ro\"}]", "mounts[0].options: expected an array"},
	{"\"mounts\":[{\"destination\":\"/a\",\"options\":[\"ro\",1]}]", "mounts[0].options[1]: expected a string"},
	{"\"annotations\":{\"a.b\":1}", "annotations[\"a.b\"]: expected a string, found a number"},
	{"\"linux\":{\"sysctl\":{\"a\":null}}", "linux.sysctl.a: expected a string, found null"},
	{"\"hostname\":1", "hostname: expected a string"},
	/* Twice the same: runc refuses, crun takes one of them. */
	{"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\",\"path\":\"/p\"}]}",
	 "linux.namespaces[1].type: \"pid\" for the second time"},
	{"\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},"
	 "{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":2}]}",
	 "process.rlimits[1].type: \"RLIMIT_CPU\" for the second time"},
	/* Numbers that one of them truncates. */
	{"\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/d\",\"major\":4294967550,\"minor\":0}]}",
	 "linux.devices[0].major: expected a whole number from 0 to 4095, found 4294967550"},
	{"\"linux\":{\"resources\":{\"devices\":[{\"allow\":true,\"major\":-2}]}}",
	 "linux.resources.devices[0].major: expected a whole number from -1 to 4095"},
	{"\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/"
	 "d\",\"major\":1,\"minor\":3,\"fileMode\":25008}]}",
	 "linux.devices[0]: the file type within fileMode"},
	{"\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/d\"}]}", "linux.devices[0]: a device needs major"},
	{"\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":65536}}",
	 "linux.seccomp.defaultErrnoRet: expected a whole number from 0 to 65535"},
	{"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":4294967000,\"size\":65536}]}",
	 "linux.uidMappings[0]: the range goes beyond the last id"},
	{"\"linux\":{\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":0}]}",
	 "linux.gidMappings[0]: an empty range"},
	{"\"linux\":{\"gidMappings\":[{\"containerID\":0,\"hostID\":1}]}",
	 "linux.gidMappings[0]: the key \"size\" is missing"},
	{"\"process\":{\"cwd\":\"/\",\"oomScoreAdj\":-1001}", "process.oomScoreAdj: expected a whole number"},
	{"\"hooks\":{\"poststop\":[{\"path\":\"/a\",\"timeout\":0}]}", "hooks.poststop[0].timeout: expected"},
	/* Choices and paths. */
	{"\"linux\":{\"namespaces\":[{\"type\":\"PID\"}]}", "linux.namespaces[0].type: expected one of pid, network"},
	{"\"linux\":{\"namespaces\":[{\"type\":\"\"}]}", "linux.namespaces[0].type: expected one of"},
	{"\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"\"}]}",
	 "linux.namespaces[0].path: expected an absolute path, found \"\""},
	{"\"linux\":{\"seccomp\":{\"defaultAction\":\"allow\"}}", "linux.seccomp.defaultAction: expected one of"},
	{"\"linux\":{\"rootfsPropagation\":\"Shared\"}", "linux.rootfsPropagation: expected one of"},
	{"\"process\":{\"cwd\":\"tmp\"}", "process.cwd: expected an absolute path, found \"tmp\""},
	{"\"process\":{}", "process: the key \"cwd\" is missing"},
	{"\"mounts\":[{\"destination\":\"etc\"}]", "mounts[0].destination: expected an absolute path"},
	{"\"mounts\":[{\"source\":\"/\"}]", "mounts[0]: the key \"destination\" is missing"},
	{"\"hooks\":{\"prestart\":[{\"path\":\"a\\nb\"}]}", "hooks.prestart[0].path: expected an absolute path, "
							    "found \"a\\u000ab\""},
	{"\"windows\":{}", "windows: configuration for windows"},
	{"\"solaris\":{}", "solaris: configuration for"},
	{"\"vm\":{}", "vm: configuration for"},
	{"\"zos\":{}", "zos: configuration for"},
	{"\"freebsd\":null", "freebsd: configuration for"},
};

Test(spec, what_runtimes_read_differently_is_refused_with_its_path)
{
	for (size_t i = 0; i < CFD_COUNT(read_differently); i++) {
		for (int unknown = CFD_SPEC_UNKNOWN_WARN; unknown <= CFD_SPEC_UNKNOWN_STRICT; unknown++) {
			struct cfd_error err = {0};
			SPEC spec = {0};
			DOC *doc = NULL;
			const char *message = err.message;

			cr_expect_eq(read_members(read_differently[i].members, unknown, &doc, &spec, &err), -EINVAL,
				     "%s", read_differently[i].members);
			for (unsigned colons = 0; colons < 3 && message; colons++)
				message = strchr(message, ':') ? strchr(message, ':') + 1 : NULL;
			cr_expect(message && cfd_starts_with(message + 1, read_differently[i].message), "%s: %s",
				  read_differently[i].members, err.message);
			cr_expect_null(spec.root);
		}
	}
}

Test(spec, a_part_is_read_as_it_stands_in_a_config_json)
{
	static const struct {
		int (*read)(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
			    struct cfd_error *err);
		const char *text, *message;
	} cases[] = {
		{cfd_spec_read_process, "[]", "process.json:1:1: process: expected an object, found an array"},
		{cfd_spec_read_process, "{}", "process.json:1:1: process: the key \"cwd\" is missing"},
		{cfd_spec_read_process, "{\"cwd\":\"x\"}",
		 "process.json:1:2: process.cwd: expected an absolute path, found \"x\""},
		{cfd_spec_read_process, "{\"cwd\":\"/\",\"process\":{}}",
		 "process.json:1:12: process.process: a key that OCI runtime-spec 1.3.0 does not have for Linux"},
		{cfd_spec_read_process, "{\"cwd\":\"/\",\"Env\":[]}",
		 "process.json:1:12: process.Env: this is not \"env\" to every parser; write it exactly so"},
		{cfd_spec_read_resources, "{\"memory\":{\"limit\":\"1\"}}",
		 "process.json:1:12: linux.resources.memory.limit: expected a number, found a string"},
		{cfd_spec_read_resources, "{\"seccomp\":{}}",
		 "process.json:1:2: linux.resources.seccomp: a key that OCI runtime-spec 1.3.0 does not have for "
		 "Linux"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		const struct cfd_json_options options = {.name = "process.json"};
		struct cfd_error err = {0};
		SPEC spec = {0};
		DOC *doc = NULL;

		cr_assert_eq(cfd_json_parse(cases[i].text, strlen(cases[i].text), &options, &doc, &err), 0);
		cr_expect_eq(cases[i].read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, &err), -EINVAL, "%s", cases[i].text);
		cr_expect_str_eq(err.message, cases[i].message);
	}
}

Test(spec, versions)
{
	static const struct {
		const char *version;
		bool accepted;
	} cases[] = {
		{"1.0.0", true},   {"1.0.2-dev", true},  {"1.2.0+dev", true}, {"1.1.0-rc.1", true},
		{"1.99.12", true}, {"0.5.0-dev", false}, {"2.0.0", false},    {"1.0", false},
		{"1", false},      {"", false},          {"v1.0.0", false},   {"1.0.0 ", false},
		{"1.0.0x", false}, {"10.0.0", false},    {"1..0", false},     {"1.0.0-a\\n", false},
		{"1.-1.0", false}, {"1.0.0.0", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};
		SPEC spec = {0};
		DOC *doc = NULL;

		cr_assert_eq(cfd_buf_addf(&text, "{\"ociVersion\":\"%s\"}", cases[i].version), 0);
		cr_expect_eq(read_text(text.data, text.length, CFD_SPEC_UNKNOWN_STRICT, &doc, &spec, &err),
			     cases[i].accepted ? 0 : -EINVAL, "%s", cases[i].version);
	}
}

Test(spec, unknown_keys_are_refused_or_removed_and_listed)
{
	static const char text[] = "\"new\":{\"Mounts\":1},\"mounts\":[{\"destination\":\"/a\",\"x.y\":[]}],\"linux\":{"
				   "\"later\":null,\"sysctl\":{\"any.key\":\"1\"}},\"annotations\":{\"Any\":\"\"}";
	static const char left[] =
		"{\"ociVersion\":\"1.2.0\",\"mounts\":[{\"destination\":\"/a\"}],\"linux\":{\"sysctl\":{"
		"\"any.key\":\"1\"}},\"annotations\":{\"Any\":\"\"}}";
	CFD_AUTO_BUF struct cfd_buf written = {0};
	struct cfd_error err = {0};
	SPEC spec = {0};
	DOC *doc = NULL, *strict = NULL;

	cr_assert_eq(read_members(text, CFD_SPEC_UNKNOWN_WARN, &doc, &spec, &err), 0, "%s", err.message);
	cr_expect_str_eq(spec.unknown.data, "new\nmounts[0][\"x.y\"]\nlinux.later\n");
	cr_assert_eq(cfd_json_write(spec.root, &written), 0);
	cr_expect_str_eq(written.data, left);

	cr_expect_eq(read_members(text, CFD_SPEC_UNKNOWN_STRICT, &strict, &spec, &err), -EINVAL);
	cr_expect_str_eq(err.message,
			 "config.json:1:23: new: a key that OCI runtime-spec 1.3.0 does not have for Linux");
}

/* {"ociVersion":"1.2.0", before, each a number of times, after} */
static int read_many(const char *before, const char *each, unsigned count, const char *after,
		     enum cfd_spec_unknown unknown, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const char *number = strchr(each, '#');
	SPEC spec = {0};
	DOC *doc = NULL;

	cfd_buf_addf(&text, "{\"ociVersion\":\"1.2.0\",%s", before);
	for (unsigned i = 0; i < count; i++)
		cfd_buf_addf(&text, "%s%.*s%u%s", i ? "," : "", (int)(number - each), each, i, number + 1);
	cfd_buf_addf(&text, "%s}", after);
	return read_text(text.data, text.length, unknown, &doc, &spec, err);
}

Test(spec, bounds_are_far_above_use_and_hold)
{
	static const struct {
		const char *before, *each, *after;
		unsigned most;
	} cases[] = {
		{"\"mounts\":[",
		 "{\"destination\":\"/a/#\",\"type\":\"bind\",\"source\":\"/"
		 "b\",\"options\":[\"ro\",\"rbind\",\"rprivate\"]}",
		 "]", 8192},
		{"\"annotations\":{", "\"k#\":\"v\"", "}", 4096},
		{"\"process\":{\"cwd\":\"/\",\"env\":[", "\"A#=b\"", "]}", 4096},
		{"\"linux\":{\"devices\":[", "{\"type\":\"p\",\"path\":\"/dev/#\"}", "]}", 1024},
		{"\"linux\":{\"uidMappings\":[", "{\"containerID\":#,\"hostID\":1,\"size\":1}", "]}", 340},
		{"\"linux\":{\"sysctl\":{", "\"a#\":\"\"", "}}", 1024},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_error err = {0};

		cr_expect_eq(read_many(cases[i].before, cases[i].each, cases[i].most, cases[i].after,
				       CFD_SPEC_UNKNOWN_STRICT, &err),
			     0, "%s", err.message);
		cr_expect_eq(read_many(cases[i].before, cases[i].each, cases[i].most + 1, cases[i].after,
				       CFD_SPEC_UNKNOWN_STRICT, &err),
			     -EINVAL);
		cr_expect(strstr(err.message, "at most"), "%s", err.message);
	}
}

Test(spec, half_a_million_unknown_keys_are_removed_in_linear_time, .timeout = 60)
{
	struct cfd_error err = {0};

	cr_expect_eq(read_many("", "\"unknown#\":1", 400000, "", CFD_SPEC_UNKNOWN_WARN, &err), 0, "%s", err.message);
	cr_expect_eq(read_many("\"linux\":{", "\"x#\":{\"a\":[]}", 120000, "}", CFD_SPEC_UNKNOWN_WARN, &err), 0, "%s",
		     err.message);
}
