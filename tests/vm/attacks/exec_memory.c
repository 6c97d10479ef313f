/* SPDX-License-Identifier: Apache-2.0 */
/* Code of files, mapped instead of executed. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/exec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

const unsigned char exec_code[6] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */

int exec_call(const void *code)
{
	int (*function)(void) = (int (*)(void))code;

	return function() == 42 ? ATTACK_SUCCEEDED : ATTACK_BROKEN;
}

static void load_by_mmap(void *data)
{
	exec_load(data, EXEC_BY_MMAP);
	_exit(126);
}

static void load_by_mprotect(void *data)
{
	exec_load(data, EXEC_BY_MPROTECT);
	_exit(126);
}

int exec_own_loader(void)
{
	return attack_effect(ATTACK_EFFECT, load_by_mmap, (void *)SHELL);
}

int exec_read_then_exec(void)
{
	return attack_effect(ATTACK_EFFECT, load_by_mprotect, (void *)SHELL);
}

/* A file with the code in it: not of the image. */
static int code_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 || write(fd, exec_code, sizeof(exec_code)) != sizeof(exec_code) ? -1 : fd;
}

int exec_write_then_exec(void)
{
	int fd = code_file("/tmp/code");
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return attack_broken("mmap");
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) ? attack_stopped("mprotect") : exec_call(at);
}

/* Key -1 is none: then it is mprotect by another number. */
int exec_pkey(void)
{
	int fd = code_file("/tmp/code-pkey");
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return attack_broken("mmap");
	return syscall(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1) ? attack_stopped("pkey_mprotect")
									       : exec_call(at);
}

static int code_memfd(void)
{
	int fd = memfd_create("dev/zero", MFD_CLOEXEC);

	return fd < 0 || write(fd, exec_code, sizeof(exec_code)) != sizeof(exec_code) ? -1 : fd;
}

int exec_memfd_mapped(void)
{
	int fd = code_memfd();
	void *at;

	if (fd < 0)
		return attack_broken("memfd");
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return at == MAP_FAILED ? attack_stopped("mmap") : exec_call(at);
}

int exec_memfd_later(void)
{
	int fd = code_memfd();
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return attack_broken("memfd");
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) ? attack_stopped("mprotect") : exec_call(at);
}

int exec_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
	void *data = id < 0 ? (void *)-1 : shmat(id, NULL, 0), *at;

	if (data == (void *)-1)
		return attack_broken("shmat");
	memcpy(data, exec_code, sizeof(exec_code));
	at = shmat(id, NULL, SHM_EXEC | SHM_RDONLY);
	shmctl(id, IPC_RMID, NULL);
	return at == (void *)-1 ? attack_stopped("shmat") : exec_call(at);
}

int exec_personality(void)
{
	int fd = code_file("/tmp/code-personality");
	void *at;

	if (fd < 0 || personality(READ_IMPLIES_EXEC) < 0)
		return attack_broken("personality");
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	return at == MAP_FAILED ? attack_stopped("mmap") : exec_call(at);
}
