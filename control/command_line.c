#include "control/command_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

struct parsing {
    int argc;
    char *const *argv;
    int at;
    bool only_arguments; /* "--" has been seen */
    const char *(*environment)(const char *name);
    struct command_line line;
    unsigned arguments;
    char *error;
};

static int fail(struct parsing *parsing, char *error)
{
    parsing->error = error;
    return -EINVAL;
}

bool command_line_flag(const json_t *options, const char *name)
{
    return json_is_true(json_object_get(options, name));
}

const char *command_line_text(const json_t *options, const char *name)
{
    return json_string_value(json_object_get(options, name));
}

static size_t option_names(const struct command_option *options, const char **names, size_t count)
{
    for (; options && options->name && count < 64; options++)
        names[count++] = options->name;
    return count;
}

static char *unknown_option(const struct parsing *parsing, const char *name)
{
    const struct command *command = parsing->line.command;
    const char *names[64];
    size_t count = option_names(commands_global_options(), names, 0);

    if (command)
        count = option_names(command->options, names, count);
    const char *near = nearest_find(name, names, count);
    return text_format("%s%sunknown option \"--%s\"%s%s%s", command ? command->name : "",
                       command ? ": " : "", name, near ? "; did you mean \"--" : "",
                       near ? near : "", near ? "\"?" : "");
}

static const struct command_option *by_letter(const struct command_option *options, char letter)
{
    for (; options && options->name; options++)
        if (options->letter == letter)
            return options;
    return NULL;
}

static int store(struct parsing *parsing, const struct command_option *option, const char *value,
                 bool global, const char *said)
{
    json_t *into = global ? parsing->line.global : parsing->line.arguments;
    const char *form;
    bool on;

    if (commands_check_value(option, value, &form) != 0)
        return fail(parsing, text_format("%s: \"%s\" is not %s", said, value, form));
    if (option->kind == OPTION_FLAG) {
        units_parse_switch(value, &on);
        json_object_set_new(into, option->name, json_boolean(on));
        return 0;
    }
    json_t *text = json_string(value);
    if (!text)
        return fail(parsing, text_format("%s: the value is not UTF-8", said));
    json_object_set_new(into, option->name, text);
    return 0;
}

/* @value: what stood behind "=" or, for a letter, right behind it; NULL: nothing. */
static int take_option(struct parsing *parsing, const struct command_option *option, bool global,
                       const char *value)
{
    char *said = text_format("--%s", option->name);
    int error;

    if (option->kind == OPTION_FLAG)
        value = value ? value : "true";
    else if (!value && parsing->at + 1 < parsing->argc)
        value = parsing->argv[++parsing->at];
    if (value)
        error = store(parsing, option, value, global, said);
    else
        error = fail(parsing, text_format("%s needs a value: %s", said, option->value));
    free(said);
    return error;
}

static int take_long(struct parsing *parsing, const char *word)
{
    const struct command *command = parsing->line.command;
    const char *equals = strchr(word, '=');
    char name[64];
    size_t size = equals ? (size_t)(equals - word) : strlen(word);

    if (size >= sizeof name)
        return fail(parsing, unknown_option(parsing, word));
    memcpy(name, word, size);
    name[size] = '\0';
    const struct command_option *option = command ? commands_option(command->options, name) : NULL;
    bool global = !option;
    if (global)
        option = commands_option(commands_global_options(), name);
    if (!option)
        return fail(parsing, unknown_option(parsing, name));
    return take_option(parsing, option, global, equals ? equals + 1 : NULL);
}

/* A cluster of letters: -qv, -nWORLD. */
static int take_short(struct parsing *parsing, const char *word)
{
    const struct command *command = parsing->line.command;

    for (const char *at = word; *at; at++) {
        const struct command_option *option = command ? by_letter(command->options, *at) : NULL;
        bool global = !option;
        if (global)
            option = by_letter(commands_global_options(), *at);
        if (!option)
            return fail(parsing,
                        text_format("unknown option \"-%c\"; see mecentral%s%s --help", *at,
                                    command ? " " : "", command ? command->name : ""));
        bool takes_rest = option->kind != OPTION_FLAG && at[1] != '\0';
        int error = take_option(parsing, option, global, takes_rest ? at + 1 : NULL);
        if (error != 0 || takes_rest || option->kind != OPTION_FLAG)
            return error;
    }
    return 0;
}

