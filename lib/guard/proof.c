/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's own cgroup, and the trial in it. */
#include "lib/guard/proof.h"
#include "lib/guard/cgroup.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "cofferdam"
#define DISCARD_PORT 9 /* RFC 863; a connected UDP socket sends nothing by itself */

static int remove_below(int parent, const char *root, struct cfd_error *err)
{
	if (unlinkat(parent, NAME, AT_REMOVEDIR) && errno != ENOENT)
		return cfd_fail_errno(err, -errno, "cannot remove the cgroup %s/%s, which is the guard's own", root,
				      NAME);
	return 0;
}

static int open_root(char **ret_root, int *ret_fd, struct cfd_error *err)
{
	int r = cfd_cgroup_root(ret_root, err);

	return r ? r : cfd_fd_open_dir(AT_FDCWD, *ret_root, false, ret_fd, err);
}

int cfd_guard_proof_cgroup(int *ret_fd, uint64_t *ret_id, struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	CFD_AUTO_FD int parent = -1, fd = -1;
	struct stat st;
	int r = open_root(&root, &parent, err);

	if (!r)
		r = remove_below(parent, root, err);
	if (r)
		return r;
	if (mkdirat(parent, NAME, 0755))
		return cfd_fail_errno(err, -errno, "cannot make the cgroup %s/%s", root, NAME);
	r = cfd_fd_open_dir(parent, NAME, false, &fd, err);
	if (r)
		return r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat the cgroup %s/%s", root, NAME);
	*ret_fd = cfd_take_fd(&fd);
	*ret_id = st.st_ino;
	return 0;
}

int cfd_guard_proof_remove(struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	CFD_AUTO_FD int parent = -1;
	int r = open_root(&root, &parent, err);

	return r ? r : remove_below(parent, root, err);
}

/* Never returns. Its status is 0 when it came into the cgroup. */
static _Noreturn void try_all(int procs, int program)
{
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int sock, ignored;

	if (write(procs, "0", 1) != 1)
		_exit(1);
	if (mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, program, 0) == MAP_FAILED)
		ignored = 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0)
		ignored = connect(sock, (const struct sockaddr *)&loopback, sizeof(loopback));
	(void)ignored;
	_exit(0);
}

int cfd_guard_proof_run(int cgroup_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int procs = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	CFD_AUTO_FD int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int status = 0;
	pid_t child;

	if (procs < 0 || program < 0)
		return cfd_fail_errno(err, -errno, "cannot prepare the guard's trial");
	child = fork();
	if (child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process for the guard's trial");
	if (!child)
		try_all(procs, program);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cfd_fail_errno(err, -errno, "cannot wait for the guard's trial");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return cfd_fail(err, -EIO, "the guard's trial: a process could not enter the cgroup %s", NAME);
	return 0;
}
