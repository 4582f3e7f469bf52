#include "sim/model/quote.h"

#include <string.h>

#include "control/text.h"

#define SHOWN_MAX 80

/* As many bytes as are shown, without half a character at the end. */
static size_t shown_size(const char *text)
{
    size_t size = strnlen(text, SHOWN_MAX + 1);

    if (size <= SHOWN_MAX)
        return size;
    for (size = SHOWN_MAX; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
        size--;
    return size;
}

char *quote_text(const char *text)
{
    size_t size = shown_size(text);
    struct text out = {0};

    text_add(&out, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte == 0x7f)
            text_add(&out, "\\x%02x", (unsigned)byte);
        else
            text_add(&out, "%c", byte);
    }
    text_add(&out, "%s\"", text[size] ? "..." : "");
    return text_take(&out);
}
