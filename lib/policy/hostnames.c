/* SPDX-License-Identifier: Apache-2.0 */
/* Host names of net.connect -> what the guard knows of them. */
#include "lib/policy/hostnames.h"

#include "bpf/names.h"
#include "lib/policy/resolve.h"
#include "lib/policy/routes.h"
#include "lib/profile/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#define DNS_PORT 53

_Static_assert(CFD_GUARD_NAMES == CFD_PROFILE_MAX_NAMES, "what a profile may have, the guard holds");
_Static_assert(CFD_GUARD_NAMES == CFD_RESOLVE_NAMES && CFD_GUARD_NAMES <= 16, "bits of `asked`");

bool cfd_hostnames_wanted(const struct cfd_hostnames *names, const struct cfd_guard_state *state)
{
	return names->dns || state->name_count;
}

bool cfd_hostnames_follow(const struct cfd_guard_state *state)
{
	for (size_t i = 0; i < state->name_count; i++)
		if (state->names[i].hash)
			return true;
	return false;
}

/* --- addresses */

/* The form in which the programs judge: IPv4 that a translator carries (NAT64, 6to4) is IPv4, see bpf/net.bpf.h. */
static void translate(struct cfd_guard_address *address)
{
	const uint8_t *byte = (const uint8_t *)address->words;
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	struct in6_addr v4 = IN6ADDR_ANY_INIT;
	bool carried = memcmp(byte, nat64, sizeof(nat64)) == 0, six_to_four = byte[0] == 0x20 && byte[1] == 0x02;
	const uint8_t *from = carried ? byte + 12 : byte + 2;

	if ((!carried && !six_to_four) || from[0] == 127 || (!from[0] && !from[1] && !from[2] && !from[3]))
		return;
	memset(v4.s6_addr + 10, 0xff, 2);
	memcpy(v4.s6_addr + 12, from, 4);
	memcpy(address->words, &v4, sizeof(v4));
}

static bool is_known(const struct cfd_guard_state *state, const struct cfd_guard_address *address, size_t name)
{
	for (size_t i = 0; i < state->address_count; i++)
		if (state->address_names[i] == name && memcmp(&state->addresses[i], address, sizeof(*address)) == 0)
			return true;
	return false;
}

/* What does not fit is no loss where the name is followed: the container's own question will bring it back. */
static int add_address(struct cfd_guard_state *state, size_t name, const struct in6_addr *from, bool *ret_usable,
		       struct cfd_error *err)
{
	struct cfd_guard_address address;

	memcpy(address.words, from, sizeof(address.words));
	translate(&address);
	if (cfd_name_is_barred(&address))
		return 0;
	*ret_usable = true;
	if (is_known(state, &address, name) || (state->address_count == CFD_GUARD_ADDRESSES && state->names[name].hash))
		return 0;
	if (state->address_count == CFD_GUARD_ADDRESSES)
		return cfd_fail(err, -E2BIG,
				"the names have more than %d addresses together: write networks, or \"follow\": true",
				CFD_GUARD_ADDRESSES);
	state->addresses[state->address_count] = address;
	state->address_names[state->address_count++] = (uint8_t)name;
	return 0;
}

static int add_addresses(struct cfd_guard_state *state, size_t name, const char *text, const struct in6_addr *addresses,
			 size_t count, struct cfd_error *err)
{
	char first[INET6_ADDRSTRLEN];
	bool usable = false;
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add_address(state, name, &addresses[i], &usable, err);
	if (r || usable || !count)
		return r ? cfd_wrap(err, "net.connect: %s", text) : 0;
	return cfd_fail(err, -EINVAL,
			"net.connect: %s is %s, which no name opens, whoever says so: write the word for it "
			"(\"loopback\", \"metadata\") or the address",
			text, inet_ntop(AF_INET6, &addresses[0], first, sizeof(first)));
}

/* --- /etc/hosts */

struct hosts_addresses {
	struct in6_addr values[CFD_GUARD_ADDRESSES];
	size_t count;
};

