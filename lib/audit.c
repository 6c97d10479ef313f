/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: one JSON object on a line, one write() a line. */
#include "lib/audit.h"

#include "lib/config.h"
#include "lib/fd.h"
#include "lib/profile/profile.h"
#include "lib/state/state.h"
#include "lib/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket" /* systemd's native protocol, JOURNAL_NATIVE_PROTOCOL */

/* What a full disk or a kill left of a line must not swallow the next one. */
static int end_torn_line(int fd, off_t size, const char *file, struct cfd_error *err)
{
	char last = '\n';

	if (size == 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n' || write(fd, "\n", 1) == 1)
		return 0;
	return cfd_fail_errno(err, -errno, "cannot write the audit log %s", file);
}

int cfd_audit_open(const struct cfd_config *config, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FREE char *directory = strdup(config->audit_file), *file = strdup(config->audit_file);
	CFD_AUTO_FD int dirfd = -1, fd = -1;
	struct stat st;
	int r;

	if (!directory || !file)
		return cfd_fail_memory(err, "the audit log");
	r = cfd_fd_make_dir(AT_FDCWD, dirname(directory), 0700, &dirfd, err);
	if (r)
		return cfd_wrap(err, "%s (`audit.file` in " CFD_CONFIG_PATH ")", config->audit_file);
	fd = openat(dirfd, basename(file), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
		    0600);
	if (fd < 0 && errno == ELOOP)
		return cfd_fail(err, -ELOOP, "the audit log %s is a symbolic link, which is not followed",
				config->audit_file);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the audit log %s", config->audit_file);
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat the audit log %s", config->audit_file);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return cfd_fail(err, -EPERM,
				"the audit log %s must be a regular file of uid %u that nobody else can write",
				config->audit_file, geteuid());
	r = end_torn_line(fd, st.st_size, config->audit_file, err);
	if (!r)
		*ret_fd = cfd_take_fd(&fd);
	return r;
}

static int add_time(struct cfd_buf *buf)
{
	struct timespec now;
	char stamp[32];
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	return cfd_buf_addf(buf, "\"time\":\"%s.%03ldZ\"", stamp, now.tv_nsec / 1000000);
}

static int begin_line(struct cfd_buf *buf, const char *type, const char *container_id)
{
	return cfd_buf_add_string(buf, "{") || add_time(buf) || cfd_buf_add_member(buf, "type", type) ||
	       cfd_buf_add_member(buf, "container", container_id);
}

/* One datagram: fields by lines, the last one the whole line as MESSAGE. A journal that does not listen is no error. */
static void tell_journal(const struct cfd_buf *line)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	CFD_AUTO_BUF struct cfd_buf datagram = {0};
	CFD_AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || cfd_buf_addf(&datagram, "PRIORITY=5\nSYSLOG_IDENTIFIER=cofferdam\nMESSAGE=%s", line->data))
		return;
	sendto(fd, datagram.data, datagram.length, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof(address));
}

static int put_line(int fd, const struct cfd_config *config, const struct cfd_buf *line, struct cfd_error *err)
{
	ssize_t written;

	do
		written = write(fd, line->data, line->length);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return cfd_fail_errno(err, -errno, "cannot write the audit log %s", config->audit_file);
	if ((size_t)written != line->length)
		return cfd_fail(err, -ENOSPC, "the audit log %s took only %zd of %zu bytes of a line",
				config->audit_file, written, line->length);
	if (config->audit_journal)
		tell_journal(line);
	return 0;
}

static int end_line(int fd, const struct cfd_config *config, int failed, struct cfd_buf *line, struct cfd_error *err)
{
	if (failed || cfd_buf_add_string(line, "}\n"))
		return cfd_fail_memory(err, "a line of the audit log");
	return put_line(fd, config, line, err);
}

int cfd_audit_line(int fd, const struct cfd_config *config, const char *object, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (cfd_buf_addf(&line, "%s\n", object))
		return cfd_fail_memory(err, "a line of the audit log");
	return put_line(fd, config, &line, err);
}

static int add_finding(struct cfd_buf *buf, const struct cfd_finding *finding)
{
	int r = cfd_buf_add_string(buf, "{\"rule\":") || cfd_buf_add_json(buf, finding->rule->id) ||
		cfd_buf_add_member(buf, "path", finding->path) || cfd_buf_add_member(buf, "value", finding->value) ||
		cfd_buf_add_member(buf, "message", finding->message);

	if (!r && finding->exception)
		r = cfd_buf_add_member(buf, "exception", finding->exception->reason) ||
		    cfd_buf_addf(buf, ",\"expires\":%" PRId64 ",\"excepted\":%s", finding->exception->expires,
				 finding->excepted ? "true" : "false");
	return r || cfd_buf_add_string(buf, "}");
}

