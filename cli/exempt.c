/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam exempt: break-glass. Recorded before it is in force, so that there is none that nobody wrote down; what
 * fails on the way is undone. Nobody has to end it: the kernel compares the time.
 */
#include "cli/command.h"
#include "cli/find.h"

#include "bpf/guard.h"
#include "lib/audit.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/guard/exempt.h"
#include "lib/guard/guard.h"
#include "lib/state/exemption.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOCK "exempt.lock"

struct exempting {
	const char *container, *duration, *reason;
	bool exec, net, end;
	unsigned seconds;
	int64_t login;
	struct cfd_config config;
	struct cfd_state *state;
	struct cfd_record record;
	char key[CFD_STATE_KEY_MAX + 1];
	int audit_fd, lock, directory;
	struct cfd_exemptions before, after;
};

static void exempting_release(struct exempting *exempting)
{
	cfd_config_release(&exempting->config);
	cfd_state_freep(&exempting->state);
	cfd_record_release(&exempting->record);
	cfd_base_close(&exempting->audit_fd);
	cfd_base_close(&exempting->lock);
	cfd_base_close(&exempting->directory);
	cfd_exemptions_release(&exempting->before);
	cfd_exemptions_release(&exempting->after);
}

/* --- what was asked */

static int parse_duration(const char *text, unsigned *ret_seconds, struct cfd_error *err)
{
	static const struct {
		char letter;
		unsigned seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	size_t length = strlen(text);
	char digits[16];
	uint64_t number = 0;

	for (size_t i = 0; i < CFD_COUNT(units) && length > 1 && length < sizeof(digits); i++) {
		if (text[length - 1] != units[i].letter)
			continue;
		memcpy(digits, text, length - 1);
		digits[length - 1] = '\0';
		if (cfd_parse_u64(digits, UINT32_MAX, &number) || number == 0)
			break;
		if (number > CFD_EXEMPT_MAX_SECONDS / units[i].seconds)
			return cfd_fail(err, -EINVAL,
					"--for %s is longer than %d minutes: for good, change the profile", text,
					CFD_EXEMPT_MAX_SECONDS / 60);
		*ret_seconds = (unsigned)number * units[i].seconds;
		return 0;
	}
	return cfd_fail(err, -EINVAL, "--for %s is no time such as 90s, 5m or 1h", text);
}

static int understand(struct exempting *exempting, struct cfd_error *err)
{
	int r;

	if (!exempting->container)
		return cfd_fail(err, -EINVAL, "exempt needs a container; `cofferdam status` lists them");
	if (exempting->end && (exempting->duration || exempting->reason))
		return cfd_fail(err, -EINVAL, "--end goes without --for and --reason");
	if (exempting->end) {
		if (!exempting->exec && !exempting->net)
			exempting->exec = exempting->net = true;
		return 0;
	}
	if (!exempting->exec && !exempting->net)
		return cfd_fail(err, -EINVAL, "exempt from what? --exec, --net or both");
	if (!exempting->duration || !exempting->reason)
		return cfd_fail(err, -EINVAL, "exempt needs --for (90s, 5m) and --reason, which go into the audit log");
	r = parse_duration(exempting->duration, &exempting->seconds, err);
	return r ? r : cfd_exemption_check_reason(exempting->reason, err);
}

/* --- what is there */

/* Whose login this is, across su and sudo; -1: nobody's (a service), or the kernel does not tell. */
static int64_t login_uid(void)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error ignored = {0};
	uint64_t uid = 0;

	if (cfd_fd_read_kernel(AT_FDCWD, "/proc/self/loginuid", 32, &buf, &ignored) || !buf.data)
		return -1;
	buf.data[strcspn(buf.data, "\n")] = '\0';
	return cfd_parse_u64(buf.data, UINT32_MAX - 1, &uid) ? -1 : (int64_t)uid;
}

static int check_guard(const struct exempting *exempting, struct cfd_error *err)
{
	const struct cfd_record *record = &exempting->record;
	struct cfd_guard_state guard;
	int r;

	if ((exempting->exec && !record->guard_exec) || (exempting->net && !record->guard_net))
		return cfd_fail(err, -EINVAL, "the guard does not judge %s of %s: there is nothing to be exempt from",
				exempting->exec && !record->guard_exec ? "what is executed (exec)"
								       : "the network (net)",
				record->id);
	r = cfd_guard_read(record->cgroup_id, &guard, err);
	if (!r && !(guard.flags & CFD_GUARD_ENFORCE))
		return cfd_fail(err, -EINVAL, "the profile of %s only warns: nothing is denied", record->id);
	return r;
}

