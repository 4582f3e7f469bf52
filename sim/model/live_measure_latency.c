/* The four ways that a read usually goes, on a running world. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/live_measure_internal.h"
#include "sim/model/measure_latency.h"

#define KEY           "value"
#define WAY_US_MAX    (10 * SECOND_US)
#define SAMPLES_LEAST 20 /* even when they take longer */
#define WARM_UP       3  /* connection, caches */
#define FAULT_S       60 /* ends by itself, should we be killed */

struct measuring {
    const struct live_measure *measure;
    struct measure_latency_plan plan;
    struct measure_latency_samples samples[MEASURE_LATENCY_COUNT];
    struct live_measure_user *users; /* one at home in each region that needs one */
    size_t user_count;
};

/* ---- users ---- */

static const struct live_measure_user *user_of(const struct measuring *measuring, uint32_t home)
{
    const char *name = measuring->plan.deployment->region[home];

    for (size_t i = 0; i < measuring->user_count; i++)
        if (strcmp(measuring->users[i].home, name) == 0)
            return &measuring->users[i];
    return NULL;
}

static void add_user(struct measuring *measuring, uint32_t home)
{
    const struct deployment *deployment = measuring->plan.deployment;

    if (user_of(measuring, home))
        return;
    measuring->users[measuring->user_count++] = (struct live_measure_user){
        .name = measure_request_owner(measuring->measure->tag, deployment, home),
        .home = deployment->region[home]};
}

static int make_users(struct measuring *measuring, char **ret_error)
{
    const struct live_measure *measure = measuring->measure;
    struct measure_request requests[MEASURE_LATENCY_COUNT];

    measuring->users = memory_alloc(MEASURE_LATENCY_COUNT * sizeof *measuring->users);
    for (size_t i = 0; i < measuring->plan.count; i++)
        add_user(measuring, measuring->plan.items[i].home);
    int error =
        live_measure_users_make(measure, measuring->users, measuring->user_count, ret_error);
    if (error != 0)
        return error;
    for (size_t i = 0; i < measuring->user_count; i++)
        requests[i] = measure_request_value(KEY);
    return live_measure_users_do(measure, measuring->users, requests, measuring->user_count,
                                 "writing a value", ret_error);
}

/* ---- one way ---- */

struct way {
    const struct measuring *measuring;
    const struct measure_latency_item *item;
    struct live_measure_call call;
};

/* Returns 0 with the time of one request, or why it does not count. */
static int sample(struct way *way, double *ret_us, char **ret_error)
{
    const struct measure_latency_plan *plan = &way->measuring->plan;

    if (live_measure_http_send(way->measuring->measure->http, &way->call, 1, 1) != 0) {
        *ret_error = memory_text("stopped");
        return -EINTR;
    }
    if (!measure_latency_is_wanted(plan, way->item, &way->call.answer, ret_error))
        return -EIO;
    *ret_us = (double)way->call.answer.elapsed_us;
    return 0;
}

/* The value comes to copies a little later, and into a cache when it is first read. */
static int warm_up(struct way *way, char **ret_error)
{
    uint64_t deadline_us = live_loop_now().now_us + 3 * SECOND_US;
    size_t fine = 0;
    double us;

    while (fine < WARM_UP) {
        int error = sample(way, &us, ret_error);

        if (error == -EINTR || (error != 0 && live_loop_now().now_us > deadline_us))
            return error;
        if (error == 0) {
            fine++;
            continue;
        }
        free(*ret_error);
        live_measure_pause(50 * MILLISECOND_US);
    }
    return 0;
}

static int take_samples(struct way *way, struct measure_latency_samples *samples, char **ret_error)
{
    size_t wanted = way->measuring->plan.samples;
    uint64_t deadline_us = live_loop_now().now_us + WAY_US_MAX;
    const char *name = measure_latency_row(way->item->way)->name;

    samples->us = memory_alloc(wanted * sizeof *samples->us);
    while (samples->count < wanted &&
           (samples->count < SAMPLES_LEAST || live_loop_now().now_us < deadline_us)) {
        int error = sample(way, &samples->us[samples->count], ret_error);

        if (error != 0)
            return error;
        if (samples->count++ % 16 == 0)
            live_measure_progress(way->measuring->measure, "%s: %zu of %zu requests", name,
                                  samples->count, wanted);
    }
    return 0;
}

