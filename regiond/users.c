#include "regiond/users.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/answer.h"
#include "regiond/audit_notes.h"
#include "regiond/commit.h"
#include "regiond/forward.h"
#include "regiond/names.h"
#include "regiond/reading.h"
#include "regiond/text.h"

/* A sign-up under way. */
struct signup {
    struct request request;
    struct credentials credentials;
    char user[USER_ID_SIZE];
    struct account account; /* to be written, or the one that was found */
    bool found;             /* the account exists already: a retry */
    struct commit_op op;
    char *value;
};

static void finish(struct signup *signup)
{
    account_credentials_wipe(&signup->credentials);
    request_release(&signup->request);
    free(signup->value);
    sodium_memzero(signup, sizeof *signup);
    free(signup);
}

static void fail(struct region *region, struct signup *signup, enum problem_id problem,
                 const char *detail)
{
    answer_problem(region, &signup->request, problem, detail);
    finish(signup);
}

static void answer_created(struct region *region, struct signup *signup)
{
    struct request *request = &signup->request;
    json_t *root = json_pack("{s:s, s:s, s:s}", "id", signup->user, "name",
                             signup->credentials.name, "home", request->copy->home);
    char *json = json_dumps(root, JSON_COMPACT);
    struct answer answer;

    answer_init(&answer, 201);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer.message.staleness_known = true;
    answer_at(&answer, request->copy, signup->account.epoch, signup->account.seq);
    answer_send(region, request, &answer);
    free(json);
    json_decref(root);
    finish(signup);
}

/* The directory's home may be us: then it was no other region that took the time. */
static void resume_directory(struct region *region, struct signup *signup)
{
    const struct copy *directory = names_directory(region, signup->credentials.name);
    bool here = directory && directory->home_peer == region->self;

    request_resume(&signup->request, here ? STAGE_SERVICE : STAGE_XREGION, region->at.now_us);
}

static void ask_directory(struct region *region, struct signup *signup, Mec__Operation operation,
                          forward_done *done)
{
    const struct copy *directory = names_directory(region, signup->credentials.name);
    Mec__Call call = MEC__CALL__INIT;
    Mec__Claims claims = MEC__CLAIMS__INIT;

    claims.user = signup->user;
    claims.shard = signup->request.copy->shard;
    call.operation = operation;
    call.shard = directory ? (char *)directory->shard : call.shard;
    call.claims = &claims;
    call.user = signup->user;
    call.key = signup->credentials.name;
    call.idempotency_key = signup->request.call->idempotency_key;
    call.traceparent = signup->request.call->traceparent;
    request_wait(&signup->request, region->at.now_us);
    forward_call(region, &signup->request, directory ? directory->home_peer : PEER_NONE, &call,
                 done, signup);
}

/* The account stands; only whether its name is confirmed may not be known. */
static void on_confirmed(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct signup *signup = context;

    resume_directory(region, signup);
    if (error == 0 && answer->status == 409)
        fail(region, signup, PROBLEM_NAME_TAKEN, answer->detail);
    else if (error < 0 || answer->status >= 300) {
        reach(SIGN_UP_NOT_CONFIRMED);
        fail(region, signup, PROBLEM_FATE_UNKNOWN,
             "The account may exist already; retry with the same Idempotency-Key.");
    } else
        answer_created(region, signup);
}

static void find_account(struct region *region, struct signup *signup);

static void on_written(struct region *region, struct commit_op *op, int error)
{
    struct signup *signup = OWNER_OF(op, struct signup, op);

    request_resume(&signup->request, STAGE_STORAGE, region->at.now_us);
    free(signup->value);
    signup->value = NULL;
    if (error == -ENOSPC) {
        answer_disk_full(region, &signup->request);
        finish(signup);
    } else if (error < 0) {
        answer_not_home(region, &signup->request);
        finish(signup);
    } else if (op->store.result == STORE_DONE) {
        signup->account.epoch = op->store.epoch;
        signup->account.seq = op->store.seq;
        ask_directory(region, signup, MEC__OPERATION__NAME_CONFIRM, on_confirmed);
    } else if (op->store.result == STORE_CONDITION_FAILED && !signup->found) {
        reach(SIGN_UP_RACED);
        find_account(region, signup); /* another try of the same sign-up was faster */
    } else {
        fail(region, signup, PROBLEM_INTERNAL, "The account could not be written.");
    }
}

