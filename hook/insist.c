/* SPDX-License-Identifier: Apache-2.0 */
/* What a hook insists on, since it cannot add it: one check for each step of lib/amend/amend.c that protects. */
#include "hook/insist.h"
#include "hook/call.h"

#include "lib/amend/amend.h"
#include "lib/amend/filter.h"
#include "lib/audit.h"
#include "lib/caps.h"
#include "lib/profile/profile.h"
#include "lib/verdict.h"

#include <errno.h>
#include <string.h>

static int check_seccomp(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	(void)call;
	if (!verdict->spec.seccomp)
		return cfd_fail(err, -EACCES, "linux.seccomp is missing, and a hook cannot add it");
	if (cfd_filter_check(verdict->profile, &verdict->spec, err))
		return cfd_wrap(err,
				"linux.seccomp, which a hook cannot change (podman's precreate can), under profile %s",
				verdict->profile->name);
	return 0;
}

int cfd_insist_userns(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	if (call->config.userns == CFD_NEED_OFF || verdict->profile->userns_host ||
	    cfd_spec_namespace(&verdict->spec, "user"))
		return 0;
	if (call->config.userns == CFD_NEED_PREFER)
		return cfd_audit_notice(call->audit_fd, &call->config, call->id,
					"no user namespace (userns.mode is prefer): a hook cannot add it", err);
	return cfd_fail(err, -EACCES, "linux.namespaces has no user namespace, and a hook cannot add it");
}

static int check_process(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	(void)call;
	if (verdict->profile->no_new_privileges && !verdict->spec.process.no_new_privileges)
		return cfd_fail(err, -EACCES, "process.noNewPrivileges is not true, and a hook cannot set it");
	if (verdict->profile->readonly_rootfs && !verdict->spec.root_readonly)
		return cfd_fail(err, -EACCES,
				"root.readonly is not true, as profile %s wants it, and a hook cannot set it",
				verdict->profile->name);
	return 0;
}

static int check_capabilities(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	cfd_caps most = 0, asked = 0;
	int r = cfd_amend_capabilities(verdict->profile, &most, err);

	(void)call;
	for (size_t set = 0; !r && set < CFD_SPEC_CAPABILITY_SETS; set++) {
		r = cfd_caps_set(&verdict->spec.process.capabilities[set], "process.capabilities", &asked, err);
		for (unsigned number = 0; !r && number < 64; number++)
			if (asked & ~most & (UINT64_C(1) << number))
				r = cfd_fail(err, -EACCES,
					     "process.capabilities has %s, which profile %s does not grant, and a hook "
					     "cannot remove it",
					     cfd_caps_name(number), verdict->profile->name);
	}
	return r;
}

/* Inherited and ambient ones survive execve(2) without file capabilities: CVE-2022-29162, CVE-2022-27650. */
static int check_inherited(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	const struct cfd_spec_process *process = &verdict->spec.process;

	(void)call;
	if (process->uid == 0 ||
	    (!process->capabilities[CFD_SPEC_INHERITABLE].count && !process->capabilities[CFD_SPEC_AMBIENT].count))
		return 0;
	return cfd_fail(err, -EACCES,
			"process.capabilities has inheritable or ambient ones for a user who is not root, and a hook "
			"cannot remove them");
}

static bool has(const struct cfd_spec_strings *list, const char *string)
{
	for (size_t i = 0; i < list->count; i++)
		if (cfd_streq(list->values[i], string))
			return true;
	return false;
}

/* What all engines hide or freeze unless they are told not to; newer ones have more (lib/amend/amend.c). */
static const struct {
	const char *path;
	bool masked; /* false: read-only is enough */
} hidden[] = {
	{"/proc/kcore", true},      {"/proc/keys", true},        {"/proc/latency_stats", true},
	{"/proc/timer_list", true}, {"/proc/sched_debug", true}, {"/proc/scsi", true},
	{"/sys/firmware", true},    {"/proc/bus", false},        {"/proc/fs", false},
	{"/proc/irq", false},       {"/proc/sys", false},        {"/proc/sysrq-trigger", false},
};

static int check_hidden(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	const struct cfd_spec *spec = &verdict->spec;

	(void)call;
	for (size_t i = 0; i < CFD_COUNT(hidden); i++)
		if (!has(&spec->masked_paths, hidden[i].path) &&
		    (hidden[i].masked || !has(&spec->readonly_paths, hidden[i].path)))
			return cfd_fail(err, -EACCES, "linux.%s lacks %s, and a hook cannot add it",
					hidden[i].masked ? "maskedPaths" : "readonlyPaths", hidden[i].path);
	return 0;
}

static int check_devices(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	(void)call;
	if (cfd_spec_devices_denied(&verdict->spec))
		return 0;
	return cfd_fail(err, -EACCES,
			"linux.resources.devices does not begin by denying every device, and a hook cannot add it");
}

/* cofferdam-runtime takes them out before the runtime reads; here it has read them, whatever they mean to it. */
static int check_unknown(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	const struct cfd_buf *unknown = &verdict->spec.unknown;

	(void)call;
	if (!unknown->length)
		return 0;
	return cfd_fail(err, -EACCES, "%.*s: no schema knows this key, and a hook cannot remove it",
			(int)strcspn(unknown->data, "\n"), unknown->data);
}

static int (*const checks[])(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err) = {
	check_seccomp,   cfd_insist_userns, check_process, check_capabilities,
	check_inherited, check_hidden,      check_devices, check_unknown,
};

int cfd_insist(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(checks); i++)
		r = checks[i](call, verdict, err);
	return r;
}