static int enforce(const struct exempting *exempting, struct cfd_error *err)
{
	unsigned parts =
		(exempting->exec ? 1u << CFD_GUARD_PART_EXEC : 0) | (exempting->net ? 1u << CFD_GUARD_PART_NET : 0);

	return cfd_guard_exempt(exempting->record.cgroup_id, parts, exempting->seconds, err);
}

/* To end one comes first: it is over, whatever cannot be opened or written then. */
static int open_all(struct exempting *exempting, struct cfd_error *err)
{
	int r = cfd_state_open(&exempting->state, err);

	if (!r)
		r = cfd_fd_lock(cfd_state_dir(exempting->state), LOCK, &exempting->lock, err);
	if (!r)
		r = cfd_find_container(exempting->state, exempting->container, exempting->key, &exempting->record, err);
	if (!r && exempting->end)
		r = enforce(exempting, err);
	if (!r)
		r = cfd_config_read(CFD_CONFIG_PATH, &exempting->config, err);
	if (!r)
		r = cfd_audit_open(&exempting->config, &exempting->audit_fd, err);
	if (!r)
		r = cfd_state_open_container(exempting->state, exempting->key, &exempting->directory, err);
	if (!r)
		r = cfd_exemptions_read(exempting->directory, &exempting->before, err);
	if (!r)
		r = cfd_exemptions_read(exempting->directory, &exempting->after, err);
	exempting->login = login_uid();
	return r;
}

/* --- the steps */

static int tell(const struct exempting *exempting, const char *action, struct cfd_error *err)
{
	const struct cfd_audit_exemption exemption = {.action = action,
						      .record = &exempting->record,
						      .exec = exempting->exec,
						      .net = exempting->net,
						      .seconds = exempting->seconds,
						      .reason = exempting->reason,
						      .login = exempting->login};

	return cfd_audit_exemption(exempting->audit_fd, &exempting->config, &exemption, err);
}

static int change_one(const struct exempting *exempting, struct cfd_exemption *exemption, struct cfd_error *err)
{
	int64_t now = time(NULL);

	exemption->since = now;
	exemption->until = now + exempting->seconds;
	exemption->login = exempting->login;
	return cfd_string_replace(&exemption->reason, exempting->reason) ? cfd_fail_memory(err, "a reason") : 0;
}

static int change(struct exempting *exempting, struct cfd_error *err)
{
	int r = exempting->exec ? change_one(exempting, &exempting->after.exec, err) : 0;

	if (!r && exempting->net)
		r = change_one(exempting, &exempting->after.net, err);
	return r ? r : cfd_exemptions_write(exempting->directory, &exempting->after, err);
}

static int begin(struct exempting *exempting, struct cfd_error *err)
{
	struct cfd_error ignored = {0};
	int r = check_guard(exempting, err);

	if (!r)
		r = tell(exempting, "begin", err);
	if (r)
		return r;
	r = change(exempting, err);
	if (!r)
		r = enforce(exempting, err);
	if (!r)
		return 0;
	cfd_exemptions_write(exempting->directory, &exempting->before, &ignored);
	tell(exempting, "failed", &ignored);
	return r;
}

static int end(struct exempting *exempting, struct cfd_error *err)
{
	int r = change(exempting, err);

	return r ? r : tell(exempting, "end", err);
}

int cfd_command_exempt(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(exempting_release)
	struct exempting exempting = {.audit_fd = -1, .lock = -1, .directory = -1};
	const struct cfd_option options[] = {
		{.name = "exec", .flag = &exempting.exec},     {.name = "net", .flag = &exempting.net},
		{.name = "for", .value = &exempting.duration}, {.name = "reason", .value = &exempting.reason},
		{.name = "end", .flag = &exempting.end},
	};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &exempting.container, 1, err);

	if (!r)
		r = understand(&exempting, err);
	if (!r && geteuid())
		r = cfd_fail(err, -EPERM, "only root may exempt a container");
	if (!r)
		r = open_all(&exempting, err);
	if (!r)
		r = exempting.end ? end(&exempting, err) : begin(&exempting, err);
	if (r)
		return r;
	if (exempting.end)
		printf("%s is governed again\n", exempting.container);
	else
		printf("%s is exempt for %u s (%s%s%s); to end it sooner: cofferdam exempt %s --end\n",
		       exempting.container, exempting.seconds, exempting.exec ? "exec" : "",
		       exempting.exec && exempting.net ? ", " : "", exempting.net ? "net" : "", exempting.container);
	return CFD_STATUS_OK;
}
