/* SPDX-License-Identifier: Apache-2.0 */
/* The group `exec`: running a shell, or what the image did not bring. */
#include "tests/vm/attacks/attack.h"

#include <unistd.h>

#define SHELL "/bin/sh" /* busybox */

static int shell_at(const char *path)
{
	const char *argv[] = {"sh", "-c", ATTACK_SHELL_CODE, NULL};

	return attack_shell(path, argv);
}

static int run_copy(void)
{
	return attack_copy(SHELL, "/tmp/copy") ? attack_broken("copy") : shell_at("/tmp/copy");
}

static int run_symlink(void)
{
	return symlink(SHELL, "/tmp/symlink") ? attack_broken("symlink") : shell_at("/tmp/symlink");
}

static int run_self_root(void)
{
	return shell_at("/proc/self/root" SHELL);
}

// clang-format off
static const struct attack rows[] = {
	{ "copy",      "a copy of a shell",                 run_copy,      "exec", "changed" },
	{ "symlink",   "a symbolic link to a shell",        run_symlink,   "exec", "shell" },
	{ "self-root", "a shell by /proc/self/root",        run_self_root, "exec", "shell" },
};
// clang-format on

const struct attack_group exec_attacks = {"exec", rows, sizeof(rows) / sizeof(rows[0])};
