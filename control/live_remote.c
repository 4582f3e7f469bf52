/* Commands that controld carries out, and those on controld itself, which it cannot. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/live_loop.h"
#include "control/live_ask.h"
#include "control/live_process.h"
#include "control/live_start.h"
#include "control/live_world.h"
#include "control/mecentral.h"
#include "control/text.h"
#include "control/units.h"
#include "control/views.h"

#define PATIENCE_MS 20000

/* What each answer looks like to people; the others are just their message. */
static const struct {
    const char *command;
    char *(*view)(const json_t *data, bool colours);
} views[] = {{"ps", views_ps},         {"status", views_status}, {"faults", views_faults},
             {"verify", views_verify}, {"keys", views_keys},

             {"audit", views_audit}};

static char *view(const struct mecentral *run, const char *command, const json_t *data)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (strcmp(views[i].command, command) == 0)
            return views[i].view(data, run->colours);
    return NULL;
}

/* Memory is not controld's business: it is read here, when somebody looks. */
static void add_memory(json_t *data)
{
    json_t *rows = json_object_get(data, "processes");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_int_t pid = json_integer_value(json_object_get(row, "pid"));
        if (pid > 0)
            json_object_set_new(row, "pss_kib",
                                json_integer((json_int_t)live_process_pss_kib((uint32_t)pid)));
    }
}

static void show(const struct mecentral *run, const char *command,
                 const struct live_ask_reply *reply)
{
    if (reply->data && (strcmp(command, "ps") == 0 || strcmp(command, "status") == 0))
        add_memory(reply->data);
    char *text = reply->data ? view(run, command, reply->data) : NULL;
    bool bad = reply->exit_code != MECENTRAL_FINE;

    if (run->json && reply->data)
        mecentral_print_json(reply->data);
    else if (text)
        fputs(text, stdout);
    if (*reply->message && bad)
        mecentral_error("%s", reply->message);
    else if (*reply->message && !text && !run->json)
        puts(reply->message);
    free(text);
}

static void show_progress(const char *message, void *context)
{
    mecentral_say(context, "%s", message);
}

static int ask_once(struct mecentral *run, const struct world *world, const json_t *arguments,
                    struct live_ask_reply *ret_reply)
{
    int fd;
    int error = live_start_connect(run, world, &fd);

    if (error != 0)
        return MECENTRAL_UNREACHABLE;
    error = live_ask_on(fd, run->line.command->name, arguments, PATIENCE_MS, show_progress, run,
                        ret_reply);
    close(fd);
    return error == 0 ? MECENTRAL_FINE : live_start_explain(run, world, error);
}

/* Ask, for `verify --wait` again and again, and show the last answer. */
static int ask(struct mecentral *run, const struct world *world, const json_t *arguments)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    const char *wait = command_line_text(run->line.arguments, "wait");
    struct live_ask_reply reply;
    uint64_t wait_us = 0;

    if (wait)
        units_parse_duration(wait, &wait_us);
    for (;;) {
        int code = ask_once(run, world, arguments, &reply);
        if (code != MECENTRAL_FINE)
            return code;
        if (reply.exit_code != MECENTRAL_CHECK ||
            live_loop_now().now_us - run->started_us >= wait_us)
            break;
        live_ask_free(&reply);
        nanosleep(&pause, NULL);
    }
    show(run, run->line.command->name, &reply);
    int code = (int)reply.exit_code;
    live_ask_free(&reply);
    return code;
}

/* ---- controld itself ---- */

static int start_controld(const struct mecentral *run, const struct world *world)
{
    struct live_locks locks;
    int fd;

    if (live_process_is(world->controld_pid, world->controld_start_ticks)) {
        mecentral_say(run, "controld runs already");
        return MECENTRAL_FINE;
    }
    if (live_start_lock(run, world->runtime, world->data, &locks) != 0)
        return MECENTRAL_CHECK;
    int error = live_start_controld(world->runtime, world->data, &locks, &fd);
    live_start_unlock(&locks);
    if (error != 0)
        return MECENTRAL_INTERNAL;
    /* Those that do not come back within its patience are shown by ps; controld itself runs. */
    struct live_ask_reply reply;
    if (live_ask_on(fd, "settle", NULL, PATIENCE_MS, NULL, NULL, &reply) == 0)
        live_ask_free(&reply);
    close(fd);
    return MECENTRAL_FINE;
}

static const struct {
    const char *command;
    int signal;
    bool ends;
    const char *done;
} signals[] = {{"kill", SIGKILL, true, "killed"},
               {"stop", SIGTERM, true, "stopped"},
               {"restart", SIGTERM, true, "stopped"},
               {"pause", SIGSTOP, false, "paused"},
               {"resume", SIGCONT, false, "resumed"}};

static int signal_controld(const struct mecentral *run, const struct world *world, size_t index)
{
    int error = live_process_signal(world->controld_pid, world->controld_start_ticks,
                                    signals[index].signal);

    if (error == 0 && signals[index].ends)
        error =
            live_process_wait_gone(world->controld_pid, world->controld_start_ticks, 3 * SECOND_US);
    if (error == -ESRCH) {
        mecentral_say(run, "controld does not run");
        return MECENTRAL_CHECK;
    }
    if (error != 0) {
        mecentral_error("cannot %s controld (pid %u): %s", signals[index].command,
                        (unsigned)world->controld_pid, strerror(-error));
        return MECENTRAL_INTERNAL;
    }
    if (!run->json)
        printf("controld %s\n", signals[index].done);
    return MECENTRAL_FINE;
}

static int handle_controld(const struct mecentral *run, const struct world *world)
{
    const char *command = run->line.command->name;
    int code = MECENTRAL_FINE;

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].command, command) == 0)
            code = signal_controld(run, world, i);
    if (strcmp(command, "start") != 0 && strcmp(command, "restart") != 0)
        return code;
    code = start_controld(run, world);
    if (code == MECENTRAL_FINE && !run->json)
        puts("controld serving");
    return code;
}

/* Take "controld" out of the names. */
static bool take_controld(json_t *names)
{
    bool found = false;

    for (size_t i = json_array_size(names); i-- > 0;) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name || strcmp(name, "controld") != 0)
            continue;
        found = true;
        json_array_remove(names, i);
    }
    return found;
}

/* A command on processes: controld among them goes first when it is started and last when it is
 * not, so that it can do the rest. */
static int handle_processes(struct mecentral *run, const struct world *world, json_t *names)
{
    bool start = strcmp(run->line.command->name, "start") == 0 ||
                 strcmp(run->line.command->name, "resume") == 0;
    bool controld = take_controld(names);
    int code = MECENTRAL_FINE;

    if (controld && start)
        code = handle_controld(run, world);
    if (code == MECENTRAL_FINE && json_array_size(names) != 0)
        code = ask(run, world, run->line.arguments);
    if (code == MECENTRAL_FINE && controld && !start)
        code = handle_controld(run, world);
    return code;
}

int live_remote(struct mecentral *run)
{
    json_t *names = json_object_get(run->line.arguments, "names");
    struct world *world;

    if (live_start_find(run, &world) != 0)
        return MECENTRAL_UNREACHABLE;
    int code = json_is_array(names) ? handle_processes(run, world, names)
                                    : ask(run, world, run->line.arguments);
    world_free(world);
    return code;
}
