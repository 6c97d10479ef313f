/* SPDX-License-Identifier: Apache-2.0 */
/* net.connect and net.listen of a profile -> rules of the guard. */
#include "lib/policy/routes.h"
#include "bpf/guard.h"
#include "lib/policy/policy.h"
#include "lib/profile/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96  /* ::ffff:0:0/96 */
#define RESOLVERS_MAX 3 /* MAXNS in <resolv.h>; musl and the BSDs have the same */
#define PORT_RANGES_MAX 1024

struct network {
	struct in6_addr address; /* host bits are 0 */
	unsigned bits;
	const struct cfd_profile_port *ports;
	size_t port_count;
	bool is_broad;  /* does not open what must be named: metadata */
	bool is_native; /* of IPv6, so it does not mean mapped addresses */
};

struct networks {
	struct network *values;
	size_t count;
};

// clang-format off
static const struct { /* the words; ANY includes IPv4, mapped */
	enum cfd_profile_peer_kind kind;
	bool is_broad;
	const char *address;
	unsigned bits;
} words[] = {
	{ CFD_PEER_LOOPBACK, false, "::ffff:127.0.0.0",       104 },
	{ CFD_PEER_LOOPBACK, false, "::1",                    128 },
	{ CFD_PEER_CLUSTER,  true,  "::ffff:10.0.0.0",        104 }, /* RFC 1918 */
	{ CFD_PEER_CLUSTER,  true,  "::ffff:172.16.0.0",      108 },
	{ CFD_PEER_CLUSTER,  true,  "::ffff:192.168.0.0",     112 },
	{ CFD_PEER_CLUSTER,  true,  "fc00::",                   7 }, /* RFC 4193 */
	{ CFD_PEER_METADATA, false, "::ffff:169.254.169.254", 128 }, /* AWS, Azure, Google and others */
	{ CFD_PEER_METADATA, false, "fd00:ec2::254",          128 }, /* AWS */
	{ CFD_PEER_METADATA, false, "::ffff:169.254.170.2",   128 }, /* AWS: credentials of an ECS task */
	{ CFD_PEER_METADATA, false, "::ffff:169.254.170.23",  128 }, /* AWS: of an EKS pod */
	{ CFD_PEER_METADATA, false, "fd00:ec2::23",           128 },
	{ CFD_PEER_METADATA, false, "::ffff:100.100.100.200", 128 }, /* Alibaba */
	{ CFD_PEER_METADATA, false, "fd20:ce::254",           128 }, /* Google */
	{ CFD_PEER_METADATA, false, "fe80::a9fe:a9fe",        128 }, /* OpenStack */
	{ CFD_PEER_ANY,      true,  "::",                       0 },
};
// clang-format on

static bool covers(const struct in6_addr *network, unsigned bits, const struct in6_addr *address, unsigned address_bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (bits > address_bits || memcmp(network, address, bytes))
		return false;
	return !rest || !((network->s6_addr[bytes] ^ address->s6_addr[bytes]) & (0xff << (8 - rest)));
}

