/* mecentral-model: the analyses. `mecentral model` starts it. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/asked.h"
#include "sim/model/live_measure.h"
#include "sim/model/live_params.h"
#include "sim/model/live_result.h"

enum { EXIT_FINE = 0, EXIT_CHECK = 1, EXIT_USAGE = 64, EXIT_UNREACHABLE = 69, EXIT_INTERNAL = 70 };

static int complain(char *error, int code)
{
    fprintf(stderr, "mecentral model: %s\n", error);
    free(error);
    return code;
}

static int print_and_free(char *text)
{
    fputs(text, stdout);
    free(text);
    return EXIT_FINE;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static int fill(struct params *params, const struct asked *asked)
{
    char *error;

    if ((asked->file && live_params_read(params, asked->file, &error) != 0) ||
        asked_fill(asked, params, &error) != 0 || params_check(params, &error) != 0 ||
        live_params_attach(params, asked->file, &error) != 0)
        return complain(error, EXIT_USAGE);
    return EXIT_FINE;
}

static int tell(const struct asked *asked, const struct params *params, const struct result *result)
{
    const struct live_result_how how = {
        .json = asked->json, .csv = asked->csv, .html = asked->html, .quiet = asked->quiet};
    char *error;

    if (live_result_tell(result, params, &how, &error) != 0)
        return complain(error, EXIT_USAGE);
    return result_failed(result) ? EXIT_CHECK : EXIT_FINE;
}

/* Of what a measurement has not come to its end for. */
static int code_of(int error)
{
    switch (error) {
    case 0:
        return EXIT_FINE;
    case -EINVAL:
        return EXIT_USAGE;
    case -ENOENT:
    case -ECONNREFUSED:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_CHECK;
    }
}

/* The model first: what it refuses needs no world to be broken. @measure may be NULL. */
static int run_model(const struct asked *asked, const struct params *params,
                     struct live_measure *measure)
{
    const struct model *model = asked->model;
    struct result *result = result_create(model->name, model->title);
    char *error;
    int wrong = model->run(params, result, &error);

    if (wrong == 0 && measure)
        wrong = live_measure_run(measure, model, params, result, &error);
    int code = wrong == 0 ? tell(asked, params, result) : complain(error, code_of(wrong));
    result_free(result);
    return code;
}

static int run_against(const struct asked *asked, struct params *params)
{
    struct live_measure *measure;
    char *error;
    int wrong = live_measure_open(asked->model, asked->world ? asked->world : "default",
                                  asked->quiet, &measure, &error);

    if (wrong != 0)
        return complain(error, code_of(wrong));
    wrong = live_measure_fit(measure, params, &error);
    int code = wrong == 0 ? run_model(asked, params, measure) : complain(error, code_of(wrong));
    live_measure_free(measure);
    return code;
}

static int dispatch(const struct asked *asked)
{
    const struct model *model = asked->model;

    if (asked->help)
        return print_and_free(model ? asked_help(model) : asked_overview());
    struct params *params = params_create(model->specs, model->spec_count);
    int code = fill(params, asked);
    if (code == EXIT_FINE && asked->print_params)
        code = print_and_free(params_print(params));
    else if (code == EXIT_FINE)
        code = asked->against ? run_against(asked, params) : run_model(asked, params, NULL);
    params_free(params);
    return code;
}

int main(int argc, char **argv)
{
    struct asked asked;
    char *error;

    setlocale(LC_NUMERIC, "C");
    if (sodium_init() < 0)
        return complain(memory_text("libsodium does not start"), EXIT_INTERNAL);
    if (asked_read(argc - 1, argv + 1, environment, &asked, &error) != 0)
        return complain(error, EXIT_USAGE);
    int code = dispatch(&asked);
    asked_free(&asked);
    if (fflush(stdout) != 0 && code == EXIT_FINE)
        return complain(text_format("cannot print: %s", strerror(errno)), EXIT_INTERNAL);
    return code;
}
