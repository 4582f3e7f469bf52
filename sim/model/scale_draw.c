#include "sim/model/scale_draw.h"

#include <math.h>

#include "routerd/policy.h"

#define OFTEN 0.5 /* of exponential waits are in bounds, and so need not be drawn again */

/* One cell's requests, under way. */
struct drawing {
    struct scale_draw_place *at;
    const struct scale_draw *draw;
    const struct scale_luck_link *out;
    const struct scale_luck_link *back;
    const struct scale_luck_link *over; /* to the other region, and from it */
    const struct scale_luck_link *from;
    const struct scale_wait *wait;
    double admitted;
    double span_us;
    uint64_t *places; /* buckets that are counted in */
    uint64_t *regions;

    uint64_t answered, shed, full;
    uint64_t sum_us, least_us, most_us;
    uint64_t hung_us;
};

static double unit(struct drawing *drawing)
{
    return random_unit(&drawing->at->random);
}

/* ---- one request ---- */

static uint64_t hang_us(struct drawing *drawing)
{
    const struct scale_draw *draw = drawing->draw;
    uint64_t sent_us = draw->from_us + (uint64_t)(unit(drawing) * drawing->span_us);
    uint64_t given_up_us = sent_us + draw->hang.patience_us;

    return (draw->hang.release_us < given_up_us ? draw->hang.release_us : given_up_us) - sent_us;
}

static uint64_t other_us(struct drawing *drawing)
{
    uint64_t us = 0;

    for (uint32_t i = 0; i < drawing->draw->cell.times; i++)
        us += scale_luck_delay_us(drawing->over, &drawing->at->random) +
              scale_luck_delay_us(drawing->from, &drawing->at->random);
    return us;
}

static double work_us(struct drawing *drawing)
{
    struct scale_draw_place *at = drawing->at;

    if (!at->service_varies)
        return at->service_us;
    return at->service_us * scale_luck_take(&at->luck->exponential, random_next(&at->random));
}

static double wait_us(struct drawing *drawing)
{
    const struct scale_wait *wait = drawing->wait;
    struct scale_draw_place *at = drawing->at;
    double us;

    if (unit(drawing) >= wait->waits)
        return 0;
    if (wait->below_most < OFTEN)
        return scale_wait_us(wait, unit(drawing));
    /* What scale_wait_us() gives, but by the table: it is no logarithm that is waited for. */
    do
        us = fabs(wait->drain_us) *
             scale_luck_take(&at->luck->exponential, random_next(&at->random));
    while (us > wait->most_us);
    return wait->drain_us > 0 ? us : wait->most_us - us;
}

/* Returns false when it is turned away. */
static bool is_let_in(struct drawing *drawing)
{
    if (drawing->wait->shed > 0 && unit(drawing) < drawing->wait->shed) {
        drawing->shed++;
        return false;
    }
    if (drawing->admitted < 1 && unit(drawing) >= drawing->admitted) {
        drawing->full++;
        return false;
    }
    return true;
}

static void draw_one(struct drawing *drawing)
{
    const struct scale_cell *cell = &drawing->draw->cell;
    struct random *random = &drawing->at->random;
    uint64_t us = cell->rest_us;

    if (cell->hung != POLICY_NONE) {
        uint64_t hung_us = hang_us(drawing);
        drawing->hung_us += hung_us;
        us += hung_us;
    }
    if (!is_let_in(drawing))
        return;
    us += scale_luck_delay_us(drawing->out, random) + scale_luck_delay_us(drawing->back, random);
    if (cell->other != POLICY_NONE)
        us += other_us(drawing);
    us += (uint64_t)(int64_t)(work_us(drawing) + wait_us(drawing) + 0.5);

    uint32_t bucket = scale_histogram_bucket(us);
    drawing->places[bucket]++;
    drawing->regions[bucket]++;
    drawing->answered++;
    drawing->sum_us += us;
    if (us < drawing->least_us)
        drawing->least_us = us;
    if (us > drawing->most_us)
        drawing->most_us = us;
}

/* ---- all of them ---- */

static void count(const struct drawing *drawing, enum scale_kind kind, uint64_t requests)
{
    const struct scale_draw *draw = drawing->draw;
    struct scale_draw_place *at = drawing->at;

    at->place->kinds[kind] += requests;
    at->time->kinds[draw->cell.class][kind] += requests;
}

static void keep(struct scale_histogram *histogram, const struct drawing *drawing)
{
    if (drawing->answered == 0)
        return;
    if (histogram->count == 0 || drawing->least_us < histogram->least_us)
        histogram->least_us = drawing->least_us;
    if (drawing->most_us > histogram->most_us)
        histogram->most_us = drawing->most_us;
    histogram->count += drawing->answered;
    histogram->sum_us += drawing->sum_us;
}

static void draw_answered(struct drawing *drawing)
{
    struct scale_draw_place *at = drawing->at;
    const struct scale_draw *draw = drawing->draw;
    const struct scale_cell *cell = &draw->cell;
    struct scale_tally_region *region = &at->tally->regions[cell->region];
    struct scale_histogram *latencies = &region->latencies[cell->class];

    drawing->out = &at->to_region[cell->region];
    drawing->back = &at->to_client[cell->region];
    if (cell->other != POLICY_NONE) {
        drawing->over = &at->between[cell->region][cell->other];
        drawing->from = &at->between[cell->other][cell->region];
    }
    drawing->wait = &at->waits[cell->region];
    drawing->admitted = cell->kind == SCALE_QUEUED ? at->admitted[cell->region] : 1;
    drawing->places = at->place->latencies.buckets;
    drawing->regions = latencies->buckets;
    for (uint64_t i = 0; i < draw->count; i++)
        draw_one(drawing);
    keep(&at->place->latencies, drawing);
    keep(latencies, drawing);
    region->shed += drawing->shed;
    count(drawing, (enum scale_kind)cell->kind, drawing->answered);
    count(drawing, SCALE_SHED, drawing->shed);
    count(drawing, SCALE_QUEUE_FULL, drawing->full);
}

/* Nobody waits for what is refused but where it hung before. */
static void draw_refused(struct drawing *drawing)
{
    const struct scale_draw *draw = drawing->draw;

    for (uint64_t i = 0; draw->cell.hung != POLICY_NONE && i < draw->count; i++)
        drawing->hung_us += hang_us(drawing);
    count(drawing, (enum scale_kind)draw->cell.kind, draw->count);
}

void scale_draw_requests(struct scale_draw_place *place, const struct scale_draw *draw)
{
    struct drawing drawing = {.at = place,
                              .draw = draw,
                              .span_us = (double)(draw->until_us - draw->from_us),
                              .least_us = UINT64_MAX};

    if (draw->cell.region != POLICY_NONE)
        draw_answered(&drawing);
    else
        draw_refused(&drawing);
    if (draw->cell.hung != POLICY_NONE) {
        place->tally->hung += draw->count;
        place->tally->hung_us += drawing.hung_us;
    }
}
