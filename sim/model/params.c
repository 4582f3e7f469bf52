#include "sim/model/params.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"
#include "sim/model/params_internal.h"
#include "sim/model/quantity.h"
#include "sim/model/quote.h"

static const struct params_spec *spec_at(const struct params *params, size_t index)
{
    assert(index < params->count);
    return &params->specs[index];
}

static bool is_quantity(enum params_kind kind)
{
    return kind <= PARAMS_RATE;
}

/* The kinds that are quantities stand in both lists in the same order. */
static_assert((int)PARAMS_DURATION == (int)QUANTITY_DURATION &&
                  (int)PARAMS_RATE == (int)QUANTITY_RATE,
              "kinds of quantities");

static void clear(struct params_value *value)
{
    free(value->text);
    free(value->content);
    yaml_tree_free(value->root);
    *value = (struct params_value){0};
}

void params_printed_by(struct params *params, const char *option)
{
    params->printed_by = option;
}

void params_free(struct params *params)
{
    if (!params)
        return;
    for (size_t i = 0; i < params->count; i++)
        clear(&params->values[i]);
    for (size_t i = 0; i < params->name_count; i++)
        free(params->names[i]);
    yaml_tree_free(params->file);
    free(params->names);
    free(params->values);
    free(params);
}

/* What trees call the text that they are of must live as long as they do. */
static const char *keep_name(struct params *params, char *name)
{
    params->names = memory_grow(params->names, (params->name_count + 1) * sizeof *params->names);
    return params->names[params->name_count++] = name;
}

/* ---- one value ---- */

/* Errors: -EINVAL, with a new *@ret_why that does not say where. */
static int take_quantity(const struct params_spec *spec, const char *text, double *ret_number,
                         char **ret_why)
{
    enum quantity_kind kind = (enum quantity_kind)spec->kind;
    double most = spec->kind == PARAMS_SHARE && spec->most == 0 ? 1 : spec->most;
    int error = quantity_parse(kind, text, ret_number);

    if (error != 0) {
        *ret_why = quantity_refusal(kind, text, error);
        return -EINVAL;
    }
    if (*ret_number >= spec->least && (most == 0 || *ret_number <= most))
        return 0;
    char least[QUANTITY_TEXT_SIZE];
    char largest[QUANTITY_TEXT_SIZE];
    quantity_print(kind, spec->least, least);
    quantity_print(kind, most, largest);
    char *quoted = quote_text(text);
    *ret_why = most == 0 ? text_format("%s is below %s, the least", quoted, least)
                         : text_format("%s is not from %s to %s", quoted, least, largest);
    free(quoted);
    return -EINVAL;
}

static int take_choice(const struct params_spec *spec, const char *text, double *ret_number,
                       char **ret_why)
{
    struct text known = {0};
    size_t i;

    for (i = 0; spec->choices[i]; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            free(known.data);
            *ret_number = (double)i;
            return 0;
        }
        text_add(&known, "%s%s", i > 0 ? ", " : "", spec->choices[i]);
    }
    char *quoted = quote_text(text);
    *ret_why = text_format("%s is none of %s", quoted, known.data);
    free(quoted);
    free(known.data);
    return -EINVAL;
}

static int take_switch(const char *text, double *ret_number, char **ret_why)
{
    bool on;

    if (units_parse_switch(text, &on) != 0) {
        char *quoted = quote_text(text);
        *ret_why = text_format("%s is neither true nor false", quoted);
        free(quoted);
        return -EINVAL;
    }
    *ret_number = on;
    return 0;
}

/* By jansson, which would leave it out of the JSON without a word. */
static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);

    json_decref(json);
    return json != NULL;
}

/* NULL: nothing is wrong with it. */
static const char *line_fault(const struct params_spec *spec, const char *text)
{
    if (!is_utf8(text))
        return "it is not UTF-8";
    if (text[strcspn(text, "\r\n")] != '\0')
        return "it must be one line";
    if (*text == '\0' && (!spec->initial || *spec->initial != '\0'))
        return "it is empty";
    return NULL;
}

static int take_text(const struct params_spec *spec, const char *text, struct params_value *value,
                     char **ret_why)
{
    if (is_quantity(spec->kind))
        return take_quantity(spec, text, &value->number, ret_why);
    if (spec->kind == PARAMS_CHOICE)
        return take_choice(spec, text, &value->number, ret_why);
    if (spec->kind == PARAMS_SWITCH)
        return take_switch(text, &value->number, ret_why);
    const char *fault = line_fault(spec, text);
    if (fault)
        *ret_why = memory_text(fault);
    return fault ? -EINVAL : 0;
}

/* ---- defaults ---- */

