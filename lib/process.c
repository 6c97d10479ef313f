/* SPDX-License-Identifier: Apache-2.0 */
/* Processes named by pid and start time, read from /proc/PID/stat. */
#include "lib/process.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATE_FIELD 3
#define START_FIELD 22
#define END_WAIT_MS 1000

/* The fields of stat behind the command name, which may itself hold spaces and parentheses. */
static int parse_stat(char *text, char *ret_state, uint64_t *ret_start)
{
	char *rest = strrchr(text, ')');
	char *save = NULL, *word;
	unsigned field = STATE_FIELD;
	char state = 0;

	if (!rest)
		return -EBADMSG;
	for (word = strtok_r(rest + 1, " ", &save); word; word = strtok_r(NULL, " ", &save), field++) {
		if (field == STATE_FIELD)
			state = *word;
		if (field == START_FIELD) {
			*ret_state = state;
			return cfd_parse_u64(word, UINT64_MAX, ret_start);
		}
	}
	return -EBADMSG;
}

int cfd_process_of(int pid, struct cfd_process_id *ret_process, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	uint64_t start = 0;
	char path[64], state = 0;
	int r;

	if (pid <= 0)
		return cfd_fail(err, -EINVAL, "%d is not a process id", pid);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = cfd_fd_read_kernel(AT_FDCWD, path, 4096, &buf, err);
	if (r == -ENOENT || r == -ESRCH)
		return cfd_fail(err, -ESRCH, "process %d has ended", pid);
	if (r)
		return r;
	if (!buf.data || parse_stat(buf.data, &state, &start))
		return cfd_fail(err, -EBADMSG, "%s does not have the form that proc(5) describes", path);
	if (state == 'Z' || state == 'X')
		return cfd_fail(err, -ESRCH, "process %d has ended", pid);
	*ret_process = (struct cfd_process_id){.pid = pid, .start = start};
	return 0;
}

int cfd_process_self(struct cfd_process_id *ret_process, struct cfd_error *err)
{
	return cfd_process_of(getpid(), ret_process, err);
}

bool cfd_process_lives(const struct cfd_process_id *process)
{
	struct cfd_process_id now = {0};
	struct cfd_error err = {0};
	int r;

	if (process->pid <= 0)
		return false;
	r = cfd_process_of(process->pid, &now, &err);
	/* What cannot be told (EMFILE, ENOMEM) counts as alive: nothing is taken from a container that may run. */
	return r ? r != -ESRCH : now.start == process->start;
}

void cfd_process_kill(const struct cfd_process_id *process)
{
	CFD_AUTO_FD int fd = process->pid > 0 ? (int)syscall(SYS_pidfd_open, process->pid, 0) : -1;
	struct pollfd end = {.fd = fd, .events = POLLIN};

	/* Looked at after the descriptor is open: from then on the pid cannot become another process's. */
	if (fd < 0 || !cfd_process_lives(process) || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0))
		return;
	poll(&end, 1, END_WAIT_MS);
}
