#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/random.h"
#include "sim/model/latency.h"

#define TWO_PI 6.283185307179586

/* What one stage draws from. */
struct source {
    struct random random;
    struct link out, back;
};

struct drawing {
    const struct latency_options *options;
    struct source *sources; /* by number */
    double *spent_us;       /* of this request, by number */
    size_t count;
};

static double draw_chain(struct drawing *drawing, const struct latency_chain *chain);

/* One way, by a link on which nothing else is: requests that are drawn do not wait for another. */
static double cross(struct link *link, uint32_t bytes)
{
    uint64_t arrival_us;

    link_recall(link);
    enum link_fate fate = link_send(link, 0, bytes, &arrival_us);
    assert(fate == LINK_ARRIVES && "a scenario has no links that are cut");
    return (double)arrival_us;
}

static double draw_work(struct drawing *drawing, const struct latency_stage *stage,
                        struct source *source)
{
    /* All numbers first, so that one setting never shifts the luck of another. */
    double which = random_unit(&source->random);
    double radius = 1 - random_unit(&source->random); /* never 0 */
    double angle = random_unit(&source->random);
    double median = which < stage->other ? stage->other_us : stage->work_us;

    if (drawing->options->spread == 0 || median == 0)
        return median;
    return median * exp(drawing->options->spread * sqrt(-2 * log(radius)) * cos(TWO_PI * angle));
}

static double draw_once(struct drawing *drawing, const struct latency_stage *stage,
                        struct source *source)
{
    double us = draw_work(drawing, stage, source);

    for (uint32_t i = 0; i < stage->crossings; i++)
        us += i % 2 == 0 ? cross(&source->out, stage->out_bytes)
                         : cross(&source->back, stage->back_bytes);
    return us;
}

static void forget(struct drawing *drawing, const struct latency_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        drawing->spent_us[stage->number] = 0;
        for (size_t b = 0; b < stage->branch_count; b++)
            forget(drawing, &stage->branches[b]);
    }
}

/* Only what the slowest branch took is part of the whole. */
static double draw_branches(struct drawing *drawing, const struct latency_stage *stage)
{
    double slowest_us = 0;
    size_t slowest = 0;

    for (size_t b = 0; b < stage->branch_count; b++) {
        double us = draw_chain(drawing, &stage->branches[b]);
        if (us > slowest_us) {
            slowest_us = us;
            slowest = b;
        }
    }
    for (size_t b = 0; b < stage->branch_count; b++)
        if (b != slowest)
            forget(drawing, &stage->branches[b]);
    return slowest_us;
}

static double draw_stage(struct drawing *drawing, const struct latency_stage *stage)
{
    struct source *source = &drawing->sources[stage->number];
    bool happens = random_unit(&source->random) < stage->happens;
    double us = 0;

    if (stage->branches)
        us = draw_branches(drawing, stage);
    for (uint32_t i = 0; i < stage->times; i++)
        us += draw_once(drawing, stage, source);
    if (stage->number == drawing->options->scaled)
        us *= drawing->options->factor;
    if (!happens) {
        for (size_t b = 0; b < stage->branch_count; b++)
            forget(drawing, &stage->branches[b]);
        us = 0;
    }
    /* What branches took stands with their own stages. */
    drawing->spent_us[stage->number] = stage->branches ? 0 : us;
    return us;
}

static double draw_chain(struct drawing *drawing, const struct latency_chain *chain)
{
    double us = 0;

    for (size_t i = 0; i < chain->count; i++)
        us += draw_stage(drawing, &chain->stages[i]);
    return us;
}

static void seed_chain(struct drawing *drawing, const struct latency_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        struct source *source = &drawing->sources[stage->number];
        struct random mixer;
        random_seed(&mixer, drawing->options->seed + stage->number);
        random_seed(&source->random, random_next(&mixer));
        int error = link_init(&source->out, &stage->out, random_next(&mixer));
        if (error == 0)
            error = link_init(&source->back, &stage->back, random_next(&mixer));
        assert(error == 0 && "profiles that come from a topology are in range");
        for (size_t b = 0; b < stage->branch_count; b++)
            seed_chain(drawing, &stage->branches[b]);
    }
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return left < right ? -1 : left > right;
}

void latency_draw(const struct latency_scenario *scenario, const struct latency_options *options,
                  double *ret_total_us, double *ret_stage_us)
{
    size_t count = scenario->stage_count;
    struct drawing drawing = {
        .options = options,
        .sources = memory_alloc(count * sizeof *drawing.sources),
        .spent_us = memory_alloc(count * sizeof *drawing.spent_us),
        .count = count,
    };

    seed_chain(&drawing, &scenario->chain);
    for (size_t i = 0; ret_stage_us && i < count; i++)
        ret_stage_us[i] = 0;
    for (size_t n = 0; n < options->samples; n++) {
        ret_total_us[n] = draw_chain(&drawing, &scenario->chain);
        for (size_t i = 0; ret_stage_us && i < count; i++)
            ret_stage_us[i] += drawing.spent_us[i];
    }
    for (size_t i = 0; ret_stage_us && i < count; i++)
        ret_stage_us[i] /= (double)options->samples;
    qsort(ret_total_us, options->samples, sizeof *ret_total_us, compare);
    free(drawing.sources);
    free(drawing.spent_us);
}

double latency_percentile(const double *sorted, size_t count, double percentile)
{
    assert(count > 0);
    double rank = ceil(percentile * (double)count / 100);

    return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}
