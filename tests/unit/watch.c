/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of running containers: events from the audit log, exemptions, status in formats. */
#include "lib/watch/watch.h"

#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/watch/history.h"
#include "tests/unit/tree.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT(literal) ((char *)(literal)) /* owned elsewhere, never freed or written */

/* --- history */

#define EVENT(time, more)                                                                                              \
	"{\"time\":\"2026-01-01T00:00:" time "Z\",\"type\":\"event\",\"container\":\"0123456789ab\",\"name\":\"web\"," \
	"\"cgroup\":7,\"guard\":\"exec\",\"verdict\":\"denied\",\"reason\":\"shell\",\"process\":{\"pid\":5,\"uid\":"  \
	"0,"                                                                                                           \
	"\"comm\":\"sh\"}," more "}"

static void add(struct cfd_history *history, const char *line)
{
	struct cfd_error err = {0};

	cr_assert_eq(cfd_history_add(history, line, strlen(line), &err), 0, "%s", err.message);
}

/* Until the next call. */
static const char *text_of(struct cfd_history *history)
{
	static struct cfd_buf buf;

	buf.length = 0;
	cr_assert_eq(cfd_buf_add_string(&buf, ""), 0);
	for (size_t i = 0; i < history->count; i++)
		cr_assert_eq(cfd_history_text(history->entries[i].doc, &cfd_paint_none, &buf), 0);
	return buf.data;
}

Test(history, repeats_are_one_and_stand_where_the_last_came)
{
	CFD_AUTO(cfd_history_release) struct cfd_history history = {0};
	CFD_AUTO_BUF struct cfd_buf json = {0};

	add(&history, EVENT("01.000", "\"subject\":\"/bin/sh\",\"count\":2,\"last\":\"2026-01-01T00:00:02.000Z\""));
	add(&history, EVENT("03.000", "\"subject\":\"/bin/bash\",\"count\":1,\"last\":\"2026-01-01T00:00:03.000Z\""));
	add(&history,
	    EVENT("04.000", "\"subject\":\"/bin/sh\",\"count\":5,\"last\":\"2026-01-01T00:00:09.000Z\",\"lost\":3"));
	add(&history, "{\"type\":\"verdict\",\"container\":\"0123456789ab\"}");
	add(&history, "{\"type\":\"event\",\"contai");
	cr_assert_eq(history.count, 2);
	cr_expect_str_eq(
		text_of(&history),
		"2026-01-01T00:00:03.000Z denied       web                  exec    /bin/bash (shell) by sh[5]\n"
		"2026-01-01T00:00:09.000Z denied       web                  exec    /bin/sh (shell) by sh[5], "
		"7 times since 2026-01-01T00:00:01.000Z; 3 events lost so far\n");
	cr_assert_eq(cfd_history_json(history.entries[1].doc, &json), 0);
	cr_expect(strstr(json.data, "\"count\":7") && strstr(json.data, "\"time\":\"2026-01-01T00:00:01.000Z\"") &&
			  strstr(json.data, "\"last\":\"2026-01-01T00:00:09.000Z\""),
		  "%s", json.data);
}

Test(history, old_ones_make_room)
{
	CFD_AUTO(cfd_history_release) struct cfd_history history = {.room = 2};

	add(&history, EVENT("01.000", "\"subject\":\"/a\""));
	add(&history, EVENT("02.000", "\"subject\":\"/b\""));
	cr_expect_not(history.dropped);
	add(&history, EVENT("03.000", "\"subject\":\"/c\""));
	cr_expect(history.dropped);
	cr_assert_eq(history.count, 2);
	cr_expect_null(strstr(text_of(&history), "/a"));
}

Test(history, a_container_is_called_by_name_id_or_the_beginning_of_it)
{
	static const struct {
		const char *word;
		bool is;
	} cases[] = {{"web", true},   {"0123456789ab", true}, {"0123", true},          {"012", false},
		     {"1234", false}, {"we", false},          {"0123456789abc", false}};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_history_release) struct cfd_history history = {.container = cases[i].word};

		add(&history, EVENT("01.000", "\"subject\":\"/a\""));
		cr_expect_eq(history.count, cases[i].is, "%s", cases[i].word);
	}
	cr_expect_not(cfd_history_is_called("web", "0123456789ab", NULL));
}

