/* Tables of the blast-radius model: as failures last, and over a year. */

#include <stdlib.h>
#include <string.h>

#include "common/parts.h"
#include "sim/model/blast_radius.h"

#define MINUTE_US      60e6
#define MINUTES_A_YEAR (365.0 * 24 * 60)

/* ---- as it lasts ---- */

/* The mean of all regions, for one kind of failure: a whole region, or one of its services. */
struct common_failure {
    const char *name;
    enum blast_group group;
    size_t first, step; /* numbers of the group */
};

static const struct common_failure common_failures[] = {
    {"a region", BLAST_REGIONS, 0, 1},
    {"auth of a region", BLAST_SERVICES, PARTS_AUTH, PARTS_SERVICE_COUNT},
    {"vault of a region", BLAST_SERVICES, PARTS_VAULT, PARTS_SERVICE_COUNT},
    {"metadata of a region", BLAST_SERVICES, PARTS_METADATA, PARTS_SERVICE_COUNT},
};

static void add(struct blast *sum, const struct blast *blast, double times)
{
    for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++) {
        sum->users[kind] += times * blast->users[kind];
        for (size_t each = 0; each < BLAST_CLASS_COUNT; each++)
            sum->classes[each][kind] += times * blast->classes[each][kind];
    }
}

static void measure(const struct blast_radius_input *input, enum blast_group group, size_t index,
                    uint64_t since_us, struct blast *ret_blast)
{
    struct traffic_state state;

    free(blast_failure(group, index, input->deployment, &state));
    state.since_us = since_us;
    blast_measure(input->traffic, &state, input->mix, ret_blast);
}

static void measure_mean(const struct blast_radius_input *input,
                         const struct common_failure *failure, const struct blast_phase *phase,
                         struct blast *ret_blast)
{
    size_t size = blast_group_size(failure->group, input->deployment);

    *ret_blast = (struct blast){.users = {0}};
    for (size_t i = failure->first; i < size; i += failure->step) {
        struct blast blast;

        measure(input, failure->group, i, phase->since_us, &blast);
        add(ret_blast, &blast, 1 / (double)input->deployment->region_count);
    }
}

static void put_phase(const struct blast_radius_input *input, const struct common_failure *failure,
                      const struct blast_phase *phase, struct result_table *table)
{
    struct blast blast;

    measure_mean(input, failure, phase, &blast);
    result_text(table, "%s", failure->name);
    result_number(table, phase->from_us);
    blast_radius_put(&blast, table);
}

/* What a failure of a region comes to in the end. */
static void find_phases(const struct blast_radius_input *input,
                        const struct blast_phase phases[BLAST_PHASES], struct result *result)
{
    const struct blast_phase *last = &phases[BLAST_PHASES - 1];
    char before[RESULT_NUMBER_SIZE];
    char after[RESULT_NUMBER_SIZE];
    char from[RESULT_NUMBER_SIZE];
    struct blast first_blast;
    struct blast last_blast;

    measure_mean(input, &common_failures[0], &phases[0], &first_blast);
    measure_mean(input, &common_failures[0], last, &last_blast);
    result_find(result,
                "A region's death refuses %s of all requests at once, and %s when it has lasted "
                "%s: its users' tokens have run out, and nobody else may renew them.",
                result_show(RESULT_SHARE, first_blast.classes[BLAST_ALL][TRAFFIC_FAILS], before),
                result_show(RESULT_SHARE, last_blast.classes[BLAST_ALL][TRAFFIC_FAILS], after),
                result_show(RESULT_US, last->from_us, from));
}

void blast_radius_phases(const struct blast_radius_input *input, struct result *result)
{
    struct result_column columns[2 + BLAST_RADIUS_COLUMN_COUNT] = {
        {"failure", "failure", RESULT_TEXT}, {"after_us", "after", RESULT_US}};
    struct blast_phase phases[BLAST_PHASES];
    struct result_table *table;

    memcpy(columns + 2, blast_radius_columns, sizeof blast_radius_columns);
    table = result_table(result, "phases", "As a failure lasts: the mean of all regions", columns,
                         2 + BLAST_RADIUS_COLUMN_COUNT);
    blast_phases(input->traffic, phases);
    for (size_t i = 0; i < sizeof common_failures / sizeof common_failures[0]; i++) {
        for (size_t each = 0; each < BLAST_PHASES; each++)
            put_phase(input, &common_failures[i], &phases[each], table);
    }
    find_phases(input, phases, result);
}

/* ---- over a year ---- */

/* What failures of one thing do in a year: minutes in which the whole class would have been hit. */
static void measure_year(const struct blast_radius_input *input, enum blast_group group,
                         size_t index, struct blast *ret_minutes)
{
    struct blast_phase phases[BLAST_PHASES];

    *ret_minutes = (struct blast){.users = {0}};
    blast_phases(input->traffic, phases);
    for (size_t i = 0; i < BLAST_PHASES; i++) {
        double us = outage_mean_between_us(&input->outage, phases[i].from_us, phases[i].to_us);
        struct blast blast;

        measure(input, group, index, phases[i].since_us, &blast);
        add(ret_minutes, &blast, input->per_year[group] * us / MINUTE_US);
    }
}

