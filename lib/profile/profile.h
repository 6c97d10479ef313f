/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles: what one image may do. JSON with comments -> struct; `extends`; which profile fits an image.
 *
 * Sources: the administrator's directory over the shipped one; a file of the same name replaces. Every file is read
 * strictly: an unknown key is an error with file, line and column. A key that a profile does not set is taken from the
 * profiles it extends, the later one winning; each extended profile is laid down once, below those that extend it.
 * Lists REPLACE, except `exceptions`, `mounts.allow` and `devices.allow`, which add up. profiles/schema.json says the
 * same to editors; cofferdam-profile(5) to people.
 */
#ifndef CFD_PROFILE_H
#define CFD_PROFILE_H

#include "lib/base.h"
#include "lib/err.h"

#include <netinet/in.h>

struct cfd_diagnostics;
struct cfd_image;
struct cfd_json_doc;

/* Where this installation has them. */
#define CFD_PROFILE_ADMIN_DIR CFD_SYSCONFDIR "/profiles.d"
#define CFD_PROFILE_SHIPPED_DIR CFD_DATADIR "/profiles"

#define CFD_PROFILE_FORMAT 1 /* the value of the key "cofferdam" */

enum cfd_mode {
	CFD_MODE_ENFORCE,
	CFD_MODE_WARN,   /* log what would be refused, refuse nothing */
	CFD_MODE_RECORD, /* as warn, and collect */
};

struct cfd_profile_mount { /* "mounts": {"allow": [ ... ]} */
	char *source;      /* absolute; matched exactly or as the directory above it, see cfd_rules */
	char *destination; /* NULL: any */
	bool writable;     /* options has "rw"; the default is read-only */
	bool idmap;        /* options has "idmap": the container's ids are those on disk */
};

enum cfd_shells { CFD_SHELLS_STARTUP, CFD_SHELLS_DENY, CFD_SHELLS_ALLOW };

enum cfd_protocol { CFD_PROTOCOL_ANY, CFD_PROTOCOL_TCP, CFD_PROTOCOL_UDP };

struct cfd_profile_port {
	enum cfd_protocol protocol;
	uint16_t first, last; /* 0..65535 is all */
};

enum cfd_profile_peer_kind {
	CFD_PEER_LOOPBACK, /* 127.0.0.0/8 and ::1 */
	CFD_PEER_DNS,      /* the nameservers of the container's resolv.conf, port 53 */
	CFD_PEER_CLUSTER,  /* RFC 1918 and RFC 4193 */
	CFD_PEER_METADATA, /* 169.254.169.254 and fd00:ec2::254 */
	CFD_PEER_ANY,      /* everything but metadata */
	CFD_PEER_NETWORK,  /* {"to": CIDR, "port": ...} */
	CFD_PEER_NAME,     /* {"to": "api.example.org", "port": ..., "follow": ...} */
};

#define CFD_PROFILE_MAX_NAMES 16 /* of hosts, in one net.connect */

struct cfd_profile_peer {
	enum cfd_profile_peer_kind kind;
	struct in6_addr address; /* v4-mapped for IPv4 */
	unsigned prefix;         /* 0..128, of the mapped form */
	struct cfd_profile_port *ports;
	size_t port_count; /* 0: all ports of all protocols */
	char *name;        /* cfd_shape_host; NULL: none */
	bool follow;       /* the name is kept current by the answers that the container gets */
};

struct cfd_profile_exception {
	char *rule;    /* id of a rule */
	char *subject; /* the finding's value, exactly */
	char *reason;
	int64_t expires; /* seconds since the epoch, the first moment at which it no longer applies; 0: not given, an
			    error */
};

struct cfd_profile {
	int64_t format; /* CFD_PROFILE_FORMAT */
	char *name;
	char *description; /* what the file says of itself, or NULL; not inherited */
	char *path;        /* the file it came from */
	enum cfd_mode mode;
	char *runtime; /* absolute path of the OCI runtime, or NULL for the configured one */
	struct cfd_profile_mount *mounts;
	size_t mount_count;
	char **devices;         /* paths; NULL-terminated */
	char **capabilities;    /* the most it may have, "CAP_..." form, NULL-terminated; NULL: none given anywhere */
	bool no_new_privileges; /* default true */
	char **sysctls;
	bool readonly_rootfs;
	bool userns_host; /* "userns": "host" (with "userns_reason"); default is "force" */
	char *userns_reason;
	int64_t userns_base, userns_size; /* "userns_range", in ids of the host; 0: not given. See cfd_profile_ids */
	char *syscalls;                   /* name of the seccomp profile ("docker-default") or an absolute path */
	bool all_architectures;           /* "syscalls": {"architectures": "all"}; default native only */
	enum cfd_shells shells;
	bool image_only;
	bool deny_wx;      /* "wx": "deny"; default "allow" */
	char **exec_allow; /* absolute paths; NULL: no list; empty list: nothing */
	bool listen_any;
	struct cfd_profile_port *listen;
	size_t listen_count;
	struct cfd_profile_peer *connect;
	size_t connect_count;
	bool log_allowed; /* "log": "all": allowed executions and connections are events too */
	struct cfd_profile_exception *exceptions;
	size_t exception_count;
};

