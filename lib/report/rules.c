/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' rows, for people and for programs. */
#include "lib/report/rules.h"

#include "lib/paint.h"
#include "lib/rules/explain.h"
#include "lib/rules/rules.h"
#include "lib/standards/standards.h"

#include <errno.h>
#include <string.h>

#define INDENT 4
#define WIDTH 78
#define WIDEST_ID 32

static const char *const classes[] = {
	[CFD_RULE_NEVER] = "exception",
	[CFD_RULE_ALLOWED] = "profile",
	[CFD_RULE_ADMIN] = "cofferdam.json",
	[CFD_RULE_ALWAYS] = "nothing",
};

static int add_group(const struct cfd_rule_group *group, const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "%s%s%s%s", buf->length ? "\n\n" : "", paint->place, group->name, paint->end);

	for (size_t i = 0; !r && i < group->count; i++)
		r = cfd_buf_addf(buf, "\n  %s%-*s%s %s", paint->name, WIDEST_ID, group->rules[i].id, paint->end,
				 group->rules[i].refuses);
	return r;
}

int cfd_report_rules_text(const struct cfd_paint *paint, struct cfd_buf *buf)
{
	int r = 0;

	for (size_t g = 0; !r && cfd_rule_groups[g]; g++)
		r = add_group(cfd_rule_groups[g], paint, buf);
	return r;
}

static int add_heading(struct cfd_buf *buf, const struct cfd_paint *paint, const char *heading)
{
	return cfd_buf_addf(buf, "%s%s%s%s\n", buf->length ? "\n" : "", paint->place, heading, paint->end);
}

/* The text in lines of at most WIDTH, indented; ends with a newline. */
static int add_wrapped(struct cfd_buf *buf, const char *text)
{
	size_t column = 0;
	int r = 0;

	while (!r && *text) {
		size_t word = strcspn(text, " ");
		bool fits = column && column + 1 + word <= WIDTH;

		r = !column ? cfd_buf_addf(buf, "%*s", INDENT, "")
		    : fits  ? cfd_buf_add_string(buf, " ")
			    : cfd_buf_addf(buf, "\n%*s", INDENT, "");
		if (!r)
			r = cfd_buf_add(buf, text, word);
		column = (fits ? column + 1 : INDENT) + word;
		text += word + strspn(text + word, " ");
	}
	return r ? r : cfd_buf_add_string(buf, "\n");
}

/* Parts of a reference stand behind "; ". */
static int add_references(struct cfd_buf *buf, const char *references)
{
	int r = 0;

	while (!r && *references) {
		const char *end = strstr(references, "; ");
		size_t length = end ? (size_t)(end - references) : strlen(references);

		r = cfd_buf_addf(buf, "%*s%.*s\n", INDENT, "", (int)length, references);
		references += length + (end ? strlen("; ") : 0);
	}
	return r;
}

typedef int add_control(struct cfd_buf *buf, const struct cfd_standard *standard, const struct cfd_control *control,
			size_t before);

/* Calls for each control that the rule decides or helps to decide; `ret_count` is how many there were. */
static int each_control(struct cfd_buf *buf, const struct cfd_rule *rule, add_control *add, size_t *ret_count)
{
	int r = 0;

	*ret_count = 0;
	for (size_t s = 0; !r && cfd_standards[s]; s++)
		for (size_t i = 0; !r && i < cfd_standard_count(cfd_standards[s]); i++) {
			const struct cfd_control *control = cfd_standard_control(cfd_standards[s], i);

			if (cfd_control_has_rule(control, rule->id))
				r = add(buf, cfd_standards[s], control, (*ret_count)++);
		}
	return r;
}

static int add_control_line(struct cfd_buf *buf, const struct cfd_standard *standard, const struct cfd_control *control,
			    size_t before)
{
	(void)before;
	return cfd_buf_addf(buf, "%*s%s %s: %s\n", INDENT, "", standard->name, control->id, control->name);
}

