/* model: the analyses that `mecentral model` knows, as a table.
 *
 * A model is a pure function from parameters to a result; it draws luck from a seed that is one of
 * its parameters. */

#ifndef MEC_MODEL_H
#define MEC_MODEL_H

#include <stddef.h>

#include "sim/model/params.h"
#include "sim/model/result.h"

struct model {
    const char *name;     /* "blast-radius" */
    const char *title;    /* of its result */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs for --help */
    const char *examples; /* lines of "command  # what it does" */
    const struct params_spec *specs;
    size_t spec_count;
    /* Errors: -EINVAL, a parameter makes no sense; *@ret_error is a new string. */
    int (*run)(const struct params *params, struct result *result, char **ret_error);
};

size_t model_count(void);
const struct model *model_at(size_t index);
const struct model *model_find(const char *name); /* NULL: there is none */

#endif
