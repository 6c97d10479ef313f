/* SPDX-License-Identifier: Apache-2.0 */
/* Which OCI runtime stands behind. */
#include "shim/runtime.h"

#include "shim/args.h"

#include "lib/config.h"
#include "lib/profile/profile.h"
#include "lib/rootless.h"
#include "lib/state/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const usual_runtimes[] = {"/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc"};

// clang-format off
static const struct {
	const char *name, *root; /* where it keeps containers when there is no --root and the caller is root */
} known_runtimes[] = {
	{ "crun", "/run/crun" },
	{ "runc", "/run/runc" },
};
// clang-format on

static bool read_link(const char *link, char ret_path[PATH_MAX])
{
	char text[PATH_MAX];
	ssize_t length = readlink(link, text, sizeof(text));

	if (length <= 0 || length == (ssize_t)sizeof(text) || text[0] != '/')
		return false;
	memcpy(ret_path, text, (size_t)length);
	ret_path[length] = '\0';
	return true;
}

/*
 * The container's id stands somewhere behind the subcommand; the first word that names a container of ours is it. Where
 * the options were understood, the id is known.
 */
static bool recorded_in(const char *state, char **argv, const struct cfd_args *args, char ret_path[PATH_MAX])
{
	char key[CFD_STATE_KEY_MAX + 1], link[PATH_MAX];
	struct cfd_error ignored = {0};

	if (!argv[args->command_index])
		return false;
	for (char **word = argv + args->command_index + 1; *word; word++) {
		if ((args->id && *word != args->id) ||
		    cfd_state_key(*word, args->root ? args->root : "", key, &ignored))
			continue;
		snprintf(link, sizeof(link), "%s/containers/%s/runtime", state, key);
		if (read_link(link, ret_path))
			return true;
	}
	return false;
}

/* In the records of root first; only who is not root has others. */
static bool recorded_runtime(char **argv, const struct cfd_args *args, char ret_path[PATH_MAX])
{
	enum cfd_caller caller = CFD_CALLER_ROOT;
	CFD_AUTO_FREE char *state = NULL;
	struct cfd_error ignored = {0};

	return recorded_in(CFD_STATE_DIR, argv, args, ret_path) ||
	       (cfd_rootless_caller(&caller, &ignored) == 0 && caller != CFD_CALLER_ROOT &&
		cfd_rootless_directory(&state, &ignored) == 0 && recorded_in(state, argv, args, ret_path));
}

/* Executable, and not this program: the two would call each other for ever. */
static int check(const char *path, struct cfd_error *err)
{
	struct stat behind, self;

	if (stat(path, &behind))
		return cfd_fail_errno(err, -errno, "cannot find the OCI runtime %s", path);
	if (!S_ISREG(behind.st_mode) || access(path, X_OK))
		return cfd_fail(err, -ENOEXEC,
				"the OCI runtime %s is not an executable file; correct its mode, or name another "
				"(`runtimes` in " CFD_CONFIG_PATH ", or the link " CFD_SYSCONFDIR "/runtime)",
				path);
	if (stat("/proc/self/exe", &self) == 0 && self.st_dev == behind.st_dev && self.st_ino == behind.st_ino)
		return cfd_fail(err, -ELOOP,
				"%s is cofferdam-runtime itself; name the OCI runtime that stands behind it", path);
	return 0;
}

int cfd_runtime_behind(char **argv, const struct cfd_args *args, char ret_path[PATH_MAX], struct cfd_error *err)
{
	char path[PATH_MAX];
	bool found = recorded_runtime(argv, args, path) || read_link(CFD_SYSCONFDIR "/runtime", path);
	int r;

	for (size_t i = 0; !found && i < CFD_COUNT(usual_runtimes); i++) {
		found = access(usual_runtimes[i], F_OK) == 0;
		snprintf(path, sizeof(path), "%s", usual_runtimes[i]);
	}
	if (!found)
		return cfd_fail(err, -ENOENT,
				"there is no OCI runtime: install crun or runc, or make " CFD_SYSCONFDIR
				"/runtime a symbolic link to one");
	r = check(path, err);
	if (!r)
		memcpy(ret_path, path, strlen(path) + 1);
	return r;
}

int cfd_runtime_choose(const struct cfd_config *config, const struct cfd_profile *profile, const char **ret_path,
		       struct cfd_error *err)
{
	const char *found = profile->runtime;
	int r;

	for (size_t i = 0; !found && config->runtimes[i]; i++)
		if (access(config->runtimes[i], F_OK) == 0)
			found = config->runtimes[i];
	if (!found)
		return cfd_fail(err, -ENOENT,
				"no OCI runtime of `runtimes` in " CFD_CONFIG_PATH
				" is installed (the first is %s): install crun or runc, or name there what is",
				config->runtimes[0] ? config->runtimes[0] : "not given");
	r = check(found, err);
	if (!r)
		*ret_path = found;
	return r;
}

int cfd_runtime_directory(const char *runtime, const struct cfd_args *args, enum cfd_caller caller, char **ret_path,
			  struct cfd_error *err)
{
	const char *name = strrchr(runtime, '/') ? strrchr(runtime, '/') + 1 : runtime, *root = args->root;
	const char *user_dir = getenv("XDG_RUNTIME_DIR");
	char *path = NULL, own[PATH_MAX];

	if (!root && caller != CFD_CALLER_ROOT) {
		if (!user_dir || snprintf(own, sizeof(own), "%s/%s", user_dir, name) >= (int)sizeof(own))
			return 0; /* where each runtime has its own notion; then it counts as not known */
		root = own;
	}

	for (size_t i = 0; !root && i < CFD_COUNT(known_runtimes); i++)
		if (cfd_streq(name, known_runtimes[i].name))
			root = known_runtimes[i].root;
	if (root && asprintf(&path, "%s/%s", root, args->id) < 0)
		return cfd_fail_memory(err, "a path");
	*ret_path = path;
	return 0;
}
