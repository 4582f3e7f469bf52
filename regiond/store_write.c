/* One client's write at the home; see store_write in store.h. */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "common/reach.h"
#include "regiond/store_internal.h"

/* ---- checks: these read only ---- */

/* A refused queued write stands among the keys with seq 0, which no change has, and its result
 * where an incarnation would be: so the keys are looked through once. */
static void take_refusal(struct store_op *op, sqlite3_stmt *statement)
{
    reach(REFUSAL_REPEATED);
    op->version = store_file_u64(statement, 3);
    op->result = (enum store_result)store_file_u64(statement, 4);
}

static void take_effect(struct store_op *op, sqlite3_stmt *statement)
{
    const struct store_write *write = &op->write;
    bool same = sqlite3_column_bytes(statement, 0) == sizeof(write->request_digest) &&
                memcmp(sqlite3_column_blob(statement, 0), write->request_digest,
                       sizeof(write->request_digest)) == 0;

    if (same)
        reach(WRITE_REPLAYED);
    else
        reach(KEY_REUSED);
    if (PLANTED(UNCOMPARED_KEY))
        same = true;
    op->result = same ? STORE_REPLAYED : STORE_KEY_REUSED;
    op->epoch = store_file_u64(statement, 1);
    op->seq = store_file_u64(statement, 2);
    op->version = store_file_u64(statement, 3);
    op->incarnation = store_file_u64(statement, 4);
    op->created = store_file_u64(statement, 5) != 0;
    op->deleted = store_file_u64(statement, 6) != 0;
}

/* Was this write made before, under the same key, or a queued copy of it refused? *@ret_known says
 * so, and then op->result and the results of then are set. */
static int check_key(struct store *store, struct store_op *op, bool *ret_known)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_KEY_GET);
    const struct store_write *write = &op->write;
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, write->user);
    store_file_bind_text(statement, 2, write->idempotency_key);
    code = sqlite3_step(statement);
    *ret_known = code == SQLITE_ROW;
    if (code == SQLITE_ROW && store_file_u64(statement, 2) == 0)
        take_refusal(op, statement);
    else if (code == SQLITE_ROW)
        take_effect(op, statement);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(&store->file, code);
}

int store_write_read_head(struct store *store, const char *service, const char *user,
                          const char *key, struct store_head *ret_head)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_HEAD);
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, service);
    store_file_bind_text(statement, 2, user);
    store_file_bind_text(statement, 3, key);
    code = sqlite3_step(statement);
    *ret_head = (struct store_head){0};
    if (code == SQLITE_ROW)
        *ret_head = (struct store_head){
            .incarnation = store_file_u64(statement, 0),
            .version = store_file_u64(statement, 1),
            .lives = store_file_u64(statement, 2) == 0,
            .bytes = strlen(key) + store_file_u64(statement, 3),
        };
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(&store->file, code);
}

static bool condition_holds(const struct store_write *write, const struct store_head *head)
{
    switch (write->condition) {
    case STORE_ANY:
        return true;
    case STORE_IF_VERSION:
        return head->lives && (head->version == write->if_version || PLANTED(UNCHECKED_CONDITION));
    case STORE_IF_EXISTS:
        return head->lives;
    case STORE_IF_ABSENT:
        return !head->lives;
    }
    abort(); /* a condition out of range */
}

/* Set op->result and return true when the write is refused for what it is itself. */
static bool refuse_unread(const struct store_round *round, struct store_op *op)
{
    const struct store_write *write = &op->write;

    if (write->forbidden) {
        op->result = STORE_FORBIDDEN;
    } else if (write->expires_wall_us != 0 && round->wall_us > write->expires_wall_us) {
        reach(WRITE_EXPIRED_AT_HOME);
        op->result = STORE_EXPIRED;
    } else {
        return false;
    }
    return true;
}

static size_t stored_size(const struct store_write *write)
{
    return write->value.size + (write->seal ? SEAL_OVERHEAD : 0);
}

/* Set op->result when the write is refused for the record before it, or for what its user has;
 * STORE_NOT_RUN stays when it is not. */
static int refuse(struct store *store, struct store_op *op, const struct store_head *head)
{
    bool fits = true;
    int error = 0;

    if (!condition_holds(&op->write, head)) {
        reach(CONDITION_FAILED);
        op->result = STORE_CONDITION_FAILED;
    } else if (op->write.delete &&!head->lives) {
        reach(DELETE_OF_NOTHING);
        op->result = STORE_NOT_FOUND;
    } else {
        error = store_usage_check(&store->file, &op->write, stored_size(&op->write), head, &fits);
    }
    if (!fits)
        op->result = STORE_OVER_QUOTA;
    if (op->result != STORE_NOT_RUN)
        op->version = head->lives ? head->version : 0;
    return error;
}