static bool parse_host_address(const char *text, struct in6_addr *ret_address)
{
	struct in6_addr address = IN6ADDR_ANY_INIT;

	if (inet_pton(AF_INET, text, address.s6_addr + 12) == 1)
		memset(address.s6_addr + 10, 0xff, 2);
	else if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	*ret_address = address;
	return true;
}

/* One line of hosts(5): address, name, aliases; cut up in place. */
static bool line_has(char *line, const char *name, struct in6_addr *ret_address)
{
	char *save = NULL, *address, *word;

	line[strcspn(line, "#")] = '\0';
	address = strtok_r(line, " \t\r", &save);
	while (address && (word = strtok_r(NULL, " \t\r", &save)))
		if (!strcasecmp(word, name))
			return parse_host_address(address, ret_address);
	return false;
}

static int find_in_hosts(const char *hosts, const char *name, struct hosts_addresses *found, struct cfd_error *err)
{
	CFD_AUTO_FREE char *text = strdup(hosts);
	char *cursor = text, *line;

	if (!text)
		return cfd_fail_memory(err, "/etc/hosts");
	found->count = 0;
	while (found->count < CFD_COUNT(found->values) && (line = strsep(&cursor, "\n")))
		found->count += line_has(line, name, &found->values[found->count]);
	return 0;
}

/* --- compiling */

static int add_name(const struct cfd_profile_peer *peer, struct cfd_guard_state *state, struct cfd_hostnames *names,
		    struct cfd_error *err)
{
	struct cfd_guard_name *name = &state->names[state->name_count];
	uint8_t wire[CFD_DNS_NAME];
	size_t length = cfd_dns_name(peer->name, wire);
	uint16_t count = 0;
	int r;

	if (state->name_count == CFD_GUARD_NAMES)
		return cfd_fail(err, -E2BIG, "net.connect has more than %d host names", CFD_GUARD_NAMES);
	if (!length)
		return cfd_fail(err, -EINVAL, "net.connect: %s is no host name", peer->name);
	r = cfd_routes_ranges(peer->ports, peer->port_count, name->ranges, CFD_GUARD_NAME_RANGES, &count, err);
	if (r)
		return cfd_wrap(err, "net.connect: %s", peer->name);
	name->count = count;
	if (peer->follow) {
		struct cfd_name_hash hash;

		cfd_name_start(&hash, state->name_key);
		for (size_t i = 0; i < length; i++)
			cfd_name_take(&hash, wire[i]);
		name->hash = cfd_name_end(&hash);
	}
	snprintf(names->names[state->name_count++], sizeof(names->names[0]), "%s", peer->name);
	return 0;
}

static int make_key(const struct cfd_profile *profile, struct cfd_guard_state *state, struct cfd_error *err)
{
	for (size_t i = 0; i < profile->connect_count; i++)
		if (profile->connect[i].follow)
			return getrandom(state->name_key, sizeof(state->name_key), 0) == sizeof(state->name_key)
				       ? 0
				       : cfd_fail(err, -EIO, "the kernel has no random numbers");
	return 0;
}

int cfd_hostnames_compile(const struct cfd_profile *profile, struct cfd_guard_state *state, struct cfd_hostnames *names,
			  struct cfd_error *err)
{
	int r = make_key(profile, state, err);

	names->dns = profile->mode == CFD_MODE_RECORD; /* to be told from other destinations afterwards */
	for (size_t i = 0; !r && i < profile->connect_count; i++) {
		names->dns |= profile->connect[i].kind == CFD_PEER_DNS;
		if (profile->connect[i].kind == CFD_PEER_NAME)
			r = add_name(&profile->connect[i], state, names, err);
	}
	return r;
}

/* --- the two files */

static int read_hosts(const char *hosts, struct cfd_guard_state *state, struct cfd_hostnames *names,
		      struct cfd_error *err)
{
	int r = 0;

