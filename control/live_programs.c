/* mecentral sim and mecentral model: programs of their own, since they hold the daemons' cores,
 * which the command needs for nothing else. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "control/live_process.h"
#include "control/mecentral.h"
#include "control/text.h"

struct words {
    char **items;
    size_t count;
};

static void add(struct words *words, char *word)
{
    words->items = memory_grow(words->items, (words->count + 1) * sizeof *words->items);
    words->items[words->count++] = word;
}

/* @own: options of a command, whose names are not the global ones' behind it; NULL: none. */
static void add_options(struct words *words, const json_t *given,
                        const struct command_option *options, const struct command_option *own)
{
    for (; options->name; options++) {
        const json_t *value = json_object_get(given, options->name);
        if (!value || commands_option(own, options->name))
            continue;
        const char *text = json_is_string(value) ? json_string_value(value)
                           : json_is_true(value) ? "true"
                                                 : "false";
        add(words, text_format("--%s=%s", options->name, text));
    }
}

static void add_words(struct words *words, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        add(words, memory_text(json_string_value(json_array_get(list, i))));
}

/* What was asked, told again: also what came from the environment. */
static char **make_sim_words(const struct mecentral *run)
{
    const struct command_line *line = &run->line;
    struct words words = {0};

    add(&words, memory_text("mecentral-sim"));
    add_options(&words, line->global, commands_global_options(), line->command->options);
    add_options(&words, line->arguments, line->command->options, NULL);
    add(&words, memory_text("--"));
    add_words(&words, json_object_get(line->arguments, "files"));
    add(&words, NULL);
    return words.items;
}

static char **make_model_words(const struct mecentral *run)
{
    const struct command_line *line = &run->line;
    struct words words = {0};

    add(&words, memory_text("mecentral-model"));
    add_options(&words, line->global, commands_global_options(), NULL);
    add_words(&words, json_object_get(line->arguments, "words"));
    add(&words, NULL);
    return words.items;
}

/* Becomes that program; returns only when it cannot. */
static int become(const char *program, char **arguments)
{
    char *path;

    if (live_process_find(program, &path) == 0) {
        signal(SIGPIPE, SIG_DFL);
        execv(path, arguments);
        mecentral_error("cannot start %s: %s", path, strerror(errno));
        free(path);
    } else {
        mecentral_error("there is no program %s beside mecentral; set MECENTRAL_LIBEXEC", program);
    }
    for (size_t i = 0; arguments[i]; i++)
        free(arguments[i]);
    free(arguments);
    return MECENTRAL_INTERNAL;
}

int live_sim(struct mecentral *run)
{
    return become("mecentral-sim", make_sim_words(run));
}

int live_model(struct mecentral *run)
{
    return become("mecentral-model", make_model_words(run));
}
