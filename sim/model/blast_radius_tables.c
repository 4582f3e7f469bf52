/* Tables of the blast-radius model: what each failure does. */

#include <stdlib.h>
#include <string.h>

#include "sim/model/blast_radius.h"

#define ROUNDING 1e-12

const struct result_column blast_radius_columns[BLAST_RADIUS_COLUMN_COUNT] = {
    {"users_hit", "users hit", RESULT_SHARE},
    {"users_lose", "lose something", RESULT_SHARE},
    {"reads_slower", "reads slower", RESULT_SHARE},
    {"reads_stale", "reads stale", RESULT_SHARE},
    {"reads_fail", "reads fail", RESULT_SHARE},
    {"writes_slower", "writes slower", RESULT_SHARE},
    {"writes_queued", "writes queued", RESULT_SHARE},
    {"writes_read_only", "read-only", RESULT_SHARE},
    {"writes_fail", "writes fail", RESULT_SHARE},
    {"sensitive_slower", "sensitive slower", RESULT_SHARE},
    {"sensitive_fail", "sensitive fail", RESULT_SHARE},
};

void blast_radius_put(const struct blast *blast, struct result_table *table)
{
    const double *reads = blast->classes[BLAST_READS];
    const double *writes = blast->classes[BLAST_WRITES];
    const double *sensitive = blast->classes[BLAST_SENSITIVE];
    double hit = 0;

    for (size_t kind = TRAFFIC_FINE + 1; kind < TRAFFIC_KIND_COUNT; kind++)
        hit += blast->users[kind];
    result_number(table, hit);
    result_number(table, blast->users[TRAFFIC_READ_ONLY] + blast->users[TRAFFIC_FAILS]);
    result_number(table, reads[TRAFFIC_SLOWER]);
    result_number(table, reads[TRAFFIC_STALE]);
    result_number(table, reads[TRAFFIC_FAILS]);
    result_number(table, writes[TRAFFIC_SLOWER]);
    result_number(table, writes[TRAFFIC_QUEUED]);
    result_number(table, writes[TRAFFIC_READ_ONLY]);
    result_number(table, writes[TRAFFIC_FAILS]);
    result_number(table, sensitive[TRAFFIC_SLOWER]);
    result_number(table, sensitive[TRAFFIC_FAILS]);
}

/* ---- a table for each group ---- */

struct group_text {
    const char *title, *heading;
    bool drawn;
};

static const struct group_text texts[BLAST_GROUP_COUNT] = {
    [BLAST_REGIONS] = {"A region dies", "region", true},
    [BLAST_SERVICES] = {"A service of a region is down", "service", true},
    [BLAST_LINKS] = {"The link between two regions is cut", "link", true},
    [BLAST_ISOLATED] = {"A region is cut off from everybody", "region", true},
    [BLAST_PAIRS] = {"Two regions die", "regions", true},
    [BLAST_REPLICATORS] = {"A region's replicator dies alone", "region", true},
    [BLAST_DISKS] = {"A region's disk is full", "region", true},
    [BLAST_CONTROL] = {"The control plane dies", "what", false},
};

static struct result_table *begin_table(enum blast_group group, struct result *result)
{
    struct result_column columns[1 + BLAST_RADIUS_COLUMN_COUNT] = {
        {"failure", texts[group].heading, RESULT_TEXT}};

    memcpy(columns + 1, blast_radius_columns, sizeof blast_radius_columns);
    return result_table(result, blast_group_name(group), texts[group].title, columns,
                        1 + BLAST_RADIUS_COLUMN_COUNT);
}

static void draw(enum blast_group group, struct result_table *table)
{
    const char *values[BLAST_RADIUS_COLUMN_COUNT + 1] = {NULL};

    for (size_t i = 0; i < BLAST_RADIUS_COLUMN_COUNT; i++)
        values[i] = blast_radius_columns[i].name;
    result_chart(table, &(struct result_chart){.kind = RESULT_HEAT,
                                               .title = texts[group].title,
                                               .label = "failure",
                                               .values = values,
                                               .note = "share of the users, reads, writes and "
                                                       "sensitive calls of the world"});
}

/* The one that most of all requests get no answer for. */
struct worst {
    char name[2 * GEO_NAME_SIZE];
    double lost;
};

static void find_worst(const char *name, const struct blast *blast, struct worst *worst)
{
    const double *all = blast->classes[BLAST_ALL];
    double lost = all[TRAFFIC_READ_ONLY] + all[TRAFFIC_FAILS];

    if (lost <= worst->lost + ROUNDING) /* of equals, the first */
        return;
    worst->lost = lost;
    strncpy(worst->name, name, sizeof worst->name - 1);
}

static struct worst put_group(const struct blast_radius_input *input, enum blast_group group,
                              struct result *result)
{
    size_t count = blast_group_size(group, input->deployment);
    struct result_table *table = begin_table(group, result);
    struct worst worst = {.lost = 0};

    for (size_t i = 0; i < count; i++) {
        struct traffic_state state;
        struct blast blast;
        char *name = blast_failure(group, i, input->deployment, &state);

        state.since_us = input->since_us;
        blast_measure(input->traffic, &state, input->mix, &blast);
        result_text(table, "%s", name);
        blast_radius_put(&blast, table);
        find_worst(name, &blast, &worst);
        free(name);
    }
    if (texts[group].drawn && count > 0)
        draw(group, table);
    return worst;
}

void blast_radius_tables(const struct blast_radius_input *input, struct result *result)
{
    static const char *const what[BLAST_GROUP_COUNT] = {
        [BLAST_REGIONS] = "region", [BLAST_SERVICES] = "service", [BLAST_LINKS] = "link"};

    for (unsigned group = 0; group < BLAST_GROUP_COUNT; group++) {
        struct worst worst = put_group(input, (enum blast_group)group, result);
        char lost[RESULT_NUMBER_SIZE];

        if (what[group] && worst.lost > 0)
            result_find(result, "The worst %s to lose is %s: %s of all requests are refused.",
                        what[group], worst.name, result_show(RESULT_SHARE, worst.lost, lost));
    }
}
