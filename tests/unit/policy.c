/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/hostnames.h"
#include "lib/policy/policy.h"
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/profile/profile.h"
#include "lib/policy/routes.h"
#include "lib/policy/shells.h"
#include "lib/spec/spec.h"
#include "tests/unit/tree.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_root(void)
{
	static const char *const made[] = {"bin", "usr", "usr/bin", "etc", "opt"};
	char path[SCRATCH_PATH];
	int fd;

	tree_scratch(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	for (size_t i = 0; i < CFD_COUNT(made); i++)
		cr_assert_eq(mkdirat(fd, made[i], 0755), 0);
	return fd;
}

static uint64_t make_file(int root, const char *path, const char *content)
{
	CFD_AUTO_FD int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

static bool has(const uint64_t *list, size_t count, uint64_t inode)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == inode)
			return true;
	return false;
}

Test(shells, are_found_by_name_by_list_and_behind_links)
{
	CFD_AUTO_FD int root = make_root();
	uint64_t busybox = make_file(root, "opt/multi", ""), bash = make_file(root, "usr/bin/bash", "");
	uint64_t own = make_file(root, "opt/own-shell", ""), cat = make_file(root, "bin/cat", "");
	uint64_t coreutils = make_file(root, "usr/bin/coreutils", ""), inodes[CFD_GUARD_SHELLS];
	struct cfd_error err = {0};
	size_t count = 0;

	cr_assert_eq(symlinkat("/opt/multi", root, "bin/sh"), 0); /* absolute: inside of the root */
	cr_assert_eq(symlinkat("../../../../../opt/multi", root, "bin/ash"), 0);
	cr_assert_eq(symlinkat("loop", root, "bin/zsh"), 0);
	cr_assert_eq(symlinkat("zsh", root, "bin/loop"), 0);
	cr_assert_eq(symlinkat("coreutils", root, "usr/bin/false"), 0);
	cr_assert_eq(mkfifoat(root, "bin/dash", 0755), 0);
	make_file(root, "etc/shells", "# /bin/cat\n/opt/own-shell # mine\n/usr/bin/false\nrelative\n/none\n");
	cr_assert_eq(cfd_shells_find(root, inodes, CFD_GUARD_SHELLS, &count, &err), 0, "%s", err.message);
	cr_expect_eq(count, 3);
	cr_expect(has(inodes, count, busybox) && has(inodes, count, bash) && has(inodes, count, own));
	cr_expect_not(has(inodes, count, cat));
	cr_expect_not(has(inodes, count, coreutils));
	for (size_t i = 1; i < count; i++)
		cr_expect_lt(inodes[i - 1], inodes[i], "ascending");
	cr_expect_eq(cfd_shells_find(root, inodes, 2, &count, &err), -E2BIG);
}

Test(shells, a_list_that_is_no_file_is_refused_and_not_waited_for)
{
	CFD_AUTO_FD int root = make_root();
	uint64_t inodes[4];
	struct cfd_error err = {0};
	size_t count = 77;

	cr_assert_eq(mkfifoat(root, "etc/shells", 0644), 0);
	cr_expect_eq(cfd_shells_find(root, inodes, 4, &count, &err), -EINVAL, "%s", err.message);
	cr_expect_eq(count, 77);
}

static struct cfd_policy *compile_policy(const struct cfd_profile *profile, const struct cfd_spec *spec, int root)
{
	struct cfd_policy *policy = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_policy_compile(profile, spec, root, &policy, &err), 0, "%s", err.message);
	return policy;
}