static int take_command(struct parsing *parsing, const char *word)
{
    const char *names[64];
    size_t count = 0;

    parsing->line.command = commands_find(word);
    if (parsing->line.command)
        return 0;
    for (; count < commands_count() && count < 64; count++)
        names[count] = commands_at(count)->name;
    const char *near = nearest_find(word, names, count);
    return fail(parsing, text_format("unknown command \"%s\"%s%s%s", word,
                                     near ? "; did you mean \"" : "; see mecentral help",
                                     near ? near : "", near ? "\"?" : ""));
}

static int take_argument(struct parsing *parsing, const char *word)
{
    const struct command *command = parsing->line.command;

    if (!command)
        return take_command(parsing, word);
    if (parsing->arguments == command->most)
        return fail(parsing,
                    text_format("%s: \"%s\" is one argument too many; usage: mecentral %s%s%s",
                                command->name, word, command->name, *command->arguments ? " " : "",
                                command->arguments));
    json_t *text = json_string(word);
    if (!text)
        return fail(parsing, text_format("%s: an argument is not UTF-8", command->name));
    if (command->most >= COMMAND_MANY) {
        json_t *list = json_object_get(parsing->line.arguments, command->keys[0]);
        if (!list) {
            list = json_array();
            json_object_set_new(parsing->line.arguments, command->keys[0], list);
        }
        json_array_append_new(list, text);
    } else {
        json_object_set_new(parsing->line.arguments, command->keys[parsing->arguments], text);
    }
    parsing->arguments++;
    return 0;
}

static int take_word(struct parsing *parsing, const char *word)
{
    const struct command *command = parsing->line.command;

    if (command && command->most == COMMAND_WORDS)
        return take_argument(parsing, word);
    if (parsing->only_arguments || word[0] != '-' || word[1] == '\0')
        return take_argument(parsing, word);
    if (strcmp(word, "--") == 0) {
        parsing->only_arguments = true;
        return 0;
    }
    return word[1] == '-' ? take_long(parsing, word + 2) : take_short(parsing, word + 1);
}

/* What the command line leaves open the environment may say. */
static int take_environment(struct parsing *parsing, const struct command_option *options,
                            bool global)
{
    const json_t *given = global ? parsing->line.global : parsing->line.arguments;

    for (; options && options->name; options++) {
        char twin[80];
        /* One variable cannot mean two things: it is the global option's. */
        if (!global && commands_hides_global(options))
            continue;
        const char *value = parsing->environment(commands_twin(options, twin, sizeof twin));
        if (!value || *value == '\0' || json_object_get(given, options->name))
            continue;
        int error = store(parsing, options, value, global, twin);
        if (error != 0)
            return error;
    }
    return 0;
}

static int parse(struct parsing *parsing)
{
    int error = 0;

    for (parsing->at = 1; error == 0 && parsing->at < parsing->argc; parsing->at++)
        error = take_word(parsing, parsing->argv[parsing->at]);
    const struct command *command = parsing->line.command;
    /* Whose words are somebody else's reads the environment itself, with its own precedence. */
    bool is_passed_on = command && command->most == COMMAND_WORDS;
    if (error == 0 && !is_passed_on)
        error = take_environment(parsing, commands_global_options(), true);
    if (error == 0 && command)
        error = take_environment(parsing, command->options, false);
    if (error != 0 || command_line_flag(parsing->line.global, "help"))
        return error;
    if (!command)
        return fail(parsing, text_format("no command; see mecentral help"));
    if (parsing->arguments < command->least)
        return fail(parsing, text_format("%s needs %s; see mecentral %s --help", command->name,
                                         command->arguments, command->name));
    return 0;
}

int command_line_parse(int argc, char *const *argv, const char *(*environment)(const char *name),
                       struct command_line *ret_line, char **ret_error)
{
    struct parsing parsing = {.argc = argc,
                              .argv = argv,
                              .environment = environment,
                              .line = {.arguments = json_object(), .global = json_object()}};
    int error = parse(&parsing);

    if (error != 0) {
        command_line_free(&parsing.line);
        *ret_error = parsing.error;
        return error;
    }
    *ret_line = parsing.line;
    return 0;
}

void command_line_free(struct command_line *line)
{
    json_decref(line->arguments);
    json_decref(line->global);
    *line = (struct command_line){0};
}
