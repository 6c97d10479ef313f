/* SPDX-License-Identifier: Apache-2.0 */
/* One option of a command line. */
#include "shim/options.h"

#include <errno.h>
#include <string.h>

static bool is_option(const struct cfd_option *option, const char *word, size_t name_length)
{
	if (word[0] == '-' && word[1] == '-')
		return option->name && strlen(option->name) == name_length - 2 &&
		       strncmp(option->name, word + 2, name_length - 2) == 0;
	return option->letter && name_length == 2 && word[1] == option->letter;
}

static int check_value(const struct cfd_option_found *found, const char *word, const char *given, struct cfd_error *err)
{
	unsigned kind = found->option->kind;

	if (kind == CFD_OPTION_VALUE && (!found->value || !*found->value))
		return cfd_fail(err, -EINVAL, "option %s needs a value", word);
	if (kind == CFD_OPTION_FLAG && given)
		return cfd_fail(err, -EINVAL, "option %.*s takes no value, but was given %s", (int)(given - word - 1),
				word, given);
	if (kind == CFD_OPTION_SWITCH && given && !cfd_streq(given, "true") && !cfd_streq(given, "false"))
		return cfd_fail(err, -EINVAL, "option %.*s is given %s, which is neither true nor false",
				(int)(given - word - 1), word, given);
	return 0;
}

int cfd_option_scan(char **argv, int index, const struct cfd_option *options, size_t count,
		    struct cfd_option_found *ret_found, struct cfd_error *err)
{
	const char *word = argv[index], *equals = strchr(word, '=');
	bool is_long = word[0] == '-' && word[1] == '-';
	const char *given = equals && is_long ? equals + 1 : NULL;
	size_t name_length = given ? (size_t)(equals - word) : strlen(word), i = 0;
	struct cfd_option_found found = {.value = given, .words = 1};
	int r;

	while (i < count && !is_option(&options[i], word, name_length))
		i++;
	if (i == count)
		return cfd_fail(err, -EINVAL,
				"option %s is not one that cofferdam-runtime knows of crun or runc; it is refused "
				"since it could hide what is to be judged",
				word);
	found.option = &options[i];
	if (found.option->kind == CFD_OPTION_VALUE && !given) {
		found.value = argv[index + 1];
		found.words = 2;
	}
	r = check_value(&found, word, given, err);
	if (!r)
		*ret_found = found;
	return r;
}
