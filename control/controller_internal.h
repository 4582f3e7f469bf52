/* What the files of controller share. */

#ifndef MEC_CONTROLLER_INTERNAL_H
#define MEC_CONTROLLER_INTERNAL_H

#include "control/controller.h"

/* Exit codes: the manual's list. */
enum {
    EXIT_FINE = 0,
    EXIT_CHECK = 1,
    EXIT_UNDETERMINED = 2,
    EXIT_USAGE = 64,
    EXIT_UNREACHABLE = 69,
    EXIT_INTERNAL = 70
};

enum wait_kind {
    WAIT_SERVING, /* all members serve */
    WAIT_ENDED,   /* all members have ended */
    WAIT_VERSION, /* all members run by the version */
    WAIT_ANSWERS, /* all members have answered */
    WAIT_KEYS,    /* all regions that are to sign with new keys do */
    WAIT_WATCH    /* the asker goes away */
};

/* A command that waits for its effect. */
struct wait {
    struct wait *next;
    uint64_t ask;
    enum wait_kind kind;
    uint64_t deadline_us;
    uint64_t version;
    bool *members;   /* one a process */
    uint64_t *calls; /* WAIT_ANSWERS: call ids, one a process; 0: answered or not asked */
    json_t *answers; /* WAIT_ANSWERS: name -> answer */
    uint32_t *keys;  /* WAIT_KEYS: the number of the new one, one a region; 0: it keeps its own */
    bool leaked;     /* WAIT_KEYS: and nobody takes the old ones any more */
    json_t *data;    /* of the reply */
    char *text;      /* of the reply */
    bool down;       /* WAIT_ENDED: the world ends with it */
    /* Make the reply's data and text of the answers. */
    void (*finish)(struct controller *controller, struct wait *wait);
    /* WAIT_ANSWERS: ask once more, instead; false: no. NULL: never. */
    bool (*again)(struct controller *controller, struct wait *wait);
    json_t *audit; /* of an audit: {region, sections} */
    uint32_t exit_code;
};

struct controller {
    struct world *world;
    struct wait *waits;
    enum process_state *seen; /* states as of the last step, to notice changes */
    struct controller_action *actions;
    size_t action_count;
    uint64_t last_call;
    struct moment now;
    bool ending;
    bool keys_moved;         /* a Config that says so must follow */
    Mec__ExplainAsk explain; /* of the CALL in this step; its texts are the event's */
};

struct controller_action *controller_act(struct controller *controller,
                                         enum controller_action_kind kind);

/* Answer @ask for good. @text is taken over, and a reference to @data (may be NULL) too. */
void controller_reply(struct controller *controller, uint64_t ask, uint32_t exit_code, char *text,
                      json_t *data);

/* Something for the log and for those who watch. Takes over @text. */
void controller_notice(struct controller *controller, char *text);

struct wait *controller_wait(struct controller *controller, uint64_t ask, enum wait_kind kind,
                             uint64_t patience_us);

/* The configuration has changed: tell everybody. */
void controller_new_version(struct controller *controller);

/* Carry out what the supervisor decided. */
void controller_supervise(struct controller *controller);

/* controller_commands.c: begin what @event asks. */
void controller_command(struct controller *controller, const struct controller_event *event);

void controller_refuse(struct controller *controller, const struct controller_event *event,
                       char *why); /* takes over @why */

/* controller_keys.c: signing keys. */
void controller_begin_keys(struct controller *controller, const struct controller_event *event);
void controller_keys_hello(struct controller *controller, size_t process, const Mec__Hello *hello);
void controller_keys_advance(struct controller *controller);
uint64_t controller_keys_wake_wall_us(const struct controller *controller);
bool controller_keys_are_over(const struct controller *controller, const struct wait *wait);

/* controller_questions.c: what the processes answer. */
void controller_begin_status(struct controller *controller, const struct controller_event *event);
void controller_begin_verify(struct controller *controller, const struct controller_event *event);
void controller_begin_audit(struct controller *controller, const struct controller_event *event);
void controller_begin_explain(struct controller *controller, const struct controller_event *event);

#endif
