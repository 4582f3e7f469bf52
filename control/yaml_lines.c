#include "control/yaml_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "common/memory.h"
#include "control/text.h"

#define DEPTH_MAX   8
#define ENTRIES_MAX 10000
#define PATH_SIZE   256

struct entry {
    char *path;
    size_t line;
};

struct yaml_lines {
    struct entry *entries;
    size_t count;
};

/* What we are inside of while reading. */
struct level {
    bool mapping;
    bool want_key;
    size_t index;
    char path[PATH_SIZE];
};

struct reader {
    struct yaml_lines *lines;
    struct level levels[DEPTH_MAX];
    size_t depth;
    size_t documents;
    char *error;
    size_t error_line;
};

void yaml_lines_free(struct yaml_lines *lines)
{
    if (!lines)
        return;
    for (size_t i = 0; i < lines->count; i++)
        free(lines->entries[i].path);
    free(lines->entries);
    free(lines);
}

static const struct entry *find(const struct yaml_lines *lines, const char *path)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->entries[i].path, path) == 0)
            return &lines->entries[i];
    return NULL;
}

static int fail(struct reader *reader, size_t line, char *error)
{
    free(reader->error);
    reader->error = error;
    reader->error_line = line;
    return -EINVAL;
}

static int remember(struct reader *reader, const char *path, size_t line)
{
    struct yaml_lines *lines = reader->lines;

    if (lines->count == ENTRIES_MAX)
        return fail(reader, line, text_format("the file has too many keys"));
    lines->entries = memory_grow(lines->entries, (lines->count + 1) * sizeof *lines->entries);
    lines->entries[lines->count++] = (struct entry){memory_text(path), line};
    return 0;
}

/* A key of the innermost mapping: its path becomes current. */
static int take_key(struct reader *reader, const char *key, size_t line)
{
    struct level *level = &reader->levels[reader->depth - 1];
    const char *around = reader->depth > 1 ? reader->levels[reader->depth - 2].path : "";
    char path[PATH_SIZE];

    if (snprintf(path, sizeof path, "%s%s%s", around, *around ? "." : "", key) >= PATH_SIZE)
        return fail(reader, line, text_format("the key is too long"));
    const struct entry *first = find(reader->lines, path);
    if (first)
        return fail(
            reader, line,
            text_format("%s: the key is there twice (first on line %zu)", path, first->line));
    memcpy(level->path, path, sizeof path);
    level->want_key = false;
    return remember(reader, path, line);
}

/* A value begins: within a sequence it gets a path of its own. */
static int begin_value(struct reader *reader, size_t line)
{
    if (reader->depth == 0)
        return 0;
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->mapping) {
        level->want_key = true;
        return 0;
    }
    const char *around = reader->depth > 1 ? reader->levels[reader->depth - 2].path : "";
    snprintf(level->path, sizeof level->path, "%.*s[%zu]", PATH_SIZE - 32, around, level->index++);
    return remember(reader, level->path, line);
}

static int open_level(struct reader *reader, bool mapping, size_t line)
{
    struct level *level;

    if (reader->depth > 0 && reader->levels[reader->depth - 1].mapping &&
        reader->levels[reader->depth - 1].want_key)
        return fail(reader, line, text_format("a key must be a plain word"));
    int error = begin_value(reader, line);
    if (error != 0)
        return error;
    if (reader->depth == DEPTH_MAX)
        return fail(reader, line, text_format("the file is nested too deeply"));
    level = &reader->levels[reader->depth++];
    *level = (struct level){.mapping = mapping, .want_key = mapping};
    return 0;
}

static int take_event(struct reader *reader, const yaml_event_t *event)
{
    size_t line = event->start_mark.line + 1;
    struct level *level = reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reader->documents > 1)
            return fail(reader, line,
                        text_format("a file holds one topology; a second document "
                                    "(\"---\") starts here"));
        return 0;
    case YAML_ALIAS_EVENT:
        return fail(reader, line, text_format("aliases (\"*name\") are not supported"));
    case YAML_SCALAR_EVENT:
        if (level && level->mapping && level->want_key)
            return take_key(reader, (const char *)event->data.scalar.value, line);
        return begin_value(reader, line);
    case YAML_MAPPING_START_EVENT:
        return open_level(reader, true, line);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(reader, false, line);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        reader->depth--;
        return 0;
    default:
        return 0;
    }
}

static int read_all(struct reader *reader, yaml_parser_t *parser)
{
    for (bool more = true; more;) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event))
            return fail(reader, parser->problem_mark.line + 1,
                        text_format("not YAML: %s%s%s", parser->problem ? parser->problem : "?",
                                    parser->context ? ", " : "",
                                    parser->context ? parser->context : ""));
        more = event.type != YAML_STREAM_END_EVENT;
        int error = take_event(reader, &event);
        yaml_event_delete(&event);
        if (error != 0)
            return error;
    }
    if (reader->lines->count == 0)
        return fail(reader, 1, text_format("the file says nothing: it needs at least one key"));
    return 0;
}

int yaml_lines_read(const char *text, size_t size, struct yaml_lines **ret_lines, char **ret_error,
                    size_t *ret_line)
{
    struct reader reader = {.lines = memory_alloc(sizeof *reader.lines)};
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        abort(); /* out of memory: see common/memory.h */
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    int error = read_all(&reader, &parser);
    yaml_parser_delete(&parser);
    if (error != 0) {
        yaml_lines_free(reader.lines);
        *ret_error = reader.error;
        *ret_line = reader.error_line;
        return error;
    }
    *ret_lines = reader.lines;
    return 0;
}

size_t yaml_lines_at(const struct yaml_lines *lines, const char *path)
{
    char part[PATH_SIZE];

    snprintf(part, sizeof part, "%s", path);
    for (;;) {
        const struct entry *entry = find(lines, part);
        if (entry)
            return entry->line;
        char *cut = strrchr(part, '.');
        char *bracket = strrchr(part, '[');
        if (!cut || (bracket && bracket > cut))
            cut = bracket;
        if (!cut)
            return 1;
        *cut = '\0';
    }
}
