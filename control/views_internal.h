/* What the files of views share. */

#ifndef MEC_VIEWS_INTERNAL_H
#define MEC_VIEWS_INTERNAL_H

#include <jansson.h>

#include "control/table.h"

enum table_colour views_state_colour(const char *state); /* of a process */
void views_add_faults(struct text *text, const json_t *data, bool colours);

#endif
