/* SPDX-License-Identifier: Apache-2.0 */
/* The error contract. */
#include "lib/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(struct cfd_error *err)
{
	memcpy(err->message + sizeof(err->message) - 4, "...", 4);
}

/* A failure that forgot its code (an errno that was not set) must not come out as success. */
static int failure(int code)
{
	return code < 0 ? code : -EIO;
}

static int format_message(struct cfd_error *err, int code, const char *format, va_list args)
{
	int length = vsnprintf(err->message, sizeof(err->message), format, args);

	err->code = failure(code);
	if (length >= (int)sizeof(err->message))
		mark_cut(err);
	cfd_hide_control(err->message, "\n");
	return err->code;
}

int cfd_fail(struct cfd_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	code = format_message(err, code, format, args);
	va_end(args);
	return code;
}

int cfd_fail_errno(struct cfd_error *err, int code, const char *format, ...)
{
	size_t length;
	va_list args;

	va_start(args, format);
	code = format_message(err, code, format, args);
	va_end(args);
	length = strlen(err->message);
	if (snprintf(err->message + length, sizeof(err->message) - length, ": %s", strerrordesc_np(-code)) >=
	    (int)(sizeof(err->message) - length))
		mark_cut(err);
	return code;
}

int cfd_wrap(struct cfd_error *err, const char *format, ...)
{
	char context[512];
	size_t length, room;
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context) - 2, format, args);
	va_end(args);
	length = strlen(context);
	memcpy(context + length, ": ", 2);
	length += 2;
	room = sizeof(err->message) - length;
	if (strlen(err->message) >= room) {
		memmove(err->message + length, err->message, room - 1);
		mark_cut(err);
	} else {
		memmove(err->message + length, err->message, strlen(err->message) + 1);
	}
	memcpy(err->message, context, length);
	cfd_hide_control(err->message, "\n");
	err->code = failure(err->code);
	return err->code;
}

int cfd_fail_memory(struct cfd_error *err, const char *what)
{
	return cfd_fail(err, -ENOMEM, "out of memory for %s", what);
}
