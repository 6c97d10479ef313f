/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/cofferdam/cofferdam.json: what the administrator of the host decided. JSON with comments; unknown keys are
 * errors; a missing file means the defaults below, which are the strict ones. Nothing is taken from the environment.
 */
#ifndef CFD_CONFIG_H
#define CFD_CONFIG_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_CONFIG_PATH CFD_SYSCONFDIR "/cofferdam.json"
#define CFD_CONFIG_MAX_BYTES ((size_t)1 << 20)
#define CFD_CONFIG_MAX_RUNTIMES 8

/* How much a protection is insisted on. */
enum cfd_need {
	CFD_NEED_REQUIRE, /* refuse the container when it cannot be had */
	CFD_NEED_PREFER,  /* go on without it, and say so in the audit log */
	CFD_NEED_OFF,
};

/* Who starts containers; lib/rootless.h tells. */
enum cfd_caller {
	CFD_CALLER_ROOT,      /* of the host */
	CFD_CALLER_NAMESPACE, /* root of another user namespace, who may mount there */
	CFD_CALLER_USER,      /* nobody's root */
};

struct cfd_config {
	enum cfd_caller caller; /* not of the file: cfd_rootless_read_config sets it */
	char *runtimes[CFD_CONFIG_MAX_RUNTIMES +
		       1];         /* absolute paths, NULL-terminated; crun, runc in /usr/bin, runc in /usr/sbin */
	char *default_profile;     /* "default" */
	bool refuse_unknown_image; /* unknown_image: "refuse"; false: the default profile applies */
	bool strict_keys;          /* unknown_keys: "strict" refuses, "warn" (default) removes */
	enum cfd_need userns;      /* userns.mode: require */
	char *userns_pool;         /* userns.pool: owner in /etc/subuid, "cofferdam" */
	enum cfd_need guard_exec, guard_net; /* guard.exec, guard.net: require */
	char *audit_file;                    /* audit.file */
	bool audit_journal;                  /* audit.journal: true */
	bool rootless_partial; /* rootless: "partial"; false: containers of engines without root are refused */
	char **allowed_hooks;  /* hooks.allow: absolute paths of other vendors' hooks; NULL-terminated or NULL */
};

/*
 * Reads the file, or takes the defaults when there is none. The file must belong to root (or the caller) and not be
 * writable by others. Errors carry file, line and column. The caller releases what was filled, also after the
 * defaults.
 */
int cfd_config_read(const char *path, struct cfd_config *ret_config, struct cfd_error *err);
void cfd_config_release(struct cfd_config *config);
const char *cfd_need_name(enum cfd_need need);

#endif
