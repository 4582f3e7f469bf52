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
