/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an intruder would try, one action a call: prints `ok` or the errno's name, for the tests of the guard
 * (tests/vm/guest-guard.sh). It runs inside of a governed cgroup and knows nothing of the guard.
 *
 *   guard-act ACTION [ARGUMENT...]
 *
 * `guard-act ran` only says that it ran. The table of actions is in main.c.
 */
#ifndef CFD_ACT_H
#define CFD_ACT_H

#include <sys/socket.h>

/* Prints `ok`, or the name of errno if it failed; returns 0. */
int act_tell(int failed);

/* Copies what is left to read of `from`. 0, or -1 with errno. Both descriptors stay the caller's. */
int act_copy_into(int from, int to);

struct act_address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* An IPv4 or IPv6 address in numbers and a decimal port; ends the program with status 2 when it is none. */
struct act_address act_parse(const char *text, const char *port);

/* A socket of the address's family, which the caller owns; `type` as for socket(2). Ends the program with status 2 when
 * there is none. */
int act_socket_for(const struct act_address *address, int type);

/* An action is given as many arguments as the table says, or more. What it returns is the program's status. */
typedef int act_action(char **argv);

/*
 * exec.c: exec, memfd, deleted FILE [ARGUMENT...]; tmpfile FILE DIRECTORY [ARGUMENT...]; mmap, mmap-read FILE;
 * mmap-anonymous; first ADDRESS PORT
 */
act_action act_exec, act_memfd, act_tmpfile, act_deleted, act_mmap, act_mmap_read, act_mmap_anonymous, act_first;

/* files.c: copy, link, rename FROM TO; symlink TARGET NAME; write FILE TEXT */
act_action act_copy, act_link, act_rename, act_symlink, act_write;

/*
 * net.c: tcp, udp, sendto, sendmsg, sendmmsg, unspec, fastopen, listen ADDRESS PORT; flood ADDRESS PORT TIMES;
 * bind tcp|udp ADDRESS PORT; socket FAMILY TYPE PROTOCOL, in numbers
 */
act_action act_tcp, act_udp, act_sendto, act_flood, act_sendmsg, act_sendmmsg, act_unspec, act_fastopen, act_bind,
	act_listen, act_socket;

/*
 * udp.c: udp-serve, udp-serve6 PORT STRANGER; udp-ask FROM PORT TO PORT; udp-again PORT TO PORT; udp-control TO PORT;
 * udp-pretend PORT WHO MINE
 */
act_action act_udp_serve, act_udp_serve6, act_udp_ask, act_udp_again, act_udp_control, act_udp_pretend;

#endif
