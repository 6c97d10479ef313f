/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about objects that have to be made: bind mounts under other names, namespaces of other processes. The children
 * that make them have a user namespace of their own, so no privilege is needed; where those are forbidden, they skip.
 */
#include "lib/config.h"
#include "lib/image/image.h"
#include "lib/profile/profile.h"
#include "lib/rules/hostfiles.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT 77

static struct cfd_spec_namespace namespaces[] = {
	{.type = "pid"}, {.type = "network"}, {.type = "ipc"},
	{.type = "uts"}, {.type = "mount"},   {.type = "user"}, /* counts when it has a path */
};

/* What the profile allows; none without a source. */
static struct cfd_profile_mount permitted;

/* The ids of the rules that a container falls under, separated by spaces, for its third mount or its network. */
static void judge(const char *source, const char *network, const struct cfd_image *image, char *text, size_t size)
{
	const char *options[] = {"rbind", "ro"};
	struct cfd_spec_mount mounts[] = {
		{.destination = "/proc", .type = "proc"},
		{.destination = "/dev", .type = "tmpfs"},
		{.destination = "/mnt", .type = "bind", .source = source, .options = {.values = options, .count = 2}},
	};
	const struct cfd_spec spec = {.root_path = "rootfs",
				      .mounts = mounts,
				      .mount_count = source ? 3 : 2,
				      .namespaces = namespaces,
				      .namespace_count = CFD_COUNT(namespaces) - !namespaces[5].path};
	const struct cfd_profile profile = {.mounts = &permitted, .mount_count = permitted.source != NULL};
	const struct cfd_config config = {0};
	const struct cfd_rules_context context = {.spec = &spec,
						  .profile = &profile,
						  .image = image,
						  .config = &config,
						  .bundle_fd = -1,
						  .rootfs_fd = -1,
						  .host_facts = true};
	struct cfd_findings findings = {0};
	struct cfd_error err = {0};

	namespaces[1].path = network;
	text[0] = '\0';
	if (cfd_rules_run(&context, &findings, &err))
		snprintf(text, size, "error: %.400s", err.message);
	for (size_t i = 0; i < findings.count; i++)
		snprintf(text + strlen(text), size - strlen(text), "%s%s", i ? " " : "", findings.values[i].rule->id);
	cfd_findings_release(&findings);
}

struct alias {
	const char *name, *device, *rule;
	enum { NOTHING, AS_IT_IS, IDMAPPED } allowed; /* by the profile: "site" */
};

static const struct alias aliases[] = {
	{"volumes/plain/_data", NULL, "", NOTHING},
	{"volumes/memory/_data", "tmpfs", "", NOTHING},
	{"volumes/etc/_data", "/etc", "mount.host-tree", NOTHING},
	{"volumes/root/_data", "/", "mount.host-root", NOTHING},
	{"volumes/share/_data", "/usr/share", "mount.host-system", NOTHING},
	{"volumes/site/_data", "site", "mount.host-path", NOTHING},
	{"volumes/site2/_data", "site", "mount.host-path", AS_IT_IS},
	{"volumes/site3/_data", "site", "", IDMAPPED},
	{"volumes/proc/_data", "/proc", "mount.host-kernel", NOTHING},
	{"volumes/pts/_data", "devpts", "mount.host-kernel", NOTHING},
	{"volumes/over/_data", "overlay", "mount.host-tree", NOTHING},
	{"other", "/etc", "mount.host-tree", NOTHING},
};

static bool make_directories(const char *directory, const char *below)
{
	char path[256];

	for (const char *slash = strchr(below, '/');; slash = strchr(slash + 1, '/')) {
		int length = slash ? (int)(slash - below) : (int)strlen(below);

		snprintf(path, sizeof(path), "%s/%.*s", directory, length, below);
		if (mkdir(path, 0755) && errno != EEXIST)
			return false;
		if (!slash)
			return true;
	}
}

static bool make_mount(const char *directory, const struct alias *alias)
{
	char target[256], source[256];

	snprintf(target, sizeof(target), "%s/%s", directory, alias->name);
	snprintf(source, sizeof(source), "%s%s%s", alias->device && alias->device[0] == '/' ? "" : directory,
		 alias->device && alias->device[0] == '/' ? "" : "/", alias->device ? alias->device : "");
	if (!make_directories(directory, alias->name))
		return false;
	if (!alias->device)
		return true;
	if (strcmp(alias->device, "tmpfs") == 0 || strcmp(alias->device, "devpts") == 0)
		return mount(alias->device, target, alias->device, 0, NULL) == 0;
	if (strcmp(alias->device, "overlay") == 0)
		return mount("overlay", target, "overlay", 0, "lowerdir=/etc:/usr") == 0;
	return mount(source, target, NULL, MS_BIND | MS_REC, NULL) == 0;
}

