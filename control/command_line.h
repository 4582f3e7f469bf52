/* command_line: from argv and the environment to a checked request. */

#ifndef MEC_COMMAND_LINE_H
#define MEC_COMMAND_LINE_H

#include <stdbool.h>

#include <jansson.h>

#include "control/commands.h"

struct command_line {
    const struct command *command;
    json_t *arguments; /* options by name (true or text), arguments by their keys */
    json_t *global;    /* the same of the global options */
};

/* @environment maps the name of a variable to its value or NULL.
 *
 * Errors: -EINVAL, with a new *@ret_error for people. */
int command_line_parse(int argc, char *const *argv, const char *(*environment)(const char *name),
                       struct command_line *ret_line, char **ret_error);
void command_line_free(struct command_line *line); /* its content */

bool command_line_flag(const json_t *options, const char *name);
const char *command_line_text(const json_t *options, const char *name); /* NULL: not given */

#endif
