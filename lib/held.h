/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules have judged, held open. A name can mean something else a moment later; a descriptor cannot. So what is
 * judged by descriptor is also mounted and joined by that descriptor.
 */
#ifndef CFD_HELD_H
#define CFD_HELD_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_spec;

struct cfd_held {
	int *sources; /* by index of spec->mounts, O_PATH; -1: no bind, or nothing that the rules could resolve */
	size_t source_count;
	int *namespaces; /* by index of spec->namespaces, readable; -1: a new one, or no namespace is at the path */
	size_t namespace_count;
	char **places; /* by index of spec->mounts: where it goes, by the links of the image; NULL: not known */
	/* Finds the places: slots of an open hash table hold an index + 1, `earlier` the one before at the same place.
	 */
	size_t *slots, *earlier;
	size_t slot_count; /* a power of two */
};

#define CFD_HELD_NONE SIZE_MAX

/* Room for each mount and namespace, and nothing open yet. Zero-initialise the struct; release it in any case. */
int cfd_held_init(struct cfd_held *held, const struct cfd_spec *spec, struct cfd_error *err);

/* Opens the namespaces that are given by path. One that is none, or cannot be opened, stays -1: that is for a rule. */
int cfd_held_open_namespaces(struct cfd_held *held, const struct cfd_spec *spec, struct cfd_error *err);

/*
 * Opens by name, relative to the bundle (absolute) as a runtime would, each source that no rule has resolved: one that
 * an exception or the profile's mode lets pass for all that. From here on it is held as well. -ENOENT: there is none;
 * -EINVAL: a path of linux.namespaces is no namespace.
 */
int cfd_held_open_rest(struct cfd_held *held, const struct cfd_spec *spec, const char *bundle, struct cfd_error *err);

/* Notes the place of a mount, once, in the order of spec->mounts. 0 or -ENOMEM. */
int cfd_held_place(struct cfd_held *held, size_t mount, const char *place, struct cfd_error *err);
/* The last mount noted at that very place, or CFD_HELD_NONE. */
size_t cfd_held_at(const struct cfd_held *held, const char *place);

/*
 * The nearest of the earlier mounts in which the mount has its place: an index, or `mount` itself when there is none
 * (or places are not known).
 */
size_t cfd_held_cover(const struct cfd_held *held, size_t mount);

void cfd_held_release(struct cfd_held *held);

#endif