Test(history, another_container_of_that_name_is_not_meant)
{
	CFD_AUTO(cfd_history_release) struct cfd_history history = {.container = "web", .cgroup = 8};

	add(&history, EVENT("01.000", "\"subject\":\"/a\""));
	cr_expect_eq(history.count, 0);
}

Test(history, an_exemption_is_told_with_its_reason)
{
	CFD_AUTO(cfd_history_release) struct cfd_history history = {0};

	add(&history,
	    "{\"time\":\"2026-01-01T00:00:01.000Z\",\"type\":\"exemption\",\"container\":\"c\",\"action\":\"begin\","
	    "\"guards\":[\"exec\",\"net\"],\"reason\":\"OPS-1\",\"seconds\":60,\"login\":1000}");
	cr_expect_str_eq(text_of(&history),
			 "2026-01-01T00:00:01.000Z exempt-begin c                    exec,net for 60 s: "
			 "OPS-1 (login 1000)\n");
}

/* --- exemptions */

Test(exemption, a_reason_is_one_line_of_text)
{
	char longest[CFD_EXEMPTION_REASON_MAX + 2];
	static const struct {
		const char *reason;
		bool passes;
	} cases[] = {{"OPS-91", true},
		     {"caf\xc3\xa9 \"x\" \\", true},
		     {"", false},
		     {"   ", false},
		     {"a\nb", false},
		     {"a\tb", false},
		     {"\033[2J", false},
		     {"a\xc2\x9b", false},
		     {"\xe2\x80\xae"
		      "abc",
		      false},
		     {"\xff", false}};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_error err = {0};

		cr_expect_eq(cfd_exemption_check_reason(cases[i].reason, &err), cases[i].passes ? 0 : -EINVAL, "%zu",
			     i);
	}
	memset(longest, 'x', sizeof(longest));
	longest[CFD_EXEMPTION_REASON_MAX + 1] = '\0';
	cr_expect_eq(cfd_exemption_check_reason(longest, &(struct cfd_error){0}), -EINVAL);
	longest[CFD_EXEMPTION_REASON_MAX] = '\0';
	cr_expect_eq(cfd_exemption_check_reason(longest, &(struct cfd_error){0}), 0);
}

