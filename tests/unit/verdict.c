/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict over whole bundles in temporary directories: which profile, what is said, when there is none. */
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/verdict.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char path[64];
	char profiles[96];
	int fd;
	struct cfd_config config;
	struct cfd_verdict_request request;
};

static void write_file(struct place *place, const char *name, const char *text)
{
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_write_file(place->fd, name, text, strlen(text), 0644, false, &err), 0, "%s", err.message);
}

static void write_profile(struct place *place, const char *name, const char *members)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int dir = open(place->profiles, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_error err = {0};
	char file[64];

	cfd_buf_addf(&text, "{\"cofferdam\": 1, \"name\": \"%s\"%s%s}", name, *members ? ", " : "", members);
	snprintf(file, sizeof(file), "%s.json", name);
	cr_assert_eq(cfd_fd_write_file(dir, file, text.data, text.length, 0644, false, &err), 0, "%s", err.message);
}

/* A configuration that passes, but for `mounts` and `members`, which are put into it. */
static void write_config(struct place *place, const char *mounts, const char *members)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	cfd_buf_addf(
		&text,
		"{\"ociVersion\": \"1.1.0\", \"root\": {\"path\": \"rootfs\"}, \"process\": {\"user\": {\"uid\": 0, "
		"\"gid\": 0}, \"args\": [\"sh\"], \"cwd\": \"/\"}, \"mounts\": [{\"destination\": \"/proc\", \"type\": "
		"\"proc\", \"source\": \"proc\"}, {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": "
		"\"tmpfs\"}%s], \"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": "
		"\"ipc\"}, {\"type\": \"uts\"}, {\"type\": \"mount\"}]}%s}",
		mounts, members);
	write_file(place, "config.json", text.data);
}

