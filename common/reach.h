/* reach: rare branches, counted when they are taken, so that a run of the simulator can say which
 * of them its seeds have reached, and fail when one has become unreachable.
 *
 * Counting is one relaxed atomic addition and stands only where rare things are handled; the
 * daemons count too and nobody reads it. The table names what a thorough search must have seen at
 * least once, but for a few that are so rare, or need so much data, that a short one is excused. */

#ifndef MEC_REACH_H
#define MEC_REACH_H

#include <stdbool.h>
#include <stdint.h>

/* branch, name, what has happened */
#define REACH_BRANCHES(X)                                                                          \
    /* in files */                                                                                 \
    X(KEY_REUSED, "key-reused", "another write came under a key that was used")                    \
    X(WRITE_REPLAYED, "write-replayed", "a write came again under its key, and had been made")     \
    X(REFUSAL_REPEATED, "refusal-repeated", "a queued write came again that had been refused")     \
    X(QUEUED_WRITE_REFUSED, "queued-write-refused",                                                \
      "the home has refused a queued write, for ever")                                             \
    X(WRITE_EXPIRED_AT_HOME, "write-expired-at-home",                                              \
      "a queued write reached its home past its time")                                             \
    X(CONDITION_FAILED, "condition-failed", "the condition of a write did not hold")               \
    X(DELETE_OF_NOTHING, "delete-of-nothing", "a key was to be deleted that there was not")        \
    X(KEY_MADE_AGAIN, "key-made-again", "a deleted key was made again")                            \
    X(SHARED_COMMIT, "shared-commit", "several operations shared a transaction")                   \
    X(BATCH_UNDONE, "batch-undone", "a full disk has undone a transaction")                        \
    X(FILE_FAILED, "file-failed", "a transaction failed and nobody knows how it ended")            \
    X(CHECKPOINT_FAILED, "checkpoint-failed", "moving a WAL failed")                               \
    X(WAL_MOVED, "wal-moved", "a WAL was moved into its file")                                     \
    X(WAL_BEGUN_AGAIN, "wal-begun-again", "a WAL was written from the front again")                \
    X(LOG_FOUND, "log-found", "a shard's file was opened with changes in it")                      \
    X(FILE_DAMAGED, "file-damaged", "a shard's file was found damaged when it was opened")         \
    X(QUEUE_FOUND, "queue-found", "the queue was opened with writes in it")                        \
    X(QUEUED_BEFORE, "queued-before", "a write was to be queued that had been")                    \
    X(QUEUED_AND_ENDED_BEFORE, "queued-and-ended-before",                                          \
      "a write was to be queued that had been and had ended")                                      \
    X(QUEUED_KEY_REUSED, "queued-key-reused", "another write was to be queued under a used key")   \
    X(QUEUE_FULL, "queue-full", "the queue was full")                                              \
    /* in a region */                                                                              \
    X(MOVED_WHILE_WAITING, "moved-while-waiting",                                                  \
      "the home moved while a write or change waited for the disk")                                \
    X(STORAGE_STOPPED, "storage-stopped", "a region stopped because its storage failed")           \
    X(DISK_FULL, "disk-full", "a disk took nothing")                                               \
    X(PROBED_IN_VAIN, "probed-in-vain", "a full disk was probed and still took nothing")           \
    X(DISK_HAS_ROOM, "disk-has-room", "a full disk took something again")                          \
    X(WRITE_AWAY, "write-away", "a write came to a region that is not its home")                   \
    X(FRESHNESS_FORGOTTEN, "freshness-forgotten", "a new epoch made a copy's staleness unknown")   \
    X(STALENESS_UNKNOWN, "staleness-unknown", "a copy did not know how stale it is")               \
    X(HEARTBEAT_AHEAD, "heartbeat-ahead", "a heartbeat told of changes before they were there")    \
    X(STRONG_AWAY, "strong-away", "a strong read came to a region that is not the home")           \
    X(BLANK_COPY_ASKED, "blank-copy-asked",                                                        \
      "a read came to a copy that has never heard from its home")                                  \
    X(BOOKMARK_AWAITED, "bookmark-awaited", "a read waited for its bookmark")                      \
    X(BOOKMARK_REACHED, "bookmark-reached",                                                        \
      "a read was served after it had waited for its bookmark")                                    \
    X(BOOKMARK_TIMED_OUT, "bookmark-timed-out", "a read waited for its bookmark in vain")          \
    X(READ_AHEAD, "read-ahead", "a read found what was on the disk and not yet visible")           \
    X(TOMBSTONE_READ, "tombstone-read", "a read found a deleted record")                           \
    X(CACHE_EVICTED, "cache-evicted", "the cache let go of a record for another")                  \
    X(CACHE_SPARED, "cache-spared", "the cache spared a record that had been asked for")           \
    X(CACHE_DROPPED, "cache-dropped", "a record left the cache as it had changed")                 \
    X(CACHE_NOT_TAKEN, "cache-not-taken", "a record was too large for the cache")                  \
    X(TOKEN_EXPIRED, "token-expired", "a token was refused for its time")                          \
    X(DENIAL_NOT_NOTED, "denial-not-noted", "a denial did not get into the audit log")             \
    X(TOKEN_VOID, "token-void", "a token was refused that had been revoked")                       \
    X(TOKEN_VOID_AHEAD, "token-void-ahead", "... whose revocation had come ahead of the log")      \
    X(TOKEN_VOID_ALREADY, "token-void-already", "a token was to be revoked that had been")         \
    X(ACCOUNT_RACED, "account-raced", "an account had changed before it was to be changed")        \
    X(SESSION_TOO_OLD, "session-too-old", "a session was to be refreshed that is too old")         \
    X(SCOPE_LACKED, "scope-lacked", "a token was not good for what it was used for")               \
    X(USER_LIMITED, "user-limited", "a user was told to slow down")                                \
    X(LOG_INS_LIMITED, "log-ins-limited", "there were too many log-ins under one name")            \
    X(SIGN_UP_OF_DELETED, "sign-up-of-deleted", "a sign-up came again whose account was deleted")  \
    X(NAME_NOT_RELEASED_YET, "name-not-released-yet",                                              \
      "the name of a deleted account was not given back yet")                                      \
    X(USER_ERASED, "user-erased", "all that a deleted account had was erased")                     \
    X(TOKEN_REFUSED, "token-refused", "a token was refused for another reason")                    \
    X(TOKEN_RAN_OUT, "token-ran-out", "a token that had been checked ran out")                     \
    X(READY_WITHOUT_ALL, "ready-without-all", "a region got ready before it had met all others")   \
    X(HOME_MOVED_AWAY, "home-moved-away", "a region that exported its log was the home no more")   \
    X(FOLLOWER_HAD_IT, "follower-had-it", "a follower was sent a change that it had")              \
    X(FOLLOWER_GAP, "follower-gap", "a follower refused changes that leave a gap")                 \
    X(FOLLOWER_BUSY, "follower-busy", "a follower refused changes for its full disk")              \
    X(FOLLOWER_STALE_EPOCH, "follower-stale-epoch",                                                \
      "a follower refused a home whose epoch is over")                                             \
    X(FOLLOWER_INVALID, "follower-invalid", "a follower refused a change that is not whole")       \
    X(FOLLOWER_DIVERGED, "follower-diverged", "a follower found that it has diverged")             \
    X(FORWARD_NOT_SENT, "forward-not-sent", "a call to another region could not be sent")          \
    X(FORWARD_TIMED_OUT, "forward-timed-out", "a call to another region was not answered in time") \
    X(FORWARD_ANSWERED_TOO_LATE, "forward-answered-too-late",                                      \
      "another region's answer came when nobody waited any more")                                  \
    X(FORWARD_NEVER_HANDED_OVER, "forward-never-handed-over",                                      \
      "a cut held a call to another region until it was given up")                                 \
    X(FORWARD_PEER_GONE, "forward-peer-gone", "another region went with calls under way to it")    \
    X(FORWARD_RESET, "forward-reset", "a link was reset with calls to another region under way")   \
    /* of queued writes */                                                                         \
    X(QUEUE_ON_FULL_DISK, "queue-on-full-disk", "a write could not be queued for a full disk")     \
    X(RECEIPT_NOT_FOUND, "receipt-not-found", "a receipt was asked for that is not there")         \
    X(DRAIN_WAITS_ITS_TURN, "drain-waits-its-turn",                                                \
      "a queued write waited for an earlier one of its user")                                      \
    X(DRAIN_FOUND_ATTEMPTED, "drain-found-attempted",                                              \
      "a start found a queued write that had been tried")                                          \
    X(DRAIN_HOME_IS_HERE, "drain-home-is-here",                                                    \
      "the region that had queued a write became its home")                                        \
    X(DRAIN_NOT_MARKED, "drain-not-marked", "a full disk kept a queued write from being tried")    \
    X(DRAIN_PUT_OFF, "drain-put-off", "a queued write could not be delivered now")                 \
    X(DRAIN_BACKED_OFF, "drain-backed-off",                                                        \
      "a queued write could not be delivered time and again")                                      \
    X(DRAIN_TRIED_AGAIN, "drain-tried-again", "a queued write was tried once more")                \
    X(DRAIN_APPLIED, "drain-applied", "a queued write was applied")                                \
    X(DRAIN_REJECTED, "drain-rejected", "a queued write was rejected")                             \
    X(DRAIN_EXPIRED_AT_HOME, "drain-expired-at-home",                                              \
      "a queued write had expired, as its home said")                                              \
    X(DRAIN_EXPIRED, "drain-expired", "a queued write expired in its queue")                       \
    X(DRAIN_KEPT_PAST_ITS_TIME, "drain-kept-past-its-time",                                        \
      "a queued write stayed past its time, as only its home knows its end")                       \
    X(DRAIN_END_NOT_WRITTEN, "drain-end-not-written",                                              \
      "a full disk kept the end of a queued write from being written")                             \
    X(DRAIN_END_WRITTEN_LATER, "drain-end-written-later",                                          \
      "the end of a queued write was written later")                                               \
    /* of accounts */                                                                              \
    X(NAME_TAKEN, "name-taken", "a user name was taken")                                           \
    X(NAME_CLAIMED_ELSEWHERE, "name-claimed-elsewhere", "a sign-up had begun at another home")     \
    X(NAME_OURS_ALREADY, "name-ours-already", "a sign-up came again for its name")                 \
    X(NAME_RESERVED_AGAIN, "name-reserved-again", "a reserved name was reserved anew")             \
    X(NAME_RACED, "name-raced", "two claims of one name met")                                      \
    X(SIGN_UP_DIRECTORY_AWAY, "sign-up-directory-away",                                            \
      "a sign-up could not reach the name's home")                                                 \
    X(SIGN_UP_NOT_CONFIRMED, "sign-up-not-confirmed", "a sign-up could not confirm its name")      \
    X(SIGN_UP_RETRIED, "sign-up-retried", "a sign-up found its account made")                      \
    X(SIGN_UP_RACED, "sign-up-raced", "two tries of one sign-up met")                              \
    X(LOG_IN_NAME_ASKED_FOR, "log-in-name-asked-for", "a log-in asked the name's home")            \
    X(LOG_IN_USER_GONE, "log-in-user-gone",                                                        \
      "a log-in found the user deleted, and asked whose the name is now")                          \
    X(LOG_IN_PASSED_ON, "log-in-passed-on", "a log-in was passed on to the home")                  \
    X(LOG_IN_MISDIRECTED, "log-in-misdirected",                                                    \
      "a log-in was passed on to a region that is not the home")                                   \
    X(LOG_IN_HOME_AWAY, "log-in-home-away", "a log-in could not reach the home")                   \
    X(SERVICE_DOWN_HERE, "service-down-here", "a call came to a service that is down")             \
    X(SERVICE_FAILED, "service-failed", "a call failed as a share of its service's calls did")     \
    X(SERVICE_SLOW, "service-slow", "a call waited as its service was slow")                       \
    X(SERVICE_DOWN_MEANWHILE, "service-down-meanwhile",                                            \
      "a service went down while a call waited for it")                                            \
    X(LOG_IN_SERVICE_DOWN, "log-in-service-down", "a log-in found the home's auth down")           \
    X(SIGN_UP_SERVICE_DOWN, "sign-up-service-down",                                                \
      "a sign-up found auth down where its name is kept")                                          \
    X(DRAIN_SERVICE_DOWN, "drain-service-down",                                                    \
      "a queued write found its home's service down, and goes on waiting")                         \
    X(CACHE_CLOSED, "cache-closed", "a record was not cached as the cache was disabled or frozen") \
    X(CACHE_DROPPED_FROZEN, "cache-dropped-frozen",                                                \
      "a record that had changed left a frozen cache")                                             \
    X(CACHE_FLUSHED, "cache-flushed", "a cache with something in it was flushed")                  \
    X(EDGE_CLOSED, "edge-closed",                                                                  \
      "a token was not remembered as the cache was disabled or frozen")                            \
    /* of the vault */                                                                             \
    X(DATA_KEY_MADE, "data-key-made", "a user's first item made a data key")                       \
    X(DATA_KEY_RACED, "data-key-raced", "two first items of one user met")                         \
    X(DATA_KEY_EVICTED, "data-key-evicted", "an opened data key made room for another")            \
    X(DATA_KEY_NOT_OURS, "data-key-not-ours", "a region could not open a data key")                \
    X(DATA_KEY_BOXED_AGAIN, "data-key-boxed-again",                                                \
      "a data key was put into boxes again, for other regions")                                    \
    X(VAULT_ITEM_NOT_OPENED, "vault-item-not-opened", "an item did not open")                      \
    X(VAULT_NOT_TRUSTED, "vault-not-trusted",                                                      \
      "a region knew too little of who may read an item")                                          \
    X(SHARED_ITEM_READ, "shared-item-read", "another user's item was read")                        \
    X(SHARED_ITEM_REFUSED, "shared-item-refused", "another user's item was refused")               \
    X(VOID_WHILE_WAITING, "void-while-waiting", "a token went void while its write waited")        \
    X(LOOKUP_ASKED, "lookup-asked", "a grant asked the home of the other user's name")             \
    /* where data may lie */                                                                       \
    X(CHANGE_REDACTED, "change-redacted",                                                          \
      "a follower was told no more of a change than its place")                                    \
    X(PINNED_ELSEWHERE, "pinned-elsewhere",                                                        \
      "a call came to a region where the data of its service may not lie")                         \
    X(HOME_OUTSIDE, "home-outside",                                                                \
      "a call was refused as the service's data may not lie at the user's home")                   \
    /* in a replicator */                                                                          \
    X(LOG_NOT_HOME, "log-not-home", "a replicator's regiond said that it is not the home")         \
    X(LOG_NOT_THE_SAME, "log-not-the-same",                                                        \
      "a replicator found another log than the one read before")                                   \
    X(LOG_EPOCH, "log-epoch", "a replicator found its regiond in a new epoch")                     \
    X(LOG_GAP, "log-gap", "a replicator was sent what leaves a gap behind what it had")            \
    X(LOG_SILENT, "log-silent", "a replicator's regiond was silent and was asked again")           \
    X(RING_FULL, "ring-full", "a replicator forgot old changes")                                   \
    X(SOURCE_FETCHES, "source-fetches", "a replicator read old changes again for a follower")      \
    X(SOURCE_OVERDUE, "source-overdue", "a replicator could not read old changes for now")         \
    X(SHARD_MOVED_AWAY, "shard-moved-away", "a replicator lost a shard to another region")         \
    X(SHIP_BEAT_WITHOUT_HOME, "ship-beat-without-home",                                            \
      "no heartbeat went out as the home was silent")                                              \
    X(SHIP_HELD_BY_CUT, "ship-held-by-cut", "a follower's answer was late on a link that is cut")  \
    X(SHIP_OVERDUE, "ship-overdue", "a follower's answer was late")                                \
    X(SHIP_ANSWERED_TOO_LATE, "ship-answered-too-late",                                            \
      "a follower's answer came when nobody waited any more")                                      \
    X(SHIP_RESET, "ship-reset", "a link refused what was shipped")                                 \
    X(SHIP_ANSWER_RESET, "ship-answer-reset", "a link refused a follower's answer")                \
    X(SHIP_OTHER_HISTORY, "ship-other-history", "a follower had what its home has not")            \
    X(STREAM_RESUMED, "stream-resumed", "a stream went on behind what a follower had")             \
    X(STREAM_OVERTAKEN, "stream-overtaken",                                                        \
      "a follower was further than what this stream had sent")                                     \
    X(STREAM_CURSOR_BACK, "stream-cursor-back", "a follower's cursor went back")                   \
    X(STREAM_GAP, "stream-gap", "a follower said that changes are missing")                        \
    X(STREAM_ASKS, "stream-asks", "a stream asked for the cursor at once")                         \
    X(STREAM_ASKS_AFTER_PAUSE, "stream-asks-after-pause",                                          \
      "a stream asked for the cursor once more, after a pause")                                    \
    X(STREAM_BUSY, "stream-busy", "a follower took nothing for now")                               \
    X(STREAM_INVALID, "stream-invalid", "a follower could not read a change")                      \
    X(STREAM_FENCED, "stream-fenced", "a stream stopped as its epoch is over")                     \
    X(STREAM_DIVERGED, "stream-diverged", "a stream stopped as the follower has diverged")         \
    /* in a router */                                                                              \
    X(WRITE_TOO_EARLY, "write-too-early", "a router did not know yet whose writes wait")           \
    X(READY_IMPATIENTLY, "ready-impatiently",                                                      \
      "a router began to serve before it had met all regions")                                     \
    X(CLIENT_LIMITED, "client-limited", "a client address was told to slow down")                  \
    X(NO_REGION, "no-region", "no region could serve")                                             \
    X(NO_QUEUE, "no-queue", "no region could queue a write")                                       \
    X(READ_ONLY, "read-only", "a world without queues took no write")                              \
    X(WRITE_QUEUED, "write-queued", "a write was queued")                                          \
    X(WRITE_BEHIND_QUEUE, "write-behind-queue", "a write was sent behind earlier ones in a queue") \
    X(QUEUE_OF_ANOTHER_TRY, "queue-of-another-try",                                                \
      "a write followed another one that is on its way into a queue")                              \
    X(QUEUE_OUT_OF_REACH, "queue-out-of-reach",                                                    \
      "a write was refused as its user's queue is out of reach")                                   \
    X(QUEUED_APART, "queued-apart", "a write was refused as its user has two queues")              \
    X(QUEUED_PERHAPS, "queued-perhaps", "nobody knew whether writes of the user wait")             \
    X(QUEUED_UNSEEN, "queued-unseen", "a region had queued more than a router knew of")            \
    X(QUEUE_ASKED_AGAIN, "queue-asked-again", "a router asked for the rest of a queue")            \
    X(MARK_OUTDATED, "mark-outdated", "a router forgot what it knew of a queue from before")       \
    X(MAYBE_WRITTEN, "maybe-written", "a try of a write ended with unknown fate")                  \
    X(WRITE_FATE_UNKNOWN, "write-fate-unknown", "a write was answered as of unknown fate")         \
    X(SENSITIVE_FATE_UNKNOWN, "sensitive-fate-unknown",                                            \
      "a sensitive call was answered as of unknown fate")                                          \
    X(REFUSAL_WITHHELD, "refusal-withheld",                                                        \
      "a refusal was not told as an earlier try may have its effect")                              \
    X(SENSITIVE_REFUSED, "sensitive-refused", "a sensitive call was refused as the home is away")  \
    X(STRONG_REFUSED, "strong-refused", "a strong read was refused as the home is away")           \
    X(RECEIPT_OUT_OF_REACH, "receipt-out-of-reach", "the region of a receipt was away")            \
    X(FORCED_AWAY, "forced-away", "a forced region was away")                                      \
    X(REDIRECTED_HOME, "redirected-home", "a call was sent on to the new home")                    \
    X(HOME_IS_MOVING, "home-is-moving", "a call found no home that would own to it")               \
    X(BEHIND_THERE, "behind-there", "a region was behind the bookmark, another was asked")         \
    X(TOLD_BEHIND, "told-behind", "a read was answered as behind its bookmark")                    \
    X(NOT_SERVING_THERE, "not-serving-there", "a region could not serve, another was asked")       \
    X(READ_TRIED_AGAIN, "read-tried-again", "a read was tried again")                              \
    X(OUT_OF_TRIES, "out-of-tries", "a read was tried in vain")                                    \
    X(TOLD_READ_TIMEOUT, "told-read-timeout", "a read was answered as timed out")                  \
    X(TRY_TIMED_OUT, "try-timed-out", "a try was not answered in time")                            \
    X(TRY_ANSWERED_TOO_LATE, "try-answered-too-late",                                              \
      "a region's answer came when nobody waited any more")                                        \
    X(TRY_NEVER_HANDED_OVER, "try-never-handed-over", "a cut held a try until it was given up")    \
    X(TRY_LEFT_EARLY, "try-left-early", "a try was left as its region was found down")             \
    X(TRY_RESET, "try-reset", "a try met a link that was reset")                                   \
    X(REGION_LOST_WITH_TRIES, "region-lost-with-tries",                                            \
      "a region's connection went with tries under way")                                           \
    X(WRITER_GONE, "writer-gone", "a client went before the answer to a write")                    \
    X(READER_GONE, "reader-gone", "a client went before the answer to a read")                     \
    X(HEALTH_DOWN, "health-down", "a region was found down")                                       \
    X(HEALTH_FLAPS, "health-flaps",                                                                \
      "a region was found down again, and will be let back more slowly")                           \
    X(HEALTH_BACK, "health-back", "a region was let back")                                         \
    X(HEALTH_RELAPSE, "health-relapse", "a region failed on its way back")                         \
    X(PROBE_OVERDUE, "probe-overdue", "a probe did not come back")                                 \
    X(PROBE_NEVER_HANDED_OVER, "probe-never-handed-over",                                          \
      "a cut held a probe until it was given up")                                                  \
    X(SERVICE_DOWN_THERE, "service-down-there",                                                    \
      "a request went to another region as a service was known to be down")                        \
    X(SERVICE_REFUSED, "service-refused", "a request was refused as only its service was down")    \
    X(QUEUED_FOR_SERVICE, "queued-for-service",                                                    \
      "a write was queued as its home's service was down")                                         \
    /* on links */                                                                                 \
    X(LINK_LOST, "link-lost", "a message was lost and sent again")                                 \
    X(WAN_HELD, "wan-held", "a cut held a message")                                                \
    X(WAN_RELEASED, "wan-released", "the end of a cut let a message go")                           \
    X(WAN_STOPPED, "wan-stopped", "a cut stopped messages on their way")                           \
    X(WAN_RESET, "wan-reset", "a link was reset with messages on it")                              \
    X(WAN_HURRIED, "wan-hurried", "a mended link brought sooner what was under way")               \
    X(WAN_PEER_LOST, "wan-peer-lost", "a peer went with messages on their way to it")

