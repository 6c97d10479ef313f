/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime for tests that does one thing: it gives the container a user namespace and the files that go with it, and
 * starts crun or runc. `idmap-crun create --bundle DIR ID` is `crun create` of the amended bundle; the part behind the
 * dash of its own name is the runtime. No rules, no profile, no records: the first range of the pool is always free.
 * What it takes for granted about engines: lib/image knows better.
 */
#include "lib/amend/amend.h"
#include "lib/fd.h"
#include "lib/held.h"
#include "lib/userns/idmap.h"
#include "lib/userns/pool.h"
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORK "/run/idmap-run"

struct run {
	char *bundle;       /* the engine's */
	char directory[64]; /* ours */
	int bundle_fd;
	struct cfd_json_doc *doc;
	struct cfd_spec spec;
	struct cfd_held held;
	struct cfd_userns_range range;
};

static bool is_make(const char *arg)
{
	return cfd_streq(arg, "create") || cfd_streq(arg, "run");
}

static char **bundle_argument(char **argv)
{
	bool make = false;

	for (char **arg = argv + 1; *arg; arg++) {
		make |= is_make(*arg);
		if (make && (cfd_streq(*arg, "--bundle") || cfd_streq(*arg, "-b")) && arg[1])
			return arg + 1;
	}
	return NULL;
}

static int read_config(struct run *run, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_json_options options = {.name = "config.json"};
	int r = cfd_fd_open_dir(AT_FDCWD, run->bundle, false, &run->bundle_fd, err);

	if (!r)
		r = cfd_fd_read_file(run->bundle_fd, "config.json", CFD_JSON_MAX_BYTES, &text, err);
	if (!r)
		r = cfd_json_parse(text.data, text.length, &options, &run->doc, err);
	return r ? r : cfd_spec_read(run->doc, CFD_SPEC_UNKNOWN_WARN, &run->spec, err);
}

/* Where podman keeps a container's files: on disk beside the bundle, and under its run root. */
static void podman_directories(const char *bundle, struct cfd_image *image)
{
	CFD_AUTO_FREE char *parent = strdup(bundle);
	char *slash = strrchr(parent, '/'), *id;

	image->engine_dirs[0] = strdup(bundle);
	image->volume_dirs[0] = strdup("/var/lib/containers/storage/volumes");
	if (!slash || !cfd_streq(slash, "/userdata"))
		return;
	*slash = '\0';
	id = strrchr(parent, '/');
	if (asprintf(&image->engine_dirs[1], "/run/containers/storage/overlay-containers%s/userdata", id) < 0)
		image->engine_dirs[1] = NULL;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int prepare(struct run *run, struct cfd_idmap_result *result, struct cfd_error *err)
{
	CFD_AUTO_FD int userns = -1, rootfs = -1;
	CFD_AUTO_FREE char *real = NULL;
	struct cfd_image image = {0};
	struct cfd_profile profile = {0};
	struct cfd_idmap_request request = {.spec = &run->spec, .image = &image, .profile = &profile};
	double start = milliseconds();
	const struct cfd_pool pool = {.owner = "cofferdam", .subuid = CFD_POOL_SUBUID, .subgid = CFD_POOL_SUBGID};
	int r = cfd_pool_pick(&pool, &run->range, &run->range, err);

	if (!r)
		r = cfd_userns_open(&run->range, &userns, err);
	if (!r)
		r = cfd_fd_open_dir(run->bundle_fd, run->spec.root_path, true, &rootfs, err);
	if (!r)
		r = cfd_fd_path(rootfs, &real, err);
	if (!r)
		r = cfd_held_init(&run->held, &run->spec, err);
	if (!r)
		r = cfd_held_open_rest(&run->held, &run->spec, run->bundle, err);
	if (r)
		return r;
	podman_directories(run->bundle, &image);
	request.held = &run->held;
	request.rootfs = real;
	request.rootfs_fd = rootfs;
	request.range = run->range;
	request.userns_fd = userns;
	request.stage_dir = WORK "/stage";
	r = cfd_idmap_prepare(&request, result, err);
	if (!r)
		fprintf(stderr, "idmap-run: %s, %.3f ms\n", result->layers, milliseconds() - start);
	return r;
}

static int write_config(struct run *run, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int directory = -1;
	int r;

	snprintf(run->directory, sizeof(run->directory), WORK "/%d", (int)getpid());
	r = cfd_fd_make_dir(AT_FDCWD, run->directory, 0700, &directory, err);
	if (r)
		return r;
	if (cfd_json_write(cfd_json_root(run->doc), &text))
		return cfd_fail_memory(err, "the configuration");
	return cfd_fd_write_file(directory, "config.json", text.data, text.length, 0600, false, err);
}

static int amend(struct run *run, struct cfd_error *err)
{
	struct cfd_idmap_result result = {0};
	char name[] = "test";
	struct cfd_profile profile = {.name = name};
	struct cfd_amend_decision decision = {
		.profile = &profile,
		.range = &run->range,
		.mounts = &result,
	};
	int r = read_config(run, err);

	if (!r)
		r = prepare(run, &result, err);
	decision.rootfs = result.rootfs;
	if (!r)
		r = cfd_amend(&run->spec, &decision, err);
	return r ? r : write_config(run, err);
}

int main(int argc, char **argv)
{
	const char *dash = strrchr(argv[0], '-'), *runtime = getenv("IDMAP_RUNTIME");
	char **bundle = bundle_argument(argv), path[64];
	struct run run = {.bundle_fd = -1};
	struct cfd_error err = {0};

	(void)argc;
	umask(022);
	mkdir(WORK, 0711);
	mkdir(WORK "/stage", 0711);
	if (bundle) {
		run.bundle = realpath(*bundle, NULL);
		if (!run.bundle || amend(&run, &err)) {
			fprintf(stderr, "idmap-run: %s\n", run.bundle ? err.message : *bundle);
			return 1;
		}
		*bundle = run.directory;
	}
	snprintf(path, sizeof(path), "/usr/bin/%s", dash ? dash + 1 : "");
	if (access(path, X_OK))
		snprintf(path, sizeof(path), "/usr/sbin/%s", dash ? dash + 1 : "");
	execv(runtime ? runtime : path, argv);
	fprintf(stderr, "idmap-run: cannot execute %s: %s\n", runtime ? runtime : path, strerror(errno));
	return 1;
}
