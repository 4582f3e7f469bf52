/* watch: what must always hold, checked while a world runs.
 *
 * The watch sees everything: each batch that reaches a disk, each answer that leaves a region, each
 * thing a client is told. Out of the batches it keeps the true history of each shard, and holds all
 * that the system says against it. It changes nothing and the system knows nothing of it. The first
 * breach ends the run: watch_breach() then names it.
 *
 * Checks are a table: each has a name, the invariant of the design that it guards, and a canary in
 * tests/unit that proves that it can fail. */

#ifndef MEC_WATCH_H
#define MEC_WATCH_H

#include "common/moment.h"
#include "regiond/storage.h"
#include "sim/history.h"
#include "sim/outcome.h"
#include "sim/plan.h"

struct watch;

/* name, what it guards */
#define WATCH_CHECKS(X)                                                                            \
    X(ONE_HOME, "one-home", "one region accepts for a shard in an epoch, and epochs only rise")    \
    X(DENSE_LOG, "dense-log", "the home's seqs are dense, each change follows the one before")     \
    X(VERSION_RISES, "version-rises",                                                              \
      "versions of a key rise by one, incarnations on re-creation")                                \
    X(ONE_EFFECT, "one-effect", "one idempotency key has one effect")                              \
    X(PREFIX, "prefix", "a follower's log is a prefix of its home's, byte for byte")               \
    X(ROWS, "rows", "the rows of a copy are exactly its changes, folded")                          \
    X(DURABLE, "durable", "what was committed is there after any crash")                           \
    X(ACKNOWLEDGED, "acknowledged", "a 2xx write is in the home's log when it is told, and stays") \
    X(QUEUED, "queued", "a 202 write is on the accepting disk when it is told, and stays")         \
    X(RECEIPT_ENDS_ONCE, "receipt-ends-once", "a receipt ends once and never changes after")       \
    X(RECEIPT_TRUE, "receipt-true", "applied had its effect, rejected and expired never have one") \
    X(QUEUE_ORDER, "queue-order", "a user's queued writes take effect in the order accepted")      \
    X(QUEUE_BOUNDED, "queue-bounded", "no queue holds more than the settings allow")               \
    X(READ_TRUE, "read-true",                                                                      \
      "a read gives a value and version that stood at the served position")                        \
    X(SESSION, "session", "no session reads behind its bookmark, or goes back, unless told")       \
    X(STRONG, "strong", "a strong read sees every write acknowledged before it was asked")         \
    X(STALENESS, "staleness", "true staleness never exceeds the header, plus the stated error")    \
    X(REVOKED, "revoked",                                                                          \
      "no voided token is taken for a sensitive call past the promised bound, nor an expired one") \
    X(REVOCATIONS_AGE, "revocations-age",                                                          \
      "what a region knows of revocations is no older than it says, plus the stated error")        \
    X(REFUSED_MEANS_NOTHING, "refused-means-nothing", "a write that was refused had no effect")    \
    X(CONDITION, "condition", "a conditional write had its effect only where its condition held")  \
    X(KEY_REUSE, "key-reuse", "another write under a used key is refused")                         \
    X(AUDIT, "audit", "audit chains verify, and each mutation has one entry that tells it")        \
    X(NAME_UNIQUE, "name-unique", "a user name belongs to one account in the world")               \
    X(FAILS_CLOSED, "fails-closed",                                                                \
      "no log-in without the home; strangers get 401 and nothing else")                            \
    X(GRANTED, "granted",                                                                          \
      "nobody reads of another's vault what is not granted, or was withdrawn a while ago")         \
    X(ANSWERED, "answered", "a request is answered within its deadline, and once")                 \
    X(ODD, "odd", "a request that is wrong is refused as such, whatever is broken")                \
    X(EXPLAINED, "explained", "a request goes where explain has just said that it would")          \
    X(STATUS, "status", "status and metrics say what is so")                                       \
    X(UNHURT, "unhurt", "the loss of one region leaves users of the others unhurt")                \
    X(DRAINS, "drains", "after healing, queues for homes in the core drain within a bound")        \
    X(CONVERGES, "converges", "after healing, the core's copies are equal within a bound")         \
    X(SERVES, "serves", "after healing, clients at the core read and write as if nothing was")     \
    X(TOKEN_VOID, "token-void",                                                                    \
      "a void token is honoured by no region that knows, and sessions end by request only")        \
    X(TOKEN_GOOD, "token-good", "a token that stands is refused by nobody")                        \
    X(TOKENS, "tokens", "no region honours a token whose signing key its configuration lacks")     \
    X(ERASED, "erased",                                                                            \
      "all of a deleted user goes within a bound, and nothing goes that nobody asked for")         \
    X(SECRETS, "secrets",                                                                          \
      "no frame, log, status or metric holds a secret but where the protocol has it so")           \
    X(LIMITED, "limited", "nobody is told to slow down where there is no limit")                   \
    X(ALIVE, "alive", "no process stops, stumbles or spins but for a fault that makes it")

