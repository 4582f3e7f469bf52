#include "regiond/signing.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/kid.h"
#include "common/memory.h"
#include "regiond/core.h"

struct public_key {
    uint8_t bytes[TOKEN_KEY_PUBLIC_SIZE];
};

struct signing {
    struct region_key *keys;
    struct public_key *publics; /* the other halves of @keys, in their order */
    size_t count;
    const struct region_key *signer; /* one of @keys, or NULL */
    const char *lack;                /* why there is none, in words */
    const char *told_lack;
    bool asked; /* for all that this configuration wants: what fails is not tried in a loop */
};

struct signing *signing_create(void)
{
    return memory_alloc(sizeof(struct signing));
}

static void wipe(struct signing *signing)
{
    if (signing->keys)
        sodium_memzero(signing->keys, signing->count * sizeof *signing->keys);
    free(signing->keys);
    free(signing->publics);
    signing->keys = NULL;
    signing->publics = NULL;
    signing->count = 0;
    signing->signer = NULL;
}

void signing_free(struct signing *signing)
{
    if (!signing)
        return;
    wipe(signing);
    free(signing);
}

const struct region_key *signing_key(const struct signing *signing)
{
    return signing->signer;
}

static const struct region_key *find(const struct signing *signing, const char *kid)
{
    for (size_t i = 0; i < signing->count; i++)
        if (strcmp(signing->keys[i].kid, kid) == 0)
            return &signing->keys[i];
    return NULL;
}

static bool is_ours(const struct region *region, const char *name)
{
    return strcmp(name, region->name) == 0;
}

/* The one that the configuration says we sign with; NULL: none. */
static const Mec__SigningKey *find_wanted(const struct region *region)
{
    const Mec__Config *config = region->config;

    for (size_t i = 0; i < config->n_keys; i++)
        if (is_ours(region, config->keys[i]->region) &&
            config->keys[i]->state == MEC__KEY_STATE__KEY_SIGNING)
            return config->keys[i];
    return NULL;
}

/* What others would check our tokens with must be the other half of what we have. */
static bool fits(const struct signing *signing, const struct region_key *key,
                 const Mec__SigningKey *wanted)
{
    const struct public_key *public = &signing->publics[key - signing->keys];

    return wanted->public_key.len == sizeof public->bytes &&
           memcmp(wanted->public_key.data, public->bytes, sizeof public->bytes) == 0;
}

static void choose(struct region *region)
{
    struct signing *signing = region->signing;
    const Mec__SigningKey *wanted = find_wanted(region);
    const struct region_key *key = wanted ? find(signing, wanted->kid) : NULL;

    signing->signer = key && fits(signing, key, wanted) ? key : NULL;
    signing->lack = signing->signer ? NULL
                    : !wanted       ? "the configuration names no key of ours that signs"
                    : !key          ? "the key that is to sign is not here"
                                    : "the key that is to sign is another than the one here";
}

void signing_take(struct region *region, const struct region_key *keys, size_t count)
{
    struct signing *signing = region->signing;

    wipe(signing);
    signing->keys = count > 0 ? memory_copy(keys, count * sizeof *keys) : NULL;
    signing->publics = count > 0 ? memory_alloc(count * sizeof *signing->publics) : NULL;
    signing->count = count;
    for (size_t i = 0; i < count; i++)
        token_key_public(keys[i].seed, signing->publics[i].bytes);
    choose(region);
}

void signing_configure(struct region *region)
{
    choose(region);
    region->signing->asked = false;
}

static bool is_listed(const struct region *region, const char *kid)
{
    const Mec__Config *config = region->config;

    for (size_t i = 0; i < config->n_keys; i++)
        if (strcmp(config->keys[i]->kid, kid) == 0)
            return true;
    for (size_t i = 0; i < config->n_key_wishes; i++)
        if (strcmp(config->key_wishes[i]->kid, kid) == 0)
            return true;
    return false;
}

static void ask_to_make(struct region *region)
{
    const Mec__Config *config = region->config;

    for (size_t i = 0; i < config->n_key_wishes; i++) {
        const Mec__KeyWish *wish = config->key_wishes[i];

        if (is_ours(region, wish->region) && !find(region->signing, wish->kid))
            outbox_make_key(region->outbox, wish->kid);
    }
}

/* A key that is older than the one that signs and no longer known has retired: nobody takes what it
 * signs, and nobody should find it. One that is newer may be known to a configuration to come. */
static void ask_to_forget(struct region *region)
{
    const struct signing *signing = region->signing;
    uint32_t signs, number;

    if (!signing->signer || kid_number(signing->signer->kid, region->name, &signs) < 0)
        return;
    for (size_t i = 0; i < signing->count; i++) {
        const char *kid = signing->keys[i].kid;

        if (kid_number(kid, region->name, &number) == 0 && number < signs &&
            !is_listed(region, kid))
            outbox_forget_key(region->outbox, kid);
    }
}

static void tell_lack(struct region *region)
{
    struct signing *signing = region->signing;

    if (signing->lack && signing->lack != signing->told_lack)
        outbox_log(region->outbox, "no token is signed: %s", signing->lack);
    signing->told_lack = signing->lack;
}

void signing_pump(struct region *region)
{
    tell_lack(region);
    if (region->signing->asked)
        return;
    region->signing->asked = true;
    ask_to_make(region);
    ask_to_forget(region);
}
