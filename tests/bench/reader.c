/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading, judging, amending and writing config.json costs, and what hostile ones do.
 *
 *   bench-reader CONFIG PROFILES ROUNDS      (root; below tests/isolated: it makes directories in /run)
 *
 * CONFIG is what an engine wrote; binds of existing directories are added until it has the size. Times are processor
 * times of this process, medians over the rounds. A hostile file is read by a process of its own, whose peak memory is
 * the kernel's count (getrusage(2), ru_maxrss). Markdown on standard output; 1 when a hostile file
 * passes. Goals are told, and fail nothing: they depend on the machine's speed.
 */
#include "lib/amend/amend.h"
#include "lib/config.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/userns/idmap.h"
#include "lib/userns/userns.h"
#include "lib/verdict.h"
#include "tests/bench/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORK "/run/bench-reader"
#define SOURCES WORK "/sources"
#define ROUNDS_MAX 1000
#define HOSTILE_MS 200
#define HOSTILE_KIB (64 << 10)

enum step { READ, JUDGE_TEXT, JUDGE_HOST, AMEND, WRITE, STEPS };

static void die(const char *what, const struct cfd_error *err)
{
	fprintf(stderr, "bench-reader: %s: %s\n", what, err ? err->message : strerror(errno));
	exit(2);
}

static double now(void)
{
	return milliseconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void parse(const struct cfd_buf *text, struct cfd_json_doc **ret_doc)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_error err = {0};

	if (cfd_json_parse(text->data, text->length, &options, ret_doc, &err))
		die("read", &err);
}

/* One more bind, of a directory of its own. */
static void add_mount(struct cfd_json_doc *doc, unsigned number)
{
	struct cfd_json *mounts = cfd_json_get(cfd_json_root(doc), "mounts"), *mount = cfd_json_new_object(doc),
			*options = cfd_json_new_array(doc);
	static const char *const words[] = {"rbind", "rprivate", "ro", "nosuid", "nodev"};
	char source[96], destination[96];
	int r = 0;

	snprintf(source, sizeof(source), SOURCES "/volume-of-an-application-%05u", number);
	snprintf(destination, sizeof(destination), "/srv/volumes/volume-of-an-application-%05u", number);
	if (mkdir(source, 0755) && errno != EEXIST)
		die(source, NULL);
	for (size_t i = 0; i < CFD_COUNT(words); i++)
		r |= cfd_json_append(doc, options, cfd_json_new_string(doc, words[i]));
	r |= cfd_json_set(doc, mount, "destination", cfd_json_new_string(doc, destination));
	r |= cfd_json_set(doc, mount, "type", cfd_json_new_string(doc, "bind"));
	r |= cfd_json_set(doc, mount, "source", cfd_json_new_string(doc, source));
	r |= cfd_json_set(doc, mount, "options", options);
	if (r || cfd_json_append(doc, mounts, mount))
		die("out of memory", NULL);
}

/* The configuration, grown to the size, or to a number of mounts. */
static void grow(const char *path, size_t bytes, size_t mounts, struct cfd_buf *ret_text, size_t *ret_mounts)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	struct cfd_json *list;

	if (cfd_fd_read_file(AT_FDCWD, path, CFD_JSON_MAX_BYTES, &text, &err))
		die(path, &err);
	parse(&text, &doc);
	if (cfd_json_set(doc, cfd_json_get(cfd_json_root(doc), "root"), "path", cfd_json_new_string(doc, "rootfs")))
		die("out of memory", NULL);
	list = cfd_json_get(cfd_json_root(doc), "mounts");
	for (unsigned i = 0; mounts ? cfd_json_count(list) < mounts : ret_text->length < bytes; i++) {
		add_mount(doc, i);
		if (mounts && cfd_json_count(list) < mounts)
			continue;
		cfd_buf_release(ret_text);
		if (cfd_json_write(cfd_json_root(doc), ret_text))
			die("out of memory", NULL);
		/* Far below the size, many at once. */
		for (size_t k = 0; !mounts && ret_text->length + (k + 1) * 256 < bytes; k++)
			add_mount(doc, ++i);
	}
	*ret_mounts = cfd_json_count(list);
}

