/* Tokens: none that is void is honoured by who knows it, none that stands is refused, and nothing
 * ends a session but what a client has asked for.
 *
 * What is true of a token the log says: the account's changes, in their order, up to the one that
 * voids it. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/kid.h"
#include "sim/simulation.h"
#include "sim/watch_internal.h"

#define REVOKED_MAX 32 /* in an account; one more voids all */

/* ---- what an account says ---- */

static const char **read_revoked(struct watch *watch, const json_t *list, size_t count)
{
    const char **sessions = arena_alloc(watch->arena, (count + 1) * sizeof *sessions);

    for (size_t i = 0; i < count; i++) {
        const char *session =
            json_string_value(json_object_get(json_array_get(list, i), "session"));

        sessions[i] = arena_text(watch->arena, session ? session : "");
    }
    return sessions;
}

/* NULL: it is deleted, or not as regiond/account.c writes it. */
static const struct watch_account *read_account(struct watch *watch,
                                                const struct watch_entry *entry)
{
    struct watch_account *account = arena_alloc(watch->arena, sizeof *account);
    json_t *root = json_loadb(entry->value.data, entry->value.size, 0, NULL);
    const json_t *revoked = json_object_get(root, "revoked");
    const char *name = json_string_value(json_object_get(root, "name"));

    *account = (struct watch_account){
        .name = arena_text(watch->arena, name ? name : ""),
        .generation = (uint64_t)json_integer_value(json_object_get(root, "generation")),
        .closing = json_is_true(json_object_get(root, "closing")),
        .revoked_count = json_array_size(revoked)};
    account->revoked = read_revoked(watch, revoked, account->revoked_count);
    json_decref(root);
    return name ? account : NULL;
}

static bool lists(const struct watch_account *account, const char *session)
{
    for (size_t i = 0; i < account->revoked_count; i++)
        if (strcmp(account->revoked[i], session) == 0)
            return true;
    return false;
}

bool watch_sessions_voids(const struct watch_entry *entry, const struct token_claims *claims)
{
    const struct watch_account *account = entry->account;

    if (entry->deleted)
        return true;
    return account && (account->closing || claims->generation < account->generation ||
                       lists(account, claims->session));
}

struct watch_key *watch_sessions_account(const struct watch *watch, uint32_t shard,
                                         const char *user)
{
    return watch_log_key(watch, shard, "auth", user, "account");
}

/* The account's changes in the true log, the newest first; NULL: none is known. */
static const struct watch_entry *history_of(const struct watch *watch,
                                            const struct token_claims *claims)
{
    uint32_t shard = watch_find(watch, claims->shard);
    const struct watch_key *key =
        shard == PLAN_NONE ? NULL : watch_sessions_account(watch, shard, claims->user);

    return key ? key->head : NULL;
}

static bool is_void_for_some(const struct watch *watch, const struct token_claims *claims)
{
    for (const struct watch_entry *entry = history_of(watch, claims); entry; entry = entry->before)
        if (watch_sessions_voids(entry, claims))
            return true;
    return false;
}

bool watch_sessions_is_whole(const struct watch *watch, uint32_t shard)
{
    for (uint32_t region = 0; region < watch->region_count; region++)
        if (watch_is_damaged(watch, region, shard, 0))
            return false;
    return true;
}

bool watch_sessions_is_firm(const struct watch *watch, uint32_t shard)
{
    return watch->shards[shard].gone.count == 0 && watch_sessions_is_whole(watch, shard);
}

/* ---- who asks for what ---- */

static bool ends_sessions(enum plan_operation_kind kind)
{
    return kind == PLAN_OPERATION_LOG_OUT || kind == PLAN_OPERATION_REVOKE_ALL ||
           kind == PLAN_OPERATION_DELETE_ACCOUNT;
}

static void add_act(struct watch *watch, const struct outcome_asked *asked)
{
    struct watch_act *act = arena_alloc(watch->arena, sizeof *act);

    *act = (struct watch_act){.next = watch->acts,
                              .kind = asked->operation->kind,
                              .client = asked->operation->client,
                              .number = asked->operation->number,
                              .possible = true,
                              .claims = *asked->claims};
    watch->acts = act;
}

/* What each region has been told by now: whatever it does with this request, it does knowing. */
static void note_known(struct watch *watch, const struct outcome_asked *asked, uint32_t shard)
{
    struct watch_session *session = &watch->sessions[asked->operation->client];

    for (uint32_t region = 0; region < watch->region_count; region++) {
        session->known_seq[region] = watch->regions[region].copies[shard].known_seq;
        session->disks[region] = watch->regions[region].disks;
    }
}

