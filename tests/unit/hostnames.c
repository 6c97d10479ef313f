/* SPDX-License-Identifier: Apache-2.0 */
/* Host names of net.connect: what is known of them when the container is created. */
#include "lib/policy/hostnames.h"

#include "lib/profile/profile.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define RESOLVERS "nameserver 10.3.0.1\n"
#define NAME(text)                                                                                                     \
	{                                                                                                              \
		.kind = CFD_PEER_NAME, .name = (char *)(text)                                                          \
	}

struct compiled {
	struct cfd_guard_state state;
	struct cfd_hostnames names;
	struct cfd_error err;
	int r;
};

static struct compiled compile(const struct cfd_profile_peer *peers, size_t count, const char *hosts)
{
	const struct cfd_profile profile = {.connect = (struct cfd_profile_peer *)peers, .connect_count = count};
	struct compiled compiled = {.r = 0};

	compiled.r = cfd_hostnames_compile(&profile, &compiled.state, &compiled.names, &compiled.err);
	if (!compiled.r)
		compiled.r = cfd_hostnames_read(hosts, RESOLVERS, &compiled.state, &compiled.names, &compiled.err);
	return compiled;
}

/* The addresses that name `index` has. */
static const char *addresses_of(const struct cfd_guard_state *state, size_t index)
{
	static char text[2048];

	text[0] = '\0';
	for (size_t i = 0; i < state->address_count; i++) {
		size_t at = strlen(text);

		if (state->address_names[i] != index)
			continue;
		if (at)
			text[at++] = ' ';
		inet_ntop(AF_INET6, state->addresses[i].words, text + at, (socklen_t)(sizeof(text) - at));
	}
	return text;
}

Test(hostnames, those_that_hosts_has_need_not_be_asked_for)
{
	static const struct cfd_profile_peer peers[] = {
		{.kind = CFD_PEER_DNS}, NAME("db"), NAME("api.example.org"), NAME("cache")};
	struct compiled it = compile(peers, CFD_COUNT(peers),
				     "127.0.0.1 localhost # db\n10.1.0.1\tx DB y\n::zz db\n10.1.0.9 dbs\n"
				     "fd00::1 db\r\n10.1.0.1 db\n64:ff9b::a01:2 cache # db\n");

	cr_assert_eq(it.r, 0, "%s", it.err.message);
	cr_expect_eq(it.state.name_count, 3);
	cr_expect_str_eq(addresses_of(&it.state, 0), "::ffff:10.1.0.1 fd00::1");
	cr_expect_str_eq(addresses_of(&it.state, 1), "");
	cr_expect_str_eq(addresses_of(&it.state, 2), "::ffff:10.1.0.2", "as it is judged");
	cr_expect_eq(it.names.asked, 1u << 1);
	cr_expect_str_eq(it.names.names[1], "api.example.org");
	cr_expect_eq(it.names.server_count, 2);
	cr_expect_not(cfd_hostnames_follow(&it.state));
	cr_expect(cfd_hostnames_fit(&it.names, &it.state));
}

Test(hostnames, no_name_opens_this_machine_or_metadata)
{
	static const struct cfd_profile_peer peer[] = {NAME("db")};
	static const char *const hosts[] = {"127.0.0.1 db",        "::1 db",
					    "169.254.169.254 db",  "fd00:ec2::254 db",
					    "::ffff:127.0.0.1 db", "0.0.0.0 db"};
	struct compiled it;

	for (size_t i = 0; i < CFD_COUNT(hosts); i++) {
		it = compile(peer, 1, hosts[i]);
		cr_expect_eq(it.r, -EINVAL, "%s", hosts[i]);
		cr_expect(strstr(it.err.message, "net.connect: db is ") && strstr(it.err.message, "\"loopback\""), "%s",
			  it.err.message);
	}
	it = compile(peer, 1, "127.0.0.1 db\n10.1.0.1 db");
	cr_assert_eq(it.r, 0);
	cr_expect_str_eq(addresses_of(&it.state, 0), "::ffff:10.1.0.1");
}

