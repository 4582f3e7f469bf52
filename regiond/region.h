/* region: the core of a regiond: events and the time go in, actions come out.
 *
 * It holds copies of all shards, is home to some, answers calls, applies what homes ship, feeds its
 * own replicator, and keeps a durable queue for homes that are away. It reads SQLite itself through
 * read-only connections; everything it writes leaves as a COMMIT action and comes back as STORED.
 *
 * No socket, clock, thread or random source of its own. */

#ifndef MEC_REGION_H
#define MEC_REGION_H

#include "common/frame.h"
#include "common/kid.h"
#include "common/moment.h"
#include "common/token.h"
#include "control.pb-c.h"
#include "regiond/storage.h"

struct region;

/* A key to sign tokens with. The core is given all that there are, and signs with the one that the
 * configuration says. */
struct region_key {
    char kid[KID_SIZE];
    uint8_t seed[TOKEN_KEY_SEED_SIZE]; /* secret */
};

struct region_options {
    const char *name;      /* "us-east" */
    const char *directory; /* of the shard files */
    const char *vfs;       /* NULL: SQLite's default */
    const struct region_key *keys;
    size_t key_count;
    const uint8_t *vault_seed; /* VAULT_KEY_SEED_SIZE; see data_keys.h */
    uint8_t secret[32];        /* fresh randomness; salts, ids and sessions grow from it */
    uint64_t link_seed;
    uint64_t audit_interval_us; /* see audit_create(); 0: a second */
};

enum region_event_kind {
    REGION_FRAME,   /* from an accepted connection: routerd, a replicator, another region */
    REGION_CLOSED,  /* an accepted connection is gone */
    REGION_PEER_UP, /* our own connection to another region stands */
    REGION_PEER_DOWN,
    REGION_PEER_FRAME, /* an answer on it */
    REGION_STORED,     /* a batch has come back */
    REGION_HASHED,     /* a password job has come back */
    REGION_CONFIGURED,
    REGION_KEYS, /* there are other keys than before: all that there are now */
    REGION_TICK  /* region_wake_us() is reached */
};

/* argon2id work for another thread. The core makes it, the shell fills in @hash or @matches and
 * gives it back. */
struct region_hash_job {
    char *password; /* wiped and freed by the core */
    size_t password_size;
    uint8_t salt[16];
    uint32_t operations;
    uint32_t memory_kib;
    uint8_t hash[32]; /* result */
    int error;        /* result: 0, or -ENOMEM */
    void *context;
};

/* Fill in job->hash. Pure; run it on any thread. */
void region_hash_run(struct region_hash_job *job);

struct region_event {
    enum region_event_kind kind;
    struct moment at;
    uint64_t connection;           /* FRAME, CLOSED: the shell's number for it, never used again */
    uint32_t peer;                 /* PEER_*: index into config->regions */
    struct frame frame;            /* FRAME, PEER_FRAME */
    struct storage_batch *batch;   /* STORED */
    struct region_hash_job *job;   /* HASHED */
    const Mec__Config *config;     /* CONFIGURED: needs to live only during the step */
    const struct region_key *keys; /* KEYS: likewise */
    size_t key_count;
};

enum region_action_kind {
    REGION_SEND,      /* frame to an accepted connection */
    REGION_SEND_PEER, /* frame to another region, now */
    REGION_CLOSE,     /* drop an accepted connection: it broke the protocol */
    REGION_COMMIT,    /* run this batch, then STORED */
    REGION_HASH,      /* run this job, then HASHED */
    REGION_READY, /* once: this region serves, and has reached the others or waited long enough */
    REGION_MAKE_KEY,   /* make the key of that kid, unless it is there, keep it, then KEYS */
    REGION_FORGET_KEY, /* remove it for good, then KEYS */
    REGION_STOP,       /* storage failed: log and end the process at once */
    REGION_LOG
};

struct region_action {
    enum region_action_kind kind;
    uint64_t connection;
    uint32_t peer;
    const uint8_t *bytes; /* SEND, SEND_PEER: a whole frame; lives until the next step */
    size_t size;
    struct storage_batch *batch;
    struct region_hash_job *job;
    const char *text; /* CLOSE, STOP, LOG: why; MAKE_KEY, FORGET_KEY: the kid */
};

struct region_actions {
    const struct region_action *items; /* live until the next step */
    size_t count;
};

/* @config must name the region. @ends has the end of each shard's log, in config order, and the
 * files must be open for writing elsewhere. Errors: -EINVAL, the config does not fit; -errno of the
 * readers. */
int region_create(const struct region_options *options, const Mec__Config *config,
                  const struct store_end *ends, struct moment at, struct region **ret_region);
void region_free(struct region *region);

struct region_actions region_step(struct region *region, const struct region_event *event);

/* When the next TICK is wanted; NEVER_US for none. */
uint64_t region_wake_us(const struct region *region);

/* State for people, as a new JSON string: copies with positions and staleness, queue, cache,
 * counters. */
char *region_status(struct region *region, struct moment at);

/* For checks: how old what it knows of @shard's revocations is (false: it does not know), and
 * whether it has been told ahead of the log that a token with these is void. */
bool region_revocations_age(struct region *region, struct moment at, const char *shard,
                            uint64_t *ret_us);
bool region_is_revoked(const struct region *region, const char *shard, const char *user,
                       const char *session, uint64_t generation);
/* The heads of other regions' audit chains that this one keeps, likewise. */
char *region_audit_heads(const struct region *region);

#endif