static void put_kinds(struct result_table *table, const double *minutes)
{
    for (size_t kind = TRAFFIC_SLOWER; kind < TRAFFIC_KIND_COUNT; kind++)
        result_number(table, minutes[kind]);
}

#define KIND_COLUMNS                                                                               \
    {"slower", "slower", RESULT_MINUTES}, {"stale", "stale", RESULT_MINUTES},                      \
        {"queued", "queued", RESULT_MINUTES}, {"read_only", "read-only", RESULT_MINUTES},          \
    {                                                                                              \
        "fails", "fails", RESULT_MINUTES                                                           \
    }

static const char *const kind_values[] = {"slower", "stale", "queued", "read_only", "fails", NULL};

static void put_group(const struct blast_radius_input *input, enum blast_group group,
                      struct result_table *table, struct blast *sum)
{
    size_t size = blast_group_size(group, input->deployment);

    for (size_t i = 0; i < size; i++) {
        struct traffic_state state;
        struct blast minutes;
        char *name = blast_failure(group, i, input->deployment, &state);

        measure_year(input, group, i, &minutes);
        add(sum, &minutes, 1);
        result_text(table, "%s", blast_group_name(group));
        result_text(table, "%s", name);
        result_number(table, input->per_year[group]);
        put_kinds(table, minutes.classes[BLAST_ALL]);
        free(name);
    }
}

static struct blast put_failures(const struct blast_radius_input *input, struct result *result)
{
    static const struct result_column columns[] = {
        {"group", "of the", RESULT_TEXT},
        {"failure", "failure", RESULT_TEXT},
        {"per_year", "a year", RESULT_NUMBER},
        KIND_COLUMNS,
    };
    struct result_table *table =
        result_table(result, "year", "Minutes a year in which a request meets with this, of all",
                     columns, sizeof columns / sizeof columns[0]);
    struct blast sum = {.users = {0}};

    for (unsigned group = 0; group < BLAST_GROUP_COUNT; group++) {
        if (input->per_year[group] > 0)
            put_group(input, (enum blast_group)group, table, &sum);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_BARS,
                                               .title = "Minutes a year, by what has failed",
                                               .label = "failure",
                                               .values = kind_values});
    return sum;
}

static void put_classes(const struct blast *sum, struct result *result)
{
    static const struct result_column columns[] = {
        {"class", "class", RESULT_TEXT},
        KIND_COLUMNS,
        {"refused", "refused", RESULT_SHARE},
    };
    struct result_table *table =
        result_table(result, "year_classes", "Minutes a year, by what is asked", columns,
                     sizeof columns / sizeof columns[0]);
    const double *all = sum->classes[BLAST_ALL];
    char fails[RESULT_NUMBER_SIZE];

    for (unsigned each = 0; each < BLAST_CLASS_COUNT; each++) {
        const double *minutes = sum->classes[each];
        double refused = minutes[TRAFFIC_READ_ONLY] + minutes[TRAFFIC_FAILS];

        result_text(table, "%s", blast_class_name((enum blast_class)each));
        put_kinds(table, minutes);
        result_number(table, refused / MINUTES_A_YEAR);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_BARS,
                                               .title = "Minutes a year, by what is asked",
                                               .label = "class",
                                               .values = kind_values});
    result_find(result, "In a year a user's requests are refused for %s, on average.",
                result_show(RESULT_MINUTES, all[TRAFFIC_READ_ONLY] + all[TRAFFIC_FAILS], fails));
}

/* Two at once, if nothing makes them fail together. */
static void find_pairs(const struct blast_radius_input *input, struct result *result)
{
    double away_minutes =
        input->per_year[BLAST_REGIONS] * outage_mean_us(&input->outage) / MINUTE_US;
    double pairs = (double)blast_group_size(BLAST_PAIRS, input->deployment);
    double minutes = pairs * away_minutes * away_minutes / MINUTES_A_YEAR;
    char one[RESULT_NUMBER_SIZE];
    char both[RESULT_NUMBER_SIZE];

    result_find(result,
                "A region is down for %s a year, on average; some two at once for %s, if they fail "
                "independently. Real ones have causes in common.",
                result_show(RESULT_MINUTES, away_minutes, one),
                result_show(RESULT_MINUTES, minutes, both));
}

void blast_radius_year(const struct blast_radius_input *input, struct result *result)
{
    struct blast sum = put_failures(input, result);

    put_classes(&sum, result);
    if (input->per_year[BLAST_REGIONS] > 0 && input->deployment->region_count > 1)
        find_pairs(input, result);
}
