#include "sim/model/live_result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/text.h"

static int write_page(const char *path, char *page, char **ret_error)
{
    FILE *file = fopen(path, "w");
    bool written = file && fputs(page, file) != EOF;

    written = file && fclose(file) == 0 && written;
    free(page);
    if (!written)
        *ret_error = text_format("cannot write %s: %s", path, strerror(errno));
    return written ? 0 : -EINVAL;
}

static void print_json(const struct result *result, const json_t *parameters)
{
    json_t *json = result_as_json(result, parameters);

    json_dumpf(json, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(json);
}

static void print_text(char *text)
{
    fputs(text, stdout);
    free(text);
}

int live_result_tell(const struct result *result, const struct params *params,
                     const struct live_result_how *how, char **ret_error)
{
    json_t *parameters = params_json(params);
    int error = 0;

    if (how->html)
        error = write_page(how->html, result_as_html(result, parameters), ret_error);
    if (error == 0 && how->json)
        print_json(result, parameters);
    else if (error == 0 && how->csv)
        print_text(result_as_csv(result));
    else if (error == 0)
        print_text(result_as_text(result, isatty(STDOUT_FILENO) && !getenv("NO_COLOR")));
    json_decref(parameters);
    if (error == 0 && how->html && !how->quiet)
        fprintf(stderr, "Written: %s\n", how->html);
    return error;
}
