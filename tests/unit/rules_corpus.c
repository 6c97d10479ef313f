/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules over tests/corpus: engines/ has whole configurations as engines write them, with the findings that are
 * expected; rules/GROUP/NAME.json has, for each rule, changes to engines/bare.json that pass and changes that are
 * refused for that rule alone. A rule without such a file fails here.
 *
 * A change is RFC 6902 (add, replace, remove). "occasion" is create, unless it says exec, update or restore; then
 * "record" is what was recorded of the container. A case may bring parts of a profile, of an image and of
 * cofferdam.json, and a tree of files, whose directory stands for @T@ in the file's text, as @HOOK@ does for
 * cofferdam's hook and @ETC@ for its configuration; "host": true judges with facts of this host. What is refused has
 * one finding, or as many as "count" says; "at" is the first one's path, "says" a part of its message.
 */
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"
#include "lib/state/state.h"
#include "tests/unit/corpus.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CORPUS "tests/corpus"
#define NOW 1000000

struct subject { /* one configuration with everything around it */
	struct cfd_json_doc *doc;
	struct cfd_spec spec;
	struct cfd_profile profile;
	struct cfd_image image;
	struct cfd_config config;
	struct cfd_record record;
	struct cfd_spec_strings cgroups;
	struct cfd_findings findings;
	int rootfs_fd, bundle_fd;
	bool generous;             /* its profile allows whatever a key can */
	struct corpus_lists lists; /* what the structures above point to */
};

static bool has_option(const struct cfd_json *mount, const char *option)
{
	const struct cfd_json *options = cfd_json_get(mount, "options");

	for (size_t i = 0; i < cfd_json_count(options); i++)
		if (cfd_streq(cfd_json_string(cfd_json_at(options, i)), option))
			return true;
	return false;
}

static void read_profile(struct subject *subject, const struct cfd_json *profile)
{
	static struct cfd_profile_mount mounts[16];
	const struct cfd_json *capabilities = cfd_json_get(profile, "capabilities"),
			      *allow = cfd_json_get(profile, "mounts");

	subject->profile = (struct cfd_profile){.name = (char *)"test", .mounts = mounts};
	subject->profile.devices = corpus_strings(&subject->lists, cfd_json_get(profile, "devices"));
	subject->profile.sysctls = corpus_strings(&subject->lists, cfd_json_get(profile, "sysctls"));
	if (capabilities)
		subject->profile.capabilities = corpus_strings(&subject->lists, capabilities);
	subject->profile.userns_host = cfd_json_bool(cfd_json_get(profile, "userns_host"));
	cfd_json_int(cfd_json_get(profile, "userns_size"), 0, UINT32_MAX, &subject->profile.userns_size);
	for (size_t i = 0; i < cfd_json_count(allow); i++) {
		const struct cfd_json *mount = cfd_json_at(allow, i);

		mounts[subject->profile.mount_count++] = (struct cfd_profile_mount){
			.source = (char *)cfd_json_string(cfd_json_get(mount, "source")),
			.destination = (char *)cfd_json_string(cfd_json_get(mount, "destination")),
			.writable = has_option(mount, "rw"),
			.idmap = has_option(mount, "idmap"),
		};
	}
}

/* All that a profile's keys can allow, and more than its reader lets them: the root directory, writable. */
static void allow_everything(struct subject *subject)
{
	static struct cfd_profile_mount everything = {.source = (char *)"/", .writable = true};
	char **devices = subject->lists.values[subject->lists.count++],
	     **sysctls = subject->lists.values[subject->lists.count++];
	char **capabilities = subject->lists.values[subject->lists.count++];

	for (size_t i = 0; i < subject->spec.device_count && i < 63; i++)
		devices[i] = (char *)subject->spec.devices[i].path;
	for (size_t i = 0; i < subject->spec.sysctls.count && i < 63; i++)
		sysctls[i] = (char *)subject->spec.sysctls.values[i].key;
	for (unsigned i = 0; cfd_caps_name(i) && i < 63; i++)
		capabilities[i] = (char *)cfd_caps_name(i);
	subject->profile.mounts = &everything;
	subject->profile.mount_count = 1;
	subject->profile.devices = devices;
	subject->profile.sysctls = sysctls;
	subject->profile.capabilities = capabilities;
	subject->profile.shells = CFD_SHELLS_ALLOW;
	subject->profile.listen_any = true;
}

