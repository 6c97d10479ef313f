/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two seccomp filters both allow, as rules.
 *
 * Theory of operation. Both defaults deny, so the result denies by default too, with the stricter of the two, and needs
 * rules only for calls on which both sides say something, and for denials that are stricter than its default or that
 * name an errno of their own. For one call each side is a list of alternatives (conjunctions of conditions), or one
 * unconditional rule, which for libseccomp replaces the others. The result has a rule for every pair: the conditions of
 * both, with the stricter action. Two conditions on one argument must become one, because the runtimes take a rule that
 * names an argument twice for alternatives: where no single comparison says the same, the pair is left out, that is,
 * denied. So the result is never meant to be looser; lib/seccomp/seccomp.c proves that it is not.
 */
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RULES_OF_CALL 512

/* The rules of one call on one side. */
struct side {
	const struct cfd_seccomp_rule *rules;
	size_t count;
};

struct merging {
	struct side engine, profile;
	uint32_t default_action;
	struct cfd_seccomp_rule rules[MAX_RULES_OF_CALL];
	size_t count;
};

/* The values that satisfy a plain comparison, first to last; false for NE and masks, and where there are none. */
static bool to_interval(const struct cfd_seccomp_condition *c, uint64_t *first, uint64_t *last)
{
	*first = 0;
	*last = UINT64_MAX;
	switch (c->op) {
	case CFD_SECCOMP_LT:
		*last = c->value - 1;
		return c->value > 0;
	case CFD_SECCOMP_LE:
		*last = c->value;
		return true;
	case CFD_SECCOMP_EQ:
		*first = *last = c->value;
		return true;
	case CFD_SECCOMP_GE:
		*first = c->value;
		return true;
	case CFD_SECCOMP_GT:
		*first = c->value + 1;
		return c->value < UINT64_MAX;
	default:
		return false;
	}
}

bool cfd_seccomp_condition_holds(const struct cfd_seccomp_condition *c, uint64_t argument)
{
	uint64_t first, last;

	if (c->op == CFD_SECCOMP_NE)
		return argument != c->value;
	if (c->op == CFD_SECCOMP_MASKED_EQ)
		return (argument & c->value) == c->value_two;
	return to_interval(c, &first, &last) && argument >= first && argument <= last;
}

static bool never_holds(const struct cfd_seccomp_condition *c)
{
	uint64_t first, last;

	if (c->op == CFD_SECCOMP_NE)
		return false;
	if (c->op == CFD_SECCOMP_MASKED_EQ)
		return c->value_two & ~c->value;
	return !to_interval(c, &first, &last);
}

static int equal_to(unsigned index, uint64_t value, struct cfd_seccomp_condition *ret)
{
	*ret = (struct cfd_seccomp_condition){.index = index, .op = CFD_SECCOMP_EQ, .value = value};
	return 1;
}

static int conjoin_intervals(const struct cfd_seccomp_condition *a, const struct cfd_seccomp_condition *b,
			     struct cfd_seccomp_condition *ret)
{
	uint64_t a_first, a_last, b_first, b_last, first, last;

	to_interval(a, &a_first, &a_last);
	to_interval(b, &b_first, &b_last);
	first = a_first > b_first ? a_first : b_first;
	last = a_last < b_last ? a_last : b_last;
	if (first > last)
		return 0;
	if (first == last)
		return equal_to(a->index, first, ret);
	if (first != 0 && last != UINT64_MAX)
		return -EOPNOTSUPP;
	*ret = first == a_first && last == a_last ? *a : *b;
	return 1;
}

/* With a mask: the values rise from value_two in steps that the lowest bit outside of the mask gives at first. */
static int conjoin_mask(const struct cfd_seccomp_condition *mask, const struct cfd_seccomp_condition *other,
			struct cfd_seccomp_condition *ret)
{
	uint64_t first, last, smallest = mask->value_two, largest = mask->value_two | ~mask->value;
	uint64_t next = smallest | (~mask->value & -~mask->value);

	*ret = *mask;
	if (other->op == CFD_SECCOMP_MASKED_EQ) {
		if ((mask->value_two ^ other->value_two) & mask->value & other->value)
			return 0;
		ret->value |= other->value;
		ret->value_two |= other->value_two;
		return 1;
	}
	if (other->op == CFD_SECCOMP_NE)
		return cfd_seccomp_condition_holds(mask, other->value) ? -EOPNOTSUPP : 1;
	to_interval(other, &first, &last);
	if (largest < first || smallest > last)
		return 0;
	if (first <= smallest && largest <= last)
		return 1;
	if (first <= smallest && (next > last || next == smallest))
		return equal_to(mask->index, smallest, ret);
	return -EOPNOTSUPP;
}

