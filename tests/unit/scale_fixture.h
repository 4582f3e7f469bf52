/* What the tests of large worlds share: a world out of a few lines. */

#ifndef MEC_SCALE_FIXTURE_H
#define MEC_SCALE_FIXTURE_H

#include <string.h>

#include "sim/model/scale_world.h"
#include "tests/unit/suite.h"

/* Three regions: A and B are 80 ms apart, C is 160 ms from A and 230 ms from B; clients stand
 * beside their region, 1 ms away, and as far from the others. */
static const char scale_fixture_topology[] = "regions:\n"
                                             "  - {name: a, place: '0,0'}\n"
                                             "  - {name: b, place: '0,30'}\n"
                                             "  - {name: c, place: '0,-120'}\n"
                                             "links:\n"
                                             "  - {between: [a, b], rtt: 80ms}\n"
                                             "  - {between: [a, c], rtt: 160ms}\n"
                                             "  - {between: [b, c], rtt: 230ms}\n"
                                             "  - {between: ['client:a', b], rtt: 80ms}\n"
                                             "  - {between: ['client:a', c], rtt: 160ms}\n"
                                             "  - {between: ['client:b', a], rtt: 80ms}\n"
                                             "  - {between: ['client:b', c], rtt: 230ms}\n"
                                             "  - {between: ['client:c', a], rtt: 160ms}\n"
                                             "  - {between: ['client:c', b], rtt: 230ms}\n";

/* 0, or -EINVAL with a new *@ret_error. @topology may be NULL: the one above. */
static inline int scale_fixture_read(const char *topology, const char *text,
                                     struct scale_world **ret_world, char **ret_error)
{
    struct params *params = params_create(scale_world_specs, SCALE_WORLD_PARAM_COUNT);
    const char *content = topology ? topology : scale_fixture_topology;
    int error = params_read(params, "w.yaml", text, strlen(text), ret_error);

    if (error == 0 && *params_text(params, DEPLOYMENT_TOPOLOGY))
        params_attach(params, DEPLOYMENT_TOPOLOGY, content, strlen(content));
    if (error == 0)
        error = scale_world_create(params, ret_world, ret_error);
    params_free(params);
    return error;
}

static inline struct scale_world *scale_fixture_world(const char *topology, const char *text)
{
    struct scale_world *world = NULL;
    char *error = NULL;

    ck_assert_msg(scale_fixture_read(topology, text, &world, &error) == 0, "%s", error);
    return world;
}

#endif
