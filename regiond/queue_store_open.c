/* The queue's file: its tables, opening, checkpoints; see queue_store.h. */

#include "regiond/queue_store_internal.h"

/* The call is dropped when an entry ends; the row stays as its receipt. `marks` keeps the newest
 * number of each shard when no entry of it is left, so that no number is ever given twice. */
#define HEADS_TABLE                                                                                \
    "CREATE TABLE audit_heads("                                                                    \
    " region TEXT NOT NULL, chain TEXT NOT NULL, start BLOB NOT NULL, n INTEGER NOT NULL,"         \
    " digest BLOB NOT NULL, signed_head BLOB NOT NULL,"                                            \
    " PRIMARY KEY(region, chain, start)) STRICT, WITHOUT ROWID;"

static const char schema[] =
    "CREATE TABLE entries("
    " seq INTEGER PRIMARY KEY, receipt TEXT NOT NULL, user TEXT NOT NULL, shard TEXT NOT NULL,"
    " service TEXT NOT NULL, idempotency_key TEXT NOT NULL, request_digest BLOB NOT NULL,"
    " accepted_wall_us INTEGER NOT NULL, expires_wall_us INTEGER NOT NULL,"
    " state INTEGER NOT NULL, attempted INTEGER NOT NULL, settled_wall_us INTEGER NOT NULL,"
    " position TEXT NOT NULL, problem TEXT NOT NULL, detail TEXT NOT NULL,"
    " call BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX entries_receipt ON entries(receipt);"
    "CREATE UNIQUE INDEX entries_key ON entries(user, idempotency_key);"
    "CREATE INDEX entries_waiting ON entries(seq) WHERE state=0;"
    "CREATE INDEX entries_settled ON entries(settled_wall_us) WHERE state>0;"
    "CREATE TABLE marks(shard TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT "
    "ROWID;" STORE_AUDIT_TABLES HEADS_TABLE;

/* Version 2 brought the audit chain, which begins where the file is opened first. */
static const char to_version_2[] = STORE_AUDIT_TABLES HEADS_TABLE;

static const char *const migrations[] = {to_version_2};

#define ENTRY_COLUMNS                                                                              \
    "seq, receipt, user, shard, service, idempotency_key, request_digest, accepted_wall_us,"       \
    " expires_wall_us, state, attempted, settled_wall_us, position, problem, detail, call"

static const char *const statements[] = {
    STORE_AUDIT_STATEMENTS,
    [QUEUE_SQL_TOTALS] = "SELECT count(*), coalesce(sum(length(call)), 0) FROM entries"
                         " WHERE state=0",
    [QUEUE_SQL_LAST_SEQ] = "SELECT coalesce(max(seq), 0) FROM marks",
    [QUEUE_SQL_KNOWN] = "SELECT seq, request_digest, state, receipt FROM entries"
                        " WHERE user=?1 AND idempotency_key=?2",
    [QUEUE_SQL_ENQUEUE] = "INSERT INTO entries(" ENTRY_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
                          " ?7, ?8, ?9, 0, ?11, 0, '', '', '', ?10)",
    [QUEUE_SQL_MARK] = "REPLACE INTO marks(shard, seq) VALUES(?1, ?2)",
    [QUEUE_SQL_ATTEMPT] = "UPDATE entries SET attempted=1 WHERE seq=?1",
    [QUEUE_SQL_CALL_SIZE] = "SELECT length(call) FROM entries WHERE seq=?1 AND state=0",
    [QUEUE_SQL_SETTLE] = "UPDATE entries SET state=?2, settled_wall_us=?3, position=?4, problem=?5,"
                         " detail=?6, call=x'' WHERE seq=?1",
    [QUEUE_SQL_FORGET] = "DELETE FROM entries WHERE seq IN (SELECT seq FROM entries"
                         " WHERE state>0 AND settled_wall_us<?1 ORDER BY settled_wall_us LIMIT ?2)",
    [QUEUE_SQL_WAITING] = "SELECT " ENTRY_COLUMNS " FROM entries"
                          " WHERE state=0 AND seq>?1 ORDER BY seq LIMIT ?2",
    [QUEUE_SQL_FIND] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE receipt=?1",
    [QUEUE_SQL_SHARD_SEQ] = "SELECT seq FROM marks WHERE shard=?1",
    [QUEUE_SQL_HEAD_PUT] = "REPLACE INTO audit_heads(region, chain, start, n, digest, signed_head)"
                           " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [QUEUE_SQL_HEADS] = "SELECT region, chain, start, n, digest, signed_head FROM audit_heads"
                        " ORDER BY region, chain, start LIMIT ?1",
};

_Static_assert(sizeof(statements) / sizeof(statements[0]) <= STORE_FILE_STATEMENTS_MAX,
               "too many statements to keep");

const struct store_file_kind queue_store_kind = {
    .what = "queue",
    .application_id = 0x4d656351, /* "MecQ" */
    .version = 2,
    .schema = schema,
    .migrations = migrations,
    .sql = statements,
};

const char *queue_state_name(enum queue_state state)
{
    switch (state) {
    case QUEUE_QUEUED:
        return "queued";
    case QUEUE_APPLIED:
        return "applied";
    case QUEUE_REJECTED:
        return "rejected";
    case QUEUE_EXPIRED:
        return "expired";
    }
    return "?";
}
