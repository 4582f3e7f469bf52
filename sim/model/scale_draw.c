#include "sim/model/scale_draw.h"

#include <math.h>

#include "routerd/policy.h"

#define OFTEN 0.5 /* of exponential waits are in bounds, and so need not be drawn again */

/* A way that they may take: the cell's own first, then those that are left when a region turns them
 * away. */
struct way {
    const struct scale_cell *cell;
    const struct scale_luck_link *out;
    const struct scale_luck_link *back;
    const struct scale_luck_link *over; /* to the other region, and from it */
    const struct scale_luck_link *from;
    const struct scale_wait *wait;
    double admitted;
    struct scale_histogram *latencies; /* of its region */

    uint64_t answered, shed, full;
    uint64_t sum_us, least_us, most_us;
};

/* One cell's requests, under way. */
struct drawing {
    struct scale_draw_place *at;
    const struct scale_draw *draw;
    double span_us;
    uint64_t *places; /* buckets that are counted in */
    struct way ways[SCALE_CELLS_TRIES];
    size_t way_count;
    uint64_t hung_us;
};

static double unit(struct scale_draw_place *at)
{
    return random_unit(&at->random);
}

/* ---- one request ---- */

static uint64_t hang_us(struct drawing *drawing)
{
    const struct scale_draw *draw = drawing->draw;
    uint64_t sent_us = draw->from_us + (uint64_t)(unit(drawing->at) * drawing->span_us);
    uint64_t given_up_us = sent_us + draw->hang.patience_us;

    return (draw->hang.release_us < given_up_us ? draw->hang.release_us : given_up_us) - sent_us;
}

static uint64_t other_us(struct scale_draw_place *at, const struct way *way)
{
    uint64_t us = 0;

    for (uint32_t i = 0; i < way->cell->times; i++)
        us += scale_luck_delay_us(way->over, &at->random) +
              scale_luck_delay_us(way->from, &at->random);
    return us;
}

static double work_us(struct scale_draw_place *at)
{
    if (!at->service_varies)
        return at->service_us;
    return at->service_us * scale_luck_take(&at->luck->exponential, random_next(&at->random));
}

static double wait_us(struct scale_draw_place *at, const struct scale_wait *wait)
{
    double us;

    if (unit(at) >= wait->waits)
        return 0;
    if (wait->below_most < OFTEN)
        return scale_wait_us(wait, unit(at));
    /* What scale_wait_us() gives, but by the table: it is no logarithm that is waited for. */
    do
        us = fabs(wait->drain_us) *
             scale_luck_take(&at->luck->exponential, random_next(&at->random));
    while (us > wait->most_us);
    return wait->drain_us > 0 ? us : wait->most_us - us;
}

static void answer(struct drawing *drawing, struct way *way, uint64_t hung_us)
{
    struct scale_draw_place *at = drawing->at;
    uint64_t us = hung_us + way->cell->rest_us;

    us += scale_luck_delay_us(way->out, &at->random) + scale_luck_delay_us(way->back, &at->random);
    if (way->cell->other != POLICY_NONE)
        us += other_us(at, way);
    us += (uint64_t)(int64_t)(work_us(at) + wait_us(at, way->wait) + 0.5);

    uint32_t bucket = scale_histogram_bucket(us);
    drawing->places[bucket]++;
    way->latencies->buckets[bucket]++;
    way->answered++;
    way->sum_us += us;
    if (us < way->least_us)
        way->least_us = us;
    if (us > way->most_us)
        way->most_us = us;
}

static void draw_one(struct drawing *drawing)
{
    struct scale_draw_place *at = drawing->at;
    uint64_t waited_us = 0;

    if (drawing->draw->cell->hung != POLICY_NONE) {
        waited_us = hang_us(drawing);
        drawing->hung_us += waited_us;
    }
    for (size_t i = 0; i < drawing->way_count; i++) {
        struct way *way = &drawing->ways[i];
        if (way->wait->shed > 0 && unit(at) < way->wait->shed) {
            way->shed++;
            continue;
        }
        if (way->admitted < 1 && unit(at) >= way->admitted)
            way->full++;
        else
            answer(drawing, way, waited_us);
        return;
    }
}

