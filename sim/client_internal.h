/* client_internal: a session's state, shared by the files that make it up. */

#ifndef MEC_CLIENT_INTERNAL_H
#define MEC_CLIENT_INTERNAL_H

#include "sim/client.h"
#include "sim/simulation.h"

#define CLIENT_KEYS_MAX     16
#define CLIENT_RECEIPTS_MAX 64
#define CLIENT_QUESTIONS    3

/* What the session knows of a record. */
struct client_record {
    bool known; /* it has asked */
    bool exists;
    uint64_t version;
    const char *value;
};

enum attempt_phase {
    ATTEMPT_SENT,
    ATTEMPT_ASKS_WHERE, /* it would go, and is only sent when that is known */
    ATTEMPT_KNOWS_WHERE /* and goes out at the end of the router's step */
};

/* A token as it was given out, and what it says. */
struct client_token {
    const char *text; /* NULL: there is none */
    const struct token_claims *claims;
    const char *kid;
};

/* With which of the session's tokens a request goes out. */
enum bearer {
    BEARER_NONE,
    BEARER_OWN,
    BEARER_OLD,   /* one that it has voided */
    BEARER_NARROW /* one that is good for records alone, or the log-in for that */
};

/* A request under way. Everything in it lives in the run's arena. */
struct attempt {
    uint64_t request_id;
    uint64_t router_life;
    struct client *client;
    struct plan_operation operation; /* as it is done: what cannot be done yet becomes a log-in */
    struct outcome_asked asked;
    struct http_request http;
    enum attempt_phase phase;
    enum bearer bearer;
    struct client_token token;             /* that it goes out with */
    uint64_t told_lives[PLAN_REGIONS_MAX]; /* of the regions, when it was sent */
    bool is_again;                         /* the sign-up of an account that was deleted */
    struct outcome_route *route;           /* what explain has said; NULL: nothing */
    bool over;
    struct attempt *next; /* of all that are not over */
};

/* A user is known to all of its sessions. */
struct client_user {
    const char *name;
    const char *password;
    bool signed_up;         /* for sure */
    unsigned sign_ups;      /* so many were before the present one, each under another key */
    bool may_be_deleted;    /* some session has asked for that, some time */
    bool rival_may_have_it; /* the name */
    bool is_examined;       /* by one of its sessions */
};

struct client {
    struct simulation *simulation;
    uint32_t index;
    const struct plan_client *plan;
    struct client_user *user;
    char name[32]; /* "client 3" */
    uint32_t place;
    const char *user_id;  /* "" before the first log-in */
    const char *shard;    /* its home; "" likewise */
    const char *bookmark; /* as it was given; NULL: none */
    struct client_token token;
    struct client_token old_token;     /* the last one that it has voided */
    enum plan_operation_kind ended_by; /* how */
    struct client_token narrow_token;
    struct client_record records[CLIENT_KEYS_MAX];
    const char *receipts[CLIENT_RECEIPTS_MAX]; /* open ones, oldest first */
    size_t receipt_count;
    struct attempt *last_write;            /* for RETRY and REUSE; NULL: none */
    struct attempt *attempt;               /* under way; NULL: none */
    const struct plan_operation **waiting; /* operations whose time has come, a ring of all */
    size_t waiting_first, waiting_count;

    /* The examination in the end. */
    bool examined;
    uint32_t passed; /* log-in, write, read: so many have gone well */
    struct plan_operation examination[CLIENT_QUESTIONS];
    const char *failing; /* the last answer that was not as it should be */
};

struct clients {
    struct client *items;
    struct client_user *users;
    struct attempt *under_way;
    bool some_are_gone; /* regions, for good */
};

/* ---- client.c ---- */

/* Take the next operation up, if there is one and nothing is under way. */
void client_next(struct client *client);
void client_finish(struct client *client, struct attempt *attempt);

/* The request goes out now: all who watch are told. */
void client_sends(struct client *client, struct attempt *attempt);

/* What a message between the client and its router takes. */
uint64_t client_hop_us(struct client *client);

/* Run @run with @what, which it takes over, after @delay_us. */
void client_later(struct client *client, uint64_t delay_us, void (*run)(void *what), void *what);

/* ---- client_ask.c ---- */

/* Index of the shard that the client is at home in; PLAN_NONE: it does not know yet. */
uint32_t client_shard(const struct client *client);

/* The parts of a write: a key that stands for it, and a value that nobody else writes. */
void client_set_write_key(struct attempt *attempt);
void client_set_value(struct attempt *attempt);

/* Make what @operation asks for. NULL: there is nothing to ask, it is done. */
struct attempt *client_make(struct client *client, const struct plan_operation *operation);

/* ---- client_vault.c ---- */

/* Can the client do that with a vault, its own or another's? */
bool client_vault_can(const struct client *client, enum plan_operation_kind kind);

/* Ask for it. */
void client_vault(struct attempt *attempt);

/* ---- client_sessions.c ---- */

/* What @kind comes down to: what is sent, and with which token. */
enum plan_operation_kind client_session_then(const struct client *client,
                                             const struct plan_operation *operation,
                                             enum plan_operation_kind kind);
enum bearer client_session_bearer(const struct client *client, enum plan_operation_kind kind);

/* May the session do @kind, of those that are about its tokens? */
bool client_session_can(const struct client *client, enum plan_operation_kind kind);

/* A request about tokens and accounts, but for its headers. */
void client_session_fill(struct attempt *attempt);

/* Learn from the answer to such a one, or to one that was refused for its token. */
void client_session_learn(struct attempt *attempt, const struct outcome *outcome);

/* It is sent: who has been told, ahead of the log, that its token is void? And it is answered: who
 * of these has not forgotten? */
void client_session_sends(struct attempt *attempt);
void client_session_is_told(struct attempt *attempt);

/* The token that @body gives out; no text: none. */
struct client_token client_session_token(const struct client *client, struct slice body);

/* ---- client_odd.c ---- */

/* Make one of many odd requests; the session's headers are set. */
void client_odd(struct attempt *attempt);

/* ---- client_explain.c ---- */

/* Ask where @attempt would go. It is sent later. */
void client_explain(struct client *client, struct attempt *attempt);

/* Has it gone there? */
void client_check_explained(const struct attempt *attempt, const struct http_answer *answer,
                            const struct outcome *outcome);

/* ---- client_exam.c ---- */

/* An answer has come to a client that is being examined: the next question, or the same again. */
void client_examine_next(struct client *client, const struct attempt *attempt,
                         const struct outcome *outcome);

/* The examination's question is asked in a while. */
void client_examine_again(struct client *client);

/* ---- client_told.c ---- */

/* Read @answer (NULL: nothing came) and learn from it. */
void client_learn(struct client *client, struct attempt *attempt, const struct http_answer *answer,
                  struct outcome *ret_outcome);

#endif
