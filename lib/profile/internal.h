/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/profile*.c share. Nobody else includes this. */
#ifndef CFD_PROFILE_INTERNAL_H
#define CFD_PROFILE_INTERNAL_H

#include "lib/profile/profile.h"

struct cfd_json;
struct cfd_json_doc;

#define CFD_PROFILE_MAX_FILES 4096
#define CFD_PROFILE_MAX_BYTES ((size_t)1 << 20)
#define CFD_PROFILE_MAX_EXTENDS 16 /* names in one list, and levels */

struct cfd_profile_match {
	enum cfd_profile_match_class class;
	size_t literal; /* GLOB: how many of the pattern's characters stand for themselves */
	char *text;     /* the pattern, the name without its quoting, or the digest */
};

struct cfd_profile_entry {
	char *name;
	char *path;
	struct cfd_buf text; /* of the file, read once; parsed again when the profile is loaded */
	struct cfd_profile_match *matches;
	size_t match_count;
};

struct cfd_profile_set {
	struct cfd_profile_entry *entries; /* sorted by name */
	size_t count;
	char *places;  /* the directories, for messages */
	bool tolerant; /* what cannot be read is left out: it is looked at by itself (lint) */
};

/*
 * The set over directories, each above the next; NULL ones are left out. A tolerant set believes files whoever wrote
 * them, and has those only that can be read.
 */
int cfd_profile_set_make(const char *const *directories, size_t count, bool tolerant, struct cfd_profile_set **ret_set,
			 struct cfd_error *err);
const struct cfd_profile_entry *cfd_profile_set_find(const struct cfd_profile_set *set, const char *name);
/* Releases what the entry owns. */
void cfd_profile_entry_release(struct cfd_profile_entry *entry);
/* That the key "name" is there and says `name`. */
int cfd_profile_name_check(struct cfd_json_doc *doc, const char *file, const char *name, struct cfd_error *err);

/* "match": [...] -> entry->matches. */
int cfd_profile_match_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			   struct cfd_error *err);

/*
 * Warnings (lib/profile/spare.c), 0 or -ENOMEM: of each entry of a list that changes nothing, as an earlier one says as
 * much, for a document without mistakes, so that every entry of the profile has its element; of each exception whose
 * day is over.
 */
int cfd_profile_spare(const struct cfd_profile *profile, const struct cfd_profile_entry *entry,
		      struct cfd_json_doc *doc);
int cfd_profile_warn_expired(int64_t now, struct cfd_json_doc *doc);

/* What holds where no file says anything: the strict values. */
int cfd_profile_start(struct cfd_profile *profile, struct cfd_error *err);
/* Lays one file's object over the profile. `match` and `extends` are read by the two functions for them. */
int cfd_profile_read(struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file, struct cfd_error *err);
/* "extends": [...] as a NULL-terminated list that the caller frees; untouched when there is none. */
int cfd_profile_extends_read(struct cfd_json_doc *doc, const char *file, char ***ret_names, struct cfd_error *err);

/* The words of the keys "mode" and "exec.shells", by their enum; NULL-terminated. */
extern const char *const cfd_profile_mode_words[], *const cfd_profile_shell_words[];
/* Whether the list at that JSON path adds up over "extends", where others replace. */
bool cfd_profile_adds_up(const char *path);

/*
 * Where each value of a resolved profile came from: its JSON path there, and the line of the file that said so. Filled
 * while the files are laid over one another; paths that it does not have are built in.
 */
struct cfd_profile_origin {
	char *path;       /* "exec.shells", "exceptions[2]", "$" */
	const char *file; /* borrowed from the set */
	unsigned line;
};

struct cfd_profile_trace {
	struct cfd_profile_origin *origins;
	size_t count;
};

int cfd_profile_trace_add(struct cfd_profile_trace *trace, struct cfd_json_doc *doc, const char *file,
			  struct cfd_error *err);
const struct cfd_profile_origin *cfd_profile_trace_find(const struct cfd_profile_trace *trace, const char *path);
void cfd_profile_trace_release(struct cfd_profile_trace *trace);

/* cfd_profile_load, which takes note of the origins unless `trace` is NULL. */
int cfd_profile_load_traced(const struct cfd_profile_set *set, const char *name, struct cfd_profile_trace *trace,
			    struct cfd_profile **ret_profile, struct cfd_error *err);
/* The whole profile as one file without "extends" would say it; `entry` has what it matches. */
int cfd_profile_write(const struct cfd_profile *profile, const struct cfd_profile_entry *entry,
		      struct cfd_json_doc **ret_doc, struct cfd_error *err);
/* "loopback" ...; NULL for a network. */
const char *cfd_profile_peer_word(enum cfd_profile_peer_kind kind);

/* Objects and lists of objects: each a `read` of struct cfd_field with a struct cfd_profile as its field. */
int cfd_profile_net_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err);
/*
 * That what is in force now that the file lies over what it extends goes together: with CAP_NET_ADMIN a container could
 * make itself the road to its resolver, and answer its own questions.
 */
int cfd_profile_net_check(const struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file,
			  struct cfd_error *err);
/* "10.0.0.0/8", as the key "to" has it. False when it does not fit. */
bool cfd_profile_network_text(const struct cfd_profile_peer *peer, char *text, size_t size);
void cfd_profile_net_release(struct cfd_profile *profile);
int cfd_profile_mounts_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err);
int cfd_profile_exceptions_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
				struct cfd_error *err);
void cfd_profile_lists_release(struct cfd_profile *profile);

#endif
