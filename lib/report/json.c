/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object: the verdict as the audit log has it, or the controls of a standard. */
#include "lib/audit.h"
#include "lib/report/checks.h"
#include "lib/report/report.h"
#include "lib/rules/rules.h"
#include "lib/standards/standards.h"

#include <errno.h>

static int add_rules(const struct cfd_control *control, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, ",\"rules\":[");

	for (const char *const *id = control->rules; !r && id && *id; id++)
		r = cfd_buf_addf(buf, "%s\"%s\"", id == control->rules ? "" : ",", *id);
	return r || cfd_buf_addf(buf, "],\"own\":%s", control->check ? "true" : "false");
}

static int add_findings(const struct cfd_findings *findings, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, ",\"total\":%zu,\"findings\":[", findings->total);

	for (size_t i = 0; !r && i < findings->count; i++) {
		const struct cfd_finding *finding = &findings->values[i];

		r = cfd_buf_add_string(buf, i ? ",{\"path\":" : "{\"path\":") || cfd_buf_add_json(buf, finding->path) ||
		    cfd_buf_add_member(buf, "value", finding->value) ||
		    cfd_buf_add_member(buf, "message", finding->message) ||
		    cfd_buf_add_member(buf, "rule", finding->rule ? finding->rule->id : NULL) ||
		    cfd_buf_add_string(buf, "}");
	}
	return r || cfd_buf_add_string(buf, "]");
}

static int add_control(const struct cfd_control_result *result, struct cfd_buf *buf)
{
	const struct cfd_control *control = result->control;

	return cfd_buf_add_string(buf, "{\"id\":") || cfd_buf_add_json(buf, control->id) ||
	       cfd_buf_add_member(buf, "name", control->name) ||
	       cfd_buf_add_member(buf, "status", cfd_control_status_name(cfd_control_status(result))) ||
	       cfd_buf_addf(buf, ",\"decidable\":%s", control->elsewhere ? "false" : "true") ||
	       cfd_buf_add_member(buf, "reason", cfd_control_reason(result)) || add_rules(control, buf) ||
	       add_findings(&result->findings, buf) || cfd_buf_add_string(buf, "}");
}

static int add_judgement(const struct cfd_judgement *judgement, const char *verdict, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, "{\"type\":\"judgement\"") ||
		cfd_buf_add_member(buf, "standard", judgement->standard->name) ||
		cfd_buf_add_member(buf, "title", judgement->standard->title) ||
		cfd_buf_add_member(buf, "verdict", verdict) || cfd_buf_add_string(buf, ",\"controls\":[");

	for (size_t i = 0; !r && i < judgement->count; i++)
		r = (i && cfd_buf_add_string(buf, ",")) || add_control(&judgement->results[i], buf);
	return r || cfd_buf_add_string(buf, "]}") ? -ENOMEM : 0;
}

int cfd_report_json(const struct cfd_report *report, struct cfd_buf *buf)
{
	if (report->judgement)
		return add_judgement(report->judgement, cfd_report_refused(report) ? "fails" : "passes", buf);
	return cfd_audit_verdict_line("check", report->verdict, buf);
}
