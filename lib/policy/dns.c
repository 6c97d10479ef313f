/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers of DNS. */
#include "lib/policy/dns.h"

#include "bpf/names.h"
#include "lib/shape.h"

#include <arpa/inet.h>

#define HEADER 12
#define ANSWER_FLAG 0x8000
#define TRUNCATED_FLAG 0x0200
#define RECURSION_DESIRED 0x0100
#define OPCODE_MASK 0x7800
#define CODE_MASK 0x000f
#define POINTER 0xc0
#define CLASS_IN 1
#define TYPE_CNAME 5
#define CHAIN_MAX 16    /* CNAMEs behind one another; resolvers give up earlier (unbound: 11) */
#define RECORDS_MAX 128 /* that are looked at */

/* The lengths of labels are never letters, so a name in this form is lowered and compared as bytes. */
struct name {
	uint8_t bytes[CFD_DNS_NAME];
	size_t length;
};

struct message {
	const uint8_t *bytes;
	size_t length;
};

struct record {
	struct name owner;
	unsigned type, class;
	size_t data, length; /* in the message */
};

static unsigned get16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

size_t cfd_dns_name(const char *text, uint8_t wire[CFD_DNS_NAME])
{
	size_t label = 0, at = 1;

	if (!cfd_shape_host(text))
		return 0;
	for (; *text; text++) {
		if (*text == '.') {
			wire[label] = (uint8_t)(at - label - 1);
			label = at++;
		} else {
			wire[at++] = cfd_name_lower((uint8_t)*text);
		}
	}
	wire[label] = (uint8_t)(at - label - 1);
	wire[at++] = 0;
	return at;
}

size_t cfd_dns_query(uint16_t id, const char *name, enum cfd_dns_type type, uint8_t query[CFD_DNS_QUERY])
{
	size_t length;

	memset(query, 0, HEADER);
	put16(query, id);
	put16(query + 2, RECURSION_DESIRED);
	put16(query + 4, 1);
	length = cfd_dns_name(name, query + HEADER);
	if (!length)
		return 0;
	put16(query + HEADER + length, type);
	put16(query + HEADER + length + 2, CLASS_IN);
	return HEADER + length + 4;
}

/* Takes one label, with its length in front. False when the name becomes too long. */
static bool add_label(struct name *name, const uint8_t *label)
{
	size_t length = (size_t)label[0] + 1;

	if (name->length + length > CFD_DNS_NAME)
		return false;
	for (size_t i = 0; i < length; i++)
		name->bytes[name->length++] = cfd_name_lower(label[i]);
	return true;
}

/*
 * The name at *at, which is moved behind it. A pointer must lead to before the piece that it ends, so each piece is
 * earlier than the one before: there is no circle.
 */
static bool read_name(const struct message *message, size_t *at, struct name *ret_name)
{
	size_t here = *at, start = *at, behind = 0;
	struct name name = {.length = 0};

	for (;;) {
		uint8_t length;

		if (here >= message->length)
			return false;
		length = message->bytes[here];
		if ((length & POINTER) == POINTER) {
			size_t target;

			if (here + 2 > message->length)
				return false;
			target = get16(message->bytes + here) & 0x3fff;
			if (target >= start)
				return false;
			behind = behind ? behind : here + 2;
			here = start = target;
			continue;
		}
		if (length & POINTER || here + 1 + length > message->length || !add_label(&name, message->bytes + here))
			return false;
		here += (size_t)length + 1;
		if (!length)
			break;
	}
	*at = behind ? behind : here;
	*ret_name = name;
	return true;
}

static bool same_name(const struct name *a, const struct name *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static bool read_record(const struct message *message, size_t *at, struct record *record)
{
	const uint8_t *rest;

	if (!read_name(message, at, &record->owner) || *at + 10 > message->length)
		return false;
	rest = message->bytes + *at;
	record->type = get16(rest);
	record->class = get16(rest + 2);
	record->length = get16(rest + 8);
	record->data = *at + 10;
	*at = record->data + record->length;
	return *at <= message->length;
}

/* Follows the CNAMEs from `name` as far as they go, in whatever order they stand. */
static bool follow(const struct message *message, size_t records, size_t count, struct name *name)
{
	for (size_t hop = 0; hop < CHAIN_MAX; hop++) {
		bool moved = false;
		size_t at = records;

		for (size_t i = 0; i < count && !moved; i++) {
			struct record record;
			size_t data;

			if (!read_record(message, &at, &record))
				return false;
			if (record.type != TYPE_CNAME || record.class != CLASS_IN || !same_name(&record.owner, name))
				continue;
			data = record.data;
			if (!read_name(message, &data, name) || data != record.data + record.length)
				return false;
			moved = true;
		}
		if (!moved)
			return true;
	}
	return false;
}

static bool read_address(const uint8_t *data, const struct record *record, struct in6_addr *address)
{
	if (record->type == CFD_DNS_AAAA && record->length == sizeof(*address)) {
		memcpy(address, data, sizeof(*address));
		return true;
	}
	if (record->type != CFD_DNS_A || record->length != 4)
		return false;
	memset(address, 0, sizeof(*address));
	memset(address->s6_addr + 10, 0xff, 2);
	memcpy(address->s6_addr + 12, data, 4);
	return true;
}

static bool collect(const struct message *message, size_t records, size_t count, const struct name *name, unsigned type,
		    struct cfd_dns_answer *answer)
{
	for (size_t i = 0, at = records; i < count && answer->count < CFD_DNS_ADDRESSES; i++) {
		struct record record;

		if (!read_record(message, &at, &record))
			return false;
		if (record.type == type && record.class == CLASS_IN && same_name(&record.owner, name))
			answer->count +=
				read_address(message->bytes + record.data, &record, &answer->addresses[answer->count]);
	}
	return true;
}

/* Whether it is an answer, with the id and the question of the query. ret_behind: where the records begin. */
static bool answers(const struct message *message, const struct message *query, struct name *ret_name,
		    size_t *ret_behind)
{
	size_t at = HEADER, asked_at = HEADER;
	struct name name, asked;

	if (message->length < HEADER || query->length < HEADER || get16(message->bytes) != get16(query->bytes) ||
	    !(get16(message->bytes + 2) & ANSWER_FLAG) || get16(message->bytes + 2) & OPCODE_MASK ||
	    get16(message->bytes + 4) != 1)
		return false;
	if (!read_name(message, &at, &name) || !read_name(query, &asked_at, &asked) || !same_name(&name, &asked))
		return false;
	if (at + 4 > message->length || asked_at + 4 > query->length ||
	    memcmp(message->bytes + at, query->bytes + asked_at, 4) != 0)
		return false;
	*ret_name = name;
	*ret_behind = at + 4;
	return true;
}

bool cfd_dns_read(const uint8_t *bytes, size_t length, const uint8_t *query_bytes, size_t query_length,
		  struct cfd_dns_answer *ret_answer)
{
	const struct message message = {bytes, length}, query = {query_bytes, query_length};
	struct cfd_dns_answer answer = {.count = 0};
	unsigned flags, type;
	struct name name;
	size_t at, count;

	if (!answers(&message, &query, &name, &at))
		return false;
	flags = get16(bytes + 2);
	type = get16(bytes + at - 4);
	answer.code = flags & CODE_MASK;
	answer.truncated = flags & TRUNCATED_FLAG;
	count = get16(bytes + 6);
	if (count > RECORDS_MAX)
		return false;
	if (!answer.code && !answer.truncated &&
	    (!follow(&message, at, count, &name) || !collect(&message, at, count, &name, type, &answer)))
		return false;
	*ret_answer = answer;
	return true;
}
