/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes to give a container's files to its user namespace: from a range of ids to the root filesystem and
 * the volumes in the stage, as cofferdam-runtime does it.
 *
 *   rootfs BUNDLE VOLUMES TIMES
 *
 * VOLUMES is the directory of the engine in which the bundle's binds are. Each time is a process of its own, as the
 * mount namespace goes with it; reading config.json is not in it. Printed, a line each: milliseconds, and those of them
 * that a processor was busy with it, which is the same on a machine that has other work too.
 */
#include "tests/bench/figures.h"

#include "lib/fd.h"
#include "lib/held.h"
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/userns/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STAGE "/run/bench-rootfs"
#define BASE 1000000u

struct bundle {
	const char *path;
	int fd, rootfs_fd;
	char *rootfs;
	struct cfd_json_doc *doc;
	struct cfd_spec spec;
	struct cfd_image image;
};

static int read_bundle(struct bundle *bundle, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_json_options options = {.name = "config.json"};
	int r = cfd_fd_open_dir(AT_FDCWD, bundle->path, false, &bundle->fd, err);

	if (!r)
		r = cfd_fd_read_file(bundle->fd, "config.json", CFD_JSON_MAX_BYTES, &text, err);
	if (!r)
		r = cfd_json_parse(text.data, text.length, &options, &bundle->doc, err);
	if (!r)
		r = cfd_spec_read(bundle->doc, CFD_SPEC_UNKNOWN_WARN, &bundle->spec, err);
	if (!r)
		r = cfd_fd_open_dir(bundle->fd, bundle->spec.root_path, true, &bundle->rootfs_fd, err);
	return r ? r : cfd_fd_path(bundle->rootfs_fd, &bundle->rootfs, err);
}

static int prepare(const struct bundle *bundle, struct cfd_error *err)
{
	struct cfd_held held = {0};
	struct cfd_profile profile = {0};
	struct cfd_idmap_result result = {0};
	struct cfd_idmap_request request = {.spec = &bundle->spec,
					    .image = &bundle->image,
					    .profile = &profile,
					    .held = &held,
					    .rootfs = bundle->rootfs,
					    .rootfs_fd = bundle->rootfs_fd,
					    .range = {.base = BASE, .size = CFD_USERNS_RANGE_SIZE},
					    .stage_dir = STAGE};
	int r = cfd_userns_open(&request.range, &request.userns_fd, err);

	if (!r)
		r = cfd_held_init(&held, &bundle->spec, err);
	if (!r)
		r = cfd_held_open_rest(&held, &bundle->spec, bundle->path, err);
	return r ? r : cfd_idmap_prepare(&request, &result, err);
}

/* Of this process and of those that it has waited for. */
static double busy(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return milliseconds(CLOCK_PROCESS_CPUTIME_ID) + (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static _Noreturn void measure(const struct bundle *bundle)
{
	struct cfd_error err = {0};
	double start = milliseconds(CLOCK_MONOTONIC), before = busy();

	if (prepare(bundle, &err)) {
		fprintf(stderr, "rootfs: %s\n", err.message);
		_exit(1);
	}
	printf("%.3f %.3f\n", milliseconds(CLOCK_MONOTONIC) - start, busy() - before);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct bundle bundle = {.fd = -1, .rootfs_fd = -1};
	struct cfd_error err = {0};
	int status = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: rootfs BUNDLE VOLUMES TIMES\n");
		return 2;
	}
	umask(022);
	mkdir(STAGE, 0711);
	bundle.path = argv[1];
	bundle.image.volume_dirs[0] = argv[2];
	if (read_bundle(&bundle, &err)) {
		fprintf(stderr, "rootfs: %s\n", err.message);
		return 1;
	}
	for (int times = atoi(argv[3]); times > 0 && !status; times--) {
		pid_t pid = fork();

		if (pid == 0)
			measure(&bundle);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			status = 1;
	}
	return status != 0;
}
