/* live_result: a result on its way out: to stdout as text, JSON or CSV, and to a page. */

#ifndef MEC_LIVE_RESULT_H
#define MEC_LIVE_RESULT_H

#include "sim/model/params.h"
#include "sim/model/result.h"

struct live_result_how {
    bool json;
    bool csv;
    const char *html; /* file; NULL: none */
    bool quiet;       /* do not say that it is written */
};

/* Errors: -EINVAL, with a new *@ret_error: the page cannot be written. */
int live_result_tell(const struct result *result, const struct params *params,
                     const struct live_result_how *how, char **ret_error);

#endif
