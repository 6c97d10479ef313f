/* SPDX-License-Identifier: Apache-2.0 */
/* The default profile, for containers with no capabilities, the engines' default ones, and two that no rule allows. */
#include "tests/sim/sim.h"

#include <criterion/criterion.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define HIGH(n) ((UINT64_C(1) << 32) | (n))
#define ONES(n) (UINT64_C(0xffffffff00000000) | (n))

enum { NONE, USUAL, NET, ADMIN, SETS };

static cfd_caps set_of(unsigned set)
{
	const cfd_caps usual = cfd_caps_engine_default;
	const cfd_caps sets[SETS] = {
		[NONE] = 0,
		[USUAL] = usual,
		[NET] = usual | UINT64_C(1) << CAP_NET_ADMIN,
		[ADMIN] = usual | UINT64_C(1) << CAP_SYS_ADMIN,
	};

	return sets[set];
}

struct row {
	const char *name;
	uint64_t args[6];
	uint32_t expected[SETS];
};

#define ALL(action)                                                                                                    \
	{                                                                                                              \
		(action), (action), (action), (action)                                                                 \
	}

/* clang-format off */
static const struct row plain[] = {
	/* what every program does */
	{"read", {0}, ALL(ALLOW)},	    {"write", {0}, ALL(ALLOW)},	      {"openat", {0}, ALL(ALLOW)},
	{"close", {0}, ALL(ALLOW)},	    {"mmap", {0}, ALL(ALLOW)},	      {"execve", {0}, ALL(ALLOW)},
	{"execveat", {0}, ALL(ALLOW)},	    {"exit_group", {0}, ALL(ALLOW)},  {"futex", {0}, ALL(ALLOW)},
	{"fork", {0}, ALL(ALLOW)},	    {"vfork", {0}, ALL(ALLOW)},	      {"wait4", {0}, ALL(ALLOW)},
	{"rt_sigreturn", {0}, ALL(ALLOW)},  {"ioctl", {0}, ALL(ALLOW)},	      {"prctl", {0}, ALL(ALLOW)},
	{"seccomp", {0}, ALL(ALLOW)},	    {"setuid", {0}, ALL(ALLOW)},      {"capset", {0}, ALL(ALLOW)},
	{"bind", {0}, ALL(ALLOW)},	    {"connect", {0}, ALL(ALLOW)},     {"sendmsg", {0}, ALL(ALLOW)},
	{"memfd_create", {0}, ALL(ALLOW)},  {"openat2", {0}, ALL(ALLOW)},     {"statx", {0}, ALL(ALLOW)},
	{"close_range", {0}, ALL(ALLOW)},   {"faccessat2", {0}, ALL(ALLOW)},  {"pidfd_open", {0}, ALL(ALLOW)},
	{"ptrace", {0}, ALL(ALLOW)},	    {"arch_prctl", {0}, ALL(ALLOW)},  {"clock_adjtime", {0}, ALL(ALLOW)},
	{"landlock_restrict_self", {0}, ALL(ALLOW)}, {"rseq", {0}, ALL(ALLOW)}, {"io_submit", {0}, ALL(ALLOW)},

	/* what one capability opens */
	{"chroot", {0}, {PERM, ALLOW, ALLOW, ALLOW}},
	{"mount", {0}, {PERM, PERM, PERM, ALLOW}},
	{"umount2", {0}, {PERM, PERM, PERM, ALLOW}},
	{"move_mount", {0}, {PERM, PERM, PERM, ALLOW}},
	{"open_tree", {0}, {PERM, PERM, PERM, ALLOW}},
	{"fsopen", {0}, {PERM, PERM, PERM, ALLOW}},
	{"mount_setattr", {0}, {PERM, PERM, PERM, ALLOW}},
	{"setns", {0}, {PERM, PERM, PERM, ALLOW}},
	{"unshare", {0}, {PERM, PERM, PERM, ALLOW}},
	{"unshare", {CLONE_NEWUSER}, {PERM, PERM, PERM, ALLOW}},
	{"sethostname", {0}, {PERM, PERM, PERM, ALLOW}},
	{"quotactl", {0}, {PERM, PERM, PERM, ALLOW}},
	{"bpf", {0}, {PERM, PERM, PERM, ALLOW}},
	{"perf_event_open", {0}, {PERM, PERM, PERM, ALLOW}},
	{"syslog", {0}, {PERM, PERM, PERM, ALLOW}},
	{"fanotify_init", {0}, {PERM, PERM, PERM, ALLOW}},
	{"open_by_handle_at", {0}, ALL(PERM)},
	{"reboot", {0}, ALL(PERM)},
	{"init_module", {0}, ALL(PERM)},
	{"finit_module", {0}, ALL(PERM)},
	{"acct", {0}, ALL(PERM)},
	{"kcmp", {0}, ALL(PERM)},
	{"pidfd_getfd", {0}, ALL(PERM)},
	{"iopl", {0}, ALL(PERM)},
	{"settimeofday", {0}, ALL(PERM)},
	{"mbind", {0}, ALL(PERM)},

	/* what nothing opens */
	{"io_uring_setup", {0}, ALL(PERM)}, {"io_uring_enter", {0}, ALL(PERM)}, {"io_uring_register", {0}, ALL(PERM)},
	{"userfaultfd", {0}, ALL(PERM)},    {"keyctl", {0}, ALL(PERM)},		{"add_key", {0}, ALL(PERM)},
	{"request_key", {0}, ALL(PERM)},    {"kexec_load", {0}, ALL(PERM)},	{"kexec_file_load", {0}, ALL(PERM)},
	{"pivot_root", {0}, ALL(PERM)},	    {"swapon", {0}, ALL(PERM)},		{"move_pages", {0}, ALL(PERM)},
	{"uselib", {0}, ALL(PERM)},	    {"ustat", {0}, ALL(PERM)},		{"sysfs", {0}, ALL(PERM)},

	/* namespaces through clone */
	{"clone", {0x11}, ALL(ALLOW)}, /* SIGCHLD */
	{"clone", {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS}, ALL(ALLOW)},
	{"clone", {CLONE_NEWUSER}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWNS}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWCGROUP}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWUTS}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWIPC}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWPID}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {CLONE_NEWNET}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {HIGH(CLONE_NEWUSER)}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {ONES(CLONE_NEWNS | 0x11)}, {PERM, PERM, PERM, ALLOW}},
	{"clone", {HIGH(0x11)}, ALL(ALLOW)}, /* the kernel looks at the low half only */
	{"clone", {0x11, CLONE_NEWUSER}, ALL(ALLOW)}, /* the second argument is the stack */
	{"clone3", {0}, {NOSYS, NOSYS, NOSYS, ALLOW}},

	/* families */
	{"socket", {AF_UNIX, SOCK_STREAM}, ALL(ALLOW)},
	{"socket", {AF_INET, SOCK_DGRAM, 17}, ALL(ALLOW)},
	{"socket", {AF_INET6, SOCK_STREAM}, ALL(ALLOW)},
	{"socket", {HIGH(AF_INET), SOCK_STREAM}, ALL(ALLOW)}, /* garbage above an int is the compiler's right */
	{"socket", {AF_NETLINK, SOCK_RAW, 0}, ALL(ALLOW)},
	{"socket", {AF_NETLINK, SOCK_RAW, 4}, ALL(ALLOW)},
	{"socket", {AF_NETLINK, SOCK_RAW, 9}, ALL(ALLOW)},
	{"socket", {AF_NETLINK, SOCK_RAW, 15}, ALL(ALLOW)},
	{"socket", {AF_NETLINK, SOCK_RAW, 16}, ALL(ALLOW)},
	{"socket", {AF_NETLINK, SOCK_RAW, 6}, {NOSYS, NOSYS, ALLOW, NOSYS}},  /* XFRM */
	{"socket", {AF_NETLINK, SOCK_RAW, 12}, {NOSYS, NOSYS, ALLOW, NOSYS}}, /* NETFILTER */
	{"socket", {AF_NETLINK, SOCK_RAW, 21}, {NOSYS, NOSYS, ALLOW, NOSYS}}, /* CRYPTO */
	{"socket", {AF_NETLINK, SOCK_RAW, HIGH(6)}, {NOSYS, NOSYS, ALLOW, NOSYS}},
	{"socket", {HIGH(AF_NETLINK), SOCK_RAW, 6}, {NOSYS, NOSYS, ALLOW, NOSYS}},
	{"socket", {AF_PACKET, SOCK_RAW}, {PERM, ALLOW, ALLOW, ALLOW}},
	{"socket", {HIGH(AF_PACKET), SOCK_RAW}, {PERM, ALLOW, ALLOW, ALLOW}},
	{"socket", {AF_VSOCK}, ALL(FAMILY)},
	{"socket", {HIGH(AF_VSOCK)}, ALL(FAMILY)}, /* passes Docker's default */
	{"socket", {ONES(AF_VSOCK)}, ALL(FAMILY)},
	{"socket", {AF_ALG}, ALL(FAMILY)},
	{"socket", {HIGH(AF_ALG)}, ALL(FAMILY)},
	{"socket", {UINT64_C(0x8000000000000000) | AF_ALG}, ALL(FAMILY)},
	{"socket", {AF_RXRPC}, ALL(FAMILY)},	 {"socket", {AF_TIPC}, ALL(FAMILY)}, {"socket", {AF_CAN}, ALL(FAMILY)},
	{"socket", {AF_BLUETOOTH}, ALL(FAMILY)}, {"socket", {AF_KEY}, ALL(FAMILY)},  {"socket", {AF_XDP}, ALL(FAMILY)},
	{"socket", {AF_UNSPEC}, ALL(NOSYS)},	 {"socket", {AF_RDS}, ALL(NOSYS)},   {"socket", {AF_SMC}, ALL(NOSYS)},
	{"socket", {AF_X25}, ALL(NOSYS)},	 {"socket", {AF_QIPCRTR}, ALL(NOSYS)}, {"socket", {46}, ALL(NOSYS)},
	{"socket", {HIGH(0)}, ALL(NOSYS)},	 {"socket", {ONES(0xffffffff)}, ALL(NOSYS)},
	{"socketpair", {AF_UNIX, SOCK_STREAM}, ALL(ALLOW)},
	{"socketpair", {AF_TIPC, SOCK_STREAM}, ALL(NOSYS)},
	{"socketpair", {HIGH(AF_TIPC), SOCK_STREAM}, ALL(NOSYS)},

	/* personality */
	{"personality", {0}, ALL(ALLOW)},	   {"personality", {8}, ALL(ALLOW)},	{"personality", {0x20000}, ALL(ALLOW)},
	{"personality", {0x20008}, ALL(ALLOW)},   {"personality", {0xffffffff}, ALL(ALLOW)},
	{"personality", {ONES(0xffffffff)}, ALL(ALLOW)},
	{"personality", {0x0040000}, ALL(NOSYS)}, /* ADDR_NO_RANDOMIZE */
	{"personality", {HIGH(0x0040000)}, ALL(NOSYS)},
	{"personality", {0x0400000}, ALL(NOSYS)}, /* READ_IMPLIES_EXEC */
	{"personality", {0x0400008}, ALL(NOSYS)}, {"personality", {1}, ALL(NOSYS)},
};
/* clang-format on */

