/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has in force, held against what was recorded when the container was created. */
#include "lib/watch/watch.h"

#include "lib/policy/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

void cfd_watch_detail_release(struct cfd_watch_detail *detail)
{
	free(detail->routes);
	cfd_buf_release(&detail->differences);
	detail->routes = NULL;
}

/* As lib/policy/routes.c sorts them: by address, then by length. */
static int compare_routes(const void *a, const void *b)
{
	const struct cfd_guard_route *x = a, *y = b;
	int order = memcmp(&x->key.address, &y->key.address, sizeof(x->key.address));

	return order ? order : (x->key.bits > y->key.bits) - (x->key.bits < y->key.bits);
}

static int read_routes(uint64_t policy, struct cfd_watch_detail *detail, struct cfd_error *err)
{
	size_t count = 0;
	int r;

	detail->routes = calloc(CFD_POLICY_MAX_ROUTES, sizeof(*detail->routes));
	if (!detail->routes)
		return cfd_fail_memory(err, "network rules");
	r = cfd_guard_routes(policy, detail->routes, CFD_POLICY_MAX_ROUTES, &count, err);
	if (r)
		return r == -ENOENT ? 0 : r;
	detail->route_count = count < CFD_POLICY_MAX_ROUTES ? count : CFD_POLICY_MAX_ROUTES;
	qsort(detail->routes, detail->route_count, sizeof(*detail->routes), compare_routes);
	return 0;
}

static bool has_other_routes(const struct cfd_watch_detail *detail)
{
	size_t count = 0;
	const struct cfd_guard_route *routes = cfd_policy_routes(detail->policy, &count);

	if (count != detail->route_count)
		return true;
	for (size_t i = 0; i < count; i++)
		if (memcmp(&routes[i].key, &detail->routes[i].key, sizeof(routes[i].key)) ||
		    memcmp(&routes[i].ports, &detail->routes[i].ports, sizeof(routes[i].ports)))
			return true;
	return false;
}

/* The lists that follow each other in the state, from how shells are treated to what was compiled last. */
static bool has_other_lists(const struct cfd_guard_state *here, const struct cfd_guard_state *there)
{
	const size_t from = offsetof(struct cfd_guard_state, shells_mode),
		     to = offsetof(struct cfd_guard_state, net_ns);

	return memcmp((const char *)here + from, (const char *)there + from, to - from);
}

struct check {
	const struct cfd_watched *status;
	const struct cfd_watch_detail *detail;
	const struct cfd_guard_state *made; /* as it was compiled; NULL: not kept */
};

static bool lacks_exec(const struct check *check)
{
	return check->status->record.guard_exec && !check->status->attached.exec;
}

static bool lacks_net(const struct check *check)
{
	return check->status->record.guard_net && !check->status->attached.net;
}

static bool has_other_cgroup(const struct check *check)
{
	return check->status->governed && check->status->guard.cgroup != check->status->record.cgroup_id;
}

static bool has_other_init(const struct check *check)
{
	return check->status->governed && check->status->guard.init_pid != (uint32_t)check->status->record.init.pid;
}

static bool has_other_policy(const struct check *check)
{
	return check->status->governed && check->status->guard.policy != check->status->record.policy_id;
}

static bool has_other_digest(const struct check *check)
{
	return check->made && check->made->digest != check->status->guard.digest;
}

static bool has_other_flags(const struct check *check)
{
	/* resolv.conf and hosts may not have been read yet, or meanwhile */
	return check->made && (check->made->flags ^ check->status->guard.flags) & ~(uint32_t)CFD_GUARD_PUT_OFF;
}

static bool has_other_list(const struct check *check)
{
	return check->made && has_other_lists(&check->status->guard, check->made);
}

static bool has_other_rules(const struct check *check)
{
	return check->made && has_other_routes(check->detail);
}

static bool is_without(const struct check *check)
{
	return (check->status->record.guard_exec || check->status->record.guard_net) && !check->status->governed;
}

static const struct {
	bool (*differs)(const struct check *check);
	const char *text;
} checks[] = {
	{is_without, "no policy of this version of cofferdam is in force in its cgroup"},
	{lacks_exec, "exec: programs of the guard are missing on its cgroup"},
	{lacks_net, "net: programs of the guard are missing on its cgroup"},
	{has_other_cgroup, "the policy in force names another cgroup than the record"},
	{has_other_init, "the policy in force names another first process than the record"},
	{has_other_policy, "the policy in force has other network rules than the record names"},
	{has_other_digest, "the policy in force is not the one that was compiled at create"},
	{has_other_flags, "mode or flags in force are not those that were compiled at create"},
	{has_other_list, "shells, allowed files, names or ports in force are not those that were compiled at create"},
	{has_other_rules, "the network rules in the kernel are not those that were compiled at create"},
};

int cfd_watch_compare(const struct cfd_watched *status, struct cfd_watch_detail *detail, struct cfd_error *err)
{
	const struct check check = {status, detail,
				    detail->policy && status->governed ? cfd_policy_state(detail->policy) : NULL};
	int r = status->governed ? read_routes(status->guard.policy, detail, err) : 0;

	/* What has stopped, and what the hook has not reached yet, has nothing in force. */
	if (r || !status->lives)
		return r;
	for (size_t i = 0; i < CFD_COUNT(checks); i++)
		if (checks[i].differs(&check) && cfd_buf_addf(&detail->differences, "%s\n", checks[i].text))
			return cfd_fail_memory(err, "differences");
	return 0;
}
