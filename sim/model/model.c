#include "sim/model/model.h"

#include <assert.h>
#include <string.h>

#include "sim/model/blast_radius.h"
#include "sim/model/cost.h"
#include "sim/model/latency.h"
#include "sim/model/routing.h"

static const struct model *const models[] = {
    &latency_model,
    &routing_model,
    &blast_radius_model,
    &cost_model,
};

size_t model_count(void)
{
    return sizeof models / sizeof models[0];
}

const struct model *model_at(size_t index)
{
    assert(index < model_count());
    return models[index];
}

const struct model *model_find(const char *name)
{
    for (size_t i = 0; i < model_count(); i++)
        if (strcmp(models[i]->name, name) == 0)
            return models[i];
    return NULL;
}
