/* services: is a service of this region well just now? Faults take one down, let a share of its
 * calls fail, or make it slow; as a whole, or for one operation of it. Where several are about one
 * call, the worst of each counts.
 *
 * Which calls fail is seeded luck: the same in each run. */

#ifndef MEC_SERVICES_H
#define MEC_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/parts.h"
#include "control.pb-c.h"

struct services;

enum services_state {
    SERVICES_UP,
    SERVICES_DOWN, /* `service` is; it may be auth, which the operation needs as well */
    SERVICES_FAIL  /* this call of `service` fails; the next one may not */
};

struct services_verdict {
    enum services_state state;
    enum parts_service service;
    uint64_t latency_us; /* SERVICES_UP: to wait first */
};

/* How a service is as a whole, for people. */
struct services_report {
    bool down;
    uint32_t error_ppm;
    uint64_t latency_us;
};

struct services *services_create(uint64_t seed);
void services_free(struct services *services);

/* From now on the services of @region are as @config has it. What names no service or operation
 * that is known here is passed over. */
void services_configure(struct services *services, const Mec__Config *config, const char *region);

/* What is to become of a call of @operation? Each question is a draw of luck where calls fail. */
struct services_verdict services_judge(struct services *services, Mec__Operation operation);

/* The same of a call that has waited: only what is down counts. */
struct services_verdict services_judge_again(const struct services *services,
                                             Mec__Operation operation);

struct services_report services_report(const struct services *services, enum parts_service service);

#endif
