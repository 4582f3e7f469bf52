/* What both kinds of files do alike for their audit chains: the tables, and appending and reading
 * by a connection of theirs. */

#ifndef MEC_STORE_AUDIT_INTERNAL_H
#define MEC_STORE_AUDIT_INTERNAL_H

#include "audit.pb-c.h"
#include "regiond/store_audit.h"
#include "regiond/store_file.h"

/* `audit_users` has the newest entry of each user; the entries themselves lead from there to the
 * older ones. An index by user would grow with the chain, and its pages would be others for every
 * write; this has a row a user. */
#define STORE_AUDIT_TABLES                                                                         \
    "CREATE TABLE audit(n INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;" \
    "CREATE TABLE audit_users(user TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

/* The first statements of each kind of file. */
enum store_audit_statement {
    STORE_AUDIT_SQL_END,
    STORE_AUDIT_SQL_GET,
    STORE_AUDIT_SQL_PUT,
    STORE_AUDIT_SQL_USER_GET,
    STORE_AUDIT_SQL_USER_PUT,
    STORE_AUDIT_SQL_SCAN,
    STORE_AUDIT_SQL_COUNT
};

#define STORE_AUDIT_STATEMENTS                                                                     \
    [STORE_AUDIT_SQL_END] = "SELECT n, digest, bytes FROM audit ORDER BY n DESC LIMIT 1",          \
    [STORE_AUDIT_SQL_GET] = "SELECT n, digest, bytes FROM audit WHERE n=?1",                       \
    [STORE_AUDIT_SQL_PUT] = "INSERT INTO audit(n, digest, bytes) VALUES(?1, ?2, ?3)",              \
    [STORE_AUDIT_SQL_USER_GET] = "SELECT n FROM audit_users WHERE user=?1",                        \
    [STORE_AUDIT_SQL_USER_PUT] = "REPLACE INTO audit_users(user, n) VALUES(?1, ?2)",               \
    [STORE_AUDIT_SQL_SCAN] = "SELECT n, digest, bytes FROM audit WHERE n>?1 ORDER BY n"

/* A chain that is being written. */
struct store_audit_chain {
    const char *region;
    const char *name;
    struct store_audit_head head;
};

/* Append @entry, whose place in the chain is filled in here, within the transaction under way, and
 * move chain->head. Errors: as store_file_run(). */
int store_audit_append(struct store_file *file, struct store_audit_chain *chain, uint64_t wall_us,
                       Mec__AuditEntry *entry);

/* The entry of an event without a change. Points to what @event points to. */
Mec__AuditEntry store_audit_append_entry(const struct store_event *event);

/* A borrowed text as a field of a message; protobuf-c has no const there. */
char *store_audit_append_text(const char *text);

/* The end of the chain as the file has it. An entry that was tampered with does not keep a region
 * from starting, for the chain goes on from the digest beside it, and verifying names it.
 *
 * Errors: as store_open(). */
int store_audit_read_head(struct store_file *file, struct store_audit_head *ret_head);

/* The newest entry of @user; 0: there is none. Errors: as store_file_error(). */
int store_audit_read_newest(struct store_file *file, const char *user, uint64_t *ret_n);

/* Entries of @user behind (older than) @before_n (0: the newest), newest first, at most @limit.
 * Returns how many. Errors: -EIO, also when the chain does not lead on. */
int store_audit_read_user(struct store_file *file, struct arena *arena, const char *user,
                          uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries);

/* Entries behind @after_n, in their order. Returns how many. Errors: -EIO. */
int store_audit_read_entries(struct store_file *file, struct arena *arena, uint64_t after_n,
                             size_t limit, struct store_audit_entry *ret_entries);

#endif
