/* SPDX-License-Identifier: Apache-2.0 */
/* Formats of reports: places in the text, values that want to break out of them, counts, colours. */
#include "lib/json/json.h"
#include "lib/paint.h"
#include "lib/profile/profile.h"
#include "lib/report/place.h"
#include "lib/report/report.h"
#include "lib/report/rules.h"
#include "lib/rules/rules.h"
#include "lib/verdict.h"

#include <criterion/criterion.h>
#include <string.h>

static struct cfd_json_doc *parse(const char *text)
{
	const struct cfd_json_options options = {.name = "config.json"};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_parse(text, strlen(text), &options, &doc, &err), 0, "%s", err.message);
	return doc;
}

Test(report, a_place_is_that_of_the_value_or_of_what_is_around_it)
{
	static const struct {
		const char *path;
		unsigned line, column;
	} cases[] = {
		{"linux", 2, 2},
		{"mounts[1].source", 4, 13},
		{"mounts[1].options[0]", 4, 40},
		{"mounts[7].source", 3, 2},
		{"mounts", 3, 2},
		{"linux.resources.memory.limit", 2, 2},
		{"annotations[\"a.b\"]", 5, 18},
		{"annotations[\"x\"]\"]", 5, 30},
		{"annotations[\"absent\"]", 5, 2},
		{"annotations[\"x", 5, 2},
		{"mounts[x]", 3, 2},
		{"", 1, 1},
		{"nothing", 1, 1},
	};
	CFD_AUTO(cfd_json_doc_freep)
	struct cfd_json_doc *doc = parse("{\n"
					 " \"linux\": {},\n"
					 " \"mounts\": [{},\n"
					 "           {\"source\": \"/\", \"options\": [\"ro\"]}],\n"
					 " \"annotations\": {\"a.b\": \"c\", \"x\\\"]\": \"d\"}\n"
					 "}");

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		unsigned line = 0, column = 0;

		cfd_report_place(doc, cases[i].path, &line, &column);
		cr_expect(line == cases[i].line && column == cases[i].column, "%s: %u:%u", cases[i].path, line, column);
	}
}

struct subject {
	struct cfd_verdict verdict;
	struct cfd_profile profile;
	struct cfd_report report;
};

static void set_up(struct subject *subject)
{
	*subject = (struct subject){
		.verdict = CFD_VERDICT_INIT,
		.profile = {.name = (char *)"p", .mode = CFD_MODE_ENFORCE},
		.report = {.file = "config.json", .paint = &cfd_paint_none},
	};
	subject->verdict.doc = parse("{}");
	subject->verdict.profile = &subject->profile;
	subject->verdict.refused = true;
	subject->report.verdict = &subject->verdict;
}

static void tear_down(struct subject *subject)
{
	subject->verdict.profile = NULL;
	cfd_verdict_release(&subject->verdict);
}

static void add(struct subject *subject, const char *rule, const char *value)
{
	struct cfd_error err = {0};

	cr_assert_eq(
		cfd_findings_add(&subject->verdict.findings, cfd_rule_find(rule), value, &err, "m", "%s", "mounts"), 0);
}

static void expect_in(const struct subject *subject, const char *format, const char *expected)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	cr_assert_eq(cfd_report_format_find(format)->write(&subject->report, &text), 0);
	cr_expect_not_null(strstr(text.data, expected), "%s: no\n%s\nin\n%s", format, expected, text.data);
}

Test(report, no_value_breaks_out_of_xml)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{"</failure>&\"'", "mounts &lt;/failure&gt;&amp;&quot;': m"},
		{"\x1b[2J\n", "mounts \\x1b[2J\\x0a: m"},
		{"\xff\xc3", "mounts \xef\xbf\xbd\xef\xbf\xbd: m"},
		{"\xef\xbf\xbf\xef\xbf\xbe", "mounts \xef\xbf\xbd\xef\xbf\xbd: m"},
		{"\xc3\xa9\xf0\x9f\x90\x8b", "mounts \xc3\xa9\xf0\x9f\x90\x8b: m"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct subject subject;

		set_up(&subject);
		add(&subject, "mount.host-path", cases[i].value);
		expect_in(&subject, "junit", cases[i].expected);
		tear_down(&subject);
	}
}

