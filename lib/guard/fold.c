/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats of one event become one. */
#include "lib/guard/fold.h"

/* Another process, another time and other losses make no other event. The path is no more than its text. */
static bool is_repeat(const struct cfd_guard_event *a, const struct cfd_guard_event *b)
{
	return a->cgroup == b->cgroup && a->policy == b->policy && a->kind == b->kind && a->verdict == b->verdict &&
	       a->reason == b->reason && a->error == b->error && a->uid == b->uid && a->family == b->family &&
	       a->socket_type == b->socket_type && a->protocol == b->protocol && a->port == b->port &&
	       !memcmp(&a->address, &b->address, sizeof(a->address)) && !strncmp(a->comm, b->comm, sizeof(a->comm)) &&
	       !strncmp(a->path, b->path, sizeof(a->path));
}

bool cfd_fold_add(struct cfd_fold *fold, const struct cfd_guard_event *event)
{
	for (size_t i = 0; i < fold->count; i++) {
		struct cfd_folded *folded = &fold->values[i];

		if (!is_repeat(&folded->event, event))
			continue;
		folded->count++;
		/* Two processors may have put them into the ring in another order than they read the clock. */
		if (event->time > folded->last)
			folded->last = event->time;
		if (event->time < folded->event.time)
			folded->event.time = event->time;
		if (event->lost > folded->event.lost)
			folded->event.lost = event->lost;
		return true;
	}
	if (fold->count == CFD_FOLD_ROOM)
		return false;
	fold->values[fold->count++] = (struct cfd_folded){.event = *event, .last = event->time, .count = 1};
	return true;
}
