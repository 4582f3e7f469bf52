/* replicator_fixture: what the suites of the replicator share: the cluster of a test, made anew for
 * each. */

#ifndef MEC_REPLICATOR_FIXTURE_H
#define MEC_REPLICATOR_FIXTURE_H

#include <stdint.h>

#include "tests/unit/replicator_driver.h"

#define LATENCY_US (40 * MILLISECOND_US)

static struct driver *driver;

static inline void set_up(void)
{
    driver = driver_create(LATENCY_US);
}

static inline void tear_down(void)
{
    driver_free(driver);
}

static inline void run_ms(uint64_t duration_ms)
{
    driver_run_for(driver, duration_ms * MILLISECOND_US);
}

#endif
