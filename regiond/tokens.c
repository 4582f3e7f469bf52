#include "regiond/tokens.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/answer.h"
#include "regiond/audit_notes.h"
#include "regiond/forward.h"
#include "regiond/names.h"
#include "regiond/signing.h"

/* A log-in under way. */
struct login {
    struct request request;
    struct credentials credentials;
    char user[USER_ID_SIZE];
    struct account account;
    struct token_claims claims; /* of the new session */
    bool sure;                  /* the name's home itself has said whose it is */
    bool known;                 /* there is such an account; else the work is for show */
};

static void finish(struct login *login)
{
    account_credentials_wipe(&login->credentials);
    request_release(&login->request);
    sodium_memzero(login, sizeof *login);
    free(login);
}

static void fail(struct region *region, struct login *login, enum problem_id problem,
                 const char *detail)
{
    answer_problem(region, &login->request, problem, detail);
    finish(login);
}

static void refuse(struct region *region, struct login *login)
{
    region->counters.denied++;
    audit_notes_denied(region, &login->request, PROBLEM_UNAUTHENTICATED);
    fail(region, login, PROBLEM_UNAUTHENTICATED, "The name or the password is wrong.");
}

static void home_unavailable(struct region *region, struct login *login)
{
    reach(LOG_IN_HOME_AWAY);
    fail(region, login, PROBLEM_HOME_UNAVAILABLE,
         "The user's home region cannot be reached; nobody else may log them in.");
}

/* Whoever had to be asked could be, and cannot do it now. */
static bool service_is_down(struct region *region, struct login *login, int error,
                            const Mec__Answer *answer)
{
    if (error < 0 || problem_find(answer->problem) != PROBLEM_SERVICE_UNAVAILABLE)
        return false;
    reach(LOG_IN_SERVICE_DOWN);
    fail(region, login, PROBLEM_SERVICE_UNAVAILABLE, answer->detail);
    return true;
}

void tokens_answer(struct region *region, struct request *request,
                   const struct token_claims *claims, uint64_t epoch, uint64_t seq)
{
    const struct region_key *key = signing_key(region->signing);
    struct answer answer;
    json_t *root;
    char *token, *json;

    if (!key) {
        answer_problem(region, request, PROBLEM_HOME_UNAVAILABLE,
                       "The home has no key to sign tokens with yet; try again in a moment.");
        return;
    }
    token = token_sign(region->config->world, key->kid, key->seed, claims);
    root = json_pack("{s:s, s:I, s:s, s:s}", "token", token, "expires_in",
                     (json_int_t)(claims->expires_s - claims->issued_s), "home",
                     request->copy->home, "scope", claims->scope);
    json = json_dumps(root, JSON_COMPACT);
    answer_init(&answer, 201);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer_read(region, &answer, request->copy, epoch, seq);
    answer_send(region, request, &answer);
    sodium_memzero(json, strlen(json));
    free(json);
    json_decref(root);
    sodium_memzero(token, strlen(token));
    free(token);
}

/* Nobody is logged in without an entry in the audit log. */
static void on_noted(struct region *region, void *context, int error)
{
    struct login *login = context;

    if (error == 0)
        tokens_answer(region, &login->request, &login->claims, login->account.epoch,
                      login->account.seq);
    else if (error == -ENOSPC)
        answer_disk_full(region, &login->request);
    else
        answer_not_home(region, &login->request);
    finish(login);
}

/* A new session. */
static void issue(struct region *region, struct login *login)
{
    const struct account *account = &login->account;
    struct token_claims claims = {.generation = account->generation,
                                  .issued_s = region->at.wall_us / SECOND_US};
    uint32_t lifetime_s = region->settings.token_lifetime_s;

    if (lifetime_s > region->settings.session_lifetime_s)
        lifetime_s = region->settings.session_lifetime_s;
    claims.expires_s = claims.issued_s + lifetime_s;
    claims.auth_time_s = claims.issued_s;
    snprintf(claims.user, sizeof claims.user, "%s", login->user);
    snprintf(claims.shard, sizeof claims.shard, "%s", login->request.copy->shard);
    snprintf(claims.scope, sizeof claims.scope, "%s", login->credentials.scope);
    secret_draw_hex(&region->secret, claims.session, 32);
    login->claims = claims;
    audit_notes_note(region, &login->request, audit_notes_action(MEC__OPERATION__TOKEN_CREATE),
                     &login->claims, on_noted, login);
}

