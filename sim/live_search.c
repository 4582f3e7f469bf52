#include "sim/live_search.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"

/* How far workers may run ahead of the slowest trial. */
#define WINDOW      1024
#define TICK_US     UINT64_C(200000)
#define PROGRESS_US UINT64_C(500000)

struct searching {
    struct live_search *search;
    struct live_workers *workers;
    uint64_t started_us;
    uint64_t told_us;
    uint64_t next_given;
    uint64_t next_counted;
    uint64_t lowest_failed; /* no turn of a later one will come */
    bool given_all;         /* next_given is past the last */
    bool has_failed;
    struct trial *ahead; /* ended before their turn, by number % WINDOW */
    bool *is_ahead;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL);
}

void live_search_catch_interrupts(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: calls return */

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool live_search_is_interrupted(void)
{
    return interrupted != 0;
}

static bool time_is_over(const struct searching *searching)
{
    uint64_t limit_us = searching->search->limit_us;

    return limit_us != 0 && live_workers_now_us() - searching->started_us >= limit_us;
}

static bool may_give(struct searching *searching)
{
    const struct live_search *search = searching->search;

    if (searching->next_given > searching->lowest_failed || interrupted || search->error != 0)
        return false;
    if (!searching->given_all && time_is_over(searching))
        searching->given_all = true;
    return !searching->given_all && live_workers_has_idle(searching->workers) &&
           searching->next_given - searching->next_counted < WINDOW;
}

static void give(struct searching *searching)
{
    struct live_search *search = searching->search;
    uint64_t number = searching->next_given;
    const struct trial trial = {.number = number,
                                .plant = search->plant,
                                .twice =
                                    search->twice_every != 0 && number % search->twice_every == 0};

    search->error = live_workers_give(searching->workers, &trial);
    if (search->error != 0)
        return;
    if (number == search->last)
        searching->given_all = true;
    else
        searching->next_given++;
}

static void count_trial(struct searching *searching, const struct trial *trial)
{
    struct live_search *search = searching->search;

    tally_add(&search->tally, trial);
    search->last_trial = *trial;
    if (!trial_has_failed(trial))
        return;
    search->failures =
        memory_grow(search->failures, (search->failure_count + 1) * sizeof *search->failures);
    search->failures[search->failure_count++] = *trial;
    searching->has_failed = !search->keep_going;
}

/* Those whose turn it is. */
static void count_in_order(struct searching *searching)
{
    while (!searching->has_failed) {
        size_t slot = (size_t)(searching->next_counted % WINDOW);
        if (!searching->is_ahead[slot])
            return;
        searching->is_ahead[slot] = false;
        searching->next_counted++;
        count_trial(searching, &searching->ahead[slot]);
    }
}

static void tell_progress(struct searching *searching)
{
    uint64_t now_us = live_workers_now_us();

    if (!searching->search->progress || now_us - searching->told_us < PROGRESS_US)
        return;
    searching->told_us = now_us;
    char *line = report_progress(&searching->search->tally, now_us - searching->started_us);
    fprintf(stderr, "\r\033[K%s", line);
    free(line);
}

static void take(struct searching *searching)
{
    struct trial trial;

    if (!live_workers_take(searching->workers, TICK_US, &trial))
        return;
    if (!searching->search->keep_going && trial_has_failed(&trial) &&
        trial.number < searching->lowest_failed)
        searching->lowest_failed = trial.number;
    size_t slot = (size_t)(trial.number % WINDOW);
    searching->ahead[slot] = trial;
    searching->is_ahead[slot] = true;
    count_in_order(searching);
}

static bool is_over(const struct searching *searching)
{
    return searching->has_failed || interrupted || searching->search->error != 0 ||
           (searching->given_all && !live_workers_has_busy(searching->workers));
}

void live_search_run(struct live_search *search)
{
    struct searching searching = {.search = search,
                                  .workers = live_workers_create(search->jobs, LIVE_SEARCH_LIMIT_US,
                                                                 search->run, search->context),
                                  .started_us = live_workers_now_us(),
                                  .next_given = search->first,
                                  .next_counted = search->first,
                                  .lowest_failed = UINT64_MAX,
                                  .ahead = memory_alloc(WINDOW * sizeof *searching.ahead),
                                  .is_ahead = memory_alloc(WINDOW * sizeof *searching.is_ahead)};

    while (!is_over(&searching)) {
        while (may_give(&searching))
            give(&searching);
        take(&searching);
        tell_progress(&searching);
    }
    search->end = search->failure_count != 0 ? REPORT_FAILED
                  : interrupted              ? REPORT_INTERRUPTED
                                             : REPORT_DONE;
    search->leaks = live_workers_free(searching.workers);
    search->wall_us = live_workers_now_us() - searching.started_us;
    if (search->progress && searching.told_us != 0)
        fprintf(stderr, "\r\033[K");
    free(searching.ahead);
    free(searching.is_ahead);
}
