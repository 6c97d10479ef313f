/* SPDX-License-Identifier: Apache-2.0 */
/* Which annotations the runtime may see. (Which refuse a container: tests/corpus/rules/annotations.) */
#include "lib/spec/annotations.h"

#include <criterion/criterion.h>

Test(annotations, what_engines_and_tools_read_stays_and_nothing_else)
{
	static const struct {
		const char *key, *value;
		bool allowed;
	} cases[] = {
		{"io.container.manager", "libpod", true},
		{"io.podman.annotations.init", "FALSE", true},
		{"io.kubernetes.cri.container-type", "sandbox", true},
		{"io.kubernetes.cri-o.Image", "x", true},
		{"io.kubernetes.container.hash", "x", true},
		{"io.kubernetes.pod.name", "x", true},
		{"io.containerd.image", "x", true},
		{"kubernetes.io/x", "x", true},
		{"nerdctl/name", "x", true},
		{"org.opencontainers.image.title", "x", true},
		{"org.systemd.property.KillSignal", "15", true},
		{"org.systemd.property.KillSignal", "65", false},
		{"org.systemd.property.TimeoutStopUSec", "uint64 1", true},
		{"org.systemd.property.TimeoutStopUSec", "1", false},
		{"org.systemd.property.CollectMode", "'inactive-or-failed'", true},
		{"org.systemd.property.CollectMode", "'inactive'", false},
		{"io.container.manager.x", "x", false},
		{"io.container.manage", "x", false},
		{"IO.containerd.image", "x", false},
		{"io.kubernetes.cri-o.Devices", "/dev/sda", false},
		{"run.oci.handler", "krun", false},
		{"com.example", "x", false},
		{"", "", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++)
		cr_expect(cfd_annotation_allowed(cases[i].key, cases[i].value) == cases[i].allowed, "%s=%s",
			  cases[i].key, cases[i].value);
}
