#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/live_files.h"
#include "common/live_log.h"
#include "common/memory.h"
#include "control/live_controld_internal.h"
#include "control/live_process.h"
#include "control/live_vault_keys.h"
#include "control/live_world.h"
#include "control/text.h"

void live_controld_find_alive(const struct world *world, bool *ret_alive)
{
    for (size_t i = 0; i < world->supervisor.count; i++) {
        const struct process *process = &world->supervisor.processes[i];
        ret_alive[i] = live_process_is(process->pid, process->start_ticks);
    }
}

void live_controld_unwatch(struct live_controld *controld, size_t process)
{
    struct live_watch *watch = &controld->watches[process];

    if (!watch->event)
        return;
    event_free(watch->event);
    if (watch->pidfd >= 0)
        close(watch->pidfd);
    watch->event = NULL;
    watch->pidfd = -1;
}

static void on_exit_of(evutil_socket_t fd, short what, void *context)
{
    struct live_watch *watch = context;
    struct live_controld *controld = watch->controld;
    struct controller_event event = {
        .kind = CONTROLLER_EXITED, .process = watch->process, .code = -1, .signal = -1};
    siginfo_t info = {0};

    (void)what;
    /* Fails for one that we have adopted: it is not our child, and nobody tells us how it ended. */
    if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0)
            return;
        event.code = info.si_code == CLD_EXITED ? info.si_status : 0;
        event.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    }
    live_controld_unwatch(controld, watch->process);
    live_controld_step(controld, &event);
}

static void on_gone_before(evutil_socket_t fd, short what, void *context)
{
    struct live_watch *watch = context;
    struct live_controld *controld = watch->controld;

    (void)fd;
    (void)what;
    live_controld_unwatch(controld, watch->process);
    live_controld_step(controld, &(struct controller_event){.kind = CONTROLLER_EXITED,
                                                            .process = watch->process,
                                                            .code = -1,
                                                            .signal = -1});
}

void live_controld_watch(struct live_controld *controld, size_t index)
{
    static const struct timeval at_once = {0, 0};
    const struct process *process =
        &controller_world(controld->controller)->supervisor.processes[index];
    struct live_watch *watch = &controld->watches[index];
    struct event_base *base = live_loop_base(controld->loop);
    int fd = live_process_pidfd(process->pid);
    uint64_t ticks;
    /* One that we adopt may end, and its pid go to another, until the pidfd stands. */
    bool gone = fd < 0 ||
                (process->start_ticks != 0 && live_process_start_ticks(process->pid, &ticks) == 0 &&
                 ticks != process->start_ticks);

    live_controld_unwatch(controld, index);
    watch->pidfd = fd;
    watch->event = gone ? evtimer_new(base, on_gone_before, watch)
                        : event_new(base, fd, EV_READ | EV_PERSIST, on_exit_of, watch);
    event_add(watch->event, gone ? &at_once : NULL);
}

void live_controld_pack_config(struct live_controld *controld)
{
    const struct world *world = controller_world(controld->controller);

    if (controld->config && controld->config_version == world->config_version)
        return;
    Mec__Config *config = world_config(world);
    free(controld->config);
    controld->config = signed_config_pack(config, controld->seed, &controld->config_size);
    controld->config_version = world->config_version;
    mec__config__free_unpacked(config, NULL);
}

static int write_config(struct live_controld *controld, const char *directory)
{
    char *path = text_format("%s/config.pb", directory);

    live_controld_pack_config(controld);
    int error = live_world_replace_quickly(path, controld->config, controld->config_size);
    free(path);
    return error;
}

/* "regiond/us-east" is run by the program regiond. */
static int start(struct live_controld *controld, const struct process *process, uint32_t *ret_pid,
                 char **ret_why)
{
    const struct world *world = controller_world(controld->controller);
    char *directory = world_process_directory(world, process);
    char *control = world_control_path(world);
    char *log = world_log_path(world->data, process->name);
    char *program = memory_text_of((struct slice){process->name, strcspn(process->name, "/")});
    char *path = NULL;
    int error = write_config(controld, directory);

    if (error != 0)
        *ret_why = text_format("cannot write %s/config.pb: %s", directory, strerror(-error));
    if (error == 0 && (error = live_process_find(program, &path)) != 0)
        *ret_why =
            text_format("there is no program %s beside mecentral; set MECENTRAL_LIBEXEC", program);
    if (error == 0) {
        char *const arguments[] = {program,
                                   (char *)"--name",
                                   (char *)process->name,
                                   (char *)"--directory",
                                   directory,
                                   (char *)"--control",
                                   control,
                                   NULL};
        error = live_process_spawn(path, arguments, log, NULL, 0, ret_pid);
        if (error != 0)
            *ret_why = text_format("cannot start %s: %s", path, strerror(-error));
    }
    free(path);
    free(program);
    free(log);
    free(control);
    free(directory);
    return error;
}

static void later(struct live_controld *controld, const struct controller_event *event, char *text)
{
    struct live_later *item = memory_alloc(sizeof *item);
    struct live_later **at = &controld->later;

    while (*at)
        at = &(*at)->next;
    item->event = *event;
    item->text = text;
    item->event.text = text;
    *at = item;
}

void live_controld_spawn(struct live_controld *controld, size_t process)
{
    const struct world *world = controller_world(controld->controller);
    struct controller_event event = {.kind = CONTROLLER_SPAWNED, .process = process};
    char *why = NULL;

    if (start(controld, &world->supervisor.processes[process], &event.pid, &why) != 0)
        event.kind = CONTROLLER_SPAWN_FAILED;
    else if (live_process_start_ticks(event.pid, &event.start_ticks) != 0)
        event.start_ticks = 0; /* it has ended at once; its pidfd will say so */
    later(controld, &event, why);
}

void live_controld_signal(struct live_controld *controld, size_t process, int signal)
{
    const struct process *target =
        &controller_world(controld->controller)->supervisor.processes[process];
    int error = live_process_signal(target->pid, target->start_ticks, signal);

    if (error != 0 && error != -ESRCH)
        live_log(LIVE_LOG_ERROR, "cannot signal %s: %s", target->name, strerror(-error));
}
