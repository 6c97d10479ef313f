/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit's XML, as CI systems read it (tests/junit.xsd): a test case for every rule or control. What stands against it
 * is a failure; what an exception lets pass, what only a warning would be said about and what does not apply is
 * skipped.
 */
#include "lib/profile/profile.h"
#include "lib/report/checks.h"
#include "lib/report/report.h"
#include "lib/rules/rules.h"
#include "lib/verdict.h"

#include <errno.h>
#include <string.h>

struct tally {
	size_t tests, failures, skipped;
};

/* Of one byte that means something in XML: what stands for it; NULL for all others. */
static const char *entity(char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\n':
		return "&#10;";
	case '\t':
		return "&#9;";
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

/* XML 1.0, 2.2: no other control characters, nor U+FFFE and U+FFFF, in whatever way they are written. */
static bool is_legal(const char *text, size_t length)
{
	return length && (length > 1 || (unsigned char)*text >= 0x20) &&
	       !(length == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0));
}

/* Text or an attribute's value. What XML cannot have becomes U+FFFD. */
static int add_text(struct cfd_buf *buf, const char *text)
{
	int r = 0;

	while (!r && *text) {
		size_t length = cfd_utf8_sequence((const unsigned char *)text);
		const char *instead = entity(*text);

		if (instead)
			r = cfd_buf_add_string(buf, instead);
		else if (is_legal(text, length))
			r = cfd_buf_add(buf, text, length);
		else
			r = cfd_buf_add_string(buf, "\xef\xbf\xbd");
		text += length ? length : 1;
	}
	return r;
}

/* ` name="value"` */
static int add_attribute(struct cfd_buf *buf, const char *name, const char *value)
{
	return cfd_buf_addf(buf, " %s=\"", name) || add_text(buf, value) || cfd_buf_add_string(buf, "\"");
}

static bool only_warns(const struct cfd_report *report)
{
	return !cfd_report_refused(report) && !report->judgement && report->verdict->profile->mode != CFD_MODE_ENFORCE;
}

/* Why the case is skipped, or NULL when it is not. */
static const char *skipped(const struct cfd_report *report, const struct cfd_report_check *check)
{
	if (check->inapplicable)
		return check->inapplicable;
	if (!check->count)
		return NULL;
	if (!cfd_report_check_against(check))
		return "exceptions of the profile let it pass";
	return only_warns(report) ? "the profile only warns" : NULL;
}

static int add_findings(const struct cfd_report_check *check, struct cfd_buf *buf)
{
	int r = 0;

	for (size_t i = 0; !r && i < check->count; i++) {
		const struct cfd_finding *finding = &check->findings[i];
		CFD_AUTO_BUF struct cfd_buf line = {0};

		r = cfd_buf_addf(&line, "%s%s%s: %s", finding->path, *finding->value ? " " : "", finding->value,
				 finding->message) ||
		    (finding->exception && cfd_verdict_exception_text(finding, &line)) || add_text(buf, line.data) ||
		    cfd_buf_add_string(buf, "\n");
	}
	if (!r && check->total > check->count)
		r = cfd_buf_addf(buf, "and %zu more\n", check->total - check->count);
	return r;
}

static int add_case(const struct cfd_report *report, const struct cfd_report_check *check, struct tally *tally,
		    struct cfd_buf *buf)
{
	const char *why = skipped(report, check);
	int r = cfd_buf_add_string(buf, "  <testcase") || add_attribute(buf, "classname", check->group) ||
		add_attribute(buf, "name", check->id);

	tally->tests++;
	if (r || (!why && !check->count))
		return r || cfd_buf_add_string(buf, "/>\n");
	if (why) {
		tally->skipped++;
		return cfd_buf_add_string(buf, ">\n    <skipped") || add_attribute(buf, "message", why) ||
		       cfd_buf_add_string(buf, ">") || add_findings(check, buf) ||
		       cfd_buf_add_string(buf, "</skipped>\n  </testcase>\n");
	}
	tally->failures++;
	return cfd_buf_add_string(buf, ">\n    <failure") || add_attribute(buf, "message", check->title) ||
	       add_attribute(buf, "type", check->id) || cfd_buf_add_string(buf, ">") || add_findings(check, buf) ||
	       cfd_buf_add_string(buf, "</failure>\n  </testcase>\n");
}

/* Findings that did not fit belong to nobody knows which rule. */
static int add_lost(const struct cfd_report *report, size_t lost, struct tally *tally, struct cfd_buf *buf)
{
	const char *element = only_warns(report) ? "skipped" : "failure";

	if (!lost)
		return 0;
	tally->tests++;
	*(only_warns(report) ? &tally->skipped : &tally->failures) += 1;
	return cfd_buf_addf(
		buf,
		"  <testcase classname=\"cofferdam\" name=\"more\">\n    <%s message=\"%zu more findings, which "
		"are not listed\"/>\n  </testcase>\n",
		element, lost);
}

static int add_counts(const struct tally *tally, struct cfd_buf *buf)
{
	return cfd_buf_addf(buf, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", tally->tests,
			    tally->failures, tally->skipped);
}

static int add_properties(const struct cfd_report *report, struct cfd_buf *buf)
{
	const struct cfd_verdict *verdict = report->verdict;
	const struct {
		const char *name, *value;
	} rows[] = {
		{"file", report->file},
		{"image", verdict->image.name},
		{"profile", verdict->profile ? verdict->profile->name : NULL},
	};
	int r = cfd_buf_add_string(buf, "  <properties>\n");

	for (size_t i = 0; !r && i < CFD_COUNT(rows); i++)
		if (rows[i].value)
			r = cfd_buf_addf(buf, "    <property name=\"%s\"", rows[i].name) ||
			    add_attribute(buf, "value", rows[i].value) || cfd_buf_add_string(buf, "/>\n");
	return r || cfd_buf_add_string(buf, "  </properties>\n");
}

static int add_suites(const struct cfd_report *report, const struct cfd_report_checks *checks, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf cases = {0};
	struct tally tally = {0};
	int r = 0;

	for (size_t c = 0; !r && c < checks->count; c++)
		r = add_case(report, &checks->values[c], &tally, &cases);
	return r || add_lost(report, checks->lost, &tally, &cases) ||
	       cfd_buf_add_string(buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites") ||
	       add_counts(&tally, buf) || cfd_buf_add_string(buf, " <testsuite") ||
	       add_attribute(buf, "name", cfd_report_title(report)) || add_counts(&tally, buf) ||
	       add_properties(report, buf) || cfd_buf_add_string(buf, cases.data) ||
	       cfd_buf_add_string(buf, " </testsuite>\n</testsuites>");
}

int cfd_report_junit(const struct cfd_report *report, struct cfd_buf *buf)
{
	CFD_AUTO(cfd_report_checks_release) struct cfd_report_checks checks = {0};
	int r = cfd_report_checks(report, &checks);

	return r || add_suites(report, &checks, buf) ? -ENOMEM : 0;
}
