/* drain_window: the oldest waiting entries of the queue, in memory, and who of them may go next.
 *
 * It is a prefix of what waits in the file, by seq, so the first entry of a user in here is the
 * first of that user anywhere. Only that one may be under way; the others are blocked behind it. */

#ifndef MEC_DRAIN_WINDOW_H
#define MEC_DRAIN_WINDOW_H

#include "regiond/commit.h"

enum drain_state {
    DRAIN_BLOCKED,  /* behind another entry of its user, or of a shard that nobody is home to */
    DRAIN_READY,    /* in its shard's list of those that may be sent */
    DRAIN_MARKING,  /* "attempted" is on its way to the disk */
    DRAIN_SENT,     /* the home has been asked */
    DRAIN_SETTLING, /* its end is on its way to the disk */
    DRAIN_UNSETTLED /* the disk did not take its end */
};

struct drain_user;

struct drain_entry {
    struct drain_entry *prev, *next; /* of the window, by seq */
    struct drain_entry *user_prev, *user_next;
    struct drain_entry *ready_prev, *ready_next;
    uint64_t seq;
    uint64_t accepted_wall_us;
    uint64_t expires_wall_us;
    struct drain_user *user;
    struct copy *copy; /* NULL: of no shard that we know */
    enum drain_state state;
    bool attempted;

    /* How it ended. */
    enum queue_state outcome;
    char position[POSITION_TEXT_SIZE];
    char problem[64];
    char detail[256];
    struct commit_op op;

    size_t call_size;
    uint8_t call[];
};

struct drain_window {
    struct drain_entry *entries;
    struct drain_user *users;
    size_t count;
    size_t bytes;
    size_t ready_count;
    uint64_t through_seq; /* every waiting entry up to here has been taken in */
    bool complete;        /* and there is none behind */
};

/* Take in from the file as much as fits. Errors: -EIO. */
int drain_window_load(struct region *region, struct drain_window *window);

/* A new entry is durable: take it in when it fits. */
void drain_window_add(struct region *region, struct drain_window *window,
                      const struct queue_entry *entry);

/* Take the first ready entry of @copy out of the ready list; NULL when there is none. */
struct drain_entry *drain_window_take(struct drain_window *window, struct copy *copy);

/* It was not sent, or its fate is unknown: ready again, before all others. */
void drain_window_put_back(struct drain_window *window, struct drain_entry *entry);

/* It has ended: forget it, and let the user's next one go. */
void drain_window_remove(struct drain_window *window, struct drain_entry *entry);

/* And not one by which the region has tried its disk; see probe.h. */
bool drain_window_is_of_a_user(const struct drain_entry *entry);

void drain_window_free(struct drain_window *window);

#endif
