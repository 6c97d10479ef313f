/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS for tests. Every function asserts that it worked. */
#ifndef CFD_TEST_MESSAGE_H
#define CFD_TEST_MESSAGE_H

#include "lib/base.h"

#include <netinet/in.h>

struct message {
	uint8_t bytes[1024];
	size_t length;
};

void message_add(struct message *message, const void *bytes, size_t length);
void message_add16(struct message *message, unsigned value);
void message_add_name(struct message *message, const char *name);

/* A header with one question. */
struct message message_begin(unsigned id, unsigned flags, const char *name, unsigned type, unsigned answers);
/* A record with the address, of a type that fits it; an owner of NULL is the question's name. */
void message_add_address(struct message *message, const char *owner, const char *text);
void message_add_alias(struct message *message, const char *owner, const char *target);

/* "10.1.0.1 fd00::1": the addresses, in their order. A static buffer. */
const char *addresses_text(const struct in6_addr *addresses, size_t count);

#endif
