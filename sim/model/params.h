/* params: what a model is told: each parameter once, in a table, with its kind, default, bounds,
 * help and source. The file, the command line, --help, --print-params and the page in docs/ all
 * come from that table.
 *
 * A parameter has a name as in the file (`service_work`); its option is the same with dashes
 * (`--service-work`), its twin in the environment MECENTRAL_SERVICE_WORK. What stands on the
 * command line goes before the file, the file before the default. Nothing is ever silently
 * replaced: what is unknown, empty, not a number, negative or out of bounds is an error that says
 * where it stands. */

#ifndef MEC_PARAMS_H
#define MEC_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "sim/model/yaml_tree.h"

enum params_kind {
    PARAMS_DURATION, /* microseconds; this and the next: as quantity.h has them */
    PARAMS_SHARE,    /* 0 to 1 */
    PARAMS_NUMBER,
    PARAMS_COUNT,  /* whole */
    PARAMS_SIZE,   /* bytes */
    PARAMS_RATE,   /* bytes a second */
    PARAMS_SWITCH, /* 0 or 1: "true", "off" */
    PARAMS_CHOICE, /* the number of one of its words */
    PARAMS_TEXT,   /* any one line; empty only where the default is */
    PARAMS_FILE,   /* the name of a file, which the shell reads; "" for none */
    PARAMS_TREE    /* a part of a shape of its own; on the command line in YAML's flow style */
};

struct params_spec {
    const char *key; /* a-z, 0-9 and "_" */
    enum params_kind kind;
    const char *initial;        /* as one would write it; NULL: it must be given */
    double least, most;         /* both allowed; both 0: 0 and whatever the kind can hold */
    const char *const *choices; /* of a choice; the last is NULL */
    const char *help;
    const char *source; /* where the default is from; NULL: nowhere, it is an order of magnitude */
};

struct params;

/* All defaults. @specs is borrowed. */
struct params *params_create(const struct params_spec *specs, size_t count);
void params_free(struct params *params);

/* The option that prints all of them, which errors refer to; borrowed. It is --print-params unless
 * said. */
void params_printed_by(struct params *params, const char *option);

size_t params_count(const struct params *params);
const struct params_spec *params_spec(const struct params *params, size_t index);

/* Which parameter is @key, or @option of the command line ("service-work")? Errors: -ENOENT. */
int params_find(const struct params *params, const char *key, size_t *ret_index);
int params_find_option(const struct params *params, const char *option, size_t *ret_index);

/* Take over a file. @file is copied. Errors: -EINVAL, with a new *@ret_error "FILE:LINE: KEY: .."
 * for the first thing that is wrong; @params are to be thrown away then. */
int params_read(struct params *params, const char *file, const char *text, size_t size,
                char **ret_error);

/* Take over a value from the command line. Errors: -EINVAL, "--service-work: ..". */
int params_set(struct params *params, size_t index, const char *text, char **ret_error);

/* From the environment. Errors: -EINVAL, "MECENTRAL_SERVICE_WORK: ..". */
int params_set_twin(struct params *params, size_t index, const char *text, char **ret_error);

/* The content of the file that a PARAMS_FILE names; copied. */
void params_attach(struct params *params, size_t index, const char *content, size_t size);

/* Is there anything that must be given and was not? Errors: -EINVAL, with a new *@ret_error. */
int params_check(const struct params *params, char **ret_error);

/* Values. Each asserts that the parameter is of such a kind. */
double params_value(const struct params *params, size_t index);
size_t params_choice(const struct params *params, size_t index);
bool params_on(const struct params *params, size_t index);
const char *params_text(const struct params *params, size_t index);
const struct yaml_tree *params_tree(const struct params *params, size_t index);
/* NULL: none attached. */
const char *params_content(const struct params *params, size_t index, size_t *ret_size);
bool params_given(const struct params *params, size_t index);     /* not the default */
bool params_from_file(const struct params *params, size_t index); /* of params_read() */

/* An error about a value that is well-formed and yet makes no sense: "FILE:LINE: KEY: ..",
 * "--service-work: ..", "MECENTRAL_SERVICE_WORK: .." or, of a default, "service_work: ..". Returns
 * -EINVAL. */
int params_error(const struct params *params, size_t index, char **ret_error, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* A YAML file of all values, with help and sources as comments; reading it back gives the same.
 * A new string. */
char *params_print(const struct params *params);

/* {key: value} in base units: microseconds, shares of 1, bytes. A new reference. */
json_t *params_json(const struct params *params);

#endif
