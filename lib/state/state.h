/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /run/cofferdam: one directory per live container, and who holds which range of ids.
 *
 *   /run/cofferdam            0711  what a container must traverse to its rootfs
 *   /run/cofferdam/lock       serialises claims and removals
 *   /run/cofferdam/stage      0711  mount point for the private staging tmpfs; always empty on the host
 *   /run/cofferdam/ways       0700  what runtimes answered about themselves (shim/ways.h)
 *   /run/cofferdam/ranges     0700  -> KEY: the ranges in use (lib/state/ranges.h); containers of a pod share one
 *   /run/cofferdam/containers 0700  KEY/: record.json, policy.bin, bundle/config.json, and the links
 *                                   (exemptions.json: lib/state/exemption.h)
 *                                   shim, init -> PID:START    range -> BASE:SIZE
 *                                   runtime -> /usr/bin/crun   runtime-dir -> /run/crun/ID
 *                                   resolv.conf, hosts -> the engine's, where they were empty at create
 *
 * KEY is <id>@<hash of the runtime's --root>, so that the same id under two engines is two containers. What must be
 * known without a parser (who lives, which range, which runtime) stands in symbolic links: one system call reads them,
 * and one makes them as a whole or not at all.
 *
 * A container's directory is live while its shim (which is creating it) or its init runs, and, once the shim has let go
 * of it, while the runtime keeps a directory for it: a stopped container still has to be deleted by the runtime that
 * made it. An init whose shim was killed while creating is ended. Processes are pids with their start times. Everything
 * else is swept; what has no record.json was torn by a kill, since claims write it under the lock.
 */
#ifndef CFD_STATE_H
#define CFD_STATE_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/process.h"
#include "lib/userns/userns.h"

#define CFD_STATE_DIR "/run/cofferdam"
#define CFD_STATE_KEY_MAX 255
#define CFD_STATE_FAILURE "failure" /* in a container's directory: what the hook said when it failed */

struct cfd_record_volume { /* a bind mount of config.json */
	char *destination, *source;
	bool idmapped; /* else it has the host's ids, on which the container's root is nobody */
	bool read_only;
};

struct cfd_record {
	char *id, *root;       /* the container's id; the runtime's --root, "" for its default */
	char *bundle;          /* the engine's */
	char *image, *profile; /* for people; may be NULL */
	char *container_name;
	char *cgroups_path;                        /* linux.cgroupsPath, or NULL */
	uint64_t capabilities, asked_capabilities; /* bounding: what it got, what its engine asked for (lib/caps.h) */
	bool no_new_privileges;
	int64_t uid, oom_score_adj;             /* of its first process */
	char *apparmor_profile, *selinux_label; /* or NULL */
	char **loader_env;             /* of its environment, what makes programs load code; NULL-terminated, or NULL */
	struct cfd_userns_range range; /* size 0: none */
	char *runtime;                 /* absolute path of the OCI runtime that has it, or NULL */
	char *runtime_dir; /* what that runtime keeps while the container exists, or NULL when that is not known */
	struct cfd_process_id shim; /* who is creating it; none once it is created */
	struct cfd_process_id init; /* set by the hook */
	uint64_t cgroup_id;         /* set by the hook; 0: not attached */
	char *cgroup;               /* its path, for people */
	uint64_t policy_id;
	bool guard_exec, guard_net; /* what is in force (after the hook) or wanted (before) */
	bool guard_exec_required, guard_net_required;
	bool guard_destinations; /* of the network only these are in force, for want of BPF LSM */
	bool foreground;         /* the shim stays while it runs (`run` without --detach) */
	int64_t created;         /* seconds since the epoch */
	char *pod;               /* the id of its pod's sandbox, as the CRI's engine records it, or NULL */
	uint64_t userns;         /* the inode of its user namespace; set by the hook; 0: not known */
	char *layers;            /* of an idmapped root filesystem, for people: "overlay, 12 layers"; or NULL */
	struct cfd_record_volume *volumes; /* the first of them (lib/state/volumes.h) */
	size_t volume_count;
	int64_t volumes_more; /* that are not among these */
};

struct cfd_state; /* open directories */

/* Where records of the caller's containers are: CFD_STATE_DIR, or lib/rootless.h's directory. The caller frees it. */
int cfd_state_path(char **ret_path, struct cfd_error *err);
/* Makes the directories as needed. -EPERM when others could have written them. */
int cfd_state_open(struct cfd_state **ret_state, struct cfd_error *err);
/* The same elsewhere, and with other files than /etc/subuid and /etc/subgid: for tests. */
int cfd_state_open_at(const char *path, const char *subuid, const char *subgid, struct cfd_state **ret_state,
		      struct cfd_error *err);
void cfd_state_freep(struct cfd_state **state);
int cfd_state_dir(const struct cfd_state *state);           /* borrowed: lock files live here */
const char *cfd_state_stage(const struct cfd_state *state); /* borrowed: absolute path */

/* [A-Za-z0-9_.+-]{1,238}, not "." or "..": -EINVAL. (238: KEY must be a file name; runtimes use the id as one too.) */
int cfd_state_check_id(const char *id, struct cfd_error *err);

/* The key of a container; `root` is the runtime's --root, "" for its default. -EINVAL when the id is not one. */
int cfd_state_key(const char *id, const char *root, char ret_key[CFD_STATE_KEY_MAX + 1], struct cfd_error *err);

/*
 * Claims a container: refuses one that lives already (-EEXIST), picks a range if pool is not NULL, as record->range
 * asks for it (lib/userns/pool.h; -EBUSY names who has the one that is wanted), else the one that record->range has is
 * shared with the container it was taken from, and writes the record (whose shim is the caller) durably. All under the
 * lock. record->range and record->shim are filled in, the key is written to ret_key. Everything claimed is given back
 * by cfd_state_drop or, after a crash, by a later sweep. The dead are looked at only where they are in the way (their
 * id is wanted, or the pool is exhausted): callers sweep when nobody waits for them.
 */
int cfd_state_claim(struct cfd_state *state, struct cfd_record *record, const char *pool,
		    char ret_key[CFD_STATE_KEY_MAX + 1], struct cfd_error *err);
/* Rewrites the record of a claimed container; its range and its runtime stay. A shim or init with pid 0 is removed. */
int cfd_state_update(struct cfd_state *state, const char *key, const struct cfd_record *record, struct cfd_error *err);
int cfd_state_read(struct cfd_state *state, const char *key, struct cfd_record *ret_record, struct cfd_error *err);
/*
 * The record of a container, where nothing is to be made or claimed, in `path`. No record, or no
 * directory for records, is no error: `ret_found` is false then, and the container is somebody else's.
 */
int cfd_state_find(const char *path, const char *id, const char *root, bool *ret_found, struct cfd_record *ret_record,
		   struct cfd_error *err);
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
/*
 * The same for a container that did not come to be, by its shim: a first process that waits for `start` all the same,
 * as it does when the runtime was killed, is ended before others can get its ids.
 */
int cfd_state_abandon(struct cfd_state *state, const char *key, struct cfd_error *err);
/* Removes what dead containers left; the number of them in ret_count. The lock is held only to remove one. */
int cfd_state_sweep(struct cfd_state *state, size_t *ret_count, struct cfd_error *err);
/* Calls visit for every record that can be read; stops at its first non-zero return, which it returns. */
int cfd_state_each(struct cfd_state *state, int (*visit)(const char *key, const struct cfd_record *record, void *data),
		   void *data, struct cfd_error *err);

#endif
