/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's dealings with libbpf; the only file that knows it. What is done with it, and in which order, is told in
 * lib/guard/load.c and lib/guard/attach.c.
 *
 * Only loading opens the skeleton. All that comes later works on the pins with plain bpf() calls, so that a container's
 * start neither reads the skeleton nor the kernel's type information.
 */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/hooks.h"
#include "lib/guard/host.h"
#include "lib/guard/pins.h"

#include "guard.skel.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_LOCK "events.lock"
#define VERIFIER_LOG_BYTES ((size_t)4 << 20) /* a log that is cut hides the error on kernels before 6.4 */
#define QUERY_MAX 256
#define DRAIN_MAX 16384 /* a container that fills the ring as fast as it is read does not hold the reader */

// clang-format off
static const struct program {
	const char *name;
	enum bpf_attach_type type;
	unsigned halves; /* whichever of these is wanted, this is */
} programs[CFD_GUARD_PROGRAMS] = { /* in this order they are attached */
	{ "cfd_connect4", BPF_CGROUP_INET4_CONNECT, CFD_GUARD_DESTINATIONS },
	{ "cfd_connect6", BPF_CGROUP_INET6_CONNECT, CFD_GUARD_DESTINATIONS },
	{ "cfd_sendmsg4", BPF_CGROUP_UDP4_SENDMSG,  CFD_GUARD_DESTINATIONS },
	{ "cfd_sendmsg6", BPF_CGROUP_UDP6_SENDMSG,  CFD_GUARD_DESTINATIONS },
	{ "cfd_recvmsg4", BPF_CGROUP_UDP4_RECVMSG,  CFD_GUARD_DESTINATIONS },
	{ "cfd_recvmsg6", BPF_CGROUP_UDP6_RECVMSG,  CFD_GUARD_DESTINATIONS },
	{ "cfd_bind4",    BPF_CGROUP_INET4_BIND,    CFD_GUARD_DESTINATIONS },
	{ "cfd_bind6",    BPF_CGROUP_INET6_BIND,    CFD_GUARD_DESTINATIONS },
	{ "cfd_setsockopt", BPF_CGROUP_SETSOCKOPT,  CFD_GUARD_DESTINATIONS },
	{ "cfd_egress",   BPF_CGROUP_INET_EGRESS,   CFD_GUARD_DESTINATIONS },
	{ "cfd_connect",  BPF_LSM_CGROUP,           CFD_GUARD_SOCKETS },
	{ "cfd_create",   BPF_LSM_CGROUP,           CFD_GUARD_SOCKETS },
	{ "cfd_listen",   BPF_LSM_CGROUP,           CFD_GUARD_SOCKETS },
	{ "cfd_receive",  BPF_LSM_CGROUP,           CFD_GUARD_SOCKETS },
	{ "cfd_exec",     BPF_LSM_CGROUP,           CFD_GUARD_FILES },
	{ "cfd_mmap",     BPF_LSM_CGROUP,           CFD_GUARD_FILES },
	{ "cfd_may_send", BPF_LSM_CGROUP,           CFD_GUARD_HOST_NET },
	{ "cfd_mprotect", BPF_LSM_CGROUP,           CFD_GUARD_FILES },
	{ "cfd_bpf",      BPF_LSM_CGROUP,           CFD_GUARD_SOCKETS | CFD_GUARD_FILES },
	{ "cfd_trace",    BPF_LSM_CGROUP,           CFD_GUARD_TRACES },
	{ "cfd_asks",     BPF_CGROUP_INET_EGRESS,   CFD_GUARD_ANSWERS },
	{ "cfd_answers",  BPF_CGROUP_INET_INGRESS,  CFD_GUARD_ANSWERS },
};
// clang-format on

size_t cfd_guard_bpf_hooks(void)
{
	size_t count = 0;

	for (size_t i = 0; i < CFD_COUNT(programs); i++)
		count += programs[i].type == BPF_LSM_CGROUP &&
			 (programs[i].halves & (CFD_GUARD_SOCKETS | CFD_GUARD_FILES));
	return count;
}

static const char *const maps[] = {"containers", "routes",  "policies", "loaded", "guard_events",
				   "exemptions", "records", "peers",    "learned"};

const char *cfd_guard_bpf_set(void)
{
	return CFD_BPF_ID_guard;
}

/* --- pins */

int cfd_guard_bpf_open(const char *set, const char *name, int *ret_fd, struct cfd_error *err)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", CFD_GUARD_PINS, set, name);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return cfd_fail(err, -ENOENT, "the guard is not loaded: there is no %s", path);
	if (fd < 0)
		return cfd_fail_errno(err, fd, "cannot open %s", path);
	*ret_fd = fd;
	return 0;
}

