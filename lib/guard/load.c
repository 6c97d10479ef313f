/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the guard once per boot. Whoever comes first does it, under a lock; the others wait and find it done. A set of
 * pins appears under its name only when it is whole and was proved to deny.
 */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/host.h"
#include "lib/guard/pins.h"
#include "lib/guard/proof.h"

#include <errno.h>

#define LOAD_LOCK "guard.lock"
#define SOCKETS (CFD_GUARD_SOCKETS | CFD_GUARD_HOST_NET)
#define PLAIN (CFD_GUARD_DESTINATIONS | CFD_GUARD_ANSWERS) /* loaded together */

static struct cfd_guard_parts parts_of(unsigned halves, const struct cfd_guard_parts *wanted)
{
	bool traces = halves & CFD_GUARD_TRACES, destinations = (halves & PLAIN) == PLAIN;
	bool sockets = traces && (halves & SOCKETS) == SOCKETS;

	return (struct cfd_guard_parts){
		.exec = wanted->exec && traces && halves & CFD_GUARD_FILES,
		.net = wanted->net && destinations && sockets,
		.destinations = wanted->net && destinations && !sockets,
	};
}

/* Whether nothing that is wanted is missing, but for what is optional. */
static bool is_enough(unsigned halves, const struct cfd_guard_parts *wanted, const struct cfd_guard_parts *optional)
{
	struct cfd_guard_parts had = parts_of(halves, wanted);

	return (had.exec || !wanted->exec || optional->exec) && (had.net || !wanted->net || optional->net);
}

static int read_counters(const char *set, uint64_t cgroup_id, struct cfd_guard_state *ret_state, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	int r = cfd_guard_bpf_open(set, "containers", &map, err);

	if (r)
		return r;
	r = cfd_guard_bpf_read_state(map, cgroup_id, ret_state);
	return r ? cfd_fail_errno(err, r, "cannot read the state of the guard's own cgroup") : 0;
}

/* Without the LSM programs a socket can be made, and its connect must be denied; with them even the socket. */
static int prove_half(const char *set, unsigned halves, int cgroup_fd, uint64_t cgroup_id, struct cfd_error *err)
{
	struct cfd_guard_state state = {0};
	char release[65];
	bool denied;
	const struct cfd_guard_enforcement zeroed = {
		.set = set, .halves = halves, .cgroup_fd = cgroup_fd, .cgroup_id = cgroup_id};
	int r = cfd_guard_bpf_enforce(&zeroed, err);

	if (!r)
		r = cfd_guard_proof_run(cgroup_fd, err);
	if (!r)
		r = read_counters(set, cgroup_id, &state, err);
	if (r)
		return r;
	if (halves & CFD_GUARD_LSM)
		denied = state.denied_times[CFD_GUARD_MMAP] && state.denied_times[CFD_GUARD_CREATE];
	else
		denied = state.denied_times[CFD_GUARD_CONNECT];
	if (denied)
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"kernel %s loads and attaches the guard's programs but does not call them: "
			"boot with `bpf` in the list of the lsm= parameter",
			cfd_guard_host_release(release, sizeof(release)));
}

/*
 * The cgroup stays, with the programs attached: so the kernel keeps its trampolines, which take longest to make. The
 * hook that only containers in the host's network namespace need stays free until there is one.
 */
static int prove(const char *set, unsigned halves, struct cfd_error *err)
{
	CFD_AUTO_FD int cgroup = -1;
	uint64_t id = 0;
	int r = cfd_guard_proof_cgroup(&cgroup, &id, err);

	if (!r)
		r = prove_half(set, halves & CFD_GUARD_DESTINATIONS, cgroup, id, err);
	if (!r && halves & CFD_GUARD_LSM)
		r = prove_half(set, halves & (CFD_GUARD_SOCKETS | CFD_GUARD_FILES), cgroup, id, err);
	return r;
}

/* What the trial attached would take up hooks for a set that nobody has: it goes with the cgroup. */
static int prove_and_keep(int pins, unsigned halves, const char *name, struct cfd_error *err)
{
	struct cfd_error ignored;
	int r = prove(name, halves, err);

	if (!r) /* what the trial was denied is nobody's denial */
		r = cfd_guard_bpf_forget_events(name, err);
	if (!r)
		r = cfd_guard_pins_finish(pins, name, cfd_guard_bpf_set(), err);
	if (r)
		cfd_guard_proof_remove(&ignored);
	return r;
}