/* Those of them that a search of a few thousand seeds may miss: some are rare, and to others only a
 * peer that breaks its word leads, or an operator who makes a shorter copy the home. */
#define REACH_SELDOM_BRANCHES(X)                                                                   \
    X(MOVED_WHILE_WAITING)                                                                         \
    X(FOLLOWER_DIVERGED)                                                                           \
    X(DRAIN_NOT_MARKED)                                                                            \
    X(DRAIN_EXPIRED)                                                                               \
    X(NAME_RESERVED_AGAIN)                                                                         \
    X(SIGN_UP_RACED)                                                                               \
    X(SERVICE_DOWN_MEANWHILE)                                                                      \
    X(LOG_NOT_THE_SAME)                                                                            \
    X(LOG_EPOCH)                                                                                   \
    X(SOURCE_OVERDUE)                                                                              \
    X(SHIP_OTHER_HISTORY)                                                                          \
    X(STREAM_OVERTAKEN)                                                                            \
    X(STREAM_CURSOR_BACK)                                                                          \
    X(STREAM_GAP)                                                                                  \
    X(STREAM_ASKS)                                                                                 \
    X(STREAM_ASKS_AFTER_PAUSE)                                                                     \
    X(STREAM_DIVERGED)                                                                             \
    X(OUT_OF_TRIES)                                                                                \
    X(DATA_KEY_EVICTED)                                                                            \
    X(VOID_WHILE_WAITING)                                                                          \
    X(DATA_KEY_NOT_OURS)                                                                           \
    X(DATA_KEY_BOXED_AGAIN)                                                                        \
    X(VAULT_ITEM_NOT_OPENED)                                                                       \
    X(CHANGE_REDACTED)                                                                             \
    X(PINNED_ELSEWHERE)                                                                            \
    X(HOME_OUTSIDE)

enum reach_branch {
#define X(branch, name, what) REACH_##branch,
    REACH_BRANCHES(X)
#undef X
        REACH_COUNT
};

extern uint64_t reach_counts[REACH_COUNT];

/* reach(FOLLOWER_GAP): this branch is being taken. */
#define reach(branch) ((void)__atomic_fetch_add(&reach_counts[REACH_##branch], 1, __ATOMIC_RELAXED))

const char *reach_name(enum reach_branch branch);
const char *reach_what(enum reach_branch branch);
bool reach_is_seldom(enum reach_branch branch);

#endif
