/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS for tests. */
#include "tests/unit/message.h"

#include "lib/policy/dns.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

#define CNAME 5
#define POINTER_TO_QUESTION "\xc0\x0c"

void message_add(struct message *message, const void *bytes, size_t length)
{
	cr_assert_leq(message->length + length, sizeof(message->bytes));
	memcpy(message->bytes + message->length, bytes, length);
	message->length += length;
}

void message_add16(struct message *message, unsigned value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	message_add(message, bytes, sizeof(bytes));
}

void message_add_name(struct message *message, const char *name)
{
	uint8_t wire[CFD_DNS_NAME];

	message_add(message, wire, cfd_dns_name(name, wire));
}

/* A header with one question. */
struct message message_begin(unsigned id, unsigned flags, const char *name, unsigned type, unsigned answers)
{
	struct message message = {.length = 0};

	message_add16(&message, id);
	message_add16(&message, flags);
	message_add16(&message, 1);
	message_add16(&message, answers);
	message_add16(&message, 0);
	message_add16(&message, 0);
	message_add_name(&message, name);
	message_add16(&message, type);
	message_add16(&message, 1);
	return message;
}

static void add_record_head(struct message *message, const char *owner, unsigned type, size_t length)
{
	if (owner)
		message_add_name(message, owner);
	else
		message_add(message, POINTER_TO_QUESTION, 2);
	message_add16(message, type);
	message_add16(message, 1);
	message_add(message, "\0\0\1\x2c", 4);
	message_add16(message, (unsigned)length);
}

void message_add_address(struct message *message, const char *owner, const char *text)
{
	bool v6 = strchr(text, ':');
	uint8_t address[16];

	cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, text, address), 1);
	add_record_head(message, owner, v6 ? CFD_DNS_AAAA : CFD_DNS_A, v6 ? 16 : 4);
	message_add(message, address, v6 ? 16 : 4);
}

void message_add_alias(struct message *message, const char *owner, const char *target)
{
	add_record_head(message, owner, CNAME, strlen(target) + 2);
	message_add_name(message, target);
}

/* "10.1.0.1 fd00::1": the addresses, in their order. */
const char *addresses_text(const struct in6_addr *addresses, size_t count)
{
	static char text[1024];

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&addresses[i]);
		size_t at = strlen(text);

		if (i)
			text[at++] = ' ';
		inet_ntop(mapped ? AF_INET : AF_INET6, addresses[i].s6_addr + (mapped ? 12 : 0), text + at,
			  (socklen_t)(sizeof(text) - at));
	}
	return text;
}
