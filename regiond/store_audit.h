/* store_audit: the audit chain of one file: who did what and who was denied what, in an order that
 * nobody can change unseen.
 *
 * Each file that a region writes (a shard's at its home, and the queue) has a chain of its own:
 * SQLite cannot commit to two WAL files at once, and an entry must be there exactly when what it
 * tells of is. So an entry is appended in the transaction of the write, and an append that fails
 * fails the batch. Followers append nothing when they apply changes.
 *
 * Entries are numbered densely from 1; each is packed once and holds the digest of the one before.
 * The file alone shows an edit, a hole and a change of order. That its end is cut off, or that all
 * behind an edit was made anew, shows against a head that somebody else has kept. */

#ifndef MEC_STORE_AUDIT_H
#define MEC_STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"

#define DIGEST_SIZE 32 /* BLAKE2b-256 */

/* What is to stand in an entry of its own, without a change. Borrowed pointers; NULL is empty. */
struct store_event {
    const char *action;  /* "auth.log-in" */
    const char *service; /* "auth" */
    const char *user;    /* id of who did it */
    const char *session;
    const char *key;
    const char *outcome; /* NULL: "done"; or a type of problem.h */
    const char *receipt;
    uint64_t count; /* how many such events it stands for; 0 counts as 1 */
};

/* How far a chain has got. */
struct store_audit_head {
    uint64_t n;                  /* 0: no entry, and the rest is zero */
    uint8_t digest[DIGEST_SIZE]; /* of entry n */
    uint8_t start[DIGEST_SIZE];  /* of entry 1: a file that was lost begins another chain */
};

/* ---- reading ---- */

/* Texts live in the caller's arena. */
struct store_audit_entry {
    uint64_t n;
    uint64_t wall_us;
    const char *region, *chain;
    const char *service, *user, *session, *action, *key;
    const char *outcome; /* "done", "queued", or a type of problem.h */
    const char *receipt;
    uint64_t count;
    const char *shard;
    uint64_t epoch, seq; /* of the change that belongs to it; 0: there is none */
    uint8_t change_digest[DIGEST_SIZE];
};

/* The chain of the file at @path is named as the file is: "shard-us-east", "queue". */
#define STORE_AUDIT_QUEUE        "queue"
#define STORE_AUDIT_SHARD_PREFIX "shard-"

/* ---- verifying ---- */

/* fault, name */
#define STORE_AUDIT_FAULTS(X)                                                                      \
    X(EDITED, "edited")          /* entry n is not what its digest was made of */                  \
    X(MISSING, "missing")        /* entries n to other are gone, with others behind them */        \
    X(REORDERED, "reordered")    /* where entry n should be stands entry `other` */                \
    X(BROKEN, "does-not-follow") /* entry n does not hold the digest of the one before */          \
    X(FOREIGN, "foreign")        /* entry n is of another chain, or has a number that is none */   \
    X(CUT, "cut-off")            /* the chain ends at n, and the witness has a head at `other` */  \
    X(REWRITTEN, "rewritten")    /* entry n is not the one of which the witness has a head */      \
    X(REPLACED, "replaced")      /* the witness has a head at `other` of a chain before this */    \
    X(UNAUDITED, "unaudited")    /* the change at (epoch, seq) has no entry */                     \
    X(NO_CHANGE, "no-change")    /* the log does not have the change that entry n tells of */      \
    X(OTHER_CHANGE, "other-change") /* it has another one there */                                 \
    X(OUT_OF_TURN, "out-of-turn")   /* the change of entry n is not behind those before it */

enum store_audit_fault {
#define X(fault, name) STORE_AUDIT_##fault,
    STORE_AUDIT_FAULTS(X)
#undef X
        STORE_AUDIT_FAULT_COUNT
};

struct store_audit_finding {
    enum store_audit_fault fault;
    uint64_t n;          /* entry; 0: none is meant */
    uint64_t other;      /* another entry */
    uint64_t epoch, seq; /* of a change */
    const char *witness; /* as store_audit_begin() was given it */
};

#define STORE_AUDIT_TEXT_SIZE 256

const char *store_audit_finding_name(enum store_audit_fault fault); /* as in the table */

/* One sentence for people. Returns @ret_text. */
const char *store_audit_finding_text(const struct store_audit_finding *finding,
                                     char ret_text[STORE_AUDIT_TEXT_SIZE]);

/* A head that somebody has kept, and whose signature was checked. */
struct store_audit_witness {
    const char *name; /* who has it */
    struct store_audit_head head;
};

#define STORE_AUDIT_FINDINGS_MAX                                                                   \
    16 /* kept; what is wrong a thousand times is named a few times                                \
        */

struct store_audit_result {
    struct store_audit_head end;
    uint64_t entries;
    const struct store_audit_finding *findings; /* live until store_audit_free() */
    size_t finding_count;                       /* kept */
    uint64_t found;                             /* all */
};

/* Verify the whole chain of the file at @path, which is to be @chain of @region, some rows at a
 * time: begin, step until it returns 0, read the result. Uses a snapshot of its own. In a shard's
 * file each change of an epoch in which this chain has entries is held against them, from the first
 * one on: others were made elsewhere, or by a version that kept no audit.
 *
 * Texts of @witnesses are borrowed until store_audit_free().
 *
 * Errors: as store_open(); the file must exist. */
struct store_audit;
int store_audit_begin(const char *path, const char *vfs, const char *region, const char *chain,
                      const struct store_audit_witness *witnesses, size_t witness_count,
                      struct store_audit **ret_audit);
/* Returns 1 when there is more, 0 when done, -EIO. */
int store_audit_step(struct store_audit *audit, size_t rows);
void store_audit_result(const struct store_audit *audit, struct store_audit_result *ret_result);
void store_audit_free(struct store_audit *audit);

#endif
