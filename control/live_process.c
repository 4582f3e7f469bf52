#include "control/live_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/memory.h"
#include "control/text.h"

static char *own_directory(void)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

    if (size <= 0)
        return memory_text(".");
    path[size] = '\0';
    return memory_text(dirname(path));
}

/* regiond is built in regiond/, mecentral-sim and mecentral-model in sim/. */
static const char *build_folder(const char *program)
{
    return strncmp(program, "mecentral-", strlen("mecentral-")) == 0 ? "sim" : program;
}

int live_process_find(const char *program, char **ret_path)
{
    const char *libexec = getenv("MECENTRAL_LIBEXEC");
    char *own = own_directory();
    char *places[] = {
        libexec && *libexec ? text_format("%s/%s", libexec, program) : NULL,
        text_format("%s/%s", own, program),
        text_format("%s/../%s/%s", own, build_folder(program), program),
        text_format("%s/../libexec/mecentral/%s", own, program),
    };
    int error = -ENOENT;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (error != 0 && places[i] && access(places[i], X_OK) == 0) {
            *ret_path = memory_text(places[i]);
            error = 0;
        }
        free(places[i]);
    }
    free(own);
    return error;
}

static int spawn(const char *path, char *const *arguments, posix_spawn_file_actions_t *actions,
                 uint32_t *ret_pid)
{
    extern char **environ;
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t pid;

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    int error = posix_spawn(&pid, path, actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (error == 0)
        *ret_pid = (uint32_t)pid;
    return -error;
}

int live_process_spawn(const char *path, char *const *arguments, const char *log, const int *keep,
                       size_t keep_count, uint32_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, 1);
    posix_spawn_file_actions_adddup2(&actions, fd, 2);
    /* Onto itself: that takes close-on-exec away, in the child alone. */
    for (size_t i = 0; i < keep_count; i++)
        posix_spawn_file_actions_adddup2(&actions, keep[i], keep[i]);
    int error = spawn(path, arguments, &actions, ret_pid);
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    return error;
}

/* The state letter and the start time; the name before them may hold anything, even ")". */
static int read_stat(uint32_t pid, char *ret_letter, uint64_t *ret_ticks)
{
    char path[64];
    char line[1024];

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -ESRCH;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    if (size <= 0)
        return -ESRCH;
    line[size] = '\0';
    char *at = strrchr(line, ')');
    if (!at || sscanf(at + 1,
                      " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                      "%*s %" SCNu64,
                      ret_letter, ret_ticks) != 2)
        return -ESRCH;
    return 0;
}

int live_process_start_ticks(uint32_t pid, uint64_t *ret_ticks)
{
    char letter;

    return pid == 0 ? -ESRCH : read_stat(pid, &letter, ret_ticks);
}

bool live_process_is(uint32_t pid, uint64_t start_ticks)
{
    uint64_t ticks;
    char letter;

    return pid != 0 && read_stat(pid, &letter, &ticks) == 0 && ticks == start_ticks &&
           letter != 'Z' && letter != 'X';
}

bool live_process_is_paused(uint32_t pid)
{
    uint64_t ticks;
    char letter;

    return pid != 0 && read_stat(pid, &letter, &ticks) == 0 && (letter == 'T' || letter == 't');
}

int live_process_pidfd(uint32_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

    return fd < 0 ? -errno : fd;
}

int live_process_signal(uint32_t pid, uint64_t start_ticks, int signal)
{
    /* By pidfd, taken before the check: the pid cannot become somebody else's in between. */
    int fd = live_process_pidfd(pid);

    if (fd < 0)
        return fd;
    int error = -ESRCH;
    if (live_process_is(pid, start_ticks))
        error = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int live_process_wait_gone(uint32_t pid, uint64_t start_ticks, uint64_t patience_us)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (uint64_t waited_us = 0; live_process_is(pid, start_ticks); waited_us += 1000) {
        if (waited_us >= patience_us)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
    return 0;
}

uint64_t live_process_pss_kib(uint32_t pid)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %" SCNu64, &kib) == 1)
            break;
    fclose(file);
    return kib;
}
