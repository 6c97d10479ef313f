/* SPDX-License-Identifier: Apache-2.0 */
/* The groups `exec` (running a shell, or what the image did not bring) and `wx` (code that is in no file). */
#include "tests/vm/attacks/exec.h"
#include "tests/vm/attacks/attack.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *exec_named(const char *target)
{
	static char path[32];
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	snprintf(path, sizeof(path), "/tmp/%s", name);
	return symlink(target, path) && errno != EEXIST ? NULL : path;
}

int exec_shell(const char *path)
{
	const char *argv[] = {"sh", "-c", ATTACK_SHELL_CODE, NULL};

	return attack_shell(path, argv);
}

// clang-format off
static const struct attack rows[] = {
	{ "copy",          "a copy of a shell",                                 exec_copy,            "exec", "changed" },
	{ "copy-program",  "a program that was brought in",                     exec_copy_program,    "exec", "changed" },
	{ "hard-link",     "a hard link to a shell",                            exec_hard_link,       "exec", "changed" },
	{ "renamed",       "a shell that was renamed",                          exec_renamed,         "exec", "changed" },
	{ "symlink",       "a symbolic link to a shell",                        exec_symlink,         "exec", "shell" },
	{ "self-root",     "a shell by /proc/self/root",                        exec_self_root,       "exec", "shell" },
	{ "proc-fd",       "a shell by /proc/self/fd, opened as a path",        exec_proc_fd,         "exec", "shell" },
	{ "argv0",         "busybox under another name, called sh",             exec_argv0,           "exec", "shell" },
	{ "applet",        "busybox with the applet as its argument",           exec_applet,          "exec", "shell" },
	{ "memfd",         "a memfd, by fexecve",                               exec_memfd,           "exec", "unlinked" },
	{ "tmpfile",       "O_TMPFILE",                                         exec_tmpfile,         "exec", "unlinked" },
	{ "deleted",       "a deleted file, by descriptor",                     exec_deleted,         "exec", "unlinked" },
	{ "dev-shm",       "a copy in /dev/shm",                                exec_dev_shm,         "exec", "other-filesystem" },
	{ "overwritten",   "a binary of the image, overwritten",                exec_overwritten,     "exec", "changed" },
	{ "script",        "a script of the image: #!/bin/sh",                  exec_script,          "exec", "shell" },
	{ "script-chain",  "a script whose interpreter is one",                 exec_script_chain,    "exec", "shell" },
	{ "script-rel",    "a script with a relative interpreter",             exec_script_relative, "exec", "shell" },
	{ "env-split",     "#!/usr/bin/env -S sh -e",                           exec_env_split,       "exec", "shell" },
	{ "perl",          "an interpreter that starts a shell: perl",          exec_perl,            "exec", "shell" },
	{ "awk",           "an interpreter that starts a shell: awk",           exec_awk,             "exec", "shell" },
	{ "glibc-loader",  "ld.so /usr/bin/dash",                               exec_glibc_loader,    "mmap", "shell" },
	{ "preload",       "LD_PRELOAD of a library that was brought in",       exec_preload,         "mmap", "changed" },
	{ "own-loader",    "a loader of one's own, for a static shell",         exec_own_loader,      "mmap", "shell" },
	{ "read-then-exec", "the same, made executable by mprotect",            exec_read_then_exec,  "mprotect", "shell" },
	{ "rw-then-rx",    "a file brought in, mapped RW and then RX",          exec_write_then_exec, "mprotect", "changed" },
	{ "pkey",          "the same by pkey_mprotect",                         exec_pkey,            "mprotect", "changed" },
	{ "memfd-mapped",  "a memfd, mapped executable",                        exec_memfd_mapped,    "mmap", "unlinked" },
	{ "memfd-later",   "a memfd, mapped RW and then RX",                    exec_memfd_later,     "mprotect", "unlinked" },
	{ "sysv",          "System V shared memory with SHM_EXEC",              exec_sysv,            "mmap", "unlinked" },
	{ "personality",   "PROT_READ under READ_IMPLIES_EXEC",                 exec_personality,     "mmap", "changed" },
	{ "unshare",       "a shell in namespaces of one's own",                exec_unshare,         "exec", "shell" },
	{ "setns",         "a shell in a mount namespace that was entered",     exec_setns,           "exec", "shell" },
	{ "overlay-image", "an overlay of one's own over the image's /bin",     exec_overlay_of_image, "exec", "other-filesystem" },
	{ "overlay-tmp",   "an overlay of one's own over a copy",               exec_overlay_of_tmp,  "exec", "other-filesystem" },
	{ "tmpfs",         "a tmpfs of one's own",                              exec_tmpfs,           "exec", "other-filesystem" },
	{ "bind",          "a shell bound over another program",                exec_bind,            "exec", "shell" },
	{ "child-cgroup",  "a shell in a child cgroup",                         exec_child_cgroup,    "exec", "shell" },
	{ "into-cgroup",   "a shell forked by CLONE_INTO_CGROUP",               exec_into_cgroup,     "exec", "shell" },
};

/* Linux 6.7 and later: before, binfmt_misc is the host's alone. */
static const struct attack new_rows[] = {
	{ "binfmt",        "binfmt_misc in a user namespace of one's own",      exec_binfmt,          "exec", "shell" },
};

static const struct attack wx_rows[] = {
	{ "wx-loader",     "a shell, read into anonymous memory",               wx_loader,            "mprotect", "anonymous-memory" },
	{ "wx-anonymous",  "anonymous memory, mapped executable",               wx_anonymous,         "mmap", "anonymous-memory" },
	{ "wx-later",      "anonymous memory, RW and then RX",                  wx_anonymous_later,   "mprotect", "anonymous-memory" },
	{ "wx-rwx",        "memory that is writable and executable",            wx_writable,          "mmap", "writable-and-executable" },
	{ "wx-rwx-later",  "the same by mprotect",                              wx_writable_later,    "mprotect", "writable-and-executable" },
	{ "wx-shared",     "shared anonymous memory, RW and then RX",           wx_shared,            "mprotect", "anonymous-memory" },
	{ "wx-personality", "PROT_READ under READ_IMPLIES_EXEC",                wx_personality,       "mmap", "writable-and-executable" },
	{ "wx-modified",   "a file of the image, written to and then RX",       wx_modified,          "mprotect", "modified-mapping" },
	{ "wx-file",       "a file of the image, mapped RWX",                   wx_writable_file,     "mmap", "writable-and-executable" },
};
// clang-format on

const struct attack_group exec_attacks = {"exec", rows, sizeof(rows) / sizeof(rows[0])};
const struct attack_group exec_new_attacks = {"exec-6.7", new_rows, sizeof(new_rows) / sizeof(new_rows[0])};
const struct attack_group wx_attacks = {"wx", wx_rows, sizeof(wx_rows) / sizeof(wx_rows[0])};
