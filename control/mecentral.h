/* mecentral: one run of the command, as its parts see it. */

#ifndef MEC_MECENTRAL_H
#define MEC_MECENTRAL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/command_line.h"

enum {
    MECENTRAL_FINE = 0,
    MECENTRAL_CHECK = 1,
    MECENTRAL_USAGE = 64,
    MECENTRAL_UNREACHABLE = 69,
    MECENTRAL_INTERNAL = 70
};

struct mecentral {
    struct command_line line;
    const char *world;
    bool json;
    bool quiet;
    bool verbose;
    bool colours;        /* on stdout */
    uint64_t started_us; /* monotonic */
};

/* For people, on stderr: an error; a message, unless --quiet. Each ends its line itself. */
void mecentral_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mecentral_say(const struct mecentral *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* On stdout: JSON as --json wants it. */
void mecentral_print_json(const json_t *data);

/* Each returns the exit code. */
int live_up(struct mecentral *run);
int live_down(struct mecentral *run);
int live_worlds(struct mecentral *run);
int live_logs(struct mecentral *run);
int live_doctor(struct mecentral *run);
int live_sim(struct mecentral *run); /* returns only when it cannot start the simulator */
int live_model(struct mecentral *run);
int live_remote(struct mecentral *run); /* everything that controld does */

#endif
