#include "regiond/parking.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"

struct parked {
    struct parked *prev, *next;
    struct deadline deadline;
    struct request request;
    parking_go_on *go_on;
    size_t bytes;
};

struct parking {
    struct parked *waiting;
    size_t count;
    size_t bytes;
};

struct parking *parking_create(void)
{
    return memory_alloc(sizeof(struct parking));
}

int parking_put(struct region *region, struct request *request, uint64_t wait_us,
                parking_go_on *go_on)
{
    struct parking *parking = region->parking;
    size_t bytes = request->call->body.len;
    struct parked *parked;

    if (parking->count == PARKING_CALLS_MAX || parking->bytes + bytes > PARKING_BYTES_MAX)
        return -ENOBUFS;
    parked = memory_alloc(sizeof *parked);
    request_park(request, &parked->request);
    request_wait(&parked->request, region->at.now_us);
    if (bytes > 0)
        sodium_memzero(request->call->body.data, bytes);
    parked->go_on = go_on;
    parked->bytes = bytes;
    parked->deadline.kind = DUE_PARKED;
    parked->deadline.owner = parked;
    deadlines_set(&region->deadlines, &parked->deadline, region->at.now_us + wait_us);
    DL_APPEND(parking->waiting, parked);
    parking->count++;
    parking->bytes += bytes;
    return 0;
}

static void leave(struct region *region, struct parked *parked)
{
    struct parking *parking = region->parking;

    DL_DELETE(parking->waiting, parked);
    deadlines_clear(&region->deadlines, &parked->deadline);
    parking->count--;
    parking->bytes -= parked->bytes;
    request_release(&parked->request);
    free(parked);
}

void parking_over(struct region *region, struct parked *parked)
{
    request_resume(&parked->request, STAGE_SERVICE, region->at.now_us);
    parked->go_on(region, &parked->request);
    leave(region, parked);
}

void parking_free(struct region *region)
{
    while (region->parking && region->parking->waiting)
        leave(region, region->parking->waiting);
    free(region->parking);
}
