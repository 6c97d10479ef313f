/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/call.h"
#include "hook/insist.h"

#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/verdict.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What an engine writes that hides everything; each case changes one place of it. */
#define MASKED                                                                                                         \
	"\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/sched_debug\","           \
	"\"/proc/scsi\",\"/sys/firmware\""
#define READONLY "\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\""
#define CONFIG(user, process, linux_part, masked, readonly, rest)                                                      \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"                                                    \
	"\"process\":{\"cwd\":\"/\",\"args\":[\"/x\"],\"user\":{\"uid\":" user ",\"gid\":0}" process "},"              \
	"\"linux\":{" DENY "\"maskedPaths\":[" masked "],\"readonlyPaths\":[" readonly "]" linux_part "}" rest "}"
#define DENY "\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
#define NNP ",\"noNewPrivileges\":true"
#define FILTER ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"}"
#define ALLOWING(call)                                                                                                 \
	",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"" call                         \
	"\"],\"action\":\"SCMP_ACT_ALLOW\"}]}"
#define USERNS ",\"namespaces\":[{\"type\":\"user\"}]"
#define CAPS(set, name) ",\"capabilities\":{\"" set "\":[\"" name "\"]}"

static const struct {
	const char *config, *missing; /* a part of the message; NULL: passes */
} cases[] = {
	{CONFIG("0", NNP, FILTER USERNS, MASKED, READONLY, ""), NULL},
	{CONFIG("0", NNP CAPS("bounding", "CAP_CHOWN"), FILTER USERNS, MASKED, READONLY, ""), NULL},
	{CONFIG("0", NNP CAPS("inheritable", "CAP_CHOWN"), FILTER USERNS, MASKED, READONLY, ""), NULL},
	{CONFIG("0", NNP, FILTER USERNS, MASKED "," READONLY, "", ""), NULL},
	{CONFIG("0", NNP, ALLOWING("read") USERNS, MASKED, READONLY, ""), NULL},
	{CONFIG("0", NNP, ALLOWING("mount") USERNS, MASKED, READONLY, ""),
	 "not as strict as the seccomp profile: it answers mount"},
	{CONFIG("0", NNP CAPS("bounding", "CAP_CHOWN"), ALLOWING("chroot") USERNS, MASKED, READONLY, ""),
	 "answers chroot"},
	{CONFIG("0", NNP CAPS("bounding", "CAP_SYS_CHROOT"), ALLOWING("chroot") USERNS, MASKED, READONLY, ""), NULL},
	{CONFIG("0", NNP, USERNS, MASKED, READONLY, ""), "linux.seccomp"},
	{CONFIG("0", NNP, ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}" USERNS, MASKED, READONLY, ""),
	 "lets every call pass"},
	{CONFIG("0", NNP, FILTER, MASKED, READONLY, ""), "no user namespace"},
	{CONFIG("0", "", FILTER USERNS, MASKED, READONLY, ""), "noNewPrivileges"},
	{CONFIG("0", NNP CAPS("bounding", "CAP_NET_ADMIN"), FILTER USERNS, MASKED, READONLY, ""), "CAP_NET_ADMIN"},
	{CONFIG("7", NNP CAPS("inheritable", "CAP_CHOWN"), FILTER USERNS, MASKED, READONLY, ""), "inheritable"},
	{CONFIG("7", NNP CAPS("ambient", "CAP_CHOWN"), FILTER USERNS, MASKED, READONLY, ""), "ambient"},
	{CONFIG("0", NNP, FILTER USERNS, "", READONLY, ""), "linux.maskedPaths lacks /proc/kcore"},
	{CONFIG("0", NNP, FILTER USERNS, "", MASKED "," READONLY, ""), "linux.maskedPaths lacks /proc/kcore"},
	{CONFIG("0", NNP, FILTER USERNS, MASKED, "", ""), "linux.readonlyPaths lacks /proc/bus"},
	{CONFIG("0", NNP, FILTER USERNS, MASKED, READONLY, ",\"newKey\":1"), "newKey"},
	{CONFIG("0", NNP, FILTER USERNS ",\"newPart\":{}", MASKED, READONLY, ""), "linux.newPart"},
};

/* Named by its path: nothing is installed here. */
static void use_profile(struct cfd_profile *profile, char path[4096])
{
	cr_assert_not_null(realpath("profiles/seccomp/docker-default.json", path));
	*profile = (struct cfd_profile){.name = (char *)"test", .no_new_privileges = true, .syscalls = path};
}

Test(insist, without_a_first_rule_that_denies_devices_it_is_refused)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_profile profile;
	char path[4096];
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	struct cfd_call call = CFD_CALL_INIT;
	struct cfd_error err = {0};

	use_profile(&profile, path);
	cr_assert_eq(cfd_json_parse(cases[0].config, strlen(cases[0].config), &options, &verdict.doc, &err), 0);
	cfd_json_remove(cfd_json_get(cfd_json_root(verdict.doc), "linux"), "resources");
	cr_assert_eq(cfd_spec_read(verdict.doc, CFD_SPEC_UNKNOWN_WARN, &verdict.spec, &err), 0, "%s", err.message);
	verdict.profile = &profile;
	cr_expect_eq(cfd_insist(&call, &verdict, &err), -EACCES);
	cr_expect(strstr(err.message, "linux.resources.devices"), "%s", err.message);
	verdict.profile = NULL;
}

Test(insist, what_the_hook_cannot_add_or_remove_is_refused)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_profile profile;
	char path[4096];

	use_profile(&profile, path);
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
		struct cfd_call call = CFD_CALL_INIT;
		struct cfd_error err = {0};
		int r;

		cr_assert_eq(cfd_json_parse(cases[i].config, strlen(cases[i].config), &options, &verdict.doc, &err), 0,
			     "%zu: %s", i, err.message);
		cr_assert_eq(cfd_spec_read(verdict.doc, CFD_SPEC_UNKNOWN_WARN, &verdict.spec, &err), 0, "%zu: %s", i,
			     err.message);
		verdict.profile = &profile;
		r = cfd_insist(&call, &verdict, &err);
		verdict.profile = NULL;
		cr_expect_eq(r != 0, cases[i].missing != NULL, "%zu: %s", i, err.message);
		cr_expect(!cases[i].missing || strstr(err.message, cases[i].missing), "%zu: %s", i, err.message);
	}
}
