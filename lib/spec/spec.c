/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a config.json against the table of lib/spec/schema.c, and questions about what was read. */
#include "lib/spec/spec.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/spec/schema.h"
#include "lib/spec/view.h"

#include <errno.h>
#include <string.h>

#define UNKNOWN_LISTED 100 /* keys that are listed by their paths */

struct checking {
	struct cfd_json_doc *doc;
	enum cfd_spec_unknown unknown;
	struct cfd_buf list; /* of unknown keys, one on a line */
	size_t listed;
	struct cfd_error *err;
};

static int check(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row);

#define refuse(c, value, ...) cfd_fields_fail((c)->doc, value, cfd_json_name((c)->doc), (c)->err, __VA_ARGS__)

static int refuse_type(struct checking *c, const struct cfd_json *value, enum cfd_json_type expected)
{
	return refuse(c, value, "expected %s, found %s", cfd_json_type_name(expected),
		      cfd_json_type_name(cfd_json_type(value)));
}

static int check_string(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	(void)row;
	return cfd_json_is(value, CFD_JSON_STRING) ? 0 : refuse_type(c, value, CFD_JSON_STRING);
}

static int refuse_string(struct checking *c, const struct cfd_json *value, const char *expected)
{
	CFD_AUTO_BUF struct cfd_buf found = {0};

	if (cfd_buf_add_json(&found, cfd_json_string(value)))
		return cfd_fail_memory(c->err, "a message");
	return refuse(c, value, "expected %s, found %.300s", expected, found.data);
}

static int check_path(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	int r = check_string(c, value, row);

	if (r)
		return r;
	return *cfd_json_string(value) == '/' ? 0 : refuse_string(c, value, "an absolute path");
}

static int check_bool(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	(void)row;
	return cfd_json_is(value, CFD_JSON_BOOL) ? 0 : refuse_type(c, value, CFD_JSON_BOOL);
}

static int check_int(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	int64_t number;

	if (!cfd_json_is(value, CFD_JSON_NUMBER))
		return refuse_type(c, value, CFD_JSON_NUMBER);
	if (cfd_json_int(value, row->min, (int64_t)row->max, &number))
		return refuse(c, value, "expected a whole number from %lld to %lld, found %.40s", (long long)row->min,
			      (long long)row->max, cfd_json_number(value));
	return 0;
}

static int check_uint(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	uint64_t number;

	if (!cfd_json_is(value, CFD_JSON_NUMBER))
		return refuse_type(c, value, CFD_JSON_NUMBER);
	if (cfd_json_uint(value, row->max, &number))
		return refuse(c, value, "expected a whole number from 0 to %llu, found %.40s",
			      (unsigned long long)row->max, cfd_json_number(value));
	return 0;
}

static int check_choice(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	CFD_AUTO_BUF struct cfd_buf list = {0};
	int r = check_string(c, value, row);

	if (r)
		return r;
	for (const char *const *choice = row->choices; *choice; choice++)
		if (cfd_streq(*choice, cfd_json_string(value)))
			return 0;
	for (const char *const *choice = row->choices; *choice && !r; choice++)
		r = cfd_buf_addf(&list, "%s%s", choice == row->choices ? "one of " : ", ", *choice);
	return r ? cfd_fail_memory(c->err, "a message") : refuse_string(c, value, list.data);
}

/* The next character as Go's encoding/json compares keys: ASCII without case, and the two that fold to ASCII letters.
 */
static int folded(const unsigned char **at)
{
	const unsigned char *s = *at;

	if (s[0] == 0xc5 && s[1] == 0xbf) { /* U+017F, long s */
		*at += 2;
		return 's';
	}
	if (s[0] == 0xe2 && s[1] == 0x84 && s[2] == 0xaa) { /* U+212A, Kelvin sign */
		*at += 3;
		return 'k';
	}
	*at += 1;
	return *s >= 'A' && *s <= 'Z' ? *s + ('a' - 'A') : *s;
}