	state->address_count = 0;
	names->asked = 0;
	for (size_t i = 0; !r && i < state->name_count; i++) {
		struct hosts_addresses found = {.count = 0};

		r = find_in_hosts(hosts, names->names[i], &found, err);
		if (!r)
			r = add_addresses(state, i, names->names[i], found.values, found.count, err);
		if (!r && !found.count)
			names->asked |= (uint16_t)(1u << i);
	}
	return r;
}

int cfd_hostnames_read(const char *hosts, const char *resolv_conf, struct cfd_guard_state *state,
		       struct cfd_hostnames *names, struct cfd_error *err)
{
	int r = cfd_routes_resolvers(resolv_conf, names->servers, CFD_GUARD_RESOLVERS, &names->server_count, err);

	if (!r && names->dns) {
		memcpy(state->resolvers, names->servers, sizeof(state->resolvers));
		state->resolver_count = names->server_count;
	}
	return r ? r : read_hosts(hosts, state, names, err);
}

/* --- resolving */

static bool is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* All but the last, 127.0.0.11, which is asked when the others are silent. */
static int fill_servers(const struct cfd_hostnames *names, bool follow, struct cfd_resolve_server *servers,
			struct cfd_error *err)
{
	for (size_t i = 0; i < names->server_count; i++) {
		bool listed = i + 1 < names->server_count;

		servers[i] = (struct cfd_resolve_server){.port = DNS_PORT, .elsewhere = follow && listed};
		memcpy(&servers[i].address, names->servers[i].words, sizeof(servers[i].address));
		if (servers[i].elsewhere && is_loopback(&servers[i].address))
			return cfd_fail(err, -EOPNOTSUPP,
					"follow: a name server of the container's resolv.conf is on loopback, where "
					"answers can be forged from inside: give the container another (podman: --dns "
					"ADDRESS), or leave \"follow\" out");
	}
	return 0;
}

static int open_namespace(int init_pid, int *ret_fd, struct cfd_error *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", init_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", path);
	*ret_fd = fd;
	return 0;
}

int cfd_hostnames_resolve(const struct cfd_hostnames *names, int init_pid, struct cfd_guard_state *state,
			  struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_resolved_name *resolved = calloc(CFD_GUARD_NAMES, sizeof(*resolved));
	struct cfd_resolve_server servers[CFD_GUARD_RESOLVERS];
	struct cfd_resolve_request request = {.servers = servers, .server_count = names->server_count};
	const char *texts[CFD_GUARD_NAMES];
	size_t indexes[CFD_GUARD_NAMES];
	bool follow = cfd_hostnames_follow(state);
	CFD_AUTO_FD int netns = -1;
	int r;

	if (!names->asked && !follow)
		return 0;
	if (!resolved)
		return cfd_fail_memory(err, "addresses");
	for (size_t i = 0; i < state->name_count; i++)
		if (names->asked & 1u << i) {
			texts[request.name_count] = names->names[i];
			indexes[request.name_count++] = i;
		}
	r = fill_servers(names, follow, servers, err);
	if (!r)
		r = open_namespace(init_pid, &netns, err);
	request.netns = netns;
	request.names = texts;
	if (!r)
		r = cfd_resolve_names(&request, resolved, err);
	if (r)
		return cfd_wrap(err, "net.connect");
	for (size_t i = 0; !r && i < request.name_count; i++)
		r = add_addresses(state, indexes[i], texts[i], resolved[i].addresses, resolved[i].count, err);
	return r;
}

bool cfd_hostnames_fit(const struct cfd_hostnames *names, const struct cfd_guard_state *state)
{
	if (state->name_count > CFD_GUARD_NAMES || state->address_count > CFD_GUARD_ADDRESSES ||
	    names->server_count > CFD_GUARD_RESOLVERS || names->asked >> state->name_count)
		return false;
	for (size_t i = 0; i < state->name_count; i++)
		if (state->names[i].count > CFD_GUARD_NAME_RANGES ||
		    !memchr(names->names[i], '\0', sizeof(names->names[i])))
			return false;
	for (size_t i = 0; i < state->address_count; i++)
		if (state->address_names[i] >= state->name_count)
			return false;
	return !state->name_count || names->server_count;
}