static void read_exceptions(struct subject *subject, const struct cfd_json *exceptions)
{
	static struct cfd_profile_exception list[16];

	subject->profile.exceptions = list;
	for (size_t i = 0; i < cfd_json_count(exceptions); i++) {
		const struct cfd_json *exception = cfd_json_at(exceptions, i);

		list[subject->profile.exception_count++] = (struct cfd_profile_exception){
			.rule = (char *)cfd_json_string(cfd_json_get(exception, "rule")),
			.subject = (char *)cfd_json_string(cfd_json_get(exception, "subject")),
			.reason = (char *)"T-1",
			.expires = NOW + 1,
		};
	}
}

static enum cfd_occasion read_occasion(const struct cfd_json *around)
{
	static const char *const names[] = {[CFD_RESTORE] = "restore", [CFD_EXEC] = "exec", [CFD_UPDATE] = "update"};
	const char *name = cfd_json_string(cfd_json_get(around, "occasion"));

	for (size_t i = 0; name && i < CFD_COUNT(names); i++)
		if (cfd_streq(names[i], name))
			return (enum cfd_occasion)i;
	cr_assert_null(name);
	return CFD_CREATE;
}

static cfd_caps read_caps(const struct cfd_json *array)
{
	cfd_caps caps = 0;

	for (size_t i = 0; i < cfd_json_count(array); i++) {
		unsigned number = 0;

		cr_assert_eq(cfd_caps_number(cfd_json_string(cfd_json_at(array, i)), &number), 0);
		caps |= UINT64_C(1) << number;
	}
	return caps;
}

/* What is asked of a container whose record says this. */
static void read_record(struct subject *subject, const struct cfd_json *record, struct cfd_rules_context *context)
{
	struct cfd_record *to = &subject->record;
	int64_t size;

	to->capabilities = read_caps(cfd_json_get(record, "capabilities"));
	to->asked_capabilities = read_caps(cfd_json_get(record, "asked_capabilities"));
	to->no_new_privileges = cfd_json_bool(cfd_json_get(record, "no_new_privileges"));
	if (cfd_json_bool(cfd_json_get(record, "range")))
		to->range.size = CFD_USERNS_RANGE_SIZE;
	if (!cfd_json_int(cfd_json_get(record, "range_size"), 0, UINT32_MAX, &size))
		to->range.size = (uint32_t)size;
	to->apparmor_profile = (char *)cfd_json_string(cfd_json_get(record, "apparmor_profile"));
	to->selinux_label = (char *)cfd_json_string(cfd_json_get(record, "selinux_label"));
	to->loader_env = corpus_strings(&subject->lists, cfd_json_get(record, "loader_env"));
	cfd_json_int(cfd_json_get(record, "oom_score_adj"), -1000, 1000, &to->oom_score_adj);
	subject->cgroups.values = (const char **)corpus_strings(&subject->lists, cfd_json_get(record, "asked_cgroups"));
	while (subject->cgroups.values[subject->cgroups.count])
		subject->cgroups.count++;
	context->record = to;
	context->cgroups = &subject->cgroups;
	context->device_rules = cfd_json_get(record, "device_rules");
}

