/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam check: the verdict that a create would reach, without creating anything. */
#include "cli/command.h"

#include "lib/audit.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/paint.h"
#include "lib/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
	const char *image, *profile, *format, *path;
};

static int read_options(int argc, char **argv, struct check *check, struct cfd_error *err)
{
	const struct cfd_option options[] = {
		{.name = "image", .value = &check->image},
		{.name = "profile", .value = &check->profile},
		{.name = "format", .value = &check->format},
	};
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &check->path, 1, err);

	if (r)
		return r;
	if (!check->path)
		return cfd_fail(err, -EINVAL, "check needs a config.json or a bundle");
	if (!cfd_streq(check->format, "text") && !cfd_streq(check->format, "json"))
		return cfd_fail(err, -EINVAL, "--format %s is neither text nor json", check->format);
	return 0;
}

/* A bundle is judged with its files, a file alone by its text. */
static int judge(const struct check *check, const struct cfd_config *config, struct cfd_verdict *verdict,
		 struct cfd_error *err)
{
	struct cfd_verdict_request request = {.config = config,
					      .container_id = "check",
					      .bundle = "",
					      .bundle_fd = -1,
					      .config_file = check->path,
					      .image_name = check->image,
					      .profile_name = check->profile};
	CFD_AUTO_FREE char *bundle = NULL;
	CFD_AUTO_FD int fd = -1;
	struct stat st;
	int r;

	if (stat(check->path, &st))
		return cfd_fail_errno(err, -errno, "cannot find %s", check->path);
	if (!S_ISDIR(st.st_mode))
		return cfd_verdict_reach(&request, verdict, err);
	fd = open(check->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", check->path);
	r = cfd_fd_path(fd, &bundle, err);
	if (r)
		return r;
	request.bundle = bundle;
	request.bundle_fd = fd;
	request.config_file = NULL;
	request.host_facts = true;
	return cfd_verdict_reach(&request, verdict, err);
}

int cfd_command_check(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct check check = {.format = "text"};
	int r = read_options(argc, argv, &check, err);

	if (!r)
		r = cfd_config_read(CFD_CONFIG_PATH, &config, err);
	if (!r)
		r = judge(&check, &config, &verdict, err);
	if (r)
		return r;
	r = cfd_streq(check.format, "json") ? cfd_audit_verdict_line("check", &verdict, &text)
					    : cfd_verdict_text(&verdict, "check", cfd_paint_for(STDOUT_FILENO), &text);
	if (r)
		return cfd_fail_memory(err, "the verdict");
	puts(text.data);
	return verdict.refused ? CFD_STATUS_NO : CFD_STATUS_OK;
}
