/* mecentral down */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live_loop.h"
#include "control/live_ask.h"
#include "control/live_process.h"
#include "control/live_start.h"
#include "control/live_world.h"
#include "control/mecentral.h"

#define DOWN_PATIENCE_MS 10000

/* Let controld do it. Errors: -EINTR, somebody has no patience; others: it could not. */
static int ask_controld(const struct world *world)
{
    struct live_ask_reply reply;
    char *socket = world_control_path(world);
    int error = live_process_is_paused(world->controld_pid) ? -EAGAIN : 0;

    if (error == 0)
        error = live_ask(socket, "down", NULL, DOWN_PATIENCE_MS, &reply);
    if (error == 0) {
        error = reply.exit_code == MECENTRAL_FINE ? 0 : -EBUSY;
        live_ask_free(&reply);
    }
    free(socket);
    return error != 0 ? error
                      : live_process_wait_gone(world->controld_pid, world->controld_start_ticks,
                                               5 * SECOND_US);
}

static void signal_all(const struct world *world, int signal)
{
    for (size_t i = 0; i < world->supervisor.count; i++)
        live_process_signal(world->supervisor.processes[i].pid,
                            world->supervisor.processes[i].start_ticks, signal);
}

static int wait_all(const struct world *world, uint64_t patience_us)
{
    uint64_t deadline_us = live_loop_now().now_us + patience_us;
    int error = 0;

    for (size_t i = 0; i < world->supervisor.count; i++) {
        uint64_t now_us = live_loop_now().now_us;
        const struct process *process = &world->supervisor.processes[i];
        if (live_process_wait_gone(process->pid, process->start_ticks,
                                   now_us < deadline_us ? deadline_us - now_us : 0) != 0)
            error = -ETIMEDOUT;
    }
    return error;
}

/* controld is gone or does not do it: end every process that is surely one of the world's. */
static int end_by_hand(const struct world *world, bool at_once)
{
    live_process_signal(world->controld_pid, world->controld_start_ticks, SIGKILL);
    if (!at_once) {
        signal_all(world, SIGTERM);
        signal_all(world, SIGCONT);
    }
    if (at_once || wait_all(world, SUPERVISOR_STOP_US) != 0) {
        signal_all(world, SIGKILL);
        if (wait_all(world, 2 * SECOND_US) != 0)
            return -ETIMEDOUT;
    }
    live_world_remove_runtime(world);
    if (world->ephemeral)
        live_world_remove_tree(world->data);
    return 0;
}

static int purge(const struct mecentral *run, const char *data)
{
    struct world *world;
    int error = live_world_load(data, &world);

    /* Only what is surely a world's data is removed with all that is in it. */
    if (error == 0) {
        world_free(world);
        error = live_world_remove_tree(data);
    }
    if (error == 0 || error == -ENOENT)
        return MECENTRAL_FINE;
    mecentral_error("cannot remove the data of world %s in %s: %s", run->world, data,
                    error == -EBADMSG ? "its state.json is damaged; remove the directory yourself"
                                      : strerror(-error));
    return MECENTRAL_INTERNAL;
}

/* It does not run; purging what it left is still possible. */
static int down_already(const struct mecentral *run)
{
    char *data = live_world_default_data(run->world);
    struct world *world;
    int code = MECENTRAL_UNREACHABLE;

    if (command_line_flag(run->line.arguments, "purge") && live_world_load(data, &world) == 0) {
        world_free(world);
        code = purge(run, data);
        if (code == MECENTRAL_FINE)
            mecentral_say(run, "removed the data of world %s in %s", run->world, data);
    } else {
        mecentral_error("world %s does not run", run->world);
    }
    free(data);
    return code;
}

int live_down(struct mecentral *run)
{
    struct world *world;
    char *data;
    int code = MECENTRAL_FINE;

    if (live_world_running_data(run->world, &data) != 0)
        return down_already(run);
    free(data);
    if (live_start_find(run, &world) != 0)
        return MECENTRAL_INTERNAL;
    int error = ask_controld(world);
    if (error != 0 && end_by_hand(world, error == -EINTR) != 0) {
        mecentral_error("some processes of world %s do not end; see mecentral ps", run->world);
        code = MECENTRAL_INTERNAL;
    }
    if (code == MECENTRAL_FINE && command_line_flag(run->line.arguments, "purge") &&
        !world->ephemeral)
        code = purge(run, world->data);
    if (code == MECENTRAL_FINE)
        mecentral_say(run, "world %s is down", run->world);
    world_free(world);
    return code;
}
