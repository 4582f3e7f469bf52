/* outbox: the actions of one step, and the bytes they point to. All of it lives until the next
 * step. */

#ifndef MEC_OUTBOX_H
#define MEC_OUTBOX_H

#include "regiond/region.h"

struct outbox;

struct outbox *outbox_create(void);
void outbox_free(struct outbox *outbox);

/* Forget what the step before made. */
void outbox_reset(struct outbox *outbox);
struct region_actions outbox_actions(const struct outbox *outbox);

void outbox_send(struct outbox *outbox, uint64_t connection, enum frame_kind kind, uint64_t id,
                 const ProtobufCMessage *message);

/* Takes over @frame, allocated by malloc. It is wiped when it is freed: forwarded log-ins hold
 * passwords. */
void outbox_send_peer(struct outbox *outbox, uint32_t peer, uint8_t *frame, size_t size);

void outbox_close(struct outbox *outbox, uint64_t connection, const char *why);
void outbox_commit(struct outbox *outbox, struct storage_batch *batch);
void outbox_hash(struct outbox *outbox, struct region_hash_job *job);
void outbox_ready(struct outbox *outbox);
void outbox_make_key(struct outbox *outbox, const char *kid);
void outbox_forget_key(struct outbox *outbox, const char *kid);
void outbox_stop(struct outbox *outbox, const char *why);
void outbox_log(struct outbox *outbox, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
