#include "sim/json_lines.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define FIRST_CAPACITY (64u * 1024u)

static char *reserve(struct json_lines *lines, size_t size)
{
    if (lines->size + size > lines->capacity) {
        size_t doubled = 2 * lines->capacity;

        lines->capacity = doubled > lines->size + size ? doubled : lines->size + size;
        if (lines->capacity < FIRST_CAPACITY)
            lines->capacity = FIRST_CAPACITY;
        lines->text = memory_grow(lines->text, lines->capacity);
    }
    return lines->text + lines->size;
}

static void put_bytes(struct json_lines *lines, const char *bytes, size_t size)
{
    memcpy(reserve(lines, size), bytes, size);
    lines->size += size;
}

void json_lines_put(struct json_lines *lines, const char *text)
{
    put_bytes(lines, text, strlen(text));
}

void json_lines_put_number(struct json_lines *lines, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put_bytes(lines, digits + at, sizeof(digits) - at);
}

/* The length of the UTF-8 character at @text, or 0 when it is none (RFC 3629, section 4). */
static size_t character_size(const unsigned char *text, size_t left)
{
    size_t size = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    bool is_start = text[0] < 0x80 || (text[0] >= 0xc2 && text[0] <= 0xf4);

    if (!is_start || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if (size < 3)
        return size;
    bool is_overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    bool is_surrogate = text[0] == 0xed && text[1] >= 0xa0;
    bool is_beyond = text[0] == 0xf4 && text[1] >= 0x90;
    return is_overlong || is_surrogate || is_beyond ? 0 : size;
}

static void put_control(struct json_lines *lines, unsigned char byte)
{
    char escape[8];
    int size = snprintf(escape, sizeof(escape), "\\u%04x", byte);

    assert(size == 6);
    put_bytes(lines, escape, 6);
}

/* One character that does not stand for itself, or is not ASCII. Returns its length. */
static size_t put_special(struct json_lines *lines, const unsigned char *text, size_t left)
{
    size_t size = character_size(text, left);

    if (size == 0)
        json_lines_put(lines, "\xef\xbf\xbd");
    else if (text[0] < 0x20)
        put_control(lines, text[0]);
    else if (text[0] == '"' || text[0] == '\\')
        json_lines_put(lines, text[0] == '"' ? "\\\"" : "\\\\");
    else
        put_bytes(lines, (const char *)text, size);
    return size == 0 ? 1 : size;
}

/* How many bytes stand for themselves. */
static size_t plain_size(const unsigned char *text, size_t size)
{
    size_t plain = 0;

    while (plain < size && text[plain] >= 0x20 && text[plain] < 0x80 && text[plain] != '"' &&
           text[plain] != '\\')
        plain++;
    return plain;
}

void json_lines_put_escaped(struct json_lines *lines, const char *string, size_t string_size)
{
    const unsigned char *text = (const unsigned char *)string;

    for (size_t at = 0; at < string_size;) {
        size_t plain = plain_size(text + at, string_size - at);

        put_bytes(lines, string + at, plain);
        at += plain;
        if (at < string_size)
            at += put_special(lines, text + at, string_size - at);
    }
}

void json_lines_put_string(struct json_lines *lines, const char *string)
{
    json_lines_put(lines, "\"");
    json_lines_put_escaped(lines, string, strlen(string));
    json_lines_put(lines, "\"");
}

void json_lines_begin(struct json_lines *lines, const char *type)
{
    json_lines_put(lines, "{\"type\":\"");
    json_lines_put(lines, type);
    json_lines_put(lines, "\"");
}

void json_lines_end(struct json_lines *lines)
{
    json_lines_put(lines, "}\n");
}

void json_lines_name(struct json_lines *lines, const char *name)
{
    json_lines_put(lines, ",\"");
    json_lines_put(lines, name);
    json_lines_put(lines, "\":");
}

void json_lines_text(struct json_lines *lines, const char *name, const char *text)
{
    json_lines_name(lines, name);
    if (text)
        json_lines_put_string(lines, text);
    else
        json_lines_put(lines, "null");
}

void json_lines_number(struct json_lines *lines, const char *name, uint64_t number)
{
    json_lines_name(lines, name);
    json_lines_put_number(lines, number);
}

void json_lines_put_thousandths(struct json_lines *lines, uint64_t thousandths)
{
    char digits[16];
    unsigned rest = (unsigned)(thousandths % 1000);
    int size = snprintf(digits, sizeof(digits), ".%03u", rest);

    json_lines_put_number(lines, thousandths / 1000);
    while (size > 1 && digits[size - 1] == '0')
        size--;
    if (rest != 0)
        put_bytes(lines, digits, (size_t)size);
}

void json_lines_free(struct json_lines *lines)
{
    free(lines->text);
    *lines = (struct json_lines){NULL, 0, 0};
}
