/* mecentral-model: the analyses. `mecentral model` starts it. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "control/text.h"
#include "sim/model/asked.h"

enum { EXIT_FINE = 0, EXIT_CHECK = 1, EXIT_USAGE = 64, EXIT_INTERNAL = 70 };

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

/* Errors: EXIT_USAGE, said. */
static int read_file(const char *path, uint8_t **ret_data, size_t *ret_size)
{
    int error = live_files_read(path, YAML_TREE_SIZE_MAX, ret_data, ret_size);

    if (error == -EFBIG)
        return complain(text_format("%s: larger than 1 MiB", path), EXIT_USAGE);
    if (error != 0)
        return complain(text_format("cannot read %s: %s", path, strerror(-error)), EXIT_USAGE);
    return EXIT_FINE;
}

/* A file that a parameter file names stands beside it. */
static char *beside(const char *file, const char *name)
{
    const char *slash = file ? strrchr(file, '/') : NULL;

    if (*name == '/' || !slash)
        return memory_text(name);
    return text_format("%.*s/%s", (int)(slash - file), file, name);
}

static int attach_files(struct params *params, const char *file)
{
    for (size_t i = 0; i < params_count(params); i++) {
        uint8_t *data;
        size_t size;
        if (params_spec(params, i)->kind != PARAMS_FILE || !*params_text(params, i))
            continue;
        char *path = beside(params_from_file(params, i) ? file : NULL, params_text(params, i));
        int code = read_file(path, &data, &size);
        free(path);
        if (code != EXIT_FINE)
            return code;
        params_attach(params, i, (const char *)data, size);
        free(data);
    }
    return EXIT_FINE;
}

static int fill(struct params *params, const struct asked *asked)
{
    char *error;

    if (asked->file) {
        uint8_t *data;
        size_t size;
        int code = read_file(asked->file, &data, &size);
        if (code != EXIT_FINE)
            return code;
        int wrong = params_read(params, asked->file, (const char *)data, size, &error);
        free(data);
        if (wrong != 0)
            return complain(error, EXIT_USAGE);
    }
    if (asked_fill(asked, params, &error) != 0 || params_check(params, &error) != 0)
        return complain(error, EXIT_USAGE);
    return attach_files(params, asked->file);
}

static int write_page(const char *path, char *page)
{
    FILE *file = fopen(path, "w");
    bool written = file && fputs(page, file) != EOF;

    written = file && fclose(file) == 0 && written;
    free(page);
    return written
               ? EXIT_FINE
               : complain(text_format("cannot write %s: %s", path, strerror(errno)), EXIT_USAGE);
}

static int tell(const struct asked *asked, const struct params *params, const struct result *result)
{
    json_t *parameters = params_json(params);
    int code = EXIT_FINE;

    if (asked->html)
        code = write_page(asked->html, result_as_html(result, parameters));
    if (code == EXIT_FINE && asked->json) {
        json_t *json = result_as_json(result, parameters);
        json_dumpf(json, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
        json_decref(json);
    } else if (code == EXIT_FINE) {
        bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
        print_and_free(asked->csv ? result_as_csv(result) : result_as_text(result, colours));
    }
    json_decref(parameters);
    if (code == EXIT_FINE && asked->html && !asked->quiet)
        fprintf(stderr, "Written: %s\n", asked->html);
    return code != EXIT_FINE ? code : result_failed(result) ? EXIT_CHECK : EXIT_FINE;
}

static int run_model(const struct asked *asked, const struct params *params)
{
    const struct model *model = asked->model;
    struct result *result = result_create(model->name, model->title);
    char *error;
    int code = model->run(params, result, &error) == 0 ? tell(asked, params, result)
                                                       : complain(error, EXIT_USAGE);

    result_free(result);
    return code;
}

static int dispatch(const struct asked *asked)
{
    const struct model *model = asked->model;

    if (asked->help)
        return print_and_free(model ? asked_help(model) : asked_overview());
    struct params *params = params_create(model->specs, model->spec_count);
    int code = fill(params, asked);
    if (code == EXIT_FINE)
        code =
            asked->print_params ? print_and_free(params_print(params)) : run_model(asked, params);
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
