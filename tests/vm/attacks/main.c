/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a group of attacks, or lists what the guard must say of them; and what all attacks share. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/net.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct attack_group *const groups[] = {
	&exec_attacks, &net_attacks,    &hostnet_attacks, &exec_new_attacks,
	&wx_attacks,   &tamper_attacks, &leave_attacks,   &trace_attacks,
};

/* Mapped where the children see it too. */
static char (*said)[256];

void attack_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(*said, sizeof(*said), format, arguments);
	va_end(arguments);
}

int attack_broken(const char *what)
{
	attack_say("%s: %s", what, strerrorname_np(errno));
	return ATTACK_BROKEN;
}

int attack_stopped(const char *what)
{
	attack_say("%s: %s", what, strerrorname_np(errno));
	return ATTACK_STOPPED;
}

void attack_execute(const char *path, const char *const *argv, const char *const *envp)
{
	execve(path, (char *const *)argv, (char *const *)envp);
	attack_stopped(path);
	_exit(126);
}

/* --- what an attack is seen by */

static bool reads(int from, const char *effect)
{
	char text[4096];
	size_t length = 0;
	ssize_t n;

	while (length < sizeof(text) - 1 && (n = read(from, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	return strstr(text, effect);
}

int attack_effect(const char *effect, void (*act)(void *data), void *data)
{
	int output[2], status = 0;
	bool seen;
	pid_t child;

	if (pipe2(output, O_CLOEXEC))
		return attack_broken("pipe");
	child = fork();
	if (child < 0)
		return attack_broken("fork");
	if (!child) {
		dup2(output[1], STDOUT_FILENO);
		act(data);
		_exit(125);
	}
	close(output[1]);
	seen = reads(output[0], effect);
	close(output[0]);
	waitpid(child, &status, 0);
	if (seen)
		return ATTACK_SUCCEEDED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 125)
		return ATTACK_BROKEN;
	if (!(*said)[0])
		attack_say("status %#x", status);
	return ATTACK_STOPPED;
}

struct program {
	const char *path;
	const char *const *argv;
};

static void execute(void *data)
{
	const struct program *program = data;
	const char *environment[] = {"PATH=/bin:/usr/bin", NULL};

	attack_execute(program->path, program->argv, environment);
}

int attack_shell(const char *path, const char *const *argv)
{
	struct program program = {path, argv};

	return attack_effect(ATTACK_EFFECT, execute, &program);
}

int attack_program(const char *path)
{
	const char *argv[] = {"attack", "effect", NULL};

	return attack_shell(path, argv);
}

/* --- files */

int attack_copy_into(const char *from, int to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t n = -1;

	while (in >= 0 && (n = read(in, chunk, sizeof(chunk))) > 0)
		if (write(to, chunk, (size_t)n) != n) {
			n = -1;
			break;
		}
	if (in >= 0)
		close(in);
	return (int)n;
}

int attack_copy(const char *from, const char *to)
{
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (out < 0 || attack_copy_into(from, out))
		return -1;
	return close(out);
}

int attack_write(const char *path, const char *text, mode_t mode)
{
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	size_t length = strlen(text);

	if (out < 0 || write(out, text, length) != (ssize_t)length)
		return -1;
	return close(out);
}

/* --- groups */

static _Noreturn void run_child(const struct attack *attack)
{
	setpgid(0, 0);
	prctl(PR_SET_NAME, attack->name);
	alarm(ATTACK_SECONDS);
	_exit(attack->run());
}

static void run_attack(const struct attack *attack)
{
	static const char *const words[] = {"succeeded", "stopped"};
	const char *word = "broken";
	int status = 0;
	pid_t child;

	(*said)[0] = '\0';
	child = fork();
	if (!child)
		run_child(attack);
	waitpid(child, &status, 0);
	kill(-child, SIGKILL); /* what it left behind */
	if (WIFEXITED(status) && (size_t)WEXITSTATUS(status) < COUNT(words))
		word = words[WEXITSTATUS(status)];
	else if (!WIFEXITED(status))
		attack_say("status %#x", status);
	printf("%s %s %s\n", attack->name, word, *said);
	fflush(stdout);
}

static int run_group(const struct attack_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		run_attack(&group->attacks[i]);
	return 0;
}

/* NAME KIND REASON DANGER, as the runner reads it. */
static int list_group(const struct attack_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		printf("%s %s %s %s\n", group->attacks[i].name, group->attacks[i].kind, group->attacks[i].reason,
		       group->attacks[i].danger);
	return 0;
}

/* As tini and catatonit do: starts the program, waits for it, has its status. */
static int be_init(char **argv)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		execvp(argv[0], argv);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	bool list = argc == 3 && !strcmp(argv[1], "list");

	if (argc >= 3 && !strcmp(argv[1], "--"))
		return be_init(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "pause"))
		return pause();
	if (argc == 2 && !strcmp(argv[1], "effect"))
		return puts(ATTACK_EFFECT) < 0;
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return net_serve();
	if (argc == 2 && !strcmp(argv[1], "traces-itself"))
		return attack_trace_itself();
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; said != MAP_FAILED && (argc == 2 || list) && i < COUNT(groups); i++)
		if (!strcmp(argv[argc - 1], groups[i]->name))
			return list ? list_group(groups[i]) : run_group(groups[i]);
	fprintf(stderr, "usage: attack [list] GROUP | effect | pause | -- PROGRAM...\n");
	return 2;
}
