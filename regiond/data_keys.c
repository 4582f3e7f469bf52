#include "regiond/data_keys.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "common/memory.h"
#include "common/reach.h"
#include "common/residency.h"

#define PUBLIC_SIZE VAULT_KEY_PUBLIC_SIZE
#define BOX_SIZE    (DATA_KEYS_SIZE + crypto_box_SEALBYTES)
#define BASE64      sodium_base64_VARIANT_ORIGINAL
#define TEXT_SIZE   sodium_base64_ENCODED_LEN(BOX_SIZE, BASE64)

struct owner {
    uint32_t shard; /* the copy's target */
    char user[USER_ID_SIZE];
};

struct kept {
    UT_hash_handle hh;
    struct owner owner;
    struct data_key key;
};

struct data_keys {
    uint8_t public_key[PUBLIC_SIZE];
    uint8_t secret_key[crypto_box_SECRETKEYBYTES];
    struct kept *table; /* uthash iterates by arrival: the oldest comes first */
};

/* ---- what is kept ---- */

struct data_keys *data_keys_create(const uint8_t seed[VAULT_KEY_SEED_SIZE])
{
    struct data_keys *keys = memory_alloc(sizeof *keys);

    crypto_box_seed_keypair(keys->public_key, keys->secret_key, seed);
    return keys;
}

static void forget(struct data_keys *keys, struct kept *kept)
{
    HASH_DEL(keys->table, kept);
    sodium_memzero(kept, sizeof *kept);
    free(kept);
}

static void forget_all(struct data_keys *keys)
{
    while (keys->table)
        forget(keys, keys->table);
}

void data_keys_free(struct data_keys *keys)
{
    if (!keys)
        return;
    forget_all(keys);
    sodium_memzero(keys, sizeof *keys);
    free(keys);
}

size_t data_keys_kept(const struct data_keys *keys)
{
    return HASH_COUNT(keys->table);
}

/* Zeroed first: the hash takes in every byte. Returns false for what no user is called. */
static bool name_owner(const struct copy *copy, const char *user, struct owner *ret_owner)
{
    size_t size = strlen(user);

    memset(ret_owner, 0, sizeof *ret_owner);
    if (size >= sizeof ret_owner->user)
        return false;
    ret_owner->shard = copy->target;
    memcpy(ret_owner->user, user, size);
    return true;
}

static struct kept *find_kept(const struct data_keys *keys, const struct owner *owner)
{
    struct kept *kept;

    HASH_FIND(hh, keys->table, owner, sizeof *owner, kept);
    return kept;
}

static void keep(struct data_keys *keys, const struct owner *owner, const struct data_key *key)
{
    struct kept *kept = memory_alloc(sizeof *kept);

    if (HASH_COUNT(keys->table) == DATA_KEYS_KEPT_MAX) {
        reach(DATA_KEY_EVICTED);
        forget(keys, keys->table);
    }
    kept->owner = *owner;
    kept->key = *key;
    HASH_ADD(hh, keys->table, owner, sizeof kept->owner, kept);
}

void data_keys_changed(struct region *region, const struct copy *copy, const char *service,
                       const char *user)
{
    struct owner owner;
    struct kept *kept;

    if (strcmp(service, DATA_KEYS_SERVICE) != 0 || !name_owner(copy, user, &owner))
        return;
    kept = find_kept(region->data_keys, &owner);
    if (kept)
        forget(region->data_keys, kept);
}

void data_keys_configure(struct region *region)
{
    forget_all(region->data_keys);
}

/* ---- boxes ---- */

/* Whoever may not hold what the key opens gets no box either. */
static bool is_to_open(const Mec__Config *config, const Mec__VaultKey *key)
{
    return key->public_key.len == PUBLIC_SIZE && residency_allows(config, PARTS_VAULT, key->region);
}

/* As crypto_box_seal() does it, but that the pair of keys that is used once grows from the region's
 * secret: so a simulated run can be repeated. */
static int put_into_box(struct region *region, const uint8_t bytes[DATA_KEYS_SIZE],
                        const uint8_t to[PUBLIC_SIZE], uint8_t ret_box[BOX_SIZE])
{
    uint8_t seed[crypto_box_SEEDBYTES], once[crypto_box_SECRETKEYBYTES];
    uint8_t nonce[crypto_box_NONCEBYTES];
    crypto_generichash_state state;
    int r;

    secret_draw(&region->secret, seed, sizeof seed);
    crypto_box_seed_keypair(ret_box, once, seed);
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, ret_box, PUBLIC_SIZE);
    crypto_generichash_update(&state, to, PUBLIC_SIZE);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    r = crypto_box_easy(ret_box + PUBLIC_SIZE, bytes, DATA_KEYS_SIZE, nonce, to, once);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(once, sizeof once);
    return r == 0 ? 0 : -EINVAL;
}

