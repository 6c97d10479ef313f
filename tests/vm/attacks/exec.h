/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks of the groups `exec` and `wx`; the rows are in exec.c. The image has busybox as its shell, /bin/other
 * (the program `attack` again), dynamic programs (dash, mawk, perl, env) with their loader and libraries, scripts that
 * are named after their attack, and /lib/preload.so. All of it is made by tests/vm/tests/22-exec-attacks.sh.
 */
#ifndef CFD_ATTACK_EXEC_H
#define CFD_ATTACK_EXEC_H

#define SHELL "/bin/sh" /* busybox, static */
#define DASH "/usr/bin/dash"
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define OTHER "/bin/other"

/*
 * A symbolic link to the target that is called as this process is: whoever is executed by it has that name, and so have
 * the events about what it does. NULL with errno.
 */
const char *exec_named(const char *target);

/* Expects the shell's arithmetic of `path -c CODE`, called as `sh`. */
int exec_shell(const char *path);

/* exec_files.c: other names, other copies, other programs */
int exec_copy(void);
int exec_copy_program(void);
int exec_hard_link(void);
int exec_renamed(void);
int exec_symlink(void);
int exec_self_root(void);
int exec_proc_fd(void);
int exec_argv0(void);
int exec_applet(void);
int exec_memfd(void);
int exec_tmpfile(void);
int exec_deleted(void);
int exec_dev_shm(void);
int exec_overwritten(void);
int exec_script(void);
int exec_script_chain(void);
int exec_script_relative(void);
int exec_env_split(void);
int exec_perl(void);
int exec_awk(void);
int exec_glibc_loader(void);
int exec_preload(void);

/* exec_memory.c: mappings */
int exec_own_loader(void);
int exec_read_then_exec(void);
int exec_write_then_exec(void);
int exec_pkey(void);
int exec_memfd_mapped(void);
int exec_memfd_later(void);
int exec_sysv(void);
int exec_personality(void);

/* exec_spaces.c: namespaces and cgroups */
int exec_unshare(void);
int exec_setns(void);
int exec_overlay_of_image(void);
int exec_overlay_of_tmp(void);
int exec_tmpfs(void);
int exec_bind(void);
int exec_binfmt(void);
int exec_child_cgroup(void);
int exec_into_cgroup(void);

/* exec_wx.c: memory that no file is behind */
int wx_loader(void);
int wx_anonymous(void);
int wx_anonymous_later(void);
int wx_writable(void);
int wx_writable_later(void);
int wx_shared(void);
int wx_personality(void);
int wx_modified(void);
int wx_writable_file(void);

/* The machine's instructions for `return 42`, and whether they do it where they were put. */
extern const unsigned char exec_code[6];
int exec_call(const void *code);

/*
 * Runs a static program that was linked for fixed addresses as a loader does, in this process. `execute`: by mmap with
 * PROT_EXEC; `protect`: mapped writable, made executable later; `anonymous`: read into memory. Never returns when it
 * worked; else says what was refused.
 */
enum exec_way { EXEC_BY_MMAP, EXEC_BY_MPROTECT, EXEC_ANONYMOUS };
void exec_load(const char *path, enum exec_way way);

#endif
