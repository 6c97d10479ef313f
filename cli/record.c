/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam profile record: the profile that recorded runs would pass. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/recording/recording.h"
#include "lib/recording/session.h"
#include "lib/recording/suggest.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define PROFILE_MAX_BYTES ((size_t)1 << 20)

/* The file of the profile that was in force, or NULL when there is none of that name any more. */
static int read_base(const char *profile, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const char *name, *path;
	int r = cfd_profile_set_open(CFD_PROFILE_ADMIN_DIR, CFD_PROFILE_SHIPPED_DIR, &set, err);

	for (size_t i = 0; !r && cfd_profile_set_at(set, i, &name, &path); i++) {
		const struct cfd_json_options options = {.name = path, .allow_comments = true};

		if (!cfd_streq(name, profile))
			continue;
		r = cfd_fd_read_file(AT_FDCWD, path, PROFILE_MAX_BYTES, &text, err);
		return r ? r : cfd_json_parse(text.data, text.length, &options, ret_doc, err);
	}
	return r;
}

static int print_profile(const struct cfd_recording *recording, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *base = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	bool whole = false;
	int r = read_base(recording->profile, &base, err);

	if (!r)
		r = cfd_suggest(recording, base, &text, &whole, err);
	if (r)
		return r;
	printf("%s", text.data);
	if (!whole)
		fputs("cofferdam: what was recorded would not pass this profile; its first lines say why\n", stderr);
	return whole ? CFD_STATUS_OK : CFD_STATUS_NO;
}

/* What is written down is that of the image's ended runs; of one that goes on there is nothing yet to forget. */
static int forget_recording(int state_dir, const char *what, const struct cfd_recording *recording, bool runs,
			    struct cfd_error *err)
{
	const char *subject = recording->image ? recording->image : recording->profile;

	if (runs)
		return cfd_fail(
			err, -EBUSY,
			"the container %s is recorded still: delete it first. What ended containers of %s used is "
			"forgotten with `cofferdam profile record %s --forget`",
			what, subject, subject);
	return cfd_session_forget(state_dir, recording, err);
}

int cfd_command_profile_record(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_recording_release) struct cfd_recording recording = {0};
	const char *what = NULL;
	bool forget = false, runs = false;
	const struct cfd_option options[] = {{.name = "forget", .flag = &forget}};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &what, 1, err);

	if (!r)
		r = cfd_state_open(&state, err);
	if (!r)
		r = cfd_session_find(cfd_state_dir(state), what, &recording, &runs, err);
	if (r)
		return r;
	return forget ? forget_recording(cfd_state_dir(state), what, &recording, runs, err)
		      : print_profile(&recording, err);
}
