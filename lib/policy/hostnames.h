/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names of net.connect: what is known of them before there is a network (their ports, what /etc/hosts says), and
 * their addresses, once there is one.
 */
#ifndef CFD_HOSTNAMES_H
#define CFD_HOSTNAMES_H

#include "bpf/guard.h"
#include "lib/base.h"
#include "lib/err.h"

struct cfd_profile;

/* What the hook needs beside the state to resolve them; part of policy.bin. */
struct cfd_hostnames {
	uint16_t server_count;
	uint16_t asked;  /* bit i: name i is to be asked for; /etc/hosts does not have it */
	uint8_t dns;     /* the container may ask its resolvers */
	uint8_t empty;   /* resolv.conf is bound into the container, but was empty at create */
	uint8_t put_off; /* so both files are read again at start, cfd_guard_complete */
	uint8_t unused;
	struct cfd_guard_address servers[CFD_GUARD_RESOLVERS]; /* the last is 127.0.0.11, see cfd_routes_resolvers */
	char names[CFD_GUARD_NAMES][256];                      /* in the order of the state's */
};

/* Fills the state's names, and says whether the container may ask. -E2BIG: the guard cannot hold so many. */
int cfd_hostnames_compile(const struct cfd_profile *profile, struct cfd_guard_state *state, struct cfd_hostnames *names,
			  struct cfd_error *err);

/* Whether the two files are needed. */
bool cfd_hostnames_wanted(const struct cfd_hostnames *names, const struct cfd_guard_state *state);

/*
 * Fills the state's resolvers from `resolv_conf`, and the addresses of the names that `hosts` has (/etc/hosts,
 * hosts(5)). An address that no name opens (bpf/names.h) is left out; a name that has no other is -EINVAL. -E2BIG: the
 * guard cannot hold so many.
 */
int cfd_hostnames_read(const char *hosts, const char *resolv_conf, struct cfd_guard_state *state,
		       struct cfd_hostnames *names, struct cfd_error *err);

/*
 * Adds the addresses of the names that must be asked for, from the network namespace of `init_pid`. Errors as of
 * cfd_resolve_names; -EOPNOTSUPP also when a name is followed and a name server is on loopback.
 */
int cfd_hostnames_resolve(const struct cfd_hostnames *names, int init_pid, struct cfd_guard_state *state,
			  struct cfd_error *err);

/* Whether a name is followed, so that the programs that read answers are needed. */
bool cfd_hostnames_follow(const struct cfd_guard_state *state);

/* Whether all that was read back from a file fits: counts, indexes, ends of strings. */
bool cfd_hostnames_fit(const struct cfd_hostnames *names, const struct cfd_guard_state *state);

#endif