enum watch_check {
#define X(check, name, what) WATCH_##check,
    WATCH_CHECKS(X)
#undef X
        WATCH_CHECK_COUNT
};

struct watch_breach {
    bool found;
    enum watch_check check;
    uint64_t at_us;
    char text[512]; /* what was expected, what was seen, where */
};

const char *watch_check_name(enum watch_check check);
const char *watch_check_what(enum watch_check check);

/* @history may be NULL; it gets `applied` lines. Both must outlive the watch. Shard i is region i's
 * at first, in epoch 1. */
struct watch *watch_create(const struct plan *plan, struct history *history);
void watch_free(struct watch *watch);
const struct watch_breach *watch_breach(const struct watch *watch);

/* Report a breach. The first one stays. The world's own code may use it for WATCH_ALIVE, _ANSWERED,
 * _DRAINS, _CONVERGES and _SERVES. */
void watch_report(struct watch *watch, uint64_t now_us, enum watch_check check, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* ---- what the disks see ---- */

/* @region's storage has run @batch (storage_run() is back) and batch->error says how it ended. The
 * region has not been told yet. */
void watch_batch(struct watch *watch, uint64_t now_us, uint32_t region,
                 const struct storage_batch *batch);

/* @region's core is told now how its last batch ended. */
void watch_stored(struct watch *watch, uint32_t region);

/* The process or the power went while @batch was running: all of it is there, or nothing. */
void watch_batch_in_doubt(struct watch *watch, uint64_t now_us, uint32_t region,
                          const struct storage_batch *batch);

/* @region has opened its files again, on VFS @vfs in @directory; @ends has the end of each shard's
 * log. Doubts end here. Reads the files. */
void watch_opened(struct watch *watch, uint64_t now_us, uint32_t region, const char *vfs,
                  const char *directory, const struct store_end *ends);

/* @region's disk is gone for good, its queue too; or its copy of @shard is (a follower's, blank
 * from now on); or bits of that copy have flipped: nothing is expected of it any more, except that
 * it does not spread. */
void watch_disk_lost(struct watch *watch, uint64_t now_us, uint32_t region);
void watch_copy_lost(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard);
void watch_copy_damaged(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard);

/* The operator has made @home the shard's home from @epoch on. What the old home had past @kept_seq
 * is given up by his decision (UINT64_MAX: nothing is). Returns how many acknowledged writes that
 * gives up. */
size_t watch_home_moved(struct watch *watch, uint64_t now_us, uint32_t shard, uint32_t home,
                        uint64_t epoch, uint64_t kept_seq);

/* The operator has said that @region's signing keys before @number have leaked. Tokens that they
 * have signed may be refused from now on; so may those of @number, which signs before it is known
 * everywhere. */
void watch_keys_leaked(struct watch *watch, uint32_t region, uint32_t number);

/* @region's wall clock is @offset_us off as of now, and runs @drift_ppm fast from now on. */
void watch_clock(struct watch *watch, uint64_t now_us, uint32_t region, int64_t offset_us,
                 int64_t drift_ppm);

/* ---- what regions say ---- */

/* @region sends @answer now. */
void watch_answer(struct watch *watch, struct moment at, uint32_t region,
                  const Mec__Answer *answer);

/* A token that was shown to a region. */
struct watch_token {
    uint32_t shard;
    const char *user, *session;
    uint64_t generation;
    uint64_t expires_s;
};

/* By so much a region may take a token for longer than it says, by its own clock. */
#define WATCH_EXPIRY_SLACK_S 2

/* @region takes @token for a sensitive call now. At the user's home it must know of every
 * revocation; elsewhere of those that are older than the setting revocation_bound, plus an error:
 * a millisecond, and as much as clocks are off. @at: with the region's own wall clock. */
void watch_accepted(struct watch *watch, struct moment at, uint32_t region,
                    const struct watch_token *token);

/* What has come ahead of the log makes the region refuse such a token. */
typedef bool watch_is_void(void *context, const char *user, const char *session,
                           uint64_t generation);

/* What @region knows of @shard's revocations is @age_us old, it says. The same error. */
void watch_revocations_age(struct watch *watch, struct moment at, uint32_t region, uint32_t shard,
                           uint64_t age_us, watch_is_void *is_void, void *context);

/* ---- what is said at all ---- */

/* Between whom: a router and a region; two regions; a replicator and a region. */
enum watch_link { WATCH_LINK_CLIENTS, WATCH_LINK_REGIONS, WATCH_LINK_REPLICATION };

/* @from sends that whole frame to @to. */
void watch_frame(struct watch *watch, uint64_t now_us, const char *from, const char *to,
                 enum watch_link link, const uint8_t *bytes, size_t size);

/* @who tells an operator that: in its log, in a status, or asked to explain. */
void watch_said(struct watch *watch, uint64_t now_us, const char *who, const char *text);

/* ---- what clients are told ---- */

void watch_asked(struct watch *watch, const struct outcome_asked *asked);
void watch_told(struct watch *watch, const struct outcome_asked *asked,
                const struct outcome *outcome);

/* @asked was sent in the very moment when explain had said where it would go. */
void watch_explained(struct watch *watch, const struct outcome_asked *asked,
                     const struct outcome *outcome, const struct outcome_route *route);

/* ---- what operators are told ---- */

/* Each is the text that the process gives out now. @is_writing: @region's storage has a batch whose
 * end the core has not been told of. */
void watch_status_region(struct watch *watch, uint64_t now_us, uint32_t region, const char *text,
                         bool is_writing);
void watch_status_replicator(struct watch *watch, uint64_t now_us, const char *who,
                             const char *text);
void watch_status_router(struct watch *watch, uint64_t now_us, const char *who, const char *text,
                         uint64_t config_version);
void watch_metrics(struct watch *watch, uint64_t now_us, const char *who, const char *text);

/* ---- the end ---- */

/* The true state, for the director and the liveness checks. */
uint64_t watch_last_seq(const struct watch *watch, uint32_t shard); /* of the home's log */
bool watch_has_given_up(const struct watch *watch); /* any change, acknowledged or not */
uint64_t watch_copy_seq(const struct watch *watch, uint32_t region, uint32_t shard);
size_t watch_waiting(const struct watch *watch, uint32_t region,
                     uint32_t home_shard); /* queued entries */

/* How many users whose homes are in @core (a bit set) are deleted, and not all of what they had is
 * gone; *@ret_user and *@ret_what name one of them, and what is left. */
size_t watch_unerased(const struct watch *watch, uint32_t core, const char **ret_user,
                      const char **ret_what);

/* Everything is healed and quiet: compare the files of all regions in @core (a bit set) with each
 * other and with the true history, row by row. Writes `final` lines. @vfs and @directories are by
 * region. */
void watch_final(struct watch *watch, uint64_t now_us, uint32_t core, const char *const *vfs,
                 const char *const *directories);

#endif