void watch_sessions_asked(struct watch *watch, const struct outcome_asked *asked)
{
    uint32_t shard = asked->claims ? watch_find(watch, asked->claims->shard) : PLAN_NONE;

    if (shard == PLAN_NONE)
        return;
    note_known(watch, asked, shard);
    if (ends_sessions(asked->operation->kind))
        add_act(watch, asked);
}

/* ---- changes of accounts ---- */

static bool is_deed(const struct watch_act *act, const struct watch_account *before,
                    const struct watch_account *after)
{
    bool voids_all = after->generation == before->generation + 1;

    switch (act->kind) {
    case PLAN_OPERATION_DELETE_ACCOUNT:
        return voids_all && after->closing;
    case PLAN_OPERATION_REVOKE_ALL:
        return voids_all && !after->closing;
    default:
        if (after->closing)
            return false;
        if (after->generation == before->generation)
            return lists(after, act->claims.session);
        return voids_all && before->revoked_count == REVOKED_MAX;
    }
}

/* Each change is the deed of somebody whose token was good until then: an old one voids nothing. */
static bool is_somebodys(const struct watch *watch, const struct watch_entry *entry)
{
    for (const struct watch_act *act = watch->acts; act; act = act->next)
        if (act->possible && strcmp(act->claims.user, entry->key->user) == 0 &&
            !watch_sessions_voids(entry->before, &act->claims) &&
            is_deed(act, entry->before->account, entry->account))
            return true;
    return false;
}

void watch_sessions_changed(struct watch *watch, uint64_t now_us, struct watch_entry *entry)
{
    const struct watch_entry *before = entry->before;

    if (!entry->deleted)
        entry->account = read_account(watch, entry);
    if (!before || before->deleted || entry->deleted)
        return; /* watch_erasing.c */
    if (entry->account && before->account && !is_somebodys(watch, entry))
        watch_report(watch, now_us, WATCH_TOKEN_VOID,
                     "the account %s of %s is changed at %llu, and nobody with a good token has "
                     "asked for that",
                     entry->key->user, watch->shards[entry->key->shard].name,
                     (unsigned long long)entry->seq);
}

/* ---- writes ---- */

/* Its home knew before it took up what is in this batch. All that waited when a batch ended is in
 * the next one: so it is not enough that the last one voided the token. */
static bool was_void(const struct watch *watch, const struct token_claims *claims, uint64_t batch)
{
    for (const struct watch_entry *entry = history_of(watch, claims); entry; entry = entry->before)
        if (entry->batch + 2 <= batch && watch_sessions_voids(entry, claims))
            return true;
    return false;
}

void watch_sessions_wrote(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_bearer *bearer = entry->effort ? entry->effort->bearers : NULL;
    bool is_void = bearer != NULL;

    if (entry->queued) {
        const struct token_claims *claims = entry->queued->claims;

        is_void = claims && was_void(watch, claims, entry->batch);
    } else {
        for (; bearer; bearer = bearer->next)
            is_void = is_void && was_void(watch, &bearer->claims, entry->batch);
    }
    if (is_void)
        watch_report(watch, now_us, WATCH_TOKEN_VOID,
                     "%s/%s version %llu was written with a token that its home knew to be void",
                     entry->key->user, entry->key->key, (unsigned long long)entry->version);
}

void watch_sessions_forbidden(struct watch *watch, uint64_t now_us,
                              const struct watch_queued *queued)
{
    if (!queued->claims || !watch_sessions_is_firm(watch, queued->shard) ||
        !history_of(watch, queued->claims) || is_void_for_some(watch, queued->claims))
        return;
    watch_report(watch, now_us, WATCH_TOKEN_GOOD,
                 "receipt %s ends as forbidden, and the token that it came with stands",
                 queued->receipt);
}

/* ---- what is honoured ---- */

static uint64_t wall_us(uint64_t now_us)
{
    return SIMULATION_WALL_US + now_us;
}

static void report(struct watch *watch, const struct outcome_asked *asked,
                   const struct outcome *outcome, enum watch_check check, const char *what)
{
    const struct token_claims *claims = asked->claims ? asked->claims : outcome->issued;

    watch_report(watch, outcome->now_us, check,
                 "operation %u of client %u, %s, is told %d %s by %s (user %s, session %s, "
                 "generation %llu): %s",
                 asked->operation->number, asked->operation->client,
                 plan_operation_name(asked->operation->kind), outcome->status,
                 outcome->problem ? problem_get(outcome->problem)->type : "",
                 outcome->region ? outcome->region : "the router", claims ? claims->user : "",
                 claims ? claims->session : "",
                 (unsigned long long)(claims ? claims->generation : 0), what);
}