Test(policy, has_what_the_profile_says)
{
	CFD_AUTO_FD int root = make_root();
	uint64_t sh = make_file(root, "bin/sh", ""), app = make_file(root, "opt/app", "");
	char listed[] = "/opt/app", missing[] = "/opt/missing", *allow[] = {listed, missing, NULL};
	struct cfd_profile_port ports[] = {{CFD_PROTOCOL_TCP, 80, 80}, {CFD_PROTOCOL_UDP, 53, 53}};
	struct cfd_profile profile = {.shells = CFD_SHELLS_STARTUP,
				      .image_only = true,
				      .exec_allow = allow,
				      .listen = ports,
				      .listen_count = 2};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = compile_policy(&profile, NULL, root);
	const struct cfd_guard_state *state = cfd_policy_state(policy);
	struct stat st;
	size_t count;

	cr_assert_eq(fstat(root, &st), 0);
	cr_expect(state->magic == CFD_GUARD_MAGIC && state->version == CFD_GUARD_VERSION);
	cr_expect_eq(state->flags, CFD_GUARD_ENFORCE | CFD_GUARD_IMAGE_ONLY | CFD_GUARD_ALLOW_LIST);
	cr_expect_eq(state->shells_mode, CFD_GUARD_SHELLS_STARTUP);
	cr_expect(state->shell_count == 1 && state->shells[0] == sh);
	cr_expect(state->allowed_count == 1 && state->allowed[0] == app);
	cr_expect_eq(state->root_ino, st.st_ino);
	cr_expect_neq(state->root_dev, 0);
	cr_expect_gt(state->created, (uint64_t)st.st_ctime * 1000000000);
	cr_expect_eq(state->listen_count, 2);
	cr_expect_eq(state->resolver_count, 0);
	cfd_policy_routes(policy, &count);
	cr_expect_eq(count, 0);
	cr_expect_neq(cfd_policy_id(policy), 0);
}

Test(policy, an_empty_list_allows_nothing_and_no_list_everything)
{
	CFD_AUTO_FD int root = make_root();
	char *none[] = {NULL};
	struct cfd_profile empty = {.exec_allow = none}, absent = {0};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *one = compile_policy(&empty, NULL, root);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *other = compile_policy(&absent, NULL, root);

	cr_expect(cfd_policy_state(one)->flags & CFD_GUARD_ALLOW_LIST);
	cr_expect_eq(cfd_policy_state(one)->allowed_count, 0);
	cr_expect_not(cfd_policy_state(other)->flags & CFD_GUARD_ALLOW_LIST);
}

Test(policy, warn_does_not_enforce_and_record_keeps_what_is_used)
{
	CFD_AUTO_FD int root = make_root();
	struct cfd_profile warn = {.mode = CFD_MODE_WARN}, record = {.mode = CFD_MODE_RECORD};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *one = compile_policy(&warn, NULL, root);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *other = compile_policy(&record, NULL, root);

	const uint32_t asked = CFD_GUARD_ENFORCE | CFD_GUARD_LOG_ALLOWED | CFD_GUARD_RECORD;

	cr_expect_eq(cfd_policy_state(one)->flags & asked, 0);
	cr_expect_eq(cfd_policy_state(other)->flags & asked, CFD_GUARD_RECORD);
}

Test(policy, echo_sockets_exist_where_every_destination_does)
{
	CFD_AUTO_FD int root = make_root();
	struct cfd_profile_port web = {CFD_PROTOCOL_TCP, 443, 443};
	struct cfd_profile_peer any = {.kind = CFD_PEER_ANY},
				some = {.kind = CFD_PEER_ANY, .ports = &web, .port_count = 1};
	struct cfd_profile all = {.connect = &any, .connect_count = 1}, less = {.connect = &some, .connect_count = 1};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *one = compile_policy(&all, NULL, root);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *other = compile_policy(&less, NULL, root);

	cr_expect(cfd_policy_state(one)->flags & CFD_GUARD_PING);
	cr_expect_not(cfd_policy_state(other)->flags & CFD_GUARD_PING);
}

Test(guard, every_number_of_an_event_has_a_word_and_others_are_unknown)
{
	for (uint8_t i = 0; i < CFD_GUARD_KINDS; i++)
		cr_expect_str_neq(cfd_guard_kind_name(i), "unknown", "kind %u", i);
	for (uint8_t i = 0; i < CFD_GUARD_REASONS; i++)
		cr_expect_str_neq(cfd_guard_reason_name(i), "unknown", "reason %u", i);
	cr_expect_str_eq(cfd_guard_verdict_name(CFD_GUARD_DENIED), "denied");
	cr_expect_str_eq(cfd_guard_kind_name(CFD_GUARD_KINDS), "unknown");
	cr_expect_str_eq(cfd_guard_reason_name(255), "unknown");
	cr_expect_str_eq(cfd_guard_verdict_name(255), "unknown");
}

