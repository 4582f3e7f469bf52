/* commands: everything that mecentral can be asked, once, as a table: names, arguments, options
 * with their units, examples. Parser, --help, manual and completion all come from it. */

#ifndef MEC_COMMANDS_H
#define MEC_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_DURATION,
    OPTION_LATENCY, /* a duration, or `+` and a duration */
    OPTION_RATE,
    OPTION_SHARE,
    OPTION_COUNT,
    OPTION_RANGE,
    OPTION_PORT,
    OPTION_FACTOR
};

struct command_option {
    const char *name; /* "ready-file"; its environment twin is MECENTRAL_READY_FILE */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value;   /* what --help calls it: "FILE"; NULL for a flag */
    const char *initial; /* what --help says of leaving it out; NULL: nothing */
    const char *help;
};

enum command_place {
    COMMAND_HERE,    /* mecentral does it itself */
    COMMAND_CONTROLD /* controld does it */
};

enum {
    COMMAND_MANY = 1000, /* as many arguments as one likes */
    COMMAND_WORDS = 1001 /* likewise, and options too: all behind the command is somebody else's */
};

struct command {
    const char *name;
    const char *group;     /* heading in the manual */
    const char *arguments; /* as in the usage line: "NAME..." */
    const char *keys[3];   /* each argument's name in the request; with many only the first */
    unsigned least;        /* arguments that are needed */
    unsigned most;
    enum command_place place;
    const char *summary;                  /* one line */
    const char *text;                     /* paragraphs; may be "" */
    const struct command_option *options; /* up to the one without a name; may be NULL */
    const char *examples;                 /* lines of "command  # what it does" */
};

size_t commands_count(void);
const struct command *commands_at(size_t index);
const struct command *commands_find(const char *name); /* NULL: there is none */

/* Options that stand before the command. Up to the one without a name. */
const struct command_option *commands_global_options(void);

const struct command_option *commands_option(const struct command_option *options,
                                             const char *name);

/* Does an option of a command have the name of a global one? Behind the command the name is the
 * command's; the letter and the environment twin stay the global one's. */
bool commands_hides_global(const struct command_option *option);

/* Write the name of an option's environment twin. Returns @ret_name. */
const char *commands_twin(const struct command_option *option, char *ret_name, size_t size);

/* Is @text a value of that kind? On -EINVAL, *@ret_form says how one looks. */
int commands_check_value(const struct command_option *option, const char *text,
                         const char **ret_form);

#endif
