#include "common/reach.h"

#include <assert.h>

uint64_t reach_counts[REACH_COUNT];

static const struct {
    const char *name, *what;
} branches[REACH_COUNT] = {
#define X(branch, text, happened) [REACH_##branch] = {text, happened},
    REACH_BRANCHES(X)
#undef X
};

static const bool seldom[REACH_COUNT] = {
#define X(branch) [REACH_##branch] = true,
    REACH_SELDOM_BRANCHES(X)
#undef X
};

const char *reach_name(enum reach_branch branch)
{
    assert(branch < REACH_COUNT);
    return branches[branch].name;
}

const char *reach_what(enum reach_branch branch)
{
    assert(branch < REACH_COUNT);
    return branches[branch].what;
}

bool reach_is_seldom(enum reach_branch branch)
{
    assert(branch < REACH_COUNT);
    return seldom[branch];
}
