/* SPDX-License-Identifier: Apache-2.0 */
/* What is put off from create to start. */
#include "shim/start.h"

#include "shim/args.h"

#include "lib/audit.h"
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/policy/policy.h"
#include "lib/rootless.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define CONTAINERS CFD_STATE_DIR "/containers/"
#define FILE_MAX ((size_t)1 << 20)

static const struct {
	const char *link, *path;
} files[] = {{"resolv.conf", "/etc/resolv.conf"}, {"hosts", "/etc/hosts"}};

int cfd_start_put_off(int container_dir, const struct cfd_spec *spec, struct cfd_error *err)
{
	for (size_t i = 0; i < CFD_COUNT(files); i++) {
		const char *source = cfd_policy_bound_over(spec, files[i].path);

		if (source && symlinkat(source, container_dir, files[i].link))
			return cfd_fail_errno(err, -errno, "cannot write the link %s", files[i].link);
	}
	return 0;
}

/* The engine's file behind the link; no link is an empty file. */
static int read_linked(const char *key, const char *name, struct cfd_buf *text, struct cfd_error *err)
{
	char link[PATH_MAX], path[PATH_MAX];
	ssize_t length;
	int r = 0;

	snprintf(link, sizeof(link), CONTAINERS "%s/%s", key, name);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0 && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot read %s", link);
	if (length > 0) {
		path[length] = '\0';
		r = cfd_fd_read_file(AT_FDCWD, path, FILE_MAX, text, err);
	}
	if (!r && cfd_buf_add_string(text, ""))
		return cfd_fail_memory(err, name);
	return r;
}

static int complete(const char *key, const struct cfd_record *record, struct cfd_error *err)
{
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	CFD_AUTO_BUF struct cfd_buf resolv_conf = {0}, hosts = {0};
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), CONTAINERS "%s/policy.bin", key);
	r = cfd_policy_read(AT_FDCWD, path, &policy, err);
	if (!r)
		r = read_linked(key, "resolv.conf", &resolv_conf, err);
	if (!r)
		r = read_linked(key, "hosts", &hosts, err);
	return r ? r : cfd_guard_complete(record->cgroup_id, policy, hosts.data, resolv_conf.data, err);
}

/*
 * Whether the word names a container that has the links. No such container, none of its links, or something that is no
 * link: then nothing was put off. Whatever else keeps the link from being read says nothing about that.
 */
static int was_put_off(const char *word, const char *root, char key[CFD_STATE_KEY_MAX + 1], bool *ret_put_off,
		       struct cfd_error *err)
{
	char link[PATH_MAX], ignored_text[1];
	struct cfd_error ignored = {0};

	*ret_put_off = false;
	if (cfd_state_key(word, root, key, &ignored))
		return 0;
	snprintf(link, sizeof(link), CONTAINERS "%s/resolv.conf", key);
	*ret_put_off = readlink(link, ignored_text, sizeof(ignored_text)) >= 0;
	if (*ret_put_off || errno == ENOENT || errno == ENOTDIR || errno == EINVAL)
		return 0;
	return cfd_fail_errno(err, -errno, "cannot read %s", link);
}

/* The first word that names a container of which something was put off; NULL: none. */
static int find_put_off(char **word, const char *root, char key[CFD_STATE_KEY_MAX + 1], const char **ret_id,
			struct cfd_error *err)
{
	bool put_off = false;
	int r = 0;

	while (!r && !put_off && *++word)
		r = was_put_off(*word, root, key, &put_off, err);
	*ret_id = *word;
	return r;
}

static void log_failure(const char *id, const struct cfd_error *err)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	struct cfd_error ignored = {0};
	CFD_AUTO_FD int audit = -1;

	if (cfd_config_read(CFD_CONFIG_PATH, &config, &ignored) == 0 && cfd_audit_open(&config, &audit, &ignored) == 0)
		cfd_audit_failure(audit, &config, id, "start", err->message, &ignored);
}

int cfd_start_complete(char **argv, const struct cfd_args *args, struct cfd_error *err)
{
	const char *root = args->root ? args->root : "";
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	char key[CFD_STATE_KEY_MAX + 1];
	char **command = argv + args->command_index;
	enum cfd_caller caller;
	const char *id = NULL;
	bool found = false;
	int r;

	if (!cfd_streq(*command, "start"))
		return 0;
	/* Without root there is no guard, so nothing was put off, and root's records are not to be read. */
	r = cfd_rootless_caller(&caller, err);
	if (r || caller != CFD_CALLER_ROOT)
		return r;
	r = find_put_off(command, root, key, &id, err);
	if (!r && !id)
		return 0;
	if (!r)
		r = cfd_state_find(CFD_STATE_DIR, id, root, &found, &record, err);
	if (!r && found && record.cgroup_id)
		r = complete(key, &record, err);
	if (!r)
		return 0;
	log_failure(id, err);
	return cfd_wrap(err, "refused to start %s", id);
}