/* "dir", "MODE dir", "fifo", "socket", "-> target", "link NAME", else a file with that content. */
static void make_file(const char *tree, const char *name, const char *kind)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[256], other[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	if (cfd_starts_with(kind, "-> ")) {
		cr_assert_eq(symlink(kind + 3, path), 0);
	} else if (cfd_starts_with(kind, "link ")) {
		snprintf(other, sizeof(other), "%s/%s", tree, kind + 5);
		cr_assert_eq(link(other, path), 0);
	} else if (cfd_ends_with(kind, "dir")) {
		cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
		cr_assert_eq(chmod(path, *kind == '0' ? (mode_t)strtoul(kind, NULL, 8) : 0755), 0);
	} else if (cfd_streq(kind, "fifo")) {
		cr_assert_eq(mkfifo(path, 0600), 0);
	} else if (cfd_streq(kind, "socket")) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(address.sun_path, path);
		cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		close(fd);
	} else {
		fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0644);
		cr_assert_geq(fd, 0);
		cr_assert_eq(write(fd, kind, strlen(kind)), (ssize_t)strlen(kind));
		close(fd);
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void make_tree(const char *tree, const struct cfd_json *files)
{
	nftw(tree, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	cr_assert_eq(mkdir(tree, 0755), 0);
	for (size_t i = 0; i < cfd_json_count(files); i++) {
		const char *name = NULL;
		const struct cfd_json *kind = cfd_json_member(files, i, &name);

		make_file(tree, name, cfd_json_string(kind));
	}
}

static void release(struct subject *subject)
{
	cfd_findings_release(&subject->findings);
	cfd_spec_release(&subject->spec);
	cfd_json_doc_freep(&subject->doc);
	cfd_base_close(&subject->rootfs_fd);
	cfd_base_close(&subject->bundle_fd);
}

/* Judges the configuration with what the case says around it; the first error is fatal to the test. */
static void run(struct subject *subject, const struct cfd_json *base, const struct cfd_json *around, const char *tree,
		const char *name)
{
	const struct cfd_json *patch = cfd_json_get(around, "patch"), *config = cfd_json_get(around, "config");
	struct cfd_rules_context context = {.container_id = "test", .bundle = "", .now = NOW};
	const struct cfd_json_options options = {.name = name};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	char rootfs[256];

	cr_assert_eq(cfd_json_write(base, &text), 0);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &subject->doc, &err), 0, "%s", err.message);
	for (size_t i = 0; i < cfd_json_count(patch); i++)
		corpus_apply(subject->doc, cfd_json_at(patch, i));
	cr_assert_eq(cfd_spec_read(subject->doc, CFD_SPEC_UNKNOWN_STRICT, &subject->spec, &err), 0, "%s: %s", name,
		     err.message);
	read_profile(subject, cfd_json_get(around, "profile"));
	if (subject->generous)
		allow_everything(subject);
	read_exceptions(subject, cfd_json_get(around, "exceptions"));
	corpus_read_image(cfd_json_get(around, "image"), &subject->lists, &subject->image);
	if (cfd_json_get(config, "hooks"))
		subject->config.allowed_hooks = corpus_strings(&subject->lists, cfd_json_get(config, "hooks"));
	if (cfd_json_get(config, "caller"))
		subject->config.caller = cfd_streq(cfd_json_string(cfd_json_get(config, "caller")), "user")
						 ? CFD_CALLER_USER
						 : CFD_CALLER_NAMESPACE;
	if (cfd_json_get(config, "userns_off"))
		subject->config.userns = CFD_NEED_OFF;
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", tree);
	subject->rootfs_fd = open(rootfs, O_PATH | O_CLOEXEC | O_DIRECTORY);
	subject->bundle_fd = open(tree, O_PATH | O_CLOEXEC | O_DIRECTORY);
	context.occasion = read_occasion(around);
	read_record(subject, cfd_json_get(around, "record"), &context);
	context.spec = &subject->spec;
	context.profile = &subject->profile;
	context.image = &subject->image;
	context.config = &subject->config;
	context.bundle_fd = subject->bundle_fd;
	context.rootfs_fd = subject->rootfs_fd;
	context.cgroup_root = cfd_json_get(around, "cgroup_root") ? tree : NULL;
	context.subid_dir = tree;
	subject->config.userns_pool = (char *)"cofferdam";
	context.host_facts = cfd_json_bool(cfd_json_get(around, "host"));
	context.created = cfd_json_bool(cfd_json_get(around, "created"));
	context.by_name = cfd_json_bool(cfd_json_get(around, "by_name"));
	cr_assert_eq(cfd_rules_run(&context, &subject->findings, &err), 0, "%s: %s", name, err.message);
}

static void list_findings(const struct cfd_findings *findings, struct cfd_buf *buf)
{
	cfd_buf_add_string(buf, "");
	for (size_t i = 0; i < findings->count; i++)
		if (!findings->values[i].excepted)
			cfd_buf_addf(buf, "%s %s %s\n", findings->values[i].rule->id, findings->values[i].path,
				     findings->values[i].value);
}