static void run_table(const char *engine, const struct row *rows, size_t count, unsigned set)
{
	struct cfd_subset_program program = {0};

	sim_needs_x86_64();
	sim_build(set_of(set), engine, false, &program);
	for (size_t i = 0; i < count; i++) {
		uint32_t action = sim_run(&program, AUDIT_ARCH_X86_64, sim_number(rows[i].name), rows[i].args);

		cr_expect_eq(action, rows[i].expected[set], "%s(%#lx, %#lx, %#lx) for set %u: %#x, not %#x",
			     rows[i].name, rows[i].args[0], rows[i].args[1], rows[i].args[2], set, action,
			     rows[i].expected[set]);
	}
	cr_log_info("%zu instructions, %zu calls", program.length, count);
	cfd_subset_release(&program);
}

Test(sim_default, without_capabilities)
{
	run_table(NULL, plain, CFD_COUNT(plain), NONE);
}

Test(sim_default, with_the_engines_capabilities)
{
	run_table(NULL, plain, CFD_COUNT(plain), USUAL);
}

Test(sim_default, with_net_admin)
{
	run_table(NULL, plain, CFD_COUNT(plain), NET);
}

Test(sim_default, with_sys_admin)
{
	run_table(NULL, plain, CFD_COUNT(plain), ADMIN);
}

