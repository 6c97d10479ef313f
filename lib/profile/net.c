/* SPDX-License-Identifier: Apache-2.0 */
/* The profile's key "net": where the container may listen and where it may connect to. */
#include "lib/profile/internal.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/json/value.h"
#include "lib/shape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A list of ports, as "net.listen" and "port" have it. */
struct port_list {
	struct cfd_profile_port *ports;
	size_t count;
};

static const struct {
	const char *prefix;
	enum cfd_protocol protocol;
} protocols[] = {
	{"tcp/", CFD_PROTOCOL_TCP},
	{"udp/", CFD_PROTOCOL_UDP},
};

static const struct {
	const char *word;
	enum cfd_profile_peer_kind kind;
} peers[] = {
	{"loopback", CFD_PEER_LOOPBACK}, {"dns", CFD_PEER_DNS}, {"cluster", CFD_PEER_CLUSTER},
	{"metadata", CFD_PEER_METADATA}, {"any", CFD_PEER_ANY},
};

const char *cfd_profile_peer_word(enum cfd_profile_peer_kind kind)
{
	for (size_t i = 0; i < CFD_COUNT(peers); i++)
		if (peers[i].kind == kind)
			return peers[i].word;
	return NULL;
}

/* "80" or "8000-8100"; 1..65535, the first not above the last. */
static bool parse_range(const char *text, struct cfd_profile_port *port)
{
	char first[8] = "";
	const char *dash = strchr(text, '-');
	uint64_t low, high;

	if (dash && (size_t)(dash - text) >= sizeof(first))
		return false;
	if (dash)
		memcpy(first, text, (size_t)(dash - text));
	if (cfd_parse_u64(dash ? first : text, 65535, &low) || cfd_parse_u64(dash ? dash + 1 : text, 65535, &high))
		return false;
	port->first = (uint16_t)low;
	port->last = (uint16_t)high;
	return low >= 1 && low <= high;
}

static bool parse_port(const char *text, struct cfd_profile_port *port)
{
	for (size_t i = 0; text && i < CFD_COUNT(protocols); i++) {
		if (!cfd_starts_with(text, protocols[i].prefix))
			continue;
		port->protocol = protocols[i].protocol;
		return parse_range(text + strlen(protocols[i].prefix), port);
	}
	return false;
}

/* The port that somebody meant who wrote "80", 80, "80/tcp", "TCP/80" or "tcp:80". */
static bool port_meant(const char *text, char *meant, size_t size)
{
	static const char separators[] = "/: ";
	const char *digits = text ? strpbrk(text, "123456789") : NULL;
	size_t length = digits ? strspn(digits, "0123456789-") : 0;
	const char *word = !digits         ? NULL
			   : text < digits ? text
					   : digits + length + strspn(digits + length, separators);
	struct cfd_profile_port ignored;

	if (!digits || length > 12)
		return false;
	snprintf(meant, size, "%s/%.*s", strncasecmp(word, "udp", 3) == 0 ? "udp" : "tcp", (int)length, digits);
	return parse_port(meant, &ignored);
}

static int read_port(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		     struct cfd_profile_port *port, struct cfd_error *err)
{
	const char *text = cfd_json_string(value);

	char meant[40];

	if (parse_port(text, port))
		return 0;
	return cfd_fields_fail_meant(
		doc, value, file, err,
		port_meant(text ? text : cfd_json_number(value), meant, sizeof(meant)) ? meant : NULL,
		"%s%s%s is no port: write \"tcp/80\", \"tcp/8000-8100\" or \"udp/53\", with ports from 1 to "
		"65535, the lower first",
		text ? "\"" : "", text ? text : cfd_json_type_name(cfd_json_type(value)), text ? "\"" : "");
}

static int read_port_list(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file,
			  struct port_list *ret_list, struct cfd_error *err)
{
	size_t count = cfd_json_count(list);
	CFD_AUTO_FREE struct cfd_profile_port *ports = NULL;
	bool next = true;
	int r = cfd_value_expect_list(doc, list, file, CFD_VALUE_MAX_LIST, err);

