#include "regiond/names.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/directory.h"
#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/answer.h"
#include "regiond/commit.h"

/* Two claims in one batch: the second one looks again at what the first has left. */
#define TRIES_MAX 3
/* A retried sign-up renews its reservation only when it gets short. */
#define RENEW_BELOW_US (NAMES_RESERVED_US / 2)

enum act { CLAIM, CONFIRM, RELEASE };

struct claiming {
    struct request request;
    struct commit_op op;
    char *value;
    enum act act;
    unsigned tries;
};

struct copy *names_directory(const struct region *region, const char *name)
{
    const char *shard = directory_of(region->config, name);

    return shard ? copies_find(region, shard) : NULL;
}

int names_parse(struct slice json, struct name_claim *ret_claim)
{
    json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    struct name_claim claim = {0};
    const char *user, *shard, *state;
    json_int_t expires_wall_us = 0;
    int r = -EBADMSG;

    if (root &&
        json_unpack(root, "{s:s, s:s, s:s, s?I}", "user", &user, "shard", &shard, "state", &state,
                    "expires_wall_us", &expires_wall_us) == 0 &&
        strlen(user) < sizeof claim.user && strlen(shard) < sizeof claim.shard) {
        snprintf(claim.user, sizeof claim.user, "%s", user);
        snprintf(claim.shard, sizeof claim.shard, "%s", shard);
        claim.confirmed = strcmp(state, "confirmed") == 0;
        claim.expires_wall_us = (uint64_t)expires_wall_us;
        *ret_claim = claim;
        r = 0;
    }
    json_decref(root);
    return r;
}

static char *claim_json(const char *user, const char *shard, bool confirmed,
                        uint64_t expires_wall_us)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:I}", "user", user, "shard", shard, "state",
                             confirmed ? "confirmed" : "reserved", "expires_wall_us",
                             (json_int_t)expires_wall_us);
    char *text = json_dumps(root, JSON_COMPACT);

    json_decref(root);
    return text;
}

int names_read(struct region *region, const struct copy *directory, const char *name,
               struct name_claim *ret_claim)
{
    struct record record;
    int r;

    r = store_reader_get(directory->reader, region->scratch, "names", "", name, &record);
    if (r < 0)
        return r;
    if (record.deleted)
        return -ENOENT;
    r = names_parse(record.value, ret_claim);
    if (r < 0)
        return r;
    ret_claim->version = record.version;
    return 0;
}

static void finish(struct claiming *claiming)
{
    request_release(&claiming->request);
    free(claiming->value);
    free(claiming);
}

static void answer_claimed(struct region *region, struct request *request)
{
    struct answer answer;

    answer_init(&answer, 204);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    answer_read(region, &answer, request->copy, 0, 0);
    answer_send(region, request, &answer);
}

static void answer_taken(struct region *region, struct request *request)
{
    reach(NAME_TAKEN);
    answer_problem(region, request, PROBLEM_NAME_TAKEN, "Choose another name.");
}

/* A retry that the router has brought to another home than the first try: only that one can tell
 * what became of it. */
static void answer_elsewhere(struct region *region, struct request *request,
                             const struct name_claim *claim)
{
    reach(NAME_CLAIMED_ELSEWHERE);
    if (claim->confirmed)
        answer_problem(region, request, PROBLEM_NAME_TAKEN,
                       "This sign-up has been finished at another home; log in.");
    else
        answer_problem(region, request, PROBLEM_HOME_UNAVAILABLE,
                       "This sign-up has begun at another home, which is to finish it; retry under "
                       "the same Idempotency-Key in a minute.");
}

static void judge(struct region *region, struct claiming *claiming);
static void judge_release(struct region *region, struct claiming *claiming);

static void on_done(struct region *region, struct commit_op *op, int error)
{
    struct claiming *claiming = OWNER_OF(op, struct claiming, op);
    struct request *request = &claiming->request;

    request_resume(request, STAGE_STORAGE, region->at.now_us);
    free(claiming->value);
    claiming->value = NULL;
    if (error == 0 && op->store.result == STORE_CONDITION_FAILED && ++claiming->tries < TRIES_MAX) {
        reach(NAME_RACED);
        if (claiming->act == RELEASE)
            judge_release(region, claiming);
        else
            judge(region, claiming);
        return;
    }
    if (error == -ENOSPC)
        answer_disk_full(region, request);
    else if (error < 0)
        answer_not_home(region, request);
    else if (op->store.result == STORE_DONE)
        answer_claimed(region, request);
    else
        answer_overloaded(region, request);
    finish(claiming);
}

