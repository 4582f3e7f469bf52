#include "control/manual.h"

#include <stdlib.h>
#include <string.h>

#include "control/text.h"

#define EXIT_CODES(X)                                                                              \
    X(0, "fine")                                                                                   \
    X(1, "a check failed, or the world is not in a state for it")                                  \
    X(2, "undetermined")                                                                           \
    X(64, "wrong usage: unknown command or option, a file or name that will not do")               \
    X(69, "no such world, or it cannot be reached")                                                \
    X(70, "internal: a process did not start, the disk refused, a bug")

static void add_usage(struct text *text, const struct command *command)
{
    text_add(text, "mecentral %s%s%s%s", command->name, command->options ? " [OPTIONS]" : "",
             *command->arguments ? " " : "", command->arguments);
}

static void add_wrapped(struct text *text, const char *words, size_t indent, size_t width)
{
    size_t column = indent;

    while (*words) {
        size_t size = strcspn(words, " \n");
        if (column != indent && column + 1 + size > width) {
            text_add(text, "\n%*s", (int)indent, "");
            column = indent;
        }
        text_add(text, "%s%.*s", column != indent ? " " : "", (int)size, words);
        column += size + (column != indent);
        words += size;
        if (words[0] == '\n' && words[1] == '\n') {
            text_add(text, "\n\n%*s", (int)indent, "");
            column = indent;
            words++;
        }
        if (*words)
            words++;
    }
}

/* "-f, --file FILE" */
static char *option_words(const struct command_option *option)
{
    struct text text = {0};

    if (option->letter)
        text_add(&text, "-%c, ", option->letter);
    text_add(&text, "--%s", option->name);
    if (option->value)
        text_add(&text, " %s", option->value);
    return text_take(&text);
}

static void add_options(struct text *text, const struct command_option *options)
{
    for (; options && options->name; options++) {
        char *words = option_words(options);
        char *help = options->initial
                         ? text_format("%s (default: %s)", options->help, options->initial)
                         : text_format("%s", options->help);
        text_add(text, "  %-22s  ", words);
        add_wrapped(text, help, 26, 96);
        text_add(text, "\n");
        free(help);
        free(words);
    }
}

static void add_examples(struct text *text, const char *examples, const char *indent)
{
    size_t widest = 0;

    for (const char *line = examples; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *comment = strstr(line, "  # ");
        size_t size = strcspn(line, "\n");
        size_t width = comment && comment < line + size ? (size_t)(comment - line) : size;
        widest = width > widest ? width : widest;
    }
    for (const char *line = examples; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *comment = strstr(line, "  # ");
        size_t size = strcspn(line, "\n");
        if (!comment || comment > line + size)
            text_add(text, "%s%.*s\n", indent, (int)size, line);
        else
            text_add(text, "%s%-*.*s%.*s\n", indent, (int)widest, (int)(comment - line), line,
                     (int)(size - (size_t)(comment - line)), comment);
    }
}

char *manual_command(const struct command *command)
{
    struct text text = {0};

    text_add(&text, "Usage: ");
    add_usage(&text, command);
    text_add(&text, "\n\n%s.\n", command->summary);
    if (*command->text) {
        text_add(&text, "\n");
        add_wrapped(&text, command->text, 0, 96);
        text_add(&text, "\n");
    }
    if (command->options) {
        text_add(&text, "\nOptions (each has an environment twin: --ready-file is "
                        "MECENTRAL_READY_FILE):\n");
        add_options(&text, command->options);
    }
    text_add(&text, "\nBefore or behind the command:\n");
    add_options(&text, commands_global_options());
    text_add(&text, "\nExamples:\n");
    add_examples(&text, command->examples, "  ");
    return text_take(&text);
}

char *manual_overview(void)
{
    struct text text = {0};
    const char *group = "";

    text_add(&text, "MeCentral: a fake global deployment on one machine.\n\n"
                    "Usage: mecentral [-n WORLD] [--json] [-q|-v] COMMAND\n");
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        if (strcmp(group, command->group) != 0)
            text_add(&text, "\n%s\n", command->group);
        group = command->group;
        char *words = text_format("%s %s", command->name, command->arguments);
        text_add(&text, "  %-22s  %s\n", words, command->summary);
        free(words);
    }
    text_add(&text, "\nOptions\n");
    add_options(&text, commands_global_options());
    text_add(&text, "\nExit codes\n");
