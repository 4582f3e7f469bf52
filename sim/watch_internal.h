/* What the parts of watch.c share: the true history as the watch has put it together, and what each
 * part asks of the others.
 *
 * Everything that is remembered lives in one arena until the end, so pointers stay good, also those
 * to what the world has given up since. Shards and regions are known by their place in the plan. */

#ifndef MEC_WATCH_INTERNAL_H
#define MEC_WATCH_INTERNAL_H

#include <uthash.h>

#include "common/memory.h"
#include "replication.pb-c.h"
#include "sim/watch.h"

/* ---- the logs ---- */

/* A record: (shard, service, user, key). */
struct watch_key {
    UT_hash_handle hh;
    uint32_t shard;
    const char *service, *user, *key;
    struct watch_entry *head;         /* its last change in the true log */
    struct watch_entry *acknowledged; /* the last one of those that somebody was told of */
    struct watch_entry *given_up;     /* linked by next_given_up */
    char name[];                      /* what the hash goes by */
};

/* What an account's record says. */
struct watch_account {
    const char *name;
    uint64_t generation;
    bool closing;
    const char **revoked; /* sessions */
    size_t revoked_count;
};

/* A change in a shard's true log: the home's, as far as it is durable there. */
struct watch_entry {
    struct watch_entry *before; /* the key's change before */
    struct watch_entry *next_given_up;
    struct watch_key *key;
    struct watch_effort *effort;         /* whose effect it is; NULL: an internal write */
    struct watch_queued *queued;         /* as which it came; NULL: directly */
    const struct watch_account *account; /* of an account that lives; else NULL */
    uint64_t made_us;
    uint64_t batch; /* of its home, of all that the shard has had */
    uint64_t epoch, seq;
    uint64_t version, incarnation;
    uint64_t wall_us; /* the home's */
    uint64_t
        published_us; /* its home has surely known of it from then on; NEVER_US: not surely yet */
    uint32_t home;
    bool deleted, created;
    bool acknowledged;
    bool given_up; /* it is no longer in the true log: an operator's decision, or a damaged home */
    uint32_t copy_life; /* of the home's copy, then */
    uint64_t audited;   /* entries in the audit chain of its home */
    const char *content_type;
    struct slice value;
    struct slice plain; /* of the vault: what was sealed; NULL: nothing was */
    uint8_t request_digest[16];
    uint8_t digest[DIGEST_SIZE];
};

struct watch_entries {
    struct watch_entry **items;
    size_t count, capacity;
};

struct watch_shard {
    const char *name;
    uint32_t home;
    uint64_t epoch;
    struct watch_entries log;  /* item i has seq i + 1 */
    struct watch_entries gone; /* given up */
    struct watch_key **keys;   /* in the order of the file */
    size_t key_count, key_capacity;
    size_t published; /* entries of the log with a published_us */
    uint64_t batches; /* that its homes have run */
    bool spoiled; /* a home had bits flipped: nothing is expected of what it serves and writes */
};

/* A region's copy of a shard, as far as it is durable. */
struct watch_copy {
    struct store_end end;
    uint64_t known_seq; /* the region's core has been told of everything up to there */
    bool damaged;
    uint64_t damaged_until_us; /* of the last time */
    bool forked;               /* it holds changes that were given up */
    uint32_t life;             /* rises when it is lost */
};

/* ---- writes of clients ---- */

/* What was asked for under an idempotency key. */
struct watch_wish {
    struct watch_wish *next;
    enum plan_operation_kind kind;
    const char *key, *value;
    uint64_t if_version;
};

/* With whose token. */
struct watch_bearer {
    struct watch_bearer *next;
    struct token_claims claims;
};

/* All that was tried under one (user, idempotency key). */
struct watch_effort {
    UT_hash_handle hh;
    const char *user, *idempotency_key;
    uint32_t attempts; /* requests of clients; 0: of none that we know */
    uint32_t open;     /* of those: not answered yet */
    uint32_t possible; /* answered, but not with the promise that it has no effect */
    uint64_t first_asked_us;
    uint32_t router;           /* through which; PLAN_NONE: through several */
    struct watch_wish *wishes; /* one for each different write */
    struct watch_bearer *bearers;
    struct watch_entry *effect; /* in a true log */
    struct watch_entry *given_up;
    struct watch_queued *queued;          /* linked by next_of_effort */
    uint32_t refused[PLAN_REGIONS_MAX];   /* on which of the region's disks; 0: on none */
    bool maybe_refused[PLAN_REGIONS_MAX]; /* ever */
    uint64_t audited[PLAN_REGIONS_MAX];   /* refusals in the region's audit chains */
    char name[];
};

