/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Races against cofferdam-runtime.
 *
 *   race COUNT BUNDLE NAME OTHER
 *       A process of uid RACE_UID (default 0) exchanges the two names all the time, while two others have
 *       cofferdam-runtime run the bundle, COUNT times in all. What comes out tells what became of each: `race: good`,
 *       `race: bad`, or a refusal. Writes how often each was. Ends with 0 if nothing bad was seen, and good and refused
 *       were at least 20 each: a race that only one side wins shows nothing.
 *
 *   race [--OPTION...] run --bundle DIR ID
 *       As the runtime behind it: looks at what config.json names, as a runtime would, and starts nothing. Good is: the
 *       hostname `good`; a file `good` in the root filesystem and in the source of the mount at /mnt; if a network
 *       namespace is joined, /run/netns/good; and nothing is left to be mounted in /mnt. A real runtime
 * has to say the same: the container writes `race: good` or `race: bad`.
 */
#include "lib/base.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/mountinfo.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHIM "/usr/local/bin/cofferdam-runtime"
#define LEAST 20
#define WORKERS 2
#define KINDS_SHOWN 8

static const char *text(const struct cfd_json *node, const char *key)
{
	const char *value = cfd_json_string(cfd_json_get(node, key));

	return value ? value : "";
}

static bool has_mark(const char *directory)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/good", directory) < (int)sizeof(path) && access(path, F_OK) == 0;
}

/* Each line is one write, so that it arrives whole. */
static void say(const char *what, const char *detail)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "race: %s %s\n", what, detail);

	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(1);
}

/* The directory that it is mounted on may be renamed by then, which takes it along: inside of the source it stays. */
static bool has_mount_inside(const char *source)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error ignored = {0};
	char beginning[4096];

	snprintf(beginning, sizeof(beginning), " %s/", source);
	return !cfd_mountinfo_read(&text, &ignored) && strstr(text.data, beginning);
}

/* One inside of it must be there already if there is a file `nested`. */
static void look_at_mount(const struct cfd_json *mount)
{
	const char *source = text(mount, "source");
	char path[4096];

	if (cfd_streq(text(mount, "destination"), "/mnt/sub"))
		say("bad", "left to the runtime");
	if (!cfd_streq(text(mount, "destination"), "/mnt"))
		return;
	if (!has_mark(source))
		say("bad", "source");
	snprintf(path, sizeof(path), "%s/nested", source);
	if (access(path, F_OK) == 0 && !has_mount_inside(source))
		say("bad", "nested mount");
}

static void look_at_network(const struct cfd_json *namespaces)
{
	struct stat found, good;

	for (size_t i = 0; i < cfd_json_count(namespaces); i++) {
		const char *path = text(cfd_json_at(namespaces, i), "path");

		if (*path && (stat(path, &found) || stat("/run/netns/good", &good) || found.st_ino != good.st_ino))
			say("bad", "network namespace");
	}
}

static int look(const char *bundle)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	CFD_AUTO_FD int dirfd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cfd_json_options options = {.name = "config.json"};
	const struct cfd_json *root, *mounts;
	struct cfd_error err = {0};

	if (cfd_fd_read_file(dirfd, "config.json", CFD_JSON_MAX_BYTES, &buf, &err) ||
	    cfd_json_parse(buf.data, buf.length, &options, &doc, &err))
		return fprintf(stderr, "race: %s\n", err.message), 1;
	root = cfd_json_root(doc);
	if (!cfd_streq(text(root, "hostname"), "good"))
		say("bad", "config.json");
	if (!has_mark(text(cfd_json_get(root, "root"), "path")))
		say("bad", "root filesystem");
	mounts = cfd_json_get(root, "mounts");
	for (size_t i = 0; i < cfd_json_count(mounts); i++)
		look_at_mount(cfd_json_at(mounts, i));
	look_at_network(cfd_json_get(cfd_json_get(root, "linux"), "namespaces"));
	say("good", "");
	return 0;
}

/* A pause, as short as there is, leaves the machine to those who are attacked: some fifty exchanges in each of their
 * tries. */
static _Noreturn void flip(const char *name, const char *other, pid_t parent)
{
	const struct timespec pause = {.tv_nsec = 1000};
	const char *uid = getenv("RACE_UID");

	if (uid && setuid((uid_t)atoi(uid)))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* here, as setuid() takes it back */
	while (getppid() == parent && !renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE))
		nanosleep(&pause, NULL);
	perror("race: cannot exchange");
	_exit(1);
}