static void on_hashed(struct region *region, void *context, int error, const uint8_t *hash)
{
    struct login *login = context;
    const struct region_key *key = signing_key(region->signing);
    bool same;

    request_resume(&login->request, STAGE_SERVICE, region->at.now_us);
    if (error < 0) {
        answer_overloaded(region, &login->request);
        finish(login);
        return;
    }
    same = sodium_memcmp(hash, login->account.hash, ACCOUNT_HASH_SIZE) == 0;
    if (!login->known || !same)
        refuse(region, login);
    else if (!key)
        fail(region, login, PROBLEM_HOME_UNAVAILABLE,
             "The home has no key to sign tokens with yet; try again in a moment.");
    else
        issue(region, login);
}

static void check_password(struct region *region, struct login *login)
{
    struct credentials *credentials = &login->credentials;
    struct hashing_work work;

    if (!login->known)
        login->account = (struct account){.operations = region->settings.argon2_operations,
                                          .memory_kib = region->settings.argon2_memory_kib};
    work = account_work(&login->account,
                        (struct slice){credentials->password, credentials->password_size});
    request_wait(&login->request, region->at.now_us);
    if (hashing_start(region, &work, on_hashed, login) < 0) {
        answer_overloaded(region, &login->request);
        finish(login);
    }
}

static void ask_directory(struct region *region, struct login *login);

/* There is no such account at its home. Our copy of the directory may still name a user who has
 * been deleted since, while the name is somebody else's. */
static void account_gone(struct region *region, struct login *login)
{
    login->known = false;
    if (login->sure) {
        check_password(region, login);
        return;
    }
    reach(LOG_IN_USER_GONE);
    ask_directory(region, login);
}

/* This is the home of login->user. */
static void log_in_here(struct region *region, struct login *login)
{
    int r = account_read(region, login->request.copy, login->user, &login->account);

    if (r < 0 && r != -ENOENT && r != -EIDRM) {
        fail(region, login, PROBLEM_INTERNAL, "The account cannot be read.");
        return;
    }
    /* A claim on a name that its account does not bear is left over from a sign-up that failed. */
    login->known = r == 0 && !login->account.closing &&
                   strcmp(login->account.name, login->credentials.name) == 0;
    if (login->known)
        check_password(region, login);
    else if (login->request.call->claims) /* who has asked us looks further, and works for show */
        fail(region, login, PROBLEM_NOT_FOUND, "There is no such account (any more).");
    else
        account_gone(region, login);
}

static void on_home_answered(struct region *region, void *context, int error,
                             const Mec__Answer *from)
{
    struct login *login = context;
    struct answer answer;

    request_resume(&login->request, STAGE_XREGION, region->at.now_us);
    if (service_is_down(region, login, error, from))
        return;
    if (error < 0 || from->verdict != MEC__VERDICT__FINAL) {
        home_unavailable(region, login);
        return;
    }
    if (from->status == 404) {
        account_gone(region, login);
        return;
    }
    answer_init(&answer, from->status);
    answer.message.problem = from->problem;
    answer.message.detail = from->detail;
    answer.message.body = from->body;
    answer.message.content_type = from->content_type;
    answer.message.retry_after_s = from->retry_after_s;
    answer.message.served = from->served;
    answer.message.position = from->position;
    answer_send(region, &login->request, &answer);
    finish(login);
}

static void ask_home(struct region *region, struct login *login)
{
    const Mec__Call *from = login->request.call;
    Mec__Claims claims = MEC__CLAIMS__INIT;
    Mec__Call call = MEC__CALL__INIT;

    reach(LOG_IN_PASSED_ON);
    claims.user = login->user;
    claims.shard = login->request.copy->shard;
    call.operation = MEC__OPERATION__TOKEN_CREATE;
    call.shard = claims.shard;
    call.claims = &claims;
    call.body = from->body;
    call.content_type = from->content_type;
    call.idempotency_key = from->idempotency_key;
    call.traceparent = from->traceparent;
    request_wait(&login->request, region->at.now_us);
    forward_call(region, &login->request, login->request.copy->home_peer, &call, on_home_answered,
                 login);
}

/* The name is known: it is @user of @shard. */
static void log_in(struct region *region, struct login *login, const char *user, const char *shard)
{
    struct copy *copy = copies_find(region, shard);

    snprintf(login->user, sizeof login->user, "%s", user);
    login->request.copy = copy;
    if (!copy)
        home_unavailable(region, login);
    else if (copies_is_home(region, copy) || PLANTED(LOG_IN_AWAY))
        log_in_here(region, login);
    else if (login->request.call->claims) { /* the asker took us for the home */
        reach(LOG_IN_MISDIRECTED);
        answer_not_home(region, &login->request);
        finish(login);
    } else
        ask_home(region, login);
}

