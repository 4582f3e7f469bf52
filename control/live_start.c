#include "control/live_start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "control/live_ask.h"
#include "control/live_process.h"
#include "control/live_tail.h"
#include "control/live_world.h"
#include "control/text.h"

#define CONNECT_PATIENCE_US (5 * SECOND_US)

static const char *own_flag(const struct mecentral *run, char *ret_text, size_t size)
{
    if (strcmp(run->world, "default") == 0)
        snprintf(ret_text, size, "mecentral");
    else
        snprintf(ret_text, size, "mecentral -n %s", run->world);
    return ret_text;
}

int live_start_lock(const struct mecentral *run, const char *runtime, const char *data,
                    struct live_locks *ret_locks)
{
    struct live_locks locks;
    char command[64];
    int error = live_world_lock(runtime, &locks.runtime);

    if (error == -EWOULDBLOCK)
        mecentral_error("world %s runs already; see: %s status, or end it: %s down", run->world,
                        own_flag(run, command, sizeof command), command);
    else if (error != 0)
        mecentral_error("cannot lock %s/lock: %s", runtime, strerror(-error));
    if (error != 0)
        return error;
    error = live_world_lock(data, &locks.data);
    if (error == -EWOULDBLOCK)
        mecentral_error("another world uses the data in %s; choose another --data", data);
    else if (error != 0)
        mecentral_error("cannot write in %s: %s", data, strerror(-error));
    if (error != 0) {
        close(locks.runtime);
        return error;
    }
    *ret_locks = locks;
    return 0;
}

void live_start_unlock(const struct live_locks *locks)
{
    close(locks->runtime);
    close(locks->data);
}

void live_start_show_log(const char *data, const char *process, unsigned lines)
{
    char *path = world_log_path(data, process);
    char *text = live_tail_read(path, lines);

    if (text && *text)
        fprintf(stderr, "the end of %s:\n%s", path, text);
    free(text);
    free(path);
}

/* Try until it listens, or is gone. */
static int connect_to(const char *socket, uint32_t pid, int *ret_fd)
{
    const struct timespec pause = {.tv_nsec = 500000};
    uint64_t deadline_us = live_loop_now().now_us + CONNECT_PATIENCE_US;

    for (;;) {
        int error = live_ask_connect(socket, ret_fd);
        if (error == 0)
            return 0;
        if (waitpid((pid_t)pid, NULL, WNOHANG) != 0)
            return -ECONNREFUSED;
        if (live_loop_now().now_us > deadline_us)
            return error;
        nanosleep(&pause, NULL);
    }
}

int live_start_controld(const char *runtime, const char *data, const struct live_locks *locks,
                        int *ret_fd)
{
    const int keep[] = {locks->runtime, locks->data};
    char *log = world_log_path(data, "controld");
    char *socket = text_format("%s/control.sock", runtime);
    char *path = NULL;
    uint32_t pid = 0;
    int error = live_process_find("controld", &path);

    if (error != 0)
        mecentral_error("there is no program controld beside mecentral; set MECENTRAL_LIBEXEC");
    if (error == 0) {
        char *const arguments[] = {(char *)"controld", (char *)data, NULL};
        error = live_process_spawn(path, arguments, log, keep, 2, &pid);
        if (error != 0)
            mecentral_error("cannot start %s with its log %s: %s", path, log, strerror(-error));
    }
    if (error == 0) {
        error = connect_to(socket, pid, ret_fd);
        if (error != 0) {
            mecentral_error("controld did not start");
            live_start_show_log(data, "controld", 5);
        }
    }
    free(path);
    free(socket);
    free(log);
    return error;
}

int live_start_find(const struct mecentral *run, struct world **ret_world)
{
    char command[64];
    char *data;
    int error = live_world_running_data(run->world, &data);

    if (error != 0) {
        mecentral_error("world %s does not run; start it: %s up", run->world,
                        own_flag(run, command, sizeof command));
        return -ENOENT;
    }
    error = live_world_load(data, ret_world);
    if (error != 0)
        mecentral_error("cannot read the state of world %s in %s/state.json: %s", run->world, data,
                        error == -EBADMSG ? "it is damaged" : strerror(-error));
    free(data);
    return error;
}

int live_start_explain(const struct mecentral *run, const struct world *world, int error)
{
    char command[64];

    own_flag(run, command, sizeof command);
    if (!live_process_is(world->controld_pid, world->controld_start_ticks))
        mecentral_error("controld of world %s is not running: %s start controld", run->world,
                        command);
    else if (live_process_is_paused(world->controld_pid))
        mecentral_error("controld of world %s is paused: %s resume controld", run->world, command);
    else if (error == -ETIMEDOUT)
        mecentral_error("controld of world %s (pid %u) does not answer", run->world,
                        (unsigned)world->controld_pid);
    else
        mecentral_error("cannot talk to controld of world %s: %s", run->world, strerror(-error));
    return MECENTRAL_UNREACHABLE;
}

int live_start_connect(const struct mecentral *run, const struct world *world, int *ret_fd)
{
    char *socket = world_control_path(world);
    /* A paused one would take the connection and keep us waiting. */
    int error =
        live_process_is_paused(world->controld_pid) ? -EAGAIN : live_ask_connect(socket, ret_fd);

    free(socket);
    if (error != 0)
        live_start_explain(run, world, error);
    return error;
}
