#include "sim/router_host.h"

#include <stdlib.h>

#include "routerd/router.h"
#include "sim/client.h"
#include "sim/looks.h"
#include "sim/simulation.h"
#include "sim/sockets.h"

static void carry_out(struct process *process, const struct router_action *action)
{
    switch (action->kind) {
    case ROUTER_ANSWER:
        client_answered(process->simulation, action->request_id, action->answer);
        return;
    case ROUTER_SEND:
        sockets_send(process, action->peer, action->bytes, action->size);
        return;
    case ROUTER_CLOSE:
        sockets_close(process, action->peer);
        return;
    case ROUTER_EXPLAINED:
        if (action->explain_id & LOOKS_ID)
            looks_explained(process->simulation, process->name, action->explain_id, action->text);
        else
            client_explained(process->simulation, action->explain_id, action->text);
        return;
    case ROUTER_READY:
        simulation_trace(process->simulation, process->name, "is ready");
        return;
    case ROUTER_LOG:
        process_says(process, action->text);
        return;
    }
}

static void step(struct process *process, struct router_event event)
{
    struct router_actions actions;

    event.at = process_moment(process);
    actions = router_step(process->router, &event);
    for (size_t i = 0; i < actions.count && !process->dying; i++) {
        carry_out(process, &actions.items[i]);
        process_acts(process);
    }
    process_stepped(process, process->dying ? NEVER_US : router_wake_us(process->router));
    if (process->router)
        client_send_explained(process->simulation, process->index);
}

int router_host_start(struct process *process)
{
    uint64_t seed[4];

    for (size_t i = 0; i < 4; i++)
        seed[i] = random_next(&process->simulation->luck[LUCK_PROCESSES]);
    return router_create(process->config, (const uint8_t *)seed, process_moment(process),
                         &process->router);
}

void router_host_end(struct process *process)
{
    router_free(process->router);
    process->router = NULL;
    client_router_gone(process->simulation, process->index);
}

void router_host_tick(struct process *process)
{
    step(process, (struct router_event){.kind = ROUTER_TICK});
}

void router_host_configured(struct process *process)
{
    step(process, (struct router_event){.kind = ROUTER_CONFIGURED, .config = process->config});
}

void router_host_peer(struct process *process, uint32_t peer, bool up)
{
    step(process,
         (struct router_event){.kind = up ? ROUTER_PEER_UP : ROUTER_PEER_DOWN, .peer = peer});
}

void router_host_frame(struct process *process, uint32_t peer, const struct frame *frame)
{
    step(process, (struct router_event){.kind = ROUTER_FRAME, .peer = peer, .frame = *frame});
}

void router_host_ask(struct process *process, uint64_t request_id,
                     const struct http_request *request)
{
    step(process, (struct router_event){
                      .kind = ROUTER_REQUEST, .request_id = request_id, .request = request});
}

void router_host_explain(struct process *process, uint64_t explain_id, const Mec__ExplainAsk *ask)
{
    step(process,
         (struct router_event){.kind = ROUTER_EXPLAIN, .explain_id = explain_id, .explain = ask});
}

char *router_host_status(const struct process *process)
{
    return router_status(process->router, process_moment(process));
}

char *router_host_metrics(const struct process *process)
{
    return router_metrics(process->router, process_moment(process));
}

void router_host_give_up(struct process *process, uint64_t request_id)
{
    step(process, (struct router_event){.kind = ROUTER_CLIENT_GONE, .request_id = request_id});
}
