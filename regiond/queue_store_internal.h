/* What the parts of queue_store.c share: the file's format. */

#ifndef MEC_QUEUE_STORE_INTERNAL_H
#define MEC_QUEUE_STORE_INTERNAL_H

#include "regiond/queue_store.h"
#include "regiond/store_audit_internal.h"
#include "regiond/store_file.h"

extern const struct store_file_kind queue_store_kind;

enum queue_store_statement {
    QUEUE_SQL_TOTALS = STORE_AUDIT_SQL_COUNT,
    QUEUE_SQL_LAST_SEQ,
    QUEUE_SQL_KNOWN,
    QUEUE_SQL_ENQUEUE,
    QUEUE_SQL_MARK,
    QUEUE_SQL_ATTEMPT,
    QUEUE_SQL_CALL_SIZE,
    QUEUE_SQL_SETTLE,
    QUEUE_SQL_FORGET,
    QUEUE_SQL_WAITING,
    QUEUE_SQL_FIND,
    QUEUE_SQL_SHARD_SEQ,
    QUEUE_SQL_HEAD_PUT,
    QUEUE_SQL_HEADS
};

#endif
