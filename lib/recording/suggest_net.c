/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile's "net". Addresses and ports stand as they were seen as long as a profile has room for them; then the
 * ports that are nearest to one another become a range, and addresses their networks.
 */
#include "lib/recording/suggest.h"

#include "bpf/guard.h"
#include "lib/recording/recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 200 /* of the 256 that a list of a profile may have */
#define MAPPED_BITS 96

struct use {                     /* of a port, or of some ports side by side */
	struct in6_addr address; /* all zero for local ports */
	unsigned bits;           /* of it, that count */
	uint16_t protocol, first, last;
	uint64_t count;
};

struct uses {
	struct use *values;
	size_t count;
};

static void uses_release(struct uses *uses)
{
	free(uses->values);
}

static bool is_transport(const struct cfd_used *used)
{
	return used->protocol == IPPROTO_TCP || used->protocol == IPPROTO_UDP;
}

bool cfd_suggest_is_refused(const struct cfd_used *used)
{
	return !used->path && (used->reason || !is_transport(used));
}

static bool is_local(const struct cfd_used *used)
{
	return !cfd_suggest_is_refused(used) && !used->path &&
	       (used->kind == CFD_GUARD_BIND || used->kind == CFD_GUARD_LISTEN);
}

static bool is_remote(const struct cfd_used *used)
{
	return !cfd_suggest_is_refused(used) && !used->path &&
	       (used->kind == CFD_GUARD_CONNECT || used->kind == CFD_GUARD_SEND);
}

static bool is_loopback(const struct cfd_used *used)
{
	return IN6_IS_ADDR_LOOPBACK(&used->address) ||
	       (IN6_IS_ADDR_V4MAPPED(&used->address) && used->address.s6_addr[12] == 127);
}

static bool is_peer(const struct cfd_used *used)
{
	return is_remote(used) && !used->dns && !is_loopback(used);
}

