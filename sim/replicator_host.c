#include "sim/replicator_host.h"

#include "replicator/replicator.h"
#include "sim/simulation.h"
#include "sim/sockets.h"

static void carry_out(struct process *process, const struct replicator_action *action)
{
    switch (action->kind) {
    case REPLICATOR_SEND:
        sockets_send(process, action->peer, action->bytes, action->size);
        return;
    case REPLICATOR_CLOSE:
        sockets_close(process, action->peer);
        return;
    case REPLICATOR_LOG:
        process_says(process, action->text);
        return;
    }
}

static void step(struct process *process, struct replicator_event event)
{
    struct replicator_actions actions;

    event.at = process_moment(process);
    actions = replicator_step(process->replicator, &event);
    for (size_t i = 0; i < actions.count && !process->dying; i++) {
        carry_out(process, &actions.items[i]);
        process_acts(process);
    }
    process_stepped(process, process->dying ? NEVER_US : replicator_wake_us(process->replicator));
}

int replicator_host_start(struct process *process)
{
    struct simulation *simulation = process->simulation;

    int error =
        replicator_create(simulation->plan->region_names[process->index], process->config,
                          process->config->seed, process_moment(process), &process->replicator);

    if (error == 0)
        replicator_set_memory(process->replicator, (size_t)simulation->plan->memory_changes);
    return error;
}

void replicator_host_end(struct process *process)
{
    replicator_free(process->replicator);
    process->replicator = NULL;
}

char *replicator_host_status(const struct process *process)
{
    return replicator_status(process->replicator, process_moment(process));
}

void replicator_host_tick(struct process *process)
{
    step(process, (struct replicator_event){.kind = REPLICATOR_TICK});
}

void replicator_host_configured(struct process *process)
{
    step(process,
         (struct replicator_event){.kind = REPLICATOR_CONFIGURED, .config = process->config});
}

void replicator_host_peer(struct process *process, uint32_t peer, bool up)
{
    step(process, (struct replicator_event){.kind = up ? REPLICATOR_PEER_UP : REPLICATOR_PEER_DOWN,
                                            .peer = peer});
}

void replicator_host_frame(struct process *process, uint32_t peer, const struct frame *frame)
{
    step(process,
         (struct replicator_event){.kind = REPLICATOR_FRAME, .peer = peer, .frame = *frame});
}