Test(exemption, what_is_written_is_read_and_none_is_no_file)
{
	CFD_AUTO(cfd_exemptions_release) struct cfd_exemptions read = {0};
	struct cfd_exemptions both = {.exec = {TEXT("a \"b\""), 1, 2, -1}, .net = {TEXT("c"), 3, 4, 1000}}, none = {0};
	char top[SCRATCH_PATH];
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_error err = {0};

	tree_scratch(top);
	dirfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(cfd_exemptions_read(dirfd, &read, &err), 0, "none is no error");
	cr_expect_null(read.exec.reason);
	cr_assert_eq(cfd_exemptions_write(dirfd, &both, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_exemptions_read(dirfd, &read, &err), 0, "%s", err.message);
	cr_expect_str_eq(read.exec.reason, "a \"b\"");
	cr_expect(read.exec.since == 1 && read.exec.until == 2 && read.exec.login == -1);
	cr_expect(cfd_streq(read.net.reason, "c") && read.net.since == 3 && read.net.until == 4 &&
		  read.net.login == 1000);
	cr_assert_eq(cfd_exemptions_write(dirfd, &none, &err), 0);
	cr_assert_eq(cfd_exemptions_write(dirfd, &none, &err), 0, "twice");
	cr_expect_neq(faccessat(dirfd, "exemptions.json", F_OK, 0), 0);
}

/* --- status */

static struct cfd_watched sample(const char *id)
{
	struct cfd_watched watched = {
		.record = {.id = TEXT(id),
			   .container_name = TEXT("web \"1\"\\\n"),
			   .image = TEXT("docker.io/library/nginx:1.27"),
			   .profile = TEXT("nginx"),
			   .init = {.pid = 12, .start = 1},
			   .guard_exec = true,
			   .guard_net = true,
			   .created = 1000},
		.now = 1000 + 3 * 3600,
		.lives = true,
		.governed = true,
		.attached = {.exec = true, .net = true},
		.guard = {.flags = CFD_GUARD_ENFORCE, .shells_mode = CFD_GUARD_SHELLS_STARTUP, .sealed = 1, .lost = 4}};

	watched.guard.denied_times[CFD_GUARD_EXEC] = 2;
	watched.guard.denied_times[CFD_GUARD_MMAP] = 1;
	watched.guard.denied_times[CFD_GUARD_SEND] = 10;
	watched.guard.exempted_times[CFD_GUARD_BIND] = 5;
	return watched;
}

Test(status, the_table_has_what_is_in_force)
{
	struct cfd_watched watched[2] = {sample("0123"), sample("4567")};
	CFD_AUTO_BUF struct cfd_buf text = {0};

	watched[0].exempt[CFD_GUARD_PART_EXEC] = 42;
	watched[1].guard.flags = 0;
	watched[1].guard.sealed = 0;
	watched[1].attached.net = false;
	watched[1].now = 1090;
	cr_assert_eq(cfd_watch_table(watched, 2, &cfd_paint_none, &text), 0);
	cr_expect(
		strstr(text.data, "nginx            enforce  sealed         3      10     3h  exec exempt for 42 s\n"),
		"%s", text.data);
	cr_expect(strstr(text.data, "nginx            warn     starting       3 MISSING    90s\n"), "%s", text.data);
}

Test(status, the_mode_is_the_kernels)
{
	struct cfd_watched watched = sample("0123");

	cr_expect_str_eq(cfd_watch_mode(&watched), "enforce");
	watched.guard.flags = CFD_GUARD_LOG_ALLOWED;
	cr_expect_str_eq(cfd_watch_mode(&watched), "warn");
	watched.guard.flags = CFD_GUARD_RECORD;
	cr_expect_str_eq(cfd_watch_mode(&watched), "record");
	watched.governed = false;
	cr_expect_str_eq(cfd_watch_mode(&watched), "-");
}

static void place(struct cfd_watched *watched, struct cfd_record_volume *volumes)
{
	volumes[0] =
		(struct cfd_record_volume){.destination = TEXT("/data"), .source = TEXT("/srv/data"), .idmapped = true};
	volumes[1] = (struct cfd_record_volume){
		.destination = TEXT("/a\nb\x1b[2J"), .source = TEXT("/srv/\xe2\x80\xaex\"\xff"), .read_only = true};
	watched->record.range = (struct cfd_userns_range){.base = 1000000, .size = 131072};
	watched->record.layers = TEXT("overlay, 12 layers");
	watched->record.volumes = volumes;
	watched->record.volume_count = 2;
	watched->record.volumes_more = 3;
}

Test(status, it_is_told_where_a_container_lives_and_names_in_it_are_harmless)
{
	struct cfd_watched watched = sample("0123");
	struct cfd_record_volume volumes[2];
	CFD_AUTO_BUF struct cfd_buf text = {0}, bare = {0};

	place(&watched, volumes);
	cr_assert_eq(cfd_watch_place(&watched, &text), 0);
	cr_expect_str_eq(text.data, "  ids       1000000-1131071 on the host\n"
				    "  rootfs    overlay, 12 layers, idmapped\n"
				    "  volume    /data from /srv/data (idmapped)\n"
				    "  volume    /a?b?[2J from /srv/???x\"\xff (the host's ids, read-only)\n"
				    "  volume    and 3 more\n");
	watched = sample("0123");
	cr_assert_eq(cfd_watch_place(&watched, &bare), 0);
	cr_expect_str_eq(bare.data, "  ids       no range of cofferdam's\n");
}

Test(status, where_a_container_lives_is_json_too)
{
	static const struct cfd_json_options options = {.name = "place"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_watched watched = sample("0123");
	struct cfd_record_volume volumes[2];
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	const struct cfd_json *list;

	place(&watched, volumes);
	cr_assert_eq(cfd_watch_json(&watched, &text) || cfd_buf_add_string(&text, "}"), 0);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &doc, &err), 0, "%s: %s", err.message, text.data);
	list = cfd_json_get(cfd_json_root(doc), "volumes");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_root(doc), "rootfs")), "overlay, 12 layers");
	cr_assert_eq(cfd_json_count(list), 2);
	cr_expect(cfd_json_bool(cfd_json_get(cfd_json_at(list, 0), "idmapped")));
	cr_expect_str_eq(cfd_json_string(cfd_json_get(cfd_json_at(list, 1), "destination")), "/a\nb\x1b[2J");
	cr_expect(cfd_json_bool(cfd_json_get(cfd_json_at(list, 1), "read_only")));
	cr_expect_str_eq(cfd_json_number(cfd_json_get(cfd_json_root(doc), "volumes_more")), "3");
}

