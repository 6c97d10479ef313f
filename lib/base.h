/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership, small comparisons and a growing buffer: what every other file starts from.
 *
 * Every owner is declared with a cleanup attribute and handed on with a take; nothing is freed by hand and nothing
 * jumps to a label. File descriptors start at -1 and are opened O_CLOEXEC.
 */
#ifndef CFD_BASE_H
#define CFD_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CFD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define CFD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An int that is closed when it goes out of scope, unless it is negative. errno survives. */
#define CFD_AUTO_FD __attribute__((cleanup(cfd_base_close)))
/* A pointer from malloc that is freed when it goes out of scope. */
#define CFD_AUTO_FREE __attribute__((cleanup(cfd_base_free)))
/* A struct cfd_buf that is released when it goes out of scope. */
#define CFD_AUTO_BUF __attribute__((cleanup(cfd_buf_release)))
/* Any other owner: CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL; */
#define CFD_AUTO(fn) __attribute__((cleanup(fn)))

void cfd_base_close(int *fd);
void cfd_base_free(void *pointer_to_pointer);

/* Hands the descriptor on: the variable forgets it. */
static inline int cfd_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Hands a pointer on: the variable forgets it. */
#define cfd_take(variable)                                                                                             \
	({                                                                                                             \
		__auto_type cfd_taken = (variable);                                                                    \
		(variable) = NULL;                                                                                     \
		cfd_taken;                                                                                             \
	})

/* Whole strings, byte for byte. NULL equals nothing, not even NULL. Most that are compared differ at once. */
static inline bool cfd_streq(const char *a, const char *b)
{
	return a && b && *a == *b && strcmp(a, b) == 0;
}

bool cfd_starts_with(const char *string, const char *prefix);
bool cfd_ends_with(const char *string, const char *suffix);

/* Puts a copy of the text into the slot, or NULL for NULL, and frees what was there. 0 or -ENOMEM. */
int cfd_string_replace(char **slot, const char *text);

/*
 * The length of the character at `text` if terminals and readers of logs obey it instead of showing it, else 0: control
 * characters (C0, DEL and, in UTF-8, C1), line separators, and those that turn the direction of the text around
 * (Unicode Standard Annex 9, 2: what stands before them would be read as what stands behind them).
 */
size_t cfd_control_sequence(const char *text);
/* Replaces the bytes of such characters by `?`; control characters that are in `kept` stay. */
void cfd_hide_control(char *text, const char *kept);

/* A decimal number without sign, spaces or leading zeros, at most `max`. Returns 0, or -EINVAL or -ERANGE. */
int cfd_parse_u64(const char *text, uint64_t max, uint64_t *ret_value);

/*
 * The length of the well-formed UTF-8 sequence at `s` (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing
 * above U+10FFFF), or 0. A NUL must stand behind the text; it counts as a sequence of one.
 */
size_t cfd_utf8_sequence(const unsigned char *s);
bool cfd_utf8_valid(const char *string);

/*
 * FNV-1a, 64 bits: names files and policies by content. It is no defence against someone who looks for a collision, so
 * whoever uses it compares the content too.
 */
#define CFD_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t cfd_hash(uint64_t start, const void *data, size_t length);

/*
 * A growing byte buffer, always followed by a NUL that `length` does not count. Zero-initialise it. The functions
 * return 0 or -ENOMEM, and after a failure the buffer is as it was.
 */
struct cfd_buf {
	char *data; /* NULL while empty */
	size_t length;
	size_t capacity;
};

int cfd_buf_add(struct cfd_buf *buf, const void *data, size_t length);
int cfd_buf_add_string(struct cfd_buf *buf, const char *string);
int cfd_buf_addf(struct cfd_buf *buf, const char *format, ...) CFD_PRINTF(2, 3);
int cfd_buf_vaddf(struct cfd_buf *buf, const char *format, va_list args) CFD_PRINTF(2, 0);
/* Adds the string as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the line stays JSON. */
int cfd_buf_add_json(struct cfd_buf *buf, const char *string);
/* Adds `,"key":"value"` in that way; nothing when the value is NULL. */
int cfd_buf_add_member(struct cfd_buf *buf, const char *key, const char *value);
void cfd_buf_release(struct cfd_buf *buf);

#endif