static int add_controls(struct cfd_buf *buf, const struct cfd_paint *paint, const struct cfd_rule *rule)
{
	CFD_AUTO_BUF struct cfd_buf lines = {0};
	size_t count;
	int r = each_control(&lines, rule, add_control_line, &count);

	if (r || !count)
		return r;
	return add_heading(buf, paint, "CONTROLS OF STANDARDS") || cfd_buf_add_string(buf, lines.data);
}

static int add_allow(struct cfd_buf *buf, const struct cfd_rule *rule, int64_t now)
{
	static const char *const how[] = {
		[CFD_RULE_NEVER] =
			"Only an exception with a reason and an expiry lets it pass; VALUE is what the refusal "
			"names behind the path. In a profile:",
		[CFD_RULE_ALLOWED] = "In a profile, for example:",
		[CFD_RULE_ALWAYS] = "Nothing lets it pass: no profile, not one that only warns, and no exception.",
		[CFD_RULE_ADMIN] = "The administrator of the host allows it, in cofferdam.json, for example:",
	};

	int r = add_wrapped(buf, how[rule->class]);

	if (r || rule->class == CFD_RULE_ALWAYS)
		return r;
	return cfd_buf_addf(buf, "\n%*s", 2 * INDENT, "") || cfd_rule_add_example(rule, now, buf);
}

int cfd_report_rule_text(const struct cfd_rule *rule, const struct cfd_paint *paint, int64_t now, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf page = {0};
	bool failed = add_heading(&page, paint, "RULE") ||
		      cfd_buf_addf(&page, "%*s%s%s%s\n", INDENT, "", paint->name, rule->id, paint->end) ||
		      add_heading(&page, paint, "REFUSES") || add_wrapped(&page, rule->refuses) ||
		      add_heading(&page, paint, "WHY") || add_wrapped(&page, rule->why) ||
		      add_heading(&page, paint, "BEHIND IT") || add_references(&page, rule->reference) ||
		      add_controls(&page, paint, rule) || add_heading(&page, paint, "TO ALLOW IT") ||
		      add_allow(&page, rule, now) || cfd_buf_add_string(buf, page.data);

	return failed ? -ENOMEM : 0;
}

static int add_control_json(struct cfd_buf *buf, const struct cfd_standard *standard, const struct cfd_control *control,
			    size_t before)
{
	return cfd_buf_addf(buf, "%s{\"standard\":\"%s\"", before ? "," : "", standard->name) ||
	       cfd_buf_add_member(buf, "control", control->id) || cfd_buf_add_string(buf, "}");
}

int cfd_report_rule_json(const struct cfd_rule *rule, int64_t now, struct cfd_buf *buf)
{
	CFD_AUTO_BUF struct cfd_buf example = {0};
	size_t count;
	bool failed = cfd_buf_add_string(&example, "{") || cfd_rule_add_example(rule, now, &example) ||
		      cfd_buf_add_string(&example, "}") || cfd_buf_add_string(buf, "{\"id\":") ||
		      cfd_buf_add_json(buf, rule->id) || cfd_buf_add_member(buf, "refuses", rule->refuses) ||
		      cfd_buf_add_member(buf, "why", rule->why) ||
		      cfd_buf_add_member(buf, "reference", rule->reference) ||
		      cfd_buf_add_member(buf, "allowed_by", classes[rule->class]) ||
		      cfd_buf_addf(buf, ",\"example\":%s,\"controls\":[", example.data) ||
		      each_control(buf, rule, add_control_json, &count) || cfd_buf_add_string(buf, "]}");

	return failed ? -ENOMEM : 0;
}

int cfd_report_rules_json(int64_t now, struct cfd_buf *buf)
{
	const char *before = "[";
	int r = 0;

	for (size_t g = 0; !r && cfd_rule_groups[g]; g++)
		for (size_t i = 0; !r && i < cfd_rule_groups[g]->count; i++, before = ",")
			r = cfd_buf_add_string(buf, before) ||
			    cfd_report_rule_json(&cfd_rule_groups[g]->rules[i], now, buf);
	return r || cfd_buf_add_string(buf, "]") ? -ENOMEM : 0;
}
