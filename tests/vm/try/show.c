/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard says: what it can do here, its state of a container, its events. */
#include "tests/vm/try/try.h"
#include "bpf/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int try_features(char **argv)
{
	struct cfd_guard_feature list[16];
	size_t count = cfd_guard_probe(list, CFD_COUNT(list));

	(void)argv;
	for (size_t i = 0; i < count; i++)
		printf("%s=%s %s\n", list[i].name, list[i].present ? "yes" : "no", list[i].detail);
	return 0;
}

/* state NAME */
int try_state(char **argv)
{
	struct cfd_guard_state state;
	struct cfd_error err;
	uint64_t id;

	try_open_cgroup(argv[0], false, &id);
	if (cfd_guard_read(id, &state, &err))
		try_die(&err);
	printf("sealed=%u shells=%u listed=%u lost=%llu\n", state.sealed, state.shell_count, state.allowed_count,
	       (unsigned long long)state.lost);
	for (uint8_t kind = 0; kind < CFD_GUARD_KINDS; kind++)
		printf("%s allowed=%llu denied=%llu warned=%llu exempted=%llu\n", cfd_guard_kind_name(kind),
		       (unsigned long long)state.allowed_times[kind], (unsigned long long)state.denied_times[kind],
		       (unsigned long long)state.warned_times[kind], (unsigned long long)state.exempted_times[kind]);
	return 0;
}

static int show_event(const struct cfd_guard_event *event, void *data)
{
	char address[INET6_ADDRSTRLEN];

	(void)data;
	printf("%s %s %s errno=%s comm=%s path=%s family=%u type=%u protocol=%u address=%s port=%u cgroup=%llu\n",
	       cfd_guard_kind_name(event->kind), cfd_guard_verdict_name(event->verdict),
	       cfd_guard_reason_name(event->reason), event->error ? strerrorname_np(event->error) : "0", event->comm,
	       event->path, event->family, event->socket_type, event->protocol,
	       inet_ntop(AF_INET6, event->address.words, address, sizeof(address)), event->port,
	       (unsigned long long)event->cgroup);
	return 0;
}

int try_events(char **argv)
{
	struct cfd_error err;
	size_t count;

	(void)argv;
	if (cfd_guard_drain(try_state_dir(), 0, show_event, NULL, &count, &err))
		try_die(&err);
	printf("%zu events\n", count);
	return 0;
}
