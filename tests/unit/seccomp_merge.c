/* SPDX-License-Identifier: Apache-2.0 */
/* What two filters both allow: conditions, rules, and whole filters at random. */
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"
#include "lib/seccomp/filter.h"
#include "lib/seccomp/subset.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static uint32_t below(uint64_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 33) % limit;
}

static unsigned rounds(unsigned usual)
{
	const char *more = getenv("COFFERDAM_ROUNDS");

	return more ? (unsigned)strtoul(more, NULL, 10) : usual;
}

/* Values around which comparisons change: small ones, the top, and those with a bit of the upper half. */
static uint64_t random_value(uint64_t *seed)
{
	static const uint64_t bases[] = {0, 0, 0, UINT64_C(1) << 32, UINT64_MAX - 7, UINT32_MAX - 7};

	return bases[below(seed, CFD_COUNT(bases))] + below(seed, 8);
}

static struct cfd_seccomp_condition random_condition(uint64_t *seed)
{
	static const uint64_t masks[] = {UINT32_MAX, UINT64_MAX, 7, 3, 5, 6, UINT64_C(1) << 32 | 1, 0};
	struct cfd_seccomp_condition c = {.op = (enum cfd_seccomp_op)below(seed, CFD_SECCOMP_OPS),
					  .value = random_value(seed)};

	if (c.op == CFD_SECCOMP_MASKED_EQ) {
		c.value = masks[below(seed, CFD_COUNT(masks))];
		c.value_two = random_value(seed) & (below(seed, 8) ? c.value : UINT64_MAX);
	}
	return c;
}

static uint64_t nth_value(unsigned n)
{
	static const uint64_t bases[] = {0,
					 8,
					 UINT32_MAX - 7,
					 UINT64_C(1) << 32,
					 (UINT64_C(1) << 32) + 8,
					 UINT64_C(2) << 32,
					 UINT64_C(3) << 32,
					 UINT64_MAX - 15,
					 UINT64_MAX - 7,
					 UINT64_C(0xfffffffe00000000)};

	return bases[n / 8] + n % 8;
}

Test(seccomp_merge, two_conditions_become_one_that_says_the_same)
{
	unsigned total = rounds(200000), answers[3] = {0};
	uint64_t seed = 0x853c49e6748fea9b;

	for (unsigned n = 0; n < total; n++) {
		struct cfd_seccomp_condition a = random_condition(&seed), b = random_condition(&seed), both = {0};
		int r = cfd_seccomp_conjoin(&a, &b, &both);

		answers[r == -EOPNOTSUPP ? 2 : r]++;
		for (unsigned i = 0; i < 80 && r >= 0; i++) {
			uint64_t value = nth_value(i);
			bool expected =
				cfd_seccomp_condition_holds(&a, value) && cfd_seccomp_condition_holds(&b, value);

			cr_assert_eq(r == 1 && cfd_seccomp_condition_holds(&both, value), expected,
				     "%d(%#lx,%#lx) and %d(%#lx,%#lx) on %#lx", a.op, a.value, a.value_two, b.op,
				     b.value, b.value_two, value);
		}
	}
	for (unsigned i = 0; i < 3; i++)
		cr_expect_gt(answers[i], total / 20, "answer %u", i);
}