static void write_account(struct region *region, struct signup *signup)
{
    signup->value = account_json(&signup->account);
    request_wait(&signup->request, region->at.now_us);
    signup->op.bytes = strlen(signup->value) + 256;
    signup->op.done = on_written;
    signup->op.store = (struct store_op){
        .kind = STORE_OP_WRITE,
        .write = {.service = "auth",
                  .user = signup->user,
                  .key = "account",
                  .content_type = "application/json",
                  .value = slice_of(signup->value),
                  .condition = STORE_IF_ABSENT,
                  .idempotency_key = "",
                  .receipt = "",
                  .traceparent = signup->request.call->traceparent,
                  .action = audit_notes_action(MEC__OPERATION__USER_CREATE)},
    };
    commit_store(region, signup->request.copy, &signup->op);
}

static void on_hashed(struct region *region, void *context, int error, const uint8_t *hash)
{
    struct signup *signup = context;

    request_resume(&signup->request, STAGE_SERVICE, region->at.now_us);
    if (error < 0) {
        answer_overloaded(region, &signup->request);
        finish(signup);
    } else if (!signup->found) {
        memcpy(signup->account.hash, hash, ACCOUNT_HASH_SIZE);
        write_account(region, signup);
    } else if (sodium_memcmp(hash, signup->account.hash, ACCOUNT_HASH_SIZE) == 0) {
        ask_directory(region, signup, MEC__OPERATION__NAME_CONFIRM, on_confirmed);
    } else {
        fail(region, signup, PROBLEM_KEY_REUSED,
             "This idempotency key stands for a sign-up with another password.");
    }
}

/* Its id is not given twice: old tokens bear it. */
static bool is_deleted(struct region *region, const struct signup *signup)
{
    struct account account;
    int r = account_read(region, signup->request.copy, signup->user, &account);
    bool closing = r == 0 && account.closing;

    if (r == 0)
        sodium_memzero(&account, sizeof account);
    return r == -EIDRM || closing;
}

static void refuse_deleted(struct region *region, struct signup *signup)
{
    reach(SIGN_UP_OF_DELETED);
    fail(region, signup, PROBLEM_KEY_REUSED,
         "The account that this idempotency key stands for has been deleted; use a new key.");
}

static void new_account(struct region *region, struct signup *signup)
{
    signup->account = (struct account){.generation = 1,
                                       .operations = region->settings.argon2_operations,
                                       .memory_kib = region->settings.argon2_memory_kib};
    snprintf(signup->account.name, sizeof signup->account.name, "%s", signup->credentials.name);
    secret_draw(&region->secret, signup->account.salt, ACCOUNT_SALT_SIZE);
}

/* The name is ours. Hash the password for a new account, or to compare it with the one that an
 * earlier try has made. */
static void find_account(struct region *region, struct signup *signup)
{
    struct credentials *credentials = &signup->credentials;
    struct hashing_work work;
    int r = account_read(region, signup->request.copy, signup->user, &signup->account);

    if (r == -EIDRM || (r == 0 && signup->account.closing)) {
        refuse_deleted(region, signup);
        return;
    }
    if (r < 0 && r != -ENOENT) {
        fail(region, signup, PROBLEM_INTERNAL, "The account cannot be read.");
        return;
    }
    signup->found = r == 0;
    if (signup->found)
        reach(SIGN_UP_RETRIED);
    else
        new_account(region, signup);
    work = account_work(&signup->account,
                        (struct slice){credentials->password, credentials->password_size});
    request_wait(&signup->request, region->at.now_us);
    if (hashing_start(region, &work, on_hashed, signup) < 0) {
        answer_overloaded(region, &signup->request);
        finish(signup);
    }
}

