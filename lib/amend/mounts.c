/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the mounts and devices that lib/userns/idmap.c prepared into the document. */
#include "lib/amend/mounts.h"
#include "lib/userns/idmap.h"
#include "lib/json/json.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of a mount that was no bind: what a bind mount understands too, mount(8). */
static const char *const bind_options[] = {
	"bind",       "rbind",    "ro",         "nosuid",      "nodev",         "noexec",      "noatime",
	"nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "nosymfollow",
};

static bool is_bind_option(const struct cfd_json *child, void *context)
{
	(void)context;
	for (size_t i = 0; i < CFD_COUNT(bind_options); i++)
		if (cfd_streq(cfd_json_string(child), bind_options[i]))
			return true;
	return false;
}

static bool is_not_rro(const struct cfd_json *child, void *context)
{
	(void)context;
	return !cfd_streq(cfd_json_string(child), "rro");
}

/* All inside comes along, and is read-only or not by itself; what the source brought along is so already. */
static int carry(const struct cfd_amend *a, const struct cfd_spec_mount *was, struct cfd_json *options)
{
	cfd_json_filter(options, is_not_rro, NULL);
	if (cfd_spec_mount_has_option(was, "rro") && !cfd_spec_mount_has_option(was, "ro") &&
	    cfd_json_append(a->doc, options, cfd_json_new_string(a->doc, "ro")))
		return -ENOMEM;
	if (cfd_spec_mount_has_option(was, "rbind"))
		return 0;
	return cfd_json_insert(a->doc, options, 0, cfd_json_new_string(a->doc, "rbind"));
}

static int replace_mount(const struct cfd_amend *a, struct cfd_json *mount, const struct cfd_idmap_mount *by)
{
	const struct cfd_spec_mount *was = &a->spec->mounts[by->index];
	struct cfd_json *options = cfd_json_want_array(a->doc, mount, "options");
	int r = options ? 0 : cfd_amend_memory(a);

	if (!r)
		r = cfd_amend_path(a, mount, "source", by->source);
	if (r)
		return r;
	if (by->carries && carry(a, was, options))
		return cfd_amend_memory(a);
	if (by->clear_type) {
		/* crun dereferences the type of every mount when an ipc or pid namespace is joined. */
		if (cfd_json_set(a->doc, mount, "type", cfd_json_new_string(a->doc, "bind")))
			return cfd_amend_memory(a);
		cfd_json_filter(options, is_bind_option, NULL);
	}
	if (!cfd_spec_mount_is_bind(was) && cfd_json_insert(a->doc, options, 0, cfd_json_new_string(a->doc, "bind")))
		return cfd_amend_memory(a);
	return 0;
}

/* A source that the runtime would look up by name again could be another one by then. */
static int check_binds(const struct cfd_amend *a)
{
	const struct cfd_idmap_result *result = a->decision->mounts;
	CFD_AUTO_FREE bool *prepared = calloc(a->spec->mount_count + 1, sizeof(*prepared));

	if (!prepared)
		return cfd_amend_memory(a);
	for (size_t i = 0; i < result->mount_count; i++)
		if (result->mounts[i].index < a->spec->mount_count)
			prepared[result->mounts[i].index] = true;
	for (size_t i = 0; i < a->spec->mount_count; i++)
		if (cfd_spec_mount_is_bind(&a->spec->mounts[i]) && !prepared[i])
			return cfd_fail(a->err, -EINVAL, "mounts[%zu] is a bind mount that was not prepared", i);
	return 0;
}

static int replace_mounts(const struct cfd_amend *a, const struct cfd_json *mounts)
{
	const struct cfd_idmap_result *result = a->decision->mounts;

	for (size_t i = 0; i < result->mount_count; i++) {
		struct cfd_json *mount = cfd_json_at(mounts, result->mounts[i].index);
		int r;

		if (!mount || result->mounts[i].index >= a->spec->mount_count)
			return cfd_fail(a->err, -EINVAL, "mounts[%zu] was prepared and is not in config.json",
					result->mounts[i].index);
		r = result->mounts[i].nested ? 0 : replace_mount(a, mount, &result->mounts[i]);
		if (r)
			return r;
	}
	return 0;
}

struct nested {
	bool *is_nested; /* by index of spec->mounts */
	size_t count, next;
};

static bool is_not_nested(const struct cfd_json *child, void *context)
{
	struct nested *nested = context;
	size_t index = nested->next++;

	(void)child;
	return index >= nested->count || !nested->is_nested[index];
}

static int remove_nested(const struct cfd_amend *a, struct cfd_json *mounts)
{
	const struct cfd_idmap_result *result = a->decision->mounts;
	CFD_AUTO_FREE bool *is_nested = calloc(a->spec->mount_count + 1, sizeof(*is_nested));
	struct nested nested = {.is_nested = is_nested, .count = a->spec->mount_count};

	if (!is_nested)
		return cfd_amend_memory(a);
	for (size_t i = 0; i < result->mount_count; i++)
		is_nested[result->mounts[i].index] |= result->mounts[i].nested;
	cfd_json_filter(mounts, is_not_nested, &nested);
	return 0;
}