Test(status, ages_have_one_unit)
{
	static const struct {
		int64_t seconds;
		const char *age;
	} cases[] = {{-5, " 0s\n"},  {0, " 0s\n"},    {1, " 1s\n"},     {119, " 119s\n"},
		     {120, " 2m\n"}, {7200, " 2h\n"}, {172800, " 2d\n"}};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_watched watched = sample("0123");
		CFD_AUTO_BUF struct cfd_buf text = {0};

		watched.now = watched.record.created + cases[i].seconds;
		cr_assert_eq(cfd_watch_table(&watched, 1, &cfd_paint_none, &text), 0);
		cr_expect(cfd_ends_with(text.data, cases[i].age), "%s", text.data);
	}
}

Test(status, json_is_json)
{
	static const struct cfd_json_options options = {.name = "status"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_watched watched = sample("0123");
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	const struct cfd_json *part;

	watched.exempt[CFD_GUARD_PART_NET] = 7;
	watched.exemptions.net.reason = TEXT("OPS-1");
	cr_assert_eq(cfd_watch_json(&watched, &text), 0);
	cr_assert_eq(cfd_buf_add_string(&text, "}"), 0);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &doc, &err), 0, "%s: %s", err.message, text.data);
	part = cfd_json_get(cfd_json_get(cfd_json_root(doc), "decisions"), "net");
	cr_expect_str_eq(cfd_json_number(cfd_json_get(part, "denied")), "10");
	cr_expect_str_eq(cfd_json_number(cfd_json_get(part, "exempted")), "5");
	part = cfd_json_get(cfd_json_get(cfd_json_root(doc), "exempt"), "net");
	cr_expect_str_eq(cfd_json_string(cfd_json_get(part, "reason")), "OPS-1");
	cr_expect_null(cfd_json_get(cfd_json_get(cfd_json_root(doc), "exempt"), "exec"));
}

/* The grammar of the text exposition format 0.0.4, as far as it may be used here. */
struct checker {
	regex_t help, type, sample;
	char family[64]; /* whose samples may follow */
	struct cfd_buf families, samples;
	bool typed;
};

static void must_compile(regex_t *regex, const char *pattern)
{
	cr_assert_eq(regcomp(regex, pattern, REG_EXTENDED), 0);
}

static void start_checker(struct checker *checker)
{
	cr_assert_eq(cfd_buf_add_string(&checker->families, "") || cfd_buf_add_string(&checker->samples, ""), 0);
	must_compile(&checker->help, "^# HELP cofferdam_[a-z_]+ [^\\]+\\.$");
	must_compile(&checker->type, "^# TYPE cofferdam_[a-z_]+ (counter|gauge)$");
	must_compile(&checker->sample, "^cofferdam_[a-z_]+(\\{([a-z_]+=\"([^\"\\]|\\\\[\\\"n])*\",?)+\\})? [0-9]+$");
}

/* Each family once, HELP then TYPE then its samples; a counter's name ends in _total; no sample twice. */
static void check_line(struct checker *checker, const char *line)
{
	char name[64] = "", key[512];

	if (!regexec(&checker->help, line, 0, NULL, 0)) {
		sscanf(line, "# HELP %63s", checker->family);
		cr_expect_null(strstr(checker->families.data, checker->family), "twice: %s", line);
		cr_assert_eq(cfd_buf_addf(&checker->families, "%s ", checker->family), 0);
		checker->typed = false;
		return;
	}
	if (!regexec(&checker->type, line, 0, NULL, 0)) {
		sscanf(line, "# TYPE %63s", name);
		cr_expect_str_eq(name, checker->family);
		cr_expect_eq(cfd_ends_with(line, " counter"), cfd_ends_with(name, "_total"), "%s", line);
		checker->typed = true;
		return;
	}
	cr_assert_eq(regexec(&checker->sample, line, 0, NULL, 0), 0, "not in the format: %s", line);
	cr_expect(checker->typed, "no TYPE before %s", line);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "{ "), line);
	cr_expect_str_eq(name, checker->family);
	snprintf(key, sizeof(key), "\n%.*s ", (int)(strrchr(line, ' ') - line), line);
	cr_expect_null(strstr(checker->samples.data, key), "twice: %s", line);
	cr_assert_eq(cfd_buf_add_string(&checker->samples, key), 0);
}

