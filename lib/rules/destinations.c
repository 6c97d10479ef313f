/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which mounts lie at, beneath and above which others.
 *
 * Sorted with '/' as the smallest character, a directory stands directly before all that lies beneath it. So one pass
 * with a stack of the directories above sees, for each place, the first mount above it (on the way down) and the first
 * beneath it (when it leaves the stack).
 */
#include "lib/rules/destinations.h"

#include "lib/path.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct place { /* one clean path, with the mounts at it */
	const char *path;
	size_t first; /* mount there */
	size_t beneath, covering;
	struct place *above; /* the nearest place above it */
};

struct cfd_destinations {
	struct cfd_destination *values;
	char **copies; /* of paths that had to be cleaned; by mount */
	size_t count;
	struct place *places;
	size_t place_count;
	struct place **place_of; /* by mount */
};

void cfd_destinations_freep(struct cfd_destinations **destinations)
{
	struct cfd_destinations *d = cfd_take(*destinations);

	if (!d)
		return;
	for (size_t i = 0; d->copies && i < d->count; i++)
		free(d->copies[i]);
	free(d->copies);
	free(d->values);
	free(d->places);
	free(d->place_of);
	free(d);
}

const struct cfd_destination *cfd_destinations_at(const struct cfd_destinations *destinations, size_t mount)
{
	static const struct cfd_destination none = {
		.same = CFD_DESTINATION_NONE, .beneath = CFD_DESTINATION_NONE, .covering = CFD_DESTINATION_NONE};

	return mount < destinations->count ? &destinations->values[mount] : &none;
}

/* The clean path: what is there already, unless something has to be taken out of it. */
static int clean(struct cfd_destinations *d, size_t mount, const char *path, struct cfd_error *err)
{
	char cleaned[CFD_PATH_MAX];

	d->values[mount] = *cfd_destinations_at(d, SIZE_MAX);
	if (cfd_path_clean(path, cleaned))
		return 0;
	if (!cfd_streq(cleaned, path)) {
		d->copies[mount] = strdup(cleaned);
		if (!d->copies[mount])
			return cfd_fail_memory(err, "mount destinations");
	}
	d->values[mount].path = d->copies[mount] ? d->copies[mount] : path;
	return 0;
}

/* '/' before everything else. */
static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

struct sorted {
	const char *path;
	size_t mount;
};

static int compare(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int order = compare_paths(x->path, y->path);

	return order ? order : x->mount < y->mount ? -1 : 1;
}

/* A place for each path; mounts of the same path share it. */
static void collect_places(struct cfd_destinations *d, const struct sorted *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct place *last = d->place_count ? &d->places[d->place_count - 1] : NULL;

		if (!last || !cfd_streq(last->path, sorted[i].path)) {
			last = &d->places[d->place_count++];
			*last = (struct place){.path = sorted[i].path,
					       .first = sorted[i].mount,
					       .beneath = CFD_DESTINATION_NONE,
					       .covering = sorted[i].mount};
		}
		d->place_of[sorted[i].mount] = last;
	}
}

static size_t lower(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Its place's directory has seen what lies beneath. */
static void leave(const struct place *place)
{
	if (place->above)
		place->above->beneath = lower(place->above->beneath, lower(place->beneath, place->first));
}

static void relate_places(struct cfd_destinations *d)
{
	struct place *top = NULL;

	for (size_t i = 0; i < d->place_count; i++) {
		struct place *place = &d->places[i];

		for (; top && !cfd_path_beneath(place->path, top->path); top = top->above)
			leave(top);
		place->above = top;
		if (top)
			place->covering = lower(place->covering, top->covering);
		top = place;
	}
	for (; top; top = top->above)
		leave(top);
}

static int find(struct cfd_destinations *d, struct cfd_error *err)
{
	CFD_AUTO_FREE struct sorted *sorted = calloc(d->count + 1, sizeof(*sorted));
	size_t count = 0;

	d->places = calloc(d->count + 1, sizeof(*d->places));
	d->place_of = calloc(d->count + 1, sizeof(struct place *));
	if (!sorted || !d->places || !d->place_of)
		return cfd_fail_memory(err, "mount destinations");
	for (size_t i = 0; i < d->count; i++)
		if (d->values[i].path)
			sorted[count++] = (struct sorted){.path = d->values[i].path, .mount = i};
	qsort(sorted, count, sizeof(*sorted), compare);
	collect_places(d, sorted, count);
	relate_places(d);
	for (size_t i = 0; i < d->count; i++) {
		const struct place *place = d->place_of[i];

		if (!place)
			continue;
		d->values[i].same = place->first;
		d->values[i].beneath = place->beneath;
		d->values[i].covering = place->covering;
	}
	return 0;
}

int cfd_destinations_find(const struct cfd_spec *spec, struct cfd_destinations **ret_destinations,
			  struct cfd_error *err)
{
	CFD_AUTO(cfd_destinations_freep) struct cfd_destinations *d = calloc(1, sizeof(*d));
	int r = 0;

	if (!d)
		return cfd_fail_memory(err, "mount destinations");
	d->values = calloc(spec->mount_count + 1, sizeof(*d->values));
	d->copies = calloc(spec->mount_count + 1, sizeof(char *));
	if (!d->values || !d->copies)
		return cfd_fail_memory(err, "mount destinations");
	d->count = spec->mount_count;
	for (size_t i = 0; !r && i < d->count; i++)
		r = clean(d, i, spec->mounts[i].destination, err);
	if (!r)
		r = find(d, err);
	if (!r)
		*ret_destinations = cfd_take(d);
	return r;
}
