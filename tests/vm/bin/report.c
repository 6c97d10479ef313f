/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process in a container sees of what config.json asked for, one fact a line, so that two runtimes can be
 * compared:  report [FILE...]   (files whose content is told too, such as those of sysctls)
 * Numbers that differ from run to run (ids of mounts, devices, processes) are left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LINES_MAX 1024

static const char *const status_lines[] = {
	"Umask:",  "Uid:",    "Gid:",    "Groups:", "NSpid:",      "CapInh:", "CapPrm:",
	"CapEff:", "CapBnd:", "CapAmb:", "Seccomp", "NoNewPrivs:", "SigBlk:",
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_sorted(const char *name, char **lines, size_t count)
{
	qsort(lines, count, sizeof(lines[0]), compare);
	for (size_t i = 0; i < count; i++)
		printf("%s %s\n", name, lines[i]);
}

static void tell_status(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(status_lines) / sizeof(status_lines[0]); i++)
			if (strncmp(line, status_lines[i], strlen(status_lines[i])) == 0)
				printf("status %s", line);
	if (file)
		fclose(file);
}

/* The fields behind the device's number: root, mount point, options, propagation - type, source, options. */
static void tell_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *lines[LINES_MAX], line[4096], *rest;
	size_t count = 0;

	while (file && count < LINES_MAX && fgets(line, sizeof(line), file)) {
		rest = line;
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; rest && i < 3; i++) {
			rest = strchr(rest, ' ');
			rest = rest ? rest + 1 : NULL;
		}
		if (rest)
			lines[count++] = strdup(rest);
	}
	if (file)
		fclose(file);
	print_sorted("mount", lines, count);
}

static char *describe(const char *directory, const char *name)
{
	char path[4096], target[256] = "", *text = NULL;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (lstat(path, &st))
		return strdup(strerrorname_np(errno));
	if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
		target[0] = '?';
	if (asprintf(&text, "%s %o %u:%u %u:%u %s", name, st.st_mode, st.st_uid, st.st_gid, major(st.st_rdev),
		     minor(st.st_rdev), target) < 0)
		return NULL;
	return text;
}

static void tell_directory(const char *path)
{
	DIR *directory = opendir(path);
	char *lines[LINES_MAX];
	size_t count = 0;
	struct dirent *entry;

	while (directory && count < LINES_MAX && (entry = readdir(directory)))
		if (strcmp(entry->d_name, "..") != 0)
			lines[count++] = describe(path, entry->d_name);
	if (directory)
		closedir(directory);
	print_sorted(path, lines, count);
}

static void tell_limits(void)
{
	struct rlimit limit;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit(i, &limit) == 0)
			printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
}

static void tell_process(int argc, char **argv, char **environment)
{
	struct utsname names;
	char cwd[4096];
	size_t count = 0;

	for (int i = 0; i < argc; i++)
		printf("argument %d %s\n", i, argv[i]);
	while (environment[count])
		count++;
	print_sorted("variable", environment, count);
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerrorname_np(errno));
	uname(&names);
	printf("names %s %s\n", names.nodename, names.domainname);
	printf("scheduler %d %d, io %ld, personality %x\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0),
	       syscall(SYS_ioprio_get, 1, 0), (unsigned)personality(0xffffffff));
	printf("descriptors:");
	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\n");
}

static void tell_file(const char *path)
{
	char text[4096] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	printf("file %s %s\n", path, length < 0 ? strerrorname_np(errno) : text);
}

int main(int argc, char **argv)
{
	static const char *const files[] = {"/proc/self/uid_map",       "/proc/self/gid_map", "/proc/self/setgroups",
					    "/proc/self/oom_score_adj", "/proc/kcore",        "/proc/timer_list"};

	tell_process(argc, argv, environ);
	tell_status();
	tell_limits();
	tell_mounts();
	tell_directory("/");
	tell_directory("/dev");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		tell_file(files[i]);
	for (int i = 1; i < argc; i++)
		tell_file(argv[i]);
	return 0;
}
