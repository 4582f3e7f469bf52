#include "routerd/http_text.h"

#include <stdbool.h>
#include <string.h>

#include "common/memory.h"

#define NUMBER_DIGITS_MAX 20u

void http_text_reserve(struct http_text *text, size_t size)
{
    size_t capacity = text->capacity ? text->capacity : 512;

    if (text->capacity - text->size >= size)
        return;
    while (capacity - text->size < size)
        capacity *= 2;
    text->bytes = memory_grow(text->bytes, capacity);
    text->capacity = capacity;
}

void http_text_bytes(struct http_text *text, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    http_text_reserve(text, size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

void http_text_string(struct http_text *text, const char *string)
{
    http_text_bytes(text, string, strlen(string));
}

void http_text_number(struct http_text *text, uint64_t number)
{
    char digits[NUMBER_DIGITS_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    http_text_bytes(text, digits + at, sizeof(digits) - at);
}

void http_text_value(struct http_text *text, const char *value)
{
    size_t size = strlen(value);
    char *to;

    http_text_reserve(text, size);
    to = text->bytes + text->size;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value[i];

        if ((byte >= 0x20 && byte != 0x7f) || byte == '\t')
            *to++ = (char)byte;
    }
    text->size = (size_t)(to - text->bytes);
}

void http_text_milliseconds(struct http_text *text, uint64_t duration_us)
{
    uint64_t tenths = duration_us / 100 + (duration_us % 100 >= 50 ? 1 : 0);
    char fraction[2] = {'.', (char)('0' + tenths % 10)};

    http_text_number(text, tenths / 10);
    http_text_bytes(text, fraction, sizeof(fraction));
}

/* Proleptic Gregorian calendar, counted in years that begin in March, so that the leap day comes
 * last: day 0 of era 0 is 0000-03-01, and 719,468 days later the Unix epoch begins. */
static void date_of(uint64_t days, uint64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    uint64_t since = days + 719468;
    uint64_t era = since / 146097;
    uint64_t day_of_era = since % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;

    *ret_day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *ret_month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

static char *two_digits(char *to, unsigned number)
{
    *to++ = (char)('0' + number / 10 % 10);
    *to++ = (char)('0' + number % 10);
    return to;
}

static char *three_letters(char *to, const char *names, unsigned index)
{
    memcpy(to, names + (size_t)index * 3, 3);
    return to + 3;
}

void http_text_date(struct http_text *text, uint64_t wall_s)
{
    char date[] = "Thu, 01 Jan 1970 00:00:00 GMT";
    unsigned second = (unsigned)(wall_s % 86400);
    uint64_t days = wall_s / 86400;
    uint64_t year;
    unsigned month, day;

    date_of(days, &year, &month, &day);
    three_letters(date, "ThuFriSatSunMonTueWed", (unsigned)(days % 7));
    two_digits(date + 5, day);
    three_letters(date + 8, "JanFebMarAprMayJunJulAugSepOctNovDec", month - 1);
    two_digits(two_digits(date + 12, (unsigned)(year / 100)), (unsigned)(year % 100));
    two_digits(date + 17, second / 3600);
    two_digits(date + 20, second / 60 % 60);
    two_digits(date + 23, second % 60);
    http_text_bytes(text, date, sizeof(date) - 1);
}

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the character at @at, of two to four bytes (RFC 3629, 4); 0: not UTF-8. Reads no further
 * than the first byte that does not fit, so a closing NUL ends it. */
static size_t character_size(const unsigned char *at)
{
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        return continues(at[1]) ? 2 : 0;
    if (at[0] >= 0xe0 && at[0] <= 0xef) {
        if (!continues(at[1]) || (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f))
            return 0;
        return continues(at[2]) ? 3 : 0;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        if (!continues(at[1]) || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
            return 0;
        return continues(at[2]) && continues(at[3]) ? 4 : 0;
    }
    return 0;
}

static void json_control(struct http_text *text, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    http_text_bytes(text, escape, sizeof(escape));
}

void http_text_json(struct http_text *text, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;

    while (*at != '\0') {
        size_t size = *at < 0x80 ? 1 : character_size(at);

        if (*at == '"' || *at == '\\')
            http_text_literal(text, "\\");
        if (*at < 0x20)
            json_control(text, *at);
        else if (size == 0)
            http_text_literal(text, "\xef\xbf\xbd");
        else
            http_text_bytes(text, (const char *)at, size);
        at += size ? size : 1;
    }
}
