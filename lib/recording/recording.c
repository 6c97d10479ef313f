/* SPDX-License-Identifier: Apache-2.0 */
/* What was used, added up, and as JSON. */
#include "lib/recording/recording.h"

#include "lib/json/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1
#define STEP 64 /* entries by which the list grows */

void cfd_recording_release(struct cfd_recording *recording)
{
	for (size_t i = 0; i < recording->count; i++)
		free(recording->used[i].path);
	for (size_t i = 0; i < recording->container_count; i++)
		free(recording->containers[i]);
	free(recording->used);
	free(recording->image);
	free(recording->profile);
	*recording = (struct cfd_recording){0};
}

static bool is_same(const struct cfd_used *a, const struct cfd_used *b)
{
	return a->kind == b->kind && a->reason == b->reason && a->dns == b->dns && a->family == b->family &&
	       a->type == b->type && a->protocol == b->protocol && a->port == b->port &&
	       !memcmp(&a->address, &b->address, sizeof(a->address)) && !a->path == !b->path &&
	       (!a->path || cfd_streq(a->path, b->path));
}

static int append(struct cfd_recording *recording, const struct cfd_used *used)
{
	CFD_AUTO_FREE char *path = used->path ? strdup(used->path) : NULL;

	if (used->path && !path)
		return -ENOMEM;
	if (recording->count % STEP == 0) {
		void *more = realloc(recording->used, (recording->count + STEP) * sizeof(*used));

		if (!more)
			return -ENOMEM;
		recording->used = more;
	}
	recording->used[recording->count] = *used;
	recording->used[recording->count++].path = cfd_take(path);
	return 0;
}

int cfd_recording_use(struct cfd_recording *recording, const struct cfd_used *used)
{
	for (size_t i = 0; i < recording->count; i++) {
		if (!is_same(&recording->used[i], used))
			continue;
		recording->used[i].count += used->count;
		recording->used[i].facts |= used->facts;
		return 0;
	}
	if (recording->count == CFD_RECORDING_USED_MAX) {
		recording->lost += used->count;
		return 0;
	}
	return append(recording, used);
}

static int add_words(struct cfd_recording *recording, const char *words)
{
	CFD_AUTO_FREE char *copy = strdup(words);

	if (!copy)
		return -ENOMEM;
	if (recording->container_count == CFD_RECORDING_CONTAINERS) {
		free(recording->containers[0]);
		memmove(recording->containers, recording->containers + 1,
			(CFD_RECORDING_CONTAINERS - 1) * sizeof(recording->containers[0]));
		recording->container_count--;
	}
	recording->containers[recording->container_count++] = cfd_take(copy);
	return 0;
}

int cfd_recording_add_container(struct cfd_recording *recording, const char *id, const char *name)
{
	CFD_AUTO_BUF struct cfd_buf words = {0};

	if (name && !cfd_streq(name, id) ? cfd_buf_addf(&words, "%s (%s)", name, id) : cfd_buf_add_string(&words, id))
		return -ENOMEM;
	return add_words(recording, words.data);
}

bool cfd_recording_has(const struct cfd_recording *recording, const char *container)
{
	size_t length = strlen(container);

	for (size_t i = 0; i < recording->container_count; i++) {
		const char *words = recording->containers[i], *bracket = strstr(words, " (");

		if (cfd_streq(words, container))
			return true;
		if (bracket && ((size_t)(bracket - words) == length ? !strncmp(words, container, length)
								    : !strncmp(bracket + 2, container, length) &&
									      cfd_streq(bracket + 2 + length, ")")))
			return true;
	}
	return false;
}

int cfd_recording_join(struct cfd_recording *recording, const struct cfd_recording *from)
{
	int r = 0;

	if (!recording->image)
		r = cfd_string_replace(&recording->image, from->image);
	if (!r && !recording->profile)
		r = cfd_string_replace(&recording->profile, from->profile);
	for (size_t i = 0; !r && i < from->container_count; i++)
		r = add_words(recording, from->containers[i]);
	for (size_t i = 0; !r && i < from->count; i++)
		r = cfd_recording_use(recording, &from->used[i]);
	if (r)
		return r;
	if (from->runs && (!recording->runs || from->first < recording->first))
		recording->first = from->first;
	if (from->last > recording->last)
		recording->last = from->last;
	recording->runs += from->runs;
	recording->lost += from->lost;
	return 0;
}

/* --- JSON */

static int write_used(const struct cfd_used *used, struct cfd_buf *text)
{
	char address[INET6_ADDRSTRLEN];

	if (cfd_buf_addf(text, "{\"kind\":%u,\"reason\":%u,\"count\":%" PRIu64, used->kind, used->reason, used->count))
		return -ENOMEM;
	if (used->path)
		return cfd_buf_add_member(text, "path", used->path) ||
				       cfd_buf_addf(text, ",\"facts\":%" PRIu32 "}", used->facts)
			       ? -ENOMEM
			       : 0;
	inet_ntop(AF_INET6, &used->address, address, sizeof(address));
	return cfd_buf_addf(
		text, ",\"family\":%u,\"type\":%u,\"protocol\":%u,\"port\":%u,\"dns\":%s,\"address\":\"%s\"}",
		used->family, used->type, used->protocol, used->port, used->dns ? "true" : "false", address);
}

