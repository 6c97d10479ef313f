/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime to stand behind cofferdam-runtime, which notes all that it is given and is quick: its containers are
 * processes that wait. Everything lies in /run/behind:
 *
 *   given/ID     config.json, and what of the process, its mounts, its descriptors and the network namespace that it is
 *                to join would make two containers different; for `exec`, the words and the file of --process
 *   state/ID/    while the container exists: pid, config.json; as with a real runtime a kill leaves it behind
 *   prefix       words to put in front of a hook's, one on each line; it need not be there
 *
 * create, run --detach, start, state, kill, delete, exec. The first process ends with the runtime until hooks are done.
 */
#include "lib/base.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/mountinfo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE "/run/behind"
#define STAGE "/run/cofferdam/stage"
#define WORDS_MAX 16

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "behind: %s: %s\n", what, why);
	exit(1);
}

static void check(int r, const char *what)
{
	if (r)
		fail(what, strerror(errno));
}

static void read_file(const char *path, struct cfd_buf *buf)
{
	struct cfd_error err = {0};

	if (cfd_fd_read_kernel(AT_FDCWD, path, CFD_JSON_MAX_BYTES, buf, &err))
		fail("read", err.message);
}

static void write_file(const char *directory, const char *name, const struct cfd_buf *text)
{
	CFD_AUTO_FD int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_error err = {0};

	if (cfd_fd_write_file(dirfd, name, text->data, text->length, 0600, false, &err))
		fail(directory, err.message);
}

static struct cfd_json_doc *parse(const struct cfd_buf *text)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	if (cfd_json_parse(text->data, text->length, &options, &doc, &err))
		fail("config.json", err.message);
	return doc;
}

static const char *string(const struct cfd_json *node, const char *key)
{
	const char *value = cfd_json_string(cfd_json_get(node, key));

	return value ? value : "";
}

/* Numbers in brackets are those of pipes and sockets, and behind a colon of peer groups: no two are alike. */
static void add_without_numbers(struct cfd_buf *text, const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		cfd_buf_add(text, line + i, 1);
		if (line[i] == '[' || line[i] == ':')
			i += strspn(line + i + 1, "0123456789");
	}
}

/* Of a file of lines, those that hold `part`, from their word number `first` on. */
static void note_lines(struct cfd_buf *text, const char *path, const char *part, unsigned first)
{
	CFD_AUTO_BUF struct cfd_buf file = {0};
	char *save = NULL;

	read_file(path, &file);
	for (char *line = strtok_r(file.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strstr(line, part))
			continue;
		for (unsigned word = 0; word < first && strchr(line, ' '); word++)
			line = strchr(line, ' ') + 1;
		add_without_numbers(text, line, strlen(line));
		cfd_buf_add_string(text, "\n");
	}
}

static void note_process(struct cfd_buf *text)
{
	static const char *const parts[] = {
		"Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp:", "SigBlk:", "SigIgn:", "Umask:"};

	for (size_t i = 0; i < CFD_COUNT(parts); i++)
		note_lines(text, "/proc/self/status", parts[i], 0);
	cfd_buf_addf(text, "securebits %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void note_descriptors(struct cfd_buf *text)
{
	for (int fd = 0; fd < 64; fd++) {
		char path[64], link[512] = "";
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, link, sizeof(link) - 1);
		if (length <= 0)
			continue;
		cfd_buf_addf(text, "descriptor %d ", fd);
		add_without_numbers(text, link, (size_t)length);
		cfd_buf_add_string(text, "\n");
	}
}

static void note_file(struct cfd_buf *text, const char *path)
{
	struct stat st;

	if (!cfd_starts_with(path, STAGE))
		return;
	if (stat(path, &st))
		fail(path, strerror(errno));
	cfd_buf_addf(text, "%s %o %u:%u %lx\n", path, st.st_mode, st.st_uid, st.st_gid, (unsigned long)st.st_rdev);
}

static void note_network(struct cfd_buf *text)
{
	static const char *const files[] = {"/proc/sys/net/ipv4/ip_unprivileged_port_start",
					    "/proc/sys/net/ipv4/ping_group_range", "/proc/sys/net/core/somaxconn"};

	for (size_t i = 0; i < CFD_COUNT(files); i++)
		note_lines(text, files[i], "", 0);
}

/* Namespaces are told by their inode: the test keeps those that are joined. */
static void note_namespaces(struct cfd_buf *text, const struct cfd_json *namespaces)
{
	note_network(text);
	for (size_t i = 0; i < cfd_json_count(namespaces); i++) {
		const struct cfd_json *entry = cfd_json_at(namespaces, i);
		CFD_AUTO_FD int fd = *string(entry, "path") ? open(string(entry, "path"), O_RDONLY | O_CLOEXEC) : -1;
		struct stat st;

		if (!*string(entry, "path"))
			continue;
		if (fd < 0 || fstat(fd, &st))
			fail(string(entry, "path"), strerror(errno));
		cfd_buf_addf(text, "%s %lu\n", string(entry, "type"), (unsigned long)st.st_ino);
		if (cfd_streq(string(entry, "type"), "network")) {
			check(setns(fd, CLONE_NEWNET), "setns");
			note_network(text);
		}
	}
}

static void note(const char *id, const struct cfd_buf *config, const struct cfd_json *root)
{
	const struct cfd_json *mounts = cfd_json_get(root, "mounts");
	CFD_AUTO_BUF struct cfd_buf text = {0};

	cfd_buf_add(&text, config->data, config->length);
	cfd_buf_add_string(&text, "\n");
	note_process(&text);
	note_lines(&text, "/proc/self/mountinfo", STAGE, 3);
	note_descriptors(&text);
	note_file(&text, string(cfd_json_get(root, "root"), "path"));
	for (size_t i = 0; i < cfd_json_count(mounts); i++)
		note_file(&text, string(cfd_json_at(mounts, i), "source"));
	note_namespaces(&text, cfd_json_get(cfd_json_get(root, "linux"), "namespaces"));
	write_file(PLACE "/given", id, &text);
}

static void write_number(const char *directory, const char *name, int number)
{
	char text[16];
	const struct cfd_buf buf = {.data = text, .length = (size_t)snprintf(text, sizeof(text), "%d", number)};

	write_file(directory, name, &buf);
}

/* Reports, waits until the hooks are done, and then for a signal. */
static _Noreturn void be_init(pid_t parent, int go, int ready)
{
	char byte = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || read(go, &byte, 1) != 1)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	if (write(ready, &byte, 1) == 1)
		for (int fd = 0; fd < 64; fd++)
			close(fd);
	for (;;)
		pause();
}

