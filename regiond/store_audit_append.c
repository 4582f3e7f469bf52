/* Appending to an audit chain, within the transaction of what the entry tells of. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/store_audit_internal.h"
#include "regiond/store_internal.h"

char *store_audit_append_text(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

Mec__AuditEntry store_audit_append_entry(const struct store_event *event)
{
    Mec__AuditEntry entry = MEC__AUDIT_ENTRY__INIT;

    entry.action = store_audit_append_text(event->action);
    entry.service = store_audit_append_text(event->service);
    entry.user = store_audit_append_text(event->user);
    entry.session = store_audit_append_text(event->session);
    entry.key = store_audit_append_text(event->key);
    entry.outcome = store_audit_append_text(event->outcome ? event->outcome : "done");
    entry.receipt = store_audit_append_text(event->receipt);
    entry.count = event->count > 0 ? event->count : 1;
    return entry;
}

static int put_user(struct store_file *file, const char *user, uint64_t n)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_AUDIT_SQL_USER_PUT);

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, user);
    store_file_bind_u64(statement, 2, n);
    return store_file_run(file, statement);
}

static int put_entry(struct store_file *file, uint64_t n, struct slice bytes,
                     const uint8_t digest[DIGEST_SIZE])
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_AUDIT_SQL_PUT);

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, n);
    store_file_bind_blob(statement, 2, digest, DIGEST_SIZE);
    store_file_bind_blob(statement, 3, bytes.data, bytes.size);
    return store_file_run(file, statement);
}

static void fill_in(const struct store_audit_chain *chain, uint64_t wall_us, Mec__AuditEntry *entry)
{
    const struct store_audit_head *head = &chain->head;

    entry->n = head->n + 1;
    entry->previous_digest.len = head->n > 0 ? DIGEST_SIZE : 0;
    entry->previous_digest.data = (uint8_t *)(uintptr_t)head->digest;
    entry->wall_us = wall_us;
    entry->region = store_audit_append_text(chain->region);
    entry->chain = store_audit_append_text(chain->name);
}

static int put_packed(struct store_file *file, const Mec__AuditEntry *entry,
                      uint8_t ret_digest[DIGEST_SIZE])
{
    size_t size = mec__audit_entry__get_packed_size(entry);
    uint8_t *packed = memory_grow(NULL, size);
    struct slice bytes = {(const char *)packed, size};
    int error;

    mec__audit_entry__pack(entry, packed);
    store_digest_of(bytes, ret_digest);
    error = put_entry(file, entry->n, bytes, ret_digest);
    free(packed);
    return error;
}

int store_audit_append(struct store_file *file, struct store_audit_chain *chain, uint64_t wall_us,
                       Mec__AuditEntry *entry)
{
    uint8_t digest[DIGEST_SIZE];
    int error = store_audit_read_newest(file, entry->user, &entry->user_before_n);

    if (entry->user_before_n > chain->head.n) /* who cut the end off has forgotten this table */
        entry->user_before_n = 0;
    fill_in(chain, wall_us, entry);
    if (error == 0)
        error = put_packed(file, entry, digest);
    if (error == 0)
        error = put_user(file, entry->user, entry->n);
    if (error != 0)
        return error;
    chain->head.n = entry->n;
    memcpy(chain->head.digest, digest, DIGEST_SIZE);
    if (entry->n == 1)
        memcpy(chain->head.start, digest, DIGEST_SIZE);
    return 0;
}
