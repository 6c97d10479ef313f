/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/routes.h"
#include "bpf/guard.h"
#include "lib/policy/policy.h"
#include "lib/profile/profile.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule { /* what the kernel would do: the longest prefix decides */
	const struct cfd_guard_route *routes;
	size_t count;
};

static bool key_covers(const struct cfd_guard_route_key *key, const struct in6_addr *address)
{
	struct in6_addr network;

	memcpy(&network, key->address.words, sizeof(network));
	for (unsigned bit = 0; bit < key->bits - 64; bit++)
		if ((network.s6_addr[bit / 8] ^ address->s6_addr[bit / 8]) & (0x80 >> (bit % 8)))
			return false;
	return true;
}

static bool allows(const struct rule *rule, const char *text, uint8_t protocol, uint16_t port)
{
	const struct cfd_guard_route *best = NULL;
	struct in6_addr address;

	cr_assert_eq(inet_pton(AF_INET6, text, &address), 1, "%s", text);
	for (size_t i = 0; i < rule->count; i++)
		if (key_covers(&rule->routes[i].key, &address) && (!best || rule->routes[i].key.bits > best->key.bits))
			best = &rule->routes[i];
	for (uint32_t i = 0; best && i < best->ports.count; i++) {
		const struct cfd_guard_range *range = &best->ports.ranges[i];

		if ((!range->protocol || range->protocol == protocol) && range->first <= port && port <= range->last)
			return true;
	}
	return false;
}

static struct cfd_profile_peer network(const char *address, unsigned prefix, struct cfd_profile_port *ports,
				       size_t count)
{
	struct cfd_profile_peer peer = {
		.kind = CFD_PEER_NETWORK, .prefix = prefix, .ports = ports, .port_count = count};

	cr_assert_eq(inet_pton(AF_INET6, address, &peer.address), 1);
	return peer;
}

#define EXPECT_ALLOWED(rule, address, protocol, port)                                                                  \
	cr_expect(allows(rule, address, protocol, port), "%s port %d is not reached", address, port)
#define EXPECT_DENIED(rule, address, protocol, port)                                                                   \
	cr_expect_not(allows(rule, address, protocol, port), "%s port %d is reached", address, port)

static void compile(struct cfd_profile_peer *peers, size_t count, struct rule *ret_rule,
		    struct cfd_guard_route **storage)
{
	struct cfd_profile profile = {.connect = peers, .connect_count = count};
	struct cfd_error err = {0};

	*storage = NULL;
	cr_assert_eq(cfd_routes_compile(&profile, storage, &ret_rule->count, &err), 0, "%s", err.message);
	ret_rule->routes = *storage;
}

Test(routes, no_peers_are_no_rules)
{
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct rule rule;

	compile(NULL, 0, &rule, &storage);
	cr_expect_eq(rule.count, 0);
	cr_expect_null(storage);
}

Test(routes, a_longer_network_has_the_ports_of_those_around_it)
{
	struct cfd_profile_port web = {CFD_PROTOCOL_TCP, 443, 443}, dns = {CFD_PROTOCOL_UDP, 53, 53};
	struct cfd_profile_peer peers[] = {network("::ffff:10.0.0.0", 104, &web, 1),
					   network("::ffff:10.1.2.3", 112, &dns, 1) /* host bits do not matter */};
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct rule rule;

	compile(peers, 2, &rule, &storage);
	EXPECT_ALLOWED(&rule, "::ffff:10.9.9.9", IPPROTO_TCP, 443);
	EXPECT_DENIED(&rule, "::ffff:10.9.9.9", IPPROTO_UDP, 53);
	EXPECT_DENIED(&rule, "::ffff:10.9.9.9", IPPROTO_UDP, 443);
	EXPECT_ALLOWED(&rule, "::ffff:10.1.9.9", IPPROTO_TCP, 443);
	EXPECT_ALLOWED(&rule, "::ffff:10.1.9.9", IPPROTO_UDP, 53);
	EXPECT_DENIED(&rule, "::ffff:11.0.0.1", IPPROTO_TCP, 443);
	EXPECT_DENIED(&rule, "::10.0.0.1", IPPROTO_TCP, 443);
}

