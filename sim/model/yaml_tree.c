#include "sim/model/yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"

#define NODES_MAX 20000 /* each key is compared with those before it in its map */

struct reader {
    yaml_parser_t parser;
    const char *file;
    const char *source;
    size_t size;
    size_t nodes;
    size_t depth;
    char *error;
};

static int read_value(struct reader *reader, yaml_event_t *event, struct yaml_tree *into);

static void release(struct yaml_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        release(&tree->children[i]);
    free(tree->children);
    free(tree->path);
    free(tree->key);
    free(tree->text);
}

void yaml_tree_free(struct yaml_tree *tree)
{
    if (!tree)
        return;
    release(tree);
    free(tree);
}

static int fail(struct reader *reader, size_t line, char *why)
{
    if (!reader->error)
        reader->error = text_format("%s:%zu: %s", reader->file, line, why);
    free(why);
    return -EINVAL;
}

/* "PATH: WHY"; only why for the whole text. */
static int fail_in(struct reader *reader, const struct yaml_tree *tree, const char *why)
{
    return fail(reader, tree->line,
                text_format("%s%s%s", tree->path, *tree->path ? ": " : "", why));
}

/* libyaml tells of bytes that are no text only the offset, and of what is missing at the end the
 * line behind the last. */
static size_t problem_line(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    bool by_offset = parser->error == YAML_READER_ERROR;
    size_t end =
        by_offset && parser->problem_offset < reader->size ? parser->problem_offset : reader->size;
    size_t lines = 1;

    if (!by_offset && end > 0 && reader->source[end - 1] == '\n')
        end--;
    for (size_t i = 0; i < end; i++)
        lines += reader->source[i] == '\n';
    return by_offset || parser->problem_mark.line >= lines ? lines : parser->problem_mark.line + 1;
}

/* The caller deletes the event. */
static int next_event(struct reader *reader, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&reader->parser, ret_event))
        return 0;
    *ret_event = (yaml_event_t){0};
    return fail(reader, problem_line(reader),
                text_format("not YAML: %s",
                            reader->parser.problem ? reader->parser.problem : "it cannot be read"));
}

static struct yaml_tree *add_child(struct yaml_tree *tree)
{
    /* Powers of two: a list of a thousand places is not copied a thousand times. */
    if ((tree->count & (tree->count - 1)) == 0)
        tree->children = memory_grow(tree->children,
                                     (tree->count ? tree->count * 2 : 1) * sizeof *tree->children);
    struct yaml_tree *child = &tree->children[tree->count++];
    *child = (struct yaml_tree){.file = tree->file};
    return child;
}

static bool is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
            strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0);
}

static int take_scalar(struct reader *reader, const yaml_event_t *event, struct yaml_tree *into)
{
    const char *text = (const char *)event->data.scalar.value;

    if (strlen(text) != event->data.scalar.length)
        return fail_in(reader, into, "a NUL byte stands in it");
    if (is_null(event))
        return 0;
    into->kind = YAML_TREE_SCALAR;
    into->text = memory_text(text);
    return 0;
}

static int take_item(struct reader *reader, yaml_event_t *event, struct yaml_tree *list)
{
    struct yaml_tree *child = add_child(list);

    child->path = text_format("%s[%zu]", list->path, list->count - 1);
    return read_value(reader, event, child);
}

/* Keys are part of messages, and those that are printed again must be short enough for libyaml. */
static int check_key(struct reader *reader, const yaml_event_t *event, size_t line)
{
    if (event->type != YAML_SCALAR_EVENT)
        return fail(reader, line, text_format("a key must be a plain word"));
    const char *key = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (strlen(key) != size || size == 0)
        return fail(reader, line, text_format("a key is empty or no text"));
    if (size > YAML_TREE_KEY_MAX)
        return fail(reader, line, text_format("a key is longer than %d bytes", YAML_TREE_KEY_MAX));
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
            return fail(reader, line, text_format("a key has a control character in it"));
    if (event->data.scalar.tag)
        return fail(reader, line, text_format("%s: tags are not taken", key));
    return 0;
}

static int take_pair(struct reader *reader, yaml_event_t *event, struct yaml_tree *map)
{
    size_t line = event->start_mark.line + 1;
    yaml_event_t value;

    if (check_key(reader, event, line) != 0)
        return -EINVAL;
    const char *key = (const char *)event->data.scalar.value;
    const struct yaml_tree *first = yaml_tree_find(map, key);
    struct yaml_tree *child;
    if (first)
        return fail(reader, line,
                    text_format("%s: the key is there twice (first on line %zu)", first->path,
                                first->line));
    child = add_child(map);
    child->key = memory_text(key);
    child->path = text_format("%s%s%s", map->path, *map->path ? "." : "", key);
    child->line = line;
    int error = next_event(reader, &value);
    if (error == 0)
        error = read_value(reader, &value, child);
    yaml_event_delete(&value);
    return error;
}

