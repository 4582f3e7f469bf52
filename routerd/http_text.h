/* http_text: a growing run of bytes and what an HTTP answer is made of. By hand, because printf
 * would cost more than all the rest of an answer. */

#ifndef MEC_HTTP_TEXT_H
#define MEC_HTTP_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct http_text {
    char *bytes;
    size_t size;
    size_t capacity;
};

/* Make room for @size more bytes. */
void http_text_reserve(struct http_text *text, size_t size);

void http_text_bytes(struct http_text *text, const char *bytes, size_t size);
void http_text_string(struct http_text *text, const char *string);
void http_text_number(struct http_text *text, uint64_t number);

/* A literal, whose length the compiler knows. */
#define http_text_literal(text, literal) http_text_bytes(text, "" literal, sizeof(literal) - 1)

/* A field's value that came from somewhere else: bytes that could end the field are left out. */
void http_text_value(struct http_text *text, const char *value);

/* Milliseconds with one decimal, rounded: 71900 -> "71.9". */
void http_text_milliseconds(struct http_text *text, uint64_t duration_us);

/* "Mon, 23 Nov 2026 03:13:09 GMT" (RFC 9110, 5.6.7). */
void http_text_date(struct http_text *text, uint64_t wall_s);

/* The inside of a JSON string. What is not UTF-8 becomes U+FFFD. */
void http_text_json(struct http_text *text, const char *string);

#endif
