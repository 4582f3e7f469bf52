#include "regiond/account.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"

/* ---- ids ---- */

#define ID_HALF_SIZE 13 /* characters of 5 bits: enough to tell sign-ups and shards apart */

/* Characters that nobody gets but by the same texts. */
static void make_half(const char *const *texts, size_t count, char ret_half[ID_HALF_SIZE])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES];

    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (size_t i = 0; i < count; i++)
        crypto_generichash_update(&state, (const uint8_t *)texts[i], strlen(texts[i]) + 1);
    crypto_generichash_final(&state, digest, sizeof digest);
    for (size_t i = 0; i < ID_HALF_SIZE; i++)
        ret_half[i] = letters[digest[i] & 31];
}

void account_make_id(const char *idempotency_key, const char *name, const char *shard,
                     char ret_id[USER_ID_SIZE])
{
    const char *const texts[] = {idempotency_key, name, shard};

    ret_id[0] = 'u';
    make_half(texts, 2, ret_id + 1);
    make_half(texts, 3, ret_id + 1 + ID_HALF_SIZE);
    ret_id[1 + 2 * ID_HALF_SIZE] = '\0';
}

bool account_same_sign_up(const char *user, const char *other)
{
    return strncmp(user, other, 1 + ID_HALF_SIZE) == 0;
}

/* ---- the record ---- */

static json_t *base64(const uint8_t *bytes, size_t size)
{
    char text[sodium_base64_ENCODED_LEN(ACCOUNT_HASH_SIZE, sodium_base64_VARIANT_ORIGINAL)];

    sodium_bin2base64(text, sizeof text, bytes, size, sodium_base64_VARIANT_ORIGINAL);
    return json_string(text);
}

static bool from_base64(const char *text, uint8_t *ret_bytes, size_t size)
{
    size_t got;

    return sodium_base642bin(ret_bytes, size, text, strlen(text), NULL, &got, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == size;
}

static json_t *revoked_json(const struct account *account)
{
    json_t *list = json_array();

    for (size_t i = 0; i < account->revoked_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "session", account->revoked[i].session,
                                              "until", (json_int_t)account->revoked[i].until_s));
    return list;
}

char *account_json(const struct account *account)
{
    json_t *root =
        json_pack("{s:s, s:I, s:{s:I, s:I, s:o, s:o}}", "name", account->name, "generation",
                  (json_int_t)account->generation, "argon2id", "operations",
                  (json_int_t)account->operations, "memory_kib", (json_int_t)account->memory_kib,
                  "salt", base64(account->salt, sizeof account->salt), "hash",
                  base64(account->hash, sizeof account->hash));
    char *text;

    if (account->closing)
        json_object_set_new(root, "closing", json_true());
    if (account->revoked_count > 0)
        json_object_set_new(root, "revoked", revoked_json(account));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static bool parse_revoked(const json_t *list, struct account *account)
{
    if (json_array_size(list) > ACCOUNT_REVOKED_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct account_revoked *revoked = &account->revoked[account->revoked_count++];
        const char *session;
        json_int_t until;

        if (json_unpack(json_array_get(list, i), "{s:s, s:I}", "session", &session, "until",
                        &until) < 0 ||
            strlen(session) >= sizeof revoked->session)
            return false;
        snprintf(revoked->session, sizeof revoked->session, "%s", session);
        revoked->until_s = (uint64_t)until;
    }
    return true;
}

static int parse(struct slice value, struct account *ret_account)
{
    json_t *root = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, NULL);
    struct account account = {0};
    json_int_t generation, operations, memory_kib;
    const json_t *revoked = NULL;
    const char *name, *salt, *hash;
    int closing = 0;
    int r = -EBADMSG;

    if (root &&
        json_unpack(root, "{s:s, s:I, s:{s:I, s:I, s:s, s:s}, s?b, s?o}", "name", &name,
                    "generation", &generation, "argon2id", "operations", &operations, "memory_kib",
                    &memory_kib, "salt", &salt, "hash", &hash, "closing", &closing, "revoked",
                    &revoked) == 0 &&
        strlen(name) < sizeof account.name && from_base64(salt, account.salt, ACCOUNT_SALT_SIZE) &&
        from_base64(hash, account.hash, ACCOUNT_HASH_SIZE) && parse_revoked(revoked, &account)) {
        snprintf(account.name, sizeof account.name, "%s", name);
        account.generation = (uint64_t)generation;
        account.operations = (uint32_t)operations;
        account.memory_kib = (uint32_t)memory_kib;
        account.closing = closing != 0;
        *ret_account = account;
        r = 0;
    }
    json_decref(root);
    return r;
}

