#include "regiond/text.h"

#include <stdio.h>
#include <time.h>

#include "common/moment.h"

/* Bytes of the UTF-8 sequence at the front of @text; 0: not well-formed. The bounds of the second
 * byte are those of RFC 3629, section 4. */
static size_t sequence_size(const uint8_t *text, size_t size)
{
    uint8_t first = text[0];
    uint8_t low = 0x80, high = 0xbf;
    size_t need;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    if (size < need || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

bool text_is_clean(struct slice text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;

    for (size_t at = 0; at < text.size;) {
        size_t size = sequence_size(bytes + at, text.size - at);
        if (size == 0 || bytes[at] < 0x20 || bytes[at] == 0x7f)
            return false;
        at += size;
    }
    return true;
}

bool text_is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    return true;
}

char *text_time(uint64_t wall_us, char ret_text[TEXT_TIME_SIZE])
{
    time_t seconds = (time_t)(wall_us / SECOND_US);
    unsigned milliseconds = (unsigned)(wall_us % SECOND_US / MILLISECOND_US);
    struct tm utc;
    size_t used;

    gmtime_r(&seconds, &utc);
    used = strftime(ret_text, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text + used, TEXT_TIME_SIZE - used, ".%03uZ", milliseconds);
    return ret_text;
}
