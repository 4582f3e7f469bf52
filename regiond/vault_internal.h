/* vault_internal: what the files of the vault share. */

#ifndef MEC_VAULT_INTERNAL_H
#define MEC_VAULT_INTERNAL_H

#include "regiond/cache.h"
#include "regiond/vault.h"

/* ---- vault.c ---- */

/* 1 to 128 bytes of UTF-8 without control characters and slashes. */
bool vault_name_is_valid(const char *name);
void vault_refuse_name(struct region *region, struct request *request);

/* The user's data key or an item could not be had, by @error of data_keys.h or vault_item.h. */
void vault_answer_closed(struct region *region, struct request *request, int error);

/* Open @sealed, of @owner in request->copy, and answer with it. */
void vault_answer_opened(struct region *region, struct request *request, const char *owner,
                         const struct cache_record *sealed, Mec__Served served);

/* Answer with the caller's own item. */
void vault_get_own(struct region *region, struct request *request);

/* ---- vault_shared.c ---- */

/* VAULT_GET that names an owner. */
void vault_shared_get(struct region *region, struct request *request);

#endif
