/* routing: the model of where requests go: by place and operation, nearest by policy against
 * nearest by the map, and what regions need to have to spare for each other. */

#ifndef MEC_ROUTING_H
#define MEC_ROUTING_H

#include "sim/model/loads.h"
#include "sim/model/model.h"

extern const struct model routing_model;

/* What it has read from its parameters. */
struct routing_input {
    struct deployment *deployment;
    struct traffic *traffic;
    struct traffic_state state;
    double mix[TRAFFIC_OPERATION_COUNT];
    double per_s; /* requests, of everybody, at the peak */
    struct load_capacity capacity;
};

/* Its tables: sim/model/routing_tables.c and routing_load_tables.c. */
void routing_tables(const struct routing_input *input, struct result *result);
void routing_load_tables(const struct routing_input *input, struct result *result);

#endif
