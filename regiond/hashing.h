/* hashing: password work for other threads, bounded: a flood of log-ins must take neither all
 * processors nor all memory. */

#ifndef MEC_HASHING_H
#define MEC_HASHING_H

#include "regiond/core.h"

#define HASHING_OUT_MAX     2
#define HASHING_WAITING_MAX 64

/* @error: 0; -ENOMEM; -ECANCELED, the region is being freed. @hash has 32 bytes and lives until the
 * callback returns. */
typedef void hashing_done(struct region *region, void *context, int error, const uint8_t *hash);

struct hashing_work {
    struct slice password;
    const uint8_t *salt; /* 16 bytes */
    uint32_t operations;
    uint32_t memory_kib;
};

struct hashing *hashing_create(void);
void hashing_free(struct hashing *hashing);

/* Copies @work. Errors: -EBUSY, too many wait already; @done is not called then. */
int hashing_start(struct region *region, const struct hashing_work *work, hashing_done *done,
                  void *context);

void hashing_finished(struct region *region, struct region_hash_job *job);

/* End every piece of work with -ECANCELED. Returns whether there was any. */
bool hashing_cancel(struct region *region);

#endif