static void judge(const struct cfd_spec *spec, const struct cfd_profile *profile, bool host_facts)
{
	static const struct cfd_config config;
	static const struct cfd_image image = {.engine = CFD_ENGINE_PODMAN};
	struct cfd_findings findings = {0};
	struct cfd_error err = {0};
	const struct cfd_rules_context context = {.spec = spec,
						  .profile = profile,
						  .image = &image,
						  .config = &config,
						  .container_id = "bench",
						  .bundle = "",
						  .bundle_fd = -1,
						  .rootfs_fd = -1,
						  .host_facts = host_facts,
						  .now = 1};

	if (cfd_rules_run(&context, &findings, &err))
		die("judge", &err);
	cfd_findings_release(&findings);
}

/* What the amended document says instead of each bind's source. */
static void prepare(const struct cfd_spec *spec, struct cfd_idmap_result *prepared)
{
	prepared->rootfs = strdup("/stage/rootfs");
	prepared->mounts = calloc(spec->mount_count + 1, sizeof(*prepared->mounts));
	if (!prepared->rootfs || !prepared->mounts)
		die("memory", NULL);
	for (size_t i = 0; i < spec->mount_count; i++)
		if (cfd_spec_mount_is_bind(&spec->mounts[i]))
			cfd_idmap_add_mount(prepared,
					    (struct cfd_idmap_mount){.index = i, .source = strdup("/stage/binds/0")});
}