Test(routes, metadata_must_be_named)
{
	static const struct {
		enum cfd_profile_peer_kind kind;
		const char *v4, *v6; /* reached, and not metadata */
		bool metadata;
	} cases[] = {
		{CFD_PEER_ANY, "::ffff:8.8.8.8", "2001:db8::1", false},
		{CFD_PEER_CLUSTER, "::ffff:172.31.255.1", "fd00::1", false},
		{CFD_PEER_METADATA, "::ffff:169.254.169.254", "fd00:ec2::254", true},
	};
	static const char *const services[] = {
		"::ffff:169.254.169.254", "fd00:ec2::254",          "::ffff:169.254.170.2", "::ffff:169.254.170.23",
		"fd00:ec2::23",           "::ffff:100.100.100.200", "fd20:ce::254",         "fe80::a9fe:a9fe",
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_profile_peer peer = {.kind = cases[i].kind};
		CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
		struct rule rule;

		compile(&peer, 1, &rule, &storage);
		EXPECT_ALLOWED(&rule, cases[i].v4, IPPROTO_TCP, 80);
		EXPECT_ALLOWED(&rule, cases[i].v6, IPPROTO_UDP, 1);
		for (size_t k = 0; k < CFD_COUNT(services); k++)
			cr_expect_eq(allows(&rule, services[k], IPPROTO_TCP, 80), cases[i].metadata, "case %zu, %s", i,
				     services[k]);
	}
}

Test(routes, all_of_a_family_is_that_family_without_metadata)
{
	struct cfd_profile_peer v4 = network("::ffff:0.0.0.0", 96, NULL, 0), v6 = network("::", 0, NULL, 0);
	struct cfd_profile_peer link_local = network("::ffff:169.254.0.0", 112, NULL, 0);
	CFD_AUTO_FREE struct cfd_guard_route *storage4 = NULL, *storage6 = NULL, *storage_local = NULL;
	struct rule rule;

	compile(&v4, 1, &rule, &storage4);
	EXPECT_ALLOWED(&rule, "::ffff:1.2.3.4", IPPROTO_TCP, 1);
	EXPECT_DENIED(&rule, "2001:db8::1", IPPROTO_TCP, 1);
	EXPECT_DENIED(&rule, "::ffff:169.254.169.254", IPPROTO_TCP, 80);
	compile(&v6, 1, &rule, &storage6);
	EXPECT_ALLOWED(&rule, "2001:db8::1", IPPROTO_TCP, 1);
	EXPECT_DENIED(&rule, "::ffff:1.2.3.4", IPPROTO_TCP, 1);
	EXPECT_DENIED(&rule, "fd00:ec2::254", IPPROTO_TCP, 80);
	compile(&link_local, 1, &rule, &storage_local);
	EXPECT_ALLOWED(&rule, "::ffff:169.254.169.254", IPPROTO_TCP, 80);
}

Test(routes, loopback_is_both_families)
{
	struct cfd_profile_peer peer = {.kind = CFD_PEER_LOOPBACK};
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct rule rule;

	compile(&peer, 1, &rule, &storage);
	EXPECT_ALLOWED(&rule, "::ffff:127.255.0.1", IPPROTO_TCP, 80);
	EXPECT_ALLOWED(&rule, "::1", IPPROTO_UDP, 80);
	EXPECT_DENIED(&rule, "::2", IPPROTO_TCP, 80);
	EXPECT_DENIED(&rule, "::ffff:128.0.0.1", IPPROTO_TCP, 80);
}

Test(routes, port_ranges_are_joined_and_bounded)
{
	struct cfd_profile_port ports[20];
	struct cfd_profile_peer peer = network("::ffff:10.0.0.0", 104, ports, 20);
	struct cfd_profile profile = {.connect = &peer, .connect_count = 1};
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct cfd_guard_route *untouched = NULL;
	struct cfd_error err = {0};
	struct rule rule;
	size_t count;

	for (uint16_t i = 0; i < 20; i++)
		ports[i] = (struct cfd_profile_port){CFD_PROTOCOL_TCP, (uint16_t)(100 + i), (uint16_t)(100 + i)};
	compile(&peer, 1, &rule, &storage);
	EXPECT_ALLOWED(&rule, "::ffff:10.0.0.1", IPPROTO_TCP, 100);
	EXPECT_ALLOWED(&rule, "::ffff:10.0.0.1", IPPROTO_TCP, 119);
	EXPECT_DENIED(&rule, "::ffff:10.0.0.1", IPPROTO_TCP, 120);
	for (uint16_t i = 0; i < 20; i++)
		ports[i] =
			(struct cfd_profile_port){CFD_PROTOCOL_TCP, (uint16_t)(100 + 2 * i), (uint16_t)(100 + 2 * i)};
	cr_expect_eq(cfd_routes_compile(&profile, &untouched, &count, &err), -E2BIG);
	cr_expect_null(untouched);
	cr_expect(strstr(err.message, "::ffff:10.0.0.0/104"), "%s", err.message);
	ports[19] = (struct cfd_profile_port){CFD_PROTOCOL_ANY, 0, 65535};
	cr_expect_eq(cfd_routes_compile(&profile, &untouched, &count, &err), 0, "%s", err.message);
	free(untouched);
}