static bool write_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool done = file && fputs(text, file) >= 0;

	return (!file || fclose(file) == 0) && done;
}

/* A mount namespace of our own, with root's rights in a user namespace whose only id is ours. */
static bool own_mounts(void)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && write_to("/proc/self/setgroups", "deny") &&
	       write_to("/proc/self/uid_map", uid_map) && write_to("/proc/self/gid_map", gid_map) &&
	       !mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
}

/* In a child: says what is wrong and exits with the number of it, or CANNOT. */
static void check_aliases(void)
{
	char directory[] = "/tmp/cofferdam-alias-XXXXXX", path[256], site[256];
	struct cfd_image image = {.engine = CFD_ENGINE_DOCKER};
	int wrong = 0;

	if (!own_mounts() || !mkdtemp(directory))
		_exit(CANNOT);
	snprintf(path, sizeof(path), "%s/volumes", directory);
	mkdir(path, 0755);
	image.volume_dirs[0] = strdup(path);
	snprintf(site, sizeof(site), "%s/site", directory);
	mkdir(site, 0755);
	for (size_t i = 0; i < CFD_COUNT(aliases); i++) {
		char found[512];

		if (!make_mount(directory, &aliases[i])) {
			fprintf(stderr, "cannot make %s: %s\n", aliases[i].name, strerror(errno));
			_exit(1);
		}
		snprintf(path, sizeof(path), "%s/%s", directory, aliases[i].name);
		permitted = (struct cfd_profile_mount){.source = aliases[i].allowed ? site : NULL,
						       .idmap = aliases[i].allowed == IDMAPPED};
		judge(path, NULL, &image, found, sizeof(found));
		if (strcmp(found, aliases[i].rule) != 0) {
			fprintf(stderr, "%s of %s: expected \"%s\", found \"%s\"\n", aliases[i].name,
				aliases[i].device ? aliases[i].device : "nothing", aliases[i].rule, found);
			wrong++;
		}
	}
	free(image.volume_dirs[0]);
	_exit(wrong);
}

Test(rules_host, a_volume_that_is_a_mount_of_the_host_is_judged_as_what_it_is)
{
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0)
		check_aliases();
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
		cr_skip("no user namespaces for this user");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void become_namespaces(int ready)
{
	char byte = unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) ? 'n' : 'y';

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come to ending its child */
	if (write(ready, &byte, 1) == 1 && byte == 'y')
		pause();
	_exit(0);
}

Test(rules_host, a_joined_namespace_is_of_its_kind_and_not_the_hosts)
{
	static const struct {
		const char *file, *rule;
		enum cfd_engine engine;
	} cases[] = {
		{"net", "", CFD_ENGINE_PODMAN},
		{"net", "namespace.path", CFD_ENGINE_NONE},
		{"ipc", "namespace.path", CFD_ENGINE_PODMAN},
		{"user", "namespace.path", CFD_ENGINE_PODMAN},
	};
	struct cfd_image image = {0};
	char path[64], found[512], byte = 0;
	int ready[2];
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		become_namespaces(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	if (byte != 'y')
		cr_skip("no user namespaces for this user");
	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		image.engine = cases[i].engine;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)child, cases[i].file);
		judge(NULL, path, &image, found, sizeof(found));
		cr_expect_str_eq(found, cases[i].rule, "%s for %d: %s", cases[i].file, cases[i].engine, found);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	image.engine = CFD_ENGINE_PODMAN;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)getpid());
	judge(NULL, path, &image, found, sizeof(found));
	cr_expect_str_eq(found, "namespace.host-network", "%s", found);
	judge(NULL, "/proc/999999999/ns/net", &image, found, sizeof(found));
	cr_expect_str_eq(found, "namespace.path", "%s", found);
}

/* A child in a user namespace with these maps; 0 when this user may not make one. */
static pid_t start_mapped(const char *uid_map, const char *gid_map)
{
	char path[64], byte = 0;
	bool mapped;
	int ready[2];
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		become_namespaces(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)child);
	mapped = byte == 'y' && write_to(path, uid_map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)child);
	mapped = mapped && write_to(path, gid_map);
	if (mapped)
		return child;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

