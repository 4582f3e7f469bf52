/* region_driver: a few regions with real files, in virtual time, for tests of the region's core.
 *
 * Everything the cores ask for is carried out in order and without any thread: batches by
 * storage_run(), password jobs by region_hash_run(), frames between regions at once (the emulated
 * links delay them inside of the cores). What goes to a client connection is kept for the test. */

#ifndef MEC_REGION_DRIVER_H
#define MEC_REGION_DRIVER_H

#include "call.pb-c.h"
#include "health.pb-c.h"
#include "regiond/region.h"
#include "replication.pb-c.h"

#define DRIVER_NODES_MAX 3
#define DRIVER_WALL_US   UINT64_C(1790000000000000)
#define DRIVER_CLIENT    1 /* the connection that driver_ask() uses */

struct driver_frame {
    uint64_t connection;
    enum frame_kind kind;
    uint64_t id;
    uint8_t *bytes; /* the body */
    size_t size;
};

struct driver_node {
    struct region *region; /* NULL: not running */
    struct storage *storage;
    char directory[128];
    struct storage_batch *batch; /* came out, and is not stored yet */
    bool hold_commits;           /* keep it until driver_store() */
    int fail_commits;            /* give back this error instead of running a batch; 0: none */
    struct region_hash_job *jobs[8];
    size_t job_count;
    bool hold_jobs;
    struct driver_frame *frames; /* to clients */
    size_t frame_count;
    size_t batch_count; /* that have come out */
    size_t batch_ops;   /* in the newest */
    const char *closed; /* why a client was dropped last; copied */
    bool stopped;       /* it said REGION_STOP */
    size_t ready_count; /* of REGION_READY, since it started */
    char log[512];      /* the last line */

    struct region_key keys[8]; /* in the node's directory, so to speak */
    size_t key_count;
    bool hold_keys;      /* neither make nor forget any */
    unsigned keys_asked; /* how often it was told to */
};

struct driver_event;

struct driver {
    Mec__Config config;
    struct driver_node nodes[DRIVER_NODES_MAX];
    size_t node_count;
    struct moment at;
    uint64_t last_id;
    struct arena *arena; /* of what the test looks at */
    struct driver_event *events;
    bool connected[DRIVER_NODES_MAX][DRIVER_NODES_MAX];
};

/* @count regions, us-east, eu-west and ap-northeast, each home to its shard, links of
 * @latency_us one way, all connected. Ends the test when anything fails. */
struct driver *driver_create(size_t count, uint64_t latency_us);
void driver_free(struct driver *driver);

/* End a node without a word, as kill -9 does; and start it again from its files. */
void driver_kill(struct driver *driver, size_t node);
void driver_start(struct driver *driver, size_t node);

/* The connections between two nodes, both ways. */
void driver_connect(struct driver *driver, size_t a, size_t b, bool up);

/* Tell everyone the config as it stands now in driver->config. */
void driver_configure(struct driver *driver);

/* Tell a node of the keys that it has now in node->keys. */
void driver_keys(struct driver *driver, size_t node);

/* Let @duration_us pass, with all that happens in it. 0: only what is due now. */
void driver_run(struct driver *driver, uint64_t duration_us);

/* Run the batch that was held back. */
void driver_store(struct driver *driver, size_t node);

/* Send a frame to a node on client connection @connection. Returns its call id. */
uint64_t driver_send(struct driver *driver, size_t node, uint64_t connection, enum frame_kind kind,
                     const ProtobufCMessage *message);
void driver_send_raw(struct driver *driver, size_t node, uint64_t connection, enum frame_kind kind,
                     const void *bytes, size_t size);

/* Send a call and say which id its answer will have. */
uint64_t driver_call(struct driver *driver, size_t node, const Mec__Call *call);

/* The answer to a call; NULL when there is none yet. Lives until driver_free(). */
Mec__Answer *driver_answer(struct driver *driver, size_t node, uint64_t id);

/* Send a call, let 5 s pass at most, and take the answer; the test ends when there is none. */
Mec__Answer *driver_ask(struct driver *driver, size_t node, const Mec__Call *call);

/* The newest frame of @kind for @connection, and how many there are. NULL: none. */
const struct driver_frame *driver_newest(const struct driver *driver, size_t node,
                                         uint64_t connection, enum frame_kind kind,
                                         size_t *ret_count);

/* Bring @to's copy of @shard up to what @from has, as a replicator would, redacted where it must be;
 * and say so. */
void driver_ship(struct driver *driver, const char *shard, size_t from, size_t to);

/* Ship all shards from their homes to everyone. */
void driver_ship_all(struct driver *driver);

/* Calls as user @user whose home is @shard. */
Mec__Claims driver_claims(const char *user, const char *shard);
Mec__Call driver_get(Mec__Claims *claims, const char *key);
Mec__Call driver_put(Mec__Claims *claims, const char *key, const char *value, const char *once);

const char *driver_body(const Mec__Answer *answer); /* NUL-terminated, static */

#endif
