/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers of DNS, and what the programs compute of names too. */
#include "lib/policy/dns.h"

#include "bpf/names.h"
#include "lib/shape.h"
#include "tests/unit/message.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

#define ID 0x1234
#define OK_FLAGS 0x8180

static bool read_it(const struct message *message, const char *name, enum cfd_dns_type type,
		    struct cfd_dns_answer *answer)
{
	uint8_t query[CFD_DNS_QUERY];
	size_t length = cfd_dns_query(ID, name, type, query);

	cr_assert_neq(length, 0);
	return cfd_dns_read(message->bytes, message->length, query, length, answer);
}

Test(dns, a_name_on_the_wire)
{
	uint8_t wire[CFD_DNS_NAME];
	char longest[300];

	cr_expect_eq(cfd_dns_name("api.example", wire), 13);
	cr_expect_eq(memcmp(wire, "\3api\7example", 13), 0);
	memset(longest, 'a', sizeof(longest));
	longest[63] = longest[127] = longest[191] = '.';
	longest[253] = '\0';
	cr_expect_eq(cfd_dns_name(longest, wire), CFD_DNS_NAME);
	longest[253] = 'a';
	longest[254] = '\0';
	cr_expect_eq(cfd_dns_name(longest, wire), 0);
}

Test(dns, what_is_a_host_name)
{
	static const char *const good[] = {"a",     "db",  "api.example.org", "_dmarc.example.org", "1and1.com",
					   "a-b.c", "x.4a"};
	static const char *const bad[] = {"",
					  ".",
					  "a.",
					  ".a",
					  "a..b",
					  "-a.b",
					  "a-.b",
					  "A.b",
					  "a b.c",
					  "a*b",
					  "*.a.b",
					  "10.1.2.3",
					  "a.7",
					  "7",
					  "a/b",
					  "a:b",
					  "b\xc3\xbc"
					  "cher.example"};
	char label[70];

	for (size_t i = 0; i < CFD_COUNT(good); i++)
		cr_expect(cfd_shape_host(good[i]), "%s", good[i]);
	for (size_t i = 0; i < CFD_COUNT(bad); i++)
		cr_expect_not(cfd_shape_host(bad[i]), "%s", bad[i]);
	cr_expect_not(cfd_shape_host(NULL));
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	cr_expect(cfd_shape_host(label));
	label[63] = 'a';
	label[64] = '\0';
	cr_expect_not(cfd_shape_host(label));
}

Test(dns, addresses_of_the_type_that_was_asked_for)
{
	struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 3);
	struct cfd_dns_answer answer;

	message_add_address(&message, NULL, "10.1.0.1");
	message_add_address(&message, NULL, "fd00::1");
	message_add_address(&message, "api.example.org", "10.1.0.2");
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect_str_eq(addresses_text(answer.addresses, answer.count), "10.1.0.1 10.1.0.2");
	message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_AAAA, 1);
	message_add_address(&message, NULL, "fd00::1");
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_AAAA, &answer));
	cr_expect_str_eq(addresses_text(answer.addresses, answer.count), "fd00::1");
}

Test(dns, aliases_are_followed_in_whatever_order_and_nothing_else_is)
{
	struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 5);
	struct cfd_dns_answer answer;

	message_add_address(&message, "c.example.net", "10.1.0.3");
	message_add_address(&message, "other.example.net", "10.1.0.4");
	message_add_alias(&message, "b.example.net", "c.example.net");
	message_add_alias(&message, NULL, "b.example.net");
	message_add_address(&message, "b.example.net", "10.1.0.5");
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect_str_eq(addresses_text(answer.addresses, answer.count), "10.1.0.3");
}

Test(dns, aliases_in_a_circle_are_no_answer)
{
	struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 2);
	struct cfd_dns_answer answer;

	message_add_alias(&message, NULL, "b.example.net");
	message_add_alias(&message, "b.example.net", "api.example.org");
	cr_expect_not(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
}

Test(dns, case_does_not_matter)
{
	struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 1);
	struct cfd_dns_answer answer;

	message_add_address(&message, "api.example.org", "10.1.0.1");
	for (size_t i = 0; i < message.length; i++)
		if (message.bytes[i] == 'p' || message.bytes[i] == 'e')
			message.bytes[i] -= 'a' - 'A';
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect_eq(answer.count, 1);
}

Test(dns, answers_to_something_else_are_none)
{
	static const struct {
		unsigned id, flags;
		const char *name;
		unsigned type;
	} others[] = {
		{ID + 1, OK_FLAGS, "api.example.org", CFD_DNS_A},      {ID, 0x0100, "api.example.org", CFD_DNS_A},
		{ID, OK_FLAGS | 0x2800, "api.example.org", CFD_DNS_A}, {ID, OK_FLAGS, "apj.example.org", CFD_DNS_A},
		{ID, OK_FLAGS, "api.example.or", CFD_DNS_A},           {ID, OK_FLAGS, "api.example.org", CFD_DNS_AAAA},
	};

	for (size_t i = 0; i < CFD_COUNT(others); i++) {
		struct message message =
			message_begin(others[i].id, others[i].flags, others[i].name, others[i].type, 1);
		struct cfd_dns_answer answer = {.code = 77};

		message_add_address(&message, NULL, "10.1.0.1");
		cr_expect_not(read_it(&message, "api.example.org", CFD_DNS_A, &answer), "%zu", i);
		cr_expect_eq(answer.code, 77);
	}
}