Test(seccomp_merge, combinations_that_matter_are_expressed)
{
	static const struct {
		struct cfd_seccomp_condition a, b;
		int expected;
		struct cfd_seccomp_condition both;
	} cases[] = {
		/* Docker's range of families and a family of ours; above 40 the high half does not matter to it */
		{{0, CFD_SECCOMP_LT, 38, 0}, {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 2}, 1, {0, CFD_SECCOMP_EQ, 2, 0}},
		{{0, CFD_SECCOMP_LT, 38, 0}, {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 38}, 0, {0}},
		{{0, CFD_SECCOMP_GT, 40, 0},
		 {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 44},
		 1,
		 {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 44}},
		{{0, CFD_SECCOMP_GT, 40, 0}, {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 2}, -EOPNOTSUPP, {0}},
		{{0, CFD_SECCOMP_NE, 16, 0},
		 {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 2},
		 1,
		 {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 2}},
		{{0, CFD_SECCOMP_NE, 16, 0}, {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 16}, -EOPNOTSUPP, {0}},
		{{0, CFD_SECCOMP_EQ, 16, 0}, {0, CFD_SECCOMP_MASKED_EQ, UINT32_MAX, 16}, 1, {0, CFD_SECCOMP_EQ, 16, 0}},
		{{0, CFD_SECCOMP_GE, 3, 0}, {0, CFD_SECCOMP_LE, 3, 0}, 1, {0, CFD_SECCOMP_EQ, 3, 0}},
		{{0, CFD_SECCOMP_GE, 3, 0}, {0, CFD_SECCOMP_LE, 4, 0}, -EOPNOTSUPP, {0}},
		{{0, CFD_SECCOMP_GE, 3, 0}, {0, CFD_SECCOMP_GT, 3, 0}, 1, {0, CFD_SECCOMP_GT, 3, 0}},
		{{0, CFD_SECCOMP_LT, 0, 0}, {0, CFD_SECCOMP_NE, 7, 0}, 0, {0}},
		{{0, CFD_SECCOMP_GT, UINT64_MAX, 0}, {0, CFD_SECCOMP_NE, 7, 0}, 0, {0}},
		{{0, CFD_SECCOMP_MASKED_EQ, 6, 4},
		 {0, CFD_SECCOMP_MASKED_EQ, 3, 1},
		 1,
		 {0, CFD_SECCOMP_MASKED_EQ, 7, 5}},
		{{0, CFD_SECCOMP_MASKED_EQ, 6, 4}, {0, CFD_SECCOMP_MASKED_EQ, 3, 2}, 0, {0}},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		for (int turn = 0; turn < 2; turn++) {
			struct cfd_seccomp_condition both = {0};
			int r = turn ? cfd_seccomp_conjoin(&cases[i].b, &cases[i].a, &both)
				     : cfd_seccomp_conjoin(&cases[i].a, &cases[i].b, &both);

			cr_expect_eq(r, cases[i].expected, "case %zu", i);
			if (r == 1)
				cr_expect(memcmp(&both, &cases[i].both, sizeof(both)) == 0, "case %zu: %d %#lx %#lx", i,
					  both.op, both.value, both.value_two);
		}
	}
}

static void add(struct cfd_seccomp_filter *filter, const char *name, uint32_t action, unsigned count, ...)
{
	struct cfd_seccomp_rule rule = {.name = name, .action = action, .count = count};
	struct cfd_error err = {0};
	va_list conditions;

	va_start(conditions, count);
	for (unsigned i = 0; i < count; i++)
		rule.conditions[i] = va_arg(conditions, struct cfd_seccomp_condition);
	va_end(conditions);
	cr_assert_eq(cfd_seccomp_filter_add(filter, &rule, &err), 0);
}

/* The action that the filter's rules for the call come to, or 0 when there is none without conditions. */
static uint32_t whole_action(const struct cfd_seccomp_filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->rule_count; i++)
		if (cfd_streq(filter->rules[i].name, name) && !filter->rules[i].count)
			return filter->rules[i].action;
	return 0;
}

#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define EQUALS(arg, n) ((struct cfd_seccomp_condition){(arg), CFD_SECCOMP_EQ, (n), 0})

Test(seccomp_merge, the_stricter_side_decides_and_the_profiles_errno_wins)
{
	static const struct {
		uint32_t engine, profile, expected; /* 0: no rule */
	} cases[] = {
		{SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW},
		{SECCOMP_RET_ALLOW, 0, 0},
		{0, SECCOMP_RET_ALLOW, 0},
		{SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG},
		{SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_LOG},
		{SECCOMP_RET_ALLOW, ERRNO(38), ERRNO(38)},
		{ERRNO(22), SECCOMP_RET_ALLOW, ERRNO(22)},
		{ERRNO(22), ERRNO(38), ERRNO(38)},
		{ERRNO(22), 0, ERRNO(22)},
		{0, ERRNO(38), ERRNO(38)},
		{SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS},
		{0, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_THREAD},
		{SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS},
		{SECCOMP_RET_TRAP, ERRNO(1), SECCOMP_RET_TRAP},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter engine = {.default_action = ERRNO(9)};
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter profile = {.default_action = ERRNO(1)};
		CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter merged = {0};
		struct cfd_error err = {0};

		if (cases[i].engine)
			add(&engine, "read", cases[i].engine, 0);
		if (cases[i].profile)
			add(&profile, "read", cases[i].profile, 0);
		cr_assert_eq(cfd_seccomp_merge(&engine, &profile, &merged, &err), 0);
		cr_expect_eq(merged.default_action, ERRNO(1), "case %zu", i);
		cr_expect_eq(whole_action(&merged, "read"), cases[i].expected, "case %zu", i);
	}
}

