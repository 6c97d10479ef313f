/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks name servers for the addresses of names, from within a network namespace: where the container is, its resolvers
 * can be reached, and nowhere else. glibc's own resolver cannot be used: it loads modules, which a static program must
 * not, and reads the host's configuration.
 *
 * A child without privilege does it, over UDP and, where an answer was cut, TCP; ids and ports are random.
 */
#ifndef CFD_RESOLVE_H
#define CFD_RESOLVE_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/policy/dns.h"

#define CFD_RESOLVE_NAMES 16
#define CFD_RESOLVE_SECONDS 10 /* for all names; the hook has 60 */

struct cfd_resolve_server {
	struct in6_addr address; /* IPv4 is mapped */
	uint16_t port;           /* 53, but for tests */
	bool elsewhere;          /* it must not be an address of this very namespace: -EOPNOTSUPP */
};

struct cfd_resolve_request {                      /* all borrowed */
	int netns;                                /* a network namespace, open */
	const struct cfd_resolve_server *servers; /* asked in this order; the first that answers is kept to */
	size_t server_count;
	const char *const *names; /* at most CFD_RESOLVE_NAMES */
	size_t name_count;
};

struct cfd_resolved_name { /* IPv4 first */
	size_t count;
	struct in6_addr addresses[2 * CFD_DNS_ADDRESSES];
};

/*
 * Fills ret_resolved, one for each name; each has at least one address. The message of an error says which name, which
 * server, what to do. -ENOENT: a server says that there is no such name, or that it has no address. -ETIMEDOUT: none
 * answered, or not in time. -EOPNOTSUPP: see `elsewhere`.
 */
int cfd_resolve_names(const struct cfd_resolve_request *request, struct cfd_resolved_name *ret_resolved,
		      struct cfd_error *err);

#endif
