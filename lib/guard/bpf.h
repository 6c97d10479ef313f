/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lib/guard/load.c and lib/guard/attach.c ask of libbpf, in words without its types. Implemented in
 * lib/guard/guard.c, the only file that knows it.
 *
 * A set is a directory below CFD_GUARD_PINS with the pins of all maps and of the programs of some halves.
 */
#ifndef CFD_GUARD_BPF_H
#define CFD_GUARD_BPF_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_guard_state;

enum cfd_guard_half {                                   /* bits */
		      CFD_GUARD_DESTINATIONS = 1u << 0, /* cgroup sock_addr and skb: no LSM needed */
		      CFD_GUARD_SOCKETS = 1u << 1,      /* LSM: connect, create, listen, sockets received */
		      CFD_GUARD_FILES = 1u << 2,        /* LSM: exec, mmap, mprotect; with either of the two: bpf */
		      /* LSM, beside SOCKETS, for containers in the host's network namespace only: a hook more */
		      CFD_GUARD_HOST_NET = 1u << 3,
		      /* LSM: ptrace, for containers that share a pid namespace; the tenth and last hook */
		      CFD_GUARD_TRACES = 1u << 4,
		      CFD_GUARD_ANSWERS = 1u << 5, /* cgroup skb: for containers that follow a name */
		      CFD_GUARD_LSM = CFD_GUARD_SOCKETS | CFD_GUARD_FILES | CFD_GUARD_HOST_NET | CFD_GUARD_TRACES,
		      CFD_GUARD_ALL = CFD_GUARD_DESTINATIONS | CFD_GUARD_ANSWERS | CFD_GUARD_LSM,
};

/* The name of this version's set: a hash of the programs. */
const char *cfd_guard_bpf_set(void);

/* How many LSM hooks the programs of an ordinary container take up, of those that the kernel has. */
size_t cfd_guard_bpf_hooks(void);

/* Loads the programs of these halves and pins them, with the maps, into the set, a directory that exists and is empty.
 */
int cfd_guard_bpf_load(unsigned halves, const char *set, struct cfd_error *err);

/* The halves that the set has every pin of; 0 when a map is missing. What cannot be looked at is an error, not missing.
 */
int cfd_guard_bpf_halves(int pins, const char *set, unsigned *ret_halves, struct cfd_error *err);

/* Opens a pin. -ENOENT: it is not there. */
int cfd_guard_bpf_open(const char *set, const char *name, int *ret_fd, struct cfd_error *err);

/*
 * The same for a map whose id is known (0: it is not), in half the time. While the pin holds it the kernel gives its id
 * to no other.
 */
int cfd_guard_bpf_open_map(uint32_t id, const char *set, const char *name, int *ret_fd, struct cfd_error *err);

struct cfd_guard_enforcement { /* all borrowed */
	const char *set;
	const uint32_t *programs; /* of `loaded`, in that set; NULL: open the pins */
	unsigned halves;
	int cgroup_fd;
	uint64_t cgroup_id;
	const struct cfd_guard_state *state; /* NULL: leave what is there */
	bool is_new;                         /* nothing was attached there before */
	int containers;                      /* the set's map of that name, for the state */
};

/*
 * Attaches the set's programs of these halves to the cgroup, where they are not attached yet, and puts the state in
 * force, in one step: before, all is denied (is_new), or what was there holds. On failure what this call attached is
 * detached again.
 */
int cfd_guard_bpf_enforce(const struct cfd_guard_enforcement *what, struct cfd_error *err);

/* The halves of which every program (by its id, in `loaded`'s order) is attached to that very cgroup. */
unsigned cfd_guard_bpf_attached(const uint32_t *ids, int cgroup_fd);

/* Takes the events that are in the set's ring and forgets them. */
int cfd_guard_bpf_forget_events(const char *set, struct cfd_error *err);

/* The state in `containers`, the set's map of that name. 0 or -errno; -ENOENT: nothing is attached to that cgroup. */
int cfd_guard_bpf_read_state(int containers, uint64_t cgroup_id, struct cfd_guard_state *ret_state);
/* In one step. */
int cfd_guard_bpf_replace_state(int containers, uint64_t cgroup_id, const struct cfd_guard_state *state);

/* One element of another map: 0 or -errno as the kernel gave it. */
int cfd_guard_bpf_lookup(int map, const void *key, void *value);
int cfd_guard_bpf_update(int map, const void *key, const void *value);
int cfd_guard_bpf_delete(int map, const void *key);
/* The key behind `key`, or the first for NULL. -ENOENT: there is none. */
int cfd_guard_bpf_next_key(int map, const void *key, void *next);

/*
 * How far overlayfs's upper dentry is behind the VFS inode, from the kernel's own description of its types; 0 when
 * there is none (overlayfs not loaded, or built without BTF).
 */
uint32_t cfd_guard_bpf_upper_offset(void);

#endif
