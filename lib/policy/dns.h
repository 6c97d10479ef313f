/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of DNS (RFC 1035) as it takes to ask for the addresses of a name: a question is written, an answer is read,
 * nothing is sent. Answers come from the network, so the reader believes no length, follows compression backwards only,
 * and does a bounded amount of work.
 */
#ifndef CFD_DNS_H
#define CFD_DNS_H

#include "lib/base.h"

#include <netinet/in.h>

#define CFD_DNS_NAME 255                      /* of a name on the wire, its end included */
#define CFD_DNS_QUERY (12 + CFD_DNS_NAME + 4) /* header, name, type and class */
#define CFD_DNS_ADDRESSES 32                  /* of one answer; further ones are left out */

enum cfd_dns_type { CFD_DNS_A = 1, CFD_DNS_AAAA = 28 };

enum cfd_dns_code { CFD_DNS_FINE = 0, CFD_DNS_NO_SUCH_NAME = 3 }; /* others mean that the server could not tell */

struct cfd_dns_answer {
	unsigned code;  /* enum cfd_dns_code, or another number below 16 */
	bool truncated; /* ask again over TCP */
	size_t count;
	struct in6_addr addresses[CFD_DNS_ADDRESSES]; /* IPv4 is mapped */
};

/*
 * A host name ("api.example.org", cfd_shape_host) as it is on the wire, in lower case. Its length there, or 0 when it
 * is none.
 */
size_t cfd_dns_name(const char *text, uint8_t wire[CFD_DNS_NAME]);

/* A question with recursion desired. Its length, or 0 when the name is none. */
size_t cfd_dns_query(uint16_t id, const char *name, enum cfd_dns_type type, uint8_t query[CFD_DNS_QUERY]);

/*
 * Reads what came in answer to `query`: the addresses of the type that was asked for, of the name itself or of what its
 * CNAMEs lead to. False, and ret_answer untouched, when it answers something else (another id or question) or is
 * malformed: the caller waits on. Names are compared without regard to case.
 */
bool cfd_dns_read(const uint8_t *message, size_t length, const uint8_t *query, size_t query_length,
		  struct cfd_dns_answer *ret_answer);

#endif