/* ---- all of them ---- */

static void count(const struct drawing *drawing, enum scale_kind kind, uint64_t requests)
{
    struct scale_draw_place *at = drawing->at;

    at->place->kinds[kind] += requests;
    at->time->kinds[drawing->draw->cell->class][kind] += requests;
}

static void keep(struct scale_histogram *histogram, const struct way *way)
{
    if (way->answered == 0)
        return;
    if (histogram->count == 0 || way->least_us < histogram->least_us)
        histogram->least_us = way->least_us;
    if (way->most_us > histogram->most_us)
        histogram->most_us = way->most_us;
    histogram->count += way->answered;
    histogram->sum_us += way->sum_us;
}

static void set_out(const struct drawing *drawing, const struct scale_cell *cell,
                    struct way *ret_way)
{
    struct scale_draw_place *at = drawing->at;
    struct scale_tally_region *region = &at->tally->regions[cell->region];

    *ret_way = (struct way){
        .cell = cell,
        .out = &at->to_region[cell->region],
        .back = &at->to_client[cell->region],
        .wait = &at->waits[cell->region],
        .admitted = cell->kind == SCALE_QUEUED ? at->admitted[cell->region] : 1,
        .latencies = &region->latencies[cell->class],
        .least_us = UINT64_MAX,
    };
    if (cell->other != POLICY_NONE) {
        ret_way->over = &at->between[cell->region][cell->other];
        ret_way->from = &at->between[cell->other][cell->region];
    }
}

/* There is no second way while the first turns nobody away, and so on. */
static void find_ways(struct drawing *drawing)
{
    const struct scale_cell *cell = drawing->draw->cell;

    for (;;) {
        struct way *way = &drawing->ways[drawing->way_count++];
        set_out(drawing, cell, way);
        if (way->wait->shed <= 0 || cell->next == SCALE_CELLS_NONE)
            return;
        cell = &drawing->draw->cells->others[cell->next];
    }
}

/* Regions that come to work by it that those before have turned it away. */
static void take_work(const struct drawing *drawing, uint32_t asked, uint64_t requests)
{
    for (; asked != 0; asked &= asked - 1)
        drawing->at->time->work[__builtin_ctz(asked)] += requests;
}

static void draw_answered(struct drawing *drawing)
{
    struct scale_draw_place *at = drawing->at;
    uint32_t asked = 0;

    drawing->places = at->place->latencies.buckets;
    find_ways(drawing);
    for (uint64_t i = 0; i < drawing->draw->count; i++)
        draw_one(drawing);
    for (size_t i = 0; i < drawing->way_count; i++) {
        const struct way *way = &drawing->ways[i];
        if (i > 0)
            take_work(drawing, way->cell->asked & ~asked, drawing->ways[i - 1].shed);
        asked |= way->cell->asked;
        keep(&at->place->latencies, way);
        keep(way->latencies, way);
        at->tally->regions[way->cell->region].shed += way->shed;
        count(drawing, (enum scale_kind)way->cell->kind, way->answered);
        count(drawing, SCALE_QUEUE_FULL, way->full);
    }
    count(drawing, SCALE_SHED, drawing->ways[drawing->way_count - 1].shed);
}

/* Nobody waits for what is refused but where it hung before. */
static void draw_refused(struct drawing *drawing)
{
    const struct scale_draw *draw = drawing->draw;

    for (uint64_t i = 0; draw->cell->hung != POLICY_NONE && i < draw->count; i++)
        drawing->hung_us += hang_us(drawing);
    count(drawing, (enum scale_kind)draw->cell->kind, draw->count);
}

void scale_draw_requests(struct scale_draw_place *place, const struct scale_draw *draw)
{
    struct drawing drawing = {
        .at = place, .draw = draw, .span_us = (double)(draw->until_us - draw->from_us)};

    if (draw->cell->region != POLICY_NONE)
        draw_answered(&drawing);
    else
        draw_refused(&drawing);
    if (draw->cell->hung != POLICY_NONE) {
        place->tally->hung += draw->count;
        place->tally->hung_us += drawing.hung_us;
    }
}