static void take_default(struct params *params, size_t index)
{
    const struct params_spec *spec = &params->specs[index];
    struct params_value *value = &params->values[index];
    char *why = NULL;
    int error = 0;

    if (!spec->initial)
        return;
    if (spec->kind == PARAMS_TREE) {
        error = yaml_tree_read(spec->key, spec->initial, strlen(spec->initial), &value->root, &why);
        value->tree = value->root;
    } else {
        error = take_text(spec, spec->initial, value, &why);
        value->text = memory_text(spec->initial);
    }
    /* A default that is no value is a bug of the table, and each table is read in a test. */
    assert(error == 0 && !why);
}

struct params *params_create(const struct params_spec *specs, size_t count)
{
    struct params *params = memory_alloc(sizeof *params);

    *params = (struct params){
        .specs = specs,
        .count = count,
        .values = memory_alloc(count * sizeof *params->values),
        .printed_by = "--print-params",
    };
    for (size_t i = 0; i < count; i++)
        take_default(params, i);
    return params;
}

size_t params_count(const struct params *params)
{
    return params->count;
}

const struct params_spec *params_spec(const struct params *params, size_t index)
{
    return spec_at(params, index);
}

int params_find(const struct params *params, const char *key, size_t *ret_index)
{
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->specs[i].key, key) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    return -ENOENT;
}

int params_find_option(const struct params *params, const char *option, size_t *ret_index)
{
    char *key = memory_text(option);
    int error = -ENOENT;

    for (char *at = key; *at; at++)
        *at = *at == '-' ? '_' : *at == '_' ? '-' : *at;
    error = params_find(params, key, ret_index);
    free(key);
    return error;
}

/* ---- from a file ---- */

static int unknown_key(const struct params *params, const struct yaml_tree *pair, char **ret_error)
{
    const char **keys = memory_alloc((params->count + 1) * sizeof *keys);

    for (size_t i = 0; i < params->count; i++)
        keys[i] = params->specs[i].key;
    const char *near = nearest_find(pair->key, keys, params->count);
    free(keys);
    return yaml_tree_error(pair, ret_error, "unknown parameter; %s%s%s",
                           near ? "did you mean \"" : "see ", near ? near : params->printed_by,
                           near ? "\"?" : "");
}

static int take_pair(struct params *params, const struct yaml_tree *pair, char **ret_error)
{
    struct params_value value = {.origin = PARAMS_FROM_FILE, .line = pair->line};
    size_t index;
    char *why;

    if (params_find(params, pair->key, &index) != 0)
        return unknown_key(params, pair, ret_error);
    const struct params_spec *spec = &params->specs[index];
    if (spec->kind == PARAMS_TREE) {
        value.tree = pair;
    } else if (pair->kind != YAML_TREE_SCALAR) {
        return yaml_tree_error(pair, ret_error,
                               pair->kind == YAML_TREE_EMPTY ? "it has no value"
                                                             : "one value is wanted here");
    } else {
        if (take_text(spec, pair->text, &value, &why) != 0) {
            yaml_tree_error(pair, ret_error, "%s", why);
            free(why);
            return -EINVAL;
        }
        value.text = memory_text(pair->text);
    }
    if (spec->kind == PARAMS_TREE && pair->kind == YAML_TREE_EMPTY)
        return yaml_tree_error(pair, ret_error, "it has no value");
    clear(&params->values[index]);
    params->values[index] = value;
    return 0;
}

int params_read(struct params *params, const char *file, const char *text, size_t size,
                char **ret_error)
{
    assert(!params->file);
    int error =
        yaml_tree_read(keep_name(params, memory_text(file)), text, size, &params->file, ret_error);

    if (error != 0)
        return error;
    if (params->file->kind != YAML_TREE_MAP)
        return yaml_tree_error(params->file, ret_error,
                               params->file->kind == YAML_TREE_EMPTY
                                   ? "the file says nothing"
                                   : "parameters are wanted here, one a line: `key: value`");
    for (size_t i = 0; error == 0 && i < params->file->count; i++)
        error = take_pair(params, &params->file->children[i], ret_error);
    return error;
}

/* ---- from the command line and the environment ---- */

/* "--service-work" */
static char *option_of(const struct params_spec *spec)
{
    char *option = text_format("--%s", spec->key);

    for (char *at = option + 2; *at; at++)
        if (*at == '_')
            *at = '-';
    return option;
}