static bool folds_to(const char *key, const char *known)
{
	const unsigned char *a = (const unsigned char *)key, *b = (const unsigned char *)known;

	while (*a && *b)
		if (folded(&a) != folded(&b))
			return false;
	return !*a && !*b;
}

static int list_unknown(struct checking *c, const struct cfd_json *value)
{
	int r = 0;

	c->listed++;
	if (c->listed <= UNKNOWN_LISTED) {
		r = cfd_json_path(value, &c->list);
		r = r ? r : cfd_buf_add(&c->list, "\n", 1);
	} else if (c->listed == UNKNOWN_LISTED + 1) {
		r = cfd_buf_add_string(&c->list, "...\n");
	}
	return r ? cfd_fail_memory(c->err, "the list of unknown keys") : 0;
}

static int unknown_key(struct checking *c, const struct cfd_json *value, const struct cfd_schema_row *rows)
{
	for (; rows->key; rows++)
		if (folds_to(cfd_json_key(value), rows->key))
			return refuse(c, value, "this is not \"%s\" to every parser; write it exactly so", rows->key);
	if (c->unknown == CFD_SPEC_UNKNOWN_STRICT)
		return refuse(c, value, "a key that OCI runtime-spec 1.3.0 does not have for Linux");
	return list_unknown(c, value);
}

static bool is_known(const struct cfd_json *child, void *context)
{
	return cfd_schema_member(context, cfd_json_key(child)) != NULL;
}

static int check_object(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	size_t before = c->listed;

	if (!cfd_json_is(value, CFD_JSON_OBJECT))
		return refuse_type(c, value, CFD_JSON_OBJECT);
	for (size_t i = 0; i < cfd_json_count(value); i++) {
		struct cfd_json *member = cfd_json_member(value, i, NULL);
		const struct cfd_schema_row *known = cfd_schema_member(row, cfd_json_key(member));
		int r = known ? check(c, member, known) : unknown_key(c, member, row->members);

		if (r)
			return r;
	}
	if (c->listed != before)
		cfd_json_filter(value, is_known, (void *)row);
	for (const struct cfd_schema_row *member = row->members; member->key; member++)
		if (member->required && !cfd_json_get(value, member->key))
			return refuse(c, value, "the key \"%s\" is missing", member->key);
	return 0;
}

static int check_unique(struct checking *c, const struct cfd_json *array, const char *key)
{
	for (size_t i = 1; i < cfd_json_count(array); i++) {
		const struct cfd_json *value = cfd_json_get(cfd_json_at(array, i), key);

		for (size_t j = 0; j < i; j++)
			if (cfd_streq(cfd_json_string(value),
				      cfd_json_string(cfd_json_get(cfd_json_at(array, j), key))))
				return refuse(c, value, "\"%s\" for the second time", cfd_json_string(value));
	}
	return 0;
}

static int check_array(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	if (!cfd_json_is(value, CFD_JSON_ARRAY))
		return refuse_type(c, value, CFD_JSON_ARRAY);
	if (cfd_json_count(value) > row->max)
		return refuse(c, value, "%zu elements; at most %llu are accepted", cfd_json_count(value),
			      (unsigned long long)row->max);
	for (size_t i = 0; i < cfd_json_count(value); i++) {
		int r = check(c, cfd_json_at(value, i), row->element);

		if (r)
			return r;
	}
	return row->unique ? check_unique(c, value, row->unique) : 0;
}

static int check_map(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	if (!cfd_json_is(value, CFD_JSON_OBJECT))
		return refuse_type(c, value, CFD_JSON_OBJECT);
	if (cfd_json_count(value) > row->max)
		return refuse(c, value, "%zu keys; at most %llu are accepted", cfd_json_count(value),
			      (unsigned long long)row->max);
	for (size_t i = 0; i < cfd_json_count(value); i++) {
		int r = check(c, cfd_json_member(value, i, NULL), row->element);

		if (r)
			return r;
	}
	return 0;
}

