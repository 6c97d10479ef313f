/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of values that come from files and annotations. */
#include "lib/shape.h"

#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_name_character(char c, bool first)
{
	return is_lower(c) || is_digit(c) || (!first && (c == '.' || c == '_' || c == '-'));
}

bool cfd_shape_path(const char *path)
{
	if (!path || !cfd_path_is_clean(path) || strlen(path) >= CFD_PATH_MAX)
		return false;
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return cfd_streq(path, "/") || !cfd_ends_with(path, "/");
}

bool cfd_shape_name(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	if (length == 0 || length > 64)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_name_character(name[i], i == 0))
			return false;
	return true;
}

bool cfd_shape_component(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length == 0 || length > 253)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_name_character(text[i], i == 0) && !(text[i] >= 'A' && text[i] <= 'Z'))
			return false;
	return true;
}

static bool is_label(const char *text, size_t length)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return length >= 1 && length <= 63 && strspn(text, all) >= length && text[0] != '-' && text[length - 1] != '-';
}

bool cfd_shape_host(const char *text)
{
	size_t length = 0;

	if (!text || strlen(text) > 253)
		return false;
	for (const char *label = text;; label += length + 1) {
		length = strcspn(label, ".");
		if (!is_label(label, length))
			return false;
		if (!label[length])
			return strspn(label, "0123456789") < length;
	}
}

bool cfd_shape_hex(const char *text, size_t digits)
{
	return text && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

bool cfd_shape_digest(const char *text)
{
	if (!text)
		return false;
	return (cfd_starts_with(text, "sha256:") && cfd_shape_hex(text + 7, 64)) ||
	       (cfd_starts_with(text, "sha512:") && cfd_shape_hex(text + 7, 128));
}

static int number_at(const char *text, size_t length)
{
	int value = 0;

	for (size_t i = 0; i < length; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

int cfd_shape_day(const char *text, int64_t *ret_seconds)
{
	struct tm day = {0}, back;
	time_t seconds;

	if (!text || strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -EINVAL;
	for (size_t i = 0; i < 10; i++)
		if (i != 4 && i != 7 && !is_digit(text[i]))
			return -EINVAL;
	day.tm_year = number_at(text, 4) - 1900;
	day.tm_mon = number_at(text + 5, 2) - 1;
	day.tm_mday = number_at(text + 8, 2);
	if (day.tm_year < 70)
		return -EINVAL;
	/* timegm moves 30 February into March; a day that comes back as another one does not exist. */
	back = day;
	seconds = timegm(&back);
	if (back.tm_mon != day.tm_mon || back.tm_mday != day.tm_mday)
		return -EINVAL;
	*ret_seconds = seconds;
	return 0;
}
