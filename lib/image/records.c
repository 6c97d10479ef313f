/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines' records. containers/storage keeps ALL containers in one array, so the elements are delimited by a scan that
 * knows only strings and brackets, and what contains the id's text is parsed. That cannot mistake a record: an object
 * is used only if its own "id" is the one that was asked for, and ids are written without escapes by those who make
 * them (an escaped one is not found, which is an error).
 */
#include "lib/image/records.h"

#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct span {
	const char *at, *end;
};

int cfd_records_open_dir(const char *path, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	int r = cfd_fd_open_dir(AT_FDCWD, path, false, &fd, err);

	if (!r)
		r = cfd_trust_check_chain(fd, path, err);
	if (!r)
		*ret_fd = cfd_take_fd(&fd);
	return r;
}

int cfd_records_read(int dirfd, const char *dir, const char *file, size_t max, struct cfd_buf *text,
		     struct cfd_error *err)
{
	return cfd_trust_read(dirfd, file, file, max, text, err) ? cfd_wrap(err, "%s", dir) : 0;
}

static void skip_space(struct span *text)
{
	while (text->at < text->end && memchr(" \t\r\n", *text->at, 4))
		text->at++;
}

static bool skip_character(struct span *text, char c)
{
	skip_space(text);
	if (text->at == text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

/* From an opening quote to behind the closing one. */
static bool skip_string(struct span *text)
{
	for (text->at++; text->at < text->end; text->at++) {
		if (*text->at == '\\')
			text->at++;
		else if (*text->at == '"') {
			text->at++;
			return true;
		}
	}
	return false;
}

/* From an opening brace to behind the one that closes it. */
static bool skip_object(struct span *text)
{
	size_t depth = 0;

	skip_space(text);
	if (text->at == text->end || *text->at != '{')
		return false;
	while (text->at < text->end) {
		char c = *text->at;

		if (c == '"') {
			if (!skip_string(text))
				return false;
			continue;
		}
		text->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

/* Parses the object if it holds the id's text, and keeps it if that is its id. */
static int take_object(struct span object, const char *name, const char *id, struct cfd_json_doc **found,
		       struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	const struct cfd_json_options options = {.name = name};
	int r;

	if (!memmem(object.at, (size_t)(object.end - object.at), id, strlen(id)))
		return 0;
	r = cfd_json_parse(object.at, (size_t)(object.end - object.at), &options, &doc, err);
	if (r)
		return r;
	if (!cfd_streq(cfd_json_string(cfd_json_get(cfd_json_root(doc), "id")), id))
		return 0;
	if (*found)
		return cfd_fail(err, -EBADMSG, "%s has two records of %s", name, id);
	*found = cfd_take(doc);
	return 0;
}

static int fail_torn(struct cfd_error *err, const char *name)
{
	return cfd_fail(err, -EBADMSG,
			"%s is not a whole list of records: it is torn, or of a version that is not known here", name);
}

int cfd_records_find(const struct cfd_buf *buf, const char *name, const char *id, struct cfd_json_doc **ret_doc,
		     struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *found = NULL;
	struct span text = {buf->data, buf->data + buf->length};
	bool more;

	if (!buf->length || !skip_character(&text, '['))
		return fail_torn(err, name);
	skip_space(&text);
	more = !skip_character(&text, ']');
	while (more) {
		struct span object = {text.at, NULL};
		int r;

		if (!skip_object(&text))
			return fail_torn(err, name);
		object.end = text.at;
		r = take_object(object, name, id, &found, err);
		if (r)
			return r;
		more = skip_character(&text, ',');
		if (!more && !skip_character(&text, ']'))
			return fail_torn(err, name);
	}
	skip_space(&text);
	if (text.at != text.end)
		return fail_torn(err, name);
	if (found)
		*ret_doc = cfd_take(found);
	return 0;
}