static void list_expected(const struct cfd_json *expected, struct cfd_buf *buf)
{
	cfd_buf_add_string(buf, "");
	for (size_t i = 0; i < cfd_json_count(expected); i++)
		cfd_buf_addf(buf, "%s\n", cfd_json_string(cfd_json_at(expected, i)));
}

/* Names of the directory's files, sorted; the caller frees. */
static int list_directory(const char *path, struct dirent ***ret_entries)
{
	int count = scandir(path, ret_entries, NULL, alphasort);

	cr_assert_gt(count, 2, "%s", path);
	return count;
}

Test(rules_corpus, what_engines_write_is_judged_as_expected)
{
	struct dirent **entries;
	int count = list_directory(CORPUS "/engines", &entries);

	for (int i = 0; i < count; i++) {
		struct subject subject = {.rootfs_fd = -1, .bundle_fd = -1};
		CFD_AUTO_BUF struct cfd_buf found = {0}, expected = {0};
		struct cfd_json_doc *doc;
		char path[512];

		snprintf(path, sizeof(path), CORPUS "/engines/%s", entries[i]->d_name);
		free(entries[i]);
		if (!cfd_ends_with(path, ".json"))
			continue;
		doc = corpus_parse(path, NULL);
		run(&subject, cfd_json_get(cfd_json_root(doc), "config"), cfd_json_root(doc), "/nonexistent", path);
		list_findings(&subject.findings, &found);
		list_expected(cfd_json_get(cfd_json_root(doc), "findings"), &expected);
		cr_expect_str_eq(found.data, expected.data, "%s:\nfound\n%sexpected\n%s", path, found.data,
				 expected.data);
		release(&subject);
		cfd_json_doc_freep(&doc);
	}
	free(entries);
}

Test(rules_corpus, what_runtimes_give_as_an_example_passes)
{
	static const char *const files[] = {CORPUS "/config/runc-1.1.json", CORPUS "/config/crun-1.8.json"};

	for (size_t i = 0; i < CFD_COUNT(files); i++) {
		struct subject subject = {.rootfs_fd = -1, .bundle_fd = -1};
		struct cfd_json_doc *doc = corpus_parse(files[i], NULL);
		CFD_AUTO_BUF struct cfd_buf found = {0};

		run(&subject, cfd_json_root(doc), NULL, "/nonexistent", files[i]);
		list_findings(&subject.findings, &found);
		/* Both were written on a host with cgroup v1, where this is usual; by the text alone it is judged as
		 * v2. */
		cr_expect_str_eq(found.data, "namespace.host-cgroup linux.namespaces cgroup\n", "%s:\n%s", files[i],
				 found.data);
		release(&subject);
		cfd_json_doc_freep(&doc);
	}
}

struct directory {
	char path[64];
	struct cfd_json_doc *bare;
};

/* How many findings there must be; one, unless the case says otherwise. */
static size_t expected_count(const struct cfd_json *around)
{
	int64_t count = 1;

	cr_assert(!cfd_json_get(around, "count") || !cfd_json_int(cfd_json_get(around, "count"), 2, 255, &count));
	return (size_t)count;
}

static bool is_first(const struct cfd_findings *findings, const char *at, const char *says)
{
	return (!at || cfd_streq(findings->values[0].path, at)) && (!says || strstr(findings->values[0].message, says));
}

static void check_refused(const struct directory *tree, const struct cfd_rule *rule, const struct cfd_json *around,
			  const char *name)
{
	struct subject subject = {.rootfs_fd = -1, .bundle_fd = -1};
	const char *at = cfd_json_string(cfd_json_get(around, "at"));
	const char *says = cfd_json_string(cfd_json_get(around, "says"));
	CFD_AUTO_BUF struct cfd_buf found = {0};
	size_t count = 0, expected = expected_count(around);
	bool other = false;

	make_tree(tree->path, cfd_json_get(around, "tree"));
	run(&subject, cfd_json_get(cfd_json_root(tree->bare), "config"), around, tree->path, name);
	list_findings(&subject.findings, &found);
	for (size_t i = 0; i < subject.findings.count; i++) {
		count += !subject.findings.values[i].excepted;
		other = other || (!subject.findings.values[i].excepted && subject.findings.values[i].rule != rule);
	}
	cr_expect(count == expected && !other, "%s: to be refused %zu times for %s alone, but found:\n%s", name,
		  expected, rule->id, found.data);
	cr_expect(!count || is_first(&subject.findings, at, says), "%s: not at %s or not saying %s but:\n%s", name,
		  at ? at : "-", says ? says : "-", found.data);
	release(&subject);
}