/* ---- queues ---- */

struct watch_queued {
    UT_hash_handle hh;                    /* by receipt */
    struct watch_queued *previous, *next; /* while it waits */
    struct watch_queued *next_of_effort;
    struct watch_effort *effort;
    const char *receipt, *user, *service;
    const struct token_claims *claims; /* that it came with; NULL: not known */
    uint32_t region;
    uint32_t shard; /* PLAN_NONE: the region's own probe of its disk */
    uint64_t seq;
    size_t bytes;
    uint8_t request_digest[16];
    enum queue_state state;
    bool attempted;
    bool lost;                          /* with its disk */
    bool told;                          /* some client holds the receipt */
    uint64_t told_us[PLAN_ROUTERS_MAX]; /* by which router, since when */
    uint64_t ended_us;
    uint64_t settled_wall_us;
    const char *position, *problem;
    uint64_t audited; /* entries in the audit chain of its queue */
};

struct watch_queue {
    struct watch_queued **entries; /* of the present file: item i has seq i + 1 */
    size_t count, capacity;
    struct watch_queued *waiting; /* by seq */
    size_t waiting_count;         /* of users */
    size_t waiting_all;
    size_t waiting_bytes;
    uint64_t wall_us_max; /* of all batches */
};

/* ---- regions ---- */

/* A batch of unknown fate. */
struct watch_doubt {
    bool exists;
    struct storage_batch batch; /* a copy, without results */
    uint32_t home;              /* of its shard, then */
    uint64_t epoch;             /* likewise */
};

struct watch_region {
    const char *name;
    struct watch_copy copies[PLAN_REGIONS_MAX];
    struct watch_queue queue;
    struct watch_doubt doubt;
    uint32_t disks; /* how many it has had; one that has lost a copy counts as another */
    struct {
        int64_t offset_us, drift_ppm;
        uint64_t since_us;
        uint64_t most_us; /* that it was ever off until then */
    } clock;
    bool disk_was_lost;
    uint64_t disk_lost_us; /* the last time */
    uint32_t leaked;       /* the highest number of its signing keys that may be refused */
};

/* ---- clients ---- */

struct watch_seen {
    struct watch_seen *next;
    const struct watch_key *key;
    const struct watch_entry *entry;
};

struct watch_session {
    bool waits; /* for an answer */
    uint32_t number;
    const struct watch_entry *required;     /* strong reads: known to somebody when it was asked */
    struct watch_seen *seen;                /* one a key */
    struct position must[PLAN_REGIONS_MAX]; /* what its bookmark must cover, by shard */
    uint64_t known_seq[PLAN_REGIONS_MAX];   /* of its token's shard, by region, when it asked */
    uint32_t disks[PLAN_REGIONS_MAX];       /* likewise */
};

/* A request that is to end sessions. */
struct watch_act {
    struct watch_act *next;
    enum plan_operation_kind kind;
    uint32_t client, number;
    bool possible; /* nobody has promised that it has no effect */
    struct token_claims claims;
};

struct watch_signed_up {
    UT_hash_handle hh;
    const char *user;
    uint64_t told_us;
    char name[];
};

struct watch {
    const struct plan *plan;
    struct history *history;
    struct watch_breach breach;
    struct arena *arena;   /* until the end */
    struct arena *scratch; /* of one look */
    size_t region_count;
    struct watch_shard shards[PLAN_REGIONS_MAX];
    struct watch_region regions[PLAN_REGIONS_MAX];
    struct watch_session sessions[PLAN_CLIENTS_MAX];
    struct watch_key *keys;
    struct watch_effort *efforts;
    struct watch_queued *receipts;
    struct watch_signed_up *names;
    struct watch_act *acts;
    struct watch_revocation *revocations;
    bool gave_up; /* some changes, some time */
};

/* PLAN_NONE: there is none of that name (or NULL). */
uint32_t watch_find(const struct watch *watch, const char *name);

/* ---- watch_log.c ---- */

/* The record; NULL when no change of it was ever seen. */
struct watch_key *watch_log_key(const struct watch *watch, uint32_t shard, const char *service,
                                const char *user, const char *key);

/* How @key stood at @seq of the true log; NULL: it had never existed. */
struct watch_entry *watch_log_state(const struct watch_key *key, uint64_t seq);

/* The change with that version, in the true log or given up; NULL. */
struct watch_entry *watch_log_version(const struct watch_key *key, uint64_t version);

