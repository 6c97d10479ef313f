/* SPDX-License-Identifier: Apache-2.0 */
/* Why a container is exempt from a part of the guard: exemptions.json in its directory. */
#include "lib/state/exemption.h"

#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "exemptions.json"
#define FILE_MAX_BYTES ((size_t)8 << 10)

static int read_one(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		    struct cfd_error *err);

// clang-format off
static const struct cfd_field part_fields[] = {
	{ .key = "exec", .kind = CFD_FIELD_CUSTOM, .offset = offsetof(struct cfd_exemptions, exec), .read = read_one },
	{ .key = "net",  .kind = CFD_FIELD_CUSTOM, .offset = offsetof(struct cfd_exemptions, net),  .read = read_one },
};

static const struct cfd_field fields[] = {
	{ .key = "reason", .kind = CFD_FIELD_STRING, .offset = offsetof(struct cfd_exemption, reason), .required = true },
	{ .key = "since", .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_exemption, since), .required = true, .max = INT64_MAX },
	{ .key = "until", .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_exemption, until), .required = true, .max = INT64_MAX },
	{ .key = "login", .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_exemption, login), .required = true, .min = -1, .max = UINT32_MAX },
};
// clang-format on

int cfd_exemption_check_reason(const char *reason, struct cfd_error *err)
{
	size_t length = strlen(reason);

	if (length == 0 || strspn(reason, " ") == length)
		return cfd_fail(err, -EINVAL, "the reason is empty: say why, a ticket's number for example");
	if (length > CFD_EXEMPTION_REASON_MAX)
		return cfd_fail(err, -EINVAL, "the reason has %zu bytes; at most %d are kept", length,
				CFD_EXEMPTION_REASON_MAX);
	if (!cfd_utf8_valid(reason))
		return cfd_fail(err, -EINVAL, "the reason is not UTF-8");
	for (const char *c = reason; *c; c++)
		if (cfd_control_sequence(c))
			return cfd_fail(err, -EINVAL,
					"the reason has a control character at byte %zu; one line of text is kept",
					(size_t)(c - reason) + 1);
	return 0;
}

static int read_one(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		    struct cfd_error *err)
{
	return cfd_fields_read(doc, value, file, fields, CFD_COUNT(fields), field, err);
}

int cfd_exemptions_read(int dirfd, struct cfd_exemptions *exemptions, struct cfd_error *err)
{
	static const struct cfd_json_options options = {.name = FILE_NAME, .max_bytes = FILE_MAX_BYTES};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	int r = cfd_fd_read_file(dirfd, FILE_NAME, FILE_MAX_BYTES, &buf, err);

	if (r)
		return r == -ENOENT ? 0 : r;
	r = cfd_json_parse(buf.data ? buf.data : "", buf.length, &options, &doc, err);
	return r ? r
		 : cfd_fields_read(doc, cfd_json_root(doc), FILE_NAME, part_fields, CFD_COUNT(part_fields), exemptions,
				   err);
}

static int add_one(const char *key, const struct cfd_exemption *exemption, struct cfd_buf *buf)
{
	if (!exemption->reason)
		return 0;
	return cfd_buf_addf(buf, "%s\"%s\":{\"since\":%" PRId64 ",\"until\":%" PRId64 ",\"login\":%" PRId64,
			    buf->length > 1 ? "," : "", key, exemption->since, exemption->until, exemption->login) ||
			       cfd_buf_add_member(buf, "reason", exemption->reason) || cfd_buf_add_string(buf, "}")
		       ? -ENOMEM
		       : 0;
}

int cfd_exemptions_write(int dirfd, const struct cfd_exemptions *exemptions, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};

	if (!exemptions->exec.reason && !exemptions->net.reason) {
		if (unlinkat(dirfd, FILE_NAME, 0) && errno != ENOENT)
			return cfd_fail_errno(err, -errno, "cannot remove %s", FILE_NAME);
		return 0;
	}
	if (cfd_buf_add_string(&buf, "{") || add_one("exec", &exemptions->exec, &buf) ||
	    add_one("net", &exemptions->net, &buf) || cfd_buf_add_string(&buf, "}\n"))
		return cfd_fail_memory(err, "exemptions");
	return cfd_fd_write_file(dirfd, FILE_NAME, buf.data, buf.length, 0600, true, err);
}

void cfd_exemptions_release(struct cfd_exemptions *exemptions)
{
	free(exemptions->exec.reason);
	free(exemptions->net.reason);
	*exemptions = (struct cfd_exemptions){0};
}
