/* SPDX-License-Identifier: Apache-2.0 */
/* What engines themselves bring, told by where it lies and where it goes: tables of files, volumes, inits. */
#include "lib/rules/subject.h"

#include "lib/rules/common.h"
#include "lib/rules/hostfiles.h"

#include <string.h>

struct engine_file {
	const char *source;      /* beneath one of the engine's directories of this container; a glob */
	const char *destination; /* NULL: any, as the user of the engine chooses it */
};

// clang-format off
/*
 * podman libpod/container_internal_linux.go, moby daemon/container_operations_unix.go, containerd
 * pkg/cri/server/container_create_linux.go, cri-o server/container_create.go.
 * What the kubelet brings is with the volumes.
 */
static const struct engine_file engine_files[] = {
	{ "hosts",            "/etc/hosts" },
	{ "hostname",         "/etc/hostname" },
	{ "resolv.conf",      "/etc/resolv.conf" },
	{ "passwd",           "/etc/passwd" },
	{ "group",            "/etc/group" },
	{ "shm",              "/dev/shm" },
	{ "mounts/shm",       "/dev/shm" },
	{ ".containerenv",    "/run/.containerenv" },
	{ "run/.containerenv", "/run/.containerenv" },
	{ "notify",           "/run/notify" },
	{ "run/secrets",      "/run/secrets" },
	{ "mounts/secrets",   "/run/secrets" },
	{ "secrets/*",        NULL },
};

/* Engines bind an init of the host's, read-only, when asked for one (`--init`). */
static const struct {
	enum cfd_engine engine;
	const char *source, *destination;
} init_binaries[] = {
	{ CFD_ENGINE_PODMAN, "/usr/libexec/podman/catatonit",   "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/libexec/catatonit/catatonit", "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/lib/podman/catatonit",       "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/bin/catatonit",              "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/libexec/podman/catatonit",   "/dev/init" },
	{ CFD_ENGINE_PODMAN, "/usr/bin/catatonit",              "/dev/init" },
	{ CFD_ENGINE_DOCKER, "/usr/bin/docker-init",            "/sbin/docker-init" },
	{ CFD_ENGINE_DOCKER, "/usr/libexec/docker/docker-init", "/sbin/docker-init" },
	{ CFD_ENGINE_DOCKER, "/usr/bin/tini-static",            "/sbin/docker-init" },
};
// clang-format on

bool cfd_subject_read_only(const struct cfd_subject *subject)
{
	return cfd_spec_mount_has_option(subject->mount, "ro") || cfd_spec_mount_has_option(subject->mount, "rro");
}

const char *cfd_subject_beneath(const struct cfd_subject *subject, const char *directory)
{
	char clean[CFD_PATH_MAX];
	const char *rest;

	if (subject->resolved)
		return cfd_resolved_beneath(subject->resolver, subject->resolved, directory);
	if (cfd_path_clean(directory, clean))
		return NULL;
	/* /var/run has been a link to /run for so long that both names are the same text. */
	rest = cfd_path_beneath(clean, "/var/run");
	return cfd_path_beneath(subject->clean, rest ? clean + strlen("/var") : clean);
}

/* `rest` is what follows the engine's directory; of an entry that is the file itself, nothing: then its name counts. */
static bool is_row(const struct engine_file *row, const struct cfd_subject *subject, const char *rest)
{
	const char *path = subject->resolved ? subject->resolved->path : subject->clean;
	size_t length = strlen(path), tail = strlen(row->source);

	if (row->destination && !cfd_streq(row->destination, subject->destination))
		return false;
	if (*rest)
		return cfd_profile_glob(row->source, rest);
	return row->destination && length > tail && path[length - tail - 1] == '/' && cfd_ends_with(path, row->source);
}

bool cfd_subject_is_engine_file(const struct cfd_subject *subject)
{
	const struct cfd_image *image = subject->context->image;

	for (char *const *directory = image->engine_dirs; *directory; directory++) {
		const char *rest = cfd_subject_beneath(subject, *directory);

		for (size_t i = 0; rest && i < CFD_COUNT(engine_files); i++)
			if (is_row(&engine_files[i], subject, rest))
				return true;
	}
	return false;
}

/* Docker and podman keep a volume's files in NAME/_data; beside it and above it are their own records of volumes. */
static bool is_volume_of_engine(const struct cfd_image *image, const char *rest)
{
	const char *inside = strchr(rest, '/');

	if (image->engine != CFD_ENGINE_DOCKER && image->engine != CFD_ENGINE_PODMAN)
		return true;
	return inside && cfd_path_beneath(inside + 1, "_data");
}

const char *cfd_subject_volume(const struct cfd_subject *subject)
{
	for (char *const *directory = subject->context->image->volume_dirs; *directory; directory++) {
		const char *rest = cfd_subject_beneath(subject, *directory);
		bool is_directory = subject->resolved ? S_ISDIR(subject->resolved->stat.st_mode)
						      : !cfd_ends_with(*directory, "/etc-hosts");

		if (rest && (*rest || !is_directory) && is_volume_of_engine(subject->context->image, rest))
			return rest;
	}
	return NULL;
}

bool cfd_subject_is_init(const struct cfd_subject *subject)
{
	const char *source = subject->resolved ? subject->resolved->path : subject->clean;

	for (size_t i = 0; i < CFD_COUNT(init_binaries); i++)
		if (init_binaries[i].engine == subject->context->image->engine &&
		    cfd_streq(init_binaries[i].source, source) &&
		    cfd_streq(init_binaries[i].destination, subject->destination))
			return cfd_subject_read_only(subject);
	return false;
}