/* ---- the change ---- */

/* protobuf-c has no const in its messages, and packing changes nothing. */
static char *text_field(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

static ProtobufCBinaryData bytes_field(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

/* Put the value into @change, which has its version: sealed, when it is to be. */
static void set_value(struct store *store, const struct store_write *write, Mec__Change *change,
                      uint8_t value_digest[DIGEST_SIZE])
{
    struct slice value = write->delete ? (struct slice){"", 0} : write->value;
    struct seal_place place = {change->shard, change->user, change->service, change->key,
                               change->version_after};

    if (write->seal && !write->delete) {
        uint8_t *sealed = arena_alloc(store->arena, stored_size(write));

        seal_value(write->seal->key, write->seal->nonce, &place, value, sealed);
        value = (struct slice){(const char *)sealed, stored_size(write)};
    }
    store_digest_of(value, value_digest);
    change->value = bytes_field(value.data, value.size);
    change->value_digest = bytes_field(value_digest, DIGEST_SIZE);
}

static void set_salt(const struct store_write *write, Mec__Change *change)
{
    if (!sodium_is_zero(write->salt, sizeof write->salt))
        change->salt = bytes_field(write->salt, sizeof write->salt);
}

static Mec__Change make_change(struct store *store, const struct store_round *round,
                               const struct store_write *write, const struct store_head *head,
                               uint8_t value_digest[DIGEST_SIZE])
{
    bool created = !write->delete &&!head->lives;
    Mec__Change change = MEC__CHANGE__INIT;

    change.shard = store->shard;
    change.epoch = round->epoch;
    if (PLANTED(TRUSTED_EPOCH) && round->end.seq > 0)
        change.epoch = round->end.epoch;
    change.seq = round->end.seq + 1;
    change.previous_digest = bytes_field(round->end.digest, round->end.seq ? DIGEST_SIZE : 0);
    change.service = text_field(write->service);
    change.user = text_field(write->user);
    change.key = text_field(write->key);
    change.incarnation = head->incarnation + (created ? 1 : 0);
    change.version_before = PLANTED(RESTARTED_VERSION) && created ? 0 : head->version;
    change.version_after = change.version_before + 1;
    change.deleted = write->delete;
    change.created = created;
    change.content_type = text_field(write->delete ? "" : write->content_type);
    set_value(store, write, &change, value_digest);
    change.idempotency_key = text_field(write->idempotency_key);
    change.request_digest = bytes_field(write->request_digest, sizeof(write->request_digest));
    change.receipt = text_field(write->receipt);
    change.traceparent = text_field(write->traceparent);
    change.commit_wall_us = round->wall_us;
    set_salt(write, &change);
    return change;
}

/* ---- putting ---- */

static int put_record(struct store *store, const Mec__Change *change)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_RECORD_PUT);

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, change->service);
    store_file_bind_text(statement, 2, change->user);
    store_file_bind_text(statement, 3, change->key);
    store_file_bind_u64(statement, 4, change->incarnation);
    store_file_bind_u64(statement, 5, change->version_after);
    store_file_bind_u64(statement, 6, change->deleted ? 1 : 0);
    store_file_bind_u64(statement, 7, change->commit_wall_us);
    store_file_bind_u64(statement, 8, change->epoch);
    store_file_bind_u64(statement, 9, change->seq);
    store_file_bind_text(statement, 10, change->content_type);
    store_file_bind_blob(statement, 11, change->value.data, change->value.len);
    return store_file_run(&store->file, statement);
}

static int put_change(struct store *store, const Mec__Change *change, struct slice bytes,
                      const uint8_t digest[DIGEST_SIZE])
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_CHANGE_PUT);

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, change->seq);
    store_file_bind_u64(statement, 2, change->epoch);
    store_file_bind_blob(statement, 3, digest, DIGEST_SIZE);
    store_file_bind_blob(statement, 4, bytes.data, bytes.size);
    return store_file_run(&store->file, statement);
}

static int put_key(struct store *store, const Mec__Change *change)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_KEY_PUT);

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, change->user);
    store_file_bind_text(statement, 2, change->idempotency_key);
    store_file_bind_blob(statement, 3, change->request_digest.data, change->request_digest.len);
    store_file_bind_u64(statement, 4, change->commit_wall_us);
    store_file_bind_u64(statement, 5, change->epoch);
    store_file_bind_u64(statement, 6, change->seq);
    store_file_bind_u64(statement, 7, change->version_after);
    store_file_bind_u64(statement, 8, change->incarnation);
    store_file_bind_u64(statement, 9, change->created ? 1 : 0);
    store_file_bind_u64(statement, 10, change->deleted ? 1 : 0);
    return store_file_run(&store->file, statement);
}

