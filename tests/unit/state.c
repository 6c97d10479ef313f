/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fd.h"
#include "lib/state/volumes.h"
#include "tests/unit/records.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(state, ids_are_file_names_of_plain_characters)
{
	static const char *const accepted[] = {"a", "web-1", "0123456789abcdef", "a_b.c+d-e", "...", "-x"};
	static const char *const refused[] = {"",    ".",   "..",       "a/b", "../x", "a b",
					      "a@b", "a\n", "\xc3\xa9", "a:b", "a%"};
	struct cfd_error err = {0};
	char longest[240];

	for (size_t i = 0; i < CFD_COUNT(accepted); i++)
		cr_expect_eq(cfd_state_check_id(accepted[i], &err), 0, "%s", accepted[i]);
	for (size_t i = 0; i < CFD_COUNT(refused); i++)
		cr_expect_eq(cfd_state_check_id(refused[i], &err), -EINVAL, "%s", refused[i]);
	cr_expect_eq(cfd_state_check_id(NULL, &err), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[238] = '\0';
	cr_expect_eq(cfd_state_check_id(longest, &err), 0);
	longest[238] = 'a';
	longest[239] = '\0';
	cr_expect_eq(cfd_state_check_id(longest, &err), -EINVAL);
}

Test(state, what_is_claimed_is_read_back_and_dropped_whole)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0};
	CFD_AUTO_FD int dirfd = -1, bundle = -1;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 3);
	state = open_state(&fixture);
	fill_record(&record, "web", "/run/x");
	record.cgroup_id = UINT64_C(0xfedcba9876543210);
	record.policy_id = 42;
	record.guard_exec_required = true;
	record.pod = strdup("pod");
	record.userns = 4026532000;
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(record.range.size, CFD_USERNS_RANGE_SIZE);
	cr_expect_eq(record.shim.pid, getpid());

	cr_assert_eq(cfd_state_read(state, key, &back, &err), 0, "%s", err.message);
	cr_expect_str_eq(back.id, "web");
	cr_expect_str_eq(back.root, "/run/x");
	cr_expect_str_eq(back.image, "docker.io/library/nginx:1.27");
	cr_expect_str_eq(back.runtime, "/usr/bin/crun");
	cr_expect_null(back.cgroups_path);
	cr_expect_eq(back.cgroup_id, record.cgroup_id);
	cr_expect_eq(back.policy_id, 42);
	cr_expect(back.guard_exec_required);
	cr_expect_not(back.guard_net_required);
	cr_expect_eq(back.range.base, record.range.base);
	cr_expect_eq(back.shim.start, record.shim.start);
	cr_expect_eq(back.created, 1700000000);
	cr_expect_str_eq(back.pod, "pod");
	cr_expect_eq(back.userns, 4026532000);

	cr_assert_eq(cfd_state_open_container(state, key, &dirfd, &err), 0);
	cr_assert_eq(cfd_fd_make_dir(dirfd, "bundle", 0700, &bundle, &err), 0);
	cr_assert_eq(cfd_fd_write_file(bundle, "config.json", "{}", 2, 0600, false, &err), 0);
	cr_expect_eq(cfd_state_drop(state, key, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "containers"), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
	cr_expect_eq(cfd_state_drop(state, key, &err), 0, "twice");
}

Test(state, an_id_that_lives_is_refused_and_another_root_is_another_container)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, again = {0}, other = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1], key_of_other[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 3);
	state = open_state(&fixture);
	fill_record(&first, "web", "");
	fill_record(&again, "web", "");
	fill_record(&other, "web", "/run/other");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	cr_expect_eq(cfd_state_claim(state, &again, "cofferdam", key_of_other, &err), -EEXIST);
	cr_assert_eq(cfd_state_claim(state, &other, "cofferdam", key_of_other, &err), 0);
	cr_expect_str_neq(key, key_of_other);
	cr_expect_neq(first.range.base, other.range.base);
}