/* A region has looked at the token, and went on. */
static bool is_honoured(const struct outcome *outcome)
{
    return outcome->region &&
           (outcome->status / 100 == 2 || outcome->status / 100 == 3 || outcome->status == 404 ||
            outcome->status == 412 || outcome->status == 422);
}

static bool is_read(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_READ:
    case PLAN_OPERATION_READ_STRONG:
    case PLAN_OPERATION_READ_STALE:
    case PLAN_OPERATION_READ_FORCED:
    case PLAN_OPERATION_LIST:
    case PLAN_OPERATION_WHOAMI:
    case PLAN_OPERATION_VAULT_GET:
        return true;
    default:
        return false;
    }
}

/* Of the region's present copy, @region had been told up to there when it was asked. 0: it is not
 * known. */
static uint64_t known_then(const struct watch *watch, const struct outcome_asked *asked,
                           uint32_t region, uint32_t shard)
{
    const struct watch_session *session = &watch->sessions[asked->operation->client];

    return session->disks[region] == watch->regions[region].disks &&
                   !watch->regions[region].copies[shard].forked
               ? session->known_seq[region]
               : 0;
}

/* Up to where whoever serves this read must have heard, by the bookmark that it came with. */
static uint64_t demanded(const struct watch *watch, const struct outcome_asked *asked,
                         uint32_t shard)
{
    const struct position *position = bookmark_find(&asked->bookmark, watch->shards[shard].name);

    if (!is_read(asked->operation->kind) || asked->stale_ok || !position ||
        !watch_log_has(&watch->shards[shard], position->epoch, position->seq) ||
        watch->shards[shard].gone.count > 0)
        return 0;
    return position->seq;
}

static bool knew(const struct watch *watch, const struct outcome_asked *asked, uint64_t seq)
{
    const struct watch_entry *entry = history_of(watch, asked->claims);

    for (; entry; entry = entry->before)
        if (entry->seq <= seq && entry->made_us <= asked->now_us &&
            watch_sessions_voids(entry, asked->claims))
            return true;
    return false;
}

static void check_honoured(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome, uint32_t shard)
{
    uint32_t region = watch_find(watch, outcome->region);

    if (region == PLAN_NONE || !is_honoured(outcome) ||
        watch_is_damaged(watch, region, shard, asked->now_us))
        return;
    if (knew(watch, asked, known_then(watch, asked, region, shard)))
        report(watch, asked, outcome, WATCH_TOKEN_VOID,
               "the token is void, and that region had been told so when it was asked");
    else if ((asked->told_ahead >> region & 1) != 0 && watch_sessions_is_firm(watch, shard))
        report(watch, asked, outcome, WATCH_TOKEN_VOID,
               "the token is void, and that region had been told so ahead of the log");
    else if (knew(watch, asked, demanded(watch, asked, shard)))
        report(watch, asked, outcome, WATCH_TOKEN_VOID,
               "the token is void, and the bookmark is past what says so");
}

/* For what must not be done with a token that may be void. That another's item is none of the
 * client's can be said to any. */
static bool is_taken_gravely(enum plan_operation_kind kind, const struct outcome *outcome)
{
    switch (kind) {
    case PLAN_OPERATION_REFRESH:
    case PLAN_OPERATION_VAULT_PUT:
    case PLAN_OPERATION_VAULT_GET:
    case PLAN_OPERATION_VAULT_DELETE:
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        return is_honoured(outcome);
    case PLAN_OPERATION_VAULT_GET_SHARED:
        return outcome->status == 200;
    default:
        return false;
    }
}

static void check_accepted(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome, uint32_t shard)
{
    uint32_t region = watch_find(watch, outcome->region);
    uint64_t off_us = watch_clock_most_off(watch, outcome->now_us);
    struct moment at = {asked->now_us, wall_us(asked->now_us) - off_us};
    struct watch_token token = {.shard = shard,
                                .user = asked->claims->user,
                                .session = asked->claims->session,
                                .generation = asked->claims->generation,
                                .expires_s = asked->claims->expires_s};

    if (is_taken_gravely(asked->operation->kind, outcome) && region != PLAN_NONE)
        watch_accepted(watch, at, region, &token);
}