int cfd_seccomp_conjoin(const struct cfd_seccomp_condition *a, const struct cfd_seccomp_condition *b,
			struct cfd_seccomp_condition *ret_both)
{
	if (never_holds(a) || never_holds(b))
		return 0;
	for (int turn = 0; turn < 2; turn++) {
		const struct cfd_seccomp_condition *one = turn ? b : a, *other = turn ? a : b;

		if (one->op == CFD_SECCOMP_EQ) {
			*ret_both = *one;
			return cfd_seccomp_condition_holds(other, one->value);
		}
	}
	if (a->op == CFD_SECCOMP_MASKED_EQ)
		return conjoin_mask(a, b, ret_both);
	if (b->op == CFD_SECCOMP_MASKED_EQ)
		return conjoin_mask(b, a, ret_both);
	if (a->op != CFD_SECCOMP_NE && b->op != CFD_SECCOMP_NE)
		return conjoin_intervals(a, b, ret_both);
	if (a->op == CFD_SECCOMP_NE && b->op == CFD_SECCOMP_NE) {
		*ret_both = *a;
		return a->value == b->value ? 1 : -EOPNOTSUPP;
	}
	*ret_both = a->op == CFD_SECCOMP_NE ? *b : *a;
	return cfd_seccomp_condition_holds(ret_both, (a->op == CFD_SECCOMP_NE ? a : b)->value) ? -EOPNOTSUPP : 1;
}

/* The conditions of both, in the order of the arguments; as cfd_seccomp_conjoin. */
static int conjoin_rules(const struct cfd_seccomp_rule *a, const struct cfd_seccomp_rule *b,
			 struct cfd_seccomp_rule *ret)
{
	unsigned i = 0, k = 0;

	ret->count = 0;
	while (i < a->count || k < b->count) {
		const struct cfd_seccomp_condition *x = i < a->count ? &a->conditions[i] : NULL;
		const struct cfd_seccomp_condition *y = k < b->count ? &b->conditions[k] : NULL;
		struct cfd_seccomp_condition *to = &ret->conditions[ret->count++];
		int r = 1;

		if (x && y && x->index == y->index)
			r = cfd_seccomp_conjoin(x, y, to);
		else
			*to = !y || (x && x->index < y->index) ? *x : *y;
		if (r < 1)
			return r;
		i += x && to->index == x->index;
		k += y && to->index == y->index;
	}
	return 1;
}

/* The stricter of the two; of two that are alike the explicit one, and of two explicit ones the profile's. */
static uint32_t stricter(uint32_t engine, bool engine_says, uint32_t profile, bool profile_says)
{
	int32_t e = cfd_subset_strictness(engine), p = cfd_subset_strictness(profile);

	if (e != p)
		return e < p ? engine : profile;
	return engine_says && !profile_says ? engine : profile;
}

static bool same_conditions(const struct cfd_seccomp_rule *a, const struct cfd_seccomp_rule *b)
{
	return a->count == b->count && memcmp(a->conditions, b->conditions, a->count * sizeof(a->conditions[0])) == 0;
}

/* Whether every call that `a` fits is one that `b` fits. */
static bool implies(const struct cfd_seccomp_rule *a, const struct cfd_seccomp_rule *b)
{
	struct cfd_seccomp_rule both = {0};

	return conjoin_rules(a, b, &both) == 1 && same_conditions(a, &both);
}

/* Keeps the rule unless it says what the default says or another rule has said; one pair of conditions, one action. */
static int keep(struct merging *m, const struct cfd_seccomp_rule *rule, struct cfd_error *err)
{
	if (rule->action == m->default_action)
		return 0;
	for (size_t i = 0; i < m->count; i++) {
		struct cfd_seccomp_rule *kept = &m->rules[i];

		if (same_conditions(kept, rule)) {
			if (cfd_subset_strictness(rule->action) < cfd_subset_strictness(kept->action))
				kept->action = rule->action;
			return 0;
		}
		if (kept->action == rule->action && implies(rule, kept))
			return 0;
		if (kept->action == rule->action && implies(kept, rule)) {
			m->rules[i] = m->rules[--m->count];
			i--;
		}
	}
	if (m->count == MAX_RULES_OF_CALL)
		return cfd_fail(err, -E2BIG,
				"the engine's seccomp filter and the profile have more than %d combinations of rules "
				"for %s; use "
				"fewer argument rules",
				MAX_RULES_OF_CALL, rule->name);
	m->rules[m->count++] = *rule;
	return 0;
}

/*
 * What a side denies is denied whatever the other says, with the errno that it names. Where a pair below comes to the
 * same conditions it is denied as well, so nothing is lost.
 */
static int keep_denials(struct merging *m, const struct side *side, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; i < side->count && !r; i++)
		if (cfd_subset_strictness(side->rules[i].action) <= cfd_subset_strictness(m->default_action))
			r = keep(m, &side->rules[i], err);
	return r;
}

