/* options: what `mecentral sim` is asked to do. Names, units and help of the options stand in the
 * table of control/commands; here they become numbers, and what does not go together is refused. */

#ifndef MEC_OPTIONS_H
#define MEC_OPTIONS_H

#include "common/plant.h"
#include "control/command_line.h"
#include "sim/plan.h"

enum options_mode {
    OPTIONS_SEEDS,  /* run seeds */
    OPTIONS_PLAN,   /* print a seed's plan */
    OPTIONS_REPLAY, /* run plans from files */
    OPTIONS_PLANTS, /* the power check: find every planted bug */
    OPTIONS_TABLES, /* print what there is */
    OPTIONS_WORLD,  /* a day of a large world */
    OPTIONS_PRINT_WORLD
};

/* Texts are borrowed from the command line. */
struct options {
    enum options_mode mode;
    uint64_t first_seed;
    uint64_t last_seed;        /* UINT64_MAX: until the time is over */
    bool one_seed;             /* asked for by its number: told in full */
    uint64_t limit_us;         /* of wall time, after which no new seed starts; 0: none */
    uint64_t twice_every;      /* each seed that this divides runs twice; 0: none does */
    struct plan_wishes wishes; /* but for the seed */
    size_t jobs;               /* 0: as many as there are cores */
    enum plant_bug plant;
    bool trace;
    bool shrink;
    bool keep_going;
    bool reach;         /* print what was reached */
    bool require_reach; /* and fail when something was not */
    const char *history;
    const char *output;
    const char *world;   /* a file */
    const char *html;    /* of its result */
    bool csv;            /* likewise */
    const json_t *files; /* of a replay */
    bool json;
    bool quiet;
};

/* Errors: -EINVAL, with a new *@ret_error for people. */
int options_read(const struct command_line *line, struct options *ret_options, char **ret_error);

/* The one command that runs seed @seed again as these options ran it, with @more words behind it
 * ("" for none). A new string. */
char *options_repeat(const struct options *options, uint64_t seed, const char *more);

#endif
