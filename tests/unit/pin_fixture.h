/* pin_fixture: a configuration that pins a service's data to some regions. */

#ifndef MEC_PIN_FIXTURE_H
#define MEC_PIN_FIXTURE_H

#include "control.pb-c.h"

/* @config pins @service to the @count first of @regions, and nothing else; the texts must stay. */
static inline void pin(Mec__Config *config, const char *service, const char *const *regions,
                       size_t count)
{
    static Mec__Residency residency;
    static Mec__Residency *list[] = {&residency};
    static char *names[8];

    mec__residency__init(&residency);
    for (size_t i = 0; i < count; i++)
        names[i] = (char *)(uintptr_t)regions[i];
    residency.service = (char *)(uintptr_t)service;
    residency.regions = names;
    residency.n_regions = count;
    config->residency = list;
    config->n_residency = 1;
}

static inline void unpin(Mec__Config *config)
{
    config->residency = NULL;
    config->n_residency = 0;
}

#endif
