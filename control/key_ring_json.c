#include "control/key_ring_json.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

static json_t *key_to_json(const struct key_ring_key *key)
{
    char public_key[2 * TOKEN_KEY_PUBLIC_SIZE + 1];
    bool ends = key->until_wall_us != UINT64_MAX;

    sodium_bin2hex(public_key, sizeof public_key, key->public_key, TOKEN_KEY_PUBLIC_SIZE);
    return json_pack("{s:I, s:s, s:s, s:I, s:I, s:o}", "number", (json_int_t)key->number, "state",
                     key_ring_state_name(key->state), "public_key", public_key, "since_wall_us",
                     (json_int_t)key->since_wall_us, "version", (json_int_t)key->version,
                     "until_wall_us",
                     ends ? json_integer((json_int_t)key->until_wall_us) : json_null());
}

json_t *key_ring_json_make(const struct key_ring *ring)
{
    bool leaks = ring->leak_until_wall_us != UINT64_MAX;
    json_t *keys = json_array();

    for (size_t i = 0; i < ring->count; i++)
        json_array_append_new(keys, key_to_json(&ring->keys[i]));
    return json_pack("{s:o, s:I, s:o}", "keys", keys, "last_number", (json_int_t)ring->last_number,
                     "leak_until_wall_us",
                     leaks ? json_integer((json_int_t)ring->leak_until_wall_us) : json_null());
}

static int read_public_key(const char *hex, uint8_t ret_key[TOKEN_KEY_PUBLIC_SIZE])
{
    size_t size;

    if (sodium_hex2bin(ret_key, TOKEN_KEY_PUBLIC_SIZE, hex, strlen(hex), NULL, &size, NULL) != 0 ||
        size != TOKEN_KEY_PUBLIC_SIZE)
        return -EBADMSG;
    return 0;
}

static uint64_t wall_us_or_never(const json_t *json)
{
    return json_is_integer(json) ? (uint64_t)json_integer_value(json) : UINT64_MAX;
}

static int key_from_json(const json_t *row, struct key_ring_key *ret_key)
{
    const char *state, *public_key;
    json_int_t number, since, version;

    if (json_unpack((json_t *)row, "{s:I, s:s, s:s, s:I, s:I}", "number", &number, "state", &state,
                    "public_key", &public_key, "since_wall_us", &since, "version", &version) != 0 ||
        number <= 0 || number > UINT32_MAX || read_public_key(public_key, ret_key->public_key) != 0)
        return -EBADMSG;
    ret_key->number = (uint32_t)number;
    ret_key->since_wall_us = (uint64_t)since;
    ret_key->version = (uint64_t)version;
    ret_key->until_wall_us = wall_us_or_never(json_object_get(row, "until_wall_us"));
    for (int i = KEY_RING_WANTED; i <= KEY_RING_RETIRING; i++) {
        if (strcmp(key_ring_state_name((enum key_ring_state)i), state) != 0)
            continue;
        ret_key->state = (enum key_ring_state)i;
        return 0;
    }
    return -EBADMSG;
}

static int ring_from_json(const json_t *json, struct key_ring *ret_ring)
{
    const json_t *rows = json_object_get(json, "keys");
    json_int_t last = json_integer_value(json_object_get(json, "last_number"));

    key_ring_init(ret_ring);
    if (!json_is_array(rows) || json_array_size(rows) > KEY_RING_KEYS_MAX || last < 0 ||
        last > UINT32_MAX)
        return -EBADMSG;
    ret_ring->last_number = (uint32_t)last;
    ret_ring->leak_until_wall_us = wall_us_or_never(json_object_get(json, "leak_until_wall_us"));
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (key_from_json(json_array_get(rows, i), &ret_ring->keys[ret_ring->count++]) != 0)
            return -EBADMSG;
    return key_ring_is_valid(ret_ring) ? 0 : -EBADMSG;
}

/* A file of before rings knows one key a region, which signs. */
int key_ring_json_read(const json_t *row, struct key_ring *ret_ring)
{
    const char *hex = json_string_value(json_object_get(row, "public_key"));
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE];

    if (!hex)
        return ring_from_json(json_object_get(row, "key_ring"), ret_ring);
    if (read_public_key(hex, public_key) != 0)
        return -EBADMSG;
    key_ring_init(ret_ring);
    key_ring_begin(ret_ring, 1, public_key, 0);
    return 0;
}