struct init {
	pid_t pid;
	int go, ready;
};

static struct init start_init(void)
{
	int go[2], ready[2];
	struct init init = {0};
	pid_t self = getpid();

	check(pipe2(go, O_CLOEXEC), "pipe");
	check(pipe2(ready, O_CLOEXEC), "pipe");
	init.pid = fork();
	if (init.pid == 0) {
		close(go[1]);
		be_init(self, go[0], ready[1]);
	}
	check(init.pid < 0, "fork");
	close(ready[1]);
	init.go = go[1];
	init.ready = ready[0];
	return init;
}

static bool let_go(const struct init *init)
{
	char byte = 'g';

	return write(init->go, &byte, 1) == 1 && read(init->ready, &byte, 1) == 1;
}

static void add_words(char **words, size_t *count, char *lines)
{
	char *save = NULL;

	for (char *line = strtok_r(lines, "\n", &save); line && *count < WORDS_MAX - 1;
	     line = strtok_r(NULL, "\n", &save))
		words[(*count)++] = line;
}

static _Noreturn void become_hook(const struct cfd_json *hook, const char *bundle)
{
	const struct cfd_json *args = cfd_json_get(hook, "args");
	struct cfd_buf prefix = {0};
	char *words[WORDS_MAX] = {NULL};
	size_t count = 0;

	if (access(PLACE "/prefix", F_OK) == 0) {
		read_file(PLACE "/prefix", &prefix);
		add_words(words, &count, prefix.data);
	}
	words[count++] = (char *)string(hook, "path");
	for (size_t i = 1; i < cfd_json_count(args) && count < WORDS_MAX - 1; i++)
		words[count++] = (char *)cfd_json_string(cfd_json_at(args, i));
	check(chdir(bundle), bundle);
	execv(words[0], words);
	fail(words[0], strerror(errno));
}

/* The status of the first hook that fails. */
static int run_hooks(const struct cfd_json *root, const char *moment, const char *bundle, const char *state)
{
	const struct cfd_json *hooks = cfd_json_get(cfd_json_get(root, "hooks"), moment);
	int status = 0;

	for (size_t i = 0; i < cfd_json_count(hooks) && !status; i++) {
		FILE *file = tmpfile();
		pid_t pid;

		check(!file || fputs(state, file) < 0 || fflush(file) || fseek(file, 0, SEEK_SET), "state");
		pid = fork();
		if (pid == 0) {
			dup2(fileno(file), STDIN_FILENO);
			become_hook(cfd_json_at(hooks, i), bundle);
		}
		fclose(file);
		check(waitpid(pid, &status, 0) != pid, "waitpid");
	}
	if (status)
		fprintf(stderr, "behind: a hook for %s failed with status %x\n", moment, (unsigned)status);
	return status;
}

struct container {
	const char *id;
	char directory[512];
	struct cfd_buf config, bundle, pid;
	struct cfd_json_doc *doc;
	char state[2048];
};

