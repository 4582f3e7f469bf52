/* text: small checks and forms of text that several services share. */

#ifndef MEC_TEXT_H
#define MEC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice.h"

#define TEXT_TIME_SIZE 32

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates) without control bytes. */
bool text_is_clean(struct slice text);

/* Printable ASCII, blanks included. */
bool text_is_ascii(struct slice text);

/* @wall_us as RFC 3339 in UTC with milliseconds. Returns @ret_text. */
char *text_time(uint64_t wall_us, char ret_text[TEXT_TIME_SIZE]);

#endif
