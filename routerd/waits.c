#include "routerd/waits.h"

#include <string.h>

void waits_init(struct waits *waits, const uint32_t limit_ticks[WAIT_COUNT])
{
    memset(waits, 0, sizeof(*waits));
    for (int reason = 0; reason < WAIT_COUNT; reason++) {
        waits->heads[reason].previous = &waits->heads[reason];
        waits->heads[reason].next = &waits->heads[reason];
    }
    waits_limit(waits, limit_ticks);
}

void waits_limit(struct waits *waits, const uint32_t limit_ticks[WAIT_COUNT])
{
    memcpy(waits->limit_ticks, limit_ticks, sizeof(waits->limit_ticks));
}

void waits_end(struct wait *wait)
{
    if (wait->reason == WAIT_NONE)
        return;
    wait->previous->next = wait->next;
    wait->next->previous = wait->previous;
    wait->reason = WAIT_NONE;
}

void waits_begin(struct waits *waits, struct wait *wait, enum wait_reason reason)
{
    struct wait *head = &waits->heads[reason];

    waits_end(wait);
    if (reason == WAIT_NONE)
        return;
    wait->reason = reason;
    /* One tick more: the present one has partly passed. */
    wait->deadline_tick = waits->now_tick + waits->limit_ticks[reason] + 1;
    wait->previous = head->previous;
    wait->next = head;
    head->previous->next = wait;
    head->previous = wait;
}

void waits_tick(struct waits *waits)
{
    waits->now_tick++;
}

struct wait *waits_overdue(struct waits *waits)
{
    for (int reason = 0; reason < WAIT_COUNT; reason++) {
        struct wait *head = &waits->heads[reason];

        if (head->next != head && head->next->deadline_tick <= waits->now_tick)
            return head->next;
    }
    return NULL;
}