int cfd_guard_bpf_open_map(uint32_t id, const char *set, const char *name, int *ret_fd, struct cfd_error *err)
{
	int fd = id ? bpf_map_get_fd_by_id(id) : -1;

	if (fd < 0)
		return cfd_guard_bpf_open(set, name, ret_fd, err);
	*ret_fd = fd;
	return 0;
}

int cfd_guard_bpf_halves(int pins, const char *set, unsigned *ret_halves, struct cfd_error *err)
{
	unsigned halves = CFD_GUARD_ALL;
	bool has = true;
	int r = 0;

	for (size_t i = 0; !r && has && i < CFD_COUNT(maps); i++)
		r = cfd_guard_pins_has(pins, set, maps[i], &has, err);
	if (!has)
		halves = 0;
	for (size_t i = 0; !r && halves && i < CFD_COUNT(programs); i++) {
		r = cfd_guard_pins_has(pins, set, programs[i].name, &has, err);
		halves &= has ? ~0u : ~programs[i].halves;
	}
	if (!r)
		*ret_halves = halves;
	return r;
}

static int pin(const char *set, const char *name, int fd, struct cfd_error *err)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/%s/%s", CFD_GUARD_PINS, set, name);
	r = bpf_obj_pin(fd, path);
	return r ? cfd_fail_errno(err, r, "cannot pin %s", path) : 0;
}

static int map_fd(const struct bpf_object *object, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static int program_id(int fd, uint32_t *ret_id, struct cfd_error *err)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &size);

	if (r)
		return cfd_fail_errno(err, r, "cannot ask the kernel about a program");
	*ret_id = info.id;
	return 0;
}

static int map_id(const struct bpf_object *object, const char *name, uint32_t *ret_id, struct cfd_error *err)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(map_fd(object, name), &info, &size);

	if (r)
		return cfd_fail_errno(err, r, "cannot ask the kernel about the map %s", name);
	*ret_id = info.id;
	return 0;
}

static int pin_programs(const struct bpf_object *object, const char *set, unsigned halves, uint32_t *ret_ids,
			struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(programs); i++) {
		int fd = bpf_program__fd(bpf_object__find_program_by_name(object, programs[i].name));

		if (!(halves & programs[i].halves))
			continue;
		r = pin(set, programs[i].name, fd, err);
		if (!r)
			r = program_id(fd, &ret_ids[i], err);
	}
	return r;
}

static int pin_all(const struct bpf_object *object, const char *set, unsigned halves, struct cfd_error *err)
{
	struct cfd_guard_loaded loaded = {0};
	uint32_t key = 0;
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(maps); i++)
		r = pin(set, maps[i], map_fd(object, maps[i]), err);
	if (!r)
		r = pin_programs(object, set, halves, loaded.programs, err);
	if (!r)
		r = map_id(object, "containers", &loaded.containers, err);
	if (!r)
		r = map_id(object, "policies", &loaded.policies, err);
	if (r)
		return r;
	r = bpf_map_update_elem(map_fd(object, "loaded"), &key, &loaded, BPF_ANY);
	return r ? cfd_fail_errno(err, r, "cannot keep the ids of what was loaded") : 0;
}

/* --- loading */

static void skeleton_free(struct cfd_guard_bpf **skeleton)
{
	cfd_guard_bpf__destroy(*skeleton);
}

static void choose_programs(struct cfd_guard_bpf *skeleton, unsigned halves)
{
	for (size_t i = 0; i < CFD_COUNT(programs); i++)
		bpf_program__set_autoload(bpf_object__find_program_by_name(skeleton->obj, programs[i].name),
					  halves & programs[i].halves);
}

int cfd_guard_bpf_load(unsigned halves, const char *set, struct cfd_error *err)
{
	CFD_AUTO_FREE char *log = calloc(1, VERIFIER_LOG_BYTES);
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log, .kernel_log_size = VERIFIER_LOG_BYTES);
	CFD_AUTO(skeleton_free) struct cfd_guard_bpf *skeleton = NULL;
	int r;

	if (!log)
		return cfd_fail_memory(err, "the verifier's log");
	libbpf_set_print(NULL); /* a library does not print */
	skeleton = cfd_guard_bpf__open_opts(&options);
	if (!skeleton)
		return cfd_guard_host_explain(halves & CFD_GUARD_LSM, -errno, log, err);
	choose_programs(skeleton, halves);
	r = cfd_guard_bpf__load(skeleton);
	return r ? cfd_guard_host_explain(halves & CFD_GUARD_LSM, r, log, err)
		 : pin_all(skeleton->obj, set, halves, err);
}