Test(seccomp_merge, conditions_of_both_sides_must_hold)
{
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter engine = {.default_action = ERRNO(1)};
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter profile = {.default_action = SECCOMP_RET_TRAP};
	CFD_AUTO(cfd_seccomp_filter_release) struct cfd_seccomp_filter merged = {0};
	struct cfd_error err = {0};

	add(&engine, "socket", SECCOMP_RET_ALLOW, 1, EQUALS(0, 2));
	add(&engine, "socket", SECCOMP_RET_ALLOW, 1, EQUALS(0, 1));
	add(&profile, "socket", SECCOMP_RET_ALLOW, 1, EQUALS(2, 0));
	add(&profile, "socket", SECCOMP_RET_ALLOW, 2, EQUALS(0, 3), EQUALS(2, 7));
	cr_assert_eq(cfd_seccomp_merge(&engine, &profile, &merged, &err), 0);
	cr_expect_eq(merged.default_action, SECCOMP_RET_TRAP);
	cr_assert_eq(merged.rule_count, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(merged.rules[i].count, 2);
		cr_expect_eq(merged.rules[i].conditions[0].index, 0);
		cr_expect_eq(merged.rules[i].conditions[1].index, 2);
		cr_expect_neq(merged.rules[i].conditions[0].value, 3);
	}
}

Test(seccomp_merge, flags_that_relax_must_be_in_both)
{
	static const struct {
		bool engine_has, profile_has;
		unsigned engine, profile, expected;
	} cases[] = {
		{false, false, 0, 0, 0},
		{true, false, CFD_SECCOMP_FLAG_SPEC_ALLOW, 0, CFD_SECCOMP_FLAG_SPEC_ALLOW},
		{true, true, CFD_SECCOMP_FLAG_SPEC_ALLOW, 0, 0},
		{true, true, CFD_SECCOMP_FLAG_SPEC_ALLOW | 1, CFD_SECCOMP_FLAG_SPEC_ALLOW,
		 CFD_SECCOMP_FLAG_SPEC_ALLOW | 1},
		{true, true, 1, 2, 3},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_seccomp_filter engine = {.default_action = ERRNO(1), .has_flags = cases[i].engine_has};
		struct cfd_seccomp_filter profile = {.default_action = ERRNO(1), .has_flags = cases[i].profile_has};
		struct cfd_seccomp_filter merged = {0};
		struct cfd_error err = {0};

		engine.flags = cases[i].engine;
		profile.flags = cases[i].profile;
		cr_assert_eq(cfd_seccomp_merge(&engine, &profile, &merged, &err), 0);
		cr_expect_eq(merged.flags, cases[i].expected, "case %zu", i);
		cr_expect_eq(merged.has_flags, cases[i].engine_has || cases[i].profile_has, "case %zu", i);
		cfd_seccomp_filter_release(&merged);
	}
}

/* A few rules for one call; one action a side, as overlapping rules of different actions have no defined meaning. */
static void random_filter(uint64_t *seed, struct cfd_seccomp_filter *filter)
{
	static const unsigned indexes[] = {0, 1};
	uint32_t action = below(seed, 4) ? SECCOMP_RET_ALLOW : SECCOMP_RET_LOG;

	filter->default_action = below(seed, 4) ? ERRNO(1) : SECCOMP_RET_KILL_THREAD;
	for (unsigned i = 0, count = 1 + below(seed, 4); i < count; i++) {
		struct cfd_seccomp_rule rule = {.name = "socket", .action = action, .count = below(seed, 3)};
		struct cfd_error err = {0};

		for (unsigned k = 0; k < rule.count; k++) {
			rule.conditions[k] = random_condition(seed);
			rule.conditions[k].index = indexes[rule.count == 1 ? below(seed, 2) : k];
		}
		cr_assert_eq(cfd_seccomp_filter_add(filter, &rule, &err), 0);
	}
}

