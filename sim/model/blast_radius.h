/* blast_radius: the model of how far failures reach: of each region, service, link and pair, and of
 * the control plane; what isolation is worth; and what all of it comes to in a year. */

#ifndef MEC_BLAST_RADIUS_H
#define MEC_BLAST_RADIUS_H

#include "sim/model/blast.h"
#include "sim/model/measure_plan.h"
#include "sim/model/model.h"
#include "sim/model/outage.h"

extern const struct model blast_radius_model;

/* What it has read from its parameters. */
struct blast_radius_input {
    struct deployment *deployment;
    struct traffic *traffic;
    double mix[TRAFFIC_OPERATION_COUNT];
    uint64_t since_us;
    size_t cells, cells_of_user;
    double per_year[BLAST_GROUP_COUNT]; /* failures of each in a year; 0: not counted */
    struct outage outage;
    struct measure_failure *failures; /* to be made in a running world, if there is one */
    size_t failure_count;
};

/* What @params say. The caller releases it with blast_radius_input_free().
 * Errors: -EINVAL, with a new *@ret_error that says where. */
int blast_radius_input(const struct params *params, struct blast_radius_input *ret_input,
                       char **ret_error);
void blast_radius_input_free(struct blast_radius_input *input); /* its content */

/* Its tables: blast_radius_tables.c, blast_radius_time.c, blast_radius_isolation.c. */
void blast_radius_tables(const struct blast_radius_input *input, struct result *result);
void blast_radius_phases(const struct blast_radius_input *input, struct result *result);
void blast_radius_year(const struct blast_radius_input *input, struct result *result);
void blast_radius_isolation(const struct blast_radius_input *input, struct result *result);

/* Columns that several tables have: what befalls users, reads, writes and sensitive calls. */
#define BLAST_RADIUS_COLUMN_COUNT 11
extern const struct result_column blast_radius_columns[BLAST_RADIUS_COLUMN_COUNT];
void blast_radius_put(const struct blast *blast, struct result_table *table);

#endif
