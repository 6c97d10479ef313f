/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ways.h"

#include <criterion/criterion.h>

static const struct {
	const char *features; /* shortened from what the runtimes print */
	bool userns_first;
} answers[] = {
	{"", true},                                                                    /* crun 1.8.1 */
	{"{\"ociVersionMin\":\"1.0.0\",\"linux\":{\"namespaces\":[\"user\"]}}", true}, /* runc 1.1 */
	{"{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":true}}}}", false},   /* runc 1.2, crun 1.21 */
	{"{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":false}}}}", true},
	{"{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":\"true\"}}}}", true},
	{"{\"linux\":{\"mountExtensions\":{\"idmap\":true}}}", true},
	{"{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":true}}}", true}, /* cut off */
	{"{\"linux\":[]}", true},
	{"[]", true},
};

Test(ways, joins_the_user_namespace_first_unless_it_says_that_it_is_newer)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		cr_expect_eq(cfd_ways_told(CFD_WAY_USERNS_FIRST, answers[i].features), answers[i].userns_first, "%s",
			     answers[i].features);
}
