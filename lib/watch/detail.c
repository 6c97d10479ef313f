/* SPDX-License-Identifier: Apache-2.0 */
/* One container at length: the policy in force as the kernel has it, and its last denials. */
#include "lib/watch/watch.h"

#include "lib/paint.h"
#include "lib/watch/history.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <time.h>

#define POLICY_BITS 64  /* of a rule's key */
#define MAPPED_BITS 96  /* ::ffff:0:0/96 */
#define SHOWN_ROUTES 32 /* of rules, in text */

/* --- words */

int cfd_watch_address(const struct cfd_guard_address *address, struct cfd_buf *buf)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr in6;

	memcpy(&in6, address, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		inet_ntop(AF_INET, in6.s6_addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &in6, text, sizeof(text));
	return cfd_buf_add_string(buf, text);
}

int cfd_watch_network(const struct cfd_guard_route_key *key, struct cfd_buf *buf)
{
	unsigned bits = key->bits > POLICY_BITS ? key->bits - POLICY_BITS : 0;
	struct in6_addr in6;

	memcpy(&in6, &key->address, sizeof(in6));
	if (bits >= MAPPED_BITS && IN6_IS_ADDR_V4MAPPED(&in6))
		bits -= MAPPED_BITS;
	else if (IN6_IS_ADDR_V4MAPPED(&in6)) /* a shorter network is one of IPv6 */
		return cfd_buf_addf(buf, "::ffff:0:0/%u", bits);
	return cfd_watch_address(&key->address, buf) || cfd_buf_addf(buf, "/%u", bits) ? -ENOMEM : 0;
}

int cfd_watch_ports(const struct cfd_guard_range *range, struct cfd_buf *buf)
{
	const char *protocol = range->protocol == IPPROTO_TCP ? "tcp" : range->protocol == IPPROTO_UDP ? "udp" : "any";

	if (range->first <= 1 && range->last == UINT16_MAX)
		return cfd_buf_add_string(buf, protocol);
	return range->first == range->last ? cfd_buf_addf(buf, "%s/%u", protocol, range->first)
					   : cfd_buf_addf(buf, "%s/%u-%u", protocol, range->first, range->last);
}

static const char *shells_word(const struct cfd_guard_state *guard)
{
	static const char *const words[] = {
		[CFD_GUARD_SHELLS_DENY] = "deny",
		[CFD_GUARD_SHELLS_STARTUP] = "startup",
		[CFD_GUARD_SHELLS_ALLOW] = "allow",
	};

	return guard->shells_mode < CFD_COUNT(words) ? words[guard->shells_mode] : "unknown";
}

static const struct {
	uint32_t flag;
	const char *name;
} flags[] = {
	{CFD_GUARD_ENFORCE, "enforce"},
	{CFD_GUARD_LOG_ALLOWED, "log-allowed"},
	{CFD_GUARD_IMAGE_ONLY, "image-only"},
	{CFD_GUARD_ALLOW_LIST, "allow-list"},
	{CFD_GUARD_OVERLAY, "overlay"},
	{CFD_GUARD_LISTEN_ANY, "listen-any"},
	{CFD_GUARD_PING, "ping"},
	{CFD_GUARD_RECORD, "record"},
};

/* Calls add for each element with a separator before all but the first. */
static int add_flags(uint32_t set, const char *quote, const char *separator, struct cfd_buf *buf)
{
	bool first = true;
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(flags); i++) {
		if (!(set & flags[i].flag))
			continue;
		r = cfd_buf_addf(buf, "%s%s%s%s", first ? "" : separator, quote, flags[i].name, quote);
		first = false;
	}
	return r;
}

static int add_ranges(const struct cfd_guard_range *ranges, size_t count, const char *quote, const char *separator,
		      struct cfd_buf *buf)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = cfd_buf_addf(buf, "%s%s", i ? separator : "", quote) || cfd_watch_ports(&ranges[i], buf) ||
		    cfd_buf_add_string(buf, quote);
	return r;
}

