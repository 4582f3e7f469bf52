/* link: one directed link of the emulated network.
 *
 * A link answers one question: when does a message sent now arrive, if ever? It owns no payload,
 * clock or timer. The caller passes the time in and schedules the arrival, so live daemons and
 * simulator run the same code.
 *
 * Peers talk over streams. So a lost message is sent again and arrives late, by a retransmission
 * time-out, instead of never; and what is behind it waits (head-of-line). The time-out doubles with
 * each loss in a row, and the sixth try always gets through. Jitter delays and never reorders. A
 * cut holds; see wan.h for what becomes of what is held.
 *
 * There are two streams on a link: what is urgent goes by one of its own, which is served first. So
 * it waits neither for what stands before a narrow line nor for what was lost, but only for what
 * was urgent before it. What it takes of the line is missing to what is sent later.
 *
 * Times are microseconds on a clock that never goes back. The same seed and the same calls always
 * give the same answers. */

#ifndef MEC_LINK_H
#define MEC_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/random.h"

enum link_cut { LINK_CUT_NONE, LINK_CUT_HOLD, LINK_CUT_RESET };
enum link_jitter { LINK_JITTER_UNIFORM, LINK_JITTER_NORMAL, LINK_JITTER_PARETO };

struct link_profile {
    uint64_t latency_us; /* one way; at most 1 hour */
    uint64_t jitter_us;  /* at most 1 hour; see control.proto's JitterKind */
    enum link_jitter jitter_kind;
    uint32_t loss_ppm;         /* at most 900,000 */
    uint64_t rate_bytes_per_s; /* 0 = unlimited */
    enum link_cut cut;
};

struct link {
    struct link_profile profile;
    struct random random;
    uint64_t idle_at_us; /* when the sender's line is free again */
    uint64_t last_arrival_us;
    uint64_t urgent_idle_at_us, urgent_arrival_us; /* the same of what is urgent */
    uint64_t transmit_carry; /* parts of a microsecond that the line still owes, in byte-seconds
                              * 1,000,000; so that small messages on a fast line add up */
    uint32_t under_way;      /* messages that a wan has on it; kept by wan */
    uint32_t held;           /* messages that a wan holds back for it; kept by wan */
    bool eased;              /* loses less or carries more than when what is under way was sent */
};

enum link_fate { LINK_ARRIVES, LINK_HELD, LINK_RESET };

bool link_profile_is_valid(const struct link_profile *profile);

/* Errors: -EINVAL, @profile is out of range; @link is untouched. */
int link_init(struct link *link, const struct link_profile *profile, uint64_t seed);

/* Change how the link behaves from now on. What was sent keeps its arrival, unless the caller
 * hurries it. Errors: as link_init(). */
int link_change(struct link *link, const struct link_profile *profile);

/* A link that loses less or carries more than before has no reason to keep what is under way for as
 * long as a time-out that has doubled five times, or a line that was narrow then: whoever sends
 * over a mended link sends again. Begin, then give each message under way, in the order of sending,
 * with the arrival that it has: the result is never later. */
void link_hurry_begin(struct link *link);
uint64_t link_hurry(struct link *link, uint64_t now_us, uint32_t size_bytes, bool urgent,
                    uint64_t arrival_us);

/* Send @size_bytes at @sent_us, which may lie a little in the past: a sender that was late itself
 * hides its lateness in the link. Only on LINK_ARRIVES, set *@ret_arrival_us (also perhaps in the
 * past: deliver at once). Arrivals keep the order of sends. */
enum link_fate link_send(struct link *link, uint64_t sent_us, uint32_t size_bytes,
                         uint64_t *ret_arrival_us);

/* The same, ahead of all that is not urgent. */
enum link_fate link_send_urgent(struct link *link, uint64_t sent_us, uint32_t size_bytes,
                                uint64_t *ret_arrival_us);

/* Nothing is under way any more: its sender has taken it all back. So the line is free, and what is
 * sent next waits for nothing. */
void link_recall(struct link *link);

/* How long a sender waits before it takes a message for lost, the first time. */
uint64_t link_retransmit_us(const struct link_profile *profile);

#endif
