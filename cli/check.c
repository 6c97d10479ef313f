/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam check: the verdict that a create would reach, or a standard's judgement, without creating anything. */
#include "cli/command.h"

#include "lib/config.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/paint.h"
#include "lib/report/report.h"
#include "lib/standards/standards.h"
#include "lib/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct check {
	const char *image, *profile, *profiles, *format_name, *standard_name, *path;
	const struct cfd_report_format *format;
	const struct cfd_standard *standard;
};

static int find_format(struct check *check, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf names = {0};

	check->format = cfd_report_format_find(check->format_name);
	if (check->format)
		return 0;
	for (size_t i = 0; i < cfd_report_format_count; i++)
		if (cfd_buf_addf(&names, "%s%s", i ? ", " : "", cfd_report_formats[i].name))
			return cfd_fail_memory(err, "a message");
	return cfd_fail(err, -EINVAL, "--format %s is none of %s", check->format_name, names.data);
}

static int find_standard(struct check *check, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf names = {0};

	if (!check->standard_name)
		return 0;
	if (check->image || check->profile || check->profiles)
		return cfd_fail(err, -EINVAL, "--standard judges by the standard alone, without image and profile");
	check->standard = cfd_standard_find(check->standard_name);
	if (check->standard)
		return 0;
	for (size_t i = 0; cfd_standards[i]; i++)
		if (cfd_buf_addf(&names, "%s%s", i ? ", " : "", cfd_standards[i]->name))
			return cfd_fail_memory(err, "a message");
	return cfd_fail(err, -EINVAL, "--standard %s is none of %s", check->standard_name, names.data);
}

static int read_options(int argc, char **argv, struct check *check, struct cfd_error *err)
{
	const struct cfd_option options[] = {
		{.name = "image", .value = &check->image},
		{.name = "profile", .value = &check->profile},
		{.name = "profiles", .value = &check->profiles},
		{.name = "format", .value = &check->format_name},
		{.name = "standard", .value = &check->standard_name},
	};
	struct stat st;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &check->path, 1, err);

	if (r)
		return r;
	if (!check->path)
		return cfd_fail(err, -EINVAL, "check needs a config.json or a bundle");
	if (check->profiles && (stat(check->profiles, &st) || !S_ISDIR(st.st_mode)))
		return cfd_fail(err, -ENOTDIR, "--profiles %s is no directory", check->profiles);
	r = find_format(check, err);
	return r ? r : find_standard(check, err);
}

/* A bundle is judged with its files, a file alone by its text. */
struct subject {
	struct cfd_verdict_request request;
	char *bundle; /* its real path */
	char *file;   /* config.json, by the name that was given */
	int fd;
};

static void subject_release(struct subject *subject)
{
	free(subject->bundle);
	free(subject->file);
	cfd_base_close(&subject->fd);
}

static int open_bundle(const struct check *check, struct subject *subject, struct cfd_error *err)
{
	const char *slash = cfd_ends_with(check->path, "/") ? "" : "/";
	int r;

	subject->fd = open(check->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (subject->fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", check->path);
	r = cfd_fd_path(subject->fd, &subject->bundle, err);
	if (r)
		return r;
	if (asprintf(&subject->file, "%s%sconfig.json", check->path, slash) < 0) {
		subject->file = NULL;
		return cfd_fail_memory(err, "a path");
	}
	subject->request.bundle = subject->bundle;
	subject->request.bundle_fd = subject->fd;
	subject->request.host_facts = true;
	return 0;
}

static int open_subject(const struct check *check, const struct cfd_config *config, struct subject *subject,
			struct cfd_error *err)
{
	struct stat st;

	subject->request = (struct cfd_verdict_request){.config = config,
							.container_id = "check",
							.bundle = "",
							.bundle_fd = -1,
							.image_name = check->image,
							.profile_name = check->profile,
							.admin_profiles = check->profiles};
	if (stat(check->path, &st))
		return cfd_fail_errno(err, -errno, "cannot find %s", check->path);
	if (S_ISDIR(st.st_mode))
		return open_bundle(check, subject, err);
	subject->request.config_file = check->path;
	return cfd_string_replace(&subject->file, check->path) ? cfd_fail_memory(err, "a path") : 0;
}

static int judge(const struct check *check, const struct cfd_verdict_request *request, struct cfd_verdict *verdict,
		 struct cfd_judgement *judgement, struct cfd_error *err)
{
	struct cfd_rules_context context;
	int r;

	if (!check->standard)
		return cfd_verdict_reach(request, verdict, err);
	r = cfd_verdict_read(request, verdict, err);
	if (r)
		return r;
	cfd_verdict_context(request, verdict, &context);
	return cfd_standard_judge(check->standard, &context, judgement, err);
}

int cfd_command_check(int argc, char **argv, struct cfd_error *err)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	CFD_AUTO(cfd_judgement_release) struct cfd_judgement judgement = {0};
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO(subject_release) struct subject subject = {.fd = -1};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct check check = {.format_name = "text"};
	struct cfd_report report = {.verdict = &verdict, .paint = cfd_paint_for(STDOUT_FILENO), .now = time(NULL)};
	int r = read_options(argc, argv, &check, err);

	if (!r)
		r = cfd_config_read(CFD_CONFIG_PATH, &config, err);
	if (!r)
		r = open_subject(&check, &config, &subject, err);
	if (!r)
		r = judge(&check, &subject.request, &verdict, &judgement, err);
	if (r)
		return r;
	report.file = subject.file;
	report.judgement = check.standard ? &judgement : NULL;
	if (check.format->write(&report, &text))
		return cfd_fail_memory(err, "the report");
	puts(text.data);
	return cfd_report_refused(&report) ? CFD_STATUS_NO : CFD_STATUS_OK;
}
