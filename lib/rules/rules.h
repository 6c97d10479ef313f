/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules: one table per group in lib/rules/, one row per rule. A rule looks at one part of the configuration and
 * adds findings; it never changes anything. `cofferdam rules` prints the rows.
 */
#ifndef CFD_RULES_H
#define CFD_RULES_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/held.h"

#include <sys/types.h>

struct cfd_config;
struct cfd_destinations;
struct cfd_image;
struct cfd_profile;
struct cfd_json;
struct cfd_profile_exception;
struct cfd_record;
struct cfd_sources;
struct cfd_spec;
struct cfd_spec_strings;
struct cfd_findings;

/* What is asked for. An exec and an update are judged against what was recorded of the container. */
enum cfd_occasion {
	CFD_CREATE = 1, /* run, too */
	CFD_RESTORE = 2,
	CFD_EXEC = 4,
	CFD_UPDATE = 8,
};

/* What a rule may look at. All borrowed. */
struct cfd_rules_context {
	enum cfd_occasion occasion;             /* 0: CREATE */
	const struct cfd_spec *spec;            /* of an exec: `process` alone; of an update: `linux.resources` alone */
	const struct cfd_profile *profile;      /* NULL for an exec or update that is looked at for the first time */
	const struct cfd_record *record;        /* of the container; EXEC and UPDATE only, as what follows */
	const struct cfd_spec_strings *cgroups; /* of --cgroup; or NULL */
	const struct cfd_json *device_rules; /* linux.resources.devices that the container was created with, or NULL */
	const struct cfd_image *image;
	const struct cfd_config *config;
	const char *container_id;
	const char *bundle; /* absolute */
	int bundle_fd;
	int rootfs_fd;           /* O_PATH, or -1 when only the file is judged (`cofferdam check config.json`) */
	bool host_facts;         /* false: do not look at this host's files; judge the text alone */
	bool by_name;            /* nobody mounts what is held: the runtime looks the sources up once more */
	bool created;            /* its first process is in its cgroup already */
	int64_t now;             /* seconds since the epoch, for exceptions that expire */
	const char *cgroup_root; /* NULL: /sys/fs/cgroup if that is a cgroup2 filesystem; given by tests */
	const char *subid_dir;   /* of subuid and subgid; NULL: /etc; given by tests */
	struct cfd_held *held;   /* takes what was judged, held open, for who mounts it; NULL: nobody does */
	/* What cfd_rules_look has found out about the mounts' sources and destinations. */
	struct cfd_sources *sources;
	struct cfd_destinations *destinations;
};

enum cfd_rule_class {
	CFD_RULE_NEVER,   /* only an exception with reason and expiry lets it pass */
	CFD_RULE_ALLOWED, /* a profile's own key can allow it (mounts.allow, devices.allow, ...) */
	CFD_RULE_ALWAYS,  /* nothing lets it pass, not even a profile that only warns */
	CFD_RULE_ADMIN,   /* a key of cofferdam.json can allow it */
};

struct cfd_rule {
	const char *id; /* "mount.engine-socket": group, then what; stable, used in exceptions */
	enum cfd_rule_class class;
	const char *refuses;   /* one line: what it refuses */
	const char *why;       /* what an attacker gets */
	const char *reference; /* CVE, standard's control, kernel or spec section */
	const char
		*allow; /* an example: the members of a profile (ADMIN: of cofferdam.json) that allow it; NULL: NEVER */
	int (*check)(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		     struct cfd_findings *findings, struct cfd_error *err);
};

struct cfd_rule_group {
	const char *name;
	const struct cfd_rule *rules;
	size_t count;
};

extern const struct cfd_rule_group cfd_rules_mounts, cfd_rules_devices, cfd_rules_namespaces, cfd_rules_capabilities,
	cfd_rules_process, cfd_rules_sysctls, cfd_rules_rootfs, cfd_rules_annotations, cfd_rules_hooks, cfd_rules_exec,
	cfd_rules_update, cfd_rules_restore;

