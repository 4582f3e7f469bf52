#include "routerd/request_text.h"

#include <errno.h>
#include <strings.h>

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* How many bytes the well-formed UTF-8 sequence at @bytes has (Unicode 15, table 3-7); 0 when it is
 * not well-formed or a control character. */
static size_t utf8_size(const unsigned char *bytes, size_t size)
{
    unsigned char first = bytes[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f;
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || wanted > size)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t index = 2; index < wanted; index++) {
        if (bytes[index] < 0x80 || bytes[index] > 0xbf)
            return 0;
    }
    return wanted;
}

static bool is_text(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    while (size > 0) {
        size_t used = utf8_size(bytes, size);
        if (used == 0)
            return false;
        bytes += used;
        size -= used;
    }
    return true;
}

int request_text_decode(struct slice text, bool plus_is_space, struct arena *arena, char **ret_text)
{
    char *decoded = arena_alloc(arena, text.size + 1);
    size_t used = 0;
    for (size_t index = 0; index < text.size; index++) {
        char next = text.data[index];
        if (next == '+' && plus_is_space) {
            next = ' ';
        } else if (next == '%') {
            int high = index + 2 < text.size ? hex_value(text.data[index + 1]) : -1;
            int low = high >= 0 ? hex_value(text.data[index + 2]) : -1;
            if (low < 0)
                return -EINVAL;
            next = (char)(high << 4 | low);
            index += 2;
        }
        decoded[used++] = next;
    }
    decoded[used] = '\0';
    if (!is_text(decoded, used))
        return -EINVAL;
    *ret_text = decoded;
    return 0;
}

/* Cut @text at the first @mark: the front is returned, @text becomes what is behind it. */
static struct slice take_until(struct slice *text, char mark)
{
    const char *found = text->size == 0 ? NULL : memchr(text->data, mark, text->size);
    size_t size = found ? (size_t)(found - text->data) : text->size;
    struct slice front = {text->data, size};
    size_t used = found ? size + 1 : size;
    *text = (struct slice){text->data + used, text->size - used};
    return front;
}

bool request_text_next_pair(struct slice *query, struct slice *ret_name, struct slice *ret_value)
{
    while (query->size > 0) {
        struct slice pair = take_until(query, '&');
        if (pair.size == 0)
            continue;
        *ret_name = take_until(&pair, '=');
        *ret_value = pair;
        return true;
    }
    return false;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

struct slice request_text_cookie(struct slice header, const char *name)
{
    while (header.size > 0) {
        struct slice value = trim(take_until(&header, ';'));
        struct slice key = take_until(&value, '=');
        if (!slice_is(key, name))
            continue;
        if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"')
            return (struct slice){value.data + 1, value.size - 2};
        return value;
    }
    return (struct slice){NULL, 0};
}

/* Without a way out of the loop: tokens are long, and nearly all are fine. */
bool request_text_is_visible(struct slice text, size_t size_max)
{
    bool is_visible = text.size > 0 && text.size <= size_max;
    for (size_t index = 0; index < text.size; index++)
        is_visible &= (unsigned char)(text.data[index] - 0x21) <= 0x7e - 0x21;
    return is_visible;
}

int request_text_bearer(struct slice header, struct slice *ret_token)
{
    static const char scheme[] = "Bearer ";
    size_t scheme_size = sizeof(scheme) - 1;
    if (header.size <= scheme_size || strncasecmp(header.data, scheme, scheme_size) != 0)
        return -EINVAL;
    struct slice token = trim((struct slice){header.data + scheme_size, header.size - scheme_size});
    if (!request_text_is_visible(token, SIZE_MAX))
        return -EINVAL;
    *ret_token = token;
    return 0;
}

/* Lower-case hex digits, not all of them zero. */
static bool is_id(const char *text, size_t size)
{
    bool is_zero = true;
    for (size_t index = 0; index < size; index++) {
        if (hex_value(text[index]) < 0 || (text[index] >= 'A' && text[index] <= 'F'))
            return false;
        is_zero = is_zero && text[index] == '0';
    }
    return !is_zero;
}

bool request_text_is_traceparent(struct slice text)
{
    if (text.size != 55 || memcmp(text.data, "00-", 3) != 0 || text.data[35] != '-' ||
        text.data[52] != '-')
        return false;
    bool flags_are_hex = is_id(text.data + 53, 2) || memcmp(text.data + 53, "00", 2) == 0;
    return flags_are_hex && is_id(text.data + 3, 32) && is_id(text.data + 36, 16);
}

int request_text_number(const char *text, uint32_t most, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > most)
            return -EINVAL;
    }
    *ret_number = (uint32_t)number;
    return 0;
}
