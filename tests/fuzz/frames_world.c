#include "tests/fuzz/frames.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kid.h"
#include "common/memory.h"
#include "common/residency.h"
#include "common/token.h"
#include "common/vault_key.h"
#include "control/compile.h"
#include "replication.pb-c.h"

#define DIGEST_SIZE 32u

const char *const frames_names[FRAMES_REGIONS] = {"us-east", "eu-west", "ap-northeast"};

/* ---- keys and tokens ---- */

static const uint8_t *seed_of(size_t region, uint8_t kind)
{
    static uint8_t seeds[2][FRAMES_REGIONS][32];

    assert(region < FRAMES_REGIONS);
    memset(seeds[kind][region], 1 + 16 * kind + (int)region, 32);
    return seeds[kind][region];
}

const uint8_t *frames_signing_seed(size_t region)
{
    return seed_of(region, 0);
}

const uint8_t *frames_vault_seed(size_t region)
{
    return seed_of(region, 1);
}

const char *frames_token(size_t region)
{
    static char headers[FRAMES_REGIONS][TOKEN_SIZE_MAX + 8];
    struct token_claims claims = {.generation = 1,
                                  .scope = TOKEN_SCOPE_ALL,
                                  .session = "session",
                                  .auth_time_s = FRAMES_WALL_US / SECOND_US,
                                  .issued_s = FRAMES_WALL_US / SECOND_US,
                                  .expires_s = FRAMES_WALL_US / SECOND_US + 600};
    char kid[KID_SIZE];
    char *token;

    assert(region < FRAMES_REGIONS);
    if (headers[region][0] != '\0')
        return headers[region];
    snprintf(claims.user, sizeof claims.user, "u%zu", region);
    snprintf(claims.shard, sizeof claims.shard, "%s", frames_names[region]);
    kid_format(frames_names[region], 1, kid);
    token = token_sign("test", kid, frames_signing_seed(region), &claims);
    snprintf(headers[region], sizeof headers[region], "Bearer %s", token);
    free(token);
    return headers[region];
}

/* ---- configurations ---- */

static void must(int error, char *why)
{
    if (error != 0 && why)
        fprintf(stderr, "%s\n", why);
    assert(error == 0);
}

static void break_something(struct faults *faults, const struct topology *topology, size_t number)
{
    static const struct fault broken[2][3] = {
        {{.kind = FAULT_CUT, .a = "us-east", .b = "eu-west"},
         {.kind = FAULT_SERVICE, .a = "us-east", .part = "vault", .down = true},
         {.kind = FAULT_CACHE, .a = "us-east", .disable = true}},
        {{.kind = FAULT_CUT, .a = "us-east", .b = "ap-northeast", .reset = true},
         {.kind = FAULT_LINK, .a = "us-east", .b = "eu-west", .has_loss = true, .loss_ppm = 300000},
         {.kind = FAULT_SERVICE,
          .a = "us-east",
          .part = "auth",
          .has_errors = true,
          .error_ppm = 500000}},
    };

    for (size_t i = 0; number >= 2 && i < 3; i++) {
        struct fault added;
        char *why = NULL;

        must(faults_add(faults, topology, &broken[number - 2][i], &added, &why), why);
    }
}

/* Our region is inside, and ships less to one of its peers; or outside, and hears less itself. */
static void pin(struct topology *topology, enum frames_residency residency)
{
    static char inside[] = "us-east", other[] = "eu-west", outside[] = "ap-northeast";
    char *const pairs[][2] = {
        [FRAMES_INSIDE] = {inside, other}, [FRAMES_OUTSIDE] = {other, outside}};
    static const enum parts_service services[] = {PARTS_VAULT, PARTS_METADATA};

    for (size_t i = 0; residency != FRAMES_ANYWHERE && i < 2; i++) {
        char *why = NULL;
        must(topology_pin(topology, services[i], pairs[residency], 2, &why), why);
    }
}

