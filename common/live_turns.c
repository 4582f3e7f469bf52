#include "common/live_turns.h"

#include <linux/sched/types.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least and the most that Linux gives. */
#define SHORT_NS 100000u
#define LONG_NS  100000000u

#define NICE_MAX 19

/* 0 names the calling thread; the policy, 0, is the usual one (SCHED_OTHER). The C library has no
 * call for it. Where it fails, the thread runs as it did. */
static void share(uint64_t turn_ns, int nice)
{
    struct sched_attr attributes = {
        .size = sizeof attributes, .sched_nice = nice, .sched_runtime = turn_ns};

    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void live_turns_short(void)
{
    share(SHORT_NS, getpriority(PRIO_PROCESS, 0));
}

void live_turns_long(int nice)
{
    nice += getpriority(PRIO_PROCESS, 0);
    share(LONG_NS, nice < NICE_MAX ? nice : NICE_MAX);
}
