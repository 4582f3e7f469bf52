#include "sim/model/measure_compare.h"

#include <math.h>

#include "sim/model/blast.h"

#define ROUNDING 1e-9 /* of sums that are the same but for their order */

/* Whose shares: of the requests of each class, and of the users. */
#define GROUP_COUNT (BLAST_CLASS_COUNT + 1)

static const double *shares_of(const struct blast *blast, unsigned group)
{
    return group < BLAST_CLASS_COUNT ? blast->classes[group] : blast->users;
}

static const char *group_name(unsigned group)
{
    return group < BLAST_CLASS_COUNT ? blast_class_name((enum blast_class)group) : "users";
}

/* ---- tables ---- */

struct measure_compare measure_compare_begin(struct result *result)
{
    static const struct result_column rounds[] = {
        {"failure", "Failure", RESULT_TEXT},
        {"after_us", "Asked after", RESULT_US},
        {"answers", "Answers", RESULT_COUNT},
        {"agreed", "As modelled", RESULT_COUNT},
        {"modelled", "Hit, modelled", RESULT_SHARE},
        {"measured", "Hit, measured", RESULT_SHARE},
        {"difference", "Widest difference", RESULT_SHARE},
        {"of", "Of", RESULT_TEXT},
        {"within", "Within 3 points", RESULT_TEXT},
    };
    static const struct result_column shares[] = {
        {"failure", "Failure", RESULT_TEXT},
        {"after_us", "Asked after", RESULT_US},
        {"of", "Of", RESULT_TEXT},
        {"kind", "Kind", RESULT_TEXT},
        {"modelled", "Modelled", RESULT_SHARE},
        {"measured", "Measured", RESULT_SHARE},
        {"difference", "Difference", RESULT_SHARE},
        {"within", "Within 3 points", RESULT_TEXT},
    };
    static const struct result_column odd[] = {
        {"failure", "Failure", RESULT_TEXT},     {"after_us", "Asked after", RESULT_US},
        {"operation", "Operation", RESULT_TEXT}, {"place", "Place", RESULT_TEXT},
        {"home", "Home", RESULT_TEXT},           {"other", "Other", RESULT_TEXT},
        {"modelled", "Modelled", RESULT_TEXT},   {"measured", "Measured", RESULT_TEXT},
        {"answer", "Answer", RESULT_TEXT},       {"took_us", "Took", RESULT_US},
        {"usual_us", "Usually", RESULT_US},
    };
    struct measure_compare compare = {.result = result};

    compare.rounds = result_table(result, "against", "Against the running world", rounds,
                                  sizeof rounds / sizeof rounds[0]);
    compare.shares = result_table(result, "against_shares", "Against the running world, by kind",
                                  shares, sizeof shares / sizeof shares[0]);
    compare.odd = result_table(result, "against_odd", "Answers that were not as modelled", odd,
                               sizeof odd / sizeof odd[0]);
    return compare;
}

/* What the rows of a round have in common. */
struct round {
    struct measure_compare *compare;
    const struct deployment *deployment;
    const char *failure;
    double after_us;
    size_t answers, agreed;
    struct blast modelled, measured;
};

static void tell_odd(const struct round *round, const struct traffic_question *question,
                     enum traffic_kind modelled, enum traffic_kind measured,
                     const struct measure_observed *observed)
{
    const struct traffic_operation_row *row = traffic_operation(question->operation);
    const struct deployment *deployment = round->deployment;
    const struct measure_answer *answer = &observed->answer;
    struct result_table *table = round->compare->odd;
    bool is_new = question->operation == TRAFFIC_SIGN_UP;

    result_text(table, "%s", round->failure);
    result_number(table, round->after_us);
    result_text(table, "%s", row->key);
    result_text(table, "%s", deployment->geos[question->geo].place.name);
    result_text(table, "%s", is_new ? "" : deployment->region[question->home]);
    result_text(table, "%s", row->has_other ? deployment->region[question->other] : "");
    result_text(table, "%s", traffic_kind_name(modelled));
    result_text(table, "%s", traffic_kind_name(measured));
    result_text(table, "%d %s%s%s", answer->status, answer->region,
                *answer->served || *answer->problem ? ": " : "",
                *answer->problem ? answer->problem : answer->served);
    result_number(table, (double)answer->elapsed_us);
    result_number(table, (double)observed->usual_us);
}

