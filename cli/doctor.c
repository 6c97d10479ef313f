/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam doctor: one row for each thing that a protection needs, and what to do where it is missing. */
#include "cli/command.h"
#include "cli/doctor.h"

#include "lib/audit.h"
#include "lib/err.h"
#include "lib/guard/guard.h"
#include "lib/profile/profile.h"
#include "lib/state/state.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define GUARD_FEATURES 32

static bool see_kernel(struct cfd_doctor *doctor)
{
	struct utsname names;

	if (uname(&names))
		return false;
	snprintf(doctor->detail, sizeof(doctor->detail), "%s %s %s", names.sysname, names.release, names.machine);
	return true;
}

static bool see_root(struct cfd_doctor *doctor)
{
	struct cfd_error err = {0};
	bool initial = false;

	if (geteuid() != 0 || cfd_userns_is_initial(&initial, &err) || !initial) {
		snprintf(doctor->detail, sizeof(doctor->detail),
			 "run this as root of the host, not inside a user namespace");
		return false;
	}
	snprintf(doctor->detail, sizeof(doctor->detail), "root, in the host's user namespace");
	return true;
}

bool cfd_doctor_fail(struct cfd_doctor *doctor, const struct cfd_error *err)
{
	snprintf(doctor->detail, sizeof(doctor->detail), "%s", err->message);
	return false;
}

static bool see_config(struct cfd_doctor *doctor)
{
	struct cfd_error err = {0};

	doctor->has_config = cfd_config_read(CFD_CONFIG_PATH, &doctor->config, &err) == 0;
	if (!doctor->has_config)
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), "%s; userns %s, guard exec %s, net %s",
		 access(CFD_CONFIG_PATH, F_OK) ? "the defaults, as there is no " CFD_CONFIG_PATH : CFD_CONFIG_PATH,
		 cfd_need_name(doctor->config.userns), cfd_need_name(doctor->config.guard_exec),
		 cfd_need_name(doctor->config.guard_net));
	return true;
}

static bool see_profiles(struct cfd_doctor *doctor)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	struct cfd_error err = {0};

	if (cfd_profile_set_open(CFD_PROFILE_ADMIN_DIR, CFD_PROFILE_SHIPPED_DIR, &set, &err) ||
	    cfd_profile_load(set, doctor->config.default_profile, &profile, &err))
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), "default is %s from %s", profile->name, profile->path);
	return true;
}

static bool see_runtimes(struct cfd_doctor *doctor)
{
	size_t length = 0;

	for (char **runtime = doctor->config.runtimes; *runtime; runtime++)
		if (access(*runtime, X_OK) == 0 && length < sizeof(doctor->detail))
			length += (size_t)snprintf(doctor->detail + length, sizeof(doctor->detail) - length, "%s%s",
						   length ? ", " : "", *runtime);
	if (length)
		return true;
	snprintf(doctor->detail, sizeof(doctor->detail),
		 "none of `runtimes` is installed: install crun or runc, or name yours in " CFD_CONFIG_PATH);
	return false;
}

/* What is passed through reads no file, so it cannot see `runtimes`: a link says the same to it. */
static bool see_runtime_link(struct cfd_doctor *doctor)
{
	static const char link[] = CFD_SYSCONFDIR "/runtime";
	char target[512] = "/usr/bin/crun";
	const char *first = NULL;
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length >= 0)
		target[length] = '\0';
	else if (access(target, F_OK))
		strcpy(target, "/usr/bin/runc");
	for (char **runtime = doctor->config.runtimes; !first && *runtime; runtime++)
		if (access(*runtime, F_OK) == 0)
			first = *runtime;
	if (!first || cfd_streq(first, target)) {
		snprintf(doctor->detail, sizeof(doctor->detail), "%s answers for containers that are not cofferdam's",
			 target);
		return true;
	}
	snprintf(doctor->detail, sizeof(doctor->detail),
		 "%s would answer `features` and the like, but containers get %s: ln -sfn %s %s", target, first, first,
		 link);
	return false;
}

static bool see_hook(struct cfd_doctor *doctor)
{
	static const char hook[] = CFD_LIBEXECDIR "/cofferdam-hook";
	bool there = access(hook, X_OK) == 0;

	snprintf(doctor->detail, sizeof(doctor->detail), "%s%s", hook, there ? "" : " is missing: make install");
	return there;
}

/* What the first container makes is not made by looking. */
static bool is_yet_to_be_made(struct cfd_doctor *doctor, const char *path)
{
	if (access(path, F_OK) == 0)
		return false;
	snprintf(doctor->detail, sizeof(doctor->detail), "%s is made with the first container", path);
	return true;
}

static bool see_audit(struct cfd_doctor *doctor)
{
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};

	if (is_yet_to_be_made(doctor, doctor->config.audit_file))
		return true;
	if (cfd_audit_open(&doctor->config, &fd, &err))
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), "%s", doctor->config.audit_file);
	return true;
}

static bool see_state(struct cfd_doctor *doctor)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct cfd_error err = {0};

	if (is_yet_to_be_made(doctor, CFD_STATE_DIR))
		return true;
	if (cfd_state_open(&state, &err))
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), CFD_STATE_DIR);
	return true;
}

// clang-format off
static const struct {
	const char *name;
	bool (*see)(struct cfd_doctor *doctor);
	bool needs_config;
} rows[] = {
	{ "kernel",          see_kernel,       false },
	{ "caller",          see_root,         false },
	{ "configuration",   see_config,       false },
	{ "profiles",        see_profiles,     true },
	{ "runtimes",        see_runtimes,     true },
	{ "runtime link",    see_runtime_link, true },
	{ "hook",            see_hook,         false },
	{ "audit log",       see_audit,        true },
	{ "state",           see_state,        false },
	{ "range of ids",    cfd_doctor_pool,      true },
	{ "ids of others",   cfd_doctor_strangers, true },
	{ "user namespaces", cfd_doctor_userns,    false },
	{ "idmapped mounts", cfd_doctor_storages,  false },
	{ "overlay",         cfd_doctor_overlay,   false },
};
// clang-format on

static void print_row(const char *name, bool well, const char *detail)
{
	printf("%-4s  %-28s %s\n", well ? "ok" : "NO", name, detail);
}

static bool see_guard(void)
{
	struct cfd_guard_feature features[GUARD_FEATURES];
	size_t count = cfd_guard_probe(features, CFD_COUNT(features));
	bool well = true;

	for (size_t i = 0; i < count; i++) {
		print_row(features[i].name, features[i].present, features[i].detail);
		well = well && features[i].present;
	}
	return well;
}

static bool see_host(void)
{
	struct cfd_doctor doctor = {0};
	bool well = true;

	for (size_t i = 0; i < CFD_COUNT(rows); i++) {
		bool row = false;

		doctor.detail[0] = '\0';
		if (!rows[i].needs_config || doctor.has_config)
			row = rows[i].see(&doctor);
		else
			snprintf(doctor.detail, sizeof(doctor.detail),
				 "not looked at: the configuration cannot be read");
		print_row(rows[i].name, row, doctor.detail);
		well = well && row;
	}
	cfd_config_release(&doctor.config);
	return well;
}

int cfd_command_doctor(int argc, char **argv, struct cfd_error *err)
{
	bool guard_only = false, well;
	const struct cfd_option options[] = {{"guard", NULL, &guard_only}};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), NULL, 0, err);

	if (r)
		return r;
	well = guard_only || see_host();
	return see_guard() && well ? CFD_STATUS_OK : CFD_STATUS_NO;
}