/* The never class: no key allows it, only an exception. */
static void check_never(const struct directory *tree, const struct cfd_rule *rule, const struct cfd_json *around,
			const char *name)
{
	struct subject subject = {.rootfs_fd = -1, .bundle_fd = -1, .generous = true};
	bool refused = false;

	/* Refused for how the profile names it; one that names all of the host allows it in another way. */
	if (cfd_json_bool(cfd_json_get(around, "named")))
		return;
	make_tree(tree->path, cfd_json_get(around, "tree"));
	run(&subject, cfd_json_get(cfd_json_root(tree->bare), "config"), around, tree->path, name);
	for (size_t i = 0; i < subject.findings.count; i++)
		refused = refused || (!subject.findings.values[i].excepted && subject.findings.values[i].rule == rule);
	cr_expect(refused, "%s: a profile that allows everything lets %s pass", name, rule->id);
	release(&subject);
}

static void check_passes(const struct directory *tree, const struct cfd_json *around, const char *name)
{
	struct subject subject = {.rootfs_fd = -1, .bundle_fd = -1};
	CFD_AUTO_BUF struct cfd_buf found = {0};

	make_tree(tree->path, cfd_json_get(around, "tree"));
	run(&subject, cfd_json_get(cfd_json_root(tree->bare), "config"), around, tree->path, name);
	list_findings(&subject.findings, &found);
	cr_expect_str_eq(found.data, "", "%s: to pass, but found:\n%s", name, found.data);
	release(&subject);
}

/* A source below a directory of somebody who is not root can be replaced: such cases pass only for root. */
static bool can_run(const struct cfd_json *around)
{
	return geteuid() == 0 || !cfd_json_bool(cfd_json_get(around, "root"));
}

static void check_rule(const struct directory *tree, const char *group, const struct cfd_rule *rule)
{
	char path[512], name[640];
	struct cfd_json_doc *doc;
	const struct cfd_json *passes, *refused;

	snprintf(path, sizeof(path), CORPUS "/rules/%s/%s.json", group, strchr(rule->id, '.') + 1);
	cr_assert(access(path, R_OK) == 0, "%s has no cases: %s", rule->id, path);
	doc = corpus_parse(path, tree->path);
	passes = cfd_json_get(cfd_json_root(doc), "passes");
	refused = cfd_json_get(cfd_json_root(doc), "refused");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_root(doc), "rule")), rule->id);
	cr_expect(cfd_json_count(passes) && cfd_json_count(refused),
		  "%s needs a case that passes and one that does not", path);
	for (size_t i = 0; i < cfd_json_count(passes); i++) {
		snprintf(name, sizeof(name), "%s passes[%zu]", path, i);
		if (can_run(cfd_json_at(passes, i)))
			check_passes(tree, cfd_json_at(passes, i), name);
	}
	for (size_t i = 0; i < cfd_json_count(refused); i++) {
		snprintf(name, sizeof(name), "%s refused[%zu]", path, i);
		if (can_run(cfd_json_at(refused, i)))
			check_refused(tree, rule, cfd_json_at(refused, i), name);
		if (can_run(cfd_json_at(refused, i)) && rule->class == CFD_RULE_NEVER)
			check_never(tree, rule, cfd_json_at(refused, i), name);
	}
	cfd_json_doc_freep(&doc);
}

Test(rules_corpus, every_rule_refuses_its_cases_and_nothing_beside_them)
{
	struct directory tree = {.path = "/tmp/cofferdam-rules-XXXXXX"};

	cr_assert_not_null(mkdtemp(tree.path));
	tree.bare = corpus_parse(CORPUS "/engines/bare.json", NULL);
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++)
			check_rule(&tree, cfd_rule_groups[g]->name, &cfd_rule_groups[g]->rules[i]);
	nftw(tree.path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	cfd_json_doc_freep(&tree.bare);
}