static int add_resolvers(const struct cfd_guard_state *guard, const char *quote, const char *separator,
			 struct cfd_buf *buf)
{
	int r = 0;

	for (size_t i = 0; !r && i < guard->resolver_count && i < CFD_GUARD_RESOLVERS; i++)
		r = cfd_buf_addf(buf, "%s%s", i ? separator : "", quote) ||
		    cfd_watch_address(&guard->resolvers[i], buf) || cfd_buf_add_string(buf, quote);
	return r;
}

static size_t range_count(const struct cfd_guard_ports *ports)
{
	return ports->count < CFD_GUARD_RANGES ? ports->count : CFD_GUARD_RANGES;
}

static size_t listen_count(const struct cfd_guard_state *guard)
{
	return guard->listen_count < CFD_GUARD_LISTENS ? guard->listen_count : CFD_GUARD_LISTENS;
}

/* --- text */

static int add_heading(const struct cfd_watched *status, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_record *record = &status->record;
	char stamp[32];
	struct tm utc;
	time_t created = record->created;
	CFD_AUTO_FREE char *cgroup =
		strdup(record->cgroup ? record->cgroup : "-"); /* the engine's caller may name it */

	if (!cgroup)
		return -ENOMEM;
	cfd_hide_control(cgroup, "");
	gmtime_r(&created, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return cfd_buf_addf(
		buf,
		"%s%s%s  %s\n  image     %s\n  profile   %s, %s\n  state     %s, first process %d, since %s\n"
		"  cgroup    %s\n",
		paint->name, record->container_name ? record->container_name : record->id, paint->end, record->id,
		record->image ? record->image : "-", record->profile ? record->profile : "-", cfd_watch_mode(status),
		cfd_watch_phase(status), record->init.pid, stamp, cgroup);
}

static int add_counts(const struct cfd_watched *status, enum cfd_guard_part part, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, "           ");

	for (int verdict = 0; !r && verdict < CFD_WATCH_VERDICTS; verdict++)
		r = cfd_buf_addf(buf, " %s %" PRIu64, cfd_watch_verdict_name((enum cfd_watch_verdict)verdict),
				 cfd_watch_count(status, part, (enum cfd_watch_verdict)verdict));
	return r ? r : cfd_buf_add_string(buf, "\n");
}

static int add_exec(const struct cfd_watched *status, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_guard_state *guard = &status->guard;
	int r;

	if (!cfd_watch_enforces(status, CFD_GUARD_PART_EXEC))
		return cfd_buf_addf(buf, "  exec      %snot enforced%s%s\n", paint->bad, paint->end,
				    status->record.guard_exec ? "" : " (off, or this kernel cannot)");
	r = cfd_buf_addf(buf, "  exec      shells %s (files: %u)", shells_word(guard), guard->shell_count);
	if (!r && guard->flags & CFD_GUARD_ALLOW_LIST)
		r = cfd_buf_addf(buf, "; a list of what may be executed (files: %u)", guard->allowed_count);
	if (!r && guard->flags & CFD_GUARD_IMAGE_ONLY)
		r = cfd_buf_add_string(buf, "; only what the image brought");
	return r || cfd_buf_add_string(buf, "\n") ? -ENOMEM : add_counts(status, CFD_GUARD_PART_EXEC, buf);
}

static int add_routes(const struct cfd_watch_detail *detail, struct cfd_buf *buf)
{
	int r = detail->route_count ? 0 : cfd_buf_add_string(buf, "            connect to nothing\n");

	for (size_t i = 0; !r && i < detail->route_count && i < SHOWN_ROUTES; i++) {
		const struct cfd_guard_ports *ports = &detail->routes[i].ports;

		r = cfd_buf_add_string(buf, "            connect ") || cfd_watch_network(&detail->routes[i].key, buf) ||
		    cfd_buf_add_string(buf, " ") ||
		    (ports->count ? add_ranges(ports->ranges, range_count(ports), "", ", ", buf)
				  : cfd_buf_add_string(buf, "nothing")) ||
		    cfd_buf_add_string(buf, "\n");
	}
	if (!r && detail->route_count > SHOWN_ROUTES)
		r = cfd_buf_addf(buf, "            and %zu more networks\n", detail->route_count - SHOWN_ROUTES);
	return r;
}