/* Nothing exists yet but perhaps a reservation that expires: failing is safe to tell. */
static void on_claimed(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct signup *signup = context;

    resume_directory(region, signup);
    if (error == 0 && answer->status == 409)
        fail(region, signup, PROBLEM_NAME_TAKEN, answer->detail);
    else if (error == 0 && problem_find(answer->problem) == PROBLEM_SERVICE_UNAVAILABLE) {
        reach(SIGN_UP_SERVICE_DOWN);
        fail(region, signup, PROBLEM_SERVICE_UNAVAILABLE, answer->detail);
    } else if (error == 0 && answer->verdict == MEC__VERDICT__FINAL && answer->status == 503)
        fail(region, signup, PROBLEM_HOME_UNAVAILABLE, answer->detail);
    else if (error < 0 || answer->status >= 300) {
        reach(SIGN_UP_DIRECTORY_AWAY);
        fail(region, signup, PROBLEM_HOME_UNAVAILABLE,
             "The region that hands out this name cannot be reached.");
    } else
        find_account(region, signup);
}

void users_create(struct region *region, struct request *request)
{
    Mec__Call *call = request->call;
    struct slice body = {(const char *)call->body.data, call->body.len};
    struct credentials credentials = {0};
    struct signup *signup;
    const char *fault = "The body is {\"name\": .., \"password\": ..} and nothing else.";

    request_enter(request, STAGE_SERVICE);
    if (account_credentials(body, &credentials) == 0 &&
        strcmp(credentials.scope, TOKEN_SCOPE_ALL) == 0)
        fault = account_credentials_fault(&credentials);
    if (body.size > 0)
        sodium_memzero(call->body.data, call->body.len);
    if (fault)
        answer_problem(region, request, PROBLEM_BAD_REQUEST, fault);
    else if (!request->copy || !copies_is_home(region, request->copy))
        answer_not_home(region, request);
    else if (!commit_has_room(region, 0))
        answer_overloaded(region, request);
    else {
        signup = memory_alloc(sizeof *signup);
        request_park(request, &signup->request);
        signup->credentials = credentials;
        account_make_id(call->idempotency_key, credentials.name, request->copy->shard,
                        signup->user);
        /* Before its name is reserved: nobody else could have it for as long as that lasts. */
        if (is_deleted(region, signup))
            refuse_deleted(region, signup);
        else
            ask_directory(region, signup, MEC__OPERATION__NAME_CLAIM, on_claimed);
        return;
    }
    account_credentials_wipe(&credentials);
}

static void whoami_admitted(struct region *region, struct request *request)
{
    const struct token_claims *claims = &request->claims;
    char expires[TEXT_TIME_SIZE];
    struct account account;
    struct answer answer;
    json_t *root;
    char *json;
    int r;

    request_enter(request, STAGE_STORAGE);
    r = account_read(region, request->copy, claims->user, &account);
    if (r == -ENOENT || r == -EIDRM) {
        answer_problem(region, request, PROBLEM_NOT_FOUND, "There is no such account (any more).");
        return;
    }
    if (r < 0) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The account cannot be read.");
        return;
    }
    root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", claims->user, "name", account.name,
                     "home", request->copy->home, "shard", claims->shard, "scope", claims->scope,
                     "expires", text_time(claims->expires_s * SECOND_US, expires));
    json = json_dumps(root, JSON_COMPACT);
    answer_init(&answer, 200);
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer.message.served = copies_is_home(region, request->copy) ? MEC__SERVED__SERVED_HOME
                                                                  : MEC__SERVED__SERVED_REPLICA;
    answer_read(region, &answer, request->copy, account.epoch, account.seq);
    answer_seen(&answer, request->copy, account.epoch, account.seq);
    answer_send(region, request, &answer);
    free(json);
    json_decref(root);
    sodium_memzero(&account, sizeof account);
}

void users_whoami(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!request->copy)
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                       "This region holds no copy of the user's shard.");
    else
        reading_admit(region, request, whoami_admitted);
}