static void on_looked_up(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct login *login = context;
    struct name_claim claim;

    request_resume(&login->request, STAGE_XREGION, region->at.now_us);
    if (service_is_down(region, login, error, answer))
        return;
    login->sure = true;
    if (error == 0 && answer->status == 404)
        check_password(region, login);
    else if (error < 0 || answer->status != 200 ||
             names_parse((struct slice){(const char *)answer->body.data, answer->body.len},
                         &claim) < 0)
        home_unavailable(region, login);
    else if (strcmp(claim.user, login->user) == 0) /* who is gone, as their home has said */
        check_password(region, login);
    else
        log_in(region, login, claim.user, claim.shard);
}

static void ask_directory(struct region *region, struct login *login)
{
    const struct copy *directory = names_directory(region, login->credentials.name);
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__NAME_LOOKUP;
    call.shard = directory ? (char *)directory->shard : call.shard;
    call.key = login->credentials.name;
    call.traceparent = login->request.call->traceparent;
    request_wait(&login->request, region->at.now_us);
    forward_call(region, &login->request, directory ? directory->home_peer : PEER_NONE, &call,
                 on_looked_up, login);
}

/* Our own copy of the directory knows most names; one that is new, or in doubt, only its home
 * knows. */
static void look_up(struct region *region, struct login *login)
{
    const char *name = login->credentials.name;
    const struct copy *directory = names_directory(region, name);
    struct name_claim claim;

    if (name[0] == '\0') { /* nobody can have that name */
        check_password(region, login);
        return;
    }
    if (directory && names_read(region, directory, name, &claim) == 0 && claim.confirmed) {
        log_in(region, login, claim.user, claim.shard);
        return;
    }
    reach(LOG_IN_NAME_ASKED_FOR);
    ask_directory(region, login);
}

/* Who guesses passwords is slowed down, by the name that they guess for; what another region asks
 * us for, it has counted. */
static bool may_try(struct region *region, struct request *request, const char *name)
{
    struct bucket_state limit;

    if (request->call->claims ||
        buckets_take(region->buckets, arena_format(region->scratch, "log-in %s", name),
                     region->settings.login_rate_per_min, 60, region->at.now_us, &limit))
        return true;
    reach(LOG_INS_LIMITED);
    answer_limited(region, request, &limit, "Too many log-ins under this name; try again later.");
    return false;
}

void tokens_create(struct region *region, struct request *request)
{
    Mec__Call *call = request->call;
    struct slice body = {(const char *)call->body.data, call->body.len};
    struct credentials credentials = {0};
    struct login *login;

    request_enter(request, STAGE_SERVICE);
    if (account_credentials(body, &credentials) < 0 || credentials.scope[0] == '\0') {
        account_credentials_wipe(&credentials);
        answer_problem(
            region, request, PROBLEM_BAD_REQUEST,
            "The body is {\"name\": .., \"password\": ..} and, for a token that is good for "
            "less, \"scope\": words of \"" TOKEN_SCOPE_ALL "\".");
        return;
    }
    if (!may_try(region, request, credentials.name)) {
        account_credentials_wipe(&credentials);
        return;
    }
    login = memory_alloc(sizeof *login);
    request_park(request, &login->request);
    sodium_memzero(call->body.data, call->body.len);
    login->request.copy = NULL;
    login->credentials = credentials;
    if (call->claims && strlen(call->claims->user) < sizeof login->user)
        log_in(region, login, call->claims->user, call->claims->shard);
    else
        look_up(region, login);
}

static json_t *key_json(const Mec__SigningKey *key)
{
    char x[sodium_base64_ENCODED_LEN(TOKEN_KEY_PUBLIC_SIZE,
                                     sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    if (key->public_key.len != TOKEN_KEY_PUBLIC_SIZE)
        return NULL;
    sodium_bin2base64(x, sizeof x, key->public_key.data, key->public_key.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "kid",
                     key->kid, "x", x, "use", "sig", "alg", "EdDSA");
}

void tokens_keys(struct region *region, struct request *request)
{
    const Mec__Config *config = region->config;
    json_t *keys = json_array();
    json_t *root = json_pack("{s:o}", "keys", keys);
    struct answer answer;
    char *json;

    request_enter(request, STAGE_SERVICE);
    for (size_t i = 0; i < config->n_keys; i++) {
        json_t *key = key_json(config->keys[i]);

        if (key)
            json_array_append_new(keys, key);
    }
    json = json_dumps(root, JSON_COMPACT);
    answer_init(&answer, 200);
    answer.message.content_type = "application/jwk-set+json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer_send(region, request, &answer);
    free(json);
    json_decref(root);
}