Test(state, containers_of_a_pod_hold_their_range_together)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, member = {0}, other = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1], key_of_member[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	fill_record(&first, "pause", "");
	fill_record(&member, "member", "");
	fill_record(&other, "other", "");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	member.range = first.range;
	cr_assert_eq(cfd_state_claim(state, &member, NULL, key_of_member, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "ranges"), 2);
	cr_assert_eq(cfd_state_drop(state, key, &err), 0);
	cr_expect_eq(cfd_state_claim(state, &other, "cofferdam", key, &err), -ENOSPC, "the member has it still");
	cr_assert_eq(cfd_state_drop(state, key_of_member, &err), 0);
	cr_expect_eq(entries(&fixture, "ranges"), 0);
	cr_expect_eq(cfd_state_claim(state, &other, "cofferdam", key, &err), 0);
}

Test(state, an_exhausted_pool_is_refused_until_somebody_is_dead)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, second = {0}, third = {0};
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	fill_record(&first, "first", "");
	fill_record(&second, "second", "");
	fill_record(&third, "third", "");
	cr_assert_eq(cfd_state_claim(state, &first, "cofferdam", key, &err), 0);
	claim_in_a_child_that_dies(&fixture, "dead");
	cr_expect_eq(entries(&fixture, "ranges"), 2);
	cr_expect_eq(cfd_state_claim(state, &second, "cofferdam", key, &err), 0, "%s", err.message);
	cr_expect_eq(cfd_state_claim(state, &third, "cofferdam", key, &err), -ENOSPC);
	cr_expect_eq(entries(&fixture, "containers"), 2);
}

static int claim(struct cfd_state *state, const char *id, uint32_t base, uint32_t size, struct cfd_record *record,
		 struct cfd_error *err)
{
	char key[CFD_STATE_KEY_MAX + 1];

	fill_record(record, id, "");
	record->range = (struct cfd_userns_range){.base = base, .size = size};
	return cfd_state_claim(state, record, "cofferdam", key, err);
}

Test(state, a_range_that_is_asked_for_is_refused_to_the_second_with_the_name_of_the_first)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record first = {0}, second = {0}, third = {0};
	const uint32_t base = POOL_BASE + CFD_USERNS_RANGE_SIZE, size = CFD_USERNS_RANGE_SIZE;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 4);
	state = open_state(&fixture);
	cr_assert_eq(claim(state, "web-1", base, 2 * size, &first, &err), 0, "%s", err.message);
	cr_expect(first.range.base == base && first.range.size == 2 * size);
	cr_expect_eq(claim(state, "web-2", base + size, 0, &second, &err), -EBUSY);
	cr_expect_str_eq(err.message, "container web-1 has ids of the range 1131072 to 1196607: delete it first, or "
				      "give the two different ranges");
	cfd_record_release(&second);
	/* What is left is a range on each side of it, and none of two. */
	cr_expect_eq(claim(state, "any", 0, 2 * size, &third, &err), -ENOSPC);
	cfd_record_release(&third);
	cr_expect_eq(claim(state, "any", 0, 0, &third, &err), 0);
	cr_expect_eq(third.range.base, POOL_BASE);
	cr_assert_eq(cfd_state_key("web-1", "", key, &err), 0);
	cr_assert_eq(cfd_state_drop(state, key, &err), 0);
	cr_expect_eq(claim(state, "web-2", base + size, 0, &second, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "ranges"), 2);
}

Test(state, a_range_that_is_asked_for_is_taken_from_the_dead)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct fixture fixture;
	struct cfd_error err = {0};

	make_fixture(&fixture, 3);
	state = open_state(&fixture);
	claim_in_a_child_that_dies(&fixture, "dead"); /* with the first range */
	cr_expect_eq(claim(state, "web", POOL_BASE + 1, 0, &record, &err), 0, "%s", err.message);
	cr_expect_eq(entries(&fixture, "ranges"), 1);
}