static int add_net(const struct cfd_watched *status, const struct cfd_watch_detail *detail,
		   const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_guard_state *guard = &status->guard;
	bool partly = status->governed && status->attached.destinations;
	int r;

	if (!cfd_watch_enforces(status, CFD_GUARD_PART_NET) && !partly)
		return cfd_buf_addf(buf, "  net       %snot enforced%s%s\n", paint->bad, paint->end,
				    status->record.guard_net ? "" : " (off, or this kernel cannot)");
	r = partly ? cfd_buf_addf(buf,
				  "  net       %sTCP and UDP destinations only%s: this kernel cannot judge other "
				  "sockets, bind and listen\n",
				  paint->unsure, paint->end)
		   : cfd_buf_add_string(buf, "  net       listen ");
	if (!r && !partly)
		r = guard->flags & CFD_GUARD_LISTEN_ANY
			    ? cfd_buf_add_string(buf, "anywhere")
			    : (guard->listen_count ? add_ranges(guard->listens, listen_count(guard), "", ", ", buf)
						   : cfd_buf_add_string(buf, "nowhere"));
	if (!r && !partly)
		r = cfd_buf_add_string(buf, "\n");
	if (!r && guard->resolver_count)
		r = cfd_buf_add_string(buf, "            resolvers ") || add_resolvers(guard, "", ", ", buf) ||
		    cfd_buf_add_string(buf, "\n");
	return r || add_routes(detail, buf) ? -ENOMEM : add_counts(status, CFD_GUARD_PART_NET, buf);
}

static int add_exemption(const char *name, const struct cfd_exemption *exemption, uint32_t left,
			 const struct cfd_paint *paint, struct cfd_buf *buf)
{
	if (!left)
		return 0;
	return cfd_buf_addf(buf, "  %sexempt%s    %s for %" PRIu32 " s more: %s\n", paint->unsure, paint->end, name,
			    left, exemption->reason ? exemption->reason : "nobody noted why");
}

static int add_differences(const struct cfd_watched *status, const struct cfd_watch_detail *detail,
			   const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = 0;

	if (!detail->differences.length)
		return status->governed
			       ? cfd_buf_addf(buf, "  policy    %016" PRIx64 ", %sas %s%s\n",
					      (uint64_t)status->guard.policy, paint->good,
					      detail->policy ? "it was compiled at create" : "the record names it",
					      paint->end)
			       : 0;
	for (const char *line = detail->differences.data; !r && *line; line += strcspn(line, "\n") + 1)
		r = cfd_buf_addf(buf, "  %sDIFFERS%s   %.*s\n", paint->bad, paint->end, (int)strcspn(line, "\n"), line);
	return r;
}

static int add_history(const struct cfd_watch_detail *detail, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = detail->history->count ? cfd_buf_add_string(buf, "\n") : 0;

	for (size_t i = 0; !r && i < detail->history->count; i++)
		r = cfd_history_text(detail->history->entries[i].doc, paint, buf);
	return r;
}

int cfd_watch_detail_text(const struct cfd_watched *status, const struct cfd_watch_detail *detail,
			  const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = add_heading(status, paint, buf) || cfd_watch_place(status, buf) || add_exec(status, paint, buf) ||
		add_net(status, detail, paint, buf);

	if (!r && status->guard.lost)
		r = cfd_buf_addf(buf, "  lost      %" PRIu64 " events: counted, but the ring was full\n",
				 (uint64_t)status->guard.lost);
	return r || add_exemption("exec", &status->exemptions.exec, status->exempt[CFD_GUARD_PART_EXEC], paint, buf) ||
			       add_exemption("net", &status->exemptions.net, status->exempt[CFD_GUARD_PART_NET], paint,
					     buf) ||
			       add_differences(status, detail, paint, buf) || add_history(detail, paint, buf)
		       ? -ENOMEM
		       : 0;
}