/* Write the claim, on the condition that nobody has changed it since it was read. */
static void write_claim(struct region *region, struct claiming *claiming,
                        const struct name_claim *before)
{
    struct request *request = &claiming->request;
    static const char *const actions[] = {
        [CLAIM] = "names.claim", [CONFIRM] = "names.confirm", [RELEASE] = "names.release"};
    bool confirm = claiming->act == CONFIRM;

    if (before && claiming->act == CLAIM)
        reach(NAME_RESERVED_AGAIN);
    claiming->value = claim_json(request->claims.user, request->claims.shard, confirm,
                                 confirm ? 0 : region->at.wall_us + NAMES_RESERVED_US);
    request_wait(request, region->at.now_us);
    claiming->op.bytes = strlen(claiming->value) + 256;
    claiming->op.done = on_done;
    claiming->op.store = (struct store_op){
        .kind = STORE_OP_WRITE,
        .write = {.service = "names",
                  .user = "",
                  .key = request->call->key,
                  .delete = claiming->act == RELEASE,
                  .content_type = "application/json",
                  .value = slice_of(claiming->value),
                  .condition = before ? STORE_IF_VERSION : STORE_IF_ABSENT,
                  .if_version = before ? before->version : 0,
                  .idempotency_key = "",
                  .receipt = "",
                  .traceparent = request->call->traceparent,
                  .action = actions[claiming->act],
                  .actor = request->claims.user},
    };
    commit_store(region, request->copy, &claiming->op);
}

/* The same sign-up that was begun at another home is another claim: there must not be two accounts
 * of one user. */
static bool is_ours(const struct claiming *claiming, const struct name_claim *claim)
{
    const struct token_claims *claims = &claiming->request.claims;

    return strcmp(claim->user, claims->user) == 0 && strcmp(claim->shard, claims->shard) == 0;
}

/* Whether another's claim stands in the way. */
static bool is_taken(const struct region *region, const struct claiming *claiming,
                     const struct name_claim *claim)
{
    if (is_ours(claiming, claim) || PLANTED(UNCHECKED_NAME))
        return false;
    return claim->confirmed || claiming->act == CONFIRM ||
           claim->expires_wall_us > region->at.wall_us;
}

static bool is_good_already(const struct region *region, const struct claiming *claiming,
                            const struct name_claim *claim)
{
    if (!is_ours(claiming, claim))
        return false;
    return claim->confirmed ||
           (claiming->act == CLAIM && claim->expires_wall_us > region->at.wall_us + RENEW_BELOW_US);
}

static void judge(struct region *region, struct claiming *claiming)
{
    struct request *request = &claiming->request;
    struct name_claim claim;
    int r = names_read(region, request->copy, request->call->key, &claim);

    if (r < 0 && r != -ENOENT) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The name's record cannot be read.");
    } else if (r == -ENOENT && claiming->act == CONFIRM) {
        answer_taken(region, request);
    } else if (r == 0 && is_taken(region, claiming, &claim)) {
        if (account_same_sign_up(claim.user, request->claims.user))
            answer_elsewhere(region, request, &claim);
        else
            answer_taken(region, request);
    } else if (r == 0 && is_good_already(region, claiming, &claim)) {
        reach(NAME_OURS_ALREADY);
        answer_claimed(region, request);
    } else {
        write_claim(region, claiming, r == 0 ? &claim : NULL);
        return;
    }
    finish(claiming);
}

/* A name that somebody else has by now is none of ours to give back. */
static void judge_release(struct region *region, struct claiming *claiming)
{
    struct request *request = &claiming->request;
    struct name_claim claim;
    int r = names_read(region, request->copy, request->call->key, &claim);

    if (r == 0 && is_ours(claiming, &claim)) {
        write_claim(region, claiming, &claim);
        return;
    }
    if (r == 0 || r == -ENOENT)
        answer_claimed(region, request);
    else
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The name's record cannot be read.");
    finish(claiming);
}

static void begin(struct region *region, struct request *request, enum act act)
{
    struct claiming *claiming;

    request_enter(request, STAGE_SERVICE);
    if (!request->copy || !copies_is_home(region, request->copy)) {
        answer_not_home(region, request);
        return;
    }
    if (!commit_has_room(region, 0)) {
        answer_overloaded(region, request);
        return;
    }
    claiming = memory_alloc(sizeof *claiming);
    claiming->act = act;
    request_park(request, &claiming->request);
    if (act == RELEASE)
        judge_release(region, claiming);
    else
        judge(region, claiming);
}

void names_claim(struct region *region, struct request *request)
{
    begin(region, request, CLAIM);
}

void names_confirm(struct region *region, struct request *request)
{
    begin(region, request, CONFIRM);
}

void names_release(struct region *region, struct request *request)
{
    begin(region, request, RELEASE);
}

/* A region that asks must know for sure and names the directory, of which we must be the home. Who
 * names none (a router that explains) is content with what our copy knows. */
static bool find_directory(struct region *region, struct request *request)
{
    bool any_copy = request->call->shard[0] == '\0';

    if (any_copy)
        request->copy = names_directory(region, request->call->key);
    return request->copy && (any_copy || copies_is_home(region, request->copy));
}

void names_lookup(struct region *region, struct request *request)
{
    struct name_claim claim;
    struct answer answer;
    char *json;
    int r;

    request_enter(request, STAGE_SERVICE);
    if (!find_directory(region, request)) {
        answer_not_home(region, request);
        return;
    }
    r = names_read(region, request->copy, request->call->key, &claim);
    if (r == -ENOENT) {
        answer_problem(region, request, PROBLEM_NOT_FOUND, "Nobody has this name.");
        return;
    }
    if (r < 0) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The name's record cannot be read.");
        return;
    }
    json = claim_json(claim.user, claim.shard, claim.confirmed, claim.expires_wall_us);
    answer_init(&answer, 200);
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer_read(region, &answer, request->copy, 0, 0);
    answer_send(region, request, &answer);
    free(json);
}
