/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hook reads: a container's record.json, and the runtime's state on standard input. A record that is accepted
 * is written as text that gives the same record.
 */
#include "tests/fuzz/fuzz.h"

#include "hook/call.h"
#include "lib/state/record.h"

#include <string.h>

static void check_record(const char *text, size_t size)
{
	struct cfd_record record = {0}, again = {0};
	CFD_AUTO_BUF struct cfd_buf once = {0}, twice = {0};
	struct cfd_error err = {0};

	if (cfd_record_parse(text, size, "record.json", &record, &err) == 0) {
		FUZZ_CHECK(record.id && record.root && record.bundle);
		FUZZ_CHECK(cfd_record_write(&record, &once) == 0);
		FUZZ_CHECK(cfd_record_parse(once.data, once.length, "record.json", &again, &err) == 0);
		FUZZ_CHECK(cfd_record_write(&again, &twice) == 0);
		FUZZ_CHECK(cfd_streq(once.data, twice.data));
		FUZZ_CHECK(record.cgroup_id == again.cgroup_id && record.guard_exec == again.guard_exec);
	} else {
		FUZZ_CHECK(*err.message);
	}
	cfd_record_release(&record);
	cfd_record_release(&again);
}

static void check_state(const char *text, size_t size)
{
	CFD_AUTO(cfd_call_release) struct cfd_call call = CFD_CALL_INIT;
	struct cfd_error err = {0};

	if (cfd_call_parse(text, size, &call, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	FUZZ_CHECK(call.id && *call.id && !strchr(call.id, '/') && !cfd_streq(call.id, ".."));
	FUZZ_CHECK(call.bundle && call.bundle[0] == '/' && call.pid >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";

	check_record(text, size);
	check_state(text, size);
	return 0;
}