static int counters(const struct way *way, struct measure_counters *ret_counters, char **ret_error)
{
    const char *region = way->measuring->plan.deployment->region[way->item->answerer];
    json_t *status;
    int error = live_measure_control_status(way->measuring->measure->control, &status, ret_error);

    if (error != 0)
        return error;
    if (measure_world_counters(status, region, ret_counters) != 0) {
        *ret_error = text_format("%s does not say what it has counted", region);
        error = -EIO;
    }
    json_decref(status);
    return error;
}

static int disable(const struct way *way, enum parts_cache cache, char **ret_error)
{
    const char *region = way->measuring->plan.deployment->region[way->item->region];
    char *name = text_format("%s/%s", region, parts_cache_name(cache));
    json_t *arguments = json_pack("{s:s, s:b}", "cache", name, "disable", 1);
    int error = live_measure_control_fault(way->measuring->measure->control, "cache", arguments,
                                           FAULT_S, ret_error);

    free(name);
    return error;
}

static int disable_caches(const struct way *way, char **ret_error)
{
    const struct measure_latency_row *row = measure_latency_row(way->item->way);
    int error = 0;

    if (row->regional_disabled)
        error = disable(way, PARTS_REGIONAL, ret_error);
    if (error == 0 && row->edge_disabled)
        error = disable(way, PARTS_EDGE, ret_error);
    return error;
}

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static int run_way(struct way *way, struct measure_latency_samples *samples, char **ret_error)
{
    struct measure_counters before, after;
    int error = disable_caches(way, ret_error);

    if (error == 0)
        error = warm_up(way, ret_error);
    if (error == 0)
        error = counters(way, &before, ret_error);
    if (error == 0)
        error = take_samples(way, samples, ret_error);
    if (error == 0)
        error = counters(way, &after, ret_error);
    if (error == 0 &&
        !measure_latency_was_real(way->item, &before, &after, samples->count, ret_error))
        error = -EIO;
    if (error == 0)
        error = live_measure_control_mend(way->measuring->measure->control, ret_error);
    if (error == 0)
        qsort(samples->us, samples->count, sizeof *samples->us, compare_doubles);
    return error;
}

static int measure_way(struct measuring *measuring, size_t number, char **ret_error)
{
    const struct measure_latency_item *item = &measuring->plan.items[number];
    struct measure_request request = measure_request_read(KEY);
    struct way way = {.measuring = measuring, .item = item};
    char *why = NULL;

    way.call = (struct live_measure_call){.base = measuring->measure->base,
                                          .request = &request,
                                          .geo = item->client,
                                          .token = user_of(measuring, item->home)->token,
                                          .strong = measure_latency_row(item->way)->strong};
    int error = run_way(&way, &measuring->samples[number], &why);
    live_measure_http_free_call(&way.call);
    measure_request_free(&request);
    if (error != 0) {
        *ret_error = text_format("%s: %s", measure_latency_row(item->way)->name, why);
        free(why);
    }
    return error;
}

/* ---- all of it ---- */

static void announce(const struct measuring *measuring)
{
    const struct measure_latency_plan *plan = &measuring->plan;
    const struct measure_latency_item *first = &plan->items[0];

    live_measure_say(measuring->measure,
                     "Measuring world %s for up to a minute: accounts are made and deleted again, "
                     "%zu reads are sent for each of %zu scenarios, and for two of them caches of "
                     "%s are disabled.",
                     measuring->measure->world, plan->samples, plan->count,
                     plan->deployment->region[first->region]);
}

static int measure_all(struct measuring *measuring, char **ret_error)
{
    int error =
        measure_world_is_same(measuring->plan.deployment,
                              live_measure_control_config(measuring->measure->control), ret_error);

    if (error != 0)
        return error;
    announce(measuring);
    error = make_users(measuring, ret_error);
    for (size_t i = 0; error == 0 && i < measuring->plan.count; i++)
        error = measure_way(measuring, i, ret_error);
    return live_measure_leave(measuring->measure, measuring->users, measuring->user_count, error,
                              ret_error);
}

int live_measure_latency(const struct live_measure *measure, const struct params *params,
                         struct result *result, char **ret_error)
{
    struct measuring measuring = {.measure = measure};
    int error = measure_latency_plan(params, &measuring.plan, ret_error);

    if (error != 0)
        return error;
    error = measure_all(&measuring, ret_error);
    if (error == 0)
        measure_latency_compare(&measuring.plan, measuring.samples, result);
    for (size_t i = 0; i < measuring.plan.count; i++)
        free(measuring.samples[i].us);
    live_measure_users_free(measuring.users, measuring.user_count);
    measure_latency_plan_free(&measuring.plan);
    return error;
}