static int compare(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	if (order)
		return order;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* A port that was bound and listened on was used as often as one of the two was. */
static void add_count(struct use *use, const struct use *other)
{
	use->count = other->count > use->count ? other->count : use->count;
}

/* Of those that are equal one is left. */
static void merge_equal(struct uses *uses, void (*add)(struct use *use, const struct use *other))
{
	size_t kept = 0;

	if (uses->count)
		qsort(uses->values, uses->count, sizeof(*uses->values), compare);
	for (size_t i = 0; i < uses->count; i++) {
		struct use *last = kept ? &uses->values[kept - 1] : NULL;

		if (last && !compare(last, &uses->values[i]))
			add(last, &uses->values[i]);
		else
			uses->values[kept++] = uses->values[i];
	}
	uses->count = kept;
}

static void sum(struct use *use, const struct use *other)
{
	use->count += other->count;
}

static int collect(const struct cfd_recording *recording, bool (*holds)(const struct cfd_used *used), struct uses *uses,
		   struct cfd_error *err)
{
	uses->values = calloc(recording->count + 1, sizeof(*uses->values));
	if (!uses->values)
		return cfd_fail_memory(err, "a profile");
	for (size_t i = 0; i < recording->count; i++) {
		const struct cfd_used *used = &recording->used[i];
		struct use *use = &uses->values[uses->count];

		if (!holds(used))
			continue;
		*use = (struct use){.bits = 128, .protocol = used->protocol, .count = used->count};
		use->address = is_local(used) ? in6addr_any : used->address;
		use->first = use->last = used->port;
		uses->count++;
	}
	return 0;
}

/* Makes one range of the two of one protocol that are nearest; false when no two are of one. */
static bool join_nearest(struct use *values, size_t *count)
{
	size_t best = 0;
	int gap = INT32_MAX;

	for (size_t i = 1; i < *count; i++) {
		int here = values[i].first - values[i - 1].last;

		if (values[i].protocol != values[i - 1].protocol || here >= gap)
			continue;
		gap = here;
		best = i;
	}
	if (!best)
		return false;
	values[best - 1].last = values[best].last;
	values[best - 1].count += values[best].count;
	memmove(&values[best], &values[best + 1], (*count - best - 1) * sizeof(*values));
	(*count)--;
	return true;
}

static void write_port(struct cfd_page *page, const struct use *use)
{
	const char *protocol = use->protocol == IPPROTO_TCP ? "tcp" : "udp";

	if (use->first == use->last)
		cfd_page_add(page, "\"%s/%u\"", protocol, use->first);
	else
		cfd_page_add(page, "\"%s/%u-%u\"", protocol, use->first, use->last);
}

/* --- listen */

static bool is_unbound(const struct cfd_used *used)
{
	return is_local(used) && used->kind == CFD_GUARD_LISTEN && !used->port;
}

static uint64_t count_of(const struct cfd_recording *recording, bool (*holds)(const struct cfd_used *used))
{
	uint64_t count = 0;

	for (size_t i = 0; i < recording->count; i++)
		if (holds(&recording->used[i]))
			count += recording->used[i].count;
	return count;
}

static int write_listen(const struct cfd_recording *recording, struct cfd_page *page, struct cfd_error *err)
{
	CFD_AUTO(uses_release) struct uses uses = {0};
	uint64_t unbound = count_of(recording, is_unbound);
	int r = collect(recording, is_local, &uses, err);

	if (r)
		return r;
	if (unbound) {
		cfd_page_comment(page, 2, "listened %" PRIu64 "x without a port of its own, which only \"any\" allows",
				 unbound);
		cfd_page_add(page, "\t\t\"listen\": [\"any\"],\n");
		return 0;
	}
	merge_equal(&uses, add_count);
	if (uses.count > CFD_GUARD_LISTENS)
		cfd_page_comment(page, 2, "%zu ports: those that are near one another were joined", uses.count);
	while (uses.count > CFD_GUARD_LISTENS && join_nearest(uses.values, &uses.count))
		;
	cfd_page_add(page, "\t\t\"listen\": [");
	for (size_t i = 0; i < uses.count; i++) {
		cfd_page_add(page, "\n\t\t\t");
		write_port(page, &uses.values[i]);
		cfd_page_add(page, "%s // %" PRIu64 "x", i + 1 < uses.count ? "," : "", uses.values[i].count);
	}
	cfd_page_add(page, "%s],\n", uses.count ? "\n\t\t" : "");
	return 0;
}

/* --- connect */

static size_t group_length(const struct uses *uses, size_t at)
{
	size_t length = 1;

	while (at + length < uses->count &&
	       !memcmp(&uses->values[at].address, &uses->values[at + length].address, sizeof(struct in6_addr)))
		length++;
	return length;
}

static size_t count_groups(const struct uses *uses)
{
	size_t groups = 0;

	for (size_t at = 0; at < uses->count; at += group_length(uses, at))
		groups++;
	return groups;
}

static void mask(struct in6_addr *address, unsigned bits)
{
	for (unsigned bit = bits; bit < 128; bit++)
		address->s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

/* Networks eight bits wider each time; IPv4 no wider than /8, of which there are 256. */
static void widen(struct uses *uses)
{
	for (size_t i = 0; i < uses->count; i++) {
		struct use *use = &uses->values[i];
		unsigned least = IN6_IS_ADDR_V4MAPPED(&use->address) ? MAPPED_BITS + 8 : 16;

		use->bits = use->bits >= least + 8 ? use->bits - 8 : least;
		mask(&use->address, use->bits);
	}
}

static void write_to(struct cfd_page *page, const struct use *use)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(&use->address);
	unsigned bits = v4 ? use->bits - MAPPED_BITS : use->bits;
	char address[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, use->address.s6_addr + (v4 ? 12 : 0), address, sizeof(address));
	if (bits == (v4 ? 32 : 128))
		cfd_page_add(page, "{ \"to\": \"%s\", \"port\": ", address);
	else
		cfd_page_add(page, "{ \"to\": \"%s/%u\", \"port\": ", address, bits);
}

/* All ports of one address or network. */
static void write_peer(struct cfd_page *page, struct use *values, size_t count, bool is_last)
{
	size_t left = count;
	uint64_t times = 0;

	while (left > CFD_GUARD_RANGES && join_nearest(values, &left))
		;
	write_to(page, values);
	cfd_page_add(page, left > 1 ? "[" : "");
	for (size_t i = 0; i < left; i++) {
		cfd_page_add(page, i ? ", " : "");
		write_port(page, &values[i]);
		times += values[i].count;
	}
	cfd_page_add(page, "%s }%s // %" PRIu64 "x", left > 1 ? "]" : "", is_last ? "" : ",", times);
	if (left < count)
		cfd_page_add(page, "; ports that are near one another were joined");
	cfd_page_add(page, "\n");
}

static bool is_to_loopback(const struct cfd_used *used)
{
	return is_remote(used) && is_loopback(used) && !used->dns;
}

static bool is_to_resolver(const struct cfd_used *used)
{
	return is_remote(used) && used->dns;
}

static void write_words(struct cfd_page *page, const struct cfd_recording *recording, bool more)
{
	uint64_t loopback = count_of(recording, is_to_loopback), dns = count_of(recording, is_to_resolver);

	if (loopback)
		cfd_page_add(page, "\t\t\t\"loopback\"%s // %" PRIu64 "x\n", dns || more ? "," : "", loopback);
	if (dns)
		cfd_page_add(page, "\t\t\t\"dns\"%s // %" PRIu64 "x\n", more ? "," : "", dns);
}

static int write_connect(const struct cfd_recording *recording, struct cfd_page *page, struct cfd_error *err)
{
	CFD_AUTO(uses_release) struct uses uses = {0};
	int r = collect(recording, is_peer, &uses, err);
	size_t addresses;

	if (r)
		return r;
	merge_equal(&uses, sum);
	addresses = count_groups(&uses);
	for (unsigned round = 0; round < 15 && count_groups(&uses) > PEERS_MAX; round++) {
		widen(&uses);
		merge_equal(&uses, sum);
	}
	if (count_groups(&uses) < addresses)
		cfd_page_comment(page, 2, "%zu addresses: they were joined to networks", addresses);
	if (!uses.count && !count_of(recording, is_remote)) {
		cfd_page_add(page, "\t\t\"connect\": []\n");
		return 0;
	}
	cfd_page_add(page, "\t\t\"connect\": [\n");
	write_words(page, recording, uses.count > 0);
	for (size_t at = 0, length; at < uses.count; at += length) {
		length = group_length(&uses, at);
		cfd_page_add(page, "\t\t\t");
		write_peer(page, &uses.values[at], length, at + length == uses.count);
	}
	cfd_page_add(page, "\t\t]\n");
	return 0;
}

int cfd_suggest_net(const struct cfd_recording *recording, struct cfd_page *page, struct cfd_error *err)
{
	int r = write_listen(recording, page, err);

	return r ? r : write_connect(recording, page, err);
}
