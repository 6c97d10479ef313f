/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.sysctl, hostname and domainname for namespaces that the container joins: root in the container may not set them
 * there, so they are set from the host and the runtime is not told.
 */
#ifndef CFD_SYSCTLS_H
#define CFD_SYSCTLS_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns/userns.h"

struct cfd_held;
struct cfd_profile;
struct cfd_spec;

struct cfd_sysctls {
	char **keys;          /* of linux.sysctl that are set; NULL-terminated */
	bool names;           /* hostname and domainname are set */
	bool foreign_network; /* the container's user namespace does not own its network: no capability counts there */
};

/*
 * Sets them. Those of the host's own namespaces are refused. In a joined network namespace also, unless configured:
 * net.ipv4.ip_unprivileged_port_start becomes 0 if the container keeps CAP_NET_BIND_SERVICE, and its groups come into
 * net.ipv4.ping_group_range if its engine asked for CAP_NET_RAW, as these capabilities mean nothing in a namespace that
 * the container's user namespace does not own. `profile` may be NULL.
 */
int cfd_sysctls_write(const struct cfd_spec *spec, const struct cfd_held *held, const struct cfd_profile *profile,
		      const struct cfd_userns_range *range, int userns_fd, struct cfd_sysctls *ret_written,
		      struct cfd_error *err);
void cfd_sysctls_release(struct cfd_sysctls *sysctls);

/*
 * Whether the container was to be able to ping: its engine asked for CAP_NET_RAW. Whatever the profile leaves of that,
 * echo sockets do for it, and can do nothing else.
 */
bool cfd_sysctls_wants_ping(const struct cfd_spec *spec);

#define CFD_SYSCTLS_PING_GROUPS "net.ipv4.ping_group_range"

/*
 * The same for a network namespace that the runtime makes inside of the container's user namespace, where the kernel
 * takes the container's group ids and none that it does not have: Docker and containerd ask for "0 2147483647", which
 * becomes "0 65535". -EINVAL: not two numbers.
 */
int cfd_sysctls_clip_groups(const char *value, const struct cfd_userns_range *range, char ret_value[32],
			    struct cfd_error *err);

/*
 * net.ipv4.ping_group_range in the container's group ids -> in the host's ("0 0" -> "BASE BASE"). A part outside of the
 * range is cut off. -EINVAL: not two numbers; -ERANGE: the kernel takes no group above 2147483647 there.
 */
int cfd_sysctls_map_groups(const char *value, const struct cfd_userns_range *range, char ret_value[32],
			   struct cfd_error *err);

#endif
