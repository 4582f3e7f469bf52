/* text: new formatted strings, and strings that grow. */

#ifndef MEC_TEXT_H
#define MEC_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* A new string that the caller frees. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* A string under construction; starts as zeros. @data is NULL until something is added. */
struct text {
    char *data;
    size_t size;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hand the string over ("" when nothing was added) and start anew. The caller frees it. */
char *text_take(struct text *text);

#endif