Test(state, the_files_of_a_container_are_recorded_within_bounds)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0}, long_ones = {0};
	char key[CFD_STATE_KEY_MAX + 1], name[16], path[4096];
	struct cfd_record_volume volume = {.destination = name, .source = (char *)"/srv/\x01\"", .idmapped = true};
	struct fixture fixture;
	struct cfd_error err = {0};

	make_fixture(&fixture, 1);
	state = open_state(&fixture);
	fill_record(&record, "web", "");
	record.layers = strdup("overlay, 12 layers");
	for (int i = 0; i < CFD_VOLUMES_MAX + 2; i++) {
		snprintf(name, sizeof(name), "/m%d", i);
		volume.read_only = i % 2;
		cr_assert_eq(cfd_volumes_add(&record, &volume), 0);
	}
	cr_assert_eq(cfd_state_claim(state, &record, "cofferdam", key, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_state_read(state, key, &back, &err), 0, "%s", err.message);
	cr_expect_str_eq(back.layers, "overlay, 12 layers");
	cr_expect(back.volume_count == CFD_VOLUMES_MAX && back.volumes_more == 2);
	cr_expect_str_eq(back.volumes[63].destination, "/m63");
	cr_expect_str_eq(back.volumes[63].source, "/srv/\x01\"");
	cr_expect(back.volumes[63].idmapped && back.volumes[63].read_only && !back.volumes[62].read_only);

	memset(path, '\x01', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	volume.source = path;
	for (int i = 0; i < 8; i++)
		cr_assert_eq(cfd_volumes_add(&long_ones, &volume), 0);
	cr_expect(long_ones.volume_count == 3 && long_ones.volumes_more == 5);
}

Test(state, a_record_of_another_format_is_not_read_and_not_taken_from_the_living)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0}, back = {0};
	static const char *const texts[] = {"", "{", "{\"format\":2}", "{\"format\":1}", "[]"};
	CFD_AUTO_FD int dirfd = -1;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1];
	size_t swept = 99;

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	fill_record(&record, "web", "");
	cr_assert_eq(cfd_state_claim(state, &record, NULL, key, &err), 0);
	cr_assert_eq(cfd_state_open_container(state, key, &dirfd, &err), 0);
	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		cr_assert_eq(cfd_fd_write_file(dirfd, "record.json", texts[i], strlen(texts[i]), 0600, false, &err), 0);
		cr_expect_eq(cfd_state_read(state, key, &back, &err), -EINVAL, "%s", texts[i]);
		cr_expect_null(back.id);
	}
	cr_expect_eq(cfd_state_sweep(state, &swept, &err), 0);
	cr_expect_eq(swept, 0);
}

Test(state, bundles_of_ours_are_known_by_their_whole_path)
{
	static const char *const foreign[] = {"",
					      "/",
					      "/x/bundle",
					      "%s/containers//bundle",
					      "%s/containers/k",
					      "%s/containers/k/bundle/",
					      "%s/containers/k/bundle/x",
					      "%s/containers/k/x",
					      "%s/containers/../bundle",
					      "%s/stage/k/bundle"};
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	CFD_AUTO_FREE char *path = NULL;
	struct fixture fixture;
	struct cfd_error err = {0};
	char key[CFD_STATE_KEY_MAX + 1] = "untouched", wanted[CFD_STATE_KEY_MAX + 1];

	make_fixture(&fixture, 2);
	state = open_state(&fixture);
	cr_assert_eq(cfd_state_key("web", "/run/crun", wanted, &err), 0);
	cr_assert_eq(cfd_state_bundle_path(state, wanted, &path, &err), 0);
	cr_expect_eq(cfd_state_key_of_bundle(state, path, key, &err), 0);
	cr_expect_str_eq(key, wanted);
	strcpy(key, "untouched");
	for (size_t i = 0; i < CFD_COUNT(foreign); i++) {
		char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), foreign[i], fixture.top);
#pragma GCC diagnostic pop
		cr_expect_eq(cfd_state_key_of_bundle(state, text, key, &err), -ENOENT, "%s", text);
	}
	cr_expect_str_eq(key, "untouched");
}

Test(state, a_directory_that_others_can_write_is_refused)
{
	struct cfd_state *state = NULL;
	struct cfd_error err = {0};
	struct fixture fixture;

	make_fixture(&fixture, 1);
	cr_assert_eq(mkdir(fixture.top, 0700), 0);
	cr_assert_eq(chmod(fixture.top, 0777), 0);
	cr_expect_eq(cfd_state_open_at(fixture.top, fixture.subuid, fixture.subuid, &state, &err), -EPERM);
	cr_expect_null(state);
}