struct widest {
    double difference;
    unsigned group;
    enum traffic_kind kind;
};

/* Every share that is not nothing on both sides, and the pair that lies farthest apart. */
static struct widest tell_shares(const struct round *round)
{
    struct result_table *table = round->compare->shares;
    struct widest widest = {0};

    for (unsigned group = 0; group < GROUP_COUNT; group++) {
        for (unsigned kind = 0; kind < TRAFFIC_KIND_COUNT; kind++) {
            double said = shares_of(&round->modelled, group)[kind];
            double seen = shares_of(&round->measured, group)[kind];
            double apart = fabs(seen - said);

            if (said <= 0 && seen <= 0)
                continue;
            if (apart > widest.difference + ROUNDING)
                widest = (struct widest){apart, group, (enum traffic_kind)kind};
            result_text(table, "%s", round->failure);
            result_number(table, round->after_us);
            result_text(table, "%s", group_name(group));
            result_text(table, "%s", traffic_kind_name((enum traffic_kind)kind));
            result_number(table, said);
            result_number(table, seen);
            result_number(table, apart > ROUNDING ? seen - said : 0);
            result_text(table, "%s", apart <= MEASURE_SHARE_BAR ? "yes" : "no");
        }
    }
    return widest;
}

static void tell_round(const struct round *round)
{
    struct measure_compare *compare = round->compare;
    struct result_table *table = compare->rounds;
    struct widest widest = tell_shares(round);
    bool within = widest.difference <= MEASURE_SHARE_BAR;

    result_text(table, "%s", round->failure);
    result_number(table, round->after_us);
    result_number(table, (double)round->answers);
    result_number(table, (double)round->agreed);
    result_number(table, 1 - round->modelled.classes[BLAST_ALL][TRAFFIC_FINE]);
    result_number(table, 1 - round->measured.classes[BLAST_ALL][TRAFFIC_FINE]);
    result_number(table, widest.difference);
    if (widest.difference > 0)
        result_text(table, "%s: %s", group_name(widest.group), traffic_kind_name(widest.kind));
    else
        result_nothing(table);
    result_text(table, "%s", within ? "yes" : "no");
    compare->compared++;
    compare->missed += !within;
    compare->answers += round->answers;
    compare->agreed += round->agreed;
}

void measure_compare_round(struct measure_compare *compare, const struct traffic *traffic,
                           const double mix[TRAFFIC_OPERATION_COUNT],
                           const struct measure_plan *plan, const struct measure_failure *failure,
                           uint64_t since_us, const struct measure_observed *observed)
{
    const struct deployment *deployment = traffic_deployment(traffic);
    struct traffic_state state = measure_plan_state(failure, since_us);
    struct blast_count *count = blast_count_begin(deployment);
    struct round round = {.compare = compare,
                          .deployment = deployment,
                          .failure = failure->name,
                          .after_us = (double)since_us,
                          .answers = plan->count};

    for (size_t i = 0; i < plan->count; i++) {
        const struct traffic_question *question = &plan->questions[i].question;
        struct traffic_outcome outcome;
        enum traffic_kind kind =
            measure_answer_kind(question->operation, &observed[i].answer, observed[i].usual_us);

        traffic_decide(traffic, &state, question, &outcome);
        blast_count_add(count, question, plan->questions[i].weight, kind,
                        outcome.usual_us == UINT64_MAX);
        round.agreed += kind == outcome.kind;
        if (kind != outcome.kind)
            tell_odd(&round, question, outcome.kind, kind, &observed[i]);
    }
    blast_count_end(count, &round.measured);
    blast_measure(traffic, &state, mix, &round.modelled);
    tell_round(&round);
}

void measure_compare_end(struct measure_compare *compare)
{
    result_find(compare->result,
                "%zu of %zu answers of the running world were of the kind that the model says, and "
                "in %zu of %zu rounds all shares were within 3 points.",
                compare->agreed, compare->answers, compare->compared - compare->missed,
                compare->compared);
    if (compare->missed > 0)
        result_fail(compare->result,
                    "In %zu of %zu rounds a share of the running world is more than 3 points from "
                    "the model's.",
                    compare->missed, compare->compared);
}
