/* router_fixture: what the suites of the router share: the world of a test, made anew for each. */

#ifndef MEC_ROUTER_FIXTURE_H
#define MEC_ROUTER_FIXTURE_H

#include <stdint.h>

#include "tests/unit/router_driver.h"
#include "tests/unit/suite.h"

#define MS  MILLISECOND_US
#define KEY "/v1/metadata/colour"

static struct world *world;

static inline void fresh(void)
{
    world = world_create();
}

static inline void gone(void)
{
    world_free(world);
}

static inline void ck_refused(uint64_t id, enum problem_id problem)
{
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_msg(answer->problem == problem, "status %d, problem %d, detail %s", answer->status,
                  (int)answer->problem, answer->detail);
    ck_assert_int_eq(answer->status, problem_get(problem)->status);
}

/* An entry of another router's client waits at @region. */
static inline void entry_waits(uint32_t region, uint64_t seq, const char *user)
{
    struct fake_region *fake = &world->regions[region];
    Mec__QueueEntry *entry = &fake->entries[fake->entry_count++];
    mec__queue_entry__init(entry);
    entry->seq = seq;
    entry->user = (char *)(uintptr_t)user;
    entry->shard = (char *)"us-east";
    entry->service = (char *)"metadata";
    fake->accepted_seq = seq;
}

#endif
