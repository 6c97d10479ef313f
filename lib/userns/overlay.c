/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a mounted overlay.
 *
 * Three languages lie on top of each other. mountinfo separates options with commas and writes those inside of a value
 * as \054; only an SELinux context is in quotes instead. Inside of lowerdir= a colon separates layers, "::" comes
 * before data-only layers, and a backslash makes the next character literal (Documentation/filesystems/overlayfs.rst).
 * Since 6.8 a layer may also stand alone, as lowerdir+=.
 */
#include "lib/userns/overlay.h"
#include "lib/mountinfo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum treatment {
	LOWER,     /* layers, separated by colons */
	LOWER_ONE, /* one layer */
	UPPER,
	WORK,
	COPY,   /* must be said again */
	OFF,    /* must be said again, as off */
	DROP,   /* says nothing about the overlay's content */
	REFUSE, /* data-only layers */
};

// clang-format off
static const struct {
	const char *name; /* with its `=` when it has a value */
	enum treatment treatment;
} known[] = { /* ovl_parameter_spec in fs/overlayfs/params.c, and what the VFS and SELinux show */
	{ "lowerdir=",        LOWER },
	{ "lowerdir+=",       LOWER_ONE },
	{ "datadir+=",        REFUSE },
	{ "upperdir=",        UPPER },
	{ "workdir=",         WORK },
	{ "redirect_dir=",    COPY },
	{ "metacopy=",        COPY },
	{ "verity=",          COPY },
	{ "xino=",            COPY },
	{ "uuid=",            COPY },
	{ "fsync=",           COPY },
	{ "volatile",         COPY },
	{ "userxattr",        COPY },
	{ "default_permissions", COPY },
	{ "index=",           DROP }, /* add_index */
	{ "nfs_export=",      OFF },
	{ "context=",         COPY },
	{ "fscontext=",       COPY },
	{ "defcontext=",      COPY },
	{ "rootcontext=",     COPY },
	{ "seclabel",         DROP },
	{ "rw",               DROP },
	{ "ro",               DROP },
	{ "lazytime",         DROP },
};
// clang-format on

static int add_lower(struct cfd_overlay *overlay, const char *path, size_t length, struct cfd_error *err)
{
	char **lowers;

	if (!length || length >= PATH_MAX)
		return cfd_fail(err, -EINVAL, "a lower layer has a path of %zu bytes", length);
	if (overlay->lower_count == CFD_OVERLAY_MAX_LOWERS)
		return cfd_fail(err, -E2BIG, "there are more than %d lower layers", CFD_OVERLAY_MAX_LOWERS);
	lowers = reallocarray(overlay->lowers, overlay->lower_count + 1, sizeof(*lowers));
	if (!lowers)
		return cfd_fail_memory(err, "the layers of an overlay");
	overlay->lowers = lowers;
	lowers[overlay->lower_count] = strndup(path, length);
	if (!lowers[overlay->lower_count])
		return cfd_fail_memory(err, "the layers of an overlay");
	overlay->lower_count++;
	return 0;
}

/* Cuts at colons; a backslash takes the character behind it as it is. Works in place. */
static int add_lowers(struct cfd_overlay *overlay, char *value, struct cfd_error *err)
{
	char *start = value, *out = value;

	for (const char *in = value;; in++) {
		if (*in == '\\' && in[1]) {
			*out++ = *++in;
			continue;
		}
		if (*in && *in != ':') {
			*out++ = *in;
			continue;
		}
		if (out == start && in > value)
			return cfd_fail(
				err, -EOPNOTSUPP,
				"it has data-only lower layers (`::`, as composefs uses), which cannot be idmapped");
		int r = add_lower(overlay, start, (size_t)(out - start), err);

		if (r || !*in)
			return r;
		start = out;
	}
}

