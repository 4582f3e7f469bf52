/* bare_sleep: how late this machine wakes a process that only sleeps: the yardstick beside which
 * the round trips of http_rtt are read. Arguments: milliseconds, count. Prints JSON, in ms of
 * lateness. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT_MAX 10000

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    static double late_ms[COUNT_MAX];
    long sleep_ms = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    struct timespec pause = {sleep_ms / 1000, sleep_ms % 1000 * 1000000};

    if (sleep_ms < 1 || sleep_ms > 10000 || count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "usage: bare_sleep MILLISECONDS(1-10000) COUNT(1-%d)\n", COUNT_MAX);
        return 64;
    }
    for (long i = 0; i < count; i++) {
        double start_ms = now_ms();

        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        late_ms[i] = now_ms() - start_ms - (double)sleep_ms;
    }
    qsort(late_ms, (size_t)count, sizeof(late_ms[0]), compare);
    printf("{\"median_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n", late_ms[count / 2],
           late_ms[(count * 99 + 99) / 100 - 1], late_ms[count - 1]);
    return 0;
}