static void describe(struct container *container, const char *status)
{
	snprintf(container->state, sizeof(container->state),
		 "{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"%s\",\"pid\":%s,\"bundle\":\"%s\"}",
		 container->id, status, container->pid.data ? container->pid.data : "0",
		 container->bundle.data ? container->bundle.data : "/");
}

static void forget(const struct container *container)
{
	static const char *const files[] = {"pid", "config.json", "bundle"};
	char path[600];

	for (size_t i = 0; i < CFD_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", container->directory, files[i]);
		unlink(path);
	}
	DIR *directory = opendir(container->directory);

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (entry->d_name[0] == '.') /* of a write that was killed */
			unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(container->directory);
}

static int create(struct container *container, const char *bundle)
{
	char path[600];
	struct init init;

	if (mkdir(container->directory, 0700))
		fail(container->id, "there is a container of that name");
	snprintf(path, sizeof(path), "%s/config.json", bundle);
	read_file(path, &container->config);
	container->doc = parse(&container->config);
	cfd_buf_addf(&container->bundle, "%s", bundle);
	write_file(container->directory, "config.json", &container->config);
	write_file(container->directory, "bundle", &container->bundle);
	init = start_init();
	write_number(container->directory, "pid", init.pid);
	cfd_buf_addf(&container->pid, "%d", init.pid);
	describe(container, "creating");
	if (fork() == 0) { /* as it enters namespaces */
		note(container->id, &container->config, cfd_json_root(container->doc));
		_exit(0);
	}
	if (wait(NULL) > 0 && !run_hooks(cfd_json_root(container->doc), "createRuntime", bundle, container->state) &&
	    let_go(&init))
		return 0;
	kill(init.pid, SIGKILL);
	waitpid(init.pid, NULL, 0);
	forget(container);
	return 1;
}

/* What of it is there: a kill may have come at any time. */
static bool load(struct container *container)
{
	char path[600];

	if (access(container->directory, F_OK))
		return false;
	snprintf(path, sizeof(path), "%s/config.json", container->directory);
	if (access(path, F_OK))
		return true;
	read_file(path, &container->config);
	container->doc = parse(&container->config);
	snprintf(path, sizeof(path), "%s/bundle", container->directory);
	if (access(path, F_OK) == 0)
		read_file(path, &container->bundle);
	snprintf(path, sizeof(path), "%s/pid", container->directory);
	if (access(path, F_OK) == 0)
		read_file(path, &container->pid);
	describe(container, "stopped");
	return true;
}

static void end_init(const struct container *container)
{
	int pid = container->pid.data ? atoi(container->pid.data) : 0;
	CFD_AUTO_FD int pidfd = pid ? pidfd_open(pid, 0) : -1;
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return;
	kill(pid, SIGKILL);
	poll(&end, 1, -1);
}

static int delete (struct container *container, bool force)
{
	if (!load(container))
		return force ? 0 : (fail(container->id, "there is no such container"), 1);
	end_init(container);
	if (container->doc)
		run_hooks(cfd_json_root(container->doc), "poststop", "/", container->state);
	forget(container);
	return 0;
}

/* --process says where the rest is. */
static int note_exec(const char *id, char **argv)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	for (char **word = argv + 1; *word; word++) {
		bool file = cfd_streq(word[0], "--process") && word[1];

		cfd_buf_addf(&text, "%s\n", *word);
		if (!file)
			continue;
		read_file(*++word, &text);
	}
	note_process(&text);
	write_file(PLACE "/given", id, &text);
	return 0;
}

struct words {
	const char *command, *bundle, *id;
	bool force;
};

/* Of every other option this knows that it takes no value, or is --process. */
static struct words read_words(char **argv)
{
	struct words words = {.bundle = "."};

	for (char **word = argv + 1; *word; word++) {
		bool takes_value = cfd_streq(*word, "--bundle") || cfd_streq(*word, "--process");

		if (takes_value && word[1]) {
			words.bundle = *++word;
			continue;
		}
		words.force |= cfd_streq(*word, "--force");
		if (**word == '-' || words.id)
			continue;
		*(words.command ? &words.id : &words.command) = *word;
	}
	return words;
}

int main(int argc, char **argv)
{
	struct words words = read_words(argv);
	struct container container = {.id = words.id};
	const char *command = words.command ? words.command : "";

	(void)argc;
	if (!words.id)
		return puts("behind"), 0; /* --version, features */
	snprintf(container.directory, sizeof(container.directory), PLACE "/state/%s", words.id);
	if (cfd_streq(command, "create") || cfd_streq(command, "run"))
		return create(&container, words.bundle);
	if (cfd_streq(command, "delete"))
		return delete (&container, words.force);
	if (cfd_streq(command, "exec"))
		return note_exec(words.id, argv);
	if (!load(&container))
		fail(words.id, "there is no such container");
	return cfd_streq(command, "state") && puts(container.state) < 0;
}