Test(rules_host, a_joined_user_namespace_maps_neither_users_nor_groups_of_the_host)
{
	static const struct {
		const char *uid_map, *gid_map, *rule;
	} cases[] = {
		{"0 100000 65536", "0 200000 65536", ""},
		{"0 100000 10\n1000 100010 1", "0 200000 65536", ""},
		{"0 0 65536", "0 100000 65536", "namespace.id-range"},
		{"0 100000 65536", "0 0 65536", "namespace.id-range"},
		{"0 100000 65536", "0 100000 10\n1000 1000 1", "namespace.id-range"},
		{"1 100000 65536", "0 100000 65536", "namespace.id-range"},
	};
	const struct cfd_image image = {.engine = CFD_ENGINE_PODMAN};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		pid_t child = start_mapped(cases[i].uid_map, cases[i].gid_map);
		char path[64], found[512];

		if (!child)
			cr_skip("this user may not map other ids than its own");
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)child);
		namespaces[5].path = path;
		judge(NULL, NULL, &image, found, sizeof(found));
		namespaces[5].path = NULL;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		cr_expect_str_eq(found, cases[i].rule, "case %zu", i);
	}
}

static int resolve(struct cfd_resolver *resolver, const char *path, struct cfd_resolved *resolved)
{
	struct cfd_error err = {0};

	return cfd_resolve(resolver, path, resolved, NULL, &err);
}

static void expect_same(const struct cfd_resolved *a, const struct cfd_resolved *b)
{
	cr_expect_str_eq(a->path, b->path);
	cr_expect_str_eq(a->swappable, b->swappable, "%s", a->path);
	cr_expect(a->kernel == b->kernel, "%s", a->path);
	cr_assert_eq(a->count, b->count, "%s", a->path);
	for (size_t i = 0; i < a->count; i++)
		cr_expect(a->chain[i].inode == b->chain[i].inode && a->chain[i].device == b->chain[i].device,
			  "%s, component %zu", a->path, i);
}

/* Paths in all orders of two, each of them again, by one that remembers and by one that knows nothing. */
Test(rules_host, what_is_remembered_of_a_path_changes_no_answer)
{
	static const char *const paths[] = {"/",        "/a",     "/a/b",    "/a/b/c", "/a/x/y",  "/a/x/none/deeper",
					    "/w/z/q",   "/w/z/r", "/link/c", "/ab/x",  "/a/b/c/", "//a/b",
					    "/a/b/../x"};
	static const char *const kernel[] = {"/proc", "/proc/self/status", "/sys/kernel", "/dev/null", "/etc/passwd"};
	static const char *const directories[] = {"a",   "a/b",   "a/b/c", "a/x", "a/x/y", "w",
						  "w/z", "w/z/q", "w/z/r", "ab",  "ab/x"};
	char tree[] = "/tmp/cofferdam-resolve-XXXXXX", all[CFD_COUNT(paths) + CFD_COUNT(kernel) + 1][512], path[512];
	struct cfd_resolved *known = malloc(sizeof(*known)), *fresh = malloc(sizeof(*fresh));
	struct cfd_error err = {0};
	size_t count = 0;

	cr_assert(known && fresh && mkdtemp(tree));
	for (size_t i = 0; i < CFD_COUNT(directories); i++) {
		snprintf(path, sizeof(path), "%s/%s", tree, directories[i]);
		cr_assert_eq(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof(path), "%s/a", tree);
	for (size_t depth = 0; depth < CFD_RESOLVED_DEPTH; depth++) { /* more than are accepted: fails half-way */
		strcat(path, "/d");
		cr_assert_eq(mkdir(path, 0755), 0);
	}
	strcpy(all[count++], path);
	snprintf(path, sizeof(path), "%s/w", tree);
	cr_assert_eq(chmod(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/link", tree);
	cr_assert_eq(symlink("a/b", path), 0);
	for (size_t i = 0; i < CFD_COUNT(paths); i++)
		snprintf(all[count++], sizeof(all[0]), "%s%s", tree, paths[i]);
	for (size_t i = 0; i < CFD_COUNT(kernel); i++)
		snprintf(all[count++], sizeof(all[0]), "%s", kernel[i]);
	for (size_t i = 0; i < count * count; i++) {
		const char *const pair[] = {all[i / count], all[i % count], all[i % count], all[i / count]};
		CFD_AUTO(cfd_resolver_freep) struct cfd_resolver *one = NULL;

		cr_assert_eq(cfd_resolver_new(&one, &err), 0, "%s", err.message);
		for (size_t k = 0; k < CFD_COUNT(pair); k++) {
			CFD_AUTO(cfd_resolver_freep) struct cfd_resolver *another = NULL;
			int r = resolve(one, pair[k], known);

			cr_assert_eq(cfd_resolver_new(&another, &err), 0, "%s", err.message);
			cr_assert_eq(resolve(another, pair[k], fresh), r, "%s after %s", pair[k], pair[0]);
			if (!r)
				expect_same(known, fresh);
		}
	}
	snprintf(path, sizeof(path), "rm -r %s", tree);
	cr_expect_eq(system(path), 0);
	free(known);
	free(fresh);
}
