#include "sim/model/asked.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

/* What all models are asked alike. A switch is a bool of struct asked, the others are texts. */
static const struct option {
    const char *name;
    char letter;
    const char *value; /* NULL: a switch */
    size_t offset;
    const char *help;
} options[] = {
    {"file", 'f', "FILE", offsetof(struct asked, file),
     "parameters (YAML); --print-params shows what may stand in it"},
    {"html", 0, "FILE", offsetof(struct asked, html), "write a page with pictures there"},
    {"json", 0, NULL, offsetof(struct asked, json), "print JSON"},
    {"csv", 0, NULL, offsetof(struct asked, csv), "print CSV"},
    {"print-params", 0, NULL, offsetof(struct asked, print_params),
     "print all parameters as they would be used, as a file for -f, and do nothing else"},
    {"against", 0, "live", offsetof(struct asked, against),
     "measure the same on the running world, which is broken and mended for it, and show both "
     "(latency, blast-radius)"},
    {"world", 'n', "WORLD", offsetof(struct asked, world), "which running world"},
    {"quiet", 'q', NULL, offsetof(struct asked, quiet), "print no messages, only data and errors"},
    {"verbose", 'v', NULL, SIZE_MAX, "is taken, and changes nothing"},
    {"help", 'h', NULL, offsetof(struct asked, help), "explain the model and its parameters"},
};

#define OPTION_COUNT (sizeof options / sizeof options[0])
#define NAMES_MAX    256

struct reading {
    struct asked asked;
    int count;
    char *const *words;
    int at;
    const char *(*environment)(const char *name);
    struct params *params; /* all defaults: to know the names */
    bool given[OPTION_COUNT];
    char *error;
};

static int fail(struct reading *reading, char *error)
{
    reading->error = error;
    return -EINVAL;
}

/* ---- options ---- */

static int store(struct reading *reading, size_t index, const char *value, const char *said)
{
    const struct option *option = &options[index];
    bool is_kept = option->offset != SIZE_MAX;
    char *at = (char *)&reading->asked + (is_kept ? option->offset : 0);
    bool on;

    reading->given[index] = true;
    if (option->value) {
        memcpy(at, &value, sizeof value);
        return 0;
    }
    if (units_parse_switch(value, &on) != 0)
        return fail(reading, text_format("%s: \"%s\" is neither true nor false", said, value));
    if (is_kept)
        memcpy(at, &on, sizeof on);
    return 0;
}

static void add_setting(struct asked *asked, size_t index, const char *value, bool is_twin)
{
    asked->settings =
        memory_grow(asked->settings, (asked->setting_count + 1) * sizeof *asked->settings);
    asked->settings[asked->setting_count++] = (struct asked_setting){index, value, is_twin};
}

static const char *option_name(const struct params *params, size_t index, char *name, size_t size)
{
    size_t i;
    const char *key = params_spec(params, index)->key;

    for (i = 0; key[i] && i + 1 < size; i++)
        name[i] = key[i] == '_' ? '-' : key[i];
    name[i] = '\0';
    return name;
}

static int unknown(struct reading *reading, const char *name)
{
    const struct model *model = reading->asked.model;
    const char *names[NAMES_MAX];
    char own[NAMES_MAX][64];
    size_t count = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[count++] = options[i].name;
    for (size_t i = 0; reading->params && i < params_count(reading->params) && count < NAMES_MAX;
         i++, count++)
        names[count] = option_name(reading->params, i, own[count], sizeof own[count]);
    const char *near = nearest_find(name, names, count);
    return fail(reading,
                text_format("%s%sunknown option \"--%s\"%s%s%s; see mecentral model%s%s "
                            "--help",
                            model ? model->name : "", model ? ": " : "", name,
                            near ? "; did you mean \"--" : "", near ? near : "", near ? "\"?" : "",
                            model ? " " : "", model ? model->name : ""));
}

static const char *next_word(struct reading *reading)
{
    return reading->at + 1 < reading->count ? reading->words[++reading->at] : NULL;
}

static int take_long(struct reading *reading, const char *word)
{
    const char *equals = strchr(word, '=');
    const char *value = equals ? equals + 1 : NULL;
    char name[64];
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    size_t index;

    if (size >= sizeof name)
        return unknown(reading, word);
    memcpy(name, word, size);
    name[size] = '\0';
    for (index = 0; index < OPTION_COUNT && strcmp(options[index].name, name) != 0;)
        index++;
    bool common = index < OPTION_COUNT;
    if (!common && (!reading->params || params_find_option(reading->params, name, &index) != 0))
        return unknown(reading, name);
    bool is_switch =
        common ? !options[index].value : params_spec(reading->params, index)->kind == PARAMS_SWITCH;
    if (!value)
        value = is_switch ? "true" : next_word(reading);
    if (!value)
        return fail(reading, text_format("--%s needs a value", name));
    if (!common) {
        add_setting(&reading->asked, index, value, false);
        return 0;
    }
    char *said = text_format("--%s", name);
    int error = store(reading, index, value, said);
    free(said);
    return error;
}

