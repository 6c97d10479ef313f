/* SPDX-License-Identifier: Apache-2.0 */
/* Shells in namespaces and cgroups of one's own. No privilege is needed for the first user namespace. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/exec.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup/"

/* Root over a user namespace and a mount namespace. 0, or -1 with errno. */
static int become_root(int more)
{
	const char *map = "0 0 1";

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more) || attack_write("/proc/self/setgroups", "deny", 0) ||
	    attack_write("/proc/self/uid_map", map, 0) || attack_write("/proc/self/gid_map", map, 0))
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int exec_unshare(void)
{
	return become_root(CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWIPC) ? attack_broken("unshare")
									  : exec_shell(SHELL);
}

int exec_setns(void)
{
	char path[64];
	pid_t child;
	int fd;

	if (become_root(0))
		return attack_broken("unshare");
	child = fork();
	if (!child) {
		if (!unshare(CLONE_NEWNS))
			pause();
		_exit(1);
	}
	usleep(200000);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWNS) ? attack_broken("setns") : exec_shell(SHELL);
}

/* The overlay's own layers are in a tmpfs, also of one's own. */
static int mount_overlay(const char *lower)
{
	char options[128];

	if (become_root(0) || mount("none", "/mnt", "tmpfs", 0, NULL) || mkdir("/mnt/upper", 0755) ||
	    mkdir("/mnt/work", 0755) || mkdir("/mnt/merged", 0755))
		return -1;
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/mnt/upper,workdir=/mnt/work", lower);
	return mount("none", "/mnt/merged", "overlay", 0, options);
}

int exec_overlay_of_image(void)
{
	return mount_overlay("/bin") ? attack_broken("overlay") : exec_shell("/mnt/merged/sh");
}

int exec_overlay_of_tmp(void)
{
	if (mkdir("/tmp/layer", 0755) || attack_copy(SHELL, "/tmp/layer/program") || mount_overlay("/tmp/layer"))
		return attack_broken("overlay");
	return exec_shell("/mnt/merged/program");
}

int exec_tmpfs(void)
{
	if (become_root(0) || mount("none", "/mnt", "tmpfs", 0, NULL) || attack_copy(SHELL, "/mnt/sh"))
		return attack_broken("tmpfs");
	return exec_shell("/mnt/sh");
}

int exec_bind(void)
{
	if (become_root(0) || mount(SHELL, OTHER, NULL, MS_BIND, NULL))
		return attack_broken("bind");
	return exec_shell(OTHER);
}

/* /binfmt-data is an executable file of the image that begins with these letters. */
int exec_binfmt(void)
{
	const char *argv[] = {"/binfmt-data", NULL};

	if (become_root(0) || mount("none", "/mnt", "binfmt_misc", 0, NULL) ||
	    attack_write("/mnt/register", ":attack:M::#binfmt-data::/bin/sh:", 0))
		return attack_broken("binfmt_misc");
	return attack_shell("/binfmt-data", argv);
}

int exec_child_cgroup(void)
{
	if (mkdir(CGROUP "child", 0755) || attack_write(CGROUP "child/cgroup.procs", "0", 0))
		return attack_broken("cgroup");
	return exec_shell(SHELL);
}

static void fork_into(void *data)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = *(uint64_t *)data};
	const char *argv[] = {"sh", "-c", ATTACK_SHELL_CODE, NULL}, *environment[] = {NULL};
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	int status = 0;

	if (child < 0) {
		attack_broken("clone3");
		_exit(125);
	}
	if (!child)
		attack_execute(SHELL, argv, environment);
	waitpid(child, &status, 0);
	_exit(WEXITSTATUS(status));
}

int exec_into_cgroup(void)
{
	uint64_t fd;
	int directory;

	if (mkdir(CGROUP "into", 0755))
		return attack_broken("cgroup");
	directory = open(CGROUP "into", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = (uint64_t)directory;
	return directory < 0 ? attack_broken("cgroup") : attack_effect(ATTACK_EFFECT, fork_into, &fd);
}