/* "MECENTRAL_SERVICE_WORK" */
static char *twin_of(const struct params_spec *spec)
{
    char *twin = text_format("MECENTRAL_%s", spec->key);

    for (char *at = twin; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return twin;
}

/* @name is kept. */
static int set_tree(struct params *params, char *name, const char *text, struct params_value *value,
                    char **ret_error)
{
    keep_name(params, name);
    int error = yaml_tree_read(name, text, strlen(text), &value->root, ret_error);

    if (error != 0)
        return error;
    value->tree = value->root;
    if (value->tree->kind == YAML_TREE_EMPTY) {
        *ret_error = text_format("%s: it has no value", name);
        yaml_tree_free(value->root);
        return -EINVAL;
    }
    return 0;
}

/* @name is freed. */
static int set_text(const struct params_spec *spec, char *name, const char *text,
                    struct params_value *value, char **ret_error)
{
    char *why;
    int error = take_text(spec, text, value, &why);

    if (error != 0) {
        *ret_error = text_format("%s: %s", name, why);
        free(why);
    } else {
        value->text = memory_text(text);
    }
    free(name);
    return error;
}

static int set(struct params *params, size_t index, enum params_origin origin, const char *text,
               char **ret_error)
{
    const struct params_spec *spec = spec_at(params, index);
    struct params_value value = {.origin = origin};
    char *name = origin == PARAMS_FROM_TWIN ? twin_of(spec) : option_of(spec);
    int error = spec->kind == PARAMS_TREE ? set_tree(params, name, text, &value, ret_error)
                                          : set_text(spec, name, text, &value, ret_error);

    if (error != 0)
        return error;
    clear(&params->values[index]);
    params->values[index] = value;
    return 0;
}

int params_set(struct params *params, size_t index, const char *text, char **ret_error)
{
    return set(params, index, PARAMS_FROM_OPTION, text, ret_error);
}

int params_set_twin(struct params *params, size_t index, const char *text, char **ret_error)
{
    return set(params, index, PARAMS_FROM_TWIN, text, ret_error);
}

void params_attach(struct params *params, size_t index, const char *content, size_t size)
{
    struct params_value *value = &params->values[index];

    assert(spec_at(params, index)->kind == PARAMS_FILE);
    free(value->content);
    value->content = memory_copy(content, size);
    value->content_size = size;
}

int params_check(const struct params *params, char **ret_error)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct params_value *value = &params->values[i];
        if (!value->text && !value->tree)
            return params_error(params, i, ret_error, "it must be given: %s",
                                params->specs[i].help);
    }
    return 0;
}

/* ---- values ---- */

double params_value(const struct params *params, size_t index)
{
    assert(is_quantity(spec_at(params, index)->kind));
    return params->values[index].number;
}

size_t params_choice(const struct params *params, size_t index)
{
    assert(spec_at(params, index)->kind == PARAMS_CHOICE);
    return (size_t)params->values[index].number;
}

bool params_on(const struct params *params, size_t index)
{
    assert(spec_at(params, index)->kind == PARAMS_SWITCH);
    return params->values[index].number != 0;
}

const char *params_text(const struct params *params, size_t index)
{
    assert(spec_at(params, index)->kind != PARAMS_TREE);
    return params->values[index].text;
}

const struct yaml_tree *params_tree(const struct params *params, size_t index)
{
    assert(spec_at(params, index)->kind == PARAMS_TREE);
    return params->values[index].tree;
}

const char *params_content(const struct params *params, size_t index, size_t *ret_size)
{
    assert(spec_at(params, index)->kind == PARAMS_FILE);
    *ret_size = params->values[index].content_size;
    return params->values[index].content;
}

bool params_given(const struct params *params, size_t index)
{
    assert(index < params->count);
    return params->values[index].origin != PARAMS_FROM_TABLE;
}

bool params_from_file(const struct params *params, size_t index)
{
    assert(index < params->count);
    return params->values[index].origin == PARAMS_FROM_FILE;
}

/* "FILE:LINE: KEY" and the like. */
static char *place_of(const struct params *params, size_t index)
{
    const struct params_spec *spec = spec_at(params, index);
    const struct params_value *value = &params->values[index];

    switch (value->origin) {
    case PARAMS_FROM_TABLE:
        break;
    case PARAMS_FROM_FILE:
        return text_format("%s:%zu: %s", params->file->file, value->line, spec->key);
    case PARAMS_FROM_OPTION:
        return option_of(spec);
    case PARAMS_FROM_TWIN:
        return twin_of(spec);
    }
    return memory_text(spec->key);
}

int params_error(const struct params *params, size_t index, char **ret_error, const char *format,
                 ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *why = text_format_list(format, arguments);
    va_end(arguments);
    char *where = place_of(params, index);
    *ret_error = text_format("%s: %s", where, why);
    free(where);
    free(why);
    return -EINVAL;
}