static int add_findings(struct cfd_buf *buf, const struct cfd_findings *findings)
{
	int r = cfd_buf_addf(buf, ",\"total\":%zu,\"findings\":[", findings->total);

	for (size_t i = 0; !r && i < findings->count; i++)
		r = (i && cfd_buf_add_string(buf, ",")) || add_finding(buf, &findings->values[i]);
	return r || cfd_buf_add_string(buf, "]");
}

static const char *verdict_word(const struct cfd_verdict *verdict)
{
	if (verdict->refused)
		return "refused";
	return cfd_findings_against(&verdict->findings) ? "would-refuse" : "allowed";
}

static const char *command_word(enum cfd_occasion occasion)
{
	static const char *const words[] = {[CFD_RESTORE] = "restore", [CFD_EXEC] = "exec", [CFD_UPDATE] = "update"};

	return occasion < CFD_COUNT(words) && words[occasion] ? words[occasion] : "create";
}

int cfd_audit_verdict_line(const char *container_id, const struct cfd_verdict *verdict, struct cfd_buf *buf)
{
	const struct cfd_image *image = &verdict->image;
	bool later = verdict->occasion == CFD_EXEC || verdict->occasion == CFD_UPDATE; /* the record has no engine */
	bool failed = begin_line(buf, "verdict", container_id) ||
		      cfd_buf_add_member(buf, "command", command_word(verdict->occasion)) ||
		      cfd_buf_add_member(buf, "name", image->container_name) ||
		      cfd_buf_add_member(buf, "engine", later ? NULL : cfd_engine_name(image->engine)) ||
		      cfd_buf_add_member(buf, "image", image->name) ||
		      cfd_buf_add_member(buf, "digest", image->digests[0]) ||
		      cfd_buf_add_member(buf, "profile", verdict->profile ? verdict->profile->name : NULL) ||
		      cfd_buf_add_member(buf, "verdict", verdict_word(verdict)) ||
		      add_findings(buf, &verdict->findings) || cfd_buf_add_string(buf, "}");

	return failed ? -ENOMEM : 0;
}

int cfd_audit_verdict(int fd, const struct cfd_config *config, const char *container_id,
		      const struct cfd_verdict *verdict, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (cfd_audit_verdict_line(container_id, verdict, &line))
		return cfd_fail_memory(err, "a line of the audit log");
	return cfd_audit_line(fd, config, line.data, err);
}

int cfd_audit_failure(int fd, const struct cfd_config *config, const char *container_id, const char *step,
		      const char *message, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};
	int r = begin_line(&line, "failure", container_id) || cfd_buf_add_member(&line, "verdict", "refused") ||
		cfd_buf_add_member(&line, "step", step) || cfd_buf_add_member(&line, "message", message);

	return end_line(fd, config, r, &line, err);
}

int cfd_audit_notice(int fd, const struct cfd_config *config, const char *container_id, const char *notice,
		     struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};
	int r = begin_line(&line, "notice", container_id) || cfd_buf_add_member(&line, "message", notice);

	return end_line(fd, config, r, &line, err);
}

int cfd_audit_exemption(int fd, const struct cfd_config *config, const struct cfd_audit_exemption *exemption,
			struct cfd_error *err)
{
	const struct cfd_record *record = exemption->record;
	const char *both = exemption->exec && exemption->net ? "," : "";
	CFD_AUTO_BUF struct cfd_buf line = {0};
	int r = begin_line(&line, "exemption", record->id) ||
		cfd_buf_add_member(&line, "name", record->container_name) ||
		cfd_buf_add_member(&line, "image", record->image) ||
		cfd_buf_add_member(&line, "profile", record->profile) ||
		cfd_buf_addf(&line, ",\"cgroup\":%" PRIu64, record->cgroup_id) ||
		cfd_buf_add_member(&line, "action", exemption->action) ||
		cfd_buf_addf(&line, ",\"guards\":[%s%s%s]", exemption->exec ? "\"exec\"" : "", both,
			     exemption->net ? "\"net\"" : "") ||
		cfd_buf_add_member(&line, "reason", exemption->reason);

	if (!r && exemption->seconds)
		r = cfd_buf_addf(&line, ",\"seconds\":%u", exemption->seconds);
	if (!r && exemption->login >= 0)
		r = cfd_buf_addf(&line, ",\"login\":%" PRId64, exemption->login);
	return end_line(fd, config, r, &line, err);
}