Test(routes, resolvers_are_read_as_the_c_library_does)
{
	static const struct {
		const char *text, *expected[4];
	} cases[] = {
		{"", {"::ffff:127.0.0.1", "::ffff:127.0.0.11"}},
		{"# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.2\n", {"::ffff:10.0.0.2", "::ffff:127.0.0.11"}},
		{"nameserver\nnameserver x\nnameserver fe80::1%eth0\n\tnameserver\t::1 # c",
		 {"fe80::1", "::1", "::ffff:127.0.0.11"}},
		{"nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n",
		 {"::ffff:1.0.0.1", "::ffff:1.0.0.2", "::ffff:1.0.0.3", "::ffff:127.0.0.11"}},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_guard_address addresses[CFD_GUARD_RESOLVERS];
		struct cfd_error err = {0};
		uint16_t count = 0;

		cr_assert_eq(cfd_routes_resolvers(cases[i].text, addresses, CFD_GUARD_RESOLVERS, &count, &err), 0);
		for (uint16_t k = 0; k < count; k++) {
			struct in6_addr expected;

			cr_assert(k < 4 && cases[i].expected[k], "case %zu: resolver %u too many", i, k);
			inet_pton(AF_INET6, cases[i].expected[k], &expected);
			cr_expect_eq(memcmp(&expected, &addresses[k], sizeof(expected)), 0, "case %zu, %u", i, k);
		}
		cr_expect(count == 4 || !cases[i].expected[count], "case %zu: %u resolvers", i, count);
	}
}

/* --- networks that are asked before the rules */

static bool is_in(const struct cfd_guard_network *networks, const char *text, uint8_t protocol, uint16_t port)
{
	struct in_addr address;

	cr_assert_eq(inet_pton(AF_INET, text, &address), 1, "%s", text);
	for (size_t i = 0; i < CFD_GUARD_NETWORKS && networks[i].mask; i++)
		if (!((address.s_addr ^ networks[i].address) & networks[i].mask) &&
		    (!networks[i].range.protocol || networks[i].range.protocol == protocol) &&
		    networks[i].range.first <= port && port <= networks[i].range.last)
			return true;
	return false;
}

static size_t count_networks(const struct cfd_guard_network *networks)
{
	size_t count = 0;

	while (count < CFD_GUARD_NETWORKS && networks[count].mask)
		count++;
	return count;
}

Test(routes, networks_are_the_widest_that_are_not_in_another)
{
	struct cfd_profile_port https = {CFD_PROTOCOL_TCP, 443, 443}, dns = {CFD_PROTOCOL_ANY, 53, 53};
	struct cfd_profile_peer peers[] = {
		network("::ffff:10.1.2.3", 128, &https, 1),
		network("::ffff:10.1.0.0", 112, &https, 1),
		network("::ffff:10.1.0.9", 128, &dns, 1),
		network("::ffff:10.9.0.0", 120, &dns, 1),
		network("fd00::", 8, NULL, 0),
	};
	struct cfd_guard_network networks[CFD_GUARD_NETWORKS] = {0};
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct rule rule;

	compile(peers, CFD_COUNT(peers), &rule, &storage);
	cfd_routes_networks(rule.routes, rule.count, networks);
	cr_expect_eq(count_networks(networks), 3);
	cr_expect_eq(networks[0].mask, htonl(0xffff0000));
	cr_expect_eq(networks[1].mask, htonl(0xffffff00));
	cr_expect(is_in(networks, "10.1.255.255", IPPROTO_TCP, 443));
	cr_expect(is_in(networks, "10.1.0.9", IPPROTO_UDP, 53));
	cr_expect_not(is_in(networks, "10.1.0.8", IPPROTO_UDP, 53));
	cr_expect_not(is_in(networks, "10.1.0.9", IPPROTO_UDP, 443));
	cr_expect_not(is_in(networks, "10.2.0.1", IPPROTO_TCP, 443));
}