/* The laxest action of those rules that fit, or the default. */
static uint32_t evaluate(const struct cfd_seccomp_filter *filter, const uint64_t args[2])
{
	uint32_t action = filter->default_action;
	bool any = false;

	for (size_t i = 0; i < filter->rule_count; i++) {
		const struct cfd_seccomp_rule *rule = &filter->rules[i];
		bool fits = true;

		for (unsigned k = 0; k < rule->count && fits; k++)
			fits = cfd_seccomp_condition_holds(&rule->conditions[k], args[rule->conditions[k].index]);
		if (fits && (!any || cfd_subset_strictness(rule->action) > cfd_subset_strictness(action)))
			action = rule->action;
		any = any || fits;
	}
	return action;
}

Test(seccomp_merge, random_filters_never_become_looser)
{
	const int32_t limit = cfd_subset_strictness(SECCOMP_RET_ERRNO);
	unsigned total = rounds(3000), allowed_by_both = 0, allowed = 0;
	uint64_t seed = 0xda3e39cb94b95bdb;

	for (unsigned n = 0; n < total; n++) {
		CFD_AUTO(cfd_seccomp_filter_release)
		struct cfd_seccomp_filter engine = {0}, profile = {0}, merged = {0};
		struct cfd_error err = {0};

		random_filter(&seed, &engine);
		random_filter(&seed, &profile);
		cr_assert_eq(cfd_seccomp_merge(&engine, &profile, &merged, &err), 0, "%s", err.message);
		for (unsigned i = 0; i < 80 * 80; i += 1 + i % 3) {
			const uint64_t args[2] = {nth_value(i % 80), nth_value(i / 80)};
			int32_t e = cfd_subset_strictness(evaluate(&engine, args));
			int32_t p = cfd_subset_strictness(evaluate(&profile, args));
			int32_t m = cfd_subset_strictness(evaluate(&merged, args));

			cr_assert(m <= e && m <= p, "round %u: %#lx %#lx", n, args[0], args[1]);
			allowed_by_both += e > limit && p > limit;
			allowed += m > limit;
		}
	}
	cr_log_info("of %u calls that both allow, the merged filters allow %u", allowed_by_both, allowed);
	cr_expect_gt(allowed, allowed_by_both / 2, "merging must not deny everything");
}

/* The same through libseccomp, whose faults are found by the proof: build, or refuse, but never hand out a looser one.
 */
Test(seccomp_merge, random_filters_are_proved_or_refused, .timeout = 300)
{
	unsigned total = rounds(150) > 3000 ? 3000 : rounds(150), compared = 0, held = 0, calls = 0;
	uint64_t seed = 0x6a09e667f3bcc909;

	for (unsigned n = 0; n < total; n++) {
		struct cfd_seccomp_filter filters[3] = {0};
		struct cfd_subset_program programs[3] = {0};
		struct cfd_subset_result results[2] = {0};
		struct cfd_error err = {0};
		int r;

		random_filter(&seed, &filters[0]);
		random_filter(&seed, &filters[1]);
		r = cfd_seccomp_merge(&filters[0], &filters[1], &filters[2], &err);
		for (unsigned i = 0; i < 3 && !r; i++) {
			CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;

			cr_assert_eq(cfd_seccomp_filter_write(&filters[i], &doc, &err), 0);
			r = cfd_seccomp_compile(cfd_json_root(doc), &programs[i], &err);
		}
		for (unsigned i = 0; i < 2 && !r; i++)
			r = cfd_subset_compare(&programs[2], &programs[i], &results[i], &err);
		compared += !r;
		held += !r && results[0].holds && results[1].holds;
		for (unsigned i = 0; i < 400 && !r; i++) {
			struct seccomp_data call = {SYS_socket,
						    AUDIT_ARCH_X86_64,
						    0,
						    {nth_value(below(&seed, 80)), nth_value(below(&seed, 80))}};
			uint32_t action[3] = {0};

			for (unsigned k = 0; k < 3; k++)
				cr_assert_eq(cfd_subset_run(&programs[k], &call, &action[k]), 0);
			for (unsigned k = 0; k < 2; k++)
				cr_assert(!results[k].holds ||
						  cfd_subset_strictness(action[2]) <= cfd_subset_strictness(action[k]),
					  "round %u: proved, and yet looser", n);
			calls++;
		}
		for (unsigned i = 0; i < 3; i++) {
			cfd_subset_release(&programs[i]);
			cfd_seccomp_filter_release(&filters[i]);
		}
	}
	cr_log_info("%u pairs compared, %u proved, %u calls followed", compared, held, calls);
	cr_expect_gt(held, total / 2);
}
