/* plant: bugs that are put in on purpose, to prove that the simulator finds them.
 *
 * Only sim/mecentral-sim-planted and a build with -Dplanted_bugs=true have them, and there one at
 * most is active, chosen by plant_activate() before anything runs, as other threads read it;
 * everywhere else PLANTED() is the constant false and nothing is left of them.
 *
 * Each stands at the very place where such a bug would be made, in one condition, and breaks
 * something that the design promises; none does it by stopping the process. */

#ifndef MEC_PLANT_H
#define MEC_PLANT_H

#include <stdbool.h>
#include <stddef.h>

/* bug, name, what is wrong */
#define PLANT_BUGS(X)                                                                              \
    /* at a home */                                                                                \
    X(EARLY_ACKNOWLEDGEMENT, "early-acknowledgement",                                              \
      "a write is answered before it is committed")                                                \
    X(FORGOTTEN_SYNC, "forgotten-sync", "a commit does not wait for its fsync")                    \
    X(IGNORED_SYNC_FAILURE, "ignored-sync-failure",                                                \
      "after a failed fsync a region goes on, as if only the disk had been full")                  \
    X(STALE_HOME, "stale-home", "a region that is no longer the home takes writes")                \
    X(TRUSTED_EPOCH, "trusted-epoch",                                                              \
      "a new home goes on in the epoch that its log ends with, and not in its own")                \
    X(FORGOTTEN_KEY, "forgotten-key", "an idempotency key is not kept: a retry runs again")        \
    X(UNCOMPARED_KEY, "uncompared-key", "another write under a used key is taken for a retry")     \
    X(UNCHECKED_CONDITION, "unchecked-condition", "If-Match holds whatever the version is")        \
    X(RESTARTED_VERSION, "restarted-version", "a key that is made again begins at version 1")      \
    X(UNCHECKED_NAME, "unchecked-name", "a name is given away that is taken or reserved")          \
    X(LOG_IN_AWAY, "log-in-away", "a region that is not the user's home logs them in")             \
    X(UNCHECKED_STANDING, "unchecked-standing", "a token that has been revoked is honoured")       \
    X(UNAUDITED_WRITE, "unaudited-write", "a write has no entry in the audit chain")               \
    X(HASTY_ERASER, "hasty-eraser", "what a deleted user had stays, and only the account goes")    \
    X(STAYING_NAME, "staying-name", "the name of a deleted user is never given back")              \
    /* at a follower */                                                                            \
    X(SKIPPED_CURSOR, "skipped-cursor",                                                            \
      "of a batch only the first row is put, and the cursor stands behind the last")               \
    X(APPLIED_TWICE, "applied-twice",                                                              \
      "a change that the follower had already has its effect again")                               \
    X(IGNORED_GAP, "ignored-gap", "a change is applied though others before it are missing")       \
    X(IGNORED_DELETE, "ignored-delete", "a deleted key lives on at followers")                     \
    X(UNSHIPPED_KEY, "unshipped-key", "a follower keeps no idempotency keys for when it is home")  \
    X(STALE_CACHE, "stale-cache", "a change from the home leaves the old record in the cache")     \
    X(STRONG_AWAY, "strong-away", "a replica serves a strong read when the home is away")          \
    X(UNHEEDED_BOOKMARK, "unheeded-bookmark", "a read is served behind its bookmark")              \
    X(STALENESS_SINCE_HEARD, "staleness-since-heard",                                              \
      "staleness counts from when a heartbeat came, not from when the home sent it")               \
    X(STALENESS_UNREACHED, "staleness-unreached",                                                  \
      "a heartbeat counts though the changes that it tells of are not there yet")                  \
    X(UNKNOWN_AS_FRESH, "unknown-as-fresh", "a staleness that nobody knows is shown as 0")         \
    X(RESUMED_TOO_FAR, "resumed-too-far",                                                          \
      "a stream goes on behind what it had sent, not behind what the follower has")                \
    /* in a queue */                                                                               \
    X(DROPPED_QUEUED_WRITE, "dropped-queued-write",                                                \
      "a queued write that has been tried once is forgotten at the next start")                    \
    X(DRAINED_OUT_OF_ORDER, "drained-out-of-order",                                                \
      "a user's queued write does not wait for the one before")                                    \
    X(APPLIED_TOO_EARLY, "applied-too-early", "a receipt says applied when the home said nothing") \
    X(EXPIRED_THOUGH_SENT, "expired-though-sent",                                                  \
      "a queued write expires though the home may have it")                                        \
    X(BOUNDLESS_QUEUE, "boundless-queue", "a queue takes more than the settings allow")            \
    /* in the vault */                                                                             \
    X(UNGRANTED_READ, "ungranted-read", "another user's item is shown to whoever asks for it")     \
    X(STALE_GRANT, "stale-grant", "a follower honours grants however old its copy of them is")     \
    X(UNSEALED_ITEM, "unsealed-item", "an item travels in the clear beside its sealed form")       \
    /* in a router */                                                                              \
    X(UNKNOWN_AS_FAILED, "unknown-as-failed", "a write of unknown fate counts as not written")     \
    X(OVERTAKEN_QUEUE, "overtaken-queue", "a write goes home past earlier ones that are queued")   \
    X(UNEXPLAINED_QUEUE, "unexplained-queue", "explain forgets that a user's writes are queued")

enum plant_bug {
    PLANT_NONE,
#define X(bug, name, what) PLANT_##bug,
    PLANT_BUGS(X)
#undef X
        PLANT_COUNT
};

#ifdef MEC_PLANTED_BUGS
extern enum plant_bug plant_active;
#define PLANTED(bug) (plant_active == PLANT_##bug)
#else
#define PLANTED(bug) false
#endif

/* True when this build has planted bugs. */
bool plant_is_built_in(void);

/* Make @bug the active one; PLANT_NONE: none is. It must be NONE where no bugs are built in. */
void plant_activate(enum plant_bug bug);

const char *plant_name(enum plant_bug bug); /* "none" for PLANT_NONE */
const char *plant_what(enum plant_bug bug);
enum plant_bug plant_find(const char *name); /* PLANT_COUNT: there is none of that name */

#endif
