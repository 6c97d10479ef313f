/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: the view under both strictnesses, the rules on its text, the amended document. A document is judged as
 * its canonical text is, which is what the runtime reads; an amended one passes the schema, is amended no further, and
 * has what every container gets.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/amend/amend.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/userns/userns.h"
#include "lib/verdict.h"

#include <errno.h>
#include <string.h>

#define HOOK "/usr/libexec/cofferdam/cofferdam-hook"

/* Two containers that differ in all that rules ask about: one of nobody, and one that may much. */
static const struct cfd_config config;
static const struct cfd_image nobody,
	of_podman = {
		.engine = CFD_ENGINE_PODMAN,
		.name = (char *)"docker.io/library/nginx:1.27",
		.engine_dirs = {(char *)"/var/lib/containers/storage/overlay-containers/c/userdata"},
		.volume_dirs = {(char *)"/var/lib/containers/storage/volumes"},
};

static char *devices[] = {(char *)"/dev/fuse", NULL}, *capabilities[] = {(char *)"CAP_NET_ADMIN", NULL},
	    *sysctls[] = {(char *)"net.core.somaxconn", NULL};
static struct cfd_profile_mount mount = {.source = (char *)"/srv", .writable = true};
static struct cfd_profile_exception exceptions[] = {
	{.rule = (char *)"namespace.host-pid", .subject = (char *)"pid", .reason = (char *)"T-1", .expires = 10},
	{.rule = (char *)"mount.host-tree", .subject = (char *)"/etc", .reason = (char *)"T-2", .expires = 1},
};
static const struct cfd_profile strict = {.name = (char *)"strict", .no_new_privileges = true, .readonly_rootfs = true},
				generous = {
					.name = (char *)"generous",
					.devices = devices,
					.capabilities = capabilities,
					.sysctls = sysctls,
					.mounts = &mount,
					.mount_count = 1,
					.userns_host = true,
					.userns_reason = (char *)"T-3",
					.exceptions = exceptions,
					.exception_count = CFD_COUNT(exceptions),
};

/* How many findings there are; each is fit for a log. */
static size_t judge(const struct cfd_spec *spec, const struct cfd_profile *profile, const struct cfd_image *image)
{
	struct cfd_verdict verdict = {.image = *image, .profile = (struct cfd_profile *)profile};
	const struct cfd_rules_context context = {
		.spec = spec,
		.profile = profile,
		.image = image,
		.config = &config,
		.container_id = "fuzz",
		.bundle = "",
		.bundle_fd = -1,
		.rootfs_fd = -1,
		.now = 5,
	};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	size_t total;

	FUZZ_CHECK(cfd_rules_run(&context, &verdict.findings, &err) == 0);
	FUZZ_CHECK(verdict.findings.count <= verdict.findings.total && verdict.findings.count <= CFD_FINDINGS_MAX);
	for (size_t i = 0; i < verdict.findings.count; i++) {
		FUZZ_CHECK(verdict.findings.values[i].rule);
		fuzz_check_line(verdict.findings.values[i].path);
		fuzz_check_line(verdict.findings.values[i].message);
	}
	FUZZ_CHECK(cfd_verdict_text(&verdict, "fuzz", &cfd_paint_none, &text) == 0);
	cfd_hide_control(text.data, "\n");
	FUZZ_CHECK(strlen(text.data) == text.length && !strchr(text.data, '\x1b'));
	total = verdict.findings.total;
	cfd_findings_release(&verdict.findings);
	return total;
}

static int read_text(const char *text, size_t length, enum cfd_spec_unknown unknown, struct cfd_json_doc **ret_doc,
		     struct cfd_spec *ret_spec)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_error err = {0};
	int r = cfd_json_parse(text, length, &options, ret_doc, &err);

	if (!r)
		r = cfd_spec_read(*ret_doc, unknown, ret_spec, &err);
	FUZZ_CHECK(!r || *err.message);
	return r;
}

