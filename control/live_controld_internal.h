/* What the files of live_controld share. */

#ifndef MEC_LIVE_CONTROLD_INTERNAL_H
#define MEC_LIVE_CONTROLD_INTERNAL_H

#include "common/live_loop.h"
#include "common/live_peer.h"
#include "common/signed_config.h"
#include "control/controller.h"

struct evhttp_request;
struct live_controld;
struct live_controld_http;

/* A process being watched until it ends. */
struct live_watch {
    struct live_controld *controld;
    size_t process;
    int pidfd;
    struct event *event; /* NULL: not watched */
};

/* Who asked what: the controller's number, and the way back. */
struct live_ask {
    struct live_ask *next;
    uint64_t number;
    struct live_peer *peer; /* NULL: it came by HTTP */
    uint64_t frame_id;
    struct evhttp_request *http;
    bool bare; /* the answer is the data alone */
};

/* An event that came while a step's actions were being carried out. */
struct live_later {
    struct live_later *next;
    struct controller_event event;
    char *text;
};

struct live_controld {
    struct live_loop *loop;
    struct live_listener *listener;
    struct controller *controller;
    size_t count; /* of processes */
    struct live_watch *watches;
    struct live_peer **peers; /* connection of each process; NULL: none */
    struct live_ask *asks;
    uint64_t last_ask;
    struct live_later *later;
    bool stepping;
    bool save;
    bool ended; /* the world is down */

    struct live_controld_http *http; /* NULL: there is none */

    uint8_t seed[SIGNED_CONFIG_SEED_SIZE]; /* secret: configurations are signed with it */
    uint8_t *config;                       /* packed and signed, of config_version */
    size_t config_size;
    uint64_t config_version;
};

/* Feed the core, and carry out what it decides. */
void live_controld_step(struct live_controld *controld, const struct controller_event *event);

/* live_controld_prepare.c. Errors: -errno, logged. */
int live_controld_prepare(struct live_controld *controld, struct world *world);

/* live_controld_processes.c */
void live_controld_find_alive(const struct world *world, bool *ret_alive);
void live_controld_watch(struct live_controld *controld, size_t process);
void live_controld_unwatch(struct live_controld *controld, size_t process);
void live_controld_spawn(struct live_controld *controld, size_t process);
void live_controld_signal(struct live_controld *controld, size_t process, int signal);
void live_controld_pack_config(struct live_controld *controld);

/* live_controld_http.c. Without a token or a port there is no HTTP: it is logged, and all else goes
 * on. */
void live_controld_http_start(struct live_controld *controld, struct world *world);
void live_controld_http_free(struct live_controld_http *http);
void live_controld_http_reply(const struct live_ask *ask, const struct controller_action *action);

/* live_controld_socket.c */
/* Have @command done for who stands in @from, whose number is given here. Copies. */
void live_controld_ask(struct live_controld *controld, const struct live_ask *from,
                       const char *command, const json_t *arguments);
int live_controld_listen(struct live_controld *controld);
void live_controld_reply(struct live_controld *controld, const struct controller_action *action);
void live_controld_configure(struct live_controld *controld, size_t process);
void live_controld_call(struct live_controld *controld, const struct controller_action *action);

#endif
