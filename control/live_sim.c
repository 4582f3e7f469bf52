/* mecentral sim: a program of its own, since it holds the daemons' cores, which the command needs
 * for nothing else. */

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

static void add_options(struct words *words, const json_t *given,
                        const struct command_option *options)
{
    for (; options->name; options++) {
        const json_t *value = json_object_get(given, options->name);
        if (!value)
            continue;
        const char *text = json_is_string(value) ? json_string_value(value)
                           : json_is_true(value) ? "true"
                                                 : "false";
        add(words, text_format("--%s=%s", options->name, text));
    }
}

/* What was asked, told again: also what came from the environment. */
static char **make_arguments(const struct mecentral *run)
{
    const struct command_line *line = &run->line;
    const json_t *files = json_object_get(line->arguments, "files");
    struct words words = {0};

    add(&words, memory_text("mecentral-sim"));
    add_options(&words, line->global, commands_global_options());
    add_options(&words, line->arguments, line->command->options);
    add(&words, memory_text("--"));
    for (size_t i = 0; i < json_array_size(files); i++)
        add(&words, memory_text(json_string_value(json_array_get(files, i))));
    add(&words, NULL);
    return words.items;
}

int live_sim(struct mecentral *run)
{
    char **arguments = make_arguments(run);
    char *path;

    if (live_process_find("mecentral-sim", &path) == 0) {
        signal(SIGPIPE, SIG_DFL);
        execv(path, arguments);
        mecentral_error("cannot start %s: %s", path, strerror(errno));
        free(path);
    } else {
        mecentral_error(
            "there is no program mecentral-sim beside mecentral; set MECENTRAL_LIBEXEC");
    }
    for (size_t i = 0; arguments[i]; i++)
        free(arguments[i]);
    free(arguments);
    return MECENTRAL_INTERNAL;
}