/* Once through everything; what each step took is added to `times`. */
static void once(const struct cfd_buf *text, const struct cfd_profile *profile, double times[STEPS])
{
	static const struct cfd_userns_range range = {.base = 1 << 20, .size = 65536};
	CFD_AUTO(cfd_idmap_result_release) struct cfd_idmap_result prepared = {0};
	const struct cfd_amend_decision decision = {.profile = profile,
						    .rootfs = "/stage/rootfs",
						    .range = &range,
						    .mounts = &prepared,
						    .hook_path = "/usr/libexec/cofferdam/cofferdam-hook"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
	CFD_AUTO_BUF struct cfd_buf written = {0};
	struct cfd_error err = {0};
	double at[STEPS + 1] = {now()}, prepared_at;

	parse(text, &doc);
	if (cfd_spec_read(doc, CFD_SPEC_UNKNOWN_WARN, &spec, &err))
		die("spec", &err);
	at[READ + 1] = now();
	judge(&spec, profile, false);
	at[JUDGE_TEXT + 1] = now();
	judge(&spec, profile, true);
	at[JUDGE_HOST + 1] = now();
	prepare(&spec, &prepared);
	prepared_at = now();
	if (cfd_amend(&spec, &decision, &err))
		die("amend", &err);
	at[AMEND + 1] = now();
	if (cfd_json_write(cfd_json_root(doc), &written))
		die("write", NULL);
	at[WRITE + 1] = now();
	for (int i = 0; i < STEPS; i++)
		times[i] = at[i + 1] - (i == AMEND ? prepared_at : at[i]);
}

/* A whole verdict, as the shim reaches it: the file, the profiles, the image, the rules. */
static double verdict(const char *profiles, const struct cfd_buf *text)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	static const struct cfd_config config = {.default_profile = (char *)"default"};
	CFD_AUTO_FD int bundle = open(WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_verdict_request request = {.config = &config,
					      .container_id = "bench",
					      .bundle = WORK,
					      .bundle_fd = bundle,
					      .admin_profiles = "/nonexistent",
					      .shipped_profiles = profiles,
					      .host_facts = true};
	struct cfd_error err = {0};
	double start;

	if (cfd_fd_write_file(bundle, "config.json", text->data, text->length, 0600, false, &err))
		die("config.json", &err);
	start = now();
	if (cfd_verdict_reach(&request, &verdict, &err))
		die("verdict", &err);
	return now() - start;
}

struct size {
	const char *name;
	size_t bytes, mounts;
	double goal; /* ms, for read, judged with the facts of the host, amended and written; 0: none */
};

static const struct size sizes[] = {
	{"12 KB", 12000, 0, 0.5},
	{"120 KB", 120000, 0, 0},
	{"1.2 MB", 1200000, 0, 0},
	{"5,000 mounts", 0, 5000, 50},
};

/* One row of the table. */
static void measure(const struct size *size, const char *config, const char *profiles,
		    const struct cfd_profile *profile, int rounds)
{
	static double times[STEPS + 1][ROUNDS_MAX];
	CFD_AUTO_BUF struct cfd_buf text = {0};
	double middle[STEPS + 1], all[STEPS], total = 0;
	size_t mounts = 0;

	grow(config, size->bytes, size->mounts, &text, &mounts);
	once(&text, profile, all); /* not counted: memory and the kernel's caches are warm then */
	for (int i = 0; i < rounds; i++) {
		once(&text, profile, all);
		for (int step = 0; step < STEPS; step++)
			times[step][i] = all[step];
		times[STEPS][i] = verdict(profiles, &text);
	}
	for (int step = 0; step <= STEPS; step++) {
		middle[step] = median(times[step], rounds);
		total += step != JUDGE_TEXT && step != STEPS ? middle[step] : 0;
	}
	printf("| %-12s | %7zu | %5zu | %7.3f | %7.3f | %7.3f | %7.3f | %7.3f | %7.3f | %7.2f | %7.3f |", size->name,
	       text.length, mounts, middle[READ], middle[JUDGE_TEXT], middle[JUDGE_HOST], middle[AMEND], middle[WRITE],
	       total, total * 12000 / (double)text.length, middle[STEPS]);
	if (size->goal > 0)
		printf(" %g: %s |\n", size->goal, total < size->goal ? "met" : "MISSED");
	else
		printf(" |\n");
}

/* --- hostile files */

static void fill(struct cfd_buf *text, const char *start, const char *each, const char *last)
{
	size_t length = strlen(each);

	if (cfd_buf_add_string(text, start))
		die("out of memory", NULL);
	while (text->length + length + strlen(last) <= CFD_JSON_MAX_BYTES)
		if (cfd_buf_add(text, each, length))
			die("out of memory", NULL);
	if (cfd_buf_add_string(text, last))
		die("out of memory", NULL);
}

static void make_deep(struct cfd_buf *text)
{
	fill(text, "", "[", "");
}

static void make_wide(struct cfd_buf *text)
{
	fill(text, "[", "[],", "[]]");
}

static void make_string(struct cfd_buf *text)
{
	fill(text, "\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9", "\"");
}

static void make_duplicates(struct cfd_buf *text)
{
	fill(text, "{", "\"mnt\":0,", "\"mnt\":0}");
}

/* Every text of one to four printable characters, in turn: a million of them fit into 8 MiB. */
static void make_distinct(struct cfd_buf *text)
{
	static const char letters[] = "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
				      "abcdefghijklmnopqrstuvwxyz{|}~";
	const size_t base = sizeof(letters) - 1;

	for (size_t i = 0; i < 1000000; i++) {
		char key[8] = "";
		size_t length = 0;

		for (size_t rest = i + 1; rest; rest = (rest - 1) / base)
			key[length++] = letters[(rest - 1) % base];
		if (cfd_buf_addf(text, "%c\"%s\":0", i ? ',' : '{', key))
			die("out of memory", NULL);
	}
	if (cfd_buf_add_string(text, "}"))
		die("out of memory", NULL);
}

/* What is well-formed, within every limit, and as much work as can be: 256 options each, destinations that share all.
 */
static void make_options(struct cfd_buf *text)
{
	int r = cfd_buf_add_string(text, "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"r\"},\"mounts\":[");

	for (unsigned i = 0; !r && i < 1900; i++) {
		r = cfd_buf_addf(text, "%s{\"destination\":\"/a/%u\",\"type\":\"tmpfs\",\"options\":[", i ? "," : "",
				 i);
		for (unsigned o = 0; !r && o < 256; o++)
			r = cfd_buf_addf(text, "%s\"nosymfollow\"", o ? "," : "");
		if (!r)
			r = cfd_buf_add_string(text, "]}");
	}
	if (r || cfd_buf_add_string(text, "]}"))
		die("out of memory", NULL);
}

/* As many mounts as are read, each of them above the one before. */
static void make_nested(struct cfd_buf *text)
{
	int r = cfd_buf_add_string(text, "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"r\"},\"mounts\":[");

	for (unsigned i = 0; !r && i < 1500; i++) {
		r = cfd_buf_addf(text, "%s{\"type\":\"tmpfs\",\"destination\":\"", i ? "," : "");
		for (unsigned level = 0; !r && level < 1500 - i; level++)
			r = cfd_buf_add_string(text, "/aaaa");
		r = r ? r : cfd_buf_add_string(text, "/\"}");
	}
	if (r || cfd_buf_add_string(text, "]}"))
		die("out of memory", NULL);
}

static const struct {
	const char *name;
	void (*make)(struct cfd_buf *text);
} hostile[] = {
	{"deep: nothing but [", make_deep},
	{"wide: [[],[],...]", make_wide},
	{"one string of 8 MiB", make_string},
	{"a million times one key", make_duplicates},
	{"a million keys", make_distinct},
	{"1,900 mounts of 256 options", make_options},
	{"1,500 mounts, each above the next", make_nested},
};

/* Made in a process of its own, since its memory is not the reader's. */
static void make_hostile(size_t row)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int bundle = open(WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_error err = {0};

	hostile[row].make(&text);
	if (text.length > CFD_JSON_MAX_BYTES)
		die("a hostile file is too large to be read at all", NULL);
	if (cfd_fd_write_file(bundle, "config.json", text.data, text.length, 0600, false, &err))
		die("config.json", &err);
	_exit(0);
}

/* 1: refused, by an error or by findings; 0: passed. */
static void read_hostile(const char *profiles)
{
	CFD_AUTO(cfd_verdict_release) struct cfd_verdict verdict = CFD_VERDICT_INIT;
	static const struct cfd_config config = {.default_profile = (char *)"default"};
	CFD_AUTO_FD int bundle = open(WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfd_verdict_request request = {.config = &config,
					      .container_id = "bench",
					      .bundle = WORK,
					      .bundle_fd = bundle,
					      .admin_profiles = "/nonexistent",
					      .shipped_profiles = profiles};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	int r = cfd_verdict_reach(&request, &verdict, &err);

	if (!r && cfd_verdict_text(&verdict, "bench", &cfd_paint_none, &text))
		_exit(2);
	_exit(r || verdict.refused ? 1 : 0);
}

/* The child's processor time in ms and peak memory in KiB. */
static int run_child(void (*work)(const char *profiles), size_t row, const char *profiles, double *ret_ms,
		     long *ret_kib)
{
	struct rusage usage;
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		die("fork", NULL);
	if (child == 0) {
		if (work)
			work(profiles);
		make_hostile(row);
	}
	if (wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status))
		die("a child did not come to its end", NULL);
	*ret_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
		  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
	*ret_kib = usage.ru_maxrss;
	return WEXITSTATUS(status);
}

/* Whether it was refused every time. */
static bool measure_hostile(size_t row, const char *profiles, int rounds)
{
	double times[ROUNDS_MAX], middle, ignored_ms;
	long kib = 0, ignored_kib;
	bool refused = true;
	struct stat st;

	if (run_child(NULL, row, NULL, &ignored_ms, &ignored_kib) || stat(WORK "/config.json", &st))
		die("a hostile file cannot be made", NULL);
	for (int i = 0; i < rounds; i++) {
		long peak;

		refused = run_child(read_hostile, row, profiles, &times[i], &peak) == 1 && refused;
		kib = peak > kib ? peak : kib;
	}
	middle = median(times, rounds);
	printf("| %-33s | %7.1f | %6.1f | %6.1f | %s |\n", hostile[row].name, (double)st.st_size / (1 << 20), middle,
	       (double)kib / 1024,
	       !refused                                   ? "PASSES"
	       : middle < HOSTILE_MS && kib < HOSTILE_KIB ? "met"
							  : "MISSED");
	return refused;
}

static void read_profile(const char *profiles, struct cfd_profile **ret_profile)
{
	static struct cfd_profile_mount allowed = {.source = (char *)SOURCES};
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	struct cfd_error err = {0};

	if (cfd_profile_set_open(NULL, profiles, &set, &err) || cfd_profile_load(set, "default", ret_profile, &err))
		die(profiles, &err);
	if (!(*ret_profile)->mount_count) { /* the added sources are allowed: no finding cuts the work short */
		(*ret_profile)->mounts = &allowed;
		(*ret_profile)->mount_count = 1;
	}
}

int main(int argc, char **argv)
{
	int rounds = argc == 4 ? atoi(argv[3]) : 0;
	struct cfd_profile *profile = NULL;
	bool refused = true;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench-reader CONFIG PROFILES ROUNDS\n");
		return 2;
	}
	if (mkdir(WORK, 0755) || mkdir(SOURCES, 0755) || mkdir(WORK "/rootfs", 0755))
		die(WORK, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("| hostile                           |     MiB | CPU ms |    MiB | goal: %d ms, %d MiB |\n", HOSTILE_MS,
	       HOSTILE_KIB / 1024);
	printf("|---|---|---|---|---|\n");
	for (size_t row = 0; row < CFD_COUNT(hostile); row++)
		refused &= measure_hostile(row, argv[2], rounds < 5 ? rounds : 5);
	read_profile(argv[2], &profile);
	printf("\n| CPU ms       |   bytes | mounts | read   | text    | host    | amended | written | total | per 12 "
	       "KB | "
	       "verdict | goal |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < CFD_COUNT(sizes); i++)
		measure(&sizes[i], argv[1], argv[2], profile, rounds);
	return !refused;
}
