/* vault_fixture: three regions with users in them who have vaults, for tests of the vault. */

#ifndef MEC_VAULT_FIXTURE_H
#define MEC_VAULT_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/token.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

static const char *const shards[] = {"us-east", "eu-west", "ap-northeast"};
static struct driver *driver;

static inline void set_up(void)
{
    driver = driver_create(3, 0);
    driver_ship_all(driver);
}

static inline void tear_down(void)
{
    driver_free(driver);
}

/* ---- users ---- */

static inline const char *member(const Mec__Answer *answer, const char *name)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value = json_string_value(json_object_get(root, name));

    ck_assert_ptr_nonnull(value);
    value = arena_text(driver->arena, value);
    json_decref(root);
    return value;
}

/* Who signs up at @node. The claims are what any region would take from their token. */
static inline Mec__Claims *sign_up(size_t node, const char *name)
{
    Mec__Claims *claims = arena_alloc(driver->arena, sizeof *claims);
    Mec__Call call = MEC__CALL__INIT;
    const Mec__Answer *answer;
    char *body =
        arena_format(driver->arena, "{\"name\": \"%s\", \"password\": \"correct horse\"}", name);

    call.operation = MEC__OPERATION__USER_CREATE;
    call.shard = (char *)shards[node];
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    call.idempotency_key = arena_format(driver->arena, "sign-up-%s-%zu", name, node);
    answer = driver_ask(driver, node, &call);
    ck_assert_uint_eq(answer->status, 201);
    *claims = driver_claims(member(answer, "id"), shards[node]);
    claims->scope = TOKEN_SCOPE_ALL;
    driver_ship_all(driver);
    return claims;
}

/* ---- calls ---- */

static inline const char *once(void)
{
    static unsigned number;

    return arena_format(driver->arena, "once-%u", ++number);
}

static inline Mec__Call vault_call(Mec__Operation operation, Mec__Claims *claims, const char *name)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.claims = claims;
    call.key = (char *)name;
    call.idempotency_key = (char *)once();
    return call;
}

static inline Mec__Call put_call(Mec__Claims *claims, const char *name, const char *value)
{
    Mec__Call call = vault_call(MEC__OPERATION__VAULT_PUT, claims, name);

    call.body.data = (uint8_t *)(uintptr_t)value;
    call.body.len = strlen(value);
    call.content_type = "application/x-secret";
    return call;
}

static inline Mec__Call get_call(Mec__Claims *claims, const char *name, const char *owner)
{
    Mec__Call call = vault_call(MEC__OPERATION__VAULT_GET, claims, name);

    call.idempotency_key = "";
    call.owner = (char *)owner;
    return call;
}

static inline Mec__Call grant_call(Mec__Operation operation, Mec__Claims *claims, const char *name,
                                   const char *grantee)
{
    Mec__Call call = vault_call(operation, claims, name);

    call.grantee = (char *)grantee;
    return call;
}

static inline Mec__Answer *ask(size_t node, Mec__Call call)
{
    return driver_ask(driver, node, &call);
}

static inline Mec__Answer *put(size_t node, Mec__Claims *claims, const char *name,
                               const char *value)
{
    return ask(node, put_call(claims, name, value));
}

static inline Mec__Answer *get(size_t node, Mec__Claims *claims, const char *name)
{
    return ask(node, get_call(claims, name, ""));
}

static inline Mec__Answer *take_out(size_t node, Mec__Claims *claims, const char *name)
{
    return ask(node, vault_call(MEC__OPERATION__VAULT_DELETE, claims, name));
}

static inline Mec__Answer *get_of(size_t node, Mec__Claims *claims, const char *owner,
                                  const char *name)
{
    return ask(node, get_call(claims, name, owner));
}

static inline Mec__Answer *grant(size_t node, Mec__Claims *claims, const char *name,
                                 const char *grantee)
{
    return ask(node, grant_call(MEC__OPERATION__GRANT_PUT, claims, name, grantee));
}

static inline Mec__Answer *withdraw(size_t node, Mec__Claims *claims, const char *name,
                                    const char *grantee)
{
    return ask(node, grant_call(MEC__OPERATION__GRANT_DELETE, claims, name, grantee));
}

/* ---- answers ---- */

#define ck_assert_status(answer, wanted)                                                           \
    do {                                                                                           \
        const Mec__Answer *asked = (answer);                                                       \
        ck_assert_msg(asked->status == (wanted), "%u %s: %s", asked->status, asked->problem,       \
                      asked->detail);                                                              \
    } while (0)

#define ck_assert_problem(answer, wanted_status, wanted)                                           \
    do {                                                                                           \
        const Mec__Answer *told = (answer);                                                        \
        ck_assert_status(told, (wanted_status));                                                   \
        ck_assert_str_eq(told->problem, (wanted));                                                 \
        ck_assert_uint_eq(told->body.len, 0);                                                      \
    } while (0)

#define ck_assert_value(answer, wanted)                                                            \
    do {                                                                                           \
        const Mec__Answer *given = (answer);                                                       \
        ck_assert_status(given, 200);                                                              \
        ck_assert_str_eq(driver_body(given), (wanted));                                            \
        ck_assert_str_eq(given->content_type, "application/x-secret");                             \
    } while (0)

/* All that a caller is given, byte for byte. */
static inline bool are_the_same(const Mec__Answer *a, const Mec__Answer *b)
{
    size_t size = mec__answer__get_packed_size(a);
    uint8_t *left = arena_alloc(driver->arena, size), *right;

    if (mec__answer__get_packed_size(b) != size)
        return false;
    right = arena_alloc(driver->arena, size);
    mec__answer__pack(a, left);
    mec__answer__pack(b, right);
    return memcmp(left, right, size) == 0;
}

/* ---- what lies behind ---- */

/* Change a node's file of @shard behind its back, and start it again. */
static inline void tamper(size_t node, size_t shard, const char *sql)
{
    char *path =
        arena_format(driver->arena, "%s/shard-%s.db", driver->nodes[node].directory, shards[shard]);
    sqlite3 *db;

    driver_kill(driver, node);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    ck_assert_int_gt(sqlite3_changes(db), 0);
    sqlite3_close(db);
    driver_start(driver, node);
    driver_ship_all(driver);
}

static inline bool file_has(const char *path, const char *text)
{
    static char bytes[4 * 1024 * 1024];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file)
        fclose(file);
    ck_assert_uint_lt(size, sizeof bytes);
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* Does @text stand anywhere in a node's files? */
static inline bool rests_on(size_t node, const char *text)
{
    DIR *listing = opendir(driver->nodes[node].directory);
    const struct dirent *entry;
    bool found = false;

    ck_assert_ptr_nonnull(listing);
    while ((entry = readdir(listing)))
        found = found || file_has(arena_format(driver->arena, "%s/%s",
                                               driver->nodes[node].directory, entry->d_name),
                                  text);
    closedir(listing);
    return found;
}

/* Does a region's status say @text? */
static inline bool status_says(size_t node, const char *text)
{
    char *status = region_status(driver->nodes[node].region, driver->at);
    bool says = strstr(status, text) != NULL;

    free(status);
    return says;
}

#endif
