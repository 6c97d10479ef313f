/* SPDX-License-Identifier: Apache-2.0 */
/* What exec and update are judged against, and what becomes of what they ask for. */
#include "lib/amend/exec.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"
#include "lib/state/state.h"
#include "lib/verdict.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHOWN UINT64_C(1)
#define KILL (UINT64_C(1) << 5)

static struct cfd_json_doc *parse(const char *text)
{
	static const struct cfd_json_options options = {.name = "process.json"};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_parse(text, strlen(text), &options, &doc, &err), 0, "%s", err.message);
	return doc;
}

Test(exec, a_process_gets_what_the_container_has)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"{\"cwd\":\"/\"}",
		 "{\"cwd\":\"/\",\"noNewPrivileges\":true,\"apparmorProfile\":\"a\",\"selinuxLabel\":\"l\"}"},
		{"{\"cwd\":\"/\",\"noNewPrivileges\":true,\"apparmorProfile\":\"a\",\"selinuxLabel\":\"\"}",
		 "{\"cwd\":\"/\",\"noNewPrivileges\":true,\"apparmorProfile\":\"a\",\"selinuxLabel\":\"l\"}"},
		{"{\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
		 "\"inheritable\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]},\"cwd\":\"/"
		 "\",\"noNewPrivileges\":false,"
		 "\"apparmorProfile\":\"a\",\"selinuxLabel\":\"l\"}",
		 "{\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"effective\":[],\"inheritable\":[],\"ambient\":[]},"
		 "\"cwd\":\"/\",\"noNewPrivileges\":true,\"apparmorProfile\":\"a\",\"selinuxLabel\":\"l\"}"},
	};
	const struct cfd_record record = {.capabilities = CHOWN,
					  .no_new_privileges = true,
					  .apparmor_profile = (char *)"a",
					  .selinux_label = (char *)"l"};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = parse(cases[i].before);
		CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_spec_read_process(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_amend_exec(&spec, &record, &err), 0, "%s", err.message);
		cr_assert_eq(cfd_json_write(cfd_json_get(spec.root, "process"), &text), 0);
		cr_expect_str_eq(text.data, cases[i].after);
	}
}

/* What lib/amend leaves of a first process is what is noted, and it is read back as it was noted. */
Test(exec, the_record_has_what_the_container_got)
{
	static char capability[] = "CAP_CHOWN", *capabilities[] = {capability, NULL}, default_name[] = "default";
	static const char config_text[] =
		"{\"ociVersion\":\"1.1.0\",\"process\":{\"user\":{\"uid\":7,\"gid\":0},\"cwd\":\"/\",\"oomScoreAdj\":"
		"-5,"
		"\"apparmorProfile\":\"a\",\"env\":[\"A=1\",\"LD_LIBRARY_PATH=/x\\u0009\",\"LD_DEBUG=1\"],"
		"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"]}}}";
	struct cfd_profile profile = {.name = default_name, .capabilities = capabilities, .no_new_privileges = true};
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = parse(config_text);
	struct cfd_verdict verdict = {.doc = doc, .profile = &profile};
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	char path[SCRATCH_PATH], top[96], key[CFD_STATE_KEY_MAX + 1], file[512];
	const struct cfd_config config = {0};
	struct cfd_error err = {0};
	bool found = false;

	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &verdict.spec, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_verdict_note(&verdict, &config, &record, &err), 0, "%s", err.message);
	record.id = strdup("web");
	record.root = strdup("/run/x");
	record.bundle = strdup("/engine/bundle");
	tree_scratch(path);
	snprintf(top, sizeof(top), "%s/run", path);
	cr_expect_eq(cfd_state_find(top, "web", "/run/x", &found, &back, &err), 0, "%s", err.message);
	cr_expect_not(found, "nobody has made the directory");
	cr_assert_eq(cfd_state_open_at(top, "/dev/null", "/dev/null", &state, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_state_claim(state, &record, NULL, key, &err), 0, "%s", err.message);

	cr_expect_eq(cfd_state_find(top, "web", "", &found, &back, &err), 0, "another root");
	cr_expect_not(found);
	cr_expect_eq(cfd_state_find(top, "other", "/run/x", &found, &back, &err), 0);
	cr_expect_not(found);
	cr_expect_eq(cfd_state_find(top, "a/b", "/run/x", &found, &back, &err), -EINVAL);
	cr_assert_eq(cfd_state_find(top, "web", "/run/x", &found, &back, &err), 0, "%s", err.message);
	cr_assert(found);
	cr_expect_eq(back.asked_capabilities, CHOWN | KILL);
	cr_expect_eq(back.capabilities, CHOWN);
	cr_expect(back.no_new_privileges);
	cr_expect_eq(back.uid, 7);
	cr_expect_eq(back.oom_score_adj, -5);
	cr_expect_str_eq(back.apparmor_profile, "a");
	cr_expect_null(back.selinux_label);
	cr_assert_not_null(back.loader_env);
	cr_expect_str_eq(back.loader_env[0], "LD_LIBRARY_PATH=/x\t");
	cr_expect_str_eq(back.loader_env[1], "LD_DEBUG=1");
	cr_expect_null(back.loader_env[2]);

	snprintf(file, sizeof(file), "%s/containers/%s/record.json", top, key);
	cr_assert_eq(truncate(file, 10), 0);
	cfd_record_release(&back);
	cr_expect_lt(cfd_state_find(top, "web", "/run/x", &found, &back, &err), 0, "a torn record is an error");
	cfd_spec_release(&verdict.spec);
	cr_expect_eq(cfd_state_drop(state, key, &err), 0);
}