static void clear_host_bits(struct in6_addr *address, unsigned bits)
{
	for (unsigned bit = bits; bit < 128; bit++)
		address->s6_addr[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
}

static bool is_mapped(const struct in6_addr *address, unsigned bits)
{
	return bits >= MAPPED_BITS && IN6_IS_ADDR_V4MAPPED(address);
}

static int add_network(struct networks *networks, const struct in6_addr *address, unsigned bits,
		       const struct cfd_profile_peer *peer, bool is_broad, struct cfd_error *err)
{
	struct network *network;

	if (networks->count == CFD_POLICY_MAX_ROUTES)
		return cfd_fail(err, -E2BIG, "net.connect has more than %d networks", CFD_POLICY_MAX_ROUTES);
	if (bits > 128)
		return cfd_fail(err, -EINVAL, "net.connect has a network of %u bits", bits);
	network = &networks->values[networks->count++];
	*network = (struct network){.address = *address, .bits = bits, .is_broad = is_broad};
	clear_host_bits(&network->address, bits);
	if (peer) {
		network->ports = peer->ports;
		network->port_count = peer->port_count;
		network->is_native = peer->kind == CFD_PEER_NETWORK && !is_mapped(address, bits);
	}
	return 0;
}

static int add_peer(struct networks *networks, const struct cfd_profile_peer *peer, struct cfd_error *err)
{
	if (peer->kind == CFD_PEER_NETWORK) {
		bool is_all = peer->prefix == (is_mapped(&peer->address, peer->prefix) ? MAPPED_BITS : 0);

		return add_network(networks, &peer->address, peer->prefix, peer, is_all, err);
	}
	for (size_t i = 0; i < CFD_COUNT(words); i++) {
		struct in6_addr address;
		int r;

		if (words[i].kind != peer->kind)
			continue;
		inet_pton(AF_INET6, words[i].address, &address);
		r = add_network(networks, &address, words[i].bits, peer, words[i].is_broad, err);
		if (r)
			return r;
	}
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct cfd_guard_range *x = a, *y = b;

	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

static bool is_inside(const struct cfd_guard_range *range, const struct cfd_guard_range *of)
{
	return (!of->protocol || of->protocol == range->protocol) && of->first <= range->first &&
	       of->last >= range->last;
}

/* Sorts and merges in place; what `any protocol` has already is dropped. Returns how many are left. */
static size_t merge_ranges(struct cfd_guard_range *ranges, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < count; i++) {
		struct cfd_guard_range *last = kept ? &ranges[kept - 1] : NULL;
		bool known = false;

		for (size_t k = 0; k < kept && !known; k++)
			known = is_inside(&ranges[i], &ranges[k]);
		if (known)
			continue;
		if (last && last->protocol == ranges[i].protocol && ranges[i].first <= (uint32_t)last->last + 1)
			last->last = ranges[i].last;
		else
			ranges[kept++] = ranges[i];
	}
	return kept;
}

static struct cfd_guard_range range_of(const struct cfd_profile_port *port)
{
	static const uint8_t numbers[] = {
		[CFD_PROTOCOL_ANY] = 0, [CFD_PROTOCOL_TCP] = IPPROTO_TCP, [CFD_PROTOCOL_UDP] = IPPROTO_UDP};

	return (struct cfd_guard_range){.first = port->first, .last = port->last, .protocol = numbers[port->protocol]};
}

struct ranges {
	struct cfd_guard_range values[PORT_RANGES_MAX];
	size_t count;
};

static int add_ports(struct ranges *ranges, const struct cfd_profile_port *ports, size_t count)
{
	static const struct cfd_profile_port every = {CFD_PROTOCOL_ANY, 0, 65535};

	if (!count) {
		ports = &every;
		count = 1;
	}
	/* Merging when there is no room keeps the work bounded whatever the profile says. */
	for (size_t i = 0; i < count; i++) {
		if (ranges->count == PORT_RANGES_MAX)
			ranges->count = merge_ranges(ranges->values, ranges->count);
		if (ranges->count == PORT_RANGES_MAX)
			return -E2BIG;
		ranges->values[ranges->count++] = range_of(&ports[i]);
	}
	return 0;
}

static bool is_metadata(const struct in6_addr *address, unsigned bits)
{
	for (size_t i = 0; i < CFD_COUNT(words); i++) {
		struct in6_addr known;

		if (words[i].kind != CFD_PEER_METADATA)
			continue;
		inet_pton(AF_INET6, words[i].address, &known);
		if (covers(&known, words[i].bits, address, bits))
			return true;
	}
	return false;
}

/* The ports of all networks around `target`. ret_covered: whether there is one, be it without effect on this target. */
static int collect_ports(const struct networks *networks, const struct network *target, struct ranges *ranges,
			 bool *ret_covered)
{
	bool metadata = is_metadata(&target->address, target->bits), mapped = is_mapped(&target->address, target->bits);

	ranges->count = 0;
	*ret_covered = false;
	for (size_t i = 0; i < networks->count; i++) {
		const struct network *network = &networks->values[i];

		if (!covers(&network->address, network->bits, &target->address, target->bits))
			continue;
		*ret_covered = true;
		if ((metadata && network->is_broad) ||
		    (mapped && network->is_native && !is_mapped(&network->address, network->bits)))
			continue;
		if (add_ports(ranges, network->ports, network->port_count))
			return -E2BIG;
	}
	ranges->count = merge_ranges(ranges->values, ranges->count);
	return 0;
}

static int compare_networks(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	return order ? order : (x->bits > y->bits) - (x->bits < y->bits);
}

/* What must be looked up on its own because a wider network does not mean it: metadata, and all of IPv4. */
static int add_exempt(struct networks *targets, struct cfd_error *err)
{
	static const struct cfd_profile_peer metadata = {.kind = CFD_PEER_METADATA};
	struct in6_addr mapped;
	int r = add_peer(targets, &metadata, err);

	inet_pton(AF_INET6, "::ffff:0:0", &mapped);
	return r ? r : add_network(targets, &mapped, MAPPED_BITS, NULL, false, err);
}

static int fill_route(const struct networks *networks, const struct network *target, struct cfd_guard_route *route,
		      bool *ret_needed, struct cfd_error *err)
{
	CFD_AUTO_FREE struct ranges *ranges = malloc(sizeof(*ranges));
	char text[INET6_ADDRSTRLEN];

	if (!ranges)
		return cfd_fail_memory(err, "port ranges");
	if (collect_ports(networks, target, ranges, ret_needed) || ranges->count > CFD_GUARD_RANGES)
		return cfd_fail(err, -E2BIG,
				"net.connect: %s/%u has more than %d separate ranges of ports; join some (8000-8100)",
				inet_ntop(AF_INET6, &target->address, text, sizeof(text)), target->bits,
				CFD_GUARD_RANGES);
	memset(route, 0, sizeof(*route));
	route->key.bits = 64 + target->bits;
	memcpy(route->key.address.words, &target->address, sizeof(route->key.address.words));
	route->ports.count = (uint32_t)ranges->count;
	memcpy(route->ports.ranges, ranges->values, ranges->count * sizeof(ranges->values[0]));
	return 0;
}

static int fill_routes(const struct networks *networks, const struct networks *targets, struct cfd_guard_route *routes,
		       size_t *ret_count, struct cfd_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < targets->count; i++) {
		bool needed = false;
		int r;

		if (i && !compare_networks(&targets->values[i], &targets->values[i - 1]))
			continue;
		r = fill_route(networks, &targets->values[i], &routes[count], &needed, err);
		if (r)
			return r;
		count += needed;
	}
	*ret_count = count;
	return 0;
}

