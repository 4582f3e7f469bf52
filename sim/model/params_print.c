#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/params_internal.h"

#define WIDTH 96

/* ---- YAML ---- */

/* Words that a reader would take for something else, or that would end in the flow style. */
static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.+/%- ";
    size_t size = strlen(text);

    return size > 0 && strspn(text, letters) == size && text[0] != ' ' && text[size - 1] != ' ' &&
           text[0] != '-' && text[0] != '%' && strcasecmp(text, "null") != 0;
}

/* The first character of @text, of which libyaml takes not all as they are: control characters,
 * other ends of lines, marks of the byte order. Returns its bytes. */
static size_t print_character(struct text *out, const char *text)
{
    static const struct {
        const char *bytes, *escape;
    } specials[] = {
        {"\"", "\\\""},
        {"\\", "\\\\"},
        {"\xe2\x80\xa8", "\\L"},
        {"\xe2\x80\xa9", "\\P"},
        {"\xef\xbb\xbf", "\\ufeff"},
        {"\xef\xbf\xbe", "\\ufffe"},
        {"\xef\xbf\xbf", "\\uffff"},
    };
    unsigned char byte = (unsigned char)text[0], next = (unsigned char)text[1];

    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        size_t size = strlen(specials[i].bytes);
        if (strncmp(text, specials[i].bytes, size) == 0) {
            text_add(out, "%s", specials[i].escape);
            return size;
        }
    }
    bool is_high = byte == 0xc2 && next < 0xa0; /* U+0080 to U+009F */
    if (is_high || byte < ' ' || byte == 0x7f)
        text_add(out, "\\x%02x", is_high ? (unsigned)next : (unsigned)byte);
    else
        text_add(out, "%c", byte);
    return is_high ? 2 : 1;
}

static void print_scalar(struct text *out, const char *text)
{
    if (is_plain(text)) {
        text_add(out, "%s", text);
        return;
    }
    text_add(out, "\"");
    while (*text)
        text += print_character(out, text);
    text_add(out, "\"");
}

static void print_flow(struct text *out, const struct yaml_tree *tree)
{
    bool is_map = tree->kind == YAML_TREE_MAP;

    if (tree->kind == YAML_TREE_EMPTY)
        text_add(out, "~");
    else if (tree->kind == YAML_TREE_SCALAR)
        print_scalar(out, tree->text);
    if (!is_map && tree->kind != YAML_TREE_LIST)
        return;
    text_add(out, is_map ? "{" : "[");
    for (size_t i = 0; i < tree->count; i++) {
        text_add(out, "%s", i > 0 ? ", " : "");
        if (is_map) {
            print_scalar(out, tree->children[i].key);
            text_add(out, ": ");
        }
        print_flow(out, &tree->children[i]);
    }
    text_add(out, is_map ? "}" : "]");
}

/* Behind "key:", on one line when that is short. */
static void print_tree(struct text *out, const struct yaml_tree *tree, int indent)
{
    struct text flow = {0};

    print_flow(&flow, tree);
    if (flow.size <= WIDTH || tree->count == 0) {
        text_add(out, " %s\n", flow.data);
        free(flow.data);
        return;
    }
    free(flow.data);
    text_add(out, "\n");
    for (size_t i = 0; i < tree->count; i++) {
        const struct yaml_tree *child = &tree->children[i];
        text_add(out, "%*s", indent, "");
        if (tree->kind == YAML_TREE_MAP) {
            print_scalar(out, child->key);
            text_add(out, ":");
            print_tree(out, child, indent + 2);
        } else {
            text_add(out, "- ");
            print_flow(out, child);
            text_add(out, "\n");
        }
    }
}

/* Comments, broken between words. */
static void print_comment(struct text *out, const char *text)
{
    while (*text) {
        size_t size = strlen(text);
        if (size > WIDTH) {
            size = WIDTH;
            while (size > 0 && text[size] != ' ')
                size--;
            if (size == 0)
                size = strcspn(text, " ");
        }
        text_add(out, "# %.*s\n", (int)size, text);
        text += size;
        text += strspn(text, " ");
    }
}

static void print_value(struct text *out, const struct params *params, size_t index)
{
    const struct params_spec *spec = &params->specs[index];
    const struct params_value *value = &params->values[index];

    if (!value->tree && !value->text) {
        text_add(out, "# %s:  # must be given\n", spec->key);
        return;
    }
    text_add(out, "%s:", spec->key);
    if (value->tree) {
        print_tree(out, value->tree, 2);
        return;
    }
    text_add(out, " ");
    print_scalar(out, value->text);
    text_add(out, "\n");
}

char *params_print(const struct params *params)
{
    struct text out = {0};

    for (size_t i = 0; i < params->count; i++) {
        const struct params_spec *spec = &params->specs[i];
        if (i > 0)
            text_add(&out, "\n");
        print_comment(&out, spec->help);
        if (spec->kind == PARAMS_CHOICE)
            for (size_t k = 0; spec->choices[k]; k++)
                text_add(&out, "%s%s%s", k == 0 ? "# One of: " : ", ", spec->choices[k],
                         spec->choices[k + 1] ? "" : "\n");
        if (spec->source) {
            char *source = text_format("Default from: %s", spec->source);
            print_comment(&out, source);
            free(source);
        }
        print_value(&out, params, i);
    }
    return text_take(&out);
}

/* ---- JSON ---- */

static json_t *tree_json(const struct yaml_tree *tree)
{
    json_t *json;

    switch (tree->kind) {
    case YAML_TREE_EMPTY:
        return json_null();
    case YAML_TREE_SCALAR:
        return json_string(tree->text);
    case YAML_TREE_LIST:
        json = json_array();
        for (size_t i = 0; i < tree->count; i++)
            json_array_append_new(json, tree_json(&tree->children[i]));
        return json;
    case YAML_TREE_MAP:
        json = json_object();
        for (size_t i = 0; i < tree->count; i++)
            json_object_set_new(json, tree->children[i].key, tree_json(&tree->children[i]));
        return json;
    }
    assert(false && "a kind of tree");
    return NULL;
}

static json_t *value_json(const struct params_spec *spec, const struct params_value *value)
{
    if (value->tree)
        return tree_json(value->tree);
    switch (spec->kind) {
    case PARAMS_SWITCH:
        return json_boolean(value->number != 0);
    case PARAMS_CHOICE:
    case PARAMS_TEXT:
    case PARAMS_FILE:
        return json_string(value->text);
    default:
        return json_real(value->number);
    }
}

json_t *params_json(const struct params *params)
{
    json_t *json = json_object();

    for (size_t i = 0; i < params->count; i++)
        if (params->values[i].text || params->values[i].tree)
            json_object_set_new(json, params->specs[i].key,
                                value_json(&params->specs[i], &params->values[i]));
    return json;
}
