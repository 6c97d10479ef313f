/* SPDX-License-Identifier: Apache-2.0 */
/* Code that a process writes for itself: what exec.wx is about. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/exec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

static void load_anonymous(void *data)
{
	exec_load(data, EXEC_ANONYMOUS);
	_exit(126);
}

int wx_loader(void)
{
	return attack_effect(ATTACK_EFFECT, load_anonymous, (void *)SHELL);
}

static void *map(int prot, int flags, int fd)
{
	return mmap(NULL, 4096, prot, flags, fd, 0);
}

static int write_and_call(void *at)
{
	memcpy(at, exec_code, sizeof(exec_code));
	return exec_call(at);
}

static int write_and_protect(void *at, int prot)
{
	if (at == MAP_FAILED)
		return attack_broken("mmap");
	memcpy(at, exec_code, sizeof(exec_code));
	return mprotect(at, 4096, prot) ? attack_stopped("mprotect") : exec_call(at);
}

/* What is there is zeros: that it was given is enough. */
int wx_anonymous(void)
{
	void *at = map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return at == MAP_FAILED ? attack_stopped("mmap") : ATTACK_SUCCEEDED;
}

int wx_anonymous_later(void)
{
	return write_and_protect(map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PROT_READ | PROT_EXEC);
}

int wx_writable(void)
{
	void *at = map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return at == MAP_FAILED ? attack_stopped("mmap") : write_and_call(at);
}

int wx_writable_later(void)
{
	return write_and_protect(map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
				 PROT_READ | PROT_WRITE | PROT_EXEC);
}

int wx_shared(void)
{
	return write_and_protect(map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), PROT_READ | PROT_EXEC);
}

int wx_personality(void)
{
	void *at;

	if (personality(READ_IMPLIES_EXEC) < 0)
		return attack_broken("personality");
	at = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	return at == MAP_FAILED ? attack_stopped("mmap") : write_and_call(at);
}

int wx_modified(void)
{
	int fd = open(OTHER, O_RDONLY | O_CLOEXEC);

	return write_and_protect(map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd), PROT_READ | PROT_EXEC);
}

int wx_writable_file(void)
{
	void *at = map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, open(OTHER, O_RDONLY | O_CLOEXEC));

	return at == MAP_FAILED ? attack_stopped("mmap") : write_and_call(at);
}
