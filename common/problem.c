#include "common/problem.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const struct problem problems[PROBLEM_COUNT] = {
#define X(name, type_, status_, title_)                                                            \
    [PROBLEM_##name] = {.type = type_, .status = status_, .title = title_},
    PROBLEMS(X)
#undef X
};

const struct problem *problem_get(enum problem_id id)
{
    assert(id > PROBLEM_NONE);
    assert(id < PROBLEM_COUNT);
    return &problems[id];
}

enum problem_id problem_find(const char *type)
{
    if (!type || type[0] == '\0')
        return PROBLEM_NONE;
    for (int id = PROBLEM_NONE + 1; id < PROBLEM_COUNT; id++) {
        if (strcmp(problems[id].type, type) == 0)
            return (enum problem_id)id;
    }
    return PROBLEM_INTERNAL;
}