static int check_foreign(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	return refuse(c, value, "configuration for %s; only Linux containers can be judged", row->key);
}

static int check(struct checking *c, struct cfd_json *value, const struct cfd_schema_row *row)
{
	static int (*const checks[])(struct checking * c, struct cfd_json * value, const struct cfd_schema_row *row) = {
		[CFD_SCHEMA_STRING] = check_string, [CFD_SCHEMA_PATH] = check_path,
		[CFD_SCHEMA_BOOL] = check_bool,     [CFD_SCHEMA_INT] = check_int,
		[CFD_SCHEMA_UINT] = check_uint,     [CFD_SCHEMA_CHOICE] = check_choice,
		[CFD_SCHEMA_OBJECT] = check_object, [CFD_SCHEMA_ARRAY] = check_array,
		[CFD_SCHEMA_MAP] = check_map,       [CFD_SCHEMA_FOREIGN] = check_foreign,
	};
	const char *wrong;
	int r = checks[row->kind](c, value, row);

	if (r || !row->wrong)
		return r;
	wrong = row->wrong(value);
	return wrong ? refuse(c, value, "%s", wrong) : 0;
}

static int read_as(const struct cfd_schema_row *schema, struct cfd_json_doc *doc, enum cfd_spec_unknown unknown,
		   struct cfd_spec *ret_spec, struct cfd_error *err)
{
	struct checking c = {.doc = doc, .unknown = unknown, .err = err};
	struct cfd_spec spec = {.doc = doc, .root = cfd_json_root(doc)};
	int r = check(&c, spec.root, schema);

	spec.unknown = c.list;
	if (!r && cfd_spec_view_fill(&spec))
		r = cfd_fail_memory(err, cfd_json_name(doc));
	if (r) {
		cfd_spec_release(&spec);
		return r;
	}
	*ret_spec = spec;
	return 0;
}

int cfd_spec_read(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
		  struct cfd_error *err)
{
	return read_as(&cfd_schema_config, doc, unknown, ret_spec, err);
}

int cfd_spec_read_process(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
			  struct cfd_error *err)
{
	if (cfd_json_wrap(doc, "process"))
		return cfd_fail_memory(err, cfd_json_name(doc));
	return read_as(&cfd_schema_process_alone, doc, unknown, ret_spec, err);
}

int cfd_spec_read_resources(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
			    struct cfd_error *err)
{
	if (cfd_json_wrap(doc, "resources") || cfd_json_wrap(doc, "linux"))
		return cfd_fail_memory(err, cfd_json_name(doc));
	return read_as(&cfd_schema_resources_alone, doc, unknown, ret_spec, err);
}

const struct cfd_spec_namespace *cfd_spec_namespace(const struct cfd_spec *spec, const char *type)
{
	for (size_t i = 0; i < spec->namespace_count; i++)
		if (cfd_streq(spec->namespaces[i].type, type))
			return &spec->namespaces[i];
	return NULL;
}

const char *cfd_spec_annotation(const struct cfd_spec *spec, const char *key)
{
	return cfd_json_string(cfd_json_get(cfd_json_get(spec->root, "annotations"), key));
}

bool cfd_spec_mount_has_option(const struct cfd_spec_mount *mount, const char *option)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (cfd_streq(mount->options.values[i], option))
			return true;
	return false;
}

bool cfd_spec_mount_is_bind(const struct cfd_spec_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (cfd_streq(mount->options.values[i], "rbind") || cfd_streq(mount->options.values[i], "bind"))
			return true;
	return false;
}

bool cfd_spec_devices_denied(const struct cfd_spec *spec)
{
	const struct cfd_spec_device_rule *first = spec->device_rules;

	return spec->device_rule_count && !first->allow && (!first->type || cfd_streq(first->type, "a")) &&
	       first->major < 0 && first->minor < 0 && first->access && strchr(first->access, 'r') &&
	       strchr(first->access, 'w') && strchr(first->access, 'm');
}
