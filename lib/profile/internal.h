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

/* How an entry of "match" was met; a later one wins over an earlier one. */
enum cfd_profile_match_class { CFD_MATCH_NONE, CFD_MATCH_GLOB, CFD_MATCH_NAME, CFD_MATCH_DIGEST };

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
	char *admin_dir, *shipped_dir; /* for messages */
};

/* "match": [...] -> entry->matches. */
int cfd_profile_match_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			   struct cfd_error *err);

/* What holds where no file says anything: the strict values. */
int cfd_profile_start(struct cfd_profile *profile, struct cfd_error *err);
/* Lays one file's object over the profile. `match` and `extends` are read by the two functions for them. */
int cfd_profile_read(struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file, struct cfd_error *err);
/* "extends": [...] as a NULL-terminated list that the caller frees; untouched when there is none. */
int cfd_profile_extends_read(struct cfd_json_doc *doc, const char *file, char ***ret_names, struct cfd_error *err);

/* Objects and lists of objects: each a `read` of struct cfd_field with a struct cfd_profile as its field. */
int cfd_profile_net_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err);
void cfd_profile_net_release(struct cfd_profile *profile);
int cfd_profile_mounts_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err);
int cfd_profile_exceptions_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
				struct cfd_error *err);
void cfd_profile_lists_release(struct cfd_profile *profile);

#endif
