/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/cofferdam/cofferdam.json. */
#include "lib/config.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/trust.h"
#include "lib/json/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char *const need_words[] = {
	[CFD_NEED_REQUIRE] = "require",
	[CFD_NEED_PREFER] = "prefer",
	[CFD_NEED_OFF] = "off",
	NULL,
};

const char *cfd_need_name(enum cfd_need need)
{
	return need <= CFD_NEED_OFF ? need_words[need] : "?";
}

static int read_unknown_image(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			      struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "default", "refuse", field, err);
}

static int read_unknown_keys(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			     struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "warn", "strict", field, err);
}

static int read_rootless(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "refuse", "partial", field, err);
}

/* As useradd(8) lets users be called, since /etc/subuid names users. */
static int read_pool(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		     struct cfd_error *err)
{
	if (!cfd_shape_component(cfd_json_string(value)))
		return cfd_fields_fail(doc, value, file, err, "the owner of a range in /etc/subuid is expected here");
	return cfd_value_replace_string(cfd_json_string(value), field, err);
}

static int read_runtimes(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err)
{
	char **runtimes = field;
	int r = cfd_value_check_list(doc, value, file, CFD_CONFIG_MAX_RUNTIMES, cfd_value_check_path, err);

	if (!r && !cfd_json_count(value))
		r = cfd_fields_fail(doc, value, file, err, "at least one runtime is needed, such as \"/usr/bin/crun\"");
	if (r)
		return r;
	for (size_t i = 0; i < CFD_CONFIG_MAX_RUNTIMES; i++)
		free(cfd_take(runtimes[i]));
	for (size_t i = 0; !r && i < cfd_json_count(value); i++)
		r = cfd_value_replace_string(cfd_json_string(cfd_json_at(value, i)), &runtimes[i], err);
	return r;
}

static int read_hooks_allow(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err)
{
	return cfd_value_replace_strings(doc, value, file, cfd_value_check_path, "", field, err);
}

// clang-format off
static const struct cfd_field userns_fields[] = {
	{ .key = "mode", .kind = CFD_FIELD_CHOICE, .choices = need_words, .offset = offsetof(struct cfd_config, userns) },
	{ .key = "pool", .kind = CFD_FIELD_CUSTOM, .read = read_pool, .offset = offsetof(struct cfd_config, userns_pool) },
};

static const struct cfd_field guard_fields[] = {
	{ .key = "exec", .kind = CFD_FIELD_CHOICE, .choices = need_words, .offset = offsetof(struct cfd_config, guard_exec) },
	{ .key = "net", .kind = CFD_FIELD_CHOICE, .choices = need_words, .offset = offsetof(struct cfd_config, guard_net) },
};

static const struct cfd_field audit_fields[] = {
	{ .key = "file", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_path, .offset = offsetof(struct cfd_config, audit_file) },
	{ .key = "journal", .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_config, audit_journal) },
};

static const struct cfd_field hooks_fields[] = {
	{ .key = "allow", .kind = CFD_FIELD_CUSTOM, .read = read_hooks_allow,
	  .offset = offsetof(struct cfd_config, allowed_hooks) },
};
// clang-format on

/* An object with keys of its own, filled into the one struct. */
#define NESTED(name)                                                                                                   \
	static int read_##name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,  \
			       struct cfd_error *err)                                                                  \
	{                                                                                                              \
		return cfd_fields_read(doc, value, file, name##_fields, CFD_COUNT(name##_fields), field, err);         \
	}

NESTED(userns)
NESTED(guard)
NESTED(audit)
NESTED(hooks)

// clang-format off
static const struct cfd_field config_fields[] = {
	{ .key = "$schema", .kind = CFD_FIELD_IGNORED },
	{ .key = "runtimes", .kind = CFD_FIELD_CUSTOM, .read = read_runtimes, .offset = offsetof(struct cfd_config, runtimes) },
	{ .key = "default_profile", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_name,
	  .offset = offsetof(struct cfd_config, default_profile) },
	{ .key = "unknown_image", .kind = CFD_FIELD_CUSTOM, .read = read_unknown_image,
	  .offset = offsetof(struct cfd_config, refuse_unknown_image) },
	{ .key = "unknown_keys", .kind = CFD_FIELD_CUSTOM, .read = read_unknown_keys,
	  .offset = offsetof(struct cfd_config, strict_keys) },
	{ .key = "userns", .kind = CFD_FIELD_CUSTOM, .read = read_userns },
	{ .key = "guard", .kind = CFD_FIELD_CUSTOM, .read = read_guard },
	{ .key = "audit", .kind = CFD_FIELD_CUSTOM, .read = read_audit },
	{ .key = "hooks", .kind = CFD_FIELD_CUSTOM, .read = read_hooks },
	{ .key = "rootless", .kind = CFD_FIELD_CUSTOM, .read = read_rootless,
	  .offset = offsetof(struct cfd_config, rootless_partial) },
};
// clang-format on

/* The strict values; the enums' zeros are their `require`. */
static int fill_defaults(struct cfd_config *config, struct cfd_error *err)
{
	static const struct {
		size_t offset;
		const char *text;
	} strings[] = {
		{offsetof(struct cfd_config, runtimes[0]), "/usr/bin/crun"},
		{offsetof(struct cfd_config, runtimes[1]), "/usr/bin/runc"},
		{offsetof(struct cfd_config, runtimes[2]), "/usr/sbin/runc"},
		{offsetof(struct cfd_config, default_profile), "default"},
		{offsetof(struct cfd_config, userns_pool), "cofferdam"},
		{offsetof(struct cfd_config, audit_file), "/var/log/cofferdam/audit.jsonl"},
	};
	int r = 0;

	config->audit_journal = true;
	for (size_t i = 0; !r && i < CFD_COUNT(strings); i++)
		r = cfd_value_replace_string(strings[i].text, (char **)((char *)config + strings[i].offset), err);
	return r;
}

static int read_text(const char *path, const struct cfd_buf *text, struct cfd_config *config, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	const struct cfd_json_options options = {
		.name = path, .max_bytes = CFD_CONFIG_MAX_BYTES, .allow_comments = true};
	int r = cfd_json_parse(text->data ? text->data : "", text->length, &options, &doc, err);

	if (r)
		return r;
	return cfd_fields_read(doc, cfd_json_root(doc), path, config_fields, CFD_COUNT(config_fields), config, err);
}

int cfd_config_read(const char *path, struct cfd_config *ret_config, struct cfd_error *err)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = fill_defaults(&config, err);

	if (r)
		return r;
	r = cfd_trust_read(AT_FDCWD, path, path, CFD_CONFIG_MAX_BYTES, &text, err);
	if (r == -ENOENT)
		r = 0;
	else if (!r)
		r = read_text(path, &text, &config, err);
	if (r)
		return r;
	*ret_config = config;
	config = (struct cfd_config){0};
	return 0;
}

void cfd_config_release(struct cfd_config *config)
{
	for (size_t i = 0; i < CFD_CONFIG_MAX_RUNTIMES; i++)
		free(config->runtimes[i]);
	free(config->default_profile);
	free(config->userns_pool);
	free(config->audit_file);
	cfd_strings_free(config->allowed_hooks);
	*config = (struct cfd_config){0};
}