/* How many ids the user namespace has that a container of the profile gets. */
uint32_t cfd_profile_ids(const struct cfd_profile *profile);

/*
 * Whether the entry, for a source that is its own or beneath it, covers a bind to `destination` (clean; "" fits none
 * that is named) that is read-only or not. What one entry does not cover as a whole is not put together from two.
 */
bool cfd_profile_mount_covers(const struct cfd_profile_mount *allow, const char *destination, bool read_only);

struct cfd_profile_set; /* every profile of both directories, by name and by what it matches */

/*
 * Opens the set: reads the names and match lists of all files NAME.json, and a profile whole only when it is asked for.
 * A directory that is missing is an empty one, NULL is none. Directories and files must belong to root (or the caller)
 * and not be writable by others. More than 4096 files, or a file over 1 MiB, is refused. One file that cannot be read
 * refuses the set, since it might be the one that applies. Files whose name starts with a dot are not looked at.
 */
int cfd_profile_set_open(const char *admin_dir, const char *shipped_dir, struct cfd_profile_set **ret_set,
			 struct cfd_error *err);
void cfd_profile_set_freep(struct cfd_profile_set **set);

/*
 * The name of the profile for this image, borrowed from the set, or NULL when none matches. A digest (one of the
 * manifests' or the image's id: each names this very content) wins over a name,
 * an exact name over a glob, a longer literal part over a shorter; a tie between two profiles is -EEXIST with both.
 */
int cfd_profile_match(const struct cfd_profile_set *set, const struct cfd_image *image, const char **ret_name,
		      struct cfd_error *err);

/* How an entry of "match" was met; a later one wins over an earlier one. */
enum cfd_profile_match_class { CFD_MATCH_NONE, CFD_MATCH_GLOB, CFD_MATCH_NAME, CFD_MATCH_DIGEST };

/* A profile that fits an image, with its best entry. Borrowed from the set. */
struct cfd_profile_candidate {
	const char *name, *path, *pattern;
	enum cfd_profile_match_class class;
	size_t literal; /* GLOB: how many of the pattern's characters are no wildcards */
};

/* All that fit, the best first, in a list that the caller frees; two that are equally good stand in order of names. */
int cfd_profile_candidates(const struct cfd_profile_set *set, const struct cfd_image *image,
			   struct cfd_profile_candidate **ret_list, size_t *ret_count, struct cfd_error *err);
/* Negative, 0 or positive as a is the worse, an equal or the better match. */
int cfd_profile_candidates_compare(const struct cfd_profile_candidate *a, const struct cfd_profile_candidate *b);

/* The set in order of names: false when there are no more. The path and the pattern are borrowed. */
bool cfd_profile_set_at(const struct cfd_profile_set *set, size_t index, const char **ret_name, const char **ret_path);
/* The k-th of what it matches, or NULL. */
const char *cfd_profile_set_pattern(const struct cfd_profile_set *set, size_t index, size_t k);

/* Loads a profile with all that it extends (at most 16 deep; a circle is an error). -ENOENT: no such name. */
int cfd_profile_load(const struct cfd_profile_set *set, const char *name, struct cfd_profile **ret_profile,
		     struct cfd_error *err);
void cfd_profile_free(struct cfd_profile *profile);
void cfd_profile_freep(struct cfd_profile **profile);

/*
 * The profile that is in force under that name, with all that it extends: JSON with comments in which every line says
 * which file and line it came from (or "built in"), and which is read back as the same profile. Or one JSON object:
 * name, file, the profile, and the origin of each of its paths.
 */
int cfd_profile_show(const struct cfd_profile_set *set, const char *name, struct cfd_buf *text, struct cfd_error *err);
int cfd_profile_show_json(const struct cfd_profile_set *set, const char *name, struct cfd_buf *text,
			  struct cfd_error *err);

/*
 * Reads one file as a create would, but goes on behind every mistake: each is in `diagnostics`, with its place, and so
 * is (where it lies in one of the two directories) that others could have written it, and what cannot be meant:
 * patterns that tie with another profile's, entries that change nothing, exceptions that have expired. What it extends
 * is looked up beside the file, then in the two directories (NULL: none). 0 however many there are. ret_doc is NULL for
 * what is no JSON object, ret_profile NULL for what cannot be loaded; both are the caller's. An error: the file cannot
 * be read.
 */
int cfd_profile_lint(const char *file, const char *admin_dir, const char *shipped_dir, int64_t now,
		     struct cfd_diagnostics *diagnostics, struct cfd_json_doc **ret_doc,
		     struct cfd_profile **ret_profile, struct cfd_error *err);

/*
 * `*` any run within a path component, `**` any run, `?` one character but `/`, `\` quotes the next; anything else is
 * literal. The steps are at most pattern times text squared, never exponential.
 */
bool cfd_profile_glob(const char *pattern, const char *text);
/* Whether some text fits both patterns. False also when there is no memory to find out. */
bool cfd_profile_globs_meet(const char *a, const char *b);

#endif
