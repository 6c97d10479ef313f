/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs do that depends on who they are: sockets that want capabilities, becoming another user for good,
 * set-user-ID, files with owners of their own. A line for each thing, "WHAT ok" or "WHAT ERRNO"; the status is 0, since
 * the caller knows which are to fail.
 *
 *   tenant sockets            echo, raw and packet sockets, SO_MARK, a port below 1024
 *   tenant become UID         from root, as daemons do: groups, gid, uid; and that there is no way back
 *   tenant who                real, effective and saved ids, as a set-user-ID program has them
 *   tenant data DIR           a data directory as PostgreSQL insists on it: mine, 0700, a socket in it, fsync, rename
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int tell(const char *what, int result)
{
	printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
	return result;
}

static int sockets(char **argv)
{
	struct sockaddr_in low = {.sin_family = AF_INET, .sin_port = htons(80)};
	int mark = 1, stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)argv;
	tell("echo", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
	tell("echo6", socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	tell("raw", socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
	tell("packet", socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
	tell("mark", setsockopt(stream, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	tell("port", bind(stream, (struct sockaddr *)&low, sizeof(low)));
	return 0;
}

static int become(char **argv)
{
	uid_t uid = (uid_t)strtoul(argv[0], NULL, 10);

	tell("groups", setgroups(1, &uid));
	tell("gid", setresgid(uid, uid, uid));
	tell("uid", setresuid(uid, uid, uid));
	tell("back", setuid(0));
	printf("now %u:%u\n", geteuid(), getegid());
	return 0;
}

static int who(char **argv)
{
	uid_t real, effective, saved;
	gid_t group, effective_group, saved_group;

	(void)argv;
	getresuid(&real, &effective, &saved);
	getresgid(&group, &effective_group, &saved_group);
	printf("uids %u %u %u\ngids %u %u %u\n", real, effective, saved, group, effective_group, saved_group);
	return 0;
}

/* src/backend/utils/init/miscinit.c, checkDataDir: not root, the owner, nothing for group or others. */
static int data(char **argv)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (chdir(argv[0]) || stat(".", &st) || geteuid() == 0 || st.st_uid != geteuid() || st.st_mode & 0077) {
		printf("data refused: %u %u %o\n", geteuid(), st.st_uid, st.st_mode & 07777);
		return 1;
	}
	fd = tell("create", open("WAL.part", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
	tell("allocate", posix_fallocate(fd, 0, 1 << 20) ? -1 : 0);
	tell("sync", fsync(fd));
	tell("rename", rename("WAL.part", "WAL"));
	fd = tell("directory", open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	tell("sync", fsync(fd));
	snprintf(un.sun_path, sizeof(un.sun_path), "socket");
	tell("socket", bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&un, sizeof(un)));
	tell("mode", chmod("socket", 0777));
	return 0;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} commands[] = {
	{"sockets", 0, sockets},
	{"become", 1, become},
	{"who", 0, who},
	{"data", 1, data},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[1]) && argc - 2 == commands[i].arguments)
			return commands[i].run(argv + 2);
	return 2;
}