Test(exec, a_record_stays_small_whatever_the_image_has)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	static char default_name[] = "default";
	struct cfd_profile profile = {.name = default_name};
	struct cfd_verdict verdict = {.profile = &profile};
	const struct cfd_config config = {0};
	struct cfd_error err = {0};
	size_t bytes = 0, count = 0;

	cfd_buf_add_string(&text, "{\"ociVersion\":\"1.1.0\",\"process\":{\"cwd\":\"/\",\"env\":[\"LD_A=1\"");
	for (int i = 0; i < 4000; i++)
		cfd_buf_addf(&text, ",\"LD_X%d=\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\"", i);
	cfd_buf_add_string(&text, "]}}");
	doc = parse(text.data);
	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &verdict.spec, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_verdict_note(&verdict, &config, &record, &err), 0, "%s", err.message);
	cr_expect_str_eq(record.loader_env[0], "LD_A=1");
	for (; record.loader_env[count]; count++)
		bytes += strlen(record.loader_env[count]);
	cr_expect_gt(count, 100);
	cr_expect_leq(bytes, 8192);
	cfd_spec_release(&verdict.spec);
}

Test(exec, a_sealed_copy_is_inherited_and_cannot_be_changed)
{
	struct cfd_error err = {0};
	char path[64], text[16] = "";
	int fd = -1, again;

	cr_assert_eq(cfd_fd_seal("test", "{\"a\":1}", 7, 77, &fd, &err), 0, "%s", err.message);
	cr_expect_geq(fd, 77);
	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	cr_expect_eq(write(fd, "x", 1), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(fd, 0), -1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(again, 0);
	cr_expect_eq(read(again, text, sizeof(text)), 7);
	cr_expect_str_eq(text, "{\"a\":1}");
	close(again);
	close(fd);
}

Test(exec, a_refusal_says_what_was_asked)
{
	static const struct {
		enum cfd_occasion occasion;
		const char *head;
	} cases[] = {
		{0, "cofferdam: refused web (unknown image, profile p): 1 finding\n"},
		{CFD_CREATE, "cofferdam: refused web (unknown image, profile p): 1 finding\n"},
		{CFD_RESTORE, "cofferdam: refused restore of web (unknown image, profile p): 1 finding\n"},
		{CFD_EXEC, "cofferdam: refused exec in web (unknown image, profile p): 1 finding\n"},
		{CFD_UPDATE, "cofferdam: refused update of web (unknown image, profile p): 1 finding\n"},
	};
	static char name[] = "p", path[] = "process.cwd", value[] = "/proc", message[] = "m";
	struct cfd_profile profile = {.name = name};
	struct cfd_finding finding = {
		.rule = cfd_rule_find("process.cwd"), .path = path, .value = value, .message = message};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		const struct cfd_verdict verdict = {.profile = &profile,
						    .refused = true,
						    .occasion = cases[i].occasion,
						    .findings = {.values = &finding, .count = 1, .total = 1}};
		CFD_AUTO_BUF struct cfd_buf text = {0};

		cr_assert_eq(cfd_verdict_text(&verdict, "web", &cfd_paint_none, &text), 0);
		cr_expect(cfd_starts_with(text.data, cases[i].head), "%s", text.data);
	}
}
