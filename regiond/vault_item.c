#include "regiond/vault_item.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/memory.h"
#include "regiond/data_keys.h"
#include "regiond/vault.h"

uint8_t *vault_item_pack(const char *content_type, struct slice value, size_t *ret_size)
{
    size_t type_size = strlen(content_type);
    uint8_t *plain = memory_alloc(VAULT_ITEM_HEAD_SIZE + value.size);

    assert(type_size <= VAULT_ITEM_TYPE_SIZE_MAX);
    plain[0] = (uint8_t)type_size;
    memcpy(plain + 1, content_type, type_size);
    if (value.size > 0)
        memcpy(plain + VAULT_ITEM_HEAD_SIZE, value.data, value.size);
    *ret_size = VAULT_ITEM_HEAD_SIZE + value.size;
    return plain;
}

/* The content type moves to the front, over its size, so that there is room for a closing NUL. */
static int unpack(struct vault_item *item)
{
    size_t type_size = item->plain_size > 0 ? item->plain[0] : 0;

    if (item->plain_size < VAULT_ITEM_HEAD_SIZE || type_size > VAULT_ITEM_TYPE_SIZE_MAX)
        return -EBADMSG;
    memmove(item->plain, item->plain + 1, type_size);
    item->plain[type_size] = '\0';
    item->content_type = (const char *)item->plain;
    item->value = (struct slice){(const char *)item->plain + VAULT_ITEM_HEAD_SIZE,
                                 item->plain_size - VAULT_ITEM_HEAD_SIZE};
    return 0;
}

int vault_item_open(struct region *region, const struct copy *copy, const char *user,
                    const char *name, uint64_t version, struct slice sealed,
                    struct vault_item *ret_item)
{
    const struct seal_place place = {.shard = copy->shard,
                                     .user = user,
                                     .service = VAULT_SERVICE,
                                     .key = name,
                                     .version = version};
    struct vault_item item = {.plain = NULL};
    struct data_key key;
    int r = data_keys_find(region, copy, user, &key);

    if (r < 0)
        return r == -ENOENT ? -EBADMSG : r;
    item.plain = memory_alloc(sealed.size + 1);
    r = seal_open(key.bytes, &place, sealed, item.plain, &item.plain_size);
    sodium_memzero(&key, sizeof key);
    if (r == 0)
        r = unpack(&item);
    if (r < 0) {
        vault_item_close(&item);
        return r;
    }
    *ret_item = item;
    return 0;
}

void vault_item_close(struct vault_item *item)
{
    if (item->plain)
        sodium_memzero(item->plain, item->plain_size);
    free(item->plain);
    *item = (struct vault_item){.plain = NULL};
}
