/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp: the bytes as an engine's linux.seccomp and as a profile. What is read is merged with Docker's default, and
 * what is written of it is read again as the same filter. (That a merged filter is no looser is proved on the compiled
 * programs whenever one is built: lib/seccomp/subset.)
 */
#include "tests/fuzz/fuzz.h"

#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/seccomp/filter.h"

#include <fcntl.h>
#include <string.h>

static struct cfd_json_doc *standard_doc;
static struct cfd_seccomp_filter standard;
static const struct cfd_seccomp_host host = {
	.architecture = "SCMP_ARCH_X86_64", .go_name = "amd64", .kernel_major = 6, .kernel_minor = 1, .bounding = 0};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct cfd_json_options options = {.name = "default", .allow_comments = true};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};

	(void)argc, (void)argv;
	FUZZ_CHECK(cfd_fd_read_file(AT_FDCWD, "profiles/seccomp/docker-default.json", 1 << 20, &text, &err) == 0);
	FUZZ_CHECK(cfd_json_parse(text.data, text.length, &options, &standard_doc, &err) == 0);
	FUZZ_CHECK(cfd_seccomp_profile_read(standard_doc, "default", &host, &standard, &err) == 0);
	return 0;
}

/* Written, read and written again it is the same text. */
static void check_written(const struct cfd_seccomp_filter *filter)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL, *again = NULL;
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter read = {0};
	CFD_AUTO_BUF struct cfd_buf once = {0}, twice = {0};
	struct cfd_error err = {0};

	FUZZ_CHECK(cfd_seccomp_filter_write(filter, &doc, &err) == 0);
	FUZZ_CHECK(cfd_seccomp_filter_read(cfd_json_root(doc), false, true, &read, &err) == 0);
	FUZZ_CHECK(cfd_seccomp_filter_write(&read, &again, &err) == 0);
	fuzz_write(cfd_json_root(doc), &once);
	fuzz_write(cfd_json_root(again), &twice);
	FUZZ_CHECK(cfd_streq(once.data, twice.data));
}

static void check_filter(const struct cfd_seccomp_filter *filter)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter merged = {0};
	struct cfd_error err = {0};

	FUZZ_CHECK(filter->rule_count <= CFD_SECCOMP_MAX_RULES);
	check_written(filter);
	cfd_seccomp_check_needs(filter, &err);
	if (cfd_seccomp_merge(filter, &standard, &merged, &err) == 0)
		check_written(&merged);
	else
		FUZZ_CHECK(*err.message);
}

static void read_as_engines(struct cfd_json_doc *doc, bool strict, bool foreign)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	struct cfd_error err = {0};

	if (cfd_seccomp_filter_read(cfd_json_root(doc), strict, foreign, &filter, &err) == 0)
		check_filter(&filter);
	else
		FUZZ_CHECK(*err.message);
}

static void read_as_profile(struct cfd_json_doc *doc)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	struct cfd_error err = {0};

	if (cfd_seccomp_profile_read(doc, "fuzz", &host, &filter, &err) == 0)
		check_filter(&filter);
	else
		FUZZ_CHECK(*err.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cfd_json_options options = {.name = "fuzz", .allow_comments = true};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	if (cfd_json_parse((const char *)data, size, &options, &doc, &err))
		return 0;
	read_as_engines(doc, false, false);
	read_as_engines(doc, true, true);
	read_as_profile(doc);
	return 0;
}