/* All up to the end of the list or map that has just begun. */
static int read_children(struct reader *reader, struct yaml_tree *into)
{
    bool is_map = into->kind == YAML_TREE_MAP;
    yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    bool ended = false;
    int error = 0;

    if (++reader->depth > YAML_TREE_DEPTH_MAX)
        return fail_in(reader, into, "nested too deeply");
    while (error == 0 && !ended) {
        yaml_event_t event;
        error = next_event(reader, &event);
        if (error == 0 && event.type == end)
            ended = true;
        else if (error == 0)
            error = is_map ? take_pair(reader, &event, into) : take_item(reader, &event, into);
        yaml_event_delete(&event);
    }
    reader->depth--;
    return error;
}

/* "!!str", say. A tag asks for a kind of value, and which kind the reader of a node says. */
static bool has_tag(const yaml_event_t *event)
{
    return (event->type == YAML_SCALAR_EVENT && event->data.scalar.tag) ||
           (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.tag) ||
           (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag);
}

static int read_value(struct reader *reader, yaml_event_t *event, struct yaml_tree *into)
{
    if (into->line == 0)
        into->line = event->start_mark.line + 1;
    if (++reader->nodes > NODES_MAX)
        return fail(reader, into->line, text_format("there is too much in this file"));
    if (has_tag(event))
        return fail_in(reader, into, "tags are not taken");
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(reader, event, into);
    case YAML_SEQUENCE_START_EVENT:
        into->kind = YAML_TREE_LIST;
        return read_children(reader, into);
    case YAML_MAPPING_START_EVENT:
        into->kind = YAML_TREE_MAP;
        return read_children(reader, into);
    default:
        assert(event->type == YAML_ALIAS_EVENT);
        return fail_in(reader, into, "aliases are not taken");
    }
}

static int expect(struct reader *reader, yaml_event_type_t type)
{
    yaml_event_t event;
    int error = next_event(reader, &event);

    if (error == 0 && event.type != type)
        error = fail(reader, event.start_mark.line + 1,
                     text_format("only one document may stand in a file"));
    yaml_event_delete(&event);
    return error;
}

static int read_document(struct reader *reader, struct yaml_tree *tree)
{
    yaml_event_t event;
    int error = expect(reader, YAML_STREAM_START_EVENT);

    if (error == 0)
        error = next_event(reader, &event);
    if (error != 0)
        return error;
    bool empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (empty)
        return 0;
    error = next_event(reader, &event);
    if (error == 0)
        error = read_value(reader, &event, tree);
    yaml_event_delete(&event);
    if (error == 0)
        error = expect(reader, YAML_DOCUMENT_END_EVENT);
    return error == 0 ? expect(reader, YAML_STREAM_END_EVENT) : error;
}

int yaml_tree_read(const char *file, const char *text, size_t size, struct yaml_tree **ret_tree,
                   char **ret_error)
{
    struct reader reader = {.file = file, .source = text, .size = size};
    struct yaml_tree *tree;
    int error;

    if (size > YAML_TREE_SIZE_MAX) {
        *ret_error = text_format("%s:1: larger than 1 MiB", file);
        return -EINVAL;
    }
    if (!yaml_parser_initialize(&reader.parser))
        abort(); /* out of memory: see common/memory.h */
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    tree = memory_alloc(sizeof *tree);
    *tree = (struct yaml_tree){.file = file, .path = memory_text("")};
    error = read_document(&reader, tree);
    yaml_parser_delete(&reader.parser);
    if (tree->line == 0)
        tree->line = 1;
    if (error != 0) {
        *ret_error = reader.error;
        yaml_tree_free(tree);
        return error;
    }
    *ret_tree = tree;
    return 0;
}

const struct yaml_tree *yaml_tree_find(const struct yaml_tree *tree, const char *key)
{
    if (tree->kind != YAML_TREE_MAP)
        return NULL;
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->children[i].key, key) == 0)
            return &tree->children[i];
    return NULL;
}

int yaml_tree_error(const struct yaml_tree *tree, char **ret_error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *why = text_format_list(format, arguments);
    va_end(arguments);
    *ret_error = text_format("%s:%zu: %s%s%s", tree->file, tree->line, tree->path,
                             *tree->path ? ": " : "", why);
    free(why);
    return -EINVAL;
}

int yaml_tree_check_keys(const struct yaml_tree *tree, const char *const *keys, char **ret_error)
{
    size_t count = 0;

    if (tree->kind != YAML_TREE_MAP)
        return yaml_tree_error(tree, ret_error, "keys and values are wanted here");
    while (keys[count])
        count++;
    for (size_t i = 0; i < tree->count; i++) {
        const struct yaml_tree *child = &tree->children[i];
        size_t known = 0;
        while (known < count && strcmp(keys[known], child->key) != 0)
            known++;
        if (known < count)
            continue;
        const char *near = nearest_find(child->key, keys, count);
        return yaml_tree_error(child, ret_error, "unknown key%s%s%s",
                               near ? "; did you mean \"" : "", near ? near : "",
                               near ? "\"?" : "");
    }
    return 0;
}