Test(dns, an_error_and_a_cut_answer_have_no_addresses)
{
	struct message message = message_begin(ID, OK_FLAGS | CFD_DNS_NO_SUCH_NAME, "api.example.org", CFD_DNS_A, 1);
	struct cfd_dns_answer answer;

	message_add_address(&message, NULL, "10.1.0.1");
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect(answer.code == CFD_DNS_NO_SUCH_NAME && !answer.truncated && !answer.count);
	message.bytes[2] = 0x83;
	message.bytes[3] = 0x80;
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect(answer.code == CFD_DNS_FINE && answer.truncated && !answer.count);
}

Test(dns, what_is_cut_anywhere_is_refused)
{
	struct message whole = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 2);
	struct cfd_dns_answer answer;

	message_add_alias(&whole, NULL, "b.example.net");
	message_add_address(&whole, "b.example.net", "10.1.0.1");
	for (size_t length = 0; length < whole.length; length++) {
		struct message part = whole;

		part.length = length;
		cr_expect_not(read_it(&part, "api.example.org", CFD_DNS_A, &answer), "%zu bytes", length);
	}
	cr_expect(read_it(&whole, "api.example.org", CFD_DNS_A, &answer));
}

Test(dns, pointers_lead_backwards_only)
{
	static const char *const pointers[] = {"\xc0\x21", "\xc0\x23", "\xff\xff", "\x80\x0c", "\x40\x0c"};
	struct cfd_dns_answer answer;

	for (size_t i = 0; i < CFD_COUNT(pointers); i++) {
		struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 1);

		cr_assert_eq(message.length, 0x21, "where the record is");
		message_add_address(&message, NULL, "10.1.0.1");
		memcpy(message.bytes + 0x21, pointers[i], 2);
		cr_expect_not(read_it(&message, "api.example.org", CFD_DNS_A, &answer), "%zu", i);
	}
}

Test(dns, more_addresses_than_there_is_room_for_are_left_out)
{
	struct message message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, CFD_DNS_ADDRESSES + 3);
	struct cfd_dns_answer answer;

	for (int i = 0; i < CFD_DNS_ADDRESSES + 3; i++)
		message_add_address(&message, NULL, "10.1.0.1");
	cr_assert(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
	cr_expect_eq(answer.count, CFD_DNS_ADDRESSES);
	message = message_begin(ID, OK_FLAGS, "api.example.org", CFD_DNS_A, 60000);
	message_add_address(&message, NULL, "10.1.0.1");
	cr_expect_not(read_it(&message, "api.example.org", CFD_DNS_A, &answer));
}

/* --- what the programs compute too */

/* The paper's test vector: key 00 01 .. 0f, message 00 01 .. 0e. */
Test(names, the_hash_is_siphash)
{
	const __u64 key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	struct cfd_name_hash hash;

	cfd_name_start(&hash, key);
	for (__u8 byte = 0; byte < 15; byte++)
		cfd_name_take(&hash, byte);
	cr_expect_eq(cfd_name_end(&hash), 0xa129ca6149be45e5);
}

Test(names, addresses_that_no_name_opens)
{
	static const char *const barred[] = {
		"::",
		"::1",
		"::ffff:127.0.0.1",
		"::ffff:127.9.9.9",
		"::ffff:0.0.0.0",
		"::127.0.0.1",
		"fd00:ec2::254",
		"fe80::1",
		"febf::1",
		"::ffff:169.254.169.254",
		"ff02::1",
		"::a00:1",
		"::ffff:224.0.0.1",
		"::ffff:169.254.1.1",
		"::ffff:255.255.255.255",
	};
	static const char *const open[] = {
		"::ffff:10.0.0.1",
		"::ffff:1.2.3.4",
		"::ffff:169.253.1.1",
		"::ffff:126.0.0.1",
		"::ffff:223.255.255.255",
		"fd00:ec2::255",
		"fd00:ec3::254",
		"2001:db8::1",
		"fec0::1",
		"fd00:ec2:1::254",
		"fd00::1",
		"::1:0:0:1",
		"64:ff9b::7f00:1",
		"fd00:ec2::1:0:0:254",
	};

	for (size_t i = 0; i < CFD_COUNT(barred) + CFD_COUNT(open); i++) {
		const char *text = i < CFD_COUNT(barred) ? barred[i] : open[i - CFD_COUNT(barred)];
		struct cfd_guard_address address;

		cr_assert_eq(inet_pton(AF_INET6, text, address.words), 1);
		cr_expect_eq(cfd_name_is_barred(&address), i < CFD_COUNT(barred), "%s", text);
	}
}