Test(hostnames, ports_are_those_of_the_rule)
{
	struct cfd_profile_port ports[] = {{CFD_PROTOCOL_TCP, 443, 443}, {CFD_PROTOCOL_TCP, 444, 450}};
	struct cfd_profile_port many[CFD_GUARD_NAME_RANGES + 1];
	struct cfd_profile_peer peers[] = {NAME("a"), NAME("b")};
	struct compiled it;

	peers[0].ports = ports;
	peers[0].port_count = CFD_COUNT(ports);
	it = compile(peers, 2, "");
	cr_assert_eq(it.r, 0, "%s", it.err.message);
	cr_expect(it.state.names[0].count == 1 && it.state.names[0].ranges[0].first == 443 &&
		  it.state.names[0].ranges[0].last == 450 && it.state.names[0].ranges[0].protocol == IPPROTO_TCP);
	cr_expect(it.state.names[1].count == 1 && it.state.names[1].ranges[0].last == 65535 &&
		  it.state.names[1].ranges[0].protocol == 0);
	for (uint16_t i = 0; i < CFD_COUNT(many); i++)
		many[i] = (struct cfd_profile_port){CFD_PROTOCOL_TCP, (uint16_t)(10 + 2 * i), (uint16_t)(10 + 2 * i)};
	peers[1].ports = many;
	peers[1].port_count = CFD_COUNT(many);
	it = compile(peers, 2, "");
	cr_expect_eq(it.r, -E2BIG);
	cr_expect(cfd_starts_with(it.err.message, "net.connect: b: more than 4 separate ranges"), "%s", it.err.message);
}

Test(hostnames, a_followed_name_is_known_by_a_hash_with_a_key_of_its_own)
{
	struct cfd_profile_peer peers[] = {NAME("a.example.org"), NAME("b.example.org")};
	struct compiled one, other;

	peers[1].follow = true;
	one = compile(peers, 2, "");
	other = compile(peers, 2, "");
	cr_assert_eq(one.r, 0);
	cr_expect_eq(one.state.names[0].hash, 0);
	cr_expect_neq(one.state.names[1].hash, 0);
	cr_expect_neq(one.state.names[1].hash, other.state.names[1].hash);
	cr_expect(cfd_hostnames_follow(&one.state));
}

Test(hostnames, more_addresses_than_the_guard_holds)
{
	struct cfd_profile_peer peers[] = {NAME("a"), NAME("b")};
	CFD_AUTO_BUF struct cfd_buf hosts = {0};
	struct compiled it;

	for (int i = 0; i < CFD_GUARD_ADDRESSES; i++)
		cr_assert_eq(cfd_buf_addf(&hosts, "10.1.0.%d a\n", i + 1), 0);
	cr_assert_eq(cfd_buf_addf(&hosts, "10.1.1.1 b\n"), 0);
	it = compile(peers, 2, hosts.data);
	cr_expect_eq(it.r, -E2BIG);
	peers[1].follow = true;
	it = compile(peers, 2, hosts.data);
	cr_expect_eq(it.r, 0, "its addresses come with the container's questions");
	cr_expect_eq(it.state.address_count, CFD_GUARD_ADDRESSES);
	cr_expect(cfd_hostnames_fit(&it.names, &it.state));
}

Test(hostnames, a_resolver_on_loopback_can_be_asked_but_not_followed)
{
	struct cfd_profile_peer peer = NAME("a.example.org");
	struct cfd_profile profile = {.connect = &peer, .connect_count = 1};
	struct compiled it = {.r = 0};

	peer.follow = true;
	cr_assert_eq(cfd_hostnames_compile(&profile, &it.state, &it.names, &it.err), 0);
	cr_assert_eq(
		cfd_hostnames_read("", "nameserver 10.3.0.1\nnameserver 127.0.0.53\n", &it.state, &it.names, &it.err),
		0);
	cr_expect_eq(cfd_hostnames_resolve(&it.names, getpid(), &it.state, &it.err), -EOPNOTSUPP);
	cr_expect(cfd_starts_with(it.err.message,
				  "net.connect: follow: a name server of the container's resolv.conf is "
				  "on loopback"),
		  "%s", it.err.message);
}

Test(hostnames, what_does_not_fit_is_seen)
{
	struct cfd_profile_peer peer = NAME("a");
	const struct compiled whole = compile(&peer, 1, "10.1.0.1 a");
	struct compiled it = whole;

	cr_assert(cfd_hostnames_fit(&it.names, &it.state));
	it.state.address_names[0] = 1;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	it.state.name_count = CFD_GUARD_NAMES + 1;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	it.state.address_count = CFD_GUARD_ADDRESSES + 1;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	it.names.asked = 2;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	memset(it.names.names[0], 'a', sizeof(it.names.names[0]));
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	it.names.server_count = CFD_GUARD_RESOLVERS + 1;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
	it = whole;
	it.state.names[0].count = CFD_GUARD_NAME_RANGES + 1;
	cr_expect_not(cfd_hostnames_fit(&it.names, &it.state));
}
