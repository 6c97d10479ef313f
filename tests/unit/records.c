/* SPDX-License-Identifier: Apache-2.0 */
/* A state directory and records for tests. */
#include "tests/unit/records.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void make_fixture(struct fixture *fixture, unsigned ranges)
{
	FILE *file;

	tree_scratch(fixture->path);
	snprintf(fixture->top, sizeof(fixture->top), "%s/run", fixture->path);
	snprintf(fixture->subuid, sizeof(fixture->subuid), "%s/subuid", fixture->path);
	file = fopen(fixture->subuid, "w");
	cr_assert_not_null(file);
	fprintf(file, "cofferdam:%u:%u\n", POOL_BASE, ranges * CFD_USERNS_RANGE_SIZE);
	fclose(file);
}

struct cfd_state *open_state(const struct fixture *fixture)
{
	struct cfd_state *state = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_state_open_at(fixture->top, fixture->subuid, fixture->subuid, &state, &err), 0, "%s",
		     err.message);
	return state;
}

void fill_record(struct cfd_record *record, const char *id, const char *root)
{
	*record = (struct cfd_record){.id = strdup(id),
				      .root = strdup(root),
				      .bundle = strdup("/engine/bundle"),
				      .image = strdup("docker.io/library/nginx:1.27"),
				      .profile = strdup("nginx"),
				      .runtime = strdup("/usr/bin/crun"),
				      .created = 1700000000};
}

int entries(const struct fixture *fixture, const char *directory)
{
	char command[256];
	FILE *pipe;
	int count = -1;

	snprintf(command, sizeof(command), "ls -A %s/%s | wc -l", fixture->top, directory);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	cr_assert_eq(fscanf(pipe, "%d", &count), 1);
	pclose(pipe);
	return count;
}

void claim_in_a_child_that_dies(const struct fixture *fixture, const char *id)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct cfd_state *state = open_state(fixture);
		struct cfd_record record;
		struct cfd_error err = {0};
		char key[CFD_STATE_KEY_MAX + 1];

		fill_record(&record, id, "");
		if (cfd_state_claim(state, &record, "cofferdam", key, &err))
			_exit(1);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