int cfd_routes_compile(const struct cfd_profile *profile, struct cfd_guard_route **ret_routes, size_t *ret_count,
		       struct cfd_error *err)
{
	CFD_AUTO_FREE struct network *storage = calloc(2 * CFD_POLICY_MAX_ROUTES, sizeof(*storage));
	CFD_AUTO_FREE struct cfd_guard_route *routes = calloc(CFD_POLICY_MAX_ROUTES, sizeof(*routes));
	struct networks networks = {storage, 0}, targets = {storage + CFD_POLICY_MAX_ROUTES, 0};
	size_t count = 0;
	int r = 0;

	if (!storage || !routes)
		return cfd_fail_memory(err, "network rules");
	for (size_t i = 0; !r && i < profile->connect_count; i++)
		r = add_peer(&networks, &profile->connect[i], err);
	if (!r) {
		memcpy(targets.values, networks.values, networks.count * sizeof(*storage));
		targets.count = networks.count;
		r = add_exempt(&targets, err);
	}
	if (r)
		return r;
	qsort(targets.values, targets.count, sizeof(*storage), compare_networks);
	r = fill_routes(&networks, &targets, routes, &count, err);
	if (r)
		return r;
	*ret_routes = count ? cfd_take(routes) : NULL;
	*ret_count = count;
	return 0;
}

static const struct in6_addr *address_of(const struct cfd_guard_route *route)
{
	return (const struct in6_addr *)route->key.address.words;
}

/* Whether each rule inside of this one's network has all of the range too: they are sorted, so they come behind it. */
static bool is_uniform(const struct cfd_guard_route *route, const struct cfd_guard_route *end,
		       const struct cfd_guard_range *range)
{
	for (const struct cfd_guard_route *inner = route + 1; inner < end; inner++) {
		bool has = false;

		if (!covers(address_of(route), route->key.bits - 64, address_of(inner), inner->key.bits - 64))
			return true;
		for (uint32_t i = 0; i < inner->ports.count && !has; i++)
			has = is_inside(range, &inner->ports.ranges[i]);
		if (!has)
			return false;
	}
	return true;
}

static bool is_chosen(const struct cfd_guard_network *networks, size_t count, const struct cfd_guard_network *network)
{
	for (size_t i = 0; i < count; i++)
		if (!((network->address ^ networks[i].address) & networks[i].mask) &&
		    is_inside(&network->range, &networks[i].range))
			return true;
	return false;
}