/* All groups in the order of design; NULL-terminated. */
extern const struct cfd_rule_group *const cfd_rule_groups[];

/* Whether an entry of an environment makes programs load code, or read other files: LD_PRELOAD=... */
bool cfd_rules_loads_code(const char *variable);

/* The row with that id, or NULL. */
const struct cfd_rule *cfd_rule_find(const char *id);
/* Whether the rule of that group is asked on that occasion. */
bool cfd_rule_is_asked(const struct cfd_rule_group *group, const struct cfd_rule *rule, enum cfd_occasion occasion);

/*
 * For authors of profiles: the rule of the never class under which a bind of this source falls although a profile
 * allows it, by the text alone, or NULL; ret_message says why.
 */
#define CFD_RULES_MESSAGE_MAX 384
int cfd_rules_never_source(const char *source, const struct cfd_rule **ret_rule,
			   char ret_message[CFD_RULES_MESSAGE_MAX], struct cfd_error *err);
/* The same for a device that this host has. */
const struct cfd_rule *cfd_rules_never_device(const char *path, const char **ret_message);

struct cfd_finding {
	const struct cfd_rule *rule; /* NULL: a criterion of a standard's own (lib/standards) */
	char *path;                  /* JSON path, "mounts[7].source" */
	char *value;                 /* what stands there; what an exception's subject is compared with */
	bool exact; /* the value is whole; one that was escaped or cut stands for others too, so no exception is for it
		     */
	char *message; /* why it is refused, in a clause: "socket of a container engine" */
	const struct cfd_profile_exception *exception; /* the one that lets it pass, or that has expired; or NULL */
	bool excepted;                                 /* true: an exception in force lets it pass */
};

struct cfd_findings {
	struct cfd_finding *values; /* at most CFD_FINDINGS_MAX; the count goes on */
	size_t count;
	size_t total;
};

#define CFD_FINDINGS_MAX 256

/* Adds one. The value is copied, control characters escaped, cut at 256 bytes. 0 or -ENOMEM in err. */
int cfd_findings_add(struct cfd_findings *findings, const struct cfd_rule *rule, const char *value,
		     struct cfd_error *err, const char *message, const char *path_format, ...) CFD_PRINTF(6, 7);
void cfd_findings_release(struct cfd_findings *findings);
/* How many stand: no exception lets them pass. Those that did not fit are not known to be excepted, so they count. */
size_t cfd_findings_against(const struct cfd_findings *findings);

/* What is found out once for all rules. */
struct cfd_rules_facts {
	struct cfd_held held; /* where the context brings none */
	struct cfd_sources *sources;
	struct cfd_destinations *destinations;
};

/*
 * Finds it out and puts it into the context, for which it is to be kept; done by cfd_rules_run, and by whoever calls
 * cfd_rules_run_one. Zero-initialise it; release it in any case. -E2BIG: more mounts than are judged.
 */
int cfd_rules_look(struct cfd_rules_context *context, struct cfd_rules_facts *facts, struct cfd_error *err);
void cfd_rules_facts_release(struct cfd_rules_facts *facts);

/*
 * Runs every rule for this occasion, then, if there is a profile, marks what its exceptions let pass. 0 however much
 * was found; an error means that a rule could not decide, which is a refusal.
 */
int cfd_rules_run(const struct cfd_rules_context *context, struct cfd_findings *findings, struct cfd_error *err);
/* The second half alone, for findings that were made without a profile. */
void cfd_rules_except(const struct cfd_profile *profile, int64_t now, struct cfd_findings *findings);
/*
 * Runs one rule, without exceptions, for whoever judges by a part of the rules, in a context that cfd_rules_look has
 * filled.
 */
int cfd_rules_run_one(const struct cfd_rules_context *context, const struct cfd_rule *rule,
		      struct cfd_findings *findings, struct cfd_error *err);

#endif