/* Neither what was known of it before, nor what else it says, makes up for the key. */
static void check_key(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    uint32_t region = watch_find(watch, outcome->region);

    if (region != PLAN_NONE && is_honoured(outcome) && (asked->keyless >> region & 1) != 0)
        report(watch, asked, outcome, WATCH_TOKENS,
               "that region's configuration had no such key when it was asked");
}

/* ---- what is refused ---- */

/* By the clock of some region, as far as it was ever off. */
static bool may_be_out_of_time(const struct watch *watch, const struct outcome_asked *asked,
                               const struct outcome *outcome)
{
    const struct token_claims *claims = asked->claims;
    uint64_t off_us = watch_clock_most_off(watch, outcome->now_us);
    uint64_t late_us = wall_us(outcome->now_us) + off_us;
    uint64_t early_us = wall_us(asked->now_us) - off_us;

    if (asked->operation->kind == PLAN_OPERATION_REFRESH &&
        late_us >= (claims->auth_time_s + watch->plan->settings.session_lifetime_s) * SECOND_US)
        return true;
    return late_us >= claims->expires_s * SECOND_US || early_us < claims->issued_s * SECOND_US;
}

void watch_keys_leaked(struct watch *watch, uint32_t region, uint32_t number)
{
    watch->regions[region].leaked = number;
}

/* A key that another one follows as usual is good for as long as what it has signed. */
static bool may_be_of_a_leaked_key(const struct watch *watch, const char *kid)
{
    uint32_t number;

    for (size_t i = 0; i < watch->region_count; i++)
        if (kid_number(kid, watch->regions[i].name, &number) == 0)
            return number <= watch->regions[i].leaked;
    return false;
}

static bool may_be_void(const struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome, uint32_t shard)
{
    return may_be_out_of_time(watch, asked, outcome) || may_be_of_a_leaked_key(watch, asked->kid) ||
           !watch_sessions_is_firm(watch, shard) || !history_of(watch, asked->claims) ||
           is_void_for_some(watch, asked->claims);
}

/* "": a token is enough, whatever it is good for. */
static const char *scope_of(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_WHOAMI:
    case PLAN_OPERATION_REFRESH:
    case PLAN_OPERATION_LOG_OUT:
    case PLAN_OPERATION_ODD:
        return "";
    case PLAN_OPERATION_REVOKE_ALL:
    case PLAN_OPERATION_DELETE_ACCOUNT:
        return "account";
    case PLAN_OPERATION_VAULT_PUT:
    case PLAN_OPERATION_VAULT_GET:
    case PLAN_OPERATION_VAULT_DELETE:
    case PLAN_OPERATION_VAULT_GET_SHARED:
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        return "vault";
    default:
        return "metadata";
    }
}

static void check_scope(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome)
{
    const char *scope = scope_of(asked->operation->kind);
    bool has = scope[0] == '\0' || token_scope_has(asked->claims->scope, scope);

    if (has && outcome->problem == PROBLEM_SCOPE)
        report(watch, asked, outcome, WATCH_TOKEN_GOOD, "the token is good for that");
    else if (!has && outcome->status / 100 == 2)
        report(watch, asked, outcome, WATCH_TOKEN_VOID, "the token is not good for that");
}

/* A queued copy of it was refused: then so is it, with whatever token it comes. */
static bool was_refused(struct watch *watch, const struct outcome_asked *asked)
{
    const struct watch_effort *effort =
        watch_effort_of(watch, asked->user_id, asked->idempotency_key);

    for (uint32_t region = 0; effort && region < watch->region_count; region++)
        if (effort->maybe_refused[region])
            return true;
    return false;
}

static void check_refused(struct watch *watch, const struct outcome_asked *asked,
                          const struct outcome *outcome, uint32_t shard)
{
    if (outcome->problem != PROBLEM_UNAUTHENTICATED &&
        (outcome->problem != PROBLEM_FORBIDDEN || was_refused(watch, asked)))
        return;
    if (!may_be_void(watch, asked, outcome, shard))
        report(watch, asked, outcome, WATCH_TOKEN_GOOD, "the token stands");
}

/* ---- what is given out ---- */

/* Was there an account like that, in the true log or before something was given up? */
static bool is_of_account(const struct watch *watch, const struct token_claims *claims)
{
    const struct watch_entry *entry = history_of(watch, claims);
    uint32_t shard = watch_find(watch, claims->shard);

    if (shard == PLAN_NONE || !watch_sessions_is_firm(watch, shard))
        return shard != PLAN_NONE;
    for (; entry; entry = entry->before)
        if (entry->account && !entry->account->closing &&
            entry->account->generation == claims->generation)
            return true;
    return false;
}