/* Every way to name a call other than by the native architecture's number. */
Test(sim_default, other_architectures_are_killed)
{
	static const uint64_t none[6] = {0};
	struct cfd_subset_program program = {0};

	sim_needs_x86_64();
	sim_build(set_of(USUAL), NULL, false, &program);
	for (int number = 0; number < 600; number++) {
		cr_expect_eq(sim_run(&program, AUDIT_ARCH_I386, number, none), KILL, "i386 %d", number);
		cr_expect_eq(sim_run(&program, AUDIT_ARCH_AARCH64, number, none), KILL, "aarch64 %d", number);
		cr_expect_eq(sim_run(&program, AUDIT_ARCH_X86_64, number | 0x40000000, none), KILL, "x32 %d", number);
		cr_expect_eq(sim_run(&program, 0, number, none), KILL, "no architecture, %d", number);
	}
	for (int number = 600; number < 5000; number++)
		cr_expect_eq(sim_run(&program, AUDIT_ARCH_X86_64, number, none), NOSYS, "%d", number);
	cr_expect_neq(sim_run(&program, AUDIT_ARCH_X86_64, -1, none), ALLOW);
	cr_expect_neq(sim_run(&program, AUDIT_ARCH_X86_64, INT32_MIN, none), ALLOW);
	cfd_subset_release(&program);
}

