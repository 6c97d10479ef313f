/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests do inside of a container, in a program that is no shell:
 *   inside show FILE...        prints the files
 *   inside run PATH ARGUMENT...  executes it; prints the errno's name if that fails, status 1
 *   inside copy FROM TO        copies a file, mode 0755
 *   inside write FILE TEXT
 *   inside sleep SECONDS
 *   inside term                waits for SIGTERM, then ends with status 7
 *   inside attribute FILE NAME [HEX]  prints an extended attribute, or sets it
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int complain(const char *path)
{
	printf("%s: %s\n", path, strerrorname_np(errno));
	return 1;
}

static int transfer(const char *from, int out)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t length;

	if (in < 0)
		return complain(from);
	while ((length = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, (size_t)length) != length)
			return complain(from);
	close(in);
	return length < 0 ? complain(from) : 0;
}

static int show(int argc, char **argv)
{
	int status = 0;

	for (int i = 0; i < argc; i++)
		status |= transfer(argv[i], STDOUT_FILENO);
	return status;
}

static int run(int argc, char **argv)
{
	(void)argc;
	execv(argv[0], argv);
	return complain(argv[0]);
}

static int copy(int argc, char **argv)
{
	int out = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755) : -1;

	if (out < 0)
		return complain(argv[argc - 1]);
	return transfer(argv[0], out) | (fchmod(out, 0755) ? complain(argv[1]) : 0) |
	       (close(out) ? complain(argv[1]) : 0);
}

static int write_text(int argc, char **argv)
{
	int out = argc == 2 ? open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;

	if (out < 0 || write(out, argv[1], strlen(argv[1])) < 0)
		return complain(argv[0]);
	return 0;
}

static int pass_time(int argc, char **argv)
{
	return argc == 1 ? (int)sleep((unsigned)atoi(argv[0])) : 2;
}

static int wait_for_term(int argc, char **argv)
{
	sigset_t set;
	int number = 0;

	(void)argc;
	(void)argv;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	return sigwait(&set, &number) == 0 && number == SIGTERM ? 7 : 1;
}

static int set_attribute(const char *path, const char *name, const char *hex)
{
	char value[256];
	size_t length = 0;
	unsigned byte;

	for (; length < sizeof(value) && sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2)
		value[length++] = (char)byte;
	return setxattr(path, name, value, length, 0) ? complain(path) : 0;
}

static int attribute(int argc, char **argv)
{
	unsigned char value[256];
	ssize_t length;

	if (argc == 3)
		return set_attribute(argv[0], argv[1], argv[2]);
	length = getxattr(argv[0], argv[1], value, sizeof(value));
	if (length < 0)
		return complain(argv[0]);
	for (ssize_t i = 0; i < length; i++)
		printf("%02x", value[i]);
	printf(" %s %s\n", argv[1], argv[0]);
	return 0;
}

// clang-format off
static const struct {
	const char *name;
	int least; /* arguments */
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "show",  1, show },
	{ "run",   1, run },
	{ "copy",  2, copy },
	{ "write", 2, write_text },
	{ "sleep", 1, pass_time },
	{ "term",  0, wait_for_term },
	{ "attribute", 2, attribute },
};
// clang-format on

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].least)
			return commands[i].run(argc - 2, argv + 2);
	fputs("usage: inside show|run|copy|write|sleep|term|attribute ...\n", stderr);
	return 2;
}
