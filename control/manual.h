/* manual: help, the manual and shell completion, all made from the table of commands. Every
 * function returns a new string. */

#ifndef MEC_MANUAL_H
#define MEC_MANUAL_H

#include "control/commands.h"

char *manual_overview(void);                         /* `mecentral help` */
char *manual_command(const struct command *command); /* `mecentral COMMAND --help` */
char *manual_markdown(void);                         /* docs/mecentral.md */
char *manual_completion_bash(void);

#endif