/* --- attaching */

struct attached { /* what this process attached, to be detached if a later step fails */
	int fds[CFD_COUNT(programs)];
	size_t count;
	enum bpf_attach_type types[CFD_COUNT(programs)];
	bool is_new[CFD_COUNT(programs)];
};

static void attached_release(struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		cfd_base_close(&attached->fds[i]);
}

static void detach_new(const struct attached *attached, int cgroup_fd)
{
	for (size_t i = 0; i < attached->count; i++)
		if (attached->is_new[i])
			bpf_prog_detach2(attached->fds[i], cgroup_fd, attached->types[i]);
}

/* The kernel wants room for the flags too, or it refuses to tell the LSM's programs. */
static bool is_attached(int cgroup_fd, uint32_t id, enum bpf_attach_type type)
{
	uint32_t ids[QUERY_MAX], flags[QUERY_MAX];
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_attach_flags = flags, .prog_cnt = QUERY_MAX);

	if (bpf_prog_query_opts(cgroup_fd, type, &query))
		return false;
	for (uint32_t i = 0; i < query.prog_cnt && i < QUERY_MAX; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* The kernel says EINVAL both for a program that is there already and for the eleventh LSM hook on this host. */
static int attach_one(int cgroup_fd, const struct program *program, struct attached *attached, struct cfd_error *err)
{
	int fd = attached->fds[attached->count], r = bpf_prog_attach(fd, cgroup_fd, program->type, BPF_F_ALLOW_MULTI);
	struct cfd_error ignored;
	uint32_t id = 0;
	bool known = r == -EINVAL && !program_id(fd, &id, &ignored) && is_attached(cgroup_fd, id, program->type);
	char hook[64];

	attached->types[attached->count] = program->type;
	attached->is_new[attached->count++] = !r;
	if (!r || known)
		return 0;
	if (r == -EINVAL && program->type == BPF_LSM_CGROUP)
		return cfd_fail(err, r,
				"the kernel does not attach %s at the LSM hook %s: it has %d hooks for programs on "
				"cgroups, and others have taken too many (`cofferdam doctor` names them)",
				program->name, cfd_guard_hooks_name(fd, hook, sizeof(hook)), CFD_GUARD_HOOKS_MAX);
	return cfd_fail_errno(err, r, "cannot attach %s to the cgroup", program->name);
}

unsigned cfd_guard_bpf_attached(const uint32_t *ids, int cgroup_fd)
{
	unsigned halves = CFD_GUARD_ALL;

	for (size_t i = 0; i < CFD_COUNT(programs); i++)
		if (!ids[i] || !is_attached(cgroup_fd, ids[i], programs[i].type))
			halves &= ~programs[i].halves;
	return halves;
}

static int open_program(const struct cfd_guard_enforcement *what, size_t index, int *ret_fd, struct cfd_error *err)
{
	int fd = what->programs && what->programs[index] ? bpf_prog_get_fd_by_id(what->programs[index]) : -1;

	if (fd < 0)
		return cfd_guard_bpf_open(what->set, programs[index].name, ret_fd, err);
	*ret_fd = fd;
	return 0;
}

static int attach_all(const struct cfd_guard_enforcement *what, struct attached *attached, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(programs); i++) {
		if (!(what->halves & programs[i].halves))
			continue;
		r = open_program(what, i, &attached->fds[attached->count], err);
		if (!r)
			r = attach_one(what->cgroup_fd, &programs[i], attached, err);
	}
	return r;
}

int cfd_guard_bpf_read_state(int containers, uint64_t cgroup_id, struct cfd_guard_state *ret_state)
{
	struct cfd_guard_container value;
	int r = bpf_map_lookup_elem(containers, &cgroup_id, &value);

	if (!r)
		*ret_state = value.state;
	return r;
}

int cfd_guard_bpf_replace_state(int containers, uint64_t cgroup_id, const struct cfd_guard_state *state)
{
	const struct cfd_guard_container value = {.state = *state};

	return bpf_map_update_elem(containers, &cgroup_id, &value, BPF_ANY);
}

/*
 * To replace a state is one step, but the kernel makes a new one for it and frees the old one some time later:
 * containers that come soon after each other leave holes between their states, as large as these. So the first state of
 * a cgroup is written into its place: all of it without the magic number, which denies all as before, and then with it.
 */