/* Every family, with every pattern above it, is answered as without. */
Test(sim_default, no_bits_above_an_int_change_the_answer)
{
	static const uint64_t above[] = {1, 0x80000000, 0xffffffff, 2};
	const int socket_number = sim_number("socket");
	struct cfd_subset_program program = {0};
	unsigned allowed = 0;

	sim_needs_x86_64();
	sim_build(set_of(NONE), NULL, false, &program);
	for (uint64_t family = 0; family < 256; family++) {
		const uint64_t args[6] = {family};
		uint32_t expected = sim_run(&program, AUDIT_ARCH_X86_64, socket_number, args);

		allowed += expected == ALLOW;
		for (size_t i = 0; i < CFD_COUNT(above); i++) {
			const uint64_t more[6] = {above[i] << 32 | family};

			cr_expect_eq(sim_run(&program, AUDIT_ARCH_X86_64, socket_number, more), expected, "%#lx",
				     more[0]);
		}
	}
	cr_expect_eq(allowed, 4, "UNIX, INET, INET6, NETLINK");
	cfd_subset_release(&program);
}

/* All architectures: i386 and x32 have the same doors, and socketcall is none. */
Test(sim_default, all_architectures_are_held_alike)
{
	static const struct {
		uint32_t arch;
		int number;
		uint64_t args[6];
		uint32_t expected;
	} rows[] = {
		{AUDIT_ARCH_X86_64, 41, {AF_INET}, ALLOW},
		{AUDIT_ARCH_X86_64, 41, {AF_ALG}, FAMILY},
		{AUDIT_ARCH_X86_64, 41 | 0x40000000, {AF_INET}, ALLOW},
		{AUDIT_ARCH_X86_64, 41 | 0x40000000, {AF_ALG}, FAMILY},
		{AUDIT_ARCH_X86_64, 41 | 0x40000000, {HIGH(AF_ALG)}, FAMILY},
		{AUDIT_ARCH_X86_64, 56 | 0x40000000, {CLONE_NEWUSER}, PERM},
		{AUDIT_ARCH_I386, 359, {AF_INET}, ALLOW},
		{AUDIT_ARCH_I386, 359, {AF_ALG}, FAMILY},
		{AUDIT_ARCH_I386, 359, {AF_VSOCK}, FAMILY},
		{AUDIT_ARCH_I386, 102, {1}, PERM}, /* socketcall(SYS_SOCKET) */
		{AUDIT_ARCH_I386, 102, {8}, PERM}, /* socketcall(SYS_SOCKETPAIR) */
		{AUDIT_ARCH_I386, 102, {0}, PERM},
		{AUDIT_ARCH_I386, 120, {CLONE_NEWUSER}, PERM},
		{AUDIT_ARCH_I386, 120, {0x11}, ALLOW},
		{AUDIT_ARCH_I386, 435, {0}, NOSYS}, /* clone3 */
		{AUDIT_ARCH_I386, 3, {0}, ALLOW},   /* read */
		{AUDIT_ARCH_I386, 425, {0}, PERM},  /* io_uring_setup */
		{AUDIT_ARCH_AARCH64, 63, {0}, KILL},
	};
	static const char *const engines[] = {NULL, "docker", "podman"};

	sim_needs_x86_64();
	for (size_t e = 0; e < CFD_COUNT(engines); e++) {
		struct cfd_subset_program program = {0};

		sim_build(set_of(USUAL), engines[e], true, &program);
		for (size_t i = 0; i < CFD_COUNT(rows); i++) {
			uint32_t action = sim_run(&program, rows[i].arch, rows[i].number, rows[i].args);

			/* With an engine's filter an errno may be the default's; what is allowed may not differ. */
			if (engines[e] && rows[i].expected != ALLOW && rows[i].expected != KILL)
				cr_expect_eq(action & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO, "%s row %zu: %#x",
					     engines[e], i, action);
			else
				cr_expect_eq(action, rows[i].expected, "%s row %zu: %#x",
					     engines[e] ? engines[e] : "alone", i, action);
		}
		cfd_subset_release(&program);
	}
}
