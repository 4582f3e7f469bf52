/* asked: what `mecentral model` is asked, out of its words and the environment; and its help.
 *
 * The options that every model has stand in one table; each parameter of the model is one more. All
 * have environment twins, as everywhere: --service-work is MECENTRAL_SERVICE_WORK. */

#ifndef MEC_ASKED_H
#define MEC_ASKED_H

#include <stdbool.h>

#include "sim/model/model.h"

struct asked_setting {
    size_t index;      /* of the parameter */
    const char *value; /* borrowed from the words or the environment */
    bool is_twin;      /* of the environment */
};

/* Texts are borrowed. */
struct asked {
    const struct model *model; /* NULL: only help is wanted */
    const char *file;
    const char *html;
    const char *world;   /* -n; NULL: not given */
    const char *against; /* "live", or NULL: nothing */
    bool json;
    bool csv;
    bool print_params;
    bool help;
    bool quiet;
    struct asked_setting *settings;
    size_t setting_count;
};

/* Read the words behind the program's name. The caller releases *@ret_asked with asked_free().
 * Errors: -EINVAL, with a new *@ret_error for people. */
int asked_read(int count, char *const *words, const char *(*environment)(const char *name),
               struct asked *ret_asked, char **ret_error);
void asked_free(struct asked *asked); /* its content */

/* Take over what was asked into @params of the model, after those of the file. Errors: -EINVAL,
 * with a new *@ret_error. */
int asked_fill(const struct asked *asked, struct params *params, char **ret_error);

/* New strings. */
char *asked_overview(void);
char *asked_help(const struct model *model);

#endif
