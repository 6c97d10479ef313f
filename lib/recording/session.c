/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of containers, and the recordings that they end up in. One lock over both. */
#include "lib/recording/session.h"

#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/records.h"
#include "lib/image/image.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS "recording"
#define LOCK "recording.lock"
#define NAMES_TOLD 8

struct places {
	int sessions, recordings, lock;
};
#define PLACES_INIT                                                                                                    \
	{                                                                                                              \
		.sessions = -1, .recordings = -1, .lock = -1                                                           \
	}

static void places_release(struct places *places)
{
	cfd_base_close(&places->sessions);
	cfd_base_close(&places->recordings);
	cfd_base_close(&places->lock);
}

static int open_places(int state_dir, struct places *places, struct cfd_error *err)
{
	CFD_AUTO_FD int parent = -1;
	int r = cfd_fd_make_dir(state_dir, SESSIONS, 0700, &places->sessions, err);

	if (!r)
		r = cfd_fd_lock(state_dir, LOCK, &places->lock, err);
	if (!r)
		r = cfd_fd_make_dir(AT_FDCWD, CFD_RECORDINGS_PARENT, 0700, &parent, err);
	if (!r)
		r = cfd_fd_make_dir(parent, "recordings", 0700, &places->recordings, err);
	return r;
}

/* What an image's recording is called; the content says whose it is. */
static void name_of(const struct cfd_recording *recording, char name[32])
{
	const char *image = recording->image ? recording->image : recording->profile;

	snprintf(name, 32, "%016" PRIx64 ".json", cfd_hash(CFD_HASH_START, image, strlen(image)));
}

/* -ENOENT: there is none, which is no failure for all. */
static int read_recording(int dirfd, const char *name, struct cfd_recording *ret_recording, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_fd_read_file(dirfd, name, CFD_RECORDING_MAX_BYTES, &text, err);

	if (!r)
		r = cfd_recording_parse(text.data ? text.data : "", text.length, name, ret_recording, err);
	return r && r != -ENOENT ? cfd_wrap(err, "%s or " CFD_STATE_DIR "/" SESSIONS, CFD_RECORDINGS) : r;
}

static int write_recording(int dirfd, const char *name, const struct cfd_recording *recording, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (cfd_recording_write(recording, &text))
		return cfd_fail_memory(err, "a recording");
	return cfd_fd_write_file(dirfd, name, text.data, text.length, 0600, false, err);
}

struct visiting {
	int (*visit)(const char *name, void *data, struct cfd_error *err);
	void *data;
	struct cfd_error *err;
};

static int visit_one(const char *name, void *data)
{
	const struct visiting *visiting = data;

	return name[0] == '.' ? 0 : visiting->visit(name, visiting->data, visiting->err);
}

/* Calls visit with every name; stops at its first non-zero return, which it returns. */
static int each_name(int dirfd, int (*visit)(const char *name, void *data, struct cfd_error *err), void *data,
		     struct cfd_error *err)
{
	struct visiting visiting = {.visit = visit, .data = data, .err = err};
	int r;

	err->code = 0;
	r = cfd_fd_each(dirfd, visit_one, &visiting);
	return r && !err->code ? cfd_fail_errno(err, r, "cannot read a directory of recordings") : r;
}

/* --- a session */

static int fill_session(const struct cfd_record *record, const struct cfd_guard_state *policy,
			struct cfd_recording *session)
{
	int r = cfd_string_replace(&session->image, record->image);

	session->runs = 1;
	session->first = session->last = (int64_t)time(NULL);
	if (!r)
		r = cfd_string_replace(&session->profile, record->profile ? record->profile : "unknown");
	if (!r)
		r = cfd_recording_add_container(session, record->id, record->container_name);
	/* Its name servers, used not once yet. */
	for (size_t i = 0; !r && i < policy->resolver_count && i < CFD_GUARD_RESOLVERS; i++) {
		struct cfd_used used = {.kind = CFD_GUARD_CONNECT, .dns = true};

		memcpy(&used.address, &policy->resolvers[i], sizeof(used.address));
		r = cfd_recording_use(session, &used);
	}
	return r;
}

