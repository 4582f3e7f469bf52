/* json_lines: text that grows by JSON objects, one a line. There is no tree and no library behind
 * it: a line costs a few copies, so that a load generator can afford one for each request. */

#ifndef MEC_JSON_LINES_H
#define MEC_JSON_LINES_H

#include <stddef.h>
#include <stdint.h>

struct json_lines { /* all 0 at first */
    char *text;
    size_t size;
    size_t capacity;
};

void json_lines_free(struct json_lines *lines); /* its content */

/* {"type":"TYPE" and }; what stands between them are members, each with its comma in front. */
void json_lines_begin(struct json_lines *lines, const char *type);
void json_lines_end(struct json_lines *lines);

/* ,"NAME": and a value; NULL is null. */
void json_lines_text(struct json_lines *lines, const char *name, const char *text);
void json_lines_number(struct json_lines *lines, const char *name, uint64_t number);
void json_lines_name(struct json_lines *lines, const char *name); /* the value is to follow */

/* Pieces of values: text as it is, a string with its quotes, the inside of a string, a number. What
 * is no UTF-8 in a string becomes U+FFFD, so that the line can be read all the same. */
void json_lines_put(struct json_lines *lines, const char *text);
void json_lines_put_string(struct json_lines *lines, const char *string);
void json_lines_put_escaped(struct json_lines *lines, const char *string, size_t size);
void json_lines_put_number(struct json_lines *lines, uint64_t number);

/* @thousandths of it, as a decimal number: 1500 is 1.5. */
void json_lines_put_thousandths(struct json_lines *lines, uint64_t thousandths);

#endif
