#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/command_line.h"
#include "control/manual.h"
#include "control/nearest.h"
#include "tests/unit/suite.h"

static const char *variable; /* "NAME=value" */

static const char *environment(const char *name)
{
    size_t size = strlen(name);

    return variable && strncmp(variable, name, size) == 0 && variable[size] == '='
               ? variable + size + 1
               : NULL;
}

static int parse(const char *words, struct command_line *line, char **error)
{
    char *copy = memory_text(words);
    char *rest = copy;
    char *argv[32];
    int argc = 0;

    argv[argc++] = (char *)"mecentral";
    for (char *word; (word = strsep(&rest, " "));)
        argv[argc++] = word;
    int result = command_line_parse(argc, argv, environment, line, error);
    free(copy);
    return result;
}

static struct command_line accept(const char *words)
{
    struct command_line line = {0};
    char *error = NULL;

    int result = parse(words, &line, &error);
    ck_assert_msg(result == 0, "%s: %s", words, error);
    return line;
}

static void refuse(const char *words, const char *says)
{
    struct command_line line;
    char *error = NULL;

    ck_assert_msg(parse(words, &line, &error) == -EINVAL, "%s", words);
    ck_assert_msg(strstr(error, says) != NULL, "%s: %s", words, error);
    free(error);
}

static void setup(void)
{
    variable = NULL;
}

START_TEST(options_stand_before_and_behind_the_command)
{
    static const char *const ways[] = {"-n shop up --port 9000 -d",
                                       "up -n shop --port=9000 --detach",
                                       "up -d --world shop --port 9000", "up -dnshop --port 9000"};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct command_line line = accept(ways[i]);
        ck_assert_str_eq(line.command->name, "up");
        ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
        ck_assert_str_eq(command_line_text(line.arguments, "port"), "9000");
        ck_assert(command_line_flag(line.arguments, "detach"));
        command_line_free(&line);
    }
}
END_TEST

START_TEST(arguments_have_names)
{
    struct command_line line = accept("cut us-east eu-west --for 30s");

    ck_assert_str_eq(command_line_text(line.arguments, "a"), "us-east");
    ck_assert_str_eq(command_line_text(line.arguments, "b"), "eu-west");
    ck_assert_str_eq(command_line_text(line.arguments, "for"), "30s");
    command_line_free(&line);
    line = accept("kill us-east routerd");
    ck_assert_uint_eq(json_array_size(json_object_get(line.arguments, "names")), 2);
    command_line_free(&line);
    line = accept("logs -f -- -odd");
    ck_assert_uint_eq(json_array_size(json_object_get(line.arguments, "names")), 1);
    command_line_free(&line);
}
END_TEST

START_TEST(a_letter_may_mean_another_thing_to_another_command)
{
    struct command_line line = accept("up -f shop.yaml");

    ck_assert_str_eq(command_line_text(line.arguments, "file"), "shop.yaml");
    command_line_free(&line);
    line = accept("logs -f");
    ck_assert(command_line_flag(line.arguments, "follow"));
    command_line_free(&line);
}
END_TEST

/* The name of a running world is global; behind `sim` the same word means a file. */
START_TEST(a_command_may_have_a_global_name_for_itself)
{
    struct command_line line = accept("sim --world sun.yaml");

    ck_assert_str_eq(command_line_text(line.arguments, "world"), "sun.yaml");
    ck_assert_ptr_null(command_line_text(line.global, "world"));
    command_line_free(&line);
    line = accept("--world shop sim --world=sun.yaml");
    ck_assert_str_eq(command_line_text(line.arguments, "world"), "sun.yaml");
    ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
    command_line_free(&line);
    line = accept("sim -n shop");
    ck_assert_ptr_null(command_line_text(line.arguments, "world"));
    ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
    command_line_free(&line);
    /* Who works with one world has its name in the environment: that is no file. */
    variable = "MECENTRAL_WORLD=shop";
    line = accept("sim --seeds 1..3");
    ck_assert_ptr_null(command_line_text(line.arguments, "world"));
    ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
    command_line_free(&line);
    line = accept("sim --world sun.yaml");
    ck_assert_str_eq(command_line_text(line.arguments, "world"), "sun.yaml");
    ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
    command_line_free(&line);
    ck_assert(commands_hides_global(commands_option(commands_find("sim")->options, "world")));
    ck_assert(!commands_hides_global(commands_option(commands_find("sim")->options, "seed")));
}
END_TEST