static int merge_call(struct merging *m, struct cfd_error *err)
{
	int r = keep_denials(m, &m->profile, err);

	if (!r)
		r = keep_denials(m, &m->engine, err);
	for (size_t i = 0; i < m->engine.count * m->profile.count && !r; i++) {
		const struct cfd_seccomp_rule *e = &m->engine.rules[i / m->profile.count];
		const struct cfd_seccomp_rule *p = &m->profile.rules[i % m->profile.count];
		struct cfd_seccomp_rule both = {.name = p->name, .action = stricter(e->action, true, p->action, true)};

		if (conjoin_rules(e, p, &both) == 1)
			r = keep(m, &both, err);
	}
	return r;
}

static int compare_rules(const void *a, const void *b)
{
	const struct cfd_seccomp_rule *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A copy by name, so that the rules of one call are neighbours. */
static struct cfd_seccomp_rule *sorted(const struct cfd_seccomp_filter *filter)
{
	struct cfd_seccomp_rule *rules = calloc(filter->rule_count + 1, sizeof(*rules));

	if (rules && filter->rule_count) {
		memcpy(rules, filter->rules, filter->rule_count * sizeof(*rules));
		qsort(rules, filter->rule_count, sizeof(*rules), compare_rules);
	}
	return rules;
}

/* The rules of the call, or none; an unconditional one, the strictest if there are several, stands for all. */
static struct side take_side(struct cfd_seccomp_rule **next, const struct cfd_seccomp_rule *end, const char *name)
{
	struct side side = {.rules = *next};
	struct cfd_seccomp_rule *whole = NULL;

	for (; *next < end && cfd_streq((*next)->name, name); ++*next) {
		side.count++;
		if ((*next)->count)
			continue;
		if (!whole || cfd_subset_strictness((*next)->action) < cfd_subset_strictness(whole->action))
			whole = *next;
	}
	if (whole) {
		side.rules = whole;
		side.count = 1;
	}
	return side;
}

static int merge_rules(const struct cfd_seccomp_filter *engine, const struct cfd_seccomp_filter *profile,
		       struct cfd_seccomp_filter *filter, struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_seccomp_rule *e = sorted(engine), *p = sorted(profile);
	CFD_AUTO_FREE struct merging *m = calloc(1, sizeof(*m));
	struct cfd_seccomp_rule *next_e = e, *next_p = p, *end_e, *end_p;
	int r = 0;

	if (!e || !p || !m)
		return cfd_fail_memory(err, "merging seccomp filters");
	end_e = e + engine->rule_count;
	end_p = p + profile->rule_count;
	m->default_action = filter->default_action;
	while (!r && (next_e < end_e || next_p < end_p)) {
		const char *name = next_p == end_p || (next_e < end_e && strcmp(next_e->name, next_p->name) < 0)
					   ? next_e->name
					   : next_p->name;

		m->count = 0;
		m->engine = take_side(&next_e, end_e, name);
		m->profile = take_side(&next_p, end_p, name);
		r = merge_call(m, err);
		for (size_t i = 0; i < m->count && !r; i++)
			r = cfd_seccomp_filter_add(filter, &m->rules[i], err);
	}
	return r;
}

/* The engine's flags where the profile has none, and the reverse; both: SPEC_ALLOW, which relaxes, only if in both. */
static void merge_flags(const struct cfd_seccomp_filter *engine, const struct cfd_seccomp_filter *profile,
			struct cfd_seccomp_filter *filter)
{
	const unsigned spec_allow = CFD_SECCOMP_FLAG_SPEC_ALLOW;

	filter->has_flags = engine->has_flags || profile->has_flags;
	filter->flags = engine->flags | profile->flags;
	if (engine->has_flags && profile->has_flags)
		filter->flags &= ~spec_allow | (engine->flags & profile->flags);
}

int cfd_seccomp_merge(const struct cfd_seccomp_filter *engine, const struct cfd_seccomp_filter *profile,
		      struct cfd_seccomp_filter *ret_filter, struct cfd_error *err)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter filter = {0};
	int r;

	filter.default_action = stricter(engine->default_action, false, profile->default_action, false);
	for (size_t i = 0; i < profile->architecture_count; i++) {
		bool both = i == 0; /* the native one comes first and is in every filter */

		for (size_t k = 0; k < engine->architecture_count && !both; k++)
			both = cfd_streq(profile->architectures[i], engine->architectures[k]);
		if (both)
			filter.architectures[filter.architecture_count++] = profile->architectures[i];
	}
	merge_flags(engine, profile, &filter);
	r = merge_rules(engine, profile, &filter, err);
	if (r)
		return r;
	*ret_filter = filter;
	filter.rules = NULL;
	return 0;
}