static void drop_backslashes(char *value)
{
	char *out = value;

	for (const char *in = value; *in; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*out = '\0';
}

static int set_directory(char **ret_path, const char *name, char *value, struct cfd_error *err)
{
	if (*ret_path)
		return cfd_fail(err, -EINVAL, "it has two options %s", name);
	if (strlen(value) >= PATH_MAX)
		return cfd_fail(err, -ENAMETOOLONG, "%s has a path of %zu bytes", name, strlen(value));
	drop_backslashes(value);
	*ret_path = strdup(value);
	return *ret_path ? 0 : cfd_fail_memory(err, "the directories of an overlay");
}

static int copy_option(struct cfd_buf *options, const char *name, const char *value, struct cfd_error *err)
{
	/* A comma in there would be read as the start of another option, unless SELinux's quotes are around it. */
	if (strpbrk(value, ",\\") && value[0] != '"')
		return cfd_fail(err, -EINVAL, "the value of its option %s has a comma or a backslash", name);
	return cfd_buf_addf(options, ",%s%s", name, value) ? cfd_fail_memory(err, "the options of an overlay") : 0;
}

/* `value` is what follows the `=`, unescaped, and may be changed. */
static int take_option(struct cfd_overlay *overlay, struct cfd_buf *options, size_t row, char *value,
		       struct cfd_error *err)
{
	const char *name = known[row].name;

	switch (known[row].treatment) {
	case LOWER:
		if (overlay->lower_count)
			return cfd_fail(err, -EINVAL, "it has two options lowerdir");
		return add_lowers(overlay, value, err);
	case LOWER_ONE:
		return add_lower(overlay, value, strlen(value), err);
	case UPPER:
		return set_directory(&overlay->upper, name, value, err);
	case WORK:
		return set_directory(&overlay->work, name, value, err);
	case COPY:
		return copy_option(options, name, value, err);
	case OFF:
		return copy_option(options, name, "off", err);
	case DROP:
		return 0;
	case REFUSE:
		break;
	}
	return cfd_fail(err, -EOPNOTSUPP, "it has data-only lower layers (%s), which cannot be idmapped", name);
}

static int find_row(const char *option, size_t *ret_row)
{
	for (size_t i = 0; i < CFD_COUNT(known); i++) {
		bool has_value = cfd_ends_with(known[i].name, "=");

		if (has_value ? cfd_starts_with(option, known[i].name) : cfd_streq(option, known[i].name)) {
			*ret_row = i;
			return 0;
		}
	}
	return -ENOENT;
}

static int parse_option(struct cfd_overlay *overlay, struct cfd_buf *options, char *option, struct cfd_error *err)
{
	size_t row;

	if (find_row(option, &row))
		return cfd_fail(err, -EINVAL, "its option `%.64s` is not known to this version of cofferdam", option);
	option += strlen(known[row].name);
	if (cfd_mountinfo_unescape(option))
		return cfd_fail(err, -EINVAL, "the value of its option %s is not escaped as in mountinfo",
				known[row].name);
	return take_option(overlay, options, row, option, err);
}

/* Where the option ends: at a comma that is not in the quotes of an SELinux context. */
static char *option_end(char *option)
{
	char *end = strchrnul(option, ','), *quote = strstr(option, "=\"");

	if (quote && quote < end) {
		quote = strchr(quote + 2, '"');
		end = quote ? strchrnul(quote, ',') : strchrnul(option, '\0');
	}
	return end;
}

static int parent_of(const char *path, char **ret_parent, struct cfd_error *err)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));

	if (!parent)
		return cfd_fail_memory(err, "the directories of an overlay");
	*ret_parent = parent;
	return 0;
}

/* `directory`/`*path`, unless there is none or it is absolute. */
static int put_below(const char *directory, char **path, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf joined = {0};

	if (!*path || (*path)[0] == '/')
		return 0;
	if (cfd_buf_addf(&joined, "%s/%s", cfd_streq(directory, "/") ? "" : directory, *path))
		return cfd_fail_memory(err, "the directories of an overlay");
	free(*path);
	*path = cfd_take(joined.data);
	return 0;
}

/* The kernel does not tell from where relative paths start. HOME/ID/merged with ID/diff does. */
static int find_home(struct cfd_overlay *overlay, const char *mount_point, struct cfd_error *err)
{
	const char *first = overlay->upper ? overlay->upper : overlay->lowers[0], *id;
	CFD_AUTO_FREE char *directory = NULL;
	int r;

	if (first[0] == '/')
		return 0;
	r = parent_of(mount_point, &directory, err);
	if (r)
		return r;
	id = strrchr(directory, '/') + 1;
	if (!*id || strncmp(first, id, strlen(id)) || first[strlen(id)] != '/')
		return cfd_fail(err, -EOPNOTSUPP,
				"its layer %s is relative to a directory that the kernel does not tell, and that is "
				"not where podman and Docker would have it",
				first);
	r = parent_of(directory, &overlay->base, err);
	if (!r)
		r = put_below(overlay->base, &overlay->upper, err);
	return r ? r : put_below(overlay->base, &overlay->work, err);
}

