/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.bin, which the hook reads. The input is edits of a whole one: two bytes for its length, then three bytes for
 * each byte that is another (where, what). It is read with the checksum as it was, and with the right one.
 */
#include "tests/fuzz/fuzz.h"

#include "bpf/guard.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/policy/hostnames.h"
#include "lib/policy/policy.h"
#include "lib/profile/profile.h"

#include <fcntl.h>
#include <string.h>

#define CHECKSUM_AT 16 /* in the file, lib/policy/policy.c: behind magic, version and size */
#define FILE_NAME "policy.bin"

static struct cfd_buf whole;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct cfd_profile_peer peers[] = {{.kind = CFD_PEER_LOOPBACK},
						  {.kind = CFD_PEER_CLUSTER},
						  {.kind = CFD_PEER_NAME, .name = (char *)"api.example.org"}};
	static const struct cfd_profile profile = {
		.name = (char *)"fuzz", .connect = peers, .connect_count = CFD_COUNT(peers), .image_only = true};
	CFD_AUTO_FD int dir = open(fuzz_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	struct cfd_error err = {0};

	(void)argc, (void)argv;
	FUZZ_CHECK(cfd_policy_compile(&profile, NULL, dir, &policy, &err) == 0);
	FUZZ_CHECK(cfd_policy_write(policy, dir, FILE_NAME, &err) == 0);
	FUZZ_CHECK(cfd_fd_read_file(dir, FILE_NAME, 1 << 20, &whole, &err) == 0);
	return 0;
}

static uint64_t add_bytes(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return sum;
}

static void read_policy(const uint8_t *data, size_t size)
{
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	CFD_AUTO_FD int dir = open(fuzz_directory(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct cfd_guard_state *state;
	const struct cfd_guard_route *routes;
	struct cfd_error err = {0};
	size_t count;

	fuzz_put(FILE_NAME, data, size);
	if (cfd_policy_read(dir, FILE_NAME, &policy, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	routes = cfd_policy_routes(policy, &count);
	state = cfd_policy_state(policy);
	FUZZ_CHECK(count <= CFD_POLICY_MAX_ROUTES);
	FUZZ_CHECK(state->name_count <= CFD_GUARD_NAMES && state->address_count <= CFD_GUARD_ADDRESSES);
	FUZZ_CHECK(cfd_policy_hostnames(policy)->server_count <= CFD_GUARD_RESOLVERS);
	for (size_t i = 0; i < state->address_count; i++)
		FUZZ_CHECK(state->address_names[i] < state->name_count);
	for (size_t i = 0; i < state->name_count; i++)
		FUZZ_CHECK(strlen(cfd_policy_hostnames(policy)->names[i]) < 256);
	FUZZ_CHECK(add_bytes(routes, count * sizeof(*routes)) + add_bytes(state, sizeof(*state)) < UINT64_MAX);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(routes[i].ports.count <= CFD_GUARD_RANGES);
	FUZZ_CHECK(state->magic == CFD_GUARD_MAGIC && state->version == CFD_GUARD_VERSION);
	FUZZ_CHECK(state->shell_count <= CFD_GUARD_SHELLS && state->allowed_count <= CFD_GUARD_ALLOWED);
	FUZZ_CHECK(state->resolver_count <= CFD_GUARD_RESOLVERS && state->listen_count <= CFD_GUARD_LISTENS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = size >= 2 ? data[0] | (size_t)data[1] << 8 : 0;
	CFD_AUTO_FREE uint8_t *copy = calloc(1, whole.length + length + 1);
	uint64_t checksum;

	FUZZ_CHECK(copy);
	memcpy(copy, whole.data, whole.length);
	length = length == 0 ? whole.length : length; /* 0: as it was */
	for (size_t i = 2; i + 3 <= size; i += 3)
		copy[(data[i] | (size_t)data[i + 1] << 8) % length] = data[i + 2];
	read_policy(copy, length);
	if (length < CHECKSUM_AT + sizeof(checksum))
		return 0;
	memset(copy + CHECKSUM_AT, 0, sizeof(checksum));
	checksum = cfd_hash(CFD_HASH_START, copy, length);
	memcpy(copy + CHECKSUM_AT, &checksum, sizeof(checksum));
	read_policy(copy, length);
	return 0;
}