/* The change at (@epoch, @seq): in the true log, or given up; NULL. */
struct watch_entry *watch_log_at(const struct watch_shard *shard, uint64_t epoch, uint64_t seq);

/* Is it a point of the true log? (epoch, 0) is. */
bool watch_log_has(const struct watch_shard *shard, uint64_t epoch, uint64_t seq);

/* Add a change that the home @region has made durable. */
struct watch_entry *watch_log_append(struct watch *watch, uint64_t now_us, uint32_t region,
                                     uint32_t shard, const Mec__Change *change,
                                     const uint8_t digest[DIGEST_SIZE]);

/* A follower has made it durable. */
void watch_log_applied(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard,
                       uint64_t epoch, uint64_t seq, const uint8_t digest[DIGEST_SIZE]);

/* What is behind @kept_seq leaves the true log. Returns how many acknowledged changes go. */
size_t watch_log_give_up(struct watch *watch, uint32_t shard, uint64_t kept_seq);

/* The home knows of its changes up to @seq, it shows now. */
void watch_log_published(struct watch_shard *shard, uint64_t seq, uint64_t now_us);

/* What a client is to be given of it. */
struct slice watch_log_value(const struct watch_entry *entry);

/* Somebody was told of it. */
void watch_log_acknowledge(struct watch_entry *entry);

void watch_log_free(struct watch *watch);

/* ---- watch_write.c: what the home does with a write ---- */

/* Hold the result of @op, run by @region for @batch, against the true log, and add what it did. */
void watch_write_done(struct watch *watch, uint64_t now_us, uint32_t region,
                      const struct storage_batch *batch, const struct store_op *op);

/* Look at a change that the home has made durable, and add it. @op is the write that made it. */
void watch_write_change(struct watch *watch, uint64_t now_us, uint32_t region,
                        const struct storage_batch *batch, const struct store_op *op,
                        const Mec__Change *change, const uint8_t digest[DIGEST_SIZE]);

/* Must the write have had its effect, as the log stands now? */
bool watch_write_must_run(const struct watch *watch, uint32_t region,
                          const struct storage_batch *batch, const struct store_op *op);

/* ---- watch_effort.c ---- */

/* Made if need be; NULL when @idempotency_key is empty. */
struct watch_effort *watch_effort_of(struct watch *watch, const char *user,
                                     const char *idempotency_key);

/* @entry is its effect: may it be? */
void watch_effort_effect(struct watch *watch, uint64_t now_us, struct watch_entry *entry);

/* The home of @region has refused a queued copy; @surely: and not only perhaps. */
void watch_effort_refused(struct watch *watch, uint32_t region, struct watch_effort *effort,
                          bool surely);

/* Does the wish say what the change does? */
bool watch_effort_is_wished(const struct watch_wish *wish, const struct watch_entry *entry);

void watch_effort_asked(struct watch *watch, const struct outcome_asked *asked);
void watch_effort_told(struct watch *watch, const struct outcome_asked *asked,
                       const struct outcome *outcome);

void watch_effort_free(struct watch *watch);

/* ---- watch_queue.c ---- */

void watch_queue_batch(struct watch *watch, uint64_t now_us, uint32_t region,
                       const struct storage_batch *batch);

void watch_queue_lost(struct watch *watch, uint64_t now_us, uint32_t region);

/* NULL: no such receipt was ever durable. */
struct watch_queued *watch_queue_find(const struct watch *watch, const char *receipt);

/* May the region have forgotten it? It ended long ago by its clock, or its disk is gone. */
bool watch_queue_may_forget(const struct watch *watch, const struct watch_queued *queued);

/* A change that came as @queued is committed: has every earlier one of the user ended? */
void watch_queue_order(struct watch *watch, uint64_t now_us, const struct watch_entry *entry);

void watch_queue_free(struct watch *watch);

/* ---- watch_doubt.c: batches of unknown fate ---- */

/* What the region's batch has done after all, by the reader of its file: all of it or nothing.
 * Returns false when the disk does not let it be read: then the doubt stays. */
bool watch_doubt_end_shard(struct watch *watch, uint64_t now_us, uint32_t region,
                           struct store_reader *reader, const struct store_end *end);
bool watch_doubt_end_queue(struct watch *watch, uint64_t now_us, uint32_t region,
                           struct queue_reader *reader);

/* ---- watch_files.c ---- */

void watch_files_opened(struct watch *watch, uint64_t now_us, uint32_t region, const char *vfs,
                        const char *directory, const struct store_end *ends);
void watch_files_opened_queue(struct watch *watch, uint64_t now_us, uint32_t region,
                              const char *vfs, const char *directory);

