/* SPDX-License-Identifier: Apache-2.0 */
/* struct cfd_profile -> the JSON that says the same: lib/profile/read.c the other way round. */
#include "lib/profile/internal.h"

#include "lib/json/json.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Functions of lib/json accept the NULL that stands for 'out of memory', so only setting is looked at. */
struct writing {
	struct cfd_json_doc *doc;
	int failed;
};

static void set(struct writing *w, struct cfd_json *object, const char *key, struct cfd_json *value)
{
	int r = cfd_json_set(w->doc, object, key, value);

	w->failed = w->failed ? w->failed : r;
}

static void append(struct writing *w, struct cfd_json *list, struct cfd_json *value)
{
	int r = cfd_json_append(w->doc, list, value);

	w->failed = w->failed ? w->failed : r;
}

static void set_string(struct writing *w, struct cfd_json *object, const char *key, const char *value)
{
	if (value)
		set(w, object, key, cfd_json_new_string(w->doc, value));
}

static void set_bool(struct writing *w, struct cfd_json *object, const char *key, bool value)
{
	set(w, object, key, cfd_json_new_bool(w->doc, value));
}

/* Each string without its first `skip` characters. */
static struct cfd_json *strings(struct writing *w, char *const *list, size_t skip)
{
	struct cfd_json *array = cfd_json_new_array(w->doc);

	for (; list && *list; list++)
		append(w, array, cfd_json_new_string(w->doc, *list + skip));
	return array;
}

static struct cfd_json *in_object(struct writing *w, const char *key, struct cfd_json *value)
{
	struct cfd_json *object = cfd_json_new_object(w->doc);

	set(w, object, key, value);
	return object;
}

/* A name is kept without its quoting, but names have nothing to quote. */
static struct cfd_json *matches(struct writing *w, const struct cfd_profile_entry *entry)
{
	struct cfd_json *list = cfd_json_new_array(w->doc);

	for (size_t i = 0; i < entry->match_count; i++)
		append(w, list,
		       in_object(w, entry->matches[i].class == CFD_MATCH_DIGEST ? "digest" : "image",
				 cfd_json_new_string(w->doc, entry->matches[i].text)));
	return list;
}

static struct cfd_json *mounts(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *list = cfd_json_new_array(w->doc);

	for (size_t i = 0; i < profile->mount_count; i++) {
		const struct cfd_profile_mount *mount = &profile->mounts[i];
		struct cfd_json *object = cfd_json_new_object(w->doc), *options = cfd_json_new_array(w->doc);

		set_string(w, object, "source", mount->source);
		set_string(w, object, "destination", mount->destination);
		append(w, options, cfd_json_new_string(w->doc, mount->writable ? "rw" : "ro"));
		if (mount->idmap)
			append(w, options, cfd_json_new_string(w->doc, "idmap"));
		set(w, object, "options", options);
		append(w, list, object);
	}
	return list;
}

static struct cfd_json *port(struct writing *w, const struct cfd_profile_port *port)
{
	char text[32];
	int length =
		snprintf(text, sizeof(text), "%s/%u", port->protocol == CFD_PROTOCOL_UDP ? "udp" : "tcp", port->first);

	if (port->last != port->first)
		snprintf(text + length, sizeof(text) - (size_t)length, "-%u", port->last);
	return cfd_json_new_string(w->doc, text);
}

static struct cfd_json *ports(struct writing *w, const struct cfd_profile_port *list, size_t count)
{
	struct cfd_json *array = cfd_json_new_array(w->doc);

	for (size_t i = 0; i < count; i++)
		append(w, array, port(w, &list[i]));
	return array;
}

static struct cfd_json *peer(struct writing *w, const struct cfd_profile_peer *peer)
{
	const char *word = cfd_profile_peer_word(peer->kind);
	char network[INET6_ADDRSTRLEN + 8];
	struct cfd_json *object;

	if (word)
		return cfd_json_new_string(w->doc, word);
	if (peer->kind == CFD_PEER_NETWORK && !cfd_profile_network_text(peer, network, sizeof(network)))
		return NULL;
	object = in_object(w, "to", cfd_json_new_string(w->doc, peer->kind == CFD_PEER_NAME ? peer->name : network));
	if (peer->port_count == 1)
		set(w, object, "port", port(w, peer->ports));
	else if (peer->port_count)
		set(w, object, "port", ports(w, peer->ports, peer->port_count));
	if (peer->follow)
		set_bool(w, object, "follow", true);
	return object;
}