int store_write_put_log(struct store *store, struct store_round *round, const Mec__Change *change,
                        struct slice bytes, const uint8_t digest[DIGEST_SIZE])
{
    int error;

    assert(change->seq == round->end.seq + 1 || PLANTED(IGNORED_GAP));
    error = put_change(store, change, bytes, digest);
    if (error != 0)
        return error;
    round->end.epoch = change->epoch;
    round->end.seq = change->seq;
    memcpy(round->end.digest, digest, DIGEST_SIZE);
    return 0;
}

int store_write_put_effect(struct store *store, const Mec__Change *change,
                           const struct store_head *head)
{
    int error = put_record(store, change);

    if (error == 0)
        error = store_usage_change(&store->file, change, head);
    if (error == 0 && change->idempotency_key[0] != '\0' && !PLANTED(FORGOTTEN_KEY))
        error = put_key(store, change);
    return error;
}

int store_write_put(struct store *store, struct store_round *round, const Mec__Change *change,
                    struct slice bytes, const uint8_t digest[DIGEST_SIZE],
                    const struct store_head *head)
{
    int error = store_write_put_log(store, round, change, bytes, digest);

    return error == 0 ? store_write_put_effect(store, change, head) : error;
}

static int put(struct store *store, struct store_round *round, struct store_op *op,
               const struct store_head *head)
{
    uint8_t value_digest[DIGEST_SIZE];
    Mec__Change change = make_change(store, round, &op->write, head, value_digest);
    struct slice bytes;
    int error;

    op->change_size = mec__change__get_packed_size(&change);
    op->change = memory_grow(NULL, op->change_size);
    mec__change__pack(&change, op->change);
    bytes = (struct slice){(const char *)op->change, op->change_size};
    store_digest_of(bytes, op->change_digest);

    if (change.created && head->incarnation > 0)
        reach(KEY_MADE_AGAIN);
    op->result = STORE_DONE;
    op->version = change.version_after;
    op->incarnation = change.incarnation;
    op->created = change.created;
    op->deleted = change.deleted;
    op->epoch = change.epoch;
    op->seq = change.seq;
    error = store_write_put(store, round, &change, bytes, op->change_digest, head);
    if (error == 0 && !PLANTED(UNAUDITED_WRITE))
        error = store_audit_write_done(store, round, op);
    return error;
}

/* Once a receipt says "rejected" or "expired", no copy of the same write may take effect any more:
 * another queue may hold one, and a try that was given up may still stand unread in a socket. So
 * the refusal is on the disk before the queue hears of it, and stays as long as a key does. It is
 * no change, and followers know nothing of it. */
static int put_refusal(struct store *store, const struct store_round *round,
                       const struct store_op *op)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_KEY_PUT);
    const struct store_write *write = &op->write;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, write->user);
    store_file_bind_text(statement, 2, write->idempotency_key);
    store_file_bind_blob(statement, 3, write->request_digest, sizeof(write->request_digest));
    store_file_bind_u64(statement, 4, round->wall_us);
    store_file_bind_u64(statement, 5, 0);
    store_file_bind_u64(statement, 6, 0);
    store_file_bind_u64(statement, 7, op->version);
    store_file_bind_u64(statement, 8, (uint64_t)op->result);
    store_file_bind_u64(statement, 9, 0);
    store_file_bind_u64(statement, 10, 0);
    return store_file_run(&store->file, statement);
}

static int refused(struct store *store, struct store_round *round, const struct store_op *op)
{
    int error;

    if (!op->write.receipt || op->write.receipt[0] == '\0')
        return 0;
    reach(QUEUED_WRITE_REFUSED);
    error = put_refusal(store, round, op);
    return error == 0 ? store_audit_write_refused(store, round, op) : error;
}

int store_write_run(struct store *store, struct store_round *round, struct store_op *op)
{
    const struct store_write *write = &op->write;
    bool has_key = write->idempotency_key && write->idempotency_key[0] != '\0';
    struct store_head head;
    bool known = false;
    int error = 0;

    op->service = write->service;
    op->user = write->user;
    op->key = write->key;
    /* A home of the past may still have writes under way when it learns of its successor. */
    if (round->epoch < round->end.epoch && !PLANTED(STALE_HOME)) {
        op->result = STORE_STALE_EPOCH;
        return 0;
    }
    if (has_key)
        error = check_key(store, op, &known);
    if (error != 0 || known)
        return error;
    if (refuse_unread(round, op))
        return refused(store, round, op);
    error = store_write_read_head(store, write->service, write->user, write->key, &head);
    if (error == 0)
        error = refuse(store, op, &head);
    if (error != 0)
        return error;
    if (op->result != STORE_NOT_RUN)
        return refused(store, round, op);
    return put(store, round, op, &head);
}