static Mec__Config *make_config(size_t number, enum frames_residency residency)
{
    struct key_ring rings[FRAMES_REGIONS];
    uint8_t vault_keys[FRAMES_REGIONS][VAULT_KEY_PUBLIC_SIZE];
    struct compile_listener listener = {"", 0};
    struct topology *topology = NULL;
    struct faults faults = {0};
    char *why = NULL;
    Mec__Config *config;

    must(topology_built_in("us-east,eu-west,ap-northeast", &topology, &why), why);
    topology->settings.argon2_operations = 1;
    topology->settings.argon2_memory_kib = 8;
    for (size_t i = 0; i < FRAMES_REGIONS; i++) {
        uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE];

        token_key_public(frames_signing_seed(i), public_key);
        key_ring_init(&rings[i]);
        key_ring_begin(&rings[i], 1, public_key, FRAMES_WALL_US);
        vault_key_public(frames_vault_seed(i), vault_keys[i]);
    }
    pin(topology, residency);
    break_something(&faults, topology, number);
    config = compile_config(
        &(struct compile_input){.version = number + 1,
                                .world = "test",
                                .runtime_directory = "run",
                                .topology = topology,
                                .faults = &faults,
                                .listeners = &listener,
                                .listener_count = 1,
                                .rings = rings,
                                .vault_keys = (const uint8_t(*)[VAULT_KEY_PUBLIC_SIZE])vault_keys,
                                .seed = 1});
    faults_free(&faults);
    topology_free(topology);
    return config;
}

static enum frames_residency in_force;

void frames_pin(enum frames_residency residency)
{
    in_force = residency;
}

const Mec__Config *frames_config(size_t number)
{
    static Mec__Config *configs[FRAMES_RESIDENCIES][FRAMES_CONFIGS];
    Mec__Config **of = configs[in_force];

    if (!of[0]) {
        for (size_t i = 0; i < FRAMES_CONFIGS; i++)
            of[i] = make_config(i, in_force);
        for (size_t i = 0; i < 2; i++) { /* its home is not the region that we look at */
            Mec__ShardConfig *shard = of[1]->shards[i];

            free(shard->home);
            shard->home = memory_text(frames_names[1 - i]);
            shard->epoch = 2;
        }
    }
    return of[number % FRAMES_CONFIGS];
}

/* ---- digests ---- */

static void set_bytes(ProtobufCBinaryData *bytes, const uint8_t *data, size_t size)
{
    free(bytes->data);
    bytes->data = memory_copy(data, size);
    bytes->len = size;
}

static void set_digest(ProtobufCBinaryData *digest, const ProtobufCBinaryData *of)
{
    uint8_t computed[DIGEST_SIZE];

    crypto_generichash(computed, sizeof computed, of->data, of->len, NULL, 0);
    set_bytes(digest, computed, sizeof computed);
}

/* Each change follows the one before it in the message; the first is as it is. */
static void mend_changes(Mec__StoredChange *const *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Mec__Change *change =
            mec__change__unpack(NULL, changes[i]->change.len, changes[i]->change.data);
        size_t size;
        uint8_t *packed;

        bool redacted = change && residency_is_redacted(change);
        if (change) {
            if (!redacted)
                set_digest(&change->value_digest, &change->value);
            if (i > 0)
                set_bytes(&change->previous_digest, changes[i - 1]->digest.data, DIGEST_SIZE);
            size = mec__change__get_packed_size(change);
            packed = memory_alloc(size);
            mec__change__pack(change, packed);
            set_bytes(&changes[i]->change, packed, size);
            free(packed);
        }
        /* A redaction stands for what was left out, so it has two. */
        if (redacted && change->redacted_digest.len == DIGEST_SIZE) {
            set_bytes(&changes[i]->digest, change->redacted_digest.data, DIGEST_SIZE);
            set_digest(&changes[i]->redaction_digest, &changes[i]->change);
        } else {
            set_digest(&changes[i]->digest, &changes[i]->change);
        }
        if (change)
            mec__change__free_unpacked(change, NULL);
    }
}

static uint8_t *pack(const ProtobufCMessage *message, size_t *ret_size)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes;

    if (size > FRAME_BODY_SIZE_MAX)
        return NULL;
    bytes = memory_alloc(size);
    protobuf_c_message_pack(message, bytes);
    *ret_size = size;
    return bytes;
}

uint8_t *frames_mend(enum frame_kind kind, struct fuzz_bytes body, size_t *ret_size)
{
    uint8_t *mended = NULL;

    if (kind == FRAME_APPLY) {
        Mec__Apply *apply = mec__apply__unpack(NULL, body.size, body.data);

        if (!apply)
            return NULL;
        mend_changes(apply->changes, apply->n_changes);
        mended = pack(&apply->base, ret_size);
        mec__apply__free_unpacked(apply, NULL);
    } else if (kind == FRAME_TAIL) {
        Mec__Tail *tail = mec__tail__unpack(NULL, body.size, body.data);

        if (!tail)
            return NULL;
        mend_changes(tail->changes, tail->n_changes);
        mended = pack(&tail->base, ret_size);
        mec__tail__free_unpacked(tail, NULL);
    }
    return mended;
}