/* @at may be a letter of several bytes. */
static int unknown_letter(struct reading *reading, const char *at)
{
    int size = 1;

    while (((unsigned char)at[size] & 0xc0) == 0x80)
        size++;
    return fail(reading,
                text_format("unknown option \"-%.*s\"; see mecentral model --help", size, at));
}

static int take_letters(struct reading *reading, const char *word)
{
    for (const char *at = word; *at; at++) {
        size_t index = 0;
        while (index < OPTION_COUNT && options[index].letter != *at)
            index++;
        if (index == OPTION_COUNT)
            return unknown_letter(reading, at);
        if (!options[index].value) {
            store(reading, index, "true", word);
            continue;
        }
        const char *value = at[1] ? at + 1 : next_word(reading);
        return value
                   ? store(reading, index, value, word)
                   : fail(reading, text_format("-%c needs a value: %s", *at, options[index].value));
    }
    return 0;
}

static int take_name(struct reading *reading, const char *word)
{
    const char *names[NAMES_MAX];
    size_t count = 0;

    if (reading->asked.model)
        return fail(reading, text_format("%s: \"%s\" is one argument too many",
                                         reading->asked.model->name, word));
    reading->asked.model = model_find(word);
    if (reading->asked.model) {
        reading->params =
            params_create(reading->asked.model->specs, reading->asked.model->spec_count);
        return 0;
    }
    for (; count < model_count(); count++)
        names[count] = model_at(count)->name;
    const char *near = nearest_find(word, names, count);
    return fail(reading,
                text_format("there is no model \"%s\"%s%s%s; see mecentral model --help", word,
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : ""));
}

/* ---- what the words leave open the environment may say ---- */

/* "MECENTRAL_PRINT_PARAMS", a new string. */
static char *twin_of(const char *name)
{
    char *twin = text_format("MECENTRAL_%s", name);

    for (char *at = twin; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return twin;
}

static const char *from_environment(const struct reading *reading, const char *twin)
{
    const char *value = reading->environment(twin);

    return value && *value ? value : NULL;
}

static bool is_set(const struct asked *asked, size_t count, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (asked->settings[i].index == index)
            return true;
    return false;
}

static int take_twins_of_options(struct reading *reading)
{
    bool json = reading->asked.json, csv = reading->asked.csv;
    int error = 0;

    for (size_t i = 0; error == 0 && i < OPTION_COUNT; i++) {
        char *twin = twin_of(options[i].name);
        const char *value = reading->given[i] ? NULL : from_environment(reading, twin);
        if (value)
            error = store(reading, i, value, twin);
        free(twin);
    }
    /* --csv goes before MECENTRAL_JSON, too. */
    if (json || csv) {
        reading->asked.json = json;
        reading->asked.csv = csv;
    }
    return error;
}

static void take_twins_of_params(struct reading *reading)
{
    size_t said = reading->asked.setting_count;

    for (size_t i = 0; reading->params && i < params_count(reading->params); i++) {
        char *twin = twin_of(params_spec(reading->params, i)->key);
        const char *value = from_environment(reading, twin);
        if (value && !is_set(&reading->asked, said, i))
            add_setting(&reading->asked, i, value, true);
        free(twin);
    }
}

/* By jansson, which would drop it silently later. */
static bool is_utf8(const char *word)
{
    json_t *json = json_string(word);

    json_decref(json);
    return json != NULL;
}

static int read_all(struct reading *reading)
{
    bool only_names = false;
    int error = 0;

    for (int i = 0; i < reading->count; i++)
        if (!is_utf8(reading->words[i]))
            return fail(reading, text_format("an argument is not UTF-8"));
    for (; error == 0 && reading->at < reading->count; reading->at++) {
        const char *word = reading->words[reading->at];
        if (only_names || word[0] != '-' || word[1] == '\0')
            error = take_name(reading, word);
        else if (strcmp(word, "--") == 0)
            only_names = true;
        else
            error = word[1] == '-' ? take_long(reading, word + 2) : take_letters(reading, word + 1);
    }
    if (error == 0)
        error = take_twins_of_options(reading);
    if (error == 0)
        take_twins_of_params(reading);
    if (error == 0 && !reading->asked.model && !reading->asked.help)
        return fail(reading, text_format("which model? See mecentral model --help"));
    if (error == 0 && reading->asked.against && strcmp(reading->asked.against, "live") != 0)
        return fail(reading, text_format("--against: \"%s\" is not \"live\", and nothing else can "
                                         "be compared with",
                                         reading->asked.against));
    if (error == 0 && reading->asked.json && reading->asked.csv)
        return fail(reading, text_format("--json and --csv at a time: which of the two?"));
    return error;
}

int asked_read(int count, char *const *words, const char *(*environment)(const char *name),
               struct asked *ret_asked, char **ret_error)
{
    struct reading reading = {.count = count, .words = words, .environment = environment};
    int error = read_all(&reading);

    params_free(reading.params);
    if (error != 0) {
        asked_free(&reading.asked);
        *ret_error = reading.error;
        return error;
    }
    *ret_asked = reading.asked;
    return 0;
}

void asked_free(struct asked *asked)
{
    free(asked->settings);
    *asked = (struct asked){0};
}

int asked_fill(const struct asked *asked, struct params *params, char **ret_error)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < asked->setting_count; i++) {
        const struct asked_setting *setting = &asked->settings[i];
        error = setting->is_twin
                    ? params_set_twin(params, setting->index, setting->value, ret_error)
                    : params_set(params, setting->index, setting->value, ret_error);
    }
    return error;
}