static void set_up(struct place *place)
{
	memset(place, 0, sizeof(*place));
	tree_scratch(place->path);
	snprintf(place->profiles, sizeof(place->profiles), "%s/profiles.d", place->path);
	cr_assert_eq(mkdir(place->profiles, 0755), 0);
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(mkdirat(place->fd, "rootfs", 0755), 0);
	place->config.default_profile = (char *)"default";
	place->request = (struct cfd_verdict_request){
		.config = &place->config,
		.container_id = "web-1",
		.bundle = place->path,
		.bundle_fd = place->fd,
		.admin_profiles = place->profiles,
		.shipped_profiles = "/nonexistent",
		.host_facts = true,
	};
	write_profile(place, "default", "");
	write_config(place, "", "");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void tear_down(struct place *place)
{
	close(place->fd);
	nftw(place->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#define ETC ", {\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"/etc\", \"options\": [\"rbind\", \"ro\"]}"

/* The text of the verdict, which must be reached; the caller frees. */
static char *text_of(struct place *place, bool refused)
{
	struct cfd_verdict verdict = CFD_VERDICT_INIT;
	struct cfd_error err = {0};
	struct cfd_buf buf = {0};

	cr_assert_eq(cfd_verdict_reach(&place->request, &verdict, &err), 0, "%s", err.message);
	cr_expect_eq(verdict.refused, refused);
	cr_assert_eq(cfd_verdict_text(&verdict, "web-1", &cfd_paint_none, &buf), 0);
	cfd_verdict_release(&verdict);
	return buf.data;
}

static void expect_text(struct place *place, bool refused, const char *expected)
{
	CFD_AUTO_FREE char *text = text_of(place, refused);

	cr_expect_str_eq(text, expected, "found:\n%s\nexpected:\n%s", text, expected);
}

#define EXPLAIN "\n  (`cofferdam rules RULE` explains each and how to allow it)"

Test(verdict, a_bundle_that_is_fine_passes_with_its_rootfs_open)
{
	struct cfd_verdict verdict = CFD_VERDICT_INIT;
	struct cfd_error err = {0};
	struct place place;
	char rootfs[96];

	set_up(&place);
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", place.path);
	cr_assert_eq(cfd_verdict_reach(&place.request, &verdict, &err), 0, "%s", err.message);
	cr_expect_not(verdict.refused);
	cr_expect_eq(verdict.findings.total, 0);
	cr_expect_str_eq(verdict.rootfs, rootfs);
	cr_expect_geq(verdict.rootfs_fd, 0);
	cr_expect_str_eq(verdict.profile->name, "default");
	cfd_verdict_release(&verdict);
	cr_expect_eq(verdict.rootfs_fd, -1);
	cfd_verdict_release(&verdict);
	expect_text(&place, false, "cofferdam: passed web-1 (unknown image, profile default): 0 findings");
	tear_down(&place);
}

Test(verdict, the_mode_of_the_profile_decides_what_findings_do)
{
	struct place place;

	set_up(&place);
	write_config(&place, ETC, "");
	expect_text(&place, true,
		    "cofferdam: refused web-1 (unknown image, profile default): 1 finding\n"
		    "  mounts[2].source /etc: the host's configuration [mount.host-tree]" EXPLAIN);
	write_profile(&place, "default", "\"mode\": \"warn\"");
	expect_text(&place, false,
		    "cofferdam: would refuse web-1 (unknown image, profile default): 1 finding\n"
		    "  mounts[2].source /etc: the host's configuration [mount.host-tree]" EXPLAIN);
	write_profile(&place, "default", "\"mode\": \"record\"");
	free(text_of(&place, false));
	tear_down(&place);
}

/* restore: judged like create, and refused whatever the profile says. */
Test(verdict, no_profile_lets_a_restore_pass)
{
	static const char *const profiles[] = {
		"",
		"\"mode\": \"warn\"",
		"\"exceptions\": [{\"rule\": \"restore.checkpoint\", \"subject\": \"restore\", \"reason\": \"T-1\", "
		"\"expires\": \"2999-01-01\"}]",
	};

	for (size_t i = 0; i < CFD_COUNT(profiles); i++) {
		CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
		struct cfd_error err = {0};
		struct place place;

		set_up(&place);
		write_profile(&place, "default", profiles[i]);
		write_config(&place, "", "");
		place.request.occasion = CFD_RESTORE;
		cr_assert_eq(cfd_verdict_reach(&place.request, &verdict, &err), 0, "%s", err.message);
		cr_expect(verdict.refused, "%s", profiles[i]);
		cr_expect_eq(verdict.findings.total, 1);
		tear_down(&place);
	}
}

Test(verdict, exceptions_pass_until_their_day_is_over)
{
	struct place place;

	set_up(&place);
	write_config(&place, ETC, "");
	write_profile(&place, "default",
		      "\"exceptions\": [{\"rule\": \"mount.host-tree\", \"subject\": \"/etc\", \"reason\": \"OPS-91\", "
		      "\"expires\": \"2999-12-31\"}]");
	expect_text(&place, false,
		    "cofferdam: passed web-1 (unknown image, profile default): 0 findings\n"
		    "  mounts[2].source /etc: the host's configuration [mount.host-tree] (passes: exception by OPS-91 "
		    "until "
		    "2999-12-31)");
	write_profile(&place, "default",
		      "\"exceptions\": [{\"rule\": \"mount.host-tree\", \"subject\": \"/etc\", \"reason\": \"OPS-91\", "
		      "\"expires\": \"2020-02-29\"}]");
	expect_text(&place, true,
		    "cofferdam: refused web-1 (unknown image, profile default): 1 finding\n"
		    "  mounts[2].source /etc: the host's configuration [mount.host-tree] (an exception by OPS-91 "
		    "expired on "
		    "2020-02-29)" EXPLAIN);
	tear_down(&place);
}

Test(verdict, the_image_chooses_the_profile)
{
	struct cfd_verdict verdict = CFD_VERDICT_INIT;
	struct cfd_error err = {0};
	struct place place;

	set_up(&place);
	write_profile(&place, "nginx", "\"match\": [{\"image\": \"docker.io/library/nginx:1.*\"}]");
	place.request.image_name = "nginx:1.27";
	expect_text(&place, false, "cofferdam: passed web-1 (docker.io/library/nginx:1.27, profile nginx): 0 findings");
	place.request.image_name = "nginx:2.0";
	expect_text(&place, false,
		    "cofferdam: passed web-1 (docker.io/library/nginx:2.0, profile default): 0 findings");
	place.config.refuse_unknown_image = true;
	cr_expect_eq(cfd_verdict_reach(&place.request, &verdict, &err), -ENOKEY);
	cr_expect(strstr(err.message, "docker.io/library/nginx:2.0") && strstr(err.message, place.profiles), "%s",
		  err.message);
	cfd_verdict_release(&verdict);
	place.request.profile_name = "nginx";
	expect_text(&place, false, "cofferdam: passed web-1 (docker.io/library/nginx:2.0, profile nginx): 0 findings");
	place.request.profile_name = "missing";
	cr_expect_neq(cfd_verdict_reach(&place.request, &verdict, &err), 0);
	cfd_verdict_release(&verdict);
	tear_down(&place);
}

Test(verdict, what_the_engine_will_write_is_judged_instead_of_the_file)
{
	struct cfd_verdict verdict = CFD_VERDICT_INIT;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct place place;

	set_up(&place);
	write_config(&place, ETC, "");
	cr_assert_eq(cfd_fd_read_file(place.fd, "config.json", 1 << 20, &text, &err), 0, "%s", err.message);
	write_config(&place, "", "");
	free(text_of(&place, false));
	place.request.text = &text;
	free(text_of(&place, true));
	write_file(&place, "config.json", "torn {");
	free(text_of(&place, true));
	text.length--;
	cr_expect_neq(cfd_verdict_reach(&place.request, &verdict, &err), 0);
	cr_expect(cfd_starts_with(err.message, "bundle /tmp/"), "%s", err.message);
	cfd_verdict_release(&verdict);
	tear_down(&place);
}

Test(verdict, what_cannot_be_read_is_no_verdict)
{
	static const char *const configs[] = {"", "{", "[]", "{\"ociVersion\": \"1.1.0\", \"mounts\": {}}",
					      "{\"ociVersion\": \"1.1.0\", \"ociVersion\": \"1.1.0\"}"};
	struct place place;

	set_up(&place);
	for (size_t i = 0; i < CFD_COUNT(configs); i++) {
		struct cfd_verdict verdict = CFD_VERDICT_INIT;
		struct cfd_error err = {0};

		write_file(&place, "config.json", configs[i]);
		cr_expect_eq(cfd_verdict_reach(&place.request, &verdict, &err), -EINVAL, "%s", configs[i]);
		cr_expect(strstr(err.message, "config.json"), "%s", err.message);
		cfd_verdict_release(&verdict);
	}
	cr_assert_eq(unlinkat(place.fd, "config.json", 0), 0);
	cr_assert_eq(symlinkat("/etc/passwd", place.fd, "config.json"), 0);
	for (size_t i = 0; i < 2; i++) {
		struct cfd_verdict verdict = CFD_VERDICT_INIT;
		struct cfd_error err = {0};

		cr_expect_eq(cfd_verdict_reach(&place.request, &verdict, &err), i ? -ENOENT : -ELOOP);
		cfd_verdict_release(&verdict);
		unlinkat(place.fd, "config.json", 0);
	}
	tear_down(&place);
}

Test(verdict, a_missing_rootfs_is_an_error_where_the_container_would_run)
{
	struct cfd_verdict verdict = CFD_VERDICT_INIT;
	struct cfd_error err = {0};
	struct place place;

	set_up(&place);
	cr_assert_eq(unlinkat(place.fd, "rootfs", AT_REMOVEDIR), 0);
	cr_expect_eq(cfd_verdict_reach(&place.request, &verdict, &err), -ENOENT);
	cr_expect(strstr(err.message, "root.path rootfs"), "%s", err.message);
	cfd_verdict_release(&verdict);
	place.request.host_facts = false;
	expect_text(&place, false, "cofferdam: passed web-1 (unknown image, profile default): 0 findings");
	tear_down(&place);
}

Test(verdict, a_file_alone_is_judged_by_its_text)
{
	struct place place;
	char file[96];

	set_up(&place);
	write_config(&place, ETC, "");
	snprintf(file, sizeof(file), "%s/config.json", place.path);
	place.request.bundle = "";
	place.request.bundle_fd = -1;
	place.request.config_file = file;
	place.request.host_facts = false;
	expect_text(&place, true,
		    "cofferdam: refused web-1 (unknown image, profile default): 1 finding\n"
		    "  mounts[2].source /etc: the host's configuration [mount.host-tree]" EXPLAIN);
	tear_down(&place);
}

Test(verdict, many_findings_of_one_rule_are_counted)
{
	CFD_AUTO_BUF struct cfd_buf mounts = {0};
	struct place place;
	CFD_AUTO_FREE char *text = NULL;

	set_up(&place);
	for (int i = 0; i < 300; i++)
		cfd_buf_addf(&mounts, ", {\"destination\": \"/x%d\", \"type\": \"ext4\", \"source\": \"/dev/vda\"}", i);
	write_config(&place, mounts.data, ", \"annotations\": {\"run.oci.x\": \"1\"}");
	text = text_of(&place, true);
	cr_expect(cfd_starts_with(text, "cofferdam: refused web-1 (unknown image, profile default): 301 findings\n"),
		  "%s", text);
	cr_expect(strstr(text, "mounts[6].type ext4") && !strstr(text, "mounts[7].type"), "%s", text);
	cr_expect(strstr(text, "\n  and 251 more [mount.filesystem-type]\n  and 45 more\n"), "%s", text);
	tear_down(&place);
}