/* --- JSON */

static int add_inodes(const char *key, const __u64 *inodes, size_t count, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, ",\"%s\":[", key);

	for (size_t i = 0; !r && i < count; i++)
		r = cfd_buf_addf(buf, "%s%" PRIu64, i ? "," : "", (uint64_t)inodes[i]);
	return r ? r : cfd_buf_add_string(buf, "]");
}

static int add_json_routes(const struct cfd_watch_detail *detail, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, ",\"connect\":[");

	for (size_t i = 0; !r && i < detail->route_count; i++) {
		const struct cfd_guard_ports *ports = &detail->routes[i].ports;

		r = cfd_buf_addf(buf, "%s{\"to\":\"", i ? "," : "") || cfd_watch_network(&detail->routes[i].key, buf) ||
		    cfd_buf_add_string(buf, "\",\"ports\":[") ||
		    add_ranges(ports->ranges, range_count(ports), "\"", ",", buf) || cfd_buf_add_string(buf, "]}");
	}
	return r ? r : cfd_buf_add_string(buf, "]");
}

static int add_policy(const struct cfd_watched *status, const struct cfd_watch_detail *detail, struct cfd_buf *buf)
{
	const struct cfd_guard_state *guard = &status->guard;
	size_t shells = guard->shell_count < CFD_GUARD_SHELLS ? guard->shell_count : CFD_GUARD_SHELLS;
	size_t allowed = guard->allowed_count < CFD_GUARD_ALLOWED ? guard->allowed_count : CFD_GUARD_ALLOWED;

	return cfd_buf_addf(buf,
			    ",\"policy_in_force\":{\"id\":\"%016" PRIx64
			    "\",\"shells\":\"%s\",\"sealed\":%s,\"flags\":[",
			    (uint64_t)guard->policy, shells_word(guard), guard->sealed ? "true" : "false") ||
			       add_flags(guard->flags, "\"", ",", buf) || cfd_buf_add_string(buf, "]") ||
			       add_inodes("shell_inodes", guard->shells, shells, buf) ||
			       add_inodes("allowed_inodes", guard->allowed, allowed, buf) ||
			       cfd_buf_add_string(buf, ",\"resolvers\":[") || add_resolvers(guard, "\"", ",", buf) ||
			       cfd_buf_add_string(buf, "],\"listen\":[") ||
			       add_ranges(guard->listens, listen_count(guard), "\"", ",", buf) ||
			       cfd_buf_add_string(buf, "]") || add_json_routes(detail, buf) ||
			       cfd_buf_add_string(buf, "}")
		       ? -ENOMEM
		       : 0;
}

static int add_json_differences(const struct cfd_watch_detail *detail, struct cfd_buf *buf)
{
	const char *line = detail->differences.data ? detail->differences.data : "";
	int r = cfd_buf_add_string(buf, ",\"differences\":[");

	for (bool first = true; !r && *line; line += strcspn(line, "\n") + 1, first = false)
		r = cfd_buf_addf(buf, "%s\"%.*s\"", first ? "" : ",", (int)strcspn(line, "\n"), line);
	return r ? r : cfd_buf_add_string(buf, "],\"events\":[");
}

int cfd_watch_detail_json(const struct cfd_watched *status, const struct cfd_watch_detail *detail, struct cfd_buf *buf)
{
	int r = cfd_watch_json(status, buf) || cfd_watch_place_json(status, buf) ||
		(status->governed && add_policy(status, detail, buf)) || add_json_differences(detail, buf);

	for (size_t i = 0; !r && i < detail->history->count; i++) {
		r = (i && cfd_buf_add_string(buf, ",")) || cfd_history_json(detail->history->entries[i].doc, buf);
		buf->length -= !r; /* its line feed */
	}
	return r || cfd_buf_add_string(buf, "]}\n") ? -ENOMEM : 0;
}
