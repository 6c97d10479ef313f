/* SPDX-License-Identifier: Apache-2.0 */
/* Capability names and sets. The only file that knows libcap-ng. */
#include "lib/caps.h"
#include "lib/spec/spec.h"

#include <cap-ng.h>
#include <errno.h>

#define BIT(capability) (UINT64_C(1) << (capability))

const cfd_caps cfd_caps_engine_default = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |
					 BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) |
					 BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
					 BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE);

const cfd_caps cfd_caps_forbidden = BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) |
				    BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_BOOT) | BIT(CAP_BPF) | BIT(CAP_PERFMON) |
				    BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE) |
				    BIT(CAP_SYSLOG) | BIT(CAP_SYS_TIME) | BIT(CAP_CHECKPOINT_RESTORE);

/* libcap-ng prints names in lower case and without the prefix; the OCI specification and the kernel write them so. */
#define ROW(capability) [capability] = #capability
static const char *const names[] = {
	ROW(CAP_CHOWN),
	ROW(CAP_DAC_OVERRIDE),
	ROW(CAP_DAC_READ_SEARCH),
	ROW(CAP_FOWNER),
	ROW(CAP_FSETID),
	ROW(CAP_KILL),
	ROW(CAP_SETGID),
	ROW(CAP_SETUID),
	ROW(CAP_SETPCAP),
	ROW(CAP_LINUX_IMMUTABLE),
	ROW(CAP_NET_BIND_SERVICE),
	ROW(CAP_NET_BROADCAST),
	ROW(CAP_NET_ADMIN),
	ROW(CAP_NET_RAW),
	ROW(CAP_IPC_LOCK),
	ROW(CAP_IPC_OWNER),
	ROW(CAP_SYS_MODULE),
	ROW(CAP_SYS_RAWIO),
	ROW(CAP_SYS_CHROOT),
	ROW(CAP_SYS_PTRACE),
	ROW(CAP_SYS_PACCT),
	ROW(CAP_SYS_ADMIN),
	ROW(CAP_SYS_BOOT),
	ROW(CAP_SYS_NICE),
	ROW(CAP_SYS_RESOURCE),
	ROW(CAP_SYS_TIME),
	ROW(CAP_SYS_TTY_CONFIG),
	ROW(CAP_MKNOD),
	ROW(CAP_LEASE),
	ROW(CAP_AUDIT_WRITE),
	ROW(CAP_AUDIT_CONTROL),
	ROW(CAP_SETFCAP),
	ROW(CAP_MAC_OVERRIDE),
	ROW(CAP_MAC_ADMIN),
	ROW(CAP_SYSLOG),
	ROW(CAP_WAKE_ALARM),
	ROW(CAP_BLOCK_SUSPEND),
	ROW(CAP_AUDIT_READ),
	ROW(CAP_PERFMON),
	ROW(CAP_BPF),
	ROW(CAP_CHECKPOINT_RESTORE),
};

int cfd_caps_number(const char *name, unsigned *ret_number)
{
	int number;

	if (!cfd_starts_with(name, "CAP_"))
		return -EINVAL;
	number = capng_name_to_capability(name + 4);
	/* libcap-ng also accepts any case and "cap_7": only the exact name is one. */
	if (number < 0 || !cfd_streq(cfd_caps_name((unsigned)number), name))
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

const char *cfd_caps_name(unsigned number)
{
	return number < CFD_COUNT(names) ? names[number] : NULL;
}

int cfd_caps_set(const struct cfd_spec_strings *list, const char *what, cfd_caps *ret_set, struct cfd_error *err)
{
	cfd_caps set = 0;

	for (size_t i = 0; i < list->count; i++) {
		unsigned number = 0;

		if (cfd_caps_number(list->values[i], &number))
			return cfd_fail(err, -EINVAL,
					"%s[%zu]: \"%s\" is not a capability that is known here; names are written as "
					"CAP_CHOWN is",
					what, i, list->values[i]);
		if (set & BIT(number))
			return cfd_fail(err, -EINVAL, "%s[%zu]: %s is listed twice; remove one", what, i,
					list->values[i]);
		set |= BIT(number);
	}
	*ret_set = set;
	return 0;
}