/* Those of this rule that are worth it and not chosen yet, as far as there is room. */
static void choose(const struct cfd_guard_route *route, const struct cfd_guard_route *end,
		   struct cfd_guard_network *networks, size_t *count)
{
	for (uint32_t i = 0; i < route->ports.count && *count < CFD_GUARD_NETWORKS; i++) {
		const struct cfd_guard_network network = {
			.address = route->key.address.words[3],
			.mask = htonl(UINT32_MAX << (64 + 128 - route->key.bits)),
			.range = route->ports.ranges[i],
		};

		if (!is_chosen(networks, *count, &network) && is_uniform(route, end, &network.range))
			networks[(*count)++] = network;
	}
}

void cfd_routes_networks(const struct cfd_guard_route *routes, size_t count, struct cfd_guard_network *networks)
{
	size_t chosen = 0;

	/* The widest first. Of 0.0.0.0/BITS one address stands for another, and /0 has metadata in it. */
	for (unsigned bits = MAPPED_BITS + 1; bits <= 128 && chosen < CFD_GUARD_NETWORKS; bits++)
		for (size_t i = 0; i < count; i++)
			if (routes[i].key.bits == 64 + bits && is_mapped(address_of(&routes[i]), bits) &&
			    routes[i].key.address.words[3])
				choose(&routes[i], routes + count, networks, &chosen);
}

int cfd_routes_listens(const struct cfd_profile *profile, struct cfd_guard_range *ranges, size_t room,
		       uint16_t *ret_count, struct cfd_error *err)
{
	CFD_AUTO_FREE struct ranges *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return cfd_fail_memory(err, "port ranges");
	r = profile->listen_count ? add_ports(all, profile->listen, profile->listen_count) : 0;
	all->count = merge_ranges(all->values, all->count);
	if (r || all->count > room)
		return cfd_fail(err, -E2BIG,
				"net.listen has more than %zu separate ranges of ports; join some (8000-8100)", room);
	memcpy(ranges, all->values, all->count * sizeof(*ranges));
	*ret_count = (uint16_t)all->count;
	return 0;
}

int cfd_routes_ranges(const struct cfd_profile_port *ports, size_t count, struct cfd_guard_range *ranges, size_t room,
		      uint16_t *ret_count, struct cfd_error *err)
{
	CFD_AUTO_FREE struct ranges *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return cfd_fail_memory(err, "port ranges");
	r = add_ports(all, ports, count);
	all->count = merge_ranges(all->values, all->count);
	if (r || all->count > room)
		return cfd_fail(err, -E2BIG, "more than %zu separate ranges of ports; join some (8000-8100)", room);
	memcpy(ranges, all->values, all->count * sizeof(*ranges));
	*ret_count = (uint16_t)all->count;
	return 0;
}

static bool parse_address(const char *text, struct cfd_guard_address *ret_address)
{
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";
	struct in6_addr address;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		text = strncat(mapped, text, INET_ADDRSTRLEN);
	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	memcpy(ret_address->words, &address, sizeof(ret_address->words));
	return true;
}

int cfd_routes_resolvers(const char *resolv_conf, struct cfd_guard_address *addresses, size_t room, uint16_t *ret_count,
			 struct cfd_error *err)
{
	CFD_AUTO_FREE char *text = strdup(resolv_conf);
	char *cursor = text, *line;
	size_t count = 0;

	if (!text)
		return cfd_fail_memory(err, "resolv.conf");
	if (room < RESOLVERS_MAX + 1)
		return cfd_fail(err, -E2BIG, "no room for %d name servers", RESOLVERS_MAX + 1);
	while (count < RESOLVERS_MAX && (line = strsep(&cursor, "\n"))) {
		char *save = NULL, *key = strtok_r(line, " \t\r", &save), *value = strtok_r(NULL, " \t\r", &save);

		if (!cfd_streq(key, "nameserver") || !value)
			continue;
		value[strcspn(value, "%")] = '\0'; /* the scope of a link-local address */
		count += parse_address(value, &addresses[count]);
	}
	if (!count)
		parse_address("127.0.0.1", &addresses[count++]);
	parse_address("127.0.0.11", &addresses[count++]);
	*ret_count = (uint16_t)count;
	return 0;
}
