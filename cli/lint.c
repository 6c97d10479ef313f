/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam profile lint: every mistake in the files, a line each. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/json/diagnostics.h"
#include "lib/lint.h"
#include "lib/profile/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int print_diagnostic(const struct cfd_diagnostic *diagnostic, const char *file, bool json)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (json ? cfd_diagnostic_json(diagnostic, file, &line) : cfd_diagnostic_text(diagnostic, file, &line))
		return -ENOMEM;
	cfd_hide_control(line.data, ""); /* values of the file are shown, whoever wrote it */
	puts(line.data);
	return 0;
}

static int print_more(const char *file, bool json)
{
	CFD_AUTO_BUF struct cfd_buf line = {0};

	if (!json)
		printf("%s: and more\n", file);
	else if (cfd_buf_add_string(&line, "{\"file\":") || cfd_buf_add_json(&line, file) ||
		 cfd_buf_add_string(&line, ",\"more\":true}"))
		return -ENOMEM;
	else
		puts(line.data);
	return 0;
}

/* A status; a file that cannot be read is said at once, as the others are looked at too. */
static int lint(const char *file, bool json)
{
	const struct cfd_lint_request request = {
		.file = file,
		.admin_profiles = CFD_PROFILE_ADMIN_DIR,
		.shipped_profiles = CFD_PROFILE_SHIPPED_DIR,
		.admin_seccomp = CFD_SYSCONFDIR "/seccomp",
		.shipped_seccomp = CFD_PROFILE_SHIPPED_DIR "/seccomp",
		.now = time(NULL),
	};
	CFD_AUTO(cfd_diagnostics_release) struct cfd_diagnostics diagnostics = {0};
	struct cfd_error err = {0};
	int r = cfd_lint_profile(&request, &diagnostics, &err);

	if (r) {
		fprintf(stderr, "cofferdam: %s\n", err.message);
		return CFD_STATUS_TROUBLE;
	}
	for (size_t i = 0; !r && i < diagnostics.count; i++)
		r = print_diagnostic(&diagnostics.values[i], file, json);
	if (!r && cfd_diagnostics_overflow(&diagnostics))
		r = print_more(file, json);
	if (r)
		return CFD_STATUS_TROUBLE;
	return diagnostics.errors ? CFD_STATUS_NO : CFD_STATUS_OK;
}

int cfd_command_profile_lint(int argc, char **argv, struct cfd_error *err)
{
	const char *format = "text";
	const struct cfd_option options[] = {{.name = "format", .value = &format}};
	CFD_AUTO_FREE const char **files = calloc((size_t)argc, sizeof(*files));
	int worst = CFD_STATUS_OK, r;
	bool json;

	if (!files)
		return cfd_fail_memory(err, "the names of files");
	r = cfd_command_options(argc, argv, options, CFD_COUNT(options), files, (size_t)argc, err);
	if (!r)
		r = cfd_command_json(format, &json, err);
	if (r)
		return r;
	if (!files[0])
		return cfd_fail(err, -EINVAL, "profile lint needs the files of profiles");
	for (size_t i = 0; i < (size_t)argc && files[i]; i++) {
		int status = lint(files[i], json);

		worst = status > worst ? status : worst;
	}
	return worst;
}
