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

/* sched_setattr(2)'s SCHED_FLAG_KEEP_POLICY, which <linux/sched.h> has, and that bites with the C
 * library's <sched.h>. */
#define KEEP_POLICY 0x08u

/* 0 names the calling thread. The C library has no call for it. Where it fails, the thread runs as
 * it did. */
static void share(uint64_t turn_ns, int nice)
{
    struct sched_attr attributes = {.size = sizeof attributes,
                                    .sched_flags = KEEP_POLICY,
                                    .sched_nice = nice,
                                    .sched_runtime = turn_ns};

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