/* ---- help ---- */

static void add_wrapped(struct text *out, const char *words, int indent)
{
    int column = indent;

    while (*words) {
        int size = (int)strcspn(words, " \n");
        if (column != indent && column + 1 + size > 98) {
            text_add(out, "\n%*s", indent, "");
            column = indent;
        }
        text_add(out, "%s%.*s", column != indent ? " " : "", size, words);
        column += size + (column != indent);
        words += size;
        words += *words != '\0';
    }
    text_add(out, "\n");
}

static void add_option(struct text *out, const char *words, const char *help)
{
    text_add(out, "  %-28s", words);
    if (strlen(words) > 27)
        text_add(out, "\n%30s", "");
    add_wrapped(out, help, 30);
}

static void add_options(struct text *out)
{
    text_add(out, "\nOptions (each has an environment twin: --print-params is "
                  "MECENTRAL_PRINT_PARAMS):\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        struct text words = {0};
        if (option->letter)
            text_add(&words, "-%c, ", option->letter);
        text_add(&words, "--%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        add_option(out, words.data, option->help);
        free(words.data);
    }
}

static void add_params(struct text *out, const struct model *model)
{
    struct params *params = params_create(model->specs, model->spec_count);

    text_add(out, "\nParameters (in a file with `_` for `-`; on the command line they go before "
                  "the file):\n");
    for (size_t i = 0; i < params_count(params); i++) {
        const struct params_spec *spec = params_spec(params, i);
        char name[64];
        struct text help = {0};
        option_name(params, i, name, sizeof name);
        char *words = text_format("--%s%s", name, spec->kind == PARAMS_SWITCH ? "" : " VALUE");
        text_add(&help, "%s", spec->help);
        for (size_t k = 0; spec->kind == PARAMS_CHOICE && spec->choices[k]; k++)
            text_add(&help, "%s%s", k == 0 ? "; one of " : ", ", spec->choices[k]);
        if (spec->initial && *spec->initial && strlen(spec->initial) < 60)
            text_add(&help, " (default: %s)", spec->initial);
        else if (!spec->initial)
            text_add(&help, " (must be given)");
        add_option(out, words, help.data);
        free(help.data);
        free(words);
    }
    params_free(params);
}

static void add_examples(struct text *out, const char *examples)
{
    text_add(out, "\nExamples:\n");
    while (*examples) {
        size_t size = strcspn(examples, "\n");
        text_add(out, "  %.*s\n", (int)size, examples);
        examples += size + (examples[size] == '\n');
    }
}

char *asked_help(const struct model *model)
{
    struct text out = {0};

    text_add(&out, "Usage: mecentral model %s [OPTIONS]\n\n%s.\n\n", model->name, model->summary);
    add_wrapped(&out, model->text, 0);
    add_options(&out);
    add_params(&out, model);
    add_examples(&out, model->examples);
    return text_take(&out);
}

char *asked_overview(void)
{
    struct text out = {0};

    text_add(&out, "Usage: mecentral model NAME [OPTIONS]\n\nModels:\n");
    for (size_t i = 0; i < model_count(); i++)
        add_option(&out, model_at(i)->name, model_at(i)->summary);
    add_options(&out);
    text_add(&out, "\nmecentral model NAME --help lists the parameters of one.\n");
    return text_take(&out);
}