static struct cfd_json *net(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *object = cfd_json_new_object(w->doc), *any = cfd_json_new_array(w->doc);
	struct cfd_json *connect = cfd_json_new_array(w->doc);

	append(w, any, cfd_json_new_string(w->doc, "any"));
	set(w, object, "listen", profile->listen_any ? any : ports(w, profile->listen, profile->listen_count));
	for (size_t i = 0; i < profile->connect_count; i++)
		append(w, connect, peer(w, &profile->connect[i]));
	set(w, object, "connect", connect);
	return object;
}

static struct cfd_json *exec(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *object = cfd_json_new_object(w->doc);

	set_string(w, object, "shells", cfd_profile_shell_words[profile->shells]);
	set_bool(w, object, "image_only", profile->image_only);
	set_string(w, object, "wx", profile->deny_wx ? "deny" : "allow");
	if (profile->exec_allow)
		set(w, object, "allow", strings(w, profile->exec_allow, 0));
	return object;
}

static struct cfd_json *syscalls(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *object = cfd_json_new_object(w->doc);

	set_string(w, object, "extends", profile->syscalls);
	set_string(w, object, "architectures", profile->all_architectures ? "all" : "native");
	return object;
}

static struct cfd_json *exceptions(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *list = cfd_json_new_array(w->doc);

	for (size_t i = 0; i < profile->exception_count; i++) {
		const struct cfd_profile_exception *exception = &profile->exceptions[i];
		struct cfd_json *object = cfd_json_new_object(w->doc);
		time_t last = (time_t)exception->expires - 1; /* `expires` is the first moment without it */
		char day[32] = "";
		struct tm tm;

		if (gmtime_r(&last, &tm))
			strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		set_string(w, object, "rule", exception->rule);
		set_string(w, object, "subject", exception->subject);
		set_string(w, object, "reason", exception->reason);
		set_string(w, object, "expires", day);
		append(w, list, object);
	}
	return list;
}

static void write_range(struct writing *w, const struct cfd_profile *profile)
{
	struct cfd_json *object = cfd_json_new_object(w->doc);

	if (!profile->userns_base && !profile->userns_size)
		return;
	if (profile->userns_base)
		set(w, object, "base", cfd_json_new_int(w->doc, profile->userns_base));
	if (profile->userns_size)
		set(w, object, "size", cfd_json_new_int(w->doc, profile->userns_size));
	set(w, cfd_json_root(w->doc), "userns_range", object);
}

static void write_keys(struct writing *w, const struct cfd_profile *profile, const struct cfd_profile_entry *entry)
{
	struct cfd_json *root = cfd_json_root(w->doc);

	set(w, root, "cofferdam", cfd_json_new_int(w->doc, profile->format));
	set_string(w, root, "name", profile->name);
	set_string(w, root, "description", profile->description);
	if (entry->match_count)
		set(w, root, "match", matches(w, entry));
	set_string(w, root, "mode", cfd_profile_mode_words[profile->mode]);
	set_string(w, root, "runtime", profile->runtime);
	set(w, root, "mounts", in_object(w, "allow", mounts(w, profile)));
	set(w, root, "devices", in_object(w, "allow", strings(w, profile->devices, 0)));
	if (profile->capabilities)
		set(w, root, "capabilities", strings(w, profile->capabilities, strlen("CAP_")));
	set_bool(w, root, "no_new_privileges", profile->no_new_privileges);
	set(w, root, "sysctls", in_object(w, "allow", strings(w, profile->sysctls, 0)));
	set(w, root, "rootfs", in_object(w, "readonly", cfd_json_new_bool(w->doc, profile->readonly_rootfs)));
	set_string(w, root, "userns", profile->userns_host ? "host" : "force");
	set_string(w, root, "userns_reason", profile->userns_reason);
	write_range(w, profile);
	set(w, root, "syscalls", syscalls(w, profile));
	set(w, root, "exec", exec(w, profile));
	set(w, root, "net", net(w, profile));
	set_string(w, root, "log", profile->log_allowed ? "all" : "denied");
	set(w, root, "exceptions", exceptions(w, profile));
}

int cfd_profile_write(const struct cfd_profile *profile, const struct cfd_profile_entry *entry,
		      struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct writing w = {0};
	int r = cfd_json_parse("{}", 2, NULL, &doc, err);

	if (r)
		return r;
	w.doc = doc;
	write_keys(&w, profile, entry);
	if (w.failed)
		return cfd_fail_memory(err, "a profile");
	*ret_doc = cfd_take(doc);
	return 0;
}