/* A bind of the prepared node at the device's path. */
static int add_device_mount(const struct cfd_amend *a, struct cfd_json *mounts, const char *path, const char *source)
{
	static const char *const options[] = {"bind", "nosuid", "noexec"};
	struct cfd_json *mount = cfd_json_new_object(a->doc), *list = cfd_json_new_array(a->doc);
	int r = cfd_amend_path(a, mount, "destination", path);

	if (!r && cfd_json_set(a->doc, mount, "type", cfd_json_new_string(a->doc, "bind")))
		r = cfd_amend_memory(a);
	if (!r)
		r = cfd_amend_path(a, mount, "source", source);
	if (r)
		return r;
	for (size_t i = 0; i < CFD_COUNT(options); i++)
		if (cfd_json_append(a->doc, list, cfd_json_new_string(a->doc, options[i])))
			return cfd_amend_memory(a);
	if (cfd_json_set(a->doc, mount, "options", list) || cfd_json_append(a->doc, mounts, mount))
		return cfd_amend_memory(a);
	return 0;
}

static const struct cfd_idmap_device *find_device(const struct cfd_idmap_result *result, size_t index)
{
	for (size_t i = 0; i < result->device_count; i++)
		if (result->devices[i].index == index)
			return &result->devices[i];
	return NULL;
}

static int replace_devices(const struct cfd_amend *a, struct cfd_json *mounts)
{
	const struct cfd_idmap_result *result = a->decision->mounts;
	const struct cfd_json *devices = cfd_json_get(a->linux_part, "devices");
	struct cfd_json *kept = cfd_json_new_array(a->doc);
	size_t replaced = 0;

	for (size_t i = 0; i < cfd_json_count(devices); i++) {
		const struct cfd_json *device = cfd_json_at(devices, i);
		const struct cfd_idmap_device *by = find_device(result, i);
		int r;

		if (by) {
			r = add_device_mount(a, mounts, cfd_json_string(cfd_json_get(device, "path")), by->source);
			replaced++;
		} else {
			r = cfd_json_append(a->doc, kept, cfd_json_copy(a->doc, device)) ? cfd_amend_memory(a) : 0;
		}
		if (r)
			return r;
	}
	if (replaced != result->device_count)
		return cfd_fail(a->err, -EINVAL, "a device was prepared that linux.devices does not have");
	if (replaced && cfd_json_set(a->doc, a->linux_part, "devices", kept))
		return cfd_amend_memory(a);
	return 0;
}

/*
 * With rbind, `ro` is for the topmost mount alone, and what is mounted beneath stays writable (mount_setattr(2),
 * without AT_RECURSIVE). What was judged read-only becomes that.
 */
static int read_only_throughout(const struct cfd_amend *a, const struct cfd_json *mounts)
{
	for (size_t i = 0; i < a->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &a->spec->mounts[i];
		struct cfd_json *options = cfd_json_get(cfd_json_at(mounts, i), "options");

		if (!cfd_spec_mount_has_option(mount, "rbind") || !cfd_spec_mount_has_option(mount, "ro") ||
		    cfd_spec_mount_has_option(mount, "rro"))
			continue;
		if (cfd_json_append(a->doc, options, cfd_json_new_string(a->doc, "rro")))
			return cfd_amend_memory(a);
	}
	return 0;
}

static bool is_not_exec(const struct cfd_json *child, void *context)
{
	const char *option = cfd_json_string(child);

	(void)context;
	return !cfd_streq(option, "exec") && !cfd_streq(option, "rexec");
}

/* rnoexec, mount_setattr(2) with AT_RECURSIVE, is for what a bind brings along. */
static int add_noexec(const struct cfd_amend *a, const struct cfd_spec_mount *was, struct cfd_json *options)
{
	const char *words[] = {"noexec", cfd_spec_mount_is_bind(was) ? "rnoexec" : NULL};

	cfd_json_filter(options, is_not_exec, NULL);
	for (size_t i = 0; i < CFD_COUNT(words); i++)
		if (words[i] && !cfd_spec_mount_has_option(was, words[i]) &&
		    cfd_json_append(a->doc, options, cfd_json_new_string(a->doc, words[i])))
			return cfd_amend_memory(a);
	return 0;
}

/* The mounts are still in the places that the spec knows them by. */
static int forbid_execution(const struct cfd_amend *a, const struct cfd_json *mounts)
{
	int r = 0;

	for (size_t i = 0; !r && a->decision->noexec && i < a->spec->mount_count; i++) {
		const struct cfd_spec_mount *was = &a->spec->mounts[i];
		struct cfd_json *options = cfd_json_want_array(a->doc, cfd_json_at(mounts, i), "options");

		if (!options)
			return cfd_amend_memory(a);
		if (!cfd_spec_mount_has_option(was, "ro") && !cfd_spec_mount_has_option(was, "rro"))
			r = add_noexec(a, was, options);
	}
	return r;
}

int cfd_amend_mounts(const struct cfd_amend *a)
{
	struct cfd_json *mounts = cfd_json_want_array(a->doc, a->spec->root, "mounts");
	int r;

	if (!mounts)
		return cfd_amend_memory(a);
	r = read_only_throughout(a, mounts);
	if (!r)
		r = forbid_execution(a, mounts);
	if (r || !a->decision->mounts)
		return r;
	r = check_binds(a);
	if (!r)
		r = replace_mounts(a, mounts);
	if (!r)
		r = remove_nested(a, mounts);
	return r ? r : replace_devices(a, mounts);
}
