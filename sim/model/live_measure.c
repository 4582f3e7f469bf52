#include "sim/model/live_measure.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/blast_radius.h"
#include "sim/model/latency.h"
#include "sim/model/live_measure_internal.h"

#define WELL_TIMEOUT_US (15 * SECOND_US)

/* The models that a running world can contradict. */
static const struct {
    const struct model *model;
    int (*run)(const struct live_measure *measure, const struct params *params,
               struct result *result, char **ret_error);
} measured[] = {{&latency_model, live_measure_latency}, {&blast_radius_model, live_measure_blast}};

#define MEASURED_COUNT (sizeof measured / sizeof measured[0])

/* ---- what is heard of the person in front ---- */

static volatile sig_atomic_t stopped;

static void on_stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* ---- messages ---- */

void live_measure_say(const struct live_measure *measure, const char *format, ...)
{
    va_list arguments;

    if (measure->quiet)
        return;
    if (measure->terminal)
        fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void live_measure_progress(const struct live_measure *measure, const char *format, ...)
{
    va_list arguments;

    if (!measure->terminal)
        return;
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
}

/* ---- time ---- */

void live_measure_pause(uint64_t us)
{
    struct timespec pause = {.tv_sec = (time_t)(us / SECOND_US),
                             .tv_nsec = (long)(us % SECOND_US) * 1000};

    if (!stopped)
        nanosleep(&pause, NULL); /* a signal ends it */
}

static bool is_well(const json_t *status, const void *context, char **ret_why)
{
    (void)context;
    return measure_world_is_well(status, ret_why);
}

int live_measure_wait_well(const struct live_measure *measure, uint64_t timeout_us,
                           char **ret_error)
{
    return live_measure_control_wait(measure->control, is_well, NULL, timeout_us, ret_error);
}

/* ---- one measurement ---- */

static int check_model(const struct model *model, char **ret_error)
{
    for (size_t i = 0; i < MEASURED_COUNT; i++)
        if (measured[i].model == model)
            return 0;
    *ret_error = text_format("--against live: the model %s cannot be measured; latency and "
                             "blast-radius can",
                             model->name);
    return -EINVAL;
}

int live_measure_open(const struct model *model, const char *world, bool quiet,
                      struct live_measure **ret_measure, char **ret_error)
{
    struct live_measure_control *control;
    int error = check_model(model, ret_error);

    if (error == 0)
        error = live_measure_control_open(world, &stopped, &control, ret_error);
    if (error != 0)
        return error;
    struct live_measure *measure = memory_alloc(sizeof *measure);
    *measure = (struct live_measure){.control = control,
                                     .base = live_measure_control_http(control),
                                     .world = world,
                                     .quiet = quiet,
                                     .terminal = !quiet && isatty(STDERR_FILENO)};
    /* Two runs at the same time, or one after the other, do not meet. */
    snprintf(measure->tag, sizeof measure->tag, "%x-%" PRIx64, (unsigned)getpid(),
             live_loop_now().now_us / MILLISECOND_US);
    if (live_measure_http_create(&stopped, &measure->http) != 0) {
        live_measure_free(measure);
        *ret_error = memory_text("libcurl does not start");
        return -ENOMEM;
    }
    *ret_measure = measure;
    return 0;
}

void live_measure_free(struct live_measure *measure)
{
    if (!measure)
        return;
    live_measure_http_free(measure->http);
    live_measure_control_free(measure->control);
    free(measure);
}

int live_measure_fit(const struct live_measure *measure, struct params *params, char **ret_error)
{
    size_t topology, regions;

    if (params_find(params, "topology", &topology) != 0 ||
        params_find(params, "regions", &regions) != 0 || params_given(params, topology) ||
        params_given(params, regions))
        return 0;
    char *names = measure_world_regions(live_measure_control_config(measure->control));
    int error = params_set(params, regions, names, ret_error);
    free(names);
    return error;
}

static int mend(const struct live_measure *measure, char **ret_error)
{
    char *broken = live_measure_control_broken(measure->control);
    char *why = NULL;

    if (!broken)
        return 0;
    live_measure_say(measure, "Mending world %s: %s", measure->world, broken);
    free(broken);
    int error = live_measure_control_mend(measure->control, &why);
    if (error == 0)
        return 0;
    broken = live_measure_control_broken(measure->control);
    *ret_error = text_format("world %s could not be mended (%s); do it by hand: mecentral -n %s: "
                             "%s",
                             measure->world, why, measure->world, broken);
    free(broken);
    free(why);
    return error;
}

/* Two things went wrong: both are told, and the first one counts. */
static int join_errors(int first, char **text, int second, char *other)
{
    if (first == 0) {
        *text = other;
        return second;
    }
    char *both = text_format("%s; and %s", *text, other);
    free(*text);
    free(other);
    *text = both;
    return first;
}

int live_measure_leave(const struct live_measure *measure, struct live_measure_user *users,
                       size_t count, int error, char **error_text)
{
    char *why = NULL;

    live_measure_control_go_on(measure->control);
    live_measure_http_go_on(measure->http);
    int wrong = mend(measure, &why);
    if (wrong != 0)
        error = join_errors(error, error_text, wrong, why);
    live_measure_progress(measure, "Deleting the accounts that have asked");
    /* Where not all is well again, some of them stay. */
    if (wrong == 0 && live_measure_wait_well(measure, WELL_TIMEOUT_US, &why) != 0)
        free(why);
    size_t left = live_measure_users_erase(measure, users, count);
    if (left > 0)
        live_measure_say(measure,
                         "%zu accounts named model-%s-... could not be deleted: they stay in "
                         "world %s",
                         left, measure->tag, measure->world);
    return error;
}

int live_measure_run(struct live_measure *measure, const struct model *model,
                     const struct params *params, struct result *result, char **ret_error)
{
    char *text = NULL;

    take_signals();
    live_measure_progress(measure, "Waiting until all is well in world %s", measure->world);
    int error = live_measure_wait_well(measure, WELL_TIMEOUT_US, &text);
    for (size_t i = 0; error == 0 && i < MEASURED_COUNT; i++)
        if (measured[i].model == model)
            error = measured[i].run(measure, params, result, &text);
    live_measure_progress(measure, "%s", "");
    if (error != 0)
        *ret_error = text;
    return error;
}