static int escape_name(const char *name, char **ret_name, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = 0;

	for (const char *c = name; !r && *c; c++)
		r = cfd_buf_addf(&text, "%s%c", strchr(",:\\", *c) ? "\\" : "", *c);
	if (r)
		return cfd_fail_memory(err, "the directories of an overlay");
	*ret_name = cfd_take(text.data);
	return 0;
}

/* Upper and work have to be reached through one mount, so the directory that holds both is what is cloned. */
static int find_parents(struct cfd_overlay *overlay, struct cfd_error *err)
{
	const char *slash = strrchr(overlay->upper, '/');
	size_t length = (size_t)(slash - overlay->upper);
	const char *inside = overlay->work + length + 1;
	int r;

	if (!length || !slash[1] || strlen(overlay->work) < length + 2 ||
	    strncmp(overlay->work, overlay->upper, length + 1) || strchr(inside, '/') || cfd_streq(inside, slash + 1))
		return cfd_fail(err, -EINVAL, "its upperdir %s and workdir %s are not two directories in one",
				overlay->upper, overlay->work);
	r = escape_name(slash + 1, &overlay->upper_name, err);
	return r ? r : parent_of(overlay->upper, &overlay->upper_parent, err);
}

static int find_base(struct cfd_overlay *overlay, struct cfd_error *err)
{
	const char *relative = NULL;

	for (size_t i = 0; i < overlay->lower_count && !relative; i++)
		if (overlay->lowers[i][0] != '/')
			relative = overlay->lowers[i];
	if (!relative || overlay->base)
		return 0;
	if (!overlay->upper)
		return cfd_fail(
			err, -EOPNOTSUPP,
			"its lower layer %s is relative to a directory that the kernel does not tell, as there is no "
			"upperdir beside it",
			relative);
	return parent_of(overlay->upper_parent, &overlay->base, err);
}

static int check(struct cfd_overlay *overlay, const char *mount_point, struct cfd_error *err)
{
	int r;

	if (!overlay->lower_count)
		return cfd_fail(err, -EINVAL, "it has no lower layer");
	if (!overlay->upper != !overlay->work)
		return cfd_fail(err, -EINVAL, "it has only one of upperdir and workdir");
	r = find_home(overlay, mount_point, err);
	if (!r && overlay->upper)
		r = find_parents(overlay, err);
	return r ? r : find_base(overlay, err);
}

/* Shown only where it is not the kernel's default, so what is not shown may be `on`. */
static int add_index(const struct cfd_overlay *overlay, struct cfd_buf *options, struct cfd_error *err)
{
	return overlay->upper ? copy_option(options, "index=", "off", err) : 0;
}

int cfd_overlay_parse(const char *super_options, const char *mount_point, struct cfd_overlay *ret_overlay,
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_overlay_release) struct cfd_overlay overlay = {0};
	CFD_AUTO_BUF struct cfd_buf options = {0};
	CFD_AUTO_FREE char *text = strdup(super_options);
	int r = 0;

	if (!text || cfd_buf_add_string(&options, ""))
		return cfd_fail_memory(err, "the options of an overlay");
	for (char *option = text; !r && *option;) {
		char *end = option_end(option);
		bool last = !*end;

		*end = '\0';
		r = parse_option(&overlay, &options, option, err);
		option = last ? end : end + 1;
	}
	if (!r)
		r = check(&overlay, mount_point, err);
	if (!r)
		r = add_index(&overlay, &options, err);
	if (r)
		return r;
	overlay.options = options.data ? cfd_take(options.data) : strdup("");
	if (!overlay.options)
		return cfd_fail_memory(err, "the options of an overlay");
	*ret_overlay = overlay;
	overlay = (struct cfd_overlay){0};
	return 0;
}

void cfd_overlay_release(struct cfd_overlay *overlay)
{
	for (size_t i = 0; i < overlay->lower_count; i++)
		free(overlay->lowers[i]);
	free(overlay->lowers);
	free(overlay->upper);
	free(overlay->work);
	free(overlay->upper_parent);
	free(overlay->upper_name);
	free(overlay->base);
	free(overlay->options);
	*overlay = (struct cfd_overlay){0};
}
