#include "control/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"

char *text_format_list(const char *format, va_list arguments)
{
    va_list again;

    assert(format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    assert(size >= 0);
    char *text = memory_alloc((size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *text_format(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    return text;
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_list again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    assert(size >= 0);
    text->data = memory_grow(text->data, text->size + (size_t)size + 1);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
    text->size += (size_t)size;
    va_end(again);
    va_end(arguments);
}

char *text_take(struct text *text)
{
    char *data = text->data ? text->data : memory_text("");

    *text = (struct text){0};
    return data;
}
