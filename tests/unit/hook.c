/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/call.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(hook, the_states_of_both_runtimes_are_understood)
{
	static const struct {
		const char *text, *id, *bundle;
		int pid;
	} cases[] = {
		{"{\"ociVersion\":\"1.0.2\",\"id\":\"web\",\"status\":\"creating\",\"pid\":42,\"bundle\":\"/"
		 "b\",\"annotations\":{}}",
		 "web", "/b", 42},
		{"{\"pid\":1,\"id\":\"a.b\",\"bundle\":\"/run/b\",\"root\":\"/x\"}", "a.b", "/run/b", 1},
		{"{\"id\":\"web\",\"status\":\"stopped\",\"bundle\":\"/b\"}", "web", "/b", 0},
		{"{\"id\":\"web\",\"pid\":0,\"bundle\":\"/b\"}", "web", "/b", 0},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_call_release) struct cfd_call call = CFD_CALL_INIT;
		struct cfd_error err = {0};

		cr_assert_eq(cfd_call_parse(cases[i].text, strlen(cases[i].text), &call, &err), 0, "%s", err.message);
		cr_expect_str_eq(call.id, cases[i].id);
		cr_expect_str_eq(call.bundle, cases[i].bundle);
		cr_expect_eq(call.pid, cases[i].pid);
	}
}

Test(hook, a_state_that_is_none_is_refused)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"id\":\"web\"}",
		"{\"bundle\":\"/b\"}",
		"{\"id\":\"../x\",\"pid\":1,\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":-1,\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":\"1\",\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":1.5,\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":4194305,\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":1,\"bundle\":\"b\"}",
		"{\"id\":\"web\",\"id\":\"other\",\"pid\":1,\"bundle\":\"/b\"}",
		"{\"id\":\"web\",\"pid\":1,\"bundle\":\"/b\"} x",
		"{\"id\":7,\"pid\":1,\"bundle\":\"/b\"}",
	};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		CFD_AUTO(cfd_call_release) struct cfd_call call = CFD_CALL_INIT;
		struct cfd_error err = {0};

		cr_expect_lt(cfd_call_parse(texts[i], strlen(texts[i]), &call, &err), 0, "%s", texts[i]);
		cr_expect_neq(err.message[0], '\0');
	}
}