	if (r)
		return r;
	ports = calloc(count ? count : 1, sizeof(*ports));
	if (!ports)
		return cfd_fail_memory(err, "a profile");
	for (size_t i = 0; next && i < count; i++)
		next = cfd_fields_next(doc, read_port(doc, cfd_json_at(list, i), file, &ports[i], err), &r);
	if (r)
		return r;
	free(ret_list->ports);
	*ret_list = (struct port_list){cfd_take(ports), count};
	return 0;
}

static bool has_word(const struct cfd_json *list, const char *word)
{
	for (size_t i = 0; i < cfd_json_count(list); i++)
		if (cfd_streq(cfd_json_string(cfd_json_at(list, i)), word))
			return true;
	return false;
}

static int read_listen(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		       struct cfd_error *err)
{
	struct cfd_profile *profile = field;
	struct port_list list = {0};
	bool any = cfd_json_is(value, CFD_JSON_ARRAY) && has_word(value, "any");
	int r;

	if (any && cfd_json_count(value) > 1)
		return cfd_fields_fail(doc, value, file, err, "\"any\" stands alone: it already includes every port");
	r = any ? 0 : read_port_list(doc, value, file, &list, err);
	if (r)
		return r;
	free(profile->listen);
	profile->listen_any = any;
	profile->listen = list.ports;
	profile->listen_count = list.count;
	return 0;
}

/* Whether all bits behind the prefix are zero. */
static bool is_network(const struct in6_addr *address, unsigned prefix)
{
	for (unsigned bit = prefix; bit < 128; bit++)
		if (address->s6_addr[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

bool cfd_profile_network_text(const struct cfd_profile_peer *peer, char *text, size_t size)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(&peer->address) && peer->prefix >= 96;
	unsigned prefix = v4 ? peer->prefix - 96 : peer->prefix, whole = v4 ? 32 : 128;
	char address[INET6_ADDRSTRLEN];
	int length;

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, peer->address.s6_addr + (v4 ? 12 : 0), address, sizeof(address)))
		return false;
	length = prefix == whole ? snprintf(text, size, "%s", address) : snprintf(text, size, "%s/%u", address, prefix);
	return length > 0 && (size_t)length < size;
}

/* "10.1.2.3", "10.0.0.0/8", "fd00::/8". The prefix is that of the v4-mapped form. -EINVAL: none of these. */
static int parse_network(const char *text, struct cfd_profile_peer *peer)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN] = "";
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits = UINT64_MAX;
	struct in_addr v4;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	if (slash && cfd_parse_u64(slash + 1, 128, &bits))
		return -EINVAL;
	if (inet_pton(AF_INET, address, &v4) == 1) {
		if (slash && bits > 32)
			return -EINVAL;
		memset(&peer->address, 0, sizeof(peer->address));
		memset(peer->address.s6_addr + 10, 0xff, 2);
		memcpy(peer->address.s6_addr + 12, &v4, sizeof(v4));
		peer->prefix = 96 + (slash ? (unsigned)bits : 32);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &peer->address) != 1 || IN6_IS_ADDR_V4MAPPED(&peer->address))
		return -EINVAL;
	peer->prefix = slash ? (unsigned)bits : 128;
	return 0;
}

/* The network around the address. */
static bool network_meant(const struct cfd_profile_peer *peer, char *meant, size_t size)
{
	struct cfd_profile_peer network = *peer;

	for (unsigned bit = network.prefix; bit < 128; bit++)
		network.address.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return cfd_profile_network_text(&network, meant, size);
}

