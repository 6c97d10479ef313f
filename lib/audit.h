/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: one JSON object on a line, for every decision and every event. A line is written with one write() to a
 * file opened O_APPEND, so that lines of concurrent writers do not mix; and to the journal if there is one.
 */
#ifndef CFD_AUDIT_H
#define CFD_AUDIT_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_config;
struct cfd_image;
struct cfd_record;
struct cfd_verdict;

/*
 * Opens the log, made 0600 (its directory 0700) if missing. A log that cannot be written is an error: what is not
 * recorded does not happen.
 */
int cfd_audit_open(const struct cfd_config *config, int *ret_fd, struct cfd_error *err);

/* A verdict: what was asked (create, restore, exec, update), who, which profile, every finding with its path, value,
 * rule, exception. */
int cfd_audit_verdict(int fd, const struct cfd_config *config, const char *container_id,
		      const struct cfd_verdict *verdict, struct cfd_error *err);
/* The same as a JSON object in a buffer, without a line feed, for `cofferdam check`. 0 or -ENOMEM. */
int cfd_audit_verdict_line(const char *container_id, const struct cfd_verdict *verdict, struct cfd_buf *buf);
/* That no verdict could be reached, or that a step failed: `step` names it, `message` says why. */
int cfd_audit_failure(int fd, const struct cfd_config *config, const char *container_id, const char *step,
		      const char *message, struct cfd_error *err);
/* What is done without (need: prefer), keys that were removed from config.json, and the like. */
int cfd_audit_notice(int fd, const struct cfd_config *config, const char *container_id, const char *notice,
		     struct cfd_error *err);
/* That a container is exempted from parts of the guard: who asked, why, for how long; that it ended, or did not begin.
 */
struct cfd_audit_exemption {
	const char *action; /* "begin", "failed", "end" */
	const struct cfd_record *record;
	bool exec, net;
	unsigned seconds;   /* 0: not told */
	const char *reason; /* or NULL */
	int64_t login;      /* /proc/self/loginuid; -1: nobody logged in */
};
int cfd_audit_exemption(int fd, const struct cfd_config *config, const struct cfd_audit_exemption *exemption,
			struct cfd_error *err);
/* A line that is a JSON object already, such as an event of the guard's (lib/guard/event.h). */
int cfd_audit_line(int fd, const struct cfd_config *config, const char *object, struct cfd_error *err);

#endif
