/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that change nothing: an earlier one of the same list says as much, or their time is over. Somebody who wrote
 * one meant something else, or forgot it there.
 */
#include "lib/profile/internal.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/shape.h"

#include <errno.h>
#include <string.h>

#define SECONDS_OF_A_DAY 86400

/* Whether the entry `earlier` makes the entry `later` of the list superfluous. */
typedef bool covers(const void *list, size_t earlier, size_t later);

static int warn_covered(struct cfd_json_doc *doc, const struct cfd_json *elements, const void *list, size_t count,
			covers *covered)
{
	int r = 0;

	for (size_t later = 1; !r && later < count; later++) {
		for (size_t earlier = 0; !r && earlier < later; earlier++) {
			if (!covered(list, earlier, later))
				continue;
			r = cfd_fields_warn(doc, cfd_json_at(elements, later),
					    "it changes nothing: element %zu says as much", earlier);
			break;
		}
	}
	return r;
}

static bool covers_match(const void *list, size_t earlier, size_t later)
{
	const struct cfd_profile_match *matches = list;

	return matches[earlier].class == matches[later].class && cfd_streq(matches[earlier].text, matches[later].text);
}

static bool covers_mount(const void *list, size_t earlier, size_t later)
{
	const struct cfd_profile_mount *a = (const struct cfd_profile_mount *)list + earlier;
	const struct cfd_profile_mount *b = (const struct cfd_profile_mount *)list + later;

	return cfd_path_beneath(b->source, a->source) &&
	       (!a->destination || cfd_streq(a->destination, b->destination)) && (a->writable || !b->writable) &&
	       a->idmap == b->idmap;
}

static bool covers_exception(const void *list, size_t earlier, size_t later)
{
	const struct cfd_profile_exception *a = (const struct cfd_profile_exception *)list + earlier;
	const struct cfd_profile_exception *b = (const struct cfd_profile_exception *)list + later;

	return cfd_streq(a->rule, b->rule) && cfd_streq(a->subject, b->subject) && a->expires >= b->expires;
}

static bool covers_port(const void *list, size_t earlier, size_t later)
{
	const struct cfd_profile_port *a = (const struct cfd_profile_port *)list + earlier;
	const struct cfd_profile_port *b = (const struct cfd_profile_port *)list + later;

	return a->protocol == b->protocol && a->first <= b->first && b->last <= a->last;
}

static bool has_prefix(const struct in6_addr *address, const struct in6_addr *network, unsigned prefix)
{
	for (unsigned bit = 0; bit < prefix; bit++)
		if ((address->s6_addr[bit / 8] ^ network->s6_addr[bit / 8]) & (0x80u >> (bit % 8)))
			return false;
	return true;
}

static bool same_ports(const struct cfd_profile_peer *a, const struct cfd_profile_peer *b)
{
	return a->port_count == b->port_count &&
	       (!a->port_count || memcmp(a->ports, b->ports, a->port_count * sizeof(*a->ports)) == 0);
}

static bool covers_peer(const void *list, size_t earlier, size_t later)
{
	const struct cfd_profile_peer *a = (const struct cfd_profile_peer *)list + earlier;
	const struct cfd_profile_peer *b = (const struct cfd_profile_peer *)list + later;

	if (a->kind == CFD_PEER_NAME && b->kind == CFD_PEER_NAME)
		return cfd_streq(a->name, b->name) && (a->follow || !b->follow) && (!a->port_count || same_ports(a, b));
	if (a->kind != b->kind || a->kind != CFD_PEER_NETWORK)
		return a->kind == b->kind;
	return a->prefix <= b->prefix && has_prefix(&b->address, &a->address, a->prefix) &&
	       (!a->port_count || same_ports(a, b));
}

int cfd_profile_warn_expired(int64_t now, struct cfd_json_doc *doc)
{
	const struct cfd_json *list = cfd_json_get(cfd_json_root(doc), "exceptions");
	int64_t day;
	int r = 0;

	for (size_t i = 0; !r && cfd_json_is(list, CFD_JSON_ARRAY) && i < cfd_json_count(list); i++) {
		const struct cfd_json *expires = cfd_json_get(cfd_json_at(list, i), "expires");

		if (!cfd_shape_day(cfd_json_string(expires), &day) && day + SECONDS_OF_A_DAY <= now)
			r = cfd_fields_warn(doc, expires,
					    "the day is over: the exception no longer applies, and what it is for is "
					    "refused again");
	}
	return r;
}

static const struct cfd_json *member(struct cfd_json_doc *doc, const char *object, const char *key)
{
	return cfd_json_get(cfd_json_get(cfd_json_root(doc), object), key);
}

int cfd_profile_spare(const struct cfd_profile *profile, const struct cfd_profile_entry *entry,
		      struct cfd_json_doc *doc)
{
	const struct cfd_json *root = cfd_json_root(doc);
	const struct {
		const struct cfd_json *elements;
		const void *list;
		size_t count;
		covers *covered;
	} lists[] = {
		{cfd_json_get(root, "match"), entry->matches, entry->match_count, covers_match},
		{member(doc, "mounts", "allow"), profile->mounts, profile->mount_count, covers_mount},
		{member(doc, "net", "listen"), profile->listen, profile->listen_count, covers_port},
		{member(doc, "net", "connect"), profile->connect, profile->connect_count, covers_peer},
		{cfd_json_get(root, "exceptions"), profile->exceptions, profile->exception_count, covers_exception},
	};
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(lists); i++)
		r = warn_covered(doc, lists[i].elements, lists[i].list, lists[i].count, lists[i].covered);
	return r;
}
