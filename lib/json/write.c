/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a node of a JSON document: its text, its path, its place in the file. */
#include "lib/json/node.h"

#include <errno.h>
#include <string.h>

#define PATH_KEY_MAX 256 /* bytes of a key that a path shows */

static int add_escape(struct cfd_buf *buf, unsigned char byte)
{
	static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *found = memchr(named, byte, sizeof(named) - 1);

	if (found)
		return cfd_buf_addf(buf, "\\%c", letters[found - named]);
	return cfd_buf_addf(buf, "\\u%04x", byte);
}

/* Strings of a document are UTF-8 already, so only these three kinds of byte need an escape (RFC 8259, section 7). */
static int write_string(const char *text, struct cfd_buf *buf)
{
	int r = cfd_buf_add(buf, "\"", 1);

	while (!r) {
		const char *run = text;

		while ((unsigned char)*text >= 0x20 && *text != '"' && *text != '\\')
			text++;
		r = cfd_buf_add(buf, run, (size_t)(text - run));
		if (r || !*text)
			break;
		r = add_escape(buf, (unsigned char)*text++);
	}
	return r ? r : cfd_buf_add(buf, "\"", 1);
}

static int write_items(const struct cfd_json *node, struct cfd_buf *buf)
{
	bool object = node->type == CFD_JSON_OBJECT;
	int r = cfd_buf_add(buf, object ? "{" : "[", 1);

	for (uint32_t i = 0; !r && i < node->count; i++) {
		if (i)
			r = cfd_buf_add(buf, ",", 1);
		if (!r && object)
			r = write_string(node->items[i]->key, buf);
		if (!r && object)
			r = cfd_buf_add(buf, ":", 1);
		if (!r)
			r = cfd_json_write(node->items[i], buf);
	}
	return r ? r : cfd_buf_add(buf, object ? "}" : "]", 1);
}

int cfd_json_write(const struct cfd_json *node, struct cfd_buf *buf)
{
	switch (cfd_json_type(node)) {
	case CFD_JSON_BOOL:
		return cfd_buf_add_string(buf, node->truth ? "true" : "false");
	case CFD_JSON_NUMBER:
		return cfd_buf_add_string(buf, node->text);
	case CFD_JSON_STRING:
		return write_string(node->text, buf);
	case CFD_JSON_ARRAY:
	case CFD_JSON_OBJECT:
		return write_items(node, buf);
	case CFD_JSON_NULL:
		break;
	}
	return cfd_buf_add_string(buf, "null");
}

static bool is_plain(const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *key && key[strspn(key, letters)] == '\0' && (*key < '0' || *key > '9') && *key != '-';
}

static int add_key(const char *key, bool first, struct cfd_buf *buf)
{
	char cut[PATH_KEY_MAX + sizeof("...")];
	int r;

	if (strlen(key) > PATH_KEY_MAX) {
		size_t length = PATH_KEY_MAX;

		while (length && ((unsigned char)key[length] & 0xc0) == 0x80)
			length--;
		memcpy(cut, key, length);
		memcpy(cut + length, "...", sizeof("..."));
		key = cut;
	}
	if (is_plain(key)) {
		r = first ? 0 : cfd_buf_add(buf, ".", 1);
		return r ? r : cfd_buf_add_string(buf, key);
	}
	r = cfd_buf_add_string(buf, first ? "$[" : "[");
	if (!r)
		r = cfd_buf_add_json(buf, key);
	return r ? r : cfd_buf_add(buf, "]", 1);
}

static int add_steps(const struct cfd_json *node, struct cfd_buf *buf)
{
	bool first = !node->parent->parent;
	int r = first ? 0 : add_steps(node->parent, buf);

	if (r)
		return r;
	if (node->key)
		return add_key(node->key, first, buf);
	return cfd_buf_addf(buf, first ? "$[%u]" : "[%u]", node->place);
}

int cfd_json_path(const struct cfd_json *node, struct cfd_buf *buf)
{
	size_t before = buf->length;
	int r;

	if (!node || !node->parent)
		return cfd_buf_add(buf, "$", 1);
	r = add_steps(node, buf);
	if (r && buf->data) {
		buf->length = before;
		buf->data[before] = '\0';
	}
	return r;
}

void cfd_json_locate(const struct cfd_json_doc *doc, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < doc->length; i++) {
		if (doc->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)doc->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

void cfd_json_position(const struct cfd_json_doc *doc, const struct cfd_json *node, unsigned *ret_line,
		       unsigned *ret_column)
{
	*ret_line = *ret_column = 0;
	if (node && node->offset)
		cfd_json_locate(doc, node->offset - 1, ret_line, ret_column);
}
