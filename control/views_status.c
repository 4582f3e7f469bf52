/* The view of `mecentral status`. */

#include "control/views.h"

#include <stdlib.h>

#include "control/text.h"

char *views_status(const json_t *data, bool colours)
{
    (void)colours;
    struct text text = {0};
    char *json = json_dumps(data, JSON_INDENT(2));
    text_add(&text, "%s\n", json);
    free(json);
    return text_take(&text);
}
