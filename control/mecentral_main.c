/* mecentral: the command. */

#include "control/mecentral.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_log.h"
#include "common/live_loop.h"
#include "control/manual.h"
#include "control/world.h"

void mecentral_error(const char *format, ...)
{
    va_list arguments;
    bool colours = isatty(STDERR_FILENO) && !getenv("NO_COLOR");

    fputs(colours ? "\033[31mmecentral:\033[0m " : "mecentral: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void mecentral_say(const struct mecentral *run, const char *format, ...)
{
    va_list arguments;

    if (run->quiet)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void mecentral_print_json(const json_t *data)
{
    json_dumpf(data, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
}

static int print_and_free(char *text)
{
    fputs(text, stdout);
    free(text);
    return MECENTRAL_FINE;
}

static int help(struct mecentral *run)
{
    const char *name = command_line_text(run->line.arguments, "command");
    const struct command *command = name ? commands_find(name) : NULL;

    if (name && !command) {
        mecentral_error("there is no command \"%s\"; see mecentral help", name);
        return MECENTRAL_USAGE;
    }
    return print_and_free(command ? manual_command(command) : manual_overview());
}

static int version(struct mecentral *run)
{
    if (run->json)
        printf("{\"version\": \"%s\"}\n", MEC_VERSION);
    else
        printf("mecentral (MeCentral) %s\n", MEC_VERSION);
    return MECENTRAL_FINE;
}

static int manual(struct mecentral *run)
{
    (void)run;
    return print_and_free(manual_markdown());
}

static int completion(struct mecentral *run)
{
    const char *shell = command_line_text(run->line.arguments, "shell");

    if (strcmp(shell, "bash") == 0)
        return print_and_free(manual_completion_bash());
    mecentral_error("there is no completion for \"%s\", only for bash", shell);
    return MECENTRAL_USAGE;
}

static const struct {
    const char *name;
    int (*run)(struct mecentral *run);
} here[] = {
    {"up", live_up},      {"down", live_down},   {"worlds", live_worlds},
    {"logs", live_logs},  {"help", help},        {"doctor", live_doctor},
    {"version", version}, {"manual", manual},    {"completion", completion},
    {"sim", live_sim},    {"model", live_model},
};

static int dispatch(struct mecentral *run)
{
    const struct command *command = run->line.command;

    if (command_line_flag(run->line.global, "help"))
        return print_and_free(command ? manual_command(command) : manual_overview());
    if (!world_name_is_valid(run->world)) {
        mecentral_error("\"%s\" is no name for a world: it takes a-z, 0-9, \"-\" and \"_\", at "
                        "most %d characters",
                        run->world, WORLD_NAME_SIZE - 1);
        return MECENTRAL_USAGE;
    }
    if (command->place == COMMAND_CONTROLD)
        return live_remote(run);
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        if (strcmp(here[i].name, command->name) == 0)
            return here[i].run(run);
    return MECENTRAL_INTERNAL;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

int main(int argc, char **argv)
{
    struct mecentral run = {.started_us = live_loop_now().now_us};
    char *error;

    setlocale(LC_NUMERIC, "C");
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        return MECENTRAL_INTERNAL;
    live_log_name("mecentral");
    if (argc == 1) {
        char *text = manual_overview();
        fputs(text, stderr);
        free(text);
        return MECENTRAL_USAGE;
    }
    if (command_line_parse(argc, argv, environment, &run.line, &error) != 0) {
        mecentral_error("%s", error);
        free(error);
        return MECENTRAL_USAGE;
    }
    run.world = command_line_text(run.line.global, "world");
    if (!run.world)
        run.world = "default";
    run.json = command_line_flag(run.line.global, "json");
    run.quiet = command_line_flag(run.line.global, "quiet");
    run.verbose = command_line_flag(run.line.global, "verbose");
    run.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    int code = dispatch(&run);
    command_line_free(&run.line);
    if (fflush(stdout) != 0 && errno != EPIPE && code == MECENTRAL_FINE)
        code = MECENTRAL_INTERNAL;
    return code;
}