static bool spawn(char *const *command, int output, pid_t *ret_child)
{
	posix_spawn_file_actions_t actions;
	bool done;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	done = posix_spawn(ret_child, command[0], &actions, NULL, command, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return done;
}

/* Runs the command and takes what it and its children write. */
static void run(char *const *command, char *output, size_t size)
{
	CFD_AUTO_FD int reader = -1;
	size_t length = 0;
	ssize_t got = 1;
	int ends[2];
	pid_t child;
	bool runs;

	output[0] = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return;
	reader = ends[0];
	runs = spawn(command, ends[1], &child);
	close(ends[1]);
	for (; length < size - 1 && got > 0; length += got > 0 ? (size_t)got : 0)
		got = read(reader, output + length, size - 1 - length);
	output[length] = '\0';
	if (runs)
		waitpid(child, NULL, 0);
}

struct tally {
	unsigned long good, bad, refused, neither;
	char shown[KINDS_SHOWN][64];
};

/* The first of each kind of refusal is shown: by its rule, or by how its text begins. */
static void show_kind(struct tally *tally, const char *output)
{
	const char *rule = strrchr(output, '['), *step = strstr(output, ": ");
	char kind[64];

	snprintf(kind, sizeof(kind), "%.60s", rule ? rule : step ? step : output);
	kind[strcspn(kind, "]\n")] = '\0';
	for (size_t i = 0; i < KINDS_SHOWN; i++) {
		if (cfd_streq(tally->shown[i], kind))
			return;
		if (tally->shown[i][0])
			continue;
		strcpy(tally->shown[i], kind);
		printf("refused: %s\n", output);
		return;
	}
}

static void count(struct tally *tally, const char *output)
{
	if (strstr(output, "race: bad")) {
		printf("%s\n", output);
		tally->bad++;
	} else if (strstr(output, "race: good")) {
		tally->good++;
	} else if (strstr(output, "cofferdam: refused ")) {
		show_kind(tally, output);
		tally->refused++;
	} else {
		printf("neither: %s\n", output);
		tally->neither++;
	}
}

static _Noreturn void try_often(char *bundle, int worker, unsigned long tries, struct tally *tally)
{
	char id[] = {'r', 'a', 'c', 'e', (char)('0' + worker), '\0'}, output[4096];
	char *const command[] = {(char *)SHIM, (char *)"run", (char *)"--bundle", bundle, id, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned long i = 0; i < tries; i++) {
		run(command, output, sizeof(output));
		count(tally, output);
	}
	fflush(stdout);
	_exit(0);
}

static int report(const struct tally *tallies)
{
	struct tally sum = {0};

	for (int i = 0; i < WORKERS; i++) {
		sum.good += tallies[i].good;
		sum.bad += tallies[i].bad;
		sum.refused += tallies[i].refused;
		sum.neither += tallies[i].neither;
	}
	printf("%lu good, %lu refused, %lu bad, %lu neither\n", sum.good, sum.refused, sum.bad, sum.neither);
	return sum.bad || sum.neither || sum.good < LEAST || sum.refused < LEAST;
}

static int race(char **argv)
{
	unsigned long tries = strtoul(argv[1], NULL, 10);
	struct tally *tallies =
		mmap(NULL, WORKERS * sizeof(*tallies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), attacker = fork(), workers[WORKERS];
	bool attacked;

	if (attacker == 0)
		flip(argv[3], argv[4], parent);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0)
			try_often(argv[2], i, tries / WORKERS, &tallies[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		waitpid(workers[i], NULL, 0);
	attacked = attacker > 0 && waitpid(attacker, NULL, WNOHANG) == 0;
	if (attacked) {
		kill(attacker, SIGKILL);
		waitpid(attacker, NULL, 0);
	}
	return report(tallies) || !attacked;
}

int main(int argc, char **argv)
{
	const char *bundle = NULL;
	bool runs = false;

	for (int i = 1; i < argc; i++) {
		runs |= cfd_streq(argv[i], "run");
		if (runs && cfd_streq(argv[i], "--bundle") && i + 1 < argc)
			bundle = argv[i + 1];
	}
	if (bundle)
		return look(bundle);
	if (argc == 5)
		return race(argv);
	fprintf(stderr, "usage: race COUNT BUNDLE NAME OTHER\n");
	return 1;
}
