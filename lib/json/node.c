/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of a JSON document: memory, reading, changing. */
#include "lib/json/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)32 << 10)

void *cfd_json_alloc(struct cfd_json_doc *doc, size_t size)
{
	struct cfd_json_chunk *chunk = doc->chunks;
	char *data;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t want = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + want);
		if (!chunk)
			return NULL;
		*chunk = (struct cfd_json_chunk){.next = doc->chunks, .size = want};
		if (want == size && doc->chunks) { /* large ones go behind, so that the current chunk goes on */
			chunk->next = doc->chunks->next;
			doc->chunks->next = chunk;
		} else {
			doc->chunks = chunk;
		}
	}
	data = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return data;
}

char *cfd_json_alloc_text(struct cfd_json_doc *doc, const char *text, size_t length)
{
	char *copy = cfd_json_alloc(doc, length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

struct cfd_json *cfd_json_node_new(struct cfd_json_doc *doc, enum cfd_json_type type)
{
	struct cfd_json *node = cfd_json_alloc(doc, sizeof(*node));

	if (node)
		*node = (struct cfd_json){.type = type};
	return node;
}

void cfd_json_doc_free(struct cfd_json_doc *doc)
{
	struct cfd_json_chunk *next;

	if (!doc)
		return;
	for (struct cfd_json_chunk *chunk = doc->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(doc);
}

void cfd_json_doc_freep(struct cfd_json_doc **doc)
{
	cfd_json_doc_free(*doc);
	*doc = NULL;
}

struct cfd_json *cfd_json_root(struct cfd_json_doc *doc)
{
	return doc->root;
}

struct cfd_diagnostics *cfd_json_diagnostics(const struct cfd_json_doc *doc)
{
	return doc->diagnostics;
}

const char *cfd_json_name(const struct cfd_json_doc *doc)
{
	return doc->name;
}

enum cfd_json_type cfd_json_type(const struct cfd_json *node)
{
	return node ? node->type : CFD_JSON_NULL;
}

const char *cfd_json_type_name(enum cfd_json_type type)
{
	static const char *const names[] = {
		[CFD_JSON_NULL] = "null",       [CFD_JSON_BOOL] = "true or false", [CFD_JSON_NUMBER] = "a number",
		[CFD_JSON_STRING] = "a string", [CFD_JSON_ARRAY] = "an array",     [CFD_JSON_OBJECT] = "an object",
	};

	return names[type];
}

bool cfd_json_is(const struct cfd_json *node, enum cfd_json_type type)
{
	return node && node->type == type;
}

const char *cfd_json_string(const struct cfd_json *node)
{
	return cfd_json_is(node, CFD_JSON_STRING) ? node->text : NULL;
}

const char *cfd_json_number(const struct cfd_json *node)
{
	return cfd_json_is(node, CFD_JSON_NUMBER) ? node->text : NULL;
}

bool cfd_json_bool(const struct cfd_json *node)
{
	return cfd_json_is(node, CFD_JSON_BOOL) && node->truth;
}

int cfd_json_uint(const struct cfd_json *node, uint64_t max, uint64_t *ret_value)
{
	return cfd_parse_u64(cfd_json_number(node), max, ret_value);
}

int cfd_json_int(const struct cfd_json *node, int64_t min, int64_t max, int64_t *ret_value)
{
	const char *text = cfd_json_number(node);
	bool negative = text && *text == '-';
	uint64_t magnitude;
	int64_t value;
	int r = cfd_parse_u64(negative ? text + 1 : text, (uint64_t)INT64_MAX + negative, &magnitude);

	if (r)
		return r;
	if (negative && magnitude == 0)
		return -EINVAL;
	value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

static bool is_container(const struct cfd_json *node)
{
	return cfd_json_is(node, CFD_JSON_ARRAY) || cfd_json_is(node, CFD_JSON_OBJECT);
}

size_t cfd_json_count(const struct cfd_json *node)
{
	return is_container(node) ? node->count : 0;
}

struct cfd_json *cfd_json_at(const struct cfd_json *array, size_t index)
{
	return cfd_json_is(array, CFD_JSON_ARRAY) && index < array->count ? array->items[index] : NULL;
}

struct cfd_json *cfd_json_get(const struct cfd_json *object, const char *key)
{
	int64_t place = cfd_json_is(object, CFD_JSON_OBJECT) ? cfd_json_index_find(object, key) : -1;

	return place < 0 ? NULL : object->items[place];
}

struct cfd_json *cfd_json_member(const struct cfd_json *object, size_t index, const char **ret_key)
{
	if (!cfd_json_is(object, CFD_JSON_OBJECT) || index >= object->count)
		return NULL;
	if (ret_key)
		*ret_key = object->items[index]->key;
	return object->items[index];
}

const char *cfd_json_key(const struct cfd_json *node)
{
	return node ? node->key : NULL;
}

struct cfd_json *cfd_json_new_object(struct cfd_json_doc *doc)
{
	return cfd_json_node_new(doc, CFD_JSON_OBJECT);
}

struct cfd_json *cfd_json_new_array(struct cfd_json_doc *doc)
{
	return cfd_json_node_new(doc, CFD_JSON_ARRAY);
}

static struct cfd_json *new_text(struct cfd_json_doc *doc, enum cfd_json_type type, const char *text)
{
	struct cfd_json *node = cfd_json_node_new(doc, type);

	if (node)
		node->text = cfd_json_alloc_text(doc, text, strlen(text));
	return node && node->text ? node : NULL;
}

struct cfd_json *cfd_json_new_string(struct cfd_json_doc *doc, const char *value)
{
	return cfd_utf8_valid(value) ? new_text(doc, CFD_JSON_STRING, value) : NULL;
}

struct cfd_json *cfd_json_new_int(struct cfd_json_doc *doc, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return new_text(doc, CFD_JSON_NUMBER, text);
}

struct cfd_json *cfd_json_new_u64(struct cfd_json_doc *doc, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return new_text(doc, CFD_JSON_NUMBER, text);
}

struct cfd_json *cfd_json_new_bool(struct cfd_json_doc *doc, bool value)
{
	struct cfd_json *node = cfd_json_node_new(doc, CFD_JSON_BOOL);

	if (node)
		node->truth = value;
	return node;
}

/* Room for one more item. */
static int grow(struct cfd_json_doc *doc, struct cfd_json *container)
{
	uint32_t capacity = container->capacity ? container->capacity * 2 : 4;
	struct cfd_json **items;

	if (container->count < container->capacity)
		return 0;
	if (capacity < container->capacity)
		return -ENOMEM;
	items = cfd_json_alloc(doc, capacity * sizeof(items[0]));
	if (!items)
		return -ENOMEM;
	if (container->count)
		memcpy(items, container->items, container->count * sizeof(items[0]));
	container->items = items;
	container->capacity = capacity;
	return 0;
}

static int attach(struct cfd_json_doc *doc, struct cfd_json *container, uint32_t place, struct cfd_json *value)
{
	if (!value)
		return -ENOMEM;
	if (value->parent || value == container || value == doc->root)
		return -EINVAL;
	if (grow(doc, container))
		return -ENOMEM;
	for (uint32_t i = container->count; i > place; i--) {
		container->items[i] = container->items[i - 1];
		container->items[i]->place = i;
	}
	container->items[place] = value;
	container->count++;
	value->parent = container;
	value->place = place;
	return 0;
}

static void detach(struct cfd_json *node)
{
	node->parent = NULL;
	node->key = NULL;
	node->place = 0;
}

static int replace(struct cfd_json *container, uint32_t place, struct cfd_json *value)
{
	struct cfd_json *old = container->items[place];

	if (value->parent || value == container)
		return -EINVAL;
	value->parent = container;
	value->place = place;
	value->key = old->key;
	container->items[place] = value;
	detach(old);
	return 0;
}

int cfd_json_set(struct cfd_json_doc *doc, struct cfd_json *object, const char *key, struct cfd_json *value)
{
	int64_t place;
	char *name;
	int r;

	if (!object || !value)
		return -ENOMEM;
	if (!cfd_json_is(object, CFD_JSON_OBJECT) || value == doc->root || !cfd_utf8_valid(key))
		return -EINVAL;
	place = cfd_json_index_find(object, key);
	if (place >= 0)
		return replace(object, (uint32_t)place, value);
	name = cfd_json_alloc_text(doc, key, strlen(key));
	if (!name)
		return -ENOMEM;
	r = attach(doc, object, object->count, value);
	if (r)
		return r;
	value->key = name;
	r = cfd_json_index_add(doc, object);
	if (r) {
		object->count--;
		detach(value);
	}
	return r;
}

int cfd_json_insert(struct cfd_json_doc *doc, struct cfd_json *array, size_t index, struct cfd_json *value)
{
	if (!array)
		return -ENOMEM;
	if (!cfd_json_is(array, CFD_JSON_ARRAY) || index > array->count)
		return -EINVAL;
	return attach(doc, array, (uint32_t)index, value);
}

int cfd_json_append(struct cfd_json_doc *doc, struct cfd_json *array, struct cfd_json *value)
{
	return cfd_json_insert(doc, array, cfd_json_count(array), value);
}

void cfd_json_filter(struct cfd_json *container, bool (*keep)(const struct cfd_json *child, void *context),
		     void *context)
{
	uint32_t kept = 0;

	if (!is_container(container))
		return;
	for (uint32_t i = 0; i < container->count; i++) {
		struct cfd_json *child = container->items[i];

		if (keep(child, context)) {
			container->items[kept] = child;
			child->place = kept++;
		} else {
			detach(child);
		}
	}
	if (kept != container->count)
		container->index = NULL;
	container->count = kept;
}

struct ordering {
	int (*compare)(const struct cfd_json *a, const struct cfd_json *b, void *context);
	void *context;
};

static int compare_items(const void *a, const void *b, void *context)
{
	const struct ordering *ordering = context;

	return ordering->compare(*(struct cfd_json *const *)a, *(struct cfd_json *const *)b, ordering->context);
}

void cfd_json_sort(struct cfd_json *object,
		   int (*compare)(const struct cfd_json *a, const struct cfd_json *b, void *context), void *context)
{
	struct ordering ordering = {compare, context};

	if (!cfd_json_is(object, CFD_JSON_OBJECT) || object->count < 2)
		return;
	qsort_r(object->items, object->count, sizeof(object->items[0]), compare_items, &ordering);
	for (uint32_t i = 0; i < object->count; i++)
		object->items[i]->place = i;
	object->index = NULL; /* it holds places */
}

static bool is_another(const struct cfd_json *child, void *context)
{
	return child != context;
}

void cfd_json_remove(struct cfd_json *object, const char *key)
{
	struct cfd_json *member = cfd_json_get(object, key);

	if (member)
		cfd_json_filter(object, is_another, member);
}

void cfd_json_remove_at(struct cfd_json *array, size_t index)
{
	struct cfd_json *element = cfd_json_at(array, index);

	if (element)
		cfd_json_filter(array, is_another, element);
}

static struct cfd_json *want(struct cfd_json_doc *doc, struct cfd_json *object, const char *key,
			     enum cfd_json_type type)
{
	struct cfd_json *member = cfd_json_get(object, key);

	if (member)
		return member->type == type ? member : NULL;
	member = cfd_json_node_new(doc, type);
	return cfd_json_set(doc, object, key, member) ? NULL : member;
}

struct cfd_json *cfd_json_want_object(struct cfd_json_doc *doc, struct cfd_json *object, const char *key)
{
	return want(doc, object, key, CFD_JSON_OBJECT);
}

struct cfd_json *cfd_json_want_array(struct cfd_json_doc *doc, struct cfd_json *object, const char *key)
{
	return want(doc, object, key, CFD_JSON_ARRAY);
}

int cfd_json_wrap(struct cfd_json_doc *doc, const char *key)
{
	struct cfd_json *object = cfd_json_new_object(doc), *before = doc->root;
	int r;

	doc->root = object;
	r = cfd_json_set(doc, object, key, before);
	if (r)
		doc->root = before;
	return r;
}

struct cfd_json *cfd_json_copy(struct cfd_json_doc *doc, const struct cfd_json *node)
{
	struct cfd_json *copy;

	if (!node)
		return NULL;
	if (node->type == CFD_JSON_STRING || node->type == CFD_JSON_NUMBER)
		return new_text(doc, node->type, node->text);
	copy = cfd_json_node_new(doc, node->type);
	if (!copy)
		return NULL;
	if (node->type == CFD_JSON_BOOL)
		copy->truth = node->truth;
	for (size_t i = 0; i < cfd_json_count(node); i++) {
		const struct cfd_json *child = node->items[i];
		struct cfd_json *value = cfd_json_copy(doc, child);
		int r = child->key ? cfd_json_set(doc, copy, child->key, value) : cfd_json_append(doc, copy, value);

		if (r)
			return NULL;
	}
	return copy;
}
