/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references as github.com/distribution/reference v0.6 reads them: ParseDockerRef, which takes the tag away where
 * there is a digest too, because only the digest is what was pulled.
 */
#include "lib/image/image.h"

#include "lib/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 255 /* domain and path, reference.NameTotalLengthMax */
#define MAX_TAG 128

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A reference, cut at its slashes, its tag and its digest. */
struct parts {
	char domain[MAX_NAME + 1];
	char path[MAX_NAME + sizeof("library/")];
	char tag[MAX_TAG + 1];
	const char *digest;
};

/* Copies `length` bytes; false when they do not fit. */
static bool cut(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

/* One component of a path: alphanumerics, separated by one of `.`, `_`, `__` or a run of `-`. */
static bool is_component(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length) {
		size_t word = strspn(text + i, LOWER DIGITS), separator;

		if (!word || i + word >= length)
			return word && i + word == length;
		i += word;
		separator = strspn(text + i, "-");
		if (!separator)
			separator = text[i] == '.' ? 1 : strspn(text + i, "_");
		if (!separator || (text[i] == '_' && separator > 2))
			return false;
		i += separator;
	}
	return false;
}

static bool is_repository(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (!is_component(path, length))
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

/* Host names of letters, digits, dots and inner dashes, or [an IPv6 address]; then perhaps a port. */
static bool is_domain(const char *domain)
{
	size_t length;

	if (*domain == '[') {
		length = 1 + strspn(domain + 1, DIGITS "abcdefABCDEF:");
		if (length == 1 || domain[length++] != ']')
			return false;
	} else {
		length = strspn(domain, LOWER UPPER DIGITS ".-");
		for (size_t i = 0; i < length; i++) {
			bool edge = i == 0 || i + 1 == length || domain[i - 1] == '.' || domain[i + 1] == '.';

			if (edge && (domain[i] == '-' || (domain[i] == '.' && (i == 0 || i + 1 == length))))
				return false;
			if (domain[i] == '.' && domain[i + 1] == '.')
				return false;
		}
		if (!length)
			return false;
	}
	if (!domain[length])
		return true;
	return domain[length] == ':' && domain[length + 1] && !domain[length + 1 + strspn(domain + length + 1, DIGITS)];
}

static bool is_tag(const char *tag)
{
	return *tag && *tag != '.' && *tag != '-' && !tag[strspn(tag, LOWER UPPER DIGITS "_.-")];
}

/* Whether what stands before the first slash is a registry and not a part of the path. */
static bool names_registry(const char *text, size_t length)
{
	return memchr(text, '.', length) || memchr(text, ':', length) || strcspn(text, UPPER) < length ||
	       (length == 9 && memcmp(text, "localhost", 9) == 0);
}

/* Docker Hub's old name is its new one, and its images without an owner are in library/. */
static bool fill_domain_and_path(const char *name, size_t length, struct parts *parts)
{
	const char *slash = memchr(name, '/', length);
	size_t domain = slash ? (size_t)(slash - name) : 0;
	bool hub, official;

	if (!slash || !names_registry(name, domain)) {
		strcpy(parts->domain, "docker.io");
	} else {
		if (!cut(parts->domain, sizeof(parts->domain), name, domain))
			return false;
		name += domain + 1;
		length -= domain + 1;
		if (cfd_streq(parts->domain, "index.docker.io"))
			strcpy(parts->domain, "docker.io");
	}
	hub = cfd_streq(parts->domain, "docker.io");
	official = hub && !memchr(name, '/', length);
	if (official)
		strcpy(parts->path, "library/");
	return cut(parts->path + (official ? 8 : 0), sizeof(parts->path) - (official ? 8 : 0), name, length);
}

static const char *split(const char *reference, struct parts *parts)
{
	size_t length = strcspn(reference, "@");
	const char *name_end, *colon;

	if (reference[length]) {
		parts->digest = reference + length + 1;
		if (!cfd_shape_digest(parts->digest))
			return "what follows the \"@\" is no sha256 or sha512 digest";
	}
	/* A colon behind the last slash begins the tag; one before it is a registry's port. */
	name_end = memrchr(reference, '/', length);
	colon = memchr(name_end ? name_end : reference, ':', length - (name_end ? (size_t)(name_end - reference) : 0));
	if (colon && (!cut(parts->tag, sizeof(parts->tag), colon + 1, length - (size_t)(colon + 1 - reference)) ||
		      !is_tag(parts->tag)))
		return "what follows the last \":\" is no tag";
	if (!fill_domain_and_path(reference, colon ? (size_t)(colon - reference) : length, parts))
		return "it is too long";
	if (!is_domain(parts->domain))
		return "what stands before the first slash is no registry's name";
	if (!is_repository(parts->path))
		return "a repository is made of lower-case letters and digits with single separators";
	if (strlen(parts->domain) + 1 + strlen(parts->path) > MAX_NAME)
		return "it is too long";
	return NULL;
}

int cfd_image_normalise(const char *reference, char **ret_name, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf name = {0};
	struct parts parts = {0};
	const char *wrong;

	if (cfd_shape_hex(reference, 64) || cfd_shape_digest(reference))
		return cfd_fail(err, -EINVAL, "image \"%s\": an id, not a name", reference);
	wrong = split(reference, &parts);
	if (wrong)
		return cfd_fail(err, -EINVAL, "image \"%.300s\": %s", reference, wrong);
	if (cfd_buf_addf(&name, "%s/%s%s%s", parts.domain, parts.path, parts.digest ? "@" : ":",
			 parts.digest   ? parts.digest
			 : parts.tag[0] ? parts.tag
					: "latest"))
		return cfd_fail_memory(err, "an image's name");
	*ret_name = cfd_take(name.data);
	return 0;
}
