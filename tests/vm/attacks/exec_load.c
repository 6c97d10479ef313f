/* SPDX-License-Identifier: Apache-2.0 */
/* A loader of one's own. This program is position-independent, so that the addresses of the other are free. */
#include "tests/vm/attacks/attack.h"
#include "tests/vm/attacks/exec.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define STACK_BYTES (1ul << 20)

struct image {
	int fd;
	Elf64_Ehdr header;
	Elf64_Phdr segments[16];
};

static int read_image(const char *path, struct image *image)
{
	ssize_t size;

	image->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image->fd < 0 || pread(image->fd, &image->header, sizeof(image->header), 0) != sizeof(image->header) ||
	    image->header.e_type != ET_EXEC || image->header.e_phnum > 16)
		return -1;
	size = (ssize_t)(image->header.e_phnum * sizeof(Elf64_Phdr));
	return pread(image->fd, image->segments, (size_t)size, (off_t)image->header.e_phoff) == size ? 0 : -1;
}

static int protection(const Elf64_Phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
	       (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

/* What is behind the file's part is zero: the rest of its last page, and pages of no file. */
static int clear_rest(const Elf64_Phdr *segment)
{
	uintptr_t end = segment->p_vaddr + segment->p_filesz, all = segment->p_vaddr + segment->p_memsz;
	uintptr_t page = (end + PAGE - 1) & ~(PAGE - 1);

	if (all == end)
		return 0;
	memset((void *)end, 0, (page < all ? page : all) - end);
	return page >= all || mmap((void *)page, all - page, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED
		       ? 0
		       : -1;
}

static int map_segment(const struct image *image, const Elf64_Phdr *segment, enum exec_way way)
{
	uintptr_t skew = segment->p_vaddr & (PAGE - 1), start = segment->p_vaddr - skew;
	size_t length = segment->p_filesz + skew;
	int prot = protection(segment), first = way == EXEC_BY_MMAP ? prot : PROT_READ | PROT_WRITE;
	int flags = MAP_PRIVATE | MAP_FIXED | (way == EXEC_ANONYMOUS ? MAP_ANONYMOUS : 0);
	void *at = mmap((void *)start, length, first, flags, way == EXEC_ANONYMOUS ? -1 : image->fd,
			way == EXEC_ANONYMOUS ? 0 : (off_t)(segment->p_offset - skew));

	if (at == MAP_FAILED)
		return attack_stopped("mmap");
	if (way == EXEC_ANONYMOUS && pread(image->fd, (void *)segment->p_vaddr, segment->p_filesz,
					   (off_t)segment->p_offset) != (ssize_t)segment->p_filesz)
		return attack_broken("read");
	if (clear_rest(segment))
		return attack_broken("bss");
	return first != prot && mprotect(at, length, prot) ? attack_stopped("mprotect") : 0;
}

/* argc, argv, environment, auxiliary vector: what the kernel would have put there. */
static uintptr_t *make_stack(const struct image *image)
{
	static const char *const argv[] = {"sh", "-c", ATTACK_SHELL_CODE};
	static const unsigned char random[16] = "not so random..";
	const Elf64_Ehdr *header = &image->header;
	char *bottom = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uintptr_t words[] = {
		3,
		(uintptr_t)argv[0],
		(uintptr_t)argv[1],
		(uintptr_t)argv[2],
		0, /* */
		0,
		AT_PHDR,
		image->segments[0].p_vaddr + header->e_phoff, /* the first segment begins with the header */
		AT_PHENT,
		sizeof(Elf64_Phdr),
		AT_PHNUM,
		header->e_phnum,
		AT_PAGESZ,
		PAGE,
		AT_ENTRY,
		header->e_entry,
		AT_RANDOM,
		(uintptr_t)random,
		AT_SECURE,
		0,
		AT_NULL,
		0,
	};
	uintptr_t *top;

	if (bottom == MAP_FAILED)
		return NULL;
	top = (uintptr_t *)(bottom + STACK_BYTES - PAGE);
	memcpy(top, words, sizeof(words));
	return top;
}

void exec_load(const char *path, enum exec_way way)
{
	struct image image;
	uintptr_t *stack;

	if (read_image(path, &image)) {
		attack_broken("not a program that is linked for fixed addresses");
		_exit(125);
	}
	for (int i = 0; i < image.header.e_phnum; i++)
		if (image.segments[i].p_type == PT_LOAD && map_segment(&image, &image.segments[i], way))
			return;
	stack = make_stack(&image);
	__asm__ volatile("mov %0, %%rsp\n\txor %%edx, %%edx\n\tjmp *%1"
			 :
			 : "r"(stack), "r"(image.header.e_entry)
			 : "memory");
	__builtin_unreachable();
}
