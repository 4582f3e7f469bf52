#include "common/plant.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name, *what;
} bugs[PLANT_COUNT] = {[PLANT_NONE] = {"none", "nothing is wrong on purpose"},
#define X(bug, text, wrong) [PLANT_##bug] = {text, wrong},
                       PLANT_BUGS(X)
#undef X
};

#ifdef MEC_PLANTED_BUGS

enum plant_bug plant_active = PLANT_NONE;

bool plant_is_built_in(void)
{
    return true;
}

void plant_activate(enum plant_bug bug)
{
    assert(bug < PLANT_COUNT);
    plant_active = bug;
}

#else

bool plant_is_built_in(void)
{
    return false;
}

void plant_activate(enum plant_bug bug)
{
    assert(bug == PLANT_NONE);
}

#endif

const char *plant_name(enum plant_bug bug)
{
    assert(bug < PLANT_COUNT);
    return bugs[bug].name;
}

const char *plant_what(enum plant_bug bug)
{
    assert(bug < PLANT_COUNT);
    return bugs[bug].what;
}

enum plant_bug plant_find(const char *name)
{
    enum plant_bug bug = PLANT_NONE;

    while (bug < PLANT_COUNT && strcmp(bugs[bug].name, name) != 0)
        bug++;
    return bug;
}
