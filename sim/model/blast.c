#include "sim/model/blast.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/memory.h"
#include "control/text.h"

const char *blast_class_name(enum blast_class class)
{
    static const char *const names[BLAST_CLASS_COUNT] = {
        [BLAST_READS] = "reads",
        [BLAST_WRITES] = "writes",
        [BLAST_SENSITIVE] = "sensitive calls",
        [BLAST_ALL] = "all requests",
    };

    assert(class < BLAST_CLASS_COUNT);
    return names[class];
}

/* ---- counting ---- */

struct blast_count {
    struct blast blast;
    enum blast_class classes[TRAFFIC_OPERATION_COUNT];
    const struct deployment *deployment;
    /* Of the users of a place with a home: the worst so far. */
    enum traffic_kind worst[DEPLOYMENT_GEOS_MAX][TOPOLOGY_REGIONS_MAX];
};

static enum blast_class class_of(enum traffic_operation operation)
{
    switch (traffic_class(operation)) {
    case ROUTE_WRITE:
        return BLAST_WRITES;
    case ROUTE_SENSITIVE:
        return BLAST_SENSITIVE;
    case ROUTE_READ:
    case ROUTE_RECEIPT:
    case ROUTE_LOCAL:
        break;
    }
    return BLAST_READS;
}

struct blast_count *blast_count_begin(const struct deployment *deployment)
{
    struct blast_count *count = memory_alloc(sizeof *count);

    count->deployment = deployment;
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        count->classes[each] = class_of((enum traffic_operation)each);
    return count;
}

void blast_count_add(struct blast_count *count, const struct traffic_question *question,
                     double weight, enum traffic_kind kind, bool fails_anyway)
{
    enum traffic_kind *worst = &count->worst[question->geo][question->home];

    if (weight <= 0)
        return;
    count->blast.classes[count->classes[question->operation]][kind] += weight;
    count->blast.classes[BLAST_ALL][kind] += weight;
    if (!traffic_operation(question->operation)->has_other && !fails_anyway && kind > *worst)
        *worst = kind;
}

static void normalise(double shares[TRAFFIC_KIND_COUNT])
{
    double sum = 0;

    for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++)
        sum += shares[kind];
    for (size_t kind = 0; sum > 0 && kind < TRAFFIC_KIND_COUNT; kind++)
        shares[kind] /= sum;
}

static void count_users(struct blast_count *count)
{
    const struct deployment *deployment = count->deployment;

    for (size_t geo = 0; geo < deployment->geo_count; geo++) {
        for (size_t home = 0; home < deployment->region_count; home++)
            count->blast.users[count->worst[geo][home]] += deployment->geos[geo].users /
                                                           deployment->users *
                                                           deployment->geos[geo].home_share[home];
    }
}

void blast_count_end(struct blast_count *count, struct blast *ret_blast)
{
    for (size_t each = 0; each < BLAST_CLASS_COUNT; each++)
        normalise(count->blast.classes[each]);
    count_users(count);
    *ret_blast = count->blast;
    free(count);
}

/* ---- measuring ---- */

static void add(void *context, const struct traffic_question *question, double weight, double users,
                const struct traffic_outcome *outcome)
{
    (void)users;
    blast_count_add(context, question, weight, outcome->kind, outcome->usual_us == UINT64_MAX);
}

void blast_measure(const struct traffic *traffic, const struct traffic_state *state,
                   const double mix[TRAFFIC_OPERATION_COUNT], struct blast *ret_blast)
{
    struct blast_count *count = blast_count_begin(traffic_deployment(traffic));

    traffic_walk(traffic, state, mix, add, count);
    blast_count_end(count, ret_blast);
}

/* ---- phases ---- */

void blast_phases(const struct traffic *traffic, struct blast_phase ret_phases[BLAST_PHASES])
{
    const struct traffic_rules *rules = traffic_rules_of(traffic);
    uint64_t first_us = rules->revocation_bound_us;
    uint64_t second_us = rules->token_left_us;

    if (first_us > second_us) {
        first_us = rules->token_left_us;
        second_us = rules->revocation_bound_us;
    }
    ret_phases[0] = (struct blast_phase){0, (double)first_us, 0};
    ret_phases[1] = (struct blast_phase){(double)first_us, (double)second_us, first_us + 1};
    ret_phases[2] = (struct blast_phase){(double)second_us, INFINITY, second_us + 1};
}
