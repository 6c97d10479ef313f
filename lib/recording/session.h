/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's map to the recordings of images. While a container is recorded there is a file of its own in
 * /run/cofferdam/recording, named by its cgroup: whose it is, and its name servers. When it has ended, poststop adds
 * what the kernel kept to the image's recording in CFD_RECORDINGS; where poststop was not called, whoever asks next.
 */
#ifndef CFD_RECORDING_SESSION_H
#define CFD_RECORDING_SESSION_H

#include "lib/recording/recording.h"

#define CFD_RECORDINGS_PARENT "/var/cache/cofferdam"
#define CFD_RECORDINGS CFD_RECORDINGS_PARENT "/recordings"
#define CFD_RECORDINGS_MAX 256 /* images; more are an error until one is forgotten */

struct cfd_guard_state;
struct cfd_record;

/*
 * Before the guard is attached. Nothing unless the policy's state says that it records. What ended containers left is
 * collected when there is no room in the kernel. `state_dir` is cfd_state_dir(); `whole`: both halves of the guard will
 * be in force, else -EOPNOTSUPP, as the profile would deny what was not seen.
 */
int cfd_session_begin(int state_dir, const struct cfd_record *record, const struct cfd_guard_state *policy, bool whole,
		      struct cfd_error *err);

/* Adds what a container used that has ended to its image's recording. Nothing when it was not recorded. */
int cfd_session_end(int state_dir, uint64_t cgroup_id, struct cfd_error *err);

/* The same for all that have ended without it. */
int cfd_session_collect(int state_dir, struct cfd_error *err);

/*
 * What an image's containers used, or one container, by its id or name: while it runs, alone; afterwards, as its
 * image's; ret_runs tells which. `what` NULL: the only image that there is. -ENOENT, -EINVAL: none, or several, with
 * their names. The caller releases it.
 */
int cfd_session_find(int state_dir, const char *what, struct cfd_recording *ret_recording, bool *ret_runs,
		     struct cfd_error *err);

/* Removes the recording of that image or, if no engine told one, of that profile. */
int cfd_session_forget(int state_dir, const struct cfd_recording *recording, struct cfd_error *err);

#endif