Test(report, an_attribute_keeps_its_lines_and_has_no_control_characters)
{
	struct subject subject;

	set_up(&subject);
	subject.report.file = "a\nb\"<\x01.json";
	expect_in(&subject, "junit", "name=\"file\" value=\"a&#10;b&quot;&lt;\xef\xbf\xbd.json\"/>");
	tear_down(&subject);
}

Test(report, a_path_becomes_a_uri)
{
	static const struct {
		const char *path, *uri;
	} cases[] = {
		{"config.json", "{\"uri\":\"config.json\",\"index\":0}"},
		{"/srv/a b/config.json", "{\"uri\":\"file:///srv/a%20b/config.json\",\"index\":0}"},
		{"c:/%\"\xc3\xa9", "{\"uri\":\"c%3A/%25%22%C3%A9\",\"index\":0}"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct subject subject;

		set_up(&subject);
		subject.report.file = cases[i].path;
		add(&subject, "mount.host-path", "v");
		expect_in(&subject, "sarif", cases[i].uri);
		tear_down(&subject);
	}
}

/* Findings of two rules: one of the first is excepted, both of the second are. */
static void add_excepted(struct subject *subject, struct cfd_profile_exception *exception)
{
	static const char *const rules[] = {"mount.host-path", "mount.host-path", "process.cwd"};

	for (size_t i = 0; i < CFD_COUNT(rules); i++)
		add(subject, rules[i], "v");
	for (size_t i = 1; i < CFD_COUNT(rules); i++) {
		subject->verdict.findings.values[i].exception = exception;
		subject->verdict.findings.values[i].excepted = true;
	}
}

Test(report, what_an_exception_lets_pass_is_no_failure)
{
	struct cfd_profile_exception exception = {.reason = (char *)"OPS-91", .expires = 86400};
	struct subject subject;

	set_up(&subject);
	add_excepted(&subject, &exception);
	expect_in(&subject, "junit", " failures=\"1\" errors=\"0\" skipped=\"1\">");
	expect_in(&subject, "junit",
		  "<skipped message=\"exceptions of the profile let it pass\">mounts v: m (passes: exception by OPS-91 "
		  "until "
		  "1970-01-01)");
	expect_in(&subject, "sarif",
		  "\"suppressions\":[{\"kind\":\"external\",\"status\":\"accepted\",\"justification\":\"OPS-91\"}]");
	expect_in(&subject, "sarif", "\"exitCode\":1");
	tear_down(&subject);
}

Test(report, a_profile_that_only_warns_fails_nothing)
{
	struct subject subject;

	set_up(&subject);
	subject.profile.mode = CFD_MODE_WARN;
	subject.verdict.refused = false;
	add(&subject, "mount.host-path", "v");
	expect_in(&subject, "junit", " failures=\"0\" errors=\"0\" skipped=\"1\">");
	expect_in(&subject, "sarif", "\"level\":\"warning\",\"message\"");
	expect_in(&subject, "sarif", "\"exitCode\":0");
	tear_down(&subject);
}

Test(report, findings_that_do_not_fit_are_told)
{
	struct subject subject;

	set_up(&subject);
	for (size_t i = 0; i < CFD_FINDINGS_MAX + 3; i++)
		add(&subject, "mount.host-path", "v");
	expect_in(&subject, "junit", "<failure message=\"3 more findings, which are not listed\"/>");
	expect_in(&subject, "junit", " failures=\"2\" ");
	expect_in(&subject, "sarif",
		  "\"toolExecutionNotifications\":[{\"level\":\"error\",\"message\":{\"text\":\"and 3 more");
	tear_down(&subject);
}

Test(report, every_rule_has_a_page_and_json_that_parses)
{
	CFD_AUTO_BUF struct cfd_buf all = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	size_t count = 0;

	cr_assert_eq(cfd_report_rules_json(0, &all), 0);
	doc = parse(all.data);
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++, count++) {
			const struct cfd_json *object = cfd_json_at(cfd_json_root(doc), count);
			CFD_AUTO_BUF struct cfd_buf page = {0};

			cr_assert_eq(cfd_report_rule_text(&cfd_rule_groups[g]->rules[i], &cfd_paint_none, 0, &page), 0);
			cr_expect_not_null(strstr(page.data, "\nTO ALLOW IT\n"));
			cr_expect_null(strchr(page.data, '\033'));
			cr_expect_str_eq(cfd_json_string(cfd_json_get(object, "id")), cfd_rule_groups[g]->rules[i].id);
		}
	cr_expect_eq(cfd_json_count(cfd_json_root(doc)), count);
}
