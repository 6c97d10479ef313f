/* SPDX-License-Identifier: Apache-2.0 */
/* The default profile merged with what engines write: only what both allow. */
#include "tests/sim/sim.h"

#include <criterion/criterion.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>

#define HIGH(n) ((UINT64_C(1) << 32) | (n))
#define BIT(n) (UINT64_C(1) << (n))

enum { DOCKER, PODMAN, ENGINES };

static const char *const names[ENGINES] = {[DOCKER] = "docker", [PODMAN] = "podman"};

/* podman gives three capabilities less than Docker. */
static cfd_caps caps_of(unsigned engine)
{
	const cfd_caps less = BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_AUDIT_WRITE);

	return engine == DOCKER ? cfd_caps_engine_default : cfd_caps_engine_default & ~less;
}

/* clang-format off */
static const struct {
	const char *name;
	uint64_t args[6];
	uint32_t expected[ENGINES];
} rows[] = {
	/* both allow */
	{"read", {0}, {ALLOW, ALLOW}},	    {"execve", {0}, {ALLOW, ALLOW}},	{"openat2", {0}, {ALLOW, ALLOW}},
	{"ptrace", {0}, {ALLOW, ALLOW}},    {"chroot", {0}, {ALLOW, ALLOW}},	{"seccomp", {0}, {ALLOW, ALLOW}},
	{"clone", {0x11}, {ALLOW, ALLOW}},  {"prctl", {0}, {ALLOW, ALLOW}},	{"capset", {0}, {ALLOW, ALLOW}},

	/* the engine allows, the profile does not */
	{"mount", {0}, {PERM, PERM}},	    {"unshare", {0}, {PERM, PERM}},	{"pivot_root", {0}, {PERM, PERM}},
	{"keyctl", {0}, {PERM, PERM}},	    {"clone3", {0}, {NOSYS, NOSYS}},	{"move_mount", {0}, {PERM, PERM}},
	{"reboot", {0}, {PERM, PERM}},	    {"pidfd_getfd", {0}, {PERM, PERM}}, {"mbind", {0}, {PERM, PERM}},

	/* the profile allows, the engine does not: with the errno that the engine gives */
	{"vmsplice", {0}, {ALLOW, PERM}},   {"futex_waitv", {0}, {ALLOW, PERM}},

	/* neither */
	{"io_uring_setup", {0}, {PERM, PERM}}, {"userfaultfd", {0}, {PERM, PERM}}, {"bpf", {0}, {PERM, PERM}},

	{"clone", {CLONE_NEWUSER}, {PERM, PERM}},
	{"clone", {HIGH(CLONE_NEWUSER)}, {PERM, PERM}},
	{"clone", {HIGH(0x11)}, {ALLOW, ALLOW}},

	{"socket", {AF_UNIX}, {ALLOW, ALLOW}},
	{"socket", {AF_INET}, {ALLOW, ALLOW}},
	{"socket", {AF_INET6}, {ALLOW, ALLOW}},
	{"socket", {AF_NETLINK, 3, 0}, {ALLOW, ALLOW}},
	{"socket", {AF_NETLINK, 3, 9}, {ALLOW, ERRNO(22)}}, /* podman: no AUDIT_WRITE, so EINVAL */
	{"socket", {AF_NETLINK, 3, 6}, {NOSYS, NOSYS}},
	{"socket", {AF_PACKET}, {ALLOW, PERM}},
	{"socket", {AF_VSOCK}, {FAMILY, FAMILY}},
	{"socket", {HIGH(AF_VSOCK)}, {FAMILY, FAMILY}},
	{"socket", {AF_ALG}, {FAMILY, FAMILY}},
	{"socket", {HIGH(AF_ALG)}, {FAMILY, FAMILY}},
	{"socket", {AF_SMC}, {NOSYS, NOSYS}},

	{"personality", {0}, {ALLOW, ALLOW}},
	{"personality", {0xffffffff}, {ALLOW, ALLOW}},
	{"personality", {0x40000}, {NOSYS, NOSYS}},
	{"personality", {HIGH(8)}, {NOSYS, NOSYS}}, /* the engines compare 64 bits here */
};
/* clang-format on */

static void run_engine(unsigned engine)
{
	struct cfd_subset_program program = {0};

	sim_needs_x86_64();
	sim_build(caps_of(engine), names[engine], false, &program);
	for (size_t i = 0; i < CFD_COUNT(rows); i++) {
		uint32_t action = sim_run(&program, AUDIT_ARCH_X86_64, sim_number(rows[i].name), rows[i].args);

		cr_expect_eq(action, rows[i].expected[engine], "%s(%#lx, %#lx, %#lx) under %s: %#x, not %#x",
			     rows[i].name, rows[i].args[0], rows[i].args[1], rows[i].args[2], names[engine], action,
			     rows[i].expected[engine]);
	}
	cr_log_info("%zu instructions, %zu calls", program.length, CFD_COUNT(rows));
	cfd_subset_release(&program);
}

Test(sim_engines, under_dockers_default)
{
	run_engine(DOCKER);
}

Test(sim_engines, under_podmans_default)
{
	run_engine(PODMAN);
}

/* Capabilities that the engine's filter was not made for change nothing for the worse: it has the last word too. */
Test(sim_engines, the_engines_filter_holds_whatever_the_capabilities)
{
	static const uint64_t none[6] = {0};

	sim_needs_x86_64();
	for (unsigned engine = 0; engine < ENGINES; engine++) {
		struct cfd_subset_program program = {0};

		sim_build(caps_of(engine) | BIT(CAP_SYS_ADMIN) | BIT(CAP_BPF) | BIT(CAP_SYS_TIME), names[engine], false,
			  &program);
		cr_expect_neq(sim_run(&program, AUDIT_ARCH_X86_64, sim_number("bpf"), none), ALLOW);
		cr_expect_neq(sim_run(&program, AUDIT_ARCH_X86_64, sim_number("settimeofday"), none), ALLOW);
		cr_expect_neq(sim_run(&program, AUDIT_ARCH_X86_64, sim_number("setns"), none), ALLOW);
		cr_expect_neq(sim_run(&program, AUDIT_ARCH_I386, 3, none), ALLOW);
		cfd_subset_release(&program);
	}
}
