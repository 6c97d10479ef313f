/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs and lib/ must compute alike about host names: the hash by which a followed name is known, and which
 * addresses no name opens.
 */
#ifndef CFD_BPF_NAMES_H
#define CFD_BPF_NAMES_H

#include "bpf/guard.h"

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012), fed byte by byte. The key is the container's own and random, so that
 * nobody can find another name with the hash of a followed one.
 */
struct cfd_name_hash {
	__u64 v[4];
	__u64 word;  /* the bytes that do not make eight yet */
	__u64 count; /* of bytes so far */
};

static inline __attribute__((always_inline)) __u64 cfd_name_rotate(__u64 value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline __attribute__((always_inline)) void cfd_name_round(struct cfd_name_hash *hash)
{
	__u64 *v = hash->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = cfd_name_rotate(v[1], 13) ^ v[0];
	v[3] = cfd_name_rotate(v[3], 16) ^ v[2];
	v[0] = cfd_name_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = cfd_name_rotate(v[1], 17) ^ v[2];
	v[3] = cfd_name_rotate(v[3], 21) ^ v[0];
	v[2] = cfd_name_rotate(v[2], 32);
}

static inline __attribute__((always_inline)) void cfd_name_take_word(struct cfd_name_hash *hash)
{
	hash->v[3] ^= hash->word;
	cfd_name_round(hash);
	cfd_name_round(hash);
	hash->v[0] ^= hash->word;
	hash->word = 0;
}

static inline __attribute__((always_inline)) void cfd_name_start(struct cfd_name_hash *hash, const __u64 key[2])
{
	hash->v[0] = key[0] ^ 0x736f6d6570736575ull; /* "somepseudorandomlygeneratedbytes" */
	hash->v[1] = key[1] ^ 0x646f72616e646f6dull;
	hash->v[2] = key[0] ^ 0x6c7967656e657261ull;
	hash->v[3] = key[1] ^ 0x7465646279746573ull;
	hash->word = hash->count = 0;
}

static inline __attribute__((always_inline)) void cfd_name_take(struct cfd_name_hash *hash, __u8 byte)
{
	hash->word |= (__u64)byte << (hash->count & 7) * 8;
	if ((++hash->count & 7) == 0)
		cfd_name_take_word(hash);
}

static inline __attribute__((always_inline)) __u64 cfd_name_end(struct cfd_name_hash *hash)
{
	hash->word |= hash->count << 56;
	cfd_name_take_word(hash);
	hash->v[2] ^= 0xff;
	cfd_name_round(hash);
	cfd_name_round(hash);
	cfd_name_round(hash);
	cfd_name_round(hash);
	return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}

/*
 * A byte of a name as it is on the wire, in lower case (RFC 4343). The lengths of labels are below 64 and so are no
 * letters.
 */
static inline __attribute__((always_inline)) __u8 cfd_name_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

/*
 * Whether a name does not open this address, whatever its owner answers (DNS rebinding): this machine, the metadata
 * services, and what is no single destination beyond the link. `address` is as it is judged, so IPv4 in whatever dress
 * is ::ffff:a.b.c.d.
 */
static inline __attribute__((always_inline)) int cfd_name_is_barred(const struct cfd_guard_address *address)
{
	const __u8 *byte = (const __u8 *)address->words;
	__u32 first = (__u32)byte[0] << 24 | (__u32)byte[1] << 16 | (__u32)byte[2] << 8 | byte[3];

	if (!address->words[0] && !address->words[1] && byte[8] == 0 && byte[9] == 0) {
		if (byte[10] != 0xff || byte[11] != 0xff) /* ::, ::1, and IPv4 in forms that are no longer used */
			return 1;
		return byte[12] == 0 || byte[12] == 127 || byte[12] >= 224 /* multicast, reserved, broadcast */ ||
		       (byte[12] == 169 && byte[13] == 254); /* the link; metadata too */
	}
	if (first == 0xfd000ec2 && !address->words[1] && !address->words[2] && byte[12] == 0 && byte[13] == 0 &&
	    byte[14] == 2 && byte[15] == 0x54)
		return 1;                                                        /* fd00:ec2::254, metadata */
	return byte[0] == 0xff || (byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80); /* multicast, the link */
}

#endif
