/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a key in an object. Few members are compared one by one; more get a hash table of places, open addressing, at
 * most half full. The hash is SipHash-2-4 with a random key per document (Aumasson and Bernstein, 2012), because the
 * keys are the attacker's. Removing drops the table, and the next addition makes it again.
 */
#include "lib/json/node.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define INDEXED_FROM 17 /* members; below, comparing all is cheaper */

struct cfd_json_index {
	uint64_t seed[2];
	uint32_t mask;
	uint32_t slots[]; /* place + 1; 0: free */
};

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_round(struct sip *s, unsigned rounds)
{
	while (rounds--) {
		s->a += s->b;
		s->b = rotate(s->b, 13) ^ s->a;
		s->a = rotate(s->a, 32);
		s->c += s->d;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a += s->d;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c += s->b;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static uint64_t sip_hash(const uint64_t seed[2], const char *text)
{
	struct sip s = {seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
			seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573)};
	size_t length = strlen(text), left = length;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		s.d ^= word;
		sip_round(&s, 2);
		s.a ^= word;
	}
	word = 0;
	memcpy(&word, text, left);
	word |= (uint64_t)length << 56;
	s.d ^= word;
	sip_round(&s, 2);
	s.a ^= word;
	s.c ^= 0xff;
	sip_round(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_for(const struct cfd_json *object, struct cfd_json_index *index, const char *key)
{
	uint32_t at = (uint32_t)sip_hash(index->seed, key) & index->mask;

	while (index->slots[at] && strcmp(object->items[index->slots[at] - 1]->key, key) != 0)
		at = (at + 1) & index->mask;
	return &index->slots[at];
}

static int seed_document(struct cfd_json_doc *doc)
{
	ssize_t got;

	if (doc->seeded)
		return 0;
	do
		got = getrandom(doc->seed, sizeof(doc->seed), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(doc->seed))
		return got < 0 ? -errno : -EIO;
	doc->seeded = true;
	return 0;
}

static int new_index(struct cfd_json_doc *doc, uint32_t members, struct cfd_json_index **ret_index)
{
	uint32_t slots = 64;
	struct cfd_json_index *index;
	int r = seed_document(doc);

	if (r)
		return r;
	while (slots / 4 < members)
		slots *= 2;
	index = cfd_json_alloc(doc, sizeof(*index) + slots * sizeof(index->slots[0]));
	if (!index)
		return -ENOMEM;
	memset(index->slots, 0, slots * sizeof(index->slots[0]));
	memcpy(index->seed, doc->seed, sizeof(index->seed));
	index->mask = slots - 1;
	*ret_index = index;
	return 0;
}

static struct cfd_json *small_duplicate(const struct cfd_json *object)
{
	for (uint32_t i = 1; i < object->count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(object->items[i]->key, object->items[j]->key) == 0)
				return object->items[i];
	return NULL;
}

int cfd_json_index_build(struct cfd_json_doc *doc, struct cfd_json *object, struct cfd_json **ret_duplicate)
{
	struct cfd_json_index *index;
	int r;

	*ret_duplicate = NULL;
	if (object->count < INDEXED_FROM) {
		*ret_duplicate = small_duplicate(object);
		return 0;
	}
	r = new_index(doc, object->count, &index);
	if (r)
		return r;
	for (uint32_t i = 0; i < object->count; i++) {
		uint32_t *slot = slot_for(object, index, object->items[i]->key);

		if (*slot) {
			*ret_duplicate = object->items[i];
			return 0;
		}
		*slot = i + 1;
	}
	object->index = index;
	return 0;
}

int64_t cfd_json_index_find(const struct cfd_json *object, const char *key)
{
	if (object->index)
		return (int64_t)*slot_for(object, object->index, key) - 1;
	for (uint32_t i = 0; i < object->count; i++)
		if (strcmp(object->items[i]->key, key) == 0)
			return i;
	return -1;
}

int cfd_json_index_add(struct cfd_json_doc *doc, struct cfd_json *object)
{
	struct cfd_json_index *index = object->index;
	struct cfd_json *duplicate;

	if (object->count < INDEXED_FROM)
		return 0;
	if (!index || index->mask / 2 < object->count) {
		object->index = NULL;
		return cfd_json_index_build(doc, object, &duplicate);
	}
	*slot_for(object, index, object->items[object->count - 1]->key) = object->count;
	return 0;
}