static int write_state(int containers, uint64_t cgroup_id, const struct cfd_guard_state *state)
{
	struct cfd_guard_container value = {.state = *state};
	int r;

	value.state.magic = 0;
	r = bpf_map_update_elem(containers, &cgroup_id, &value, BPF_F_LOCK);
	value.state.magic = state->magic;
	return r ? r : bpf_map_update_elem(containers, &cgroup_id, &value, BPF_F_LOCK);
}

int cfd_guard_bpf_enforce(const struct cfd_guard_enforcement *what, struct cfd_error *err)
{
	CFD_AUTO(attached_release) struct attached attached = {0};
	int r = attach_all(what, &attached, err);

	if (!r && what->state) {
		r = what->is_new ? write_state(what->containers, what->cgroup_id, what->state)
				 : cfd_guard_bpf_replace_state(what->containers, what->cgroup_id, what->state);
		if (r)
			cfd_fail_errno(err, r, "cannot put a policy in force in the cgroup %llu",
				       (unsigned long long)what->cgroup_id);
	}
	if (r)
		detach_new(&attached, what->cgroup_fd);
	return r;
}

int cfd_guard_bpf_lookup(int map, const void *key, void *value)
{
	return bpf_map_lookup_elem(map, key, value);
}

int cfd_guard_bpf_next_key(int map, const void *key, void *next)
{
	return bpf_map_get_next_key(map, key, next);
}

int cfd_guard_bpf_delete(int map, const void *key)
{
	return bpf_map_delete_elem(map, key);
}

int cfd_guard_bpf_update(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY);
}

/* --- events */

struct drain {
	int (*handle)(const struct cfd_guard_event *event, void *data);
	void *data;
	size_t count;
	int result;
};

/* A negative return makes libbpf stop behind this event. */
static int drain_one(void *context, void *sample, size_t size)
{
	struct drain *drain = context;

	if (size >= sizeof(struct cfd_guard_event)) {
		drain->count++;
		drain->result = drain->handle(sample, drain->data);
	}
	return drain->result || drain->count == DRAIN_MAX ? -ECANCELED : 0;
}

static void ring_free(struct ring_buffer **ring)
{
	ring_buffer__free(*ring);
}

static int drain_ring(int map, int wait_ms, struct drain *drain, struct cfd_error *err)
{
	CFD_AUTO(ring_free) struct ring_buffer *ring = ring_buffer__new(map, drain_one, drain, NULL);
	int r;

	if (!ring)
		return cfd_fail_errno(err, -errno, "cannot open the ring of events");
	r = ring_buffer__consume(ring);
	if (!r && wait_ms > 0)
		r = ring_buffer__poll(ring, wait_ms);
	if (drain->result)
		return drain->result;
	return r < 0 && r != -ECANCELED && r != -EINTR ? cfd_fail_errno(err, r, "cannot read the ring of events") : 0;
}

static int forget(const struct cfd_guard_event *event, void *data)
{
	(void)event;
	(void)data;
	return 0;
}

int cfd_guard_bpf_forget_events(const char *set, struct cfd_error *err)
{
	struct drain drain = {.handle = forget};
	CFD_AUTO_FD int map = -1;
	int r = cfd_guard_bpf_open(set, "guard_events", &map, err);

	return r ? r : drain_ring(map, 0, &drain, err);
}

int cfd_guard_drain(int lock_dir, int wait_ms, int (*handle)(const struct cfd_guard_event *event, void *data),
		    void *data, size_t *ret_count, struct cfd_error *err)
{
	struct drain drain = {.handle = handle, .data = data};
	CFD_AUTO_FD int lock = -1, map = -1;
	int r = cfd_fd_lock(lock_dir, EVENTS_LOCK, &lock, err);

	if (!r)
		r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "guard_events", &map, err);
	if (!r)
		r = drain_ring(map, wait_ms, &drain, err);
	if (!r)
		*ret_count = drain.count;
	return r;
}

/* --- libelf */

/*
 * libelf.a of elfutils 0.192 (Debian 13) calls these two and does not hold them (sourceware bug 32293, mended in
 * 0.193): the tree in which it keeps the pieces that elf_getdata_rawchunk(3) gave out. libbpf asks for none, so the
 * tree stays empty. Where libelf.a has its own and needs them, those are taken, as these are weak.
 */
void eu_search_tree_init(void **tree);
void eu_search_tree_fini(void **tree, void (*free_node)(void *node));

__attribute__((weak)) void eu_search_tree_init(void **tree)
{
	*tree = NULL;
}

__attribute__((weak)) void eu_search_tree_fini(void **tree, void (*free_node)(void *node))
{
	(void)tree;
	(void)free_node;
}