/* 0.0.0.0 stands for this machine; metadata is in all of IPv4; the rest is looked for among the rules. */
Test(routes, networks_that_do_not_hold_for_each_of_their_addresses_are_none)
{
	struct cfd_profile_peer peers[] = {{.kind = CFD_PEER_ANY}, network("::ffff:0.0.0.0", 104, NULL, 0)};
	struct cfd_guard_network networks[CFD_GUARD_NETWORKS] = {0};
	const struct cfd_guard_ports all = {.count = 1, .ranges = {{.last = 65535}}},
				     some = {.count = 1, .ranges = {{.first = 1, .last = 1023}}};
	struct cfd_guard_route routes[] = {{.key = {.bits = 64 + 104}, .ports = all},
					   {.key = {.bits = 64 + 120}, .ports = some},
					   {.key = {.bits = 64 + 128}, .ports = all},
					   {.key = {.bits = 64 + 120}, .ports = all}};
	static const char *const addresses[] = {"::ffff:10.0.0.0", "::ffff:10.1.1.0", "::ffff:10.1.1.1",
						"::ffff:11.0.0.0"};
	CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
	struct rule rule;

	compile(peers, CFD_COUNT(peers), &rule, &storage);
	cfd_routes_networks(rule.routes, rule.count, networks);
	cr_expect_eq(count_networks(networks), 0);
	for (size_t i = 0; i < CFD_COUNT(routes); i++)
		inet_pton(AF_INET6, addresses[i], &routes[i].key.address);
	cfd_routes_networks(routes, CFD_COUNT(routes), networks);
	cr_expect_eq(count_networks(networks), 3);
	cr_expect_not(is_in(networks, "10.0.0.1", IPPROTO_TCP, 80)); /* 10.1.1.0/24 has fewer ports */
	cr_expect(is_in(networks, "10.1.1.2", IPPROTO_TCP, 80));
	cr_expect_not(is_in(networks, "10.1.1.2", IPPROTO_TCP, 8080));
	cr_expect(is_in(networks, "10.1.1.1", IPPROTO_TCP, 8080));
	cr_expect(is_in(networks, "11.0.0.1", IPPROTO_TCP, 8080));
}

/* Whatever the profile: what is in a chosen network, the rules allow. */
Test(routes, networks_say_nothing_that_the_rules_do_not)
{
	static const unsigned lengths[] = {0, 1, 4, 8, 9, 12, 16, 20, 24, 31, 32};
	size_t found = 0;

	srandom(1);
	for (int round = 0; round < 300; round++) {
		struct cfd_guard_network networks[CFD_GUARD_NETWORKS] = {0};
		CFD_AUTO_FREE struct cfd_guard_route *storage = NULL;
		struct cfd_profile_port ports[6];
		struct cfd_profile_peer peers[6];
		struct rule rule;
		char text[64];

		for (size_t i = 0; i < CFD_COUNT(peers); i++) {
			uint16_t first = (uint16_t)(random() % 4);

			ports[i] = (struct cfd_profile_port){random() % 2 ? CFD_PROTOCOL_ANY : CFD_PROTOCOL_TCP, first,
							     (uint16_t)(first + random() % 3)};
			snprintf(text, sizeof(text), "::ffff:%ld.%ld.169.%ld", 168 + random() % 2, 253 + random() % 2,
				 random() % 256);
			peers[i] = network(text, 96 + lengths[(size_t)random() % CFD_COUNT(lengths)], &ports[i],
					   (size_t)random() % 3 ? 1 : 0);
		}
		if (round % 4 == 0)
			peers[0] = (struct cfd_profile_peer){.kind = CFD_PEER_ANY};
		compile(peers, CFD_COUNT(peers), &rule, &storage);
		cfd_routes_networks(rule.routes, rule.count, networks);
		for (int i = 0; i < 400; i++) {
			uint16_t port = (uint16_t)(random() % 7);
			uint8_t protocol = random() % 2 ? IPPROTO_TCP : IPPROTO_UDP;

			snprintf(text, sizeof(text), "::ffff:%ld.%ld.169.%ld", 168 + random() % 2, 253 + random() % 2,
				 random() % 3 ? 254 : random() % 256);
			if (!is_in(networks, text + strlen("::ffff:"), protocol, port))
				continue;
			found++;
			EXPECT_ALLOWED(&rule, text, protocol, port);
		}
	}
	cr_expect_gt(found, 10000, "%zu", found);
}