/* The name that somebody meant who wrote capitals or a dot at the end. */
static bool name_meant(const char *text, char *meant, size_t size)
{
	size_t length = text ? strlen(text) : 0;

	if (length && text[length - 1] == '.')
		length--;
	if (length == 0 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++)
		meant[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	meant[length] = '\0';
	return cfd_shape_host(meant);
}

static bool is_word(const char *text)
{
	for (size_t i = 0; i < CFD_COUNT(peers); i++)
		if (cfd_streq(peers[i].word, text))
			return true;
	return false;
}

static int read_name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		     struct cfd_profile_peer *peer, struct cfd_error *err)
{
	const char *text = cfd_json_string(value);
	char meant[256];

	if (!cfd_shape_host(text))
		return cfd_fields_fail_meant(
			doc, value, file, err, name_meant(text, meant, sizeof(meant)) ? meant : NULL,
			"%s%s%s is no network and no host name: write an address (\"10.1.2.3\", "
			"\"2001:db8::1\"), a network (\"10.0.0.0/8\", \"fd00::/8\") or a whole name in lower case "
			"(\"api.example.org\"), without wildcards",
			text ? "\"" : "", text ? text : cfd_json_type_name(cfd_json_type(value)), text ? "\"" : "");
	if (is_word(text))
		return cfd_fields_fail(doc, value, file, err,
				       "\"%s\" is a word: it stands in the list by itself, without \"to\"", text);
	if (cfd_streq(text, "localhost") || cfd_ends_with(text, ".localhost"))
		return cfd_fields_fail(doc, value, file, err, "no name opens this machine: write \"loopback\"");
	if (cfd_string_replace(&peer->name, text))
		return cfd_fail_memory(err, "a profile");
	peer->kind = CFD_PEER_NAME;
	return 0;
}

static int read_to(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		   struct cfd_error *err)
{
	struct cfd_profile_peer *peer = field;
	const char *text = cfd_json_string(value);
	char meant[INET6_ADDRSTRLEN + 8];

	if (!text || parse_network(text, peer))
		return read_name(doc, value, file, peer, err);
	if (!is_network(&peer->address, peer->prefix))
		return cfd_fields_fail_meant(
			doc, value, file, err, network_meant(peer, meant, sizeof(meant)) ? meant : NULL,
			"\"%s\" has bits set behind its prefix: write the network's first address, or leave "
			"the prefix out for this one address",
			text);
	peer->kind = CFD_PEER_NETWORK;
	return 0;
}

static int read_to_ports(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err)
{
	struct cfd_profile_peer *peer = field;
	struct port_list list = {0};
	int r;

	if (cfd_json_is(value, CFD_JSON_ARRAY)) {
		r = read_port_list(doc, value, file, &list, err);
	} else {
		list.ports = calloc(1, sizeof(*list.ports));
		list.count = 1;
		r = list.ports ? read_port(doc, value, file, list.ports, err) : cfd_fail_memory(err, "a profile");
	}
	if (!r && list.count == 0)
		r = cfd_fields_fail(doc, value, file, err,
				    "an empty list of ports; leave \"port\" out to mean all of them");
	peer->ports = list.ports;
	peer->port_count = list.count;
	return r;
}

static const struct cfd_field peer_fields[] = {
	{.key = "to", .kind = CFD_FIELD_CUSTOM, .required = true, .read = read_to},
	{.key = "port", .kind = CFD_FIELD_CUSTOM, .read = read_to_ports},
	{.key = "follow", .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_profile_peer, follow)},
};

static int read_rule(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		     struct cfd_profile_peer *peer, struct cfd_error *err)
{
	int r = cfd_fields_read(doc, value, file, peer_fields, CFD_COUNT(peer_fields), peer, err);

	if (!r && peer->follow && peer->kind == CFD_PEER_NETWORK)
		return cfd_fields_fail(doc, cfd_json_get(value, "follow"), file, err,
				       "only names can be followed; an address stays what it is");
	return r;
}

static int read_peer(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file,
		     struct cfd_profile_peer *peer, struct cfd_error *err)
{
	const char *text = cfd_json_string(value);
	struct cfd_near near = cfd_near_start(text);

	if (cfd_json_is(value, CFD_JSON_OBJECT))
		return read_rule(doc, value, file, peer, err);
	for (size_t i = 0; text && i < CFD_COUNT(peers); i++) {
		if (cfd_streq(text, peers[i].word)) {
			peer->kind = peers[i].kind;
			return 0;
		}
	}
	for (size_t i = 0; i < CFD_COUNT(peers); i++)
		cfd_near_offer(&near, peers[i].word);
	return cfd_fields_fail_meant(doc, value, file, err, near.meant,
				     "expected here: \"loopback\", \"dns\", \"cluster\", \"metadata\", \"any\", or "
				     "{\"to\": \"10.0.0.0/8\", \"port\": \"tcp/5432\"}");
}