#define X(code, meaning) text_add(&text, "  %-3d %s\n", code, meaning);
    EXIT_CODES(X)
#undef X
    text_add(&text, "\nStart with: mecentral up\n");
    return text_take(&text);
}

static void add_markdown_options(struct text *text, const struct command_option *options)
{
    text_add(text, "\n| option | default | |\n|---|---|---|\n");
    for (; options->name; options++) {
        char *words = option_words(options);
        text_add(text, "| `");
        for (const char *at = words; *at; at++)
            text_add(text, "%s%c", *at == '|' ? "\\" : "", *at);
        text_add(text, "` | %s | %s |\n", options->initial ? options->initial : "", options->help);
        free(words);
    }
}

static void add_markdown_command(struct text *text, const struct command *command)
{
    text_add(text, "\n### %s\n\n`", command->name);
    add_usage(text, command);
    text_add(text, "`: %s.\n", command->summary);
    if (*command->text)
        text_add(text, "\n%s\n", command->text);
    if (command->options)
        add_markdown_options(text, command->options);
    text_add(text, "\n```sh\n");
    add_examples(text, command->examples, "");
    text_add(text, "```\n");
}

char *manual_markdown(void)
{
    struct text text = {0};
    const char *group = "";

    text_add(&text,
             "# mecentral\n\n"
             "The command line of MeCentral. This page is printed by `mecentral manual`.\n\n"
             "`mecentral [-n WORLD] [--json] [-q|-v] COMMAND`\n\n"
             "Data goes to stdout, messages to stderr; colour and progress only to a terminal, and "
             "not when `NO_COLOR` is set. Durations are written `150ms`, `2s`; rates `1mbit`; "
             "shares `1%%`. Each option has an environment twin: `--ready-file` is "
             "`MECENTRAL_READY_FILE`; the command line goes before it.\n");
    add_markdown_options(&text, commands_global_options());
    text_add(&text, "\n| exit code | |\n|---|---|\n");
#define X(code, meaning) text_add(&text, "| %d | %s |\n", code, meaning);
    EXIT_CODES(X)
#undef X
    text_add(&text,
             "\nA world's state lives under `$XDG_STATE_HOME/mecentral/WORLD` (else "
             "`~/.local/state`), its sockets under `$XDG_RUNTIME_DIR/mecentral/WORLD` (else "
             "`/tmp/mecentral-UID`). The daemons are looked for beside `mecentral` itself, and "
             "first in `$MECENTRAL_LIBEXEC`.\n");
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        if (strcmp(group, command->group) != 0)
            text_add(&text, "\n## %s\n", command->group);
        group = command->group;
        add_markdown_command(&text, command);
    }
    return text_take(&text);
}

static void add_option_list(struct text *text, const struct command_option *options)
{
    for (; options && options->name; options++)
        text_add(text, " --%s", options->name);
}

char *manual_completion_bash(void)
{
    struct text text = {0};

    text_add(&text, "# source <(mecentral completion bash)\n"
                    "_mecentral() {\n"
                    "    local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
                    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "        case ${COMP_WORDS[i]} in\n"
                    "            -n|--world) ((i++)) ;;\n"
                    "            -*) ;;\n"
                    "            *) command=${COMP_WORDS[i]}; break ;;\n"
                    "        esac\n"
                    "    done\n"
                    "    local words\n"
                    "    case $command in\n"
                    "        '') words='");
    for (size_t i = 0; i < commands_count(); i++)
        text_add(&text, "%s%s", i != 0 ? " " : "", commands_at(i)->name);
    add_option_list(&text, commands_global_options());
    text_add(&text, "' ;;\n");
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        text_add(&text, "        %s) words='--help", command->name);
        add_option_list(&text, command->options);
        if (command->keys[0] && strcmp(command->keys[0], "names") == 0)
            text_add(&text,
                     "'\" $(mecentral --json ps 2>/dev/null | grep -o '\"name\": *\"[^\"]*\"' "
                     "| cut -d'\"' -f4)\" ;;\n");
        else
            text_add(&text, "%s' ;;\n", strcmp(command->name, "completion") == 0 ? " bash" : "");
    }
    text_add(&text, "    esac\n"
                    "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                    "}\n"
                    "complete -o default -F _mecentral mecentral\n");
    return text_take(&text);
}