int cfd_recording_write(const struct cfd_recording *recording, struct cfd_buf *text)
{
	int r = cfd_buf_addf(text,
			     "{\"recording\":%d,\"runs\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"first\":%" PRId64
			     ",\"last\":%" PRId64,
			     FORMAT, recording->runs, recording->lost, recording->first, recording->last);

	if (r || cfd_buf_add_member(text, "image", recording->image) ||
	    cfd_buf_add_member(text, "profile", recording->profile) || cfd_buf_add_string(text, ",\"containers\":["))
		return -ENOMEM;
	for (size_t i = 0; !r && i < recording->container_count; i++)
		r = cfd_buf_add_string(text, i ? "," : "") || cfd_buf_add_json(text, recording->containers[i]);
	if (r || cfd_buf_add_string(text, "],\"used\":["))
		return -ENOMEM;
	for (size_t i = 0; !r && i < recording->count; i++)
		r = cfd_buf_add_string(text, i ? ",\n" : "\n") || write_used(&recording->used[i], text);
	return r || cfd_buf_add_string(text, "]}\n") ? -ENOMEM : 0;
}

/* Numbers of one object; the first that does not fit is remembered. */
struct numbers {
	const struct cfd_json *object;
	int failed;
};

static uint64_t number(struct numbers *numbers, const char *key, uint64_t max)
{
	uint64_t value = 0;

	if (cfd_json_uint(cfd_json_get(numbers->object, key), max, &value))
		numbers->failed = -EINVAL;
	return value;
}

static int parse_used(const struct cfd_json *object, struct cfd_recording *recording)
{
	struct numbers n = {.object = object};
	const char *path = cfd_json_string(cfd_json_get(object, "path"));
	const char *address = cfd_json_string(cfd_json_get(object, "address"));
	struct cfd_used used = {.path = (char *)path};

	used.kind = (uint8_t)number(&n, "kind", UINT8_MAX);
	used.reason = (uint8_t)number(&n, "reason", UINT8_MAX);
	used.count = number(&n, "count", UINT64_MAX);
	if (path) {
		used.facts = (uint32_t)number(&n, "facts", UINT32_MAX);
	} else {
		used.family = (uint16_t)number(&n, "family", UINT16_MAX);
		used.type = (uint16_t)number(&n, "type", UINT16_MAX);
		used.protocol = (uint16_t)number(&n, "protocol", UINT16_MAX);
		used.port = (uint16_t)number(&n, "port", UINT16_MAX);
		used.dns = cfd_json_bool(cfd_json_get(object, "dns"));
		if (!address || inet_pton(AF_INET6, address, &used.address) != 1)
			return -EINVAL;
	}
	return n.failed ? n.failed : cfd_recording_use(recording, &used);
}

static int parse_root(const struct cfd_json *root, struct cfd_recording *recording)
{
	const struct cfd_json *containers = cfd_json_get(root, "containers"), *used = cfd_json_get(root, "used");
	struct numbers n = {.object = root};
	int r = 0;

	if (number(&n, "recording", FORMAT) != FORMAT)
		return -EINVAL;
	recording->runs = number(&n, "runs", UINT64_MAX);
	recording->lost = number(&n, "lost", UINT64_MAX);
	recording->first = (int64_t)number(&n, "first", INT64_MAX);
	recording->last = (int64_t)number(&n, "last", INT64_MAX);
	if (n.failed)
		return n.failed;
	if (cfd_string_replace(&recording->image, cfd_json_string(cfd_json_get(root, "image"))) ||
	    cfd_string_replace(&recording->profile, cfd_json_string(cfd_json_get(root, "profile"))))
		return -ENOMEM;
	for (size_t i = 0; !r && i < cfd_json_count(containers); i++) {
		const char *words = cfd_json_string(cfd_json_at(containers, i));

		r = words ? add_words(recording, words) : -EINVAL;
	}
	for (size_t i = 0; !r && i < cfd_json_count(used); i++)
		r = parse_used(cfd_json_at(used, i), recording);
	return r;
}

int cfd_recording_parse(const char *text, size_t length, const char *name, struct cfd_recording *ret_recording,
			struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = name, .max_bytes = CFD_RECORDING_MAX_BYTES};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = cfd_json_parse(text, length, &options, &doc, err);

	if (r)
		return r;
	r = parse_root(cfd_json_root(doc), ret_recording);
	if (r == -ENOMEM)
		return cfd_fail_memory(err, "a recording");
	return r ? cfd_fail(err, -EINVAL, "%s is no recording of this version of cofferdam: remove it", name) : 0;
}