int account_read(struct region *region, const struct copy *copy, const char *user,
                 struct account *ret_account)
{
    struct record record;
    int r;

    r = store_reader_get(copy->reader, region->scratch, "auth", user, "account", &record);
    if (r < 0)
        return r;
    if (record.deleted)
        return -EIDRM;
    r = parse(record.value, ret_account);
    if (r < 0)
        return r;
    ret_account->version = record.version;
    ret_account->epoch = record.epoch;
    ret_account->seq = record.seq;
    return 0;
}

/* ---- sessions ---- */

static void forget_expired(struct account *account, uint64_t now_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < account->revoked_count; i++)
        if (account->revoked[i].until_s > now_s)
            account->revoked[kept++] = account->revoked[i];
    account->revoked_count = kept;
}

void account_revoke(struct account *account, const char *session, uint64_t until_s, uint64_t now_s)
{
    struct account_revoked *revoked;

    forget_expired(account, now_s);
    if (account->revoked_count == ACCOUNT_REVOKED_MAX) {
        account_revoke_all(account);
        return;
    }
    revoked = &account->revoked[account->revoked_count++];
    snprintf(revoked->session, sizeof revoked->session, "%s", session);
    revoked->until_s = until_s;
}

void account_revoke_all(struct account *account)
{
    account->generation++;
    account->revoked_count = 0;
}

bool account_voids(const struct account *account, const char *session, uint64_t generation)
{
    if (account->closing || generation < account->generation)
        return true;
    for (size_t i = 0; i < account->revoked_count; i++)
        if (strcmp(account->revoked[i].session, session) == 0)
            return true;
    return false;
}

/* ---- credentials ---- */

struct hashing_work account_work(const struct account *account, struct slice password)
{
    return (struct hashing_work){.password = password,
                                 .salt = account->salt,
                                 .operations = account->operations,
                                 .memory_kib = account->memory_kib};
}

/* Names are the same in any case of letters; anything that is no name is the empty one. */
void account_name(const char *from, char ret_name[ACCOUNT_NAME_SIZE])
{
    size_t size = strlen(from);

    ret_name[0] = '\0';
    if (size >= ACCOUNT_NAME_SIZE)
        return;
    for (size_t i = 0; i <= size; i++)
        ret_name[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + ('a' - 'A') : from[i]);
    if (strspn(ret_name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != size)
        ret_name[0] = '\0';
}

int account_credentials(struct slice body, struct credentials *ret_credentials)
{
    json_t *root = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *name = json_object_get(root, "name");
    const json_t *password = json_object_get(root, "password");
    const json_t *scope = json_object_get(root, "scope");
    int r = -EINVAL;

    if (json_is_string(name) && json_is_string(password) && (!scope || json_is_string(scope)) &&
        json_object_size(root) == (scope ? 3 : 2)) {
        const char *text = json_string_value(password);

        account_name(json_string_value(name), ret_credentials->name);
        if (token_scope_parse(scope ? json_string_value(scope) : "", ret_credentials->scope) < 0)
            ret_credentials->scope[0] = '\0';
        ret_credentials->password_size = json_string_length(password);
        ret_credentials->password = memory_copy(text, ret_credentials->password_size);
        r = 0;
    }
    /* Whoever owns the tree may change it: leave no copy of the password in freed memory. */
    if (json_is_string(password))
        sodium_memzero((char *)(uintptr_t)json_string_value(password),
                       json_string_length(password));
    json_decref(root);
    return r;
}

void account_credentials_wipe(struct credentials *credentials)
{
    if (credentials->password)
        sodium_memzero(credentials->password, credentials->password_size);
    free(credentials->password);
    *credentials = (struct credentials){0};
}

const char *account_credentials_fault(const struct credentials *credentials)
{
    if (credentials->name[0] == '\0')
        return "A name is 1 to 64 letters, digits, dots, dashes or underscores.";
    if (credentials->password_size < ACCOUNT_PASSWORD_SIZE_MIN ||
        credentials->password_size > ACCOUNT_PASSWORD_SIZE_MAX)
        return "A password has 8 to 128 bytes.";
    return NULL;
}
