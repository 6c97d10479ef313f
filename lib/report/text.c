/* SPDX-License-Identifier: Apache-2.0 */
/* For people: the verdict as the runtime's log has it, or one line for each control of a standard. */
#include "lib/paint.h"
#include "lib/report/checks.h"
#include "lib/report/report.h"
#include "lib/rules/rules.h"
#include "lib/standards/standards.h"
#include "lib/verdict.h"

#include <string.h>

static int add_why(const struct cfd_control_result *result, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const struct cfd_finding *first = result->findings.values;
	int r;

	if (cfd_control_status(result) == CFD_CONTROL_NOT_APPLICABLE)
		return cfd_buf_addf(buf, ": %s%s", result->control->elsewhere ? "not in config.json: " : "",
				    cfd_control_reason(result));
	if (!result->findings.count)
		return 0;
	r = cfd_buf_addf(buf, ": %s%s%s%s%s: %s", paint->place, first->path, paint->end, *first->value ? " " : "",
			 first->value, first->message);
	if (!r && result->findings.total > 1)
		r = cfd_buf_addf(buf, " (and %zu more)", result->findings.total - 1);
	return r;
}

static int add_control(const struct cfd_control_result *result, const struct cfd_paint *paint, int width,
		       struct cfd_buf *buf)
{
	static const char *const words[] = {"PASS", "FAIL", "n/a "};
	const char *const colours[] = {paint->good, paint->bad, paint->unsure};
	enum cfd_control_status status = cfd_control_status(result);
	int r = cfd_buf_addf(buf, "%s%s%s  %s%-*s%s  %s", colours[status], words[status], paint->end, paint->name,
			     width, result->control->id, paint->end, result->control->name);

	if (!r)
		r = add_why(result, paint, buf);
	return r ? r : cfd_buf_add_string(buf, "\n");
}

static int add_judgement(const struct cfd_judgement *judgement, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	const size_t *tally = judgement->tally;
	bool fails = tally[CFD_CONTROL_FAILS] > 0;
	int width = 0, r = 0;

	for (size_t i = 0; i < judgement->count; i++)
		if ((int)strlen(judgement->results[i].control->id) > width)
			width = (int)strlen(judgement->results[i].control->id);
	for (size_t i = 0; !r && i < judgement->count; i++)
		r = add_control(&judgement->results[i], paint, width, buf);
	if (r)
		return r;
	return cfd_buf_addf(buf, "cofferdam: %s%s%s %s: %zu pass, %zu fail, %zu not applicable",
			    fails ? paint->bad : paint->good, fails ? "fails" : "passes", paint->end,
			    judgement->standard->title, tally[CFD_CONTROL_PASSES], tally[CFD_CONTROL_FAILS],
			    tally[CFD_CONTROL_NOT_APPLICABLE]);
}

int cfd_report_text(const struct cfd_report *report, struct cfd_buf *buf)
{
	if (report->judgement)
		return add_judgement(report->judgement, report->paint, buf);
	return cfd_verdict_text(report->verdict, "check", report->paint, buf);
}