static void free_peers(struct cfd_profile_peer *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].ports);
		free(list[i].name);
	}
	free(list);
}

/* Answers are read only where they may be asked for; and so many names the guard holds. */
static int check_names(struct cfd_json_doc *doc, const struct cfd_json *list, const char *file,
		       const struct cfd_profile_peer *peers_read, size_t count, struct cfd_error *err)
{
	bool dns = has_word(list, "dns"), next = true;
	size_t names = 0;
	int r = 0;

	for (size_t i = 0; next && i < count; i++) {
		const struct cfd_json *rule = cfd_json_at(list, i);

		if (peers_read[i].kind != CFD_PEER_NAME)
			continue;
		if (++names > CFD_PROFILE_MAX_NAMES)
			return cfd_fields_fail(doc, rule, file, err, "more than %d host names; write networks",
					       CFD_PROFILE_MAX_NAMES);
		if (peers_read[i].follow && !dns)
			next = cfd_fields_next(
				doc,
				cfd_fields_fail(doc, cfd_json_get(rule, "follow"), file, err,
						"a name is followed by the answers that the container gets: write "
						"\"dns\" into the list too, so that it may ask"),
				&r);
	}
	return r;
}

static int read_connect(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			struct cfd_error *err)
{
	struct cfd_profile *profile = field;
	size_t count = cfd_json_count(value);
	struct cfd_profile_peer *list;
	bool next = true;
	int r = cfd_value_expect_list(doc, value, file, CFD_VALUE_MAX_LIST, err);

	if (r)
		return r;
	list = calloc(count ? count : 1, sizeof(*list));
	if (!list)
		return cfd_fail_memory(err, "a profile");
	/* In the profile at once, so that it is the profile's to free whatever happens below. */
	free_peers(profile->connect, profile->connect_count);
	profile->connect = list;
	profile->connect_count = count;
	for (size_t i = 0; next && i < count; i++)
		next = cfd_fields_next(doc, read_peer(doc, cfd_json_at(value, i), file, &list[i], err), &r);
	return r ? r : check_names(doc, value, file, list, count, err);
}

static const struct cfd_field net_fields[] = {
	{.key = "listen", .kind = CFD_FIELD_CUSTOM, .read = read_listen},
	{.key = "connect", .kind = CFD_FIELD_CUSTOM, .read = read_connect},
};

int cfd_profile_net_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err)
{
	return cfd_fields_read(doc, value, file, net_fields, CFD_COUNT(net_fields), field, err);
}

void cfd_profile_net_release(struct cfd_profile *profile)
{
	free(profile->listen);
	free_peers(profile->connect, profile->connect_count);
}

static const struct cfd_json *first_follow(const struct cfd_json *list)
{
	for (size_t i = 0; cfd_json_is(list, CFD_JSON_ARRAY) && i < cfd_json_count(list); i++) {
		const struct cfd_json *rule = cfd_json_at(list, i);
		const struct cfd_json *follow =
			cfd_json_is(rule, CFD_JSON_OBJECT) ? cfd_json_get(rule, "follow") : NULL;

		if (follow)
			return follow;
	}
	return NULL;
}

int cfd_profile_net_check(const struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file,
			  struct cfd_error *err)
{
	const struct cfd_json *root = cfd_json_root(doc), *net = cfd_json_get(root, "net");
	const struct cfd_json *place =
		cfd_json_is(net, CFD_JSON_OBJECT) ? first_follow(cfd_json_get(net, "connect")) : NULL;
	bool follow = false, admin = false;

	for (size_t i = 0; i < profile->connect_count; i++)
		follow |= profile->connect[i].follow;
	for (char *const *name = profile->capabilities; name && *name; name++)
		admin |= cfd_streq(*name, "CAP_NET_ADMIN");
	if (!follow || !admin)
		return 0;
	return cfd_fields_fail(
		doc, place ? place : cfd_json_get(root, "capabilities"), file, err,
		"\"follow\" and the capability NET_ADMIN exclude each other: with it the container could "
		"forge the answers by which a name is followed");
}
