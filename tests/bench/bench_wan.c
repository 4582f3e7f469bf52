/* bench_wan: what it costs to pass a message through wan, on a fast link and on a slow one.
 *
 * Time is virtual: a message is offered every 10 us and what is due is taken out. The slow link has
 * 200 times as many in flight; that it carries about as much shows that a slow link is slow, and
 * not narrow. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/wan.h"

#define MESSAGES      1000000u
#define MESSAGE_BYTES 200u
#define INTERVAL_US   10u
#define RUNS          5

struct result {
    double messages_per_s;
    uint32_t most_in_flight;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t take_due(struct wan *wan, uint64_t now_us)
{
    struct wan_message message;
    uint32_t count = 0;
    while (wan_pop(wan, now_us, &message)) {
        free(message.bytes);
        count++;
    }
    return count;
}

static struct result run(uint64_t latency_us)
{
    struct wan *wan = wan_create();
    struct link link;
    struct result result = {0};
    uint32_t arrived = 0;
    uint64_t now_us = 0;
    int rc = link_init(&link, &(struct link_profile){.latency_us = latency_us}, 1);
    assert(rc == 0);

    double start_s = now_s();
    for (uint32_t id = 0; id < MESSAGES; id++, now_us += INTERVAL_US) {
        struct wan_message message = {
            .id = id, .bytes = memory_alloc(MESSAGE_BYTES), .size = MESSAGE_BYTES};
        enum link_fate fate = wan_send(wan, &link, &message, now_us);
        assert(fate == LINK_ARRIVES);
        if (link.under_way > result.most_in_flight)
            result.most_in_flight = link.under_way;
        arrived += take_due(wan, now_us);
    }
    arrived += take_due(wan, now_us + latency_us);
    result.messages_per_s = MESSAGES / (now_s() - start_s);
    assert(arrived == MESSAGES);
    wan_free(wan);
    return result;
}

static int compare(const void *a, const void *b)
{
    double rate_a = ((const struct result *)a)->messages_per_s;
    double rate_b = ((const struct result *)b)->messages_per_s;
    return (rate_a > rate_b) - (rate_a < rate_b);
}

/* The median of some runs. */
static struct result measure(uint64_t latency_us)
{
    struct result results[RUNS];
    for (int i = 0; i < RUNS; i++)
        results[i] = run(latency_us);
    qsort(results, RUNS, sizeof(results[0]), compare);
    const struct result *median = &results[RUNS / 2];
    printf("%7.0f ms %12u in flight %12.0f messages/s %8.3f us each\n",
           (double)latency_us / MILLISECOND_US, median->most_in_flight, median->messages_per_s,
           1e6 / median->messages_per_s);
    return *median;
}

int main(void)
{
    struct result fast = measure(1 * MILLISECOND_US);
    struct result slow = measure(200 * MILLISECOND_US);
    printf("slow to fast: %.2f\n", slow.messages_per_s / fast.messages_per_s);
    return EXIT_SUCCESS;
}