START_TEST(slips_are_answered_with_what_was_meant)
{
    refuse("stauts", "did you mean \"status\"");
    refuse("upp", "did you mean \"up\"");
    refuse("xyzzy", "see mecentral help");
    refuse("up --prot 80", "did you mean \"--port\"");
    refuse("up --xyzzy", "unknown option \"--xyzzy\"");
    refuse("ps --port 80", "ps: unknown option \"--port\"");
    refuse("up -x", "unknown option \"-x\"");
    refuse("cut us-east", "cut needs A B");
    refuse("cut a b c", "one argument too many");
    refuse("ps x", "one argument too many");
    refuse("kill", "kill needs NAME...");
    refuse("-q", "no command");
}
END_TEST

START_TEST(values_are_checked_where_they_are_given)
{
    refuse("up --port many", "port from 0 to 65535");
    refuse("up --port 65536", "port from 0 to 65535");
    refuse("up --port", "needs a value");
    refuse("up --port=", "port from");
    refuse("up --slow-motion 0", "factor");
    refuse("up --seed -1", "whole number");
    refuse("up --detach=maybe", "true or false");
    refuse("sim --seeds 5", "a range such as 1..2000");
    refuse("cut a b --for soon", "a duration");
    refuse("cut a b --for 30", "a duration");
    refuse("link a b --loss 1", "a share");
    refuse("link a b --rate 1mb", "a rate");
    refuse("link a b --latency 5", "a duration");
    struct command_line line = accept("link a b --latency +5ms --loss 1% --rate 1mbit");
    ck_assert_str_eq(command_line_text(line.arguments, "latency"), "+5ms");
    command_line_free(&line);
}
END_TEST

START_TEST(every_option_has_a_twin_in_the_environment)
{
    variable = "MECENTRAL_READY_FILE=/x/y";
    struct command_line line = accept("up");
    ck_assert_str_eq(command_line_text(line.arguments, "ready-file"), "/x/y");
    command_line_free(&line);
    line = accept("up --ready-file z");
    ck_assert_str_eq(command_line_text(line.arguments, "ready-file"), "z");
    command_line_free(&line);
    line = accept("ps");
    ck_assert_ptr_null(command_line_text(line.arguments, "ready-file"));
    command_line_free(&line);
    variable = "MECENTRAL_WORLD=shop";
    line = accept("ps");
    ck_assert_str_eq(command_line_text(line.global, "world"), "shop");
    command_line_free(&line);
    variable = "MECENTRAL_NO_WAN=1";
    line = accept("up");
    ck_assert(command_line_flag(line.arguments, "no-wan"));
    command_line_free(&line);
    line = accept("up --no-wan=false");
    ck_assert(!command_line_flag(line.arguments, "no-wan"));
    command_line_free(&line);
    variable = "MECENTRAL_PORT=many";
    refuse("up", "MECENTRAL_PORT: \"many\" is not a port");
    variable = "MECENTRAL_PORT=";
    line = accept("up");
    ck_assert_ptr_null(command_line_text(line.arguments, "port"));
    command_line_free(&line);
}
END_TEST

/* A program of its own reads the environment by its own precedence: what is passed on to it as
 * words would be taken for said, and MECENTRAL_JSON then contradict --csv. */
START_TEST(what_is_passed_on_is_only_what_was_said)
{
    variable = "MECENTRAL_JSON=1";
    struct command_line line = accept("model latency --csv");
    ck_assert(!command_line_flag(line.global, "json"));
    command_line_free(&line);
    line = accept("--json model latency");
    ck_assert(command_line_flag(line.global, "json"));
    command_line_free(&line);
    line = accept("sim --seeds 1..3");
    ck_assert(command_line_flag(line.global, "json"));
    command_line_free(&line);
}
END_TEST