static bool is_resolver(const struct cfd_recording *session, const struct cfd_guard_record_key *key)
{
	for (size_t i = 0; i < session->count; i++)
		if (session->used[i].dns && !memcmp(&session->used[i].address, &key->address, sizeof(key->address)))
			return true;
	return false;
}

struct taking {
	const struct cfd_recording *session;
	struct cfd_recording *used;
};

static int take_one(const struct cfd_guard_record_key *key, const struct cfd_guard_record *record, void *data)
{
	const struct taking *taking = data;
	bool is_file = key->kind == CFD_GUARD_EXEC || key->inode;
	char path[CFD_GUARD_PATH + 1] = "";
	struct cfd_used used = {
		.kind = key->kind,
		.reason = key->reason,
		.family = key->family,
		.type = key->type,
		.protocol = key->protocol,
		.port = key->port,
		.dns = !is_file && key->port == 53 && is_resolver(taking->session, key),
		.path = is_file ? path : NULL,
		.facts = record->facts,
		.count = record->count,
	};

	memcpy(path, record->path, sizeof(record->path));
	if (!cfd_utf8_valid(path)) /* cannot be written down: as one that is too long */
		path[0] = '\0';
	memcpy(&used.address, &key->address, sizeof(used.address));
	return cfd_recording_use(taking->used, &used);
}

/* Whose it is, and all that the kernel has of it. A count of losses that is gone is a loss. */
static int read_session(int sessions, uint64_t cgroup_id, struct cfd_recording *ret_recording, struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording session = {0};
	struct taking taking = {.session = &session, .used = ret_recording};
	uint64_t lost = UINT64_MAX;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "%" PRIu64, cgroup_id);
	r = read_recording(sessions, name, &session, err);
	if (r)
		return r;
	r = cfd_guard_records_each(cgroup_id, take_one, &taking, &lost, err);
	if (r == -ENOMEM)
		return cfd_fail_memory(err, "what was recorded");
	if (r && r != -ENOENT) /* nothing is loaded, since a newer version is there: then all of it is lost */
		return r;
	session.count = 0; /* the name servers; they have no paths */
	session.lost = lost == UINT64_MAX ? 1 : lost;
	session.last = (int64_t)time(NULL);
	return cfd_recording_join(ret_recording, &session) ? cfd_fail_memory(err, "a recording") : 0;
}

static int count_one(const char *name, void *data, struct cfd_error *err)
{
	size_t *count = data;

	(void)name;
	(void)err;
	(*count)++;
	return 0;
}

static int check_room(int recordings, struct cfd_error *err)
{
	size_t count = 0;
	int r = each_name(recordings, count_one, &count, err);

	if (!r && count >= CFD_RECORDINGS_MAX)
		return cfd_fail(err, -ENOSPC,
				"%s has the recordings of %d images: remove some (cofferdam profile record IMAGE "
				"--forget)",
				CFD_RECORDINGS, CFD_RECORDINGS_MAX);
	return r;
}

static int add_to_image(int recordings, const struct cfd_recording *recording, struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording whole = {0};
	char name[32];
	int r;

	name_of(recording, name);
	r = read_recording(recordings, name, &whole, err);
	if (r == -ENOENT)
		r = check_room(recordings, err);
	if (!r && cfd_recording_join(&whole, recording))
		r = cfd_fail_memory(err, "a recording");
	return r ? r : write_recording(recordings, name, &whole, err);
}

