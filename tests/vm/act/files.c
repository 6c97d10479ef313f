/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are made, copied, renamed. */
#include "tests/vm/act/act.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int act_copy_into(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return -1;
	return (int)n;
}

int act_copy(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0755);

	return act_tell(from < 0 || to < 0 || act_copy_into(from, to));
}

int act_link(char **argv)
{
	return act_tell(link(argv[0], argv[1]));
}

int act_rename(char **argv)
{
	return act_tell(rename(argv[0], argv[1]));
}

int act_symlink(char **argv)
{
	return act_tell(symlink(argv[0], argv[1]));
}

int act_write(char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0755);

	return act_tell(fd < 0 || dprintf(fd, "%s", argv[1]) < 0 || close(fd));
}
