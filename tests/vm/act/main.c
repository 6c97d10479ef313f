/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions. */
#include "tests/vm/act/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int act_tell(int failed)
{
	puts(failed ? strerrorname_np(errno) : "ok");
	fflush(stdout);
	return 0;
}

static int act_pause(char **argv)
{
	(void)argv;
	pause();
	return 0;
}

static const struct action {
	const char *name;
	int arguments;
	act_action *run;
} actions[] = {
	{"exec", 1, act_exec},
	{"copy", 2, act_copy},
	{"memfd", 1, act_memfd},
	{"tmpfile", 2, act_tmpfile},
	{"deleted", 1, act_deleted},
	{"mmap", 1, act_mmap},
	{"mmap-read", 1, act_mmap_read},
	{"mmap-anonymous", 0, act_mmap_anonymous},
	{"link", 2, act_link},
	{"rename", 2, act_rename},
	{"symlink", 2, act_symlink},
	{"write", 2, act_write},
	{"pause", 0, act_pause},
	{"tcp", 2, act_tcp},
	{"udp", 2, act_udp},
	{"sendto", 2, act_sendto},
	{"flood", 3, act_flood},
	{"sendmsg", 2, act_sendmsg},
	{"sendmmsg", 2, act_sendmmsg},
	{"unspec", 2, act_unspec},
	{"fastopen", 2, act_fastopen},
	{"udp-serve", 2, act_udp_serve},
	{"udp-serve6", 2, act_udp_serve6},
	{"udp-ask", 4, act_udp_ask},
	{"udp-again", 3, act_udp_again},
	{"udp-pretend", 3, act_udp_pretend},
	{"udp-control", 2, act_udp_control},
	{"bind", 3, act_bind},
	{"listen", 2, act_listen},
	{"socket", 3, act_socket},
	{"first", 2, act_first},
};

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "ran")) {
		puts("ran");
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(argv[1], actions[i].name) && argc - 2 >= actions[i].arguments)
			return actions[i].run(argv + 2);
	fprintf(stderr, "guard-act: no such action, or too few arguments\n");
	return 2;
}