/* ---- watch_audit.c, watch_usage.c: in the end ---- */

/* The chains of all regions in @core, as watch_final(). */
void watch_audit_final(struct watch *watch, uint64_t now_us, uint32_t core, const char *const *vfs,
                       const char *const *directories);

/* @reader's file stands at @seq. */
void watch_usage_check(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard,
                       struct store_reader *reader, uint64_t seq);

/* ---- watch_reads.c, watch_told.c, watch_names.c ---- */

/* What a read answers. Call these for an answer that came. */
void watch_reads_record(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome);
void watch_reads_list(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome);
void watch_reads_account(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome);

/* Likewise of an item of the vault: of record @key in @shard, which may be another user's. */
void watch_reads_item(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome, uint32_t shard, const struct watch_key *key);

/* The session has been shown @entry. */
void watch_reads_see(struct watch *watch, uint32_t client, struct watch_entry *entry);

/* Is the session's bookmark as far as it must be? And what must a strong read show? */
void watch_reads_asked(struct watch *watch, const struct outcome_asked *asked);

/* What a write, or a question about a receipt, is answered. */
void watch_told_write(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome);
void watch_told_receipt(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome);

/* A name's record has changed. */
void watch_names_changed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry);
void watch_names_signed_up(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome);
void watch_names_logged_in(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome);
void watch_names_free(struct watch *watch);

/* Does @entry, of a name, say that it is @user's for good? */
bool watch_names_is_confirmed(const struct watch_entry *entry, const char *user);

/* ---- watch_sessions.c ---- */

/* The account's record; NULL when no change of it was ever seen. */
struct watch_key *watch_sessions_account(const struct watch *watch, uint32_t shard,
                                         const char *user);

/* Is a token with @claims void by what this change of its account says? */
bool watch_sessions_voids(const struct watch_entry *entry, const struct token_claims *claims);

/* Was no copy of the shard ever damaged? And has nothing of it been given up? */
bool watch_sessions_is_whole(const struct watch *watch, uint32_t shard);
bool watch_sessions_is_firm(const struct watch *watch, uint32_t shard);

/* An account's record has changed. */
void watch_sessions_changed(struct watch *watch, uint64_t now_us, struct watch_entry *entry);

/* A client's write has had its effect: was its token good? */
void watch_sessions_wrote(struct watch *watch, uint64_t now_us, const struct watch_entry *entry);

/* A queued write has ended as forbidden. */
void watch_sessions_forbidden(struct watch *watch, uint64_t now_us,
                              const struct watch_queued *queued);

void watch_sessions_asked(struct watch *watch, const struct outcome_asked *asked);
void watch_sessions_told(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome);

/* ---- watch_erasing.c ---- */

/* A record has changed: may what goes go? */
void watch_erasing_changed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry);

/* Does this change of an account leave it deleted, or about to be? Is that so of @user's? */
bool watch_erasing_closes(const struct watch_entry *account);
bool watch_erasing_is_closed(const struct watch *watch, const char *user);

/* Has there ever been an account of that name that was deleted? */
bool watch_erasing_was_closed(const struct watch *watch, const char *name);

/* ---- watch_answer.c ---- */

/* How far the clock of any region was ever off. */
uint64_t watch_clock_most_off(const struct watch *watch, uint64_t now_us);

/* ---- watch_revocations.c ---- */

/* @write has made @entry: does that void tokens? */
void watch_revocations_made(struct watch *watch, const struct watch_entry *entry,
                            const struct store_write *write);

/* Whoever reckons with two wall clocks, one of them perhaps as it was long ago, may err so much. */
uint64_t watch_clock_error_us(const struct watch *watch, uint32_t region, uint64_t now_us);
/* ---- watch_vault.c ---- */

bool watch_vault_is_write(enum plan_operation_kind kind);

/* What a home has sealed with a write, that @entry came of. */
void watch_vault_sealed(struct watch *watch, const struct store_write *write,
                        struct watch_entry *entry);

/* What clients are told of their own items, of another's, and of their writes. */
void watch_vault_own(struct watch *watch, const struct outcome_asked *asked,
                     const struct outcome *outcome);
void watch_vault_shared(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome);
void watch_vault_written(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome);

/* Was the copy damaged at any time since? */
bool watch_is_damaged(const struct watch *watch, uint32_t region, uint32_t shard,
                      uint64_t since_us);

/* Is any copy? */
bool watch_is_any_damaged(const struct watch *watch);

#endif
