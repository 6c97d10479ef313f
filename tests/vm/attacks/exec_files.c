/* SPDX-License-Identifier: Apache-2.0 */
/* Shells and programs under other names, in other places, by way of other programs. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int exec_copy(void)
{
	return attack_copy(SHELL, "/tmp/a-copy") ? attack_broken("copy") : exec_shell("/tmp/a-copy");
}

int exec_copy_program(void)
{
	return attack_copy(OTHER, "/tmp/a-program") ? attack_broken("copy") : attack_program("/tmp/a-program");
}

int exec_hard_link(void)
{
	return link("/bin/ash", "/bin/a-link") ? attack_broken("link") : exec_shell("/bin/a-link");
}

int exec_renamed(void)
{
	return rename("/bin/tac", "/bin/a-name") ? attack_broken("rename") : exec_shell("/bin/a-name");
}

int exec_symlink(void)
{
	return symlink(SHELL, "/tmp/a-symlink") ? attack_broken("symlink") : exec_shell("/tmp/a-symlink");
}

int exec_self_root(void)
{
	return exec_shell("/proc/self/root" SHELL);
}

int exec_proc_fd(void)
{
	int fd = open(SHELL, O_PATH);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? attack_broken("open") : exec_shell(path);
}

int exec_argv0(void)
{
	return exec_shell("/bin/cat");
}

int exec_applet(void)
{
	const char *argv[] = {"busybox", "sh", "-c", ATTACK_SHELL_CODE, NULL};

	return attack_shell("/bin/busybox", argv);
}

static void execute_descriptor(void *data)
{
	const char *argv[] = {"sh", "-c", ATTACK_SHELL_CODE, NULL}, *environment[] = {NULL};

	syscall(SYS_execveat, *(int *)data, "", argv, environment, AT_EMPTY_PATH);
	attack_stopped("execveat");
	_exit(126);
}

int exec_memfd(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	if (fd < 0 || attack_copy_into(SHELL, fd))
		return attack_broken("memfd");
	return attack_effect(ATTACK_EFFECT, execute_descriptor, &fd);
}

/* Opened again, since a file that is open for writing cannot be executed. */
int exec_tmpfile(void)
{
	int out = open("/dev/shm", O_RDWR | O_TMPFILE | O_CLOEXEC, 0755), fd;
	char path[32];

	if (out < 0 || attack_copy_into(SHELL, out))
		return attack_broken("O_TMPFILE");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(out);
	return fd < 0 ? attack_broken("open") : attack_effect(ATTACK_EFFECT, execute_descriptor, &fd);
}

static void execute_program(void *data)
{
	const char *argv[] = {"attack", "effect", NULL}, *environment[] = {NULL};

	syscall(SYS_execveat, *(int *)data, "", argv, environment, AT_EMPTY_PATH);
	attack_stopped("execveat");
	_exit(126);
}

int exec_deleted(void)
{
	int fd = open("/bin/to-delete", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink("/bin/to-delete"))
		return attack_broken("unlink");
	return attack_effect(ATTACK_EFFECT, execute_program, &fd);
}

int exec_dev_shm(void)
{
	return attack_copy(SHELL, "/dev/shm/sh") ? attack_broken("copy") : exec_shell("/dev/shm/sh");
}

int exec_overwritten(void)
{
	return attack_copy(SHELL, "/bin/to-overwrite") ? attack_broken("copy") : exec_shell("/bin/to-overwrite");
}

/* --- scripts of the image */

static int script(const char *path)
{
	const char *argv[] = {path, NULL};

	return attack_shell(path, argv);
}

int exec_script(void)
{
	return script("/script");
}

int exec_script_chain(void)
{
	return script("/script-chain");
}

int exec_script_relative(void)
{
	return chdir("/") ? attack_broken("chdir") : script("/script-rel");
}

int exec_env_split(void)
{
	return script("/env-split");
}

/* --- programs of the image, under the attack's name */

static int named(const char *target, const char *const *argv)
{
	const char *path = exec_named(target);

	return path ? attack_shell(path, argv) : attack_broken("symlink");
}

int exec_perl(void)
{
	const char *argv[] = {"perl", "-e", "exec '/bin/sh', '-c', 'echo effect$((40+2))'", NULL};

	return named("/usr/bin/perl", argv);
}

int exec_awk(void)
{
	const char *argv[] = {"awk", "BEGIN { system(\"echo effect$((40+2))\") }", NULL};

	return named("/usr/bin/mawk", argv);
}

int exec_glibc_loader(void)
{
	const char *argv[] = {"ld.so", DASH, "-c", ATTACK_SHELL_CODE, NULL};

	return named(LOADER, argv);
}

static void preload(void *data)
{
	const char *argv[] = {"awk", "BEGIN { }", NULL}, *environment[] = {"LD_PRELOAD=/tmp/a-library", NULL};

	attack_execute(data, argv, environment);
}

int exec_preload(void)
{
	const char *path = exec_named("/usr/bin/mawk");

	if (!path || attack_copy("/lib/preload.so", "/tmp/a-library"))
		return attack_broken("copy");
	return attack_effect(ATTACK_EFFECT, preload, (void *)path);
}