static json_t *to_text(const uint8_t *bytes, size_t size)
{
    char text[TEXT_SIZE];

    sodium_bin2base64(text, sizeof text, bytes, size, BASE64);
    return json_string(text);
}

static bool from_text(const json_t *json, uint8_t *ret_bytes, size_t size)
{
    const char *text = json_string_value(json);
    size_t got;

    return text &&
           sodium_base642bin(ret_bytes, size, text, strlen(text), NULL, &got, NULL, BASE64) == 0 &&
           got == size;
}

void data_keys_draw(struct region *region, uint8_t ret_bytes[DATA_KEYS_SIZE])
{
    secret_draw(&region->secret, ret_bytes, DATA_KEYS_SIZE);
}

static bool is_ours(const struct region *region, const Mec__VaultKey *key)
{
    return strcmp(key->region, region->name) == 0 &&
           memcmp(key->public_key.data, region->data_keys->public_key, PUBLIC_SIZE) == 0;
}

char *data_keys_boxes(struct region *region, const uint8_t bytes[DATA_KEYS_SIZE])
{
    const Mec__Config *config = region->config;
    json_t *root = json_object();
    uint8_t box[BOX_SIZE];
    bool ours = false;
    char *text = NULL;

    for (size_t i = 0; i < config->n_vault_keys; i++) {
        const Mec__VaultKey *key = config->vault_keys[i];

        if (!is_to_open(config, key) || put_into_box(region, bytes, key->public_key.data, box) < 0)
            continue;
        json_object_set_new(root, key->region,
                            json_pack("{s:o, s:o}", "for",
                                      to_text(key->public_key.data, PUBLIC_SIZE), "box",
                                      to_text(box, sizeof box)));
        ours = ours || is_ours(region, key);
    }
    if (ours)
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* Is there a box for each region of the config as it opens them now? */
static bool has_all(const struct region *region, const json_t *root)
{
    const Mec__Config *config = region->config;
    uint8_t public_key[PUBLIC_SIZE];

    for (size_t i = 0; i < config->n_vault_keys; i++) {
        const Mec__VaultKey *key = config->vault_keys[i];
        const json_t *row = json_object_get(root, key->region);

        if (is_to_open(config, key) &&
            (!from_text(json_object_get(row, "for"), public_key, PUBLIC_SIZE) ||
             memcmp(public_key, key->public_key.data, PUBLIC_SIZE) != 0))
            return false;
    }
    return true;
}

static int open_box(const struct region *region, const json_t *root, struct data_key *ret_key)
{
    const struct data_keys *keys = region->data_keys;
    const json_t *row = json_object_get(root, region->name);
    uint8_t box[BOX_SIZE];

    if (!json_is_object(root))
        return -EBADMSG;
    if (!from_text(json_object_get(row, "box"), box, sizeof box) ||
        crypto_box_seal_open(ret_key->bytes, box, sizeof box, keys->public_key, keys->secret_key) !=
            0) {
        reach(DATA_KEY_NOT_OURS);
        return -ENOKEY;
    }
    ret_key->outdated = !has_all(region, root);
    return 0;
}

static int find_in_store(struct region *region, const struct copy *copy, const char *user,
                         struct data_key *ret_key)
{
    struct record record;
    json_t *root;
    int r = store_reader_get(copy->reader, region->scratch, DATA_KEYS_SERVICE, user,
                             DATA_KEYS_RECORD, &record);

    if (r < 0)
        return r;
    if (record.deleted)
        return -ENOENT;
    root = json_loadb(record.value.data, record.value.size, JSON_REJECT_DUPLICATES, NULL);
    r = open_box(region, root, ret_key);
    json_decref(root);
    ret_key->version = record.version;
    return r;
}

int data_keys_find(struct region *region, const struct copy *copy, const char *user,
                   struct data_key *ret_key)
{
    struct data_key key = {.version = 0};
    struct owner owner;
    const struct kept *kept;
    int r;

    if (!name_owner(copy, user, &owner))
        return -ENOENT;
    kept = find_kept(region->data_keys, &owner);
    if (kept) {
        *ret_key = kept->key;
        return 0;
    }
    r = find_in_store(region, copy, user, &key);
    if (r == 0) {
        keep(region->data_keys, &owner, &key);
        *ret_key = key;
    }
    sodium_memzero(&key, sizeof key);
    return r;
}
