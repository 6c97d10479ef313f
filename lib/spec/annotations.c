/* SPDX-License-Identifier: Apache-2.0 */
/* Which annotations may reach the runtime: two tables of prefixes, and one of orders that engines give themselves. */
#include "lib/spec/annotations.h"

#include <stddef.h>
#include <strings.h>
#include <string.h>

struct prefix {
	const char *text; /* a key exactly, or all keys that begin with it if it ends in '.' or '/' */
	const char *what;
};

// clang-format off
static const struct prefix dangerous[] = {
	/* crun.1, "CRUN OCI annotations": seccomp_bpf_data replaces linux.seccomp, hooks.stdout writes host files. */
	{ "run.oci.",                    "crun takes orders from it: it can replace the seccomp filter and write host files" },
	/* runc docs/systemd.md: becomes a property of the scope unit, as root. */
	{ "org.systemd.property.",       "it sets properties of the container's systemd unit on the host" },
	/* runc criu_linux.go: a configuration file that criu reads as root. */
	{ "org.criu.config",             "it names a configuration file for criu, which runs as root" },
	{ "module.wasm.image/",          "crun picks another program to run the container with" },
	{ "run.crun.",                   "crun takes orders from it" },
	{ "krun.",                       "crun starts a virtual machine with options from it" },
	{ "io.katacontainers.",          "kata takes hypervisor paths and options from it" },
	{ "cdi.k8s.io/",                 "it injects devices, mounts and hooks (CDI)" },
	/* CVE-2022-0811 and CVE-2024-3154 came through CRI-O's own orders. */
	{ "io.kubernetes.cri-o.Devices", "CRI-O adds host devices from it" },
	{ "io.kubernetes.cri-o.userns-mode", "CRI-O takes the user namespace from it" },
	{ "io.kubernetes.cri-o.UnifiedCgroup", "CRI-O sets cgroup files from it" },
	{ "io.kubernetes.cri-o.seccompNotifierAction", "CRI-O attaches a seccomp listener because of it" },
	{ "nri.io/",                     "NRI plugins take orders from it" },
};

static const struct prefix allowed[] = {
	{ "io.container.manager",        NULL },
	{ "io.podman.annotations.",      NULL },
	{ "io.kubernetes.cri.",          NULL },
	{ "io.kubernetes.cri-o.",        NULL },
	{ "io.kubernetes.container.",    NULL },
	{ "io.kubernetes.pod.",          NULL },
	{ "io.containerd.",              NULL },
	{ "kubernetes.io/",              NULL },
	{ "nerdctl/",                    NULL },
	{ "org.opencontainers.image.",   NULL },
};
/*
 * Orders that engines write into every container, with values that do nothing but end its own scope: how systemd stops it.
 * Sources: podman libpod/container_internal_common.go; cri-o internal/factory/container; systemd.scope(5).
 */
static const struct order {
	const char *key;
	const char *before; /* what a value begins with; decimal digits up to `max` follow */
	uint64_t max;	    /* 0: nothing follows */
} engine_orders[] = {
	{ "org.systemd.property.KillSignal",      "",        64 },
	{ "org.systemd.property.TimeoutStopUSec", "uint64 ", UINT64_MAX },
	{ "org.systemd.property.CollectMode",     "'inactive-or-failed'", 0 },
};
// clang-format on

static bool is_engine_order(const char *key, const char *value)
{
	for (size_t i = 0; i < CFD_COUNT(engine_orders); i++) {
		const struct order *row = &engine_orders[i];
		uint64_t number;

		if (!cfd_streq(row->key, key) || !cfd_starts_with(value, row->before))
			continue;
		value += strlen(row->before);
		return row->max ? cfd_parse_u64(value, row->max, &number) == 0 : *value == '\0';
	}
	return false;
}

/* Without regard to case: a key that somebody reads that way is refused too, and the allow list stays exact. */
static bool matches(const struct prefix *row, const char *key, bool exact_case)
{
	size_t length = strlen(row->text);
	bool is_prefix = row->text[length - 1] == '.' || row->text[length - 1] == '/';
	int difference = exact_case ? strncmp(key, row->text, length) : strncasecmp(key, row->text, length);

	return difference == 0 && (is_prefix || key[length] == '\0');
}

const char *cfd_annotation_danger(const char *key, const char *value)
{
	if (is_engine_order(key, value))
		return NULL;
	for (size_t i = 0; i < CFD_COUNT(dangerous); i++)
		if (matches(&dangerous[i], key, false))
			return dangerous[i].what;
	return NULL;
}

bool cfd_annotation_allowed(const char *key, const char *value)
{
	if (is_engine_order(key, value))
		return true;
	if (cfd_annotation_danger(key, value))
		return false;
	for (size_t i = 0; i < CFD_COUNT(allowed); i++)
		if (matches(&allowed[i], key, true))
			return true;
	return false;
}
