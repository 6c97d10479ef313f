/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of name servers. The first byte chooses what was asked, the rest is the message. */
#include "tests/fuzz/fuzz.h"

#include "lib/policy/dns.h"

#include <string.h>

#define ID 0x1234

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum cfd_dns_type type = size && data[0] & 1 ? CFD_DNS_AAAA : CFD_DNS_A;
	uint8_t query[CFD_DNS_QUERY];
	size_t length = cfd_dns_query(ID, "api.example.org", type, query);
	struct cfd_dns_answer answer = {.code = 77};

	if (!size)
		return 0;
	if (!cfd_dns_read(data + 1, size - 1, query, length, &answer)) {
		FUZZ_CHECK(answer.code == 77);
		return 0;
	}
	FUZZ_CHECK(size - 1 >= length && data[1] == ID >> 8 && data[2] == (ID & 0xff) && data[3] & 0x80);
	FUZZ_CHECK(answer.code < 16 && answer.count <= CFD_DNS_ADDRESSES);
	FUZZ_CHECK(!answer.count || (answer.code == CFD_DNS_FINE && !answer.truncated));
	for (size_t i = 0; i < answer.count && type == CFD_DNS_A; i++)
		FUZZ_CHECK(IN6_IS_ADDR_V4MAPPED(&answer.addresses[i]));
	return 0;
}