/* Written first, forgotten then: killed in between it is counted twice, and nothing is lost. */
static int move_session(const struct places *places, uint64_t cgroup_id, struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording recording = {0};
	char name[32];
	int r = read_session(places->sessions, cgroup_id, &recording, err);

	if (!r)
		r = add_to_image(places->recordings, &recording, err);
	if (!r)
		r = cfd_guard_records_end(cgroup_id, err);
	if (r && r != -ENOENT)
		return r;
	snprintf(name, sizeof(name), "%" PRIu64, cgroup_id);
	if (unlinkat(places->sessions, name, 0) && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot remove the session of a recording");
	return 0;
}

/* While a cgroup is governed its container may still use something. */
static bool is_live(const char *name, uint64_t *ret_cgroup)
{
	struct cfd_guard_state state;
	struct cfd_error ignored;

	return cfd_parse_u64(name, UINT64_MAX, ret_cgroup) || !cfd_guard_read(*ret_cgroup, &state, &ignored);
}

static int move_dead(const char *name, void *data, struct cfd_error *err)
{
	uint64_t cgroup_id;

	return is_live(name, &cgroup_id) ? 0 : move_session(data, cgroup_id, err);
}

/* --- interface */

int cfd_session_begin(int state_dir, const struct cfd_record *record, const struct cfd_guard_state *policy, bool whole,
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording session = {0};
	CFD_AUTO(places_release) struct places places = PLACES_INIT;
	char name[32];
	int r;

	if (!(policy->flags & CFD_GUARD_RECORD))
		return 0;
	if (!whole)
		return cfd_fail(err, -EOPNOTSUPP,
				"mode `record` takes the whole guard, exec and net, of which this host or "
				"cofferdam.json has one half: take `warn`");
	if (fill_session(record, policy, &session))
		return cfd_fail_memory(err, "a recording");
	r = open_places(state_dir, &places, err);
	if (!r)
		r = cfd_guard_records_begin(record->cgroup_id, err);
	if (r == -ENOSPC && !each_name(places.sessions, move_dead, &places, err))
		r = cfd_guard_records_begin(record->cgroup_id, err);
	if (r)
		return r;
	snprintf(name, sizeof(name), "%" PRIu64, record->cgroup_id);
	return write_recording(places.sessions, name, &session, err);
}

int cfd_session_end(int state_dir, uint64_t cgroup_id, struct cfd_error *err)
{
	CFD_AUTO(places_release) struct places places = PLACES_INIT;
	char path[64];
	int r;

	snprintf(path, sizeof(path), SESSIONS "/%" PRIu64, cgroup_id);
	if (!cgroup_id || faccessat(state_dir, path, F_OK, 0))
		return 0;
	r = open_places(state_dir, &places, err);
	return r ? r : move_session(&places, cgroup_id, err);
}

int cfd_session_collect(int state_dir, struct cfd_error *err)
{
	CFD_AUTO(places_release) struct places places = PLACES_INIT;
	int r;

	if (faccessat(state_dir, SESSIONS, F_OK, 0))
		return 0;
	r = open_places(state_dir, &places, err);
	return r ? r : each_name(places.sessions, move_dead, &places, err);
}

/* --- finding */

struct search {
	const struct places *places;
	const char *what, *image; /* as typed, and as an image's full name; NULL: any */
	bool by_container;        /* what was found is one container's */
	bool runs;                /* which is governed still */
	size_t found;             /* images */
	struct cfd_recording *recording;
	struct cfd_buf names;
};

static const char *subject_of(const struct cfd_recording *recording)
{
	return recording->image ? recording->image : recording->profile;
}

static int add_name(struct search *search, const struct cfd_recording *recording)
{
	if (search->found && cfd_streq(subject_of(search->recording), subject_of(recording)))
		return 0;
	if (search->found++ >= NAMES_TOLD)
		return 0;
	return cfd_buf_addf(&search->names, "%s%s", search->found > 1 ? ", " : "", subject_of(recording));
}

static int take_found(struct search *search, const struct cfd_recording *recording, struct cfd_error *err)
{
	if (add_name(search, recording) || cfd_recording_join(search->recording, recording))
		return cfd_fail_memory(err, "a recording");
	return 0;
}

static bool is_container(const struct search *search, const struct cfd_recording *session)
{
	return cfd_recording_has(session, search->what);
}

static bool is_image(const struct search *search, const struct cfd_recording *recording)
{
	const char *subject = subject_of(recording);

	return !search->what || cfd_streq(subject, search->what) || cfd_streq(subject, search->image);
}

/* A container that lives, or of which nobody has collected what was recorded: its session tells whose it is. */
static int match_live(struct search *search, const char *name,
		      bool (*is_meant)(const struct search *search, const struct cfd_recording *session),
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording session = {0}, recording = {0};
	uint64_t cgroup_id;
	int r;

	if (cfd_parse_u64(name, UINT64_MAX, &cgroup_id))
		return 0;
	r = read_recording(search->places->sessions, name, &session, err);
	if (r || !is_meant(search, &session))
		return r;
	search->by_container = search->by_container || is_meant == is_container;
	search->runs = search->runs || (is_meant == is_container && is_live(name, &cgroup_id));
	r = read_session(search->places->sessions, cgroup_id, &recording, err);
	return r ? r : take_found(search, &recording, err);
}

/* By its id or name: only while none was found yet. */
static int match_live_container(const char *name, void *data, struct cfd_error *err)
{
	return match_live(data, name, is_container, err);
}

static int match_live_image(const char *name, void *data, struct cfd_error *err)
{
	return match_live(data, name, is_image, err);
}

static int match_file(const char *name, void *data, struct cfd_error *err)
{
	CFD_AUTO(cfd_recording_release) struct cfd_recording recording = {0};
	struct search *search = data;
	int r = read_recording(search->places->recordings, name, &recording, err);

	if (r || !(is_image(search, &recording) || cfd_recording_has(&recording, search->what)))
		return r;
	return take_found(search, &recording, err);
}

static int search_all(struct search *search, struct cfd_error *err)
{
	int r = search->what ? each_name(search->places->sessions, match_live_container, search, err) : 0;

	if (r || search->by_container)
		return r;
	r = each_name(search->places->recordings, match_file, search, err);
	return r ? r : each_name(search->places->sessions, match_live_image, search, err);
}

static int fail_search(const struct search *search, struct cfd_error *err)
{
	if (search->found > 1)
		return cfd_fail(err, -EINVAL, "say which of these: %s%s", search->names.data,
				search->found > NAMES_TOLD ? ", ..." : "");
	return cfd_fail(err, -ENOENT,
			"nothing was recorded%s%s: give the image a profile with \"mode\": \"record\", and run it",
			search->what ? " of " : "", search->what ? search->what : "");
}

static void search_release(struct search *search)
{
	cfd_buf_release(&search->names);
}

int cfd_session_find(int state_dir, const char *what, struct cfd_recording *ret_recording, bool *ret_runs,
		     struct cfd_error *err)
{
	CFD_AUTO(places_release) struct places places = PLACES_INIT;
	CFD_AUTO_FREE char *image = NULL;
	CFD_AUTO(search_release)
	struct search search = {.places = &places, .what = what, .recording = ret_recording};
	struct cfd_error ignored;
	int r = open_places(state_dir, &places, err);

	if (!r)
		r = each_name(places.sessions, move_dead, &places, err);
	if (r && r != -ENOSPC) /* to forget one is what makes room; what was not collected is found where it is */
		return r;
	if (what && !cfd_image_normalise(what, &image, &ignored))
		search.image = image;
	r = search_all(&search, err);
	if (!r && search.found != 1)
		r = fail_search(&search, err);
	if (!r)
		*ret_runs = search.runs;
	return r;
}

int cfd_session_forget(int state_dir, const struct cfd_recording *recording, struct cfd_error *err)
{
	CFD_AUTO(places_release) struct places places = PLACES_INIT;
	char name[32];
	int r = open_places(state_dir, &places, err);

	if (r)
		return r;
	name_of(recording, name);
	if (unlinkat(places.recordings, name, 0) && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot remove %s/%s", CFD_RECORDINGS, name);
	return 0;
}
