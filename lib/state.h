/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /run/cofferdam: one directory per live container, and who holds which range of ids.
 *
 *   /run/cofferdam            0711  what a container must traverse to its rootfs
 *   /run/cofferdam/lock       serialises allocation and sweeping
 *   /run/cofferdam/stage      0711  mount point for the private staging tmpfs; always empty on the host
 *   /run/cofferdam/containers 0700  KEY/record.json, KEY/policy.bin, KEY/bundle/config.json
 *
 * KEY is <id>@<hash of the runtime's --root>, so that the same id under two engines is two containers. A record is
 * written before anything is made for the container, and is swept when the processes it names are gone; a process is a
 * pid with its start time, so a reused pid is not mistaken for it. Files that are torn or unknown are removed by the
 * sweep only when no live process can own them.
 */
#ifndef CFD_STATE_H
#define CFD_STATE_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns.h"

#define CFD_STATE_DIR "/run/cofferdam"
#define CFD_STATE_KEY_MAX 255

struct cfd_process_id {
	int pid;	/* 0: none */
	uint64_t start; /* field 22 of /proc/PID/stat, clock ticks since boot */
};

struct cfd_record {
	char *id, *root;	    /* the container's id; the runtime's --root, "" for its default */
	char *bundle;		    /* the engine's */
	char *image, *profile;	    /* for people; may be NULL */
	char *container_name;
	char *cgroups_path;	    /* linux.cgroupsPath, or NULL */
	struct cfd_userns_range range; /* size 0: none */
	struct cfd_process_id shim; /* who is creating it */
	struct cfd_process_id init; /* set by the hook */
	uint64_t cgroup_id;	    /* set by the hook; 0: not attached */
	char *cgroup;		    /* its path, for people */
	uint64_t policy_id;
	bool guard_exec, guard_net; /* what is in force (after the hook) or wanted (before) */
	bool guard_exec_required, guard_net_required;
	int64_t created;	    /* seconds since the epoch */
};

struct cfd_state; /* open directories */

/* Makes the directories as needed. -EPERM when others could have written them. */
int cfd_state_open(struct cfd_state **ret_state, struct cfd_error *err);
int cfd_state_open_at(const char *path, struct cfd_state **ret_state, struct cfd_error *err); /* for tests */
void cfd_state_freep(struct cfd_state **state);
int cfd_state_dir(const struct cfd_state *state);	   /* borrowed: lock files live here */
const char *cfd_state_stage(const struct cfd_state *state); /* borrowed: absolute path */

/* [A-Za-z0-9_.+-]{1,238}, not "." or "..": -EINVAL. (238: KEY must be a file name; runtimes use the id as one too.) */
int cfd_state_check_id(const char *id, struct cfd_error *err);

/*
 * Claims a container: sweeps the dead, refuses one that lives already (-EEXIST), picks a range if pool is not NULL, and
 * writes the record (whose shim is the caller) durably. All under the lock. record->range is filled in. The key is
 * written to ret_key. Everything claimed is given back by cfd_state_drop or, after a crash, by a later sweep.
 */
int cfd_state_claim(struct cfd_state *state, struct cfd_record *record, const char *pool, char ret_key[CFD_STATE_KEY_MAX + 1],
		    struct cfd_error *err);
/* Rewrites the record of a claimed container. */
int cfd_state_update(struct cfd_state *state, const char *key, const struct cfd_record *record, struct cfd_error *err);
int cfd_state_read(struct cfd_state *state, const char *key, struct cfd_record *ret_record, struct cfd_error *err);
void cfd_record_release(struct cfd_record *record);
/* Opens the container's directory; `bundle` in it is made by the caller with cfd_fd_make_dir. */
int cfd_state_open_container(struct cfd_state *state, const char *key, int *ret_fd, struct cfd_error *err);
/* The absolute path of the private bundle. */
int cfd_state_bundle_path(const struct cfd_state *state, const char *key, char **ret_path, struct cfd_error *err);
/* The other way: the key of a bundle path that is one of ours. -ENOENT: it is not. */
int cfd_state_key_of_bundle(const struct cfd_state *state, const char *bundle, char ret_key[CFD_STATE_KEY_MAX + 1],
			    struct cfd_error *err);
/* Removes everything of a container; one that is gone already is no error. */
int cfd_state_drop(struct cfd_state *state, const char *key, struct cfd_error *err);
/* Removes what dead containers left; the number of them in ret_count. */
int cfd_state_sweep(struct cfd_state *state, size_t *ret_count, struct cfd_error *err);
/* Calls visit for every record that can be read; stops at its first non-zero return, which it returns. */
int cfd_state_each(struct cfd_state *state, int (*visit)(const char *key, const struct cfd_record *record, void *data),
		   void *data, struct cfd_error *err);

int cfd_process_self(struct cfd_process_id *ret_process, struct cfd_error *err);
int cfd_process_of(int pid, struct cfd_process_id *ret_process, struct cfd_error *err); /* -ESRCH: gone */
bool cfd_process_lives(const struct cfd_process_id *process); /* zombies do not */

#endif
