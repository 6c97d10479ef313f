/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program inside of the demonstration's image: a server that is no shell, and the few questions that the
 * demonstration asks from inside of a container. Static, so that the image needs nothing else.
 *
 *   app wait                    sleep until a signal ends it (the container's main program)
 *   app serve ADDRESS PORT      answer every TCP connection with one line
 *   app connect ADDRESS PORT    connect, print that line; exit 0 when it came
 *   app socket PATH             leave a unix socket at PATH
 *   app copy FROM TO            copy a program, as an intruder would
 *   app self                    the uid map, seccomp mode and capabilities of this process, from /proc
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char greeting[] = "hello from the server\n";

static int wait_for_signal(char **arguments)
{
	sigset_t set;
	int number;

	(void)arguments;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigwait(&set, &number);
	return 0;
}

static int open_socket(char **arguments, struct sockaddr_in *address)
{
	const struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
	if (fd < 0 || inet_pton(AF_INET, arguments[0], &address->sin_addr) != 1) {
		fprintf(stderr, "app: no socket for %s: %s\n", arguments[0], strerror(errno));
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

static int serve(char **arguments)
{
	const struct timeval forever = {0};
	struct sockaddr_in address;
	int fd = open_socket(arguments, &address);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8)) {
		perror("app: serve");
		return 1;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			return 1;
		if (write(client, greeting, sizeof(greeting) - 1) < 0)
			perror("app: write");
		close(client);
	}
}

static int connect_to(char **arguments)
{
	struct sockaddr_in address;
	int fd = open_socket(arguments, &address);
	char line[64] = "";

	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		printf("connect %s:%s: %s\n", arguments[0], arguments[1], strerror(errno));
		return 1;
	}
	if (read(fd, line, sizeof(line) - 1) != sizeof(greeting) - 1 || strcmp(line, greeting) != 0)
		return 1;
	printf("connect %s:%s: %s", arguments[0], arguments[1], line);
	return 0;
}

static int leave_socket(char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, arguments[0], sizeof(address.sun_path) - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("app: socket");
		return 1;
	}
	return 0;
}

static int copy_program(char **arguments)
{
	int from = open(arguments[0], O_RDONLY | O_CLOEXEC);
	int to = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char chunk[65536];
	ssize_t n = -1;

	while (from >= 0 && to >= 0 && (n = read(from, chunk, sizeof(chunk))) > 0)
		if (write(to, chunk, (size_t)n) != n)
			n = -1;
	if (n < 0 || close(to)) {
		fprintf(stderr, "app: copy %s %s: %s\n", arguments[0], arguments[1], strerror(errno));
		return 1;
	}
	close(from);
	return 0;
}

static void print_lines(const char *path, const char *const *prefixes)
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file))
		for (const char *const *p = prefixes; *p; p++)
			if (strncmp(line, *p, strlen(*p)) == 0)
				printf("%s: %s", path, line);
	fclose(file);
}

static int print_self(char **arguments)
{
	static const char *const all[] = {"", NULL};
	static const char *const status[] = {"Uid:", "CapBnd:", "CapEff:", "NoNewPrivs:", "Seccomp:", NULL};

	(void)arguments;
	print_lines("/proc/self/uid_map", all);
	print_lines("/proc/self/status", status);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} commands[] = {
		{"wait", 0, wait_for_signal}, {"serve", 2, serve},       {"connect", 2, connect_to},
		{"socket", 1, leave_socket},  {"copy", 2, copy_program}, {"self", 0, print_self},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 == commands[i].arguments)
			return commands[i].run(argv + 2);
	fprintf(stderr,
		"usage: app wait | serve ADDRESS PORT | connect ADDRESS PORT | socket PATH | copy FROM TO | self\n");
	return 2;
}