static bool goes_on(const struct watch *watch, const struct token_claims *before,
                    const struct token_claims *after)
{
    return strcmp(before->user, after->user) == 0 && strcmp(before->shard, after->shard) == 0 &&
           strcmp(before->session, after->session) == 0 &&
           strcmp(before->scope, after->scope) == 0 && before->generation == after->generation &&
           before->auth_time_s == after->auth_time_s &&
           after->expires_s <= after->auth_time_s + watch->plan->settings.session_lifetime_s;
}

/* The home knew that the account is closed before it was asked. */
static bool was_closed(const struct watch *watch, const struct outcome_asked *asked,
                       const struct token_claims *claims)
{
    const struct watch_entry *entry = history_of(watch, claims);

    for (; entry; entry = entry->before)
        if ((entry->deleted || (entry->account && entry->account->closing)) &&
            entry->published_us < asked->now_us)
            return true;
    return false;
}

static void check_issued(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    const struct token_claims *claims = outcome->issued;
    uint32_t shard = watch_find(watch, claims->shard);

    if (shard != PLAN_NONE && watch->shards[shard].spoiled)
        return;
    if (outcome->served != MEC__SERVED__SERVED_HOME)
        report(watch, asked, outcome, WATCH_FAILS_CLOSED, "a token that its home did not give out");
    else if (claims->expires_s - claims->issued_s > watch->plan->settings.token_lifetime_s)
        report(watch, asked, outcome, WATCH_TOKEN_VOID, "a token that lives too long");
    else if (!is_of_account(watch, claims))
        report(watch, asked, outcome, WATCH_TOKEN_VOID, "a token of no account that there was");
    else if (was_closed(watch, asked, claims))
        report(watch, asked, outcome, WATCH_TOKEN_VOID, "a token of an account that was deleted");
    else if (asked->claims && !goes_on(watch, asked->claims, claims))
        report(watch, asked, outcome, WATCH_TOKEN_VOID, "a token of another session");
}

/* ---- what has ended ---- */

static void close_act(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    for (struct watch_act *act = watch->acts; act; act = act->next)
        if (act->client == asked->operation->client && act->number == asked->operation->number &&
            outcome_promises_nothing(outcome))
            act->possible = false;
}

/* What is said to have ended has, for good. */
static void check_ended(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome, uint32_t shard)
{
    const struct watch_key *key = watch_sessions_account(watch, shard, asked->claims->user);
    struct watch_entry *entry = key ? key->head : NULL, *first = NULL;

    for (; entry; entry = entry->before)
        if (watch_sessions_voids(entry, asked->claims))
            first = entry;
    if (first)
        watch_log_acknowledge(first);
    else if (watch_sessions_is_firm(watch, shard))
        report(watch, asked, outcome, WATCH_ACKNOWLEDGED, "the token is void in no log");
}

/* ---- limits ---- */

static bool may_be_limited(const struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome)
{
    const Mec__Settings *settings = &watch->plan->settings;

    if (!outcome->region)
        return settings->client_rate_per_s > 0;
    if (asked->operation->kind == PLAN_OPERATION_LOG_IN)
        return settings->login_rate_per_min > 0;
    return settings->user_rate_per_s > 0 || asked->operation->kind == PLAN_OPERATION_ODD;
}

/* ---- all of it ---- */

static void check_bearer(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    enum plan_operation_kind kind = asked->operation->kind;
    uint32_t shard = watch_find(watch, asked->claims->shard);

    if (shard == PLAN_NONE || kind == PLAN_OPERATION_ODD)
        return; /* odd ones may come with another's header */
    check_scope(watch, asked, outcome);
    check_key(watch, asked, outcome);
    check_refused(watch, asked, outcome, shard);
    check_accepted(watch, asked, outcome, shard);
    if (!ends_sessions(kind))
        check_honoured(watch, asked, outcome, shard);
    else if (outcome->status == 204)
        check_ended(watch, asked, outcome, shard);
}

void watch_sessions_told(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    if (ends_sessions(asked->operation->kind))
        close_act(watch, asked, outcome);
    if (outcome->given_up)
        return;
    if (outcome->status == 429 && !may_be_limited(watch, asked, outcome))
        report(watch, asked, outcome, WATCH_LIMITED, "there is no such limit");
    if (asked->claims)
        check_bearer(watch, asked, outcome);
    if (outcome->issued)
        check_issued(watch, asked, outcome);
}
