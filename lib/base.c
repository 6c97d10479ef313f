/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership, small comparisons and a growing buffer. */
#include "lib/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cfd_base_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void cfd_base_free(void *pointer_to_pointer)
{
	void **pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

int cfd_string_replace(char **slot, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

bool cfd_starts_with(const char *string, const char *prefix)
{
	return string && prefix && strncmp(string, prefix, strlen(prefix)) == 0;
}

bool cfd_ends_with(const char *string, const char *suffix)
{
	size_t length, tail;

	if (!string || !suffix)
		return false;
	length = strlen(string);
	tail = strlen(suffix);
	return length >= tail && strcmp(string + length - tail, suffix) == 0;
}

size_t cfd_control_sequence(const char *text)
{
	static const struct {
		unsigned char lead[3], first, last; /* the last byte is within first..last */
	} ranges[] = {
		{"\xc2", 0x80, 0x9f},     /* U+0080..U+009F */
		{"\xd8", 0x9c, 0x9c},     /* U+061C */
		{"\xe2\x80", 0x8e, 0x8f}, /* U+200E, U+200F */
		{"\xe2\x80", 0xa8, 0xae}, /* U+2028..U+202E */
		{"\xe2\x81", 0xa6, 0xa9}, /* U+2066..U+2069 */
	};
	unsigned char first = (unsigned char)*text;

	if (first && (first < 0x20 || first == 0x7f))
		return 1;
	for (size_t i = 0; i < CFD_COUNT(ranges); i++) {
		size_t length = strlen((const char *)ranges[i].lead);
		unsigned char last;

		if (strncmp(text, (const char *)ranges[i].lead, length) != 0)
			continue;
		last = (unsigned char)text[length];
		if (last >= ranges[i].first && last <= ranges[i].last)
			return length + 1;
	}
	return 0;
}

void cfd_hide_control(char *text, const char *kept)
{
	while (text && *text) {
		size_t length = strchr(kept, *text) ? 0 : cfd_control_sequence(text);

		memset(text, '?', length);
		text += length ? length : 1;
	}
}

int cfd_parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!text || !*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(unsigned char)*text - '0';

		if (digit > 9)
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

uint64_t cfd_hash(uint64_t start, const void *data, size_t length)
{
	const unsigned char *byte = data;
	uint64_t hash = start;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static int reserve(struct cfd_buf *buf, size_t more)
{
	size_t capacity = buf->capacity ? buf->capacity : 64;
	char *data;

	if (more >= SIZE_MAX / 2 - buf->length)
		return -ENOMEM;
	while (capacity < buf->length + more + 1)
		capacity *= 2;
	if (capacity == buf->capacity)
		return 0;
	data = realloc(buf->data, capacity);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int cfd_buf_add(struct cfd_buf *buf, const void *data, size_t length)
{
	if (reserve(buf, length))
		return -ENOMEM;
	if (length)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
	return 0;
}

int cfd_buf_add_string(struct cfd_buf *buf, const char *string)
{
	return cfd_buf_add(buf, string, strlen(string));
}

int cfd_buf_vaddf(struct cfd_buf *buf, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0 || reserve(buf, (size_t)length))
		return -ENOMEM;
	vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
	buf->length += (size_t)length;
	return 0;
}

int cfd_buf_addf(struct cfd_buf *buf, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = cfd_buf_vaddf(buf, format, args);
	va_end(args);
	return r;
}

size_t cfd_utf8_sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (s[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool cfd_utf8_valid(const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	while (*s) {
		size_t length = cfd_utf8_sequence(s);

		if (!length)
			return false;
		s += length;
	}
	return true;
}

static int add_json_byte(struct cfd_buf *buf, unsigned char byte)
{
	if (byte == '"' || byte == '\\')
		return cfd_buf_addf(buf, "\\%c", byte);
	if (byte < 0x20 || byte == 0x7f)
		return cfd_buf_addf(buf, "\\u%04x", byte);
	return cfd_buf_add(buf, &byte, 1);
}

int cfd_buf_add_json(struct cfd_buf *buf, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t before = buf->length;
	int r = cfd_buf_add(buf, "\"", 1);

	while (!r && *s) {
		size_t length = cfd_utf8_sequence(s);

		if (length == 0)
			r = cfd_buf_add_string(buf, "\xef\xbf\xbd");
		else if (length == 1)
			r = add_json_byte(buf, *s);
		else
			r = cfd_buf_add(buf, s, length);
		s += length ? length : 1;
	}
	if (!r)
		r = cfd_buf_add(buf, "\"", 1);
	if (r && buf->data) {
		buf->length = before;
		buf->data[before] = '\0';
	}
	return r;
}

int cfd_buf_add_member(struct cfd_buf *buf, const char *key, const char *value)
{
	if (!value)
		return 0;
	return cfd_buf_addf(buf, ",\"%s\":", key) || cfd_buf_add_json(buf, value) ? -ENOMEM : 0;
}

void cfd_buf_release(struct cfd_buf *buf)
{
	free(buf->data);
	*buf = (struct cfd_buf){0};
}