Test(status, prometheus_understands_it)
{
	static struct checker checker;
	struct cfd_watched watched[3] = {sample("0123"), sample("4567"), sample("89ab")};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	char *cursor, *line;

	watched[1].governed = false;
	watched[2].record.container_name = watched[2].record.image = NULL;
	watched[2].record.profile = TEXT("\xff\xfe");
	start_checker(&checker);
	cr_assert_eq(cfd_watch_prometheus(watched, 3, &text), 0);
	cr_assert_eq(text.data[text.length - 1], '\n');
	cr_expect(strstr(text.data, "cofferdam_containers 3\n"));
	cr_expect(strstr(text.data,
			 "cofferdam_guard_decisions_total{id=\"0123\",name=\"web \\\"1\\\"\\\\\\n\",guard=\"net\","
			 "kind=\"send\",verdict=\"denied\"} 10\n"),
		  "%s", text.data);
	cr_expect(
		strstr(text.data, "cofferdam_guard_events_lost_total{id=\"0123\",name=\"web \\\"1\\\"\\\\\\n\"} 4\n"));
	cr_expect_null(strstr(text.data, "cofferdam_guard_events_lost_total{id=\"4567\""), "nothing is known of it");
	text.data[--text.length] = '\0';
	cursor = text.data;
	while ((line = strsep(&cursor, "\n")))
		check_line(&checker, line);
}

Test(status, prometheus_has_a_bounded_number_of_samples)
{
	struct cfd_watched watched = sample("0123");
	CFD_AUTO_BUF struct cfd_buf text = {0};
	size_t lines = 0;

	cr_assert_eq(cfd_watch_prometheus(&watched, 1, &text), 0);
	for (const char *c = text.data; *c; c++)
		lines += c[0] == '\n' && c[1] != '#' && c[1];
	cr_expect_eq(lines, 1 + 2 + 4 + 4 * CFD_GUARD_KINDS + 1 + 2);
}

Test(status, networks_and_ports_read_as_in_a_profile)
{
	static const struct {
		const char *address;
		unsigned bits;
		const char *text;
	} networks[] = {{"::ffff:10.0.0.0", 104, "10.0.0.0/8"},
			{"::ffff:192.0.2.7", 128, "192.0.2.7/32"},
			{"::ffff:0.0.0.0", 96, "0.0.0.0/0"},
			{"2001:db8::", 32, "2001:db8::/32"},
			{"::", 0, "::/0"}};
	static const struct {
		struct cfd_guard_range range;
		const char *text;
	} ports[] = {{{80, 80, 6, {0}}, "tcp/80"},
		     {{8000, 8010, 17, {0}}, "udp/8000-8010"},
		     {{0, 65535, 0, {0}}, "any"},
		     {{1, 65535, 6, {0}}, "tcp"},
		     {{53, 53, 0, {0}}, "any/53"}};

	for (size_t i = 0; i < CFD_COUNT(networks); i++) {
		struct cfd_guard_route_key key = {.bits = 64 + networks[i].bits};
		CFD_AUTO_BUF struct cfd_buf buf = {0};

		cr_assert_eq(inet_pton(AF_INET6, networks[i].address, &key.address), 1);
		cr_assert_eq(cfd_watch_network(&key, &buf), 0);
		cr_expect_str_eq(buf.data, networks[i].text);
	}
	for (size_t i = 0; i < CFD_COUNT(ports); i++) {
		CFD_AUTO_BUF struct cfd_buf buf = {0};

		cr_assert_eq(cfd_watch_ports(&ports[i].range, &buf), 0);
		cr_expect_str_eq(buf.data, ports[i].text);
	}
}