Test(policy, resolvers_come_from_the_engines_file_else_from_the_image)
{
	CFD_AUTO_FD int root = make_root(), elsewhere = make_root();
	struct cfd_profile_peer dns = {.kind = CFD_PEER_DNS};
	struct cfd_profile profile = {.connect = &dns, .connect_count = 1};
	CFD_AUTO_FREE char *source = NULL;
	struct cfd_spec_mount mount = {.destination = "/etc/resolv.conf"};
	struct cfd_spec spec = {.mounts = &mount, .mount_count = 1};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *image = NULL, *engine = NULL, *missing = NULL;
	struct cfd_error err = {0};

	make_file(root, "etc/resolv.conf", "nameserver 1.2.3.4\n");
	make_file(elsewhere, "etc/resolv.conf", "nameserver 5.6.7.8\n");
	image = compile_policy(&profile, NULL, root);
	cr_expect_eq(cfd_policy_state(image)->resolvers[0].words[3], inet_addr("1.2.3.4"));
	cr_assert_eq(cfd_fd_path(elsewhere, &source, &err), 0);
	source = realloc(source, strlen(source) + 32);
	mount.source = strcat(source, "/etc/resolv.conf");
	engine = compile_policy(&profile, &spec, root);
	cr_expect_eq(cfd_policy_state(engine)->resolvers[0].words[3], inet_addr("5.6.7.8"));
	cr_expect_eq(cfd_policy_id(engine), cfd_policy_id(image), "resolvers are not part of the shared rules");
	mount.source = "/nonexistent/resolv.conf";
	cr_expect_eq(cfd_policy_compile(&profile, &spec, root, &missing, &err), -ENOENT);
}

/* podman binds empty files, and writes them between create and start. */
Test(policy, an_empty_file_that_is_bound_may_be_put_off)
{
	CFD_AUTO_FD int root = make_root(), elsewhere = make_root();
	struct cfd_profile_peer dns = {.kind = CFD_PEER_DNS};
	struct cfd_profile profile = {.connect = &dns, .connect_count = 1}, none = {.connect_count = 0};
	CFD_AUTO_FREE char *directory = NULL, *source = NULL;
	struct cfd_spec_mount mount = {.destination = "/etc/resolv.conf"};
	struct cfd_spec spec = {.mounts = &mount, .mount_count = 1};
	CFD_AUTO(cfd_policy_freep)
	struct cfd_policy *unbound = NULL, *full = NULL, *unused = NULL, *empty = NULL, *read = NULL;
	struct cfd_error err = {0};

	make_file(root, "etc/resolv.conf", "");
	make_file(elsewhere, "etc/resolv.conf", "nameserver 5.6.7.8\n");
	cr_assert_eq(cfd_fd_path(elsewhere, &directory, &err), 0);
	cr_assert_gt(asprintf(&source, "%s/etc/resolv.conf", directory), 0);
	mount.source = source;
	unbound = compile_policy(&profile, NULL, root);
	cr_expect_not(cfd_policy_put_off(unbound));
	full = compile_policy(&profile, &spec, root);
	cr_expect_not(cfd_policy_put_off(full));
	cr_assert_eq(truncate(source, 0), 0);
	unused = compile_policy(&none, &spec, root);
	cr_expect_not(cfd_policy_put_off(unused), "nothing is wanted of it");
	empty = compile_policy(&profile, &spec, root);
	cr_expect(cfd_policy_put_off(empty));
	cr_assert_eq(cfd_policy_write(empty, root, "policy.bin", &err), 0);
	cr_assert_eq(cfd_policy_read(root, "policy.bin", &read, &err), 0, "%s", err.message);
	cr_expect(cfd_policy_hostnames(read)->put_off);
}

Test(policy, the_id_names_the_network_rules)
{
	CFD_AUTO_FD int root = make_root();
	struct cfd_profile_peer peers[] = {{.kind = CFD_PEER_LOOPBACK}, {.kind = CFD_PEER_CLUSTER}};
	struct cfd_profile_peer swapped[] = {{.kind = CFD_PEER_CLUSTER}, {.kind = CFD_PEER_LOOPBACK}};
	struct cfd_profile a = {.connect = peers, .connect_count = 2}, b = {.connect = swapped, .connect_count = 2};
	struct cfd_profile c = {.connect = peers, .connect_count = 1};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *one = compile_policy(&a, NULL, root);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *same = compile_policy(&b, NULL, root);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *other = compile_policy(&c, NULL, root);
	const struct cfd_guard_route *routes;
	size_t count;

	cr_expect_eq(cfd_policy_id(one), cfd_policy_id(same));
	cr_expect_eq(cfd_policy_route_digest(one), cfd_policy_route_digest(same));
	cr_expect_neq(cfd_policy_id(one), cfd_policy_id(other));
	cr_expect_neq(cfd_policy_route_digest(one), cfd_policy_route_digest(other));
	routes = cfd_policy_routes(one, &count);
	cr_assert_gt(count, 0);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq((uint64_t)routes[i].key.policy[1] << 32 | routes[i].key.policy[0], cfd_policy_id(one));
}

