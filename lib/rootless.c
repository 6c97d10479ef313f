/* SPDX-License-Identifier: Apache-2.0 */
/* Engines that run without root. */
#include "lib/rootless.h"

#include "lib/fd.h"
#include "lib/trust.h"
#include "lib/userns/maps.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* PROC_USER_INIT_INO, include/linux/proc_ns.h; what is passed through asks this, and opens no file. */
#define INITIAL_NAMESPACE "user:[4026531837]"

static bool is_in_first_namespace(void)
{
	char text[64];
	ssize_t length = readlink("/proc/self/ns/user", text, sizeof(text) - 1);

	if (length < 0)
		return false;
	text[length] = '\0';
	return cfd_streq(text, INITIAL_NAMESPACE);
}

int cfd_rootless_caller(enum cfd_caller *ret_caller, struct cfd_error *err)
{
	bool initial = is_in_first_namespace();
	int r = 0;

	if (geteuid() != 0) {
		*ret_caller = CFD_CALLER_USER;
		return 0;
	}
	if (!initial)
		r = cfd_userns_is_initial(&initial, err);
	if (!r)
		*ret_caller = initial ? CFD_CALLER_ROOT : CFD_CALLER_NAMESPACE;
	return r;
}

/* This process's id as the namespace above calls it, which is the host's where engines nest no further. */
static int outer_uid(uint32_t *ret_uid, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_spec_id_maps maps = {0};
	uint32_t own = geteuid();
	int r = cfd_fd_read_kernel(AT_FDCWD, "/proc/self/uid_map", 65536, &text, err);

	if (!r)
		r = cfd_maps_parse(text.data ? text.data : "", &maps, err);
	if (r)
		return r;
	*ret_uid = own;
	for (size_t i = 0; i < maps.count; i++)
		if (own >= maps.values[i].container_id && own - maps.values[i].container_id < maps.values[i].size)
			*ret_uid = maps.values[i].host_id + (own - maps.values[i].container_id);
	free(maps.values);
	return 0;
}

static int runtime_directory(char ret_path[PATH_MAX], struct cfd_error *err)
{
	const char *set = getenv("XDG_RUNTIME_DIR");
	uint32_t uid = 0;
	int r;

	if (set && *set) {
		if (*set != '/' || strlen(set) >= PATH_MAX)
			return cfd_fail(err, -EINVAL, "XDG_RUNTIME_DIR is \"%.256s\", which is no absolute path", set);
		strcpy(ret_path, set);
		return 0;
	}
	r = outer_uid(&uid, err);
	if (!r)
		snprintf(ret_path, PATH_MAX, "/run/user/%u", uid);
	return r;
}

int cfd_rootless_directory(char **ret_path, struct cfd_error *err)
{
	CFD_AUTO_FREE char *real = NULL;
	CFD_AUTO_FD int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	int r = runtime_directory(path, err);

	if (r)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the engine's runtime directory (XDG_RUNTIME_DIR) %s",
				      path);
	r = cfd_trust_check_chain(fd, path, err);
	if (r)
		return r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	if (st.st_uid != geteuid())
		return cfd_fail(err, -EPERM, "XDG_RUNTIME_DIR %s belongs to uid %u, the engine is uid %u", path,
				st.st_uid, geteuid());
	if (!cfd_utf8_valid(path)) /* the hook's environment is JSON */
		return cfd_fail(err, -EINVAL, "XDG_RUNTIME_DIR is not UTF-8");
	/* As the runtime will report it, whatever links led here. */
	r = cfd_fd_path(fd, &real, err);
	if (!r && asprintf(ret_path, "%s/cofferdam", real) < 0)
		r = cfd_fail_memory(err, "a path");
	return r;
}

static int fail_refused(enum cfd_caller caller, const char *path, struct cfd_error *err)
{
	return cfd_fail(err, -EOPNOTSUPP,
			"the engine runs without root (%s), so its containers would have " CFD_ROOTLESS_LACKS
			"; with `\"rootless\": \"partial\"` in %s they start without these, and with the rules, the "
			"profile's system calls and capabilities in force",
			caller == CFD_CALLER_NAMESPACE ? "in a user namespace" : "it is not uid 0", path);
}

int cfd_rootless_read_config(const char *path, struct cfd_config *ret_config, struct cfd_error *err)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_FREE char *directory = NULL;
	int r = cfd_config_read(path, &config, err);

	if (!r)
		r = cfd_rootless_caller(&config.caller, err);
	if (!r && config.caller != CFD_CALLER_ROOT && !config.rootless_partial)
		r = fail_refused(config.caller, path, err);
	if (!r && config.caller != CFD_CALLER_ROOT)
		r = cfd_rootless_directory(&directory, err);
	if (r)
		return r;
	if (directory) {
		config.userns = config.guard_exec = config.guard_net = CFD_NEED_OFF;
		free(cfd_take(config.audit_file));
		if (asprintf(&config.audit_file, "%s/audit.jsonl", directory) < 0) {
			config.audit_file = NULL;
			return cfd_fail_memory(err, "a path");
		}
	}
	*ret_config = config;
	config = (struct cfd_config){0};
	return 0;
}

int cfd_rootless_own_mounts(struct cfd_error *err)
{
	if (unshare(CLONE_NEWNS))
		return cfd_fail_errno(err, -errno, "cannot make a mount namespace in the engine's user namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return cfd_fail_errno(err, -errno, "cannot cut the new mount namespace off from the engine's");
	return 0;
}
