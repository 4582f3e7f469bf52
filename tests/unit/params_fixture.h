/* What the tests of parameters share: a table that has one of each kind. */

#ifndef MEC_PARAMS_FIXTURE_H
#define MEC_PARAMS_FIXTURE_H

#include "sim/model/params.h"

static const char *const params_fixture_words[] = {"none", "some", "all", NULL};

enum {
    DURATION,
    SHARE,
    NUMBER,
    COUNT,
    SIZE,
    RATE,
    SWITCH,
    CHOICE,
    TEXT,
    PATH,
    TREE,
    NAME,
    LEAST,
    NEEDED,
    NEEDED_TREE
};

static const struct params_spec params_fixture[] = {
    [DURATION] = {"a_duration", PARAMS_DURATION, "2ms", 0, 1e9, NULL, "how long", NULL},
    [SHARE] = {"a_share", PARAMS_SHARE, "10%", 0, 0, NULL, "how much of it", "somebody, 2026"},
    [NUMBER] = {"a_number", PARAMS_NUMBER, "1.5", 1, 1000, NULL, "how many", NULL},
    [COUNT] = {"a_count", PARAMS_COUNT, "10", 0, 0, NULL, "how many", NULL},
    [SIZE] = {"a_size", PARAMS_SIZE, "4KiB", 0, 0, NULL, "how large", NULL},
    [RATE] = {"a_rate", PARAMS_RATE, "1mbit", 0, 0, NULL, "how fast", NULL},
    [SWITCH] = {"a_switch", PARAMS_SWITCH, "false", 0, 0, NULL, "whether", NULL},
    [CHOICE] = {"a_choice", PARAMS_CHOICE, "some", 0, 0, params_fixture_words, "which", NULL},
    [TEXT] = {"a_text", PARAMS_TEXT, "", 0, 0, NULL, "what", NULL},
    [PATH] = {"a_path", PARAMS_FILE, "", 0, 0, NULL, "where", NULL},
    [TREE] = {"a_tree", PARAMS_TREE, "{}", 0, 0, NULL, "a part", NULL},
    [NAME] = {"a_name", PARAMS_TEXT, "Ada", 0, 0, NULL, "who", NULL},
    [LEAST] = {"at_least", PARAMS_SIZE, "1MiB", 4096, 0, NULL, "how large at least", NULL},
    [NEEDED] = {"needed", PARAMS_COUNT, NULL, 0, 0, NULL, "must be said", NULL},
    [NEEDED_TREE] = {"needed_tree", PARAMS_TREE, NULL, 0, 0, NULL, "must be said, too", NULL},
};

#define PARAMS_FIXTURE_COUNT (sizeof params_fixture / sizeof params_fixture[0])

#endif