static void check_amended(const struct cfd_json *root, const struct cfd_profile *profile)
{
	const struct cfd_json *process = cfd_json_get(root, "process"), *sets = cfd_json_get(process, "capabilities");
	const struct cfd_json *first = cfd_json_at(cfd_json_get(cfd_json_get(root, "hooks"), "createRuntime"), 0);

	FUZZ_CHECK(cfd_streq(cfd_json_string(cfd_json_get(first, "path")), HOOK));
	FUZZ_CHECK(cfd_streq(cfd_json_string(cfd_json_get(cfd_json_get(root, "root"), "path")), "/stage/rootfs"));
	FUZZ_CHECK(!profile->readonly_rootfs || cfd_json_bool(cfd_json_get(cfd_json_get(root, "root"), "readonly")));
	if (!process)
		return;
	FUZZ_CHECK(!profile->no_new_privileges || cfd_json_bool(cfd_json_get(process, "noNewPrivileges")));
	FUZZ_CHECK(cfd_json_get(sets, "ambient") && !cfd_json_count(cfd_json_get(sets, "ambient")));
	FUZZ_CHECK(!cfd_json_count(cfd_json_get(sets, "inheritable")));
}

/* Amends the text's document and gives what is written of it; false when the engine's mappings are in the way. */
static bool amend(const struct cfd_buf *text, const struct cfd_profile *profile, struct cfd_buf *ret_text)
{
	static const struct cfd_userns_range range = {.base = 1 << 20, .size = 65536};
	const struct cfd_amend_decision decision = {
		.profile = profile,
		.rootfs = "/stage/rootfs",
		.range = profile->userns_host ? NULL : &range,
		.hook_path = HOOK,
	};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
	struct cfd_error err = {0};
	int r;

	FUZZ_CHECK(read_text(text->data, text->length, CFD_SPEC_UNKNOWN_STRICT, &doc, &spec) == 0);
	r = cfd_amend(&spec, &decision, &err);
	FUZZ_CHECK(!r || (r == -EINVAL && !profile->userns_host));
	if (r)
		return false;
	check_amended(cfd_json_root(doc), profile);
	fuzz_write(cfd_json_root(doc), ret_text);
	return true;
}

static void check_amend(const struct cfd_buf *text, const struct cfd_profile *profile)
{
	CFD_AUTO_BUF struct cfd_buf once = {0}, twice = {0};

	if (!amend(text, profile, &once))
		return;
	FUZZ_CHECK(amend(&once, profile, &twice));
	FUZZ_CHECK(cfd_streq(once.data, twice.data));
}

/* The same bytes as a part of a configuration: what exec and update are given. */
static void read_part(const char *text, size_t length,
		      int (*read)(struct cfd_json_doc *doc, enum cfd_spec_unknown unknown, struct cfd_spec *ret_spec,
				  struct cfd_error *err))
{
	const struct cfd_json_options options = {.name = "part"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
	CFD_AUTO_BUF struct cfd_buf written = {0};
	struct cfd_error err = {0};

	if (cfd_json_parse(text, length, &options, &doc, &err) || read(doc, CFD_SPEC_UNKNOWN_WARN, &spec, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	fuzz_write(cfd_json_root(doc), &written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL, *strict_doc = NULL, *again = NULL;
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0}, strict_spec = {0}, spec_again = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	bool accepted = read_text((const char *)data, size, CFD_SPEC_UNKNOWN_WARN, &doc, &spec) == 0;
	bool strictly = read_text((const char *)data, size, CFD_SPEC_UNKNOWN_STRICT, &strict_doc, &strict_spec) == 0;

	read_part((const char *)data, size, cfd_spec_read_process);
	read_part((const char *)data, size, cfd_spec_read_resources);
	FUZZ_CHECK(strictly == (accepted && spec.unknown.length == 0));
	if (!accepted)
		return 0;
	FUZZ_CHECK(!strictly || fuzz_equal(cfd_json_root(doc), cfd_json_root(strict_doc)));
	fuzz_write(cfd_json_root(doc), &text);
	FUZZ_CHECK(read_text(text.data, text.length, CFD_SPEC_UNKNOWN_STRICT, &again, &spec_again) == 0);
	FUZZ_CHECK(judge(&spec, &strict, &nobody) == judge(&spec_again, &strict, &nobody));
	FUZZ_CHECK(judge(&spec, &generous, &of_podman) == judge(&spec_again, &generous, &of_podman));
	check_amend(&text, &strict);
	check_amend(&text, &generous);
	return 0;
}
