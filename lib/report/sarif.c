/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 (OASIS, sarif-v2.1.0-errata01), for code scanning: one run, a rule for every rule or control, a result
 * for every finding. What an exception lets pass is suppressed; under a profile that only warns it is a warning.
 */
#include "lib/profile/profile.h"
#include "lib/report/checks.h"
#include "lib/report/place.h"
#include "lib/report/report.h"
#include "lib/rules/explain.h"
#include "lib/rules/rules.h"
#include "lib/standards/standards.h"
#include "lib/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

/* `,"key":{"text":"..."}` */
static int add_message(struct cfd_buf *buf, const char *key, const char *text)
{
	return cfd_buf_addf(buf, ",\"%s\":{\"text\":", key) || cfd_buf_add_json(buf, text) ||
	       cfd_buf_add_string(buf, "}");
}

/* RFC 3986: relative paths stay relative, absolute ones become file URIs; a colon in the first part is no scheme. */
static int add_uri(struct cfd_buf *buf, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	int r = cfd_buf_add_string(buf, "{\"uri\":\"") || (*path == '/' && cfd_buf_add_string(buf, "file://"));

	for (; !r && *path; path++)
		r = strchr(plain, *path) ? cfd_buf_add(buf, path, 1)
					 : cfd_buf_addf(buf, "%%%02X", (unsigned char)*path);
	return r || cfd_buf_add_string(buf, "\",\"index\":0}");
}

static int add_help(const struct cfd_report *report, const struct cfd_report_check *check, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf help = {0};

	if (!check->rule)
		return add_message(buf, "help", "doc/standards.md says how each control is decided.");
	if (check->rule->class == CFD_RULE_ALWAYS)
		return add_message(buf, "help", "Nothing lets it pass: no profile and no exception.");
	return cfd_buf_addf(&help, "To allow it, in %s: ", cfd_rule_example_file(check->rule)) ||
	       cfd_rule_add_example(check->rule, report->now, &help) || add_message(buf, "help", help.data);
}

static int add_rule(const struct cfd_report *report, const struct cfd_report_check *check, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf full = {0};
	int r = check->rule ? cfd_buf_addf(&full, "Refused is %s. Why: %s. Behind it: %s.", check->rule->refuses,
					   check->rule->why, check->rule->reference)
			    : cfd_buf_addf(&full, "%s, %s: %s.", cfd_report_title(report), check->id, check->title);

	return r || cfd_buf_add_string(buf, "{\"id\":") || cfd_buf_add_json(buf, check->id) ||
	       add_message(buf, "shortDescription", check->title) || add_message(buf, "fullDescription", full.data) ||
	       add_help(report, check, buf) ||
	       cfd_buf_add_string(buf, ",\"defaultConfiguration\":{\"level\":\"error\"},\"properties\":{\"tags\":["
				       "\"security\",\"container\"]}}");
}

static const char *level(const struct cfd_report *report)
{
	return report->judgement || report->verdict->profile->mode == CFD_MODE_ENFORCE ? "error" : "warning";
}

static int add_location(const struct cfd_report *report, const struct cfd_finding *finding, struct cfd_buf *buf)
{
	unsigned line, column;

	cfd_report_place(report->verdict->doc, finding->path, &line, &column);
	return cfd_buf_add_string(buf, ",\"locations\":[{\"physicalLocation\":{\"artifactLocation\":") ||
	       add_uri(buf, report->file) ||
	       cfd_buf_addf(buf,
			    ",\"region\":{\"startLine\":%u,\"startColumn\":%u}},\"logicalLocations\":[{"
			    "\"fullyQualifiedName\":",
			    line, column) ||
	       cfd_buf_add_json(buf, finding->path) || cfd_buf_add_string(buf, "}]}]");
}

static int add_suppression(const struct cfd_finding *finding, struct cfd_buf *buf)
{
	if (!finding->excepted)
		return 0;
	return cfd_buf_add_string(buf, ",\"suppressions\":[{\"kind\":\"external\",\"status\":\"accepted\"") ||
	       cfd_buf_add_member(buf, "justification", finding->exception->reason) || cfd_buf_add_string(buf, "}]");
}

static int add_result(const struct cfd_report *report, const struct cfd_report_check *check, size_t index,
		      const struct cfd_finding *finding, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_buf_addf(&text, "%s%s%s: %s", finding->path, *finding->value ? " " : "", finding->value,
			     finding->message) ||
		(finding->exception && cfd_verdict_exception_text(finding, &text));

	return r || cfd_buf_add_string(buf, "{\"ruleId\":") || cfd_buf_add_json(buf, check->id) ||
	       cfd_buf_addf(buf, ",\"ruleIndex\":%zu,\"level\":\"%s\"", index, level(report)) ||
	       add_message(buf, "message", text.data) || add_location(report, finding, buf) ||
	       add_suppression(finding, buf) || cfd_buf_add_string(buf, "}");
}

static int add_results(const struct cfd_report *report, const struct cfd_report_checks *checks, struct cfd_buf *buf)
{
	const char *comma = "";
	int r = 0;

	for (size_t c = 0; !r && c < checks->count; c++)
		for (size_t i = 0; !r && i < checks->values[c].count; i++, comma = ",")
			r = cfd_buf_add_string(buf, comma) ||
			    add_result(report, &checks->values[c], c, &checks->values[c].findings[i], buf);
	return r;
}

/* What did not fit into the list is told, not left out. */
static int add_notification(const struct cfd_report_checks *checks, struct cfd_buf *buf)
{
	size_t lost = checks->lost;

	for (size_t c = 0; c < checks->count; c++)
		lost += checks->values[c].total - checks->values[c].count;
	if (!lost)
		return 0;
	return cfd_buf_addf(buf,
			    ",\"toolExecutionNotifications\":[{\"level\":\"error\",\"message\":{\"text\":\"and %zu "
			    "more findings, which are not listed\"}}]",
			    lost);
}

static int add_run(const struct cfd_report *report, const struct cfd_report_checks *checks, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{"
				  "\"name\":\"cofferdam\",\"semanticVersion\":\"" CFD_VERSION "\",\"rules\":[");

	for (size_t c = 0; !r && c < checks->count; c++)
		r = (c && cfd_buf_add_string(buf, ",")) || add_rule(report, &checks->values[c], buf);
	return r ||
	       cfd_buf_addf(buf,
			    "]}},\"columnKind\":\"unicodeCodePoints\",\"invocations\":[{\"executionSuccessful\":true,"
			    "\"exitCode\":%d",
			    cfd_report_refused(report)) ||
	       add_notification(checks, buf) || cfd_buf_add_string(buf, "}],\"artifacts\":[{\"location\":") ||
	       add_uri(buf, report->file) ||
	       cfd_buf_add_string(buf, ",\"mimeType\":\"application/json\"}],\"results\":[") ||
	       add_results(report, checks, buf) || cfd_buf_add_string(buf, "]}]}");
}

int cfd_report_sarif(const struct cfd_report *report, struct cfd_buf *buf)
{
	CFD_AUTO(cfd_report_checks_release) struct cfd_report_checks checks = {0};
	int r = cfd_report_checks(report, &checks);

	return r || add_run(report, &checks, buf) ? -ENOMEM : 0;
}