Test(policy, a_file_is_whole_or_refused)
{
	CFD_AUTO_FD int root = make_root();
	struct cfd_profile_peer peer = {.kind = CFD_PEER_ANY};
	struct cfd_profile profile = {.connect = &peer, .connect_count = 1};
	CFD_AUTO(cfd_policy_freep)
	struct cfd_policy *policy = compile_policy(&profile, NULL, root), *read = NULL, *none = NULL;
	CFD_AUTO_BUF struct cfd_buf bytes = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_policy_write(policy, root, "policy.bin", &err), 0, "%s", err.message);
	cr_assert_eq(cfd_policy_read(root, "policy.bin", &read, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_policy_id(read), cfd_policy_id(policy));
	cr_expect_eq(memcmp(cfd_policy_state(read), cfd_policy_state(policy), sizeof(struct cfd_guard_state)), 0);

	cr_assert_eq(cfd_fd_read_file(root, "policy.bin", 1 << 20, &bytes, &err), 0);
	for (size_t cut = 0; cut < bytes.length; cut += 97) {
		cr_assert_eq(cfd_fd_write_file(root, "torn", bytes.data, cut, 0600, false, &err), 0);
		cr_expect_eq(cfd_policy_read(root, "torn", &none, &err), -EBADMSG, "%zu bytes", cut);
	}
	for (size_t at = 0; at < bytes.length; at += 61) {
		bytes.data[at] ^= 0x10;
		cr_assert_eq(cfd_fd_write_file(root, "torn", bytes.data, bytes.length, 0600, false, &err), 0);
		cr_expect_eq(cfd_policy_read(root, "torn", &none, &err), -EBADMSG, "byte %zu", at);
		bytes.data[at] ^= 0x10;
	}
	cr_expect_null(none);
}

#define CHECKSUM_AT 16 /* in policy.bin: behind magic, version and size */

/* Found by fuzzing: with the right checksum every count was believed. */
Test(policy, a_count_beyond_its_list_is_refused)
{
	CFD_AUTO_FD int root = make_root();
	struct cfd_profile_peer peer = {.kind = CFD_PEER_ANY};
	struct cfd_profile profile = {.connect = &peer, .connect_count = 1};
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = compile_policy(&profile, NULL, root), *none = NULL;
	const struct cfd_guard_state *state = cfd_policy_state(policy);
	size_t routes;
	const void *counts[] = {&state->shell_count, &state->allowed_count, &state->resolver_count,
				&state->listen_count, &cfd_policy_routes(policy, &routes)->ports.count};
	const uint16_t too_many = CFD_GUARD_SHELLS + 1; /* none of the lists has room for as many */
	CFD_AUTO_BUF struct cfd_buf bytes = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_policy_write(policy, root, "policy.bin", &err), 0, "%s", err.message);
	cr_assert_eq(cfd_fd_read_file(root, "policy.bin", 1 << 20, &bytes, &err), 0);
	for (size_t i = 0; i < CFD_COUNT(counts); i++) {
		size_t at = (size_t)((const char *)counts[i] - (const char *)policy);
		uint64_t checksum;

		memcpy(bytes.data, policy, bytes.length);
		memcpy(bytes.data + at, &too_many, sizeof(too_many));
		memset(bytes.data + CHECKSUM_AT, 0, sizeof(checksum));
		checksum = cfd_hash(CFD_HASH_START, bytes.data, bytes.length);
		memcpy(bytes.data + CHECKSUM_AT, &checksum, sizeof(checksum));
		cr_assert_eq(cfd_fd_write_file(root, "counts", bytes.data, bytes.length, 0600, false, &err), 0);
		cr_expect_eq(cfd_policy_read(root, "counts", &none, &err), -EBADMSG, "the count at %zu", at);
	}
}
