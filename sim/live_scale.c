#include "sim/live_scale.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/live_workers.h"
#include "sim/model/live_params.h"
#include "sim/model/live_result.h"
#include "sim/model/scale_tell.h"

#define PROGRESS_US (250 * MILLISECOND_US)
#define TICK_MS     200

/* One process, which does each slice whose number leaves @index when divided by how many there are.
 * It writes how many slices it has gone through (8 bytes) now and then, and its tally in the end.
 */
struct worker {
    pid_t pid;
    int from;
    uint64_t done;
    bool finished;
};

struct sharing {
    const struct scale_world *world;
    struct worker *workers;
    size_t count;
    struct scale_tally *tally;
    bool progress;
    uint64_t started_us;
    uint64_t told_us;
    int error;
};

/* ---- a worker ---- */

/* Returns false when nobody reads any more. */
static bool write_all(int to, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t written = write(to, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

_Noreturn static void work(const struct sharing *sharing, size_t index, int to)
{
    const struct scale_world *world = sharing->world;
    struct scale *scale = scale_create(world);
    uint64_t told_us = live_workers_now_us();
    bool heard = true;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (heard && scale_done(scale) < world->slice_count) {
        scale_step(scale, scale_done(scale) % sharing->count == index);
        uint64_t done = scale_done(scale);
        if (done < world->slice_count && live_workers_now_us() - told_us < PROGRESS_US)
            continue;
        told_us = live_workers_now_us();
        heard = write_all(to, &done, sizeof done);
    }
    heard = heard && write_all(to, scale_tally(scale), scale_tally(scale)->size);
    scale_free(scale);
    exit(heard ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int start(struct sharing *sharing, size_t index)
{
    struct worker *worker = &sharing->workers[index];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        work(sharing, index, ends[1]);
    }
    int error = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (error != 0)
        close(ends[0]);
    else
        *worker = (struct worker){.pid = pid, .from = ends[0]};
    return error;
}

/* ---- around them ---- */

static bool read_all(int from, void *data, size_t size)
{
    char *at = data;

    while (size > 0) {
        ssize_t got = read(from, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool take_tally(struct sharing *sharing, const struct worker *worker)
{
    struct scale_tally *tally = memory_alloc(sharing->tally->size);
    bool whole = read_all(worker->from, tally, sharing->tally->size);

    if (whole)
        scale_tally_merge(sharing->tally, tally);
    free(tally);
    return whole;
}

static void listen_to(struct sharing *sharing, struct worker *worker)
{
    bool fine = read_all(worker->from, &worker->done, sizeof worker->done);

    if (fine && worker->done == sharing->world->slice_count) {
        fine = take_tally(sharing, worker);
        worker->finished = true;
    }
    if (!fine)
        sharing->error = -EIO;
}

static uint64_t slices_done(const struct sharing *sharing)
{
    uint64_t done = 0;

    for (size_t i = 0; i < sharing->count; i++)
        done += sharing->workers[i].done;
    return done / sharing->count;
}

static void tell_progress(struct sharing *sharing)
{
    uint64_t now_us = live_workers_now_us();
    double share = (double)slices_done(sharing) / (double)sharing->world->slice_count;
    double wall_s = (double)(now_us - sharing->started_us) / (double)SECOND_US;

    if (!sharing->progress || now_us - sharing->told_us < PROGRESS_US || share <= 0)
        return;
    sharing->told_us = now_us;
    fprintf(stderr, "\r\033[K%3.0f%% of the time simulated; %.0f s to go", share * 100,
            wall_s / share - wall_s);
}

static bool are_at_work(const struct sharing *sharing)
{
    for (size_t i = 0; i < sharing->count; i++)
        if (!sharing->workers[i].finished)
            return true;
    return false;
}

static void listen_to_all(struct sharing *sharing)
{
    struct pollfd *polled = memory_alloc(sharing->count * sizeof *polled);

    for (size_t i = 0; i < sharing->count; i++)
        polled[i] = (struct pollfd){
            .fd = sharing->workers[i].finished ? -1 : sharing->workers[i].from, .events = POLLIN};
    if (poll(polled, sharing->count, TICK_MS) > 0)
        for (size_t i = 0; i < sharing->count; i++)
            if (polled[i].revents != 0)
                listen_to(sharing, &sharing->workers[i]);
    tell_progress(sharing);
    free(polled);
}

static void end_workers(struct sharing *sharing)
{
    for (size_t i = 0; i < sharing->count; i++) {
        struct worker *worker = &sharing->workers[i];
        int status = 0;
        if (worker->pid == 0)
            continue;
        if (!worker->finished)
            kill(worker->pid, SIGKILL);
        close(worker->from);
        while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (status != 0 && sharing->error == 0)
            sharing->error = -EIO;
    }
    if (sharing->progress && sharing->told_us != 0)
        fprintf(stderr, "\r\033[K");
}

static void share_out(struct sharing *sharing)
{
    for (size_t i = 0; i < sharing->count && sharing->error == 0; i++)
        sharing->error = start(sharing, i);
    while (sharing->error == 0 && are_at_work(sharing))
        listen_to_all(sharing);
    end_workers(sharing);
}

/* ---- the whole of it ---- */

static void tell_effort(const struct sharing *sharing)
{
    double wall_s = (double)(live_workers_now_us() - sharing->started_us) / (double)SECOND_US;
    uint64_t kinds[SCALE_KIND_COUNT];
    char requests[RESULT_NUMBER_SIZE], rate[RESULT_NUMBER_SIZE];
    struct rusage used;

    scale_tally_kinds(sharing->tally, kinds);
    double count = (double)scale_tally_requests(kinds);
    getrusage(RUSAGE_CHILDREN, &used);
    fprintf(stderr, "%s requests in %.1f s: %s a second; %zu %s of at most %.1f MiB\n",
            result_show(RESULT_COUNT, count, requests), wall_s,
            result_show(RESULT_COUNT, count / wall_s, rate), sharing->count,
            sharing->count == 1 ? "process" : "processes", (double)used.ru_maxrss / 1024);
}

static void tell(const struct scale_world *world, const struct scale_tally *tally,
                 struct result *result)
{
    struct scale *scale = scale_create(world);

    scale_tell(&(struct scale_told){world, scale, tally}, result);
    scale_free(scale);
}

static int simulate(const struct options *options, const struct params *params,
                    const struct scale_world *world, bool progress, char **ret_error)
{
    const struct live_result_how how = {
        .json = options->json, .csv = options->csv, .html = options->html, .quiet = options->quiet};
    size_t count = options->jobs < world->slice_count ? options->jobs : (size_t)world->slice_count;
    struct sharing sharing = {
        .world = world,
        .workers = memory_alloc(count * sizeof *sharing.workers),
        .count = count,
        .tally = scale_tally_create(world->deployment->geo_count, world->deployment->region_count),
        .progress = progress,
        .started_us = live_workers_now_us(),
    };

    share_out(&sharing);
    int error = sharing.error;
    if (error != 0) {
        *ret_error = text_format("a process of the simulation ended early: %s", strerror(-error));
    } else {
        struct result *result = result_create("scale", "A day of a large world");
        tell(world, sharing.tally, result);
        error = live_result_tell(result, params, &how, ret_error);
        result_free(result);
        fflush(stdout);
        if (!options->quiet)
            tell_effort(&sharing);
    }
    free(sharing.tally);
    free(sharing.workers);
    return error;
}

static struct params *create_params(void)
{
    struct params *params = params_create(scale_world_specs, SCALE_WORLD_PARAM_COUNT);

    params_printed_by(params, "--print-world");
    return params;
}

static int read_params(const struct options *options, struct params *params, char **ret_error)
{
    char seed[32];

    if (options->world && live_params_read(params, options->world, ret_error) != 0)
        return -EINVAL;
    snprintf(seed, sizeof seed, "%" PRIu64, options->first_seed);
    if (options->one_seed && params_set(params, SCALE_WORLD_SEED, seed, ret_error) != 0)
        return -EINVAL;
    if (params_check(params, ret_error) != 0)
        return -EINVAL;
    return live_params_attach(params, options->world, ret_error);
}

int live_scale_run(const struct options *options, bool progress, char **ret_error)
{
    struct params *params = create_params();
    struct scale_world *world = NULL;
    int error = read_params(options, params, ret_error);

    if (error == 0)
        error = scale_world_create(params, &world, ret_error);
    if (error == 0)
        error = simulate(options, params, world, progress, ret_error);
    scale_world_free(world);
    params_free(params);
    return error;
}

int live_scale_print(const struct options *options, char **ret_error)
{
    struct params *params = create_params();
    int error = read_params(options, params, ret_error);

    if (error == 0) {
        char *text = params_print(params);
        fputs(text, stdout);
        free(text);
    }
    params_free(params);
    return error;
}