static int load_set(int pins, unsigned halves, struct cfd_error *err)
{
	struct cfd_error ignored;
	char name[32];
	int r = cfd_guard_pins_begin(pins, name, err);

	if (r)
		return r;
	r = cfd_guard_bpf_load(halves, name, err);
	if (!r)
		r = prove_and_keep(pins, halves, name, err);
	if (r)
		cfd_guard_pins_remove(pins, name, &ignored);
	return r;
}

/*
 * All of it, or, where the kernel has no BPF LSM and the caller can do without, what judges destinations; then err has
 * said why.
 */
static int load_best(int pins, const struct cfd_guard_parts *wanted, const struct cfd_guard_parts *optional,
		     struct cfd_error *err)
{
	struct cfd_error second;
	int r = cfd_guard_host_check_lsm(err);

	if (!r)
		r = load_set(pins, CFD_GUARD_ALL, err);
	if (r != -EOPNOTSUPP || !is_enough(PLAIN, wanted, optional))
		return r;
	if (load_set(pins, PLAIN, &second) && !is_enough(0, wanted, optional))
		return r;
	return 0;
}

static int load_locked(int lock_dir, int pins, const struct cfd_guard_parts *wanted,
		       const struct cfd_guard_parts *optional, struct cfd_error *err)
{
	CFD_AUTO_FD int lock = -1;
	unsigned halves = 0;
	int r = cfd_fd_lock(lock_dir, LOAD_LOCK, &lock, err);

	if (!r)
		r = cfd_guard_pins_sweep(pins, err);
	if (!r) /* somebody else may have done it while we waited */
		r = cfd_guard_bpf_halves(pins, cfd_guard_bpf_set(), &halves, err);
	if (r)
		return r;
	return halves && is_enough(halves, wanted, optional) ? 0 : load_best(pins, wanted, optional, err);
}

/* `why` is empty when somebody else loaded, and found it out. */
static int tell_lacks(const struct cfd_guard_parts *wanted, const struct cfd_guard_parts *had,
		      const struct cfd_error *why, struct cfd_buf *ret_lacks)
{
	const char *net = had->destinations ? "only destinations are governed of the network (guard.net is prefer)"
					    : "nothing governs the network (guard.net is prefer)";
	bool exec_lacks = wanted->exec && !had->exec, net_lacks = wanted->net && !had->net;

	if (!exec_lacks && !net_lacks)
		return 0;
	return cfd_buf_addf(ret_lacks, "%s%s%s: %s",
			    exec_lacks ? "nothing governs what is executed (guard.exec is prefer)" : "",
			    exec_lacks && net_lacks ? "; " : "", net_lacks ? net : "",
			    why->message[0] ? why->message : "`cofferdam doctor --guard` says why");
}

/* What there is now, also where it could not all be loaded; then `why` says so. */
static int load_and_look(int lock_dir, int pins, const struct cfd_guard_parts *wanted,
			 const struct cfd_guard_parts *optional, unsigned *ret_halves, struct cfd_error *why)
{
	struct cfd_error torn = {0};
	int r = load_locked(lock_dir, pins, wanted, optional, why);

	if (cfd_guard_bpf_halves(pins, cfd_guard_bpf_set(), ret_halves, &torn)) {
		*why = torn;
		return torn.code;
	}
	return r;
}

int cfd_guard_load(int lock_dir, struct cfd_guard_parts wanted, struct cfd_guard_parts optional,
		   struct cfd_guard_parts *ret_had, struct cfd_buf *ret_lacks, struct cfd_error *err)
{
	CFD_AUTO_FD int pins = -1;
	struct cfd_guard_parts had;
	struct cfd_error why = {0};
	unsigned halves = 0;
	int r;

	if (!wanted.exec && !wanted.net) {
		*ret_had = (struct cfd_guard_parts){0};
		return 0;
	}
	r = cfd_guard_host_check(&why);
	if (!r)
		r = cfd_guard_pins_open(&pins, &why);
	if (!r)
		r = cfd_guard_bpf_halves(pins, cfd_guard_bpf_set(), &halves, &why);
	if (!r && (!halves || !is_enough(halves, &wanted, &optional))) {
		r = load_and_look(lock_dir, pins, &wanted, &optional, &halves, &why);
	}
	if (r && (r != -EOPNOTSUPP || !is_enough(0, &wanted, &optional))) {
		*err = why;
		return cfd_wrap(err, "the guard cannot be loaded");
	}
	had = parts_of(halves, &wanted);
	if (tell_lacks(&wanted, &had, &why, ret_lacks))
		return cfd_fail_memory(err, "what the guard lacks");
	*ret_had = had;
	return 0;
}
