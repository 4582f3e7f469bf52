#include "regiond/store_refusals.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define NAME_SIZE crypto_generichash_BYTES_MIN

struct entry {
    UT_hash_handle hh;
    uint8_t name[NAME_SIZE]; /* of user and key */
    struct store_refusal refusal;
};

struct store_refusals {
    struct entry *table; /* uthash iterates by arrival: the oldest comes first */
};

struct store_refusals *store_refusals_create(void)
{
    return memory_alloc(sizeof(struct store_refusals));
}

static void forget_oldest(struct store_refusals *refusals)
{
    struct entry *entry = refusals->table;

    HASH_DEL(refusals->table, entry);
    free(entry);
}

void store_refusals_free(struct store_refusals *refusals)
{
    if (!refusals)
        return;
    while (refusals->table)
        forget_oldest(refusals);
    free(refusals);
}

static struct entry *find(const struct store_refusals *refusals, const uint8_t name[NAME_SIZE])
{
    struct entry *entry;

    HASH_FIND(hh, refusals->table, name, NAME_SIZE, entry);
    return entry;
}

static void make_name(const char *user, const char *key, uint8_t ret_name[NAME_SIZE])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, NAME_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)user, strlen(user) + 1);
    crypto_generichash_update(&state, (const uint8_t *)key, strlen(key));
    crypto_generichash_final(&state, ret_name, NAME_SIZE);
}

void store_refusals_note(struct store_refusals *refusals, const char *user, const char *key,
                         const struct store_refusal *refusal)
{
    uint8_t name[NAME_SIZE];
    struct entry *entry;

    make_name(user, key, name);
    if (find(refusals, name))
        return;
    if (HASH_COUNT(refusals->table) >= STORE_REFUSALS_MAX)
        forget_oldest(refusals);
    entry = memory_alloc(sizeof(*entry));
    memcpy(entry->name, name, NAME_SIZE);
    entry->refusal = *refusal;
    HASH_ADD(hh, refusals->table, name, NAME_SIZE, entry);
}

bool store_refusals_find(const struct store_refusals *refusals, const char *user, const char *key,
                         struct store_refusal *ret_refusal)
{
    uint8_t name[NAME_SIZE];
    const struct entry *entry;

    if (!refusals->table) /* nearly always: spares every write a hash */
        return false;
    make_name(user, key, name);
    entry = find(refusals, name);
    if (entry)
        *ret_refusal = entry->refusal;
    return entry != NULL;
}