START_TEST(help_goes_before_complaints_about_what_is_missing)
{
    struct command_line line = accept("cut --help");

    ck_assert(command_line_flag(line.global, "help"));
    ck_assert_str_eq(line.command->name, "cut");
    command_line_free(&line);
    line = accept("--help");
    ck_assert_ptr_null(line.command);
    command_line_free(&line);
}
END_TEST

START_TEST(every_command_explains_itself_and_its_examples_parse)
{
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        char *text = manual_command(command);
        char *examples = memory_text(command->examples);
        char *rest = examples;

        ck_assert_ptr_nonnull(strstr(text, command->summary));
        for (char *line; (line = strsep(&rest, "\n"));) {
            char *comment = strstr(line, "  # ");
            if (comment)
                *comment = '\0';
            if (strncmp(line, "mecentral ", 10) != 0)
                continue;
            struct command_line parsed = accept(line + 10);
            ck_assert_ptr_eq(parsed.command, command);
            command_line_free(&parsed);
        }
        free(examples);
        free(text);
    }
}
END_TEST

START_TEST(no_two_options_of_a_command_are_alike)
{
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command_option *options = commands_at(i)->options;
        for (const struct command_option *a = options; a && a->name; a++) {
            /* One has a global name, which only works while it leaves the letter to that one. */
            bool is_world_file = strcmp(commands_at(i)->name, "sim") == 0 &&
                                 strcmp(a->name, "world") == 0 && a->letter == 0;
            ck_assert(commands_hides_global(a) == is_world_file);
            ck_assert_ptr_eq(commands_option(options, a->name), a);
            ck_assert((a->value == NULL) == (a->kind == OPTION_FLAG));
            for (const struct command_option *b = a + 1; b->name; b++)
                ck_assert(a->letter == 0 || a->letter != b->letter);
        }
    }
}
END_TEST

START_TEST(the_manual_in_docs_is_up_to_date)
{
    FILE *file = fopen(SOURCE_ROOT "/docs/mecentral.md", "r");
    char *page = memory_alloc(131072);
    char *manual = manual_markdown();

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, 131071, file), 0);
    fclose(file);
    ck_assert_msg(strcmp(page, manual) == 0, "write it anew: mecentral manual > docs/mecentral.md");
    free(manual);
    free(page);
}
END_TEST

START_TEST(the_completion_knows_every_command)
{
    char *script = manual_completion_bash();

    for (size_t i = 0; i < commands_count(); i++) {
        char branch[64];
        snprintf(branch, sizeof branch, "        %s) words=", commands_at(i)->name);
        ck_assert_msg(strstr(script, branch) != NULL, "%s", branch);
    }
    free(script);
}
END_TEST

START_TEST(the_nearest_name_is_near)
{
    static const char *const names[] = {"status", "start", "stop"};

    ck_assert_str_eq(nearest_find("stauts", names, 3), "status");
    ck_assert_str_eq(nearest_find("sotp", names, 3), "stop");
    ck_assert_ptr_null(nearest_find("banana", names, 3));
    ck_assert_ptr_null(nearest_find("", names, 0));
    char longer[200];
    memset(longer, 's', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ck_assert_ptr_null(nearest_find(longer, names, 3));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        options_stand_before_and_behind_the_command,
        arguments_have_names,
        a_letter_may_mean_another_thing_to_another_command,
        a_command_may_have_a_global_name_for_itself,
        slips_are_answered_with_what_was_meant,
        values_are_checked_where_they_are_given,
        every_option_has_a_twin_in_the_environment,
        what_is_passed_on_is_only_what_was_said,
        help_goes_before_complaints_about_what_is_missing,
        every_command_explains_itself_and_its_examples_parse,
        no_two_options_of_a_command_are_alike,
        the_manual_in_docs_is_up_to_date,
        the_completion_knows_every_command,
        the_nearest_name_is_near,
    };
    return suite_run(&(struct suite){.name = "commands", .set_up = setup, SUITE_TESTS(tests)});
}
