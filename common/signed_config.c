#include "common/signed_config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* With its closing NUL: no context is the beginning of another. */
static const char context[] = "mecentral config 1";

void signed_config_make_pin(const uint8_t seed[SIGNED_CONFIG_SEED_SIZE], const char *world,
                            struct signed_config_pin *ret_pin)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    assert(strlen(world) < sizeof ret_pin->world);
    *ret_pin = (struct signed_config_pin){0};
    strcpy(ret_pin->world, world);
    crypto_sign_seed_keypair(ret_pin->public_key, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

uint8_t *signed_config_pack_pin(const struct signed_config_pin *pin, size_t *ret_size)
{
    Mec__ControlPin message = MEC__CONTROL_PIN__INIT;
    uint8_t *bytes;

    message.public_key.data = (uint8_t *)pin->public_key;
    message.public_key.len = sizeof pin->public_key;
    message.world = (char *)pin->world;
    bytes = memory_alloc(mec__control_pin__get_packed_size(&message));
    *ret_size = mec__control_pin__pack(&message, bytes);
    return bytes;
}

int signed_config_read_pin(const uint8_t *bytes, size_t size, struct signed_config_pin *ret_pin)
{
    Mec__ControlPin *message = mec__control_pin__unpack(NULL, size, bytes);
    int error = -EBADMSG;

    if (message && message->public_key.len == sizeof ret_pin->public_key &&
        message->world[0] != '\0' && strlen(message->world) < sizeof ret_pin->world) {
        memcpy(ret_pin->public_key, message->public_key.data, sizeof ret_pin->public_key);
        strcpy(ret_pin->world, message->world);
        error = 0;
    }
    mec__control_pin__free_unpacked(message, NULL);
    return error;
}

/* What is signed: new bytes. */
static uint8_t *in_context(const uint8_t *config, size_t size)
{
    uint8_t *bytes = memory_alloc(sizeof context + size);

    memcpy(bytes, context, sizeof context);
    if (size > 0)
        memcpy(bytes + sizeof context, config, size);
    return bytes;
}

uint8_t *signed_config_pack(const Mec__Config *config, const uint8_t seed[SIGNED_CONFIG_SEED_SIZE],
                            size_t *ret_size)
{
    uint8_t public_key[SIGNED_CONFIG_PUBLIC_SIZE], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
    size_t size = mec__config__get_packed_size(config);
    uint8_t *bytes = memory_alloc(sizeof context + size), *packed;
    Mec__SignedConfig message = MEC__SIGNED_CONFIG__INIT;

    memcpy(bytes, context, sizeof context);
    mec__config__pack(config, bytes + sizeof context);
    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(signature, NULL, bytes, sizeof context + size, secret);
    sodium_memzero(secret, sizeof secret);

    message.config.data = bytes + sizeof context;
    message.config.len = size;
    message.signature.data = signature;
    message.signature.len = sizeof signature;
    packed = memory_alloc(mec__signed_config__get_packed_size(&message));
    *ret_size = mec__signed_config__pack(&message, packed);
    free(bytes);
    return packed;
}

static int check_signature(const Mec__SignedConfig *message, const struct signed_config_pin *pin)
{
    uint8_t *bytes;
    bool good;

    if (message->signature.len == 0)
        return -ENOKEY;
    if (message->signature.len != crypto_sign_BYTES)
        return -EKEYREJECTED;
    bytes = in_context(message->config.data, message->config.len);
    good = crypto_sign_verify_detached(message->signature.data, bytes,
                                       sizeof context + message->config.len, pin->public_key) == 0;
    free(bytes);
    return good ? 0 : -EKEYREJECTED;
}

int signed_config_open(const uint8_t *bytes, size_t size, const struct signed_config_pin *pin,
                       uint64_t have_version, struct arena *arena, const Mec__Config **ret_config)
{
    const Mec__SignedConfig *message =
        mec__signed_config__unpack(arena_allocator(arena), size, bytes);
    const Mec__Config *config;
    int error;

    if (!message)
        return -EBADMSG;
    error = check_signature(message, pin);
    if (error < 0)
        return error;
    config = mec__config__unpack(arena_allocator(arena), message->config.len, message->config.data);
    if (!config || config->version == 0 || !config->settings)
        return -EBADMSG;
    if (strcmp(config->world, pin->world) != 0)
        return -EXDEV;
    if (config->version < have_version)
        return -ESTALE;
    *ret_config = config;
    return 0;
}

const char *signed_config_why(int error)
{
    switch (error) {
    case -EBADMSG:
        return "it cannot be read";
    case -ENOKEY:
        return "it is not signed";
    case -EKEYREJECTED:
        return "it is signed by another key than the one in control.pin, or was changed";
    case -EXDEV:
        return "it is of another world than the one in control.pin";
    case -ESTALE:
        return "it is older than the one in force";
    default:
        return strerror(-error);
    }
}
