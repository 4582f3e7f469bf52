/* mecentral doctor */

#include <cyaml/cyaml.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/memory.h"
#include "control/doctor.h"
#include "control/live_ask.h"
#include "control/live_process.h"
#include "control/live_start.h"
#include "control/live_world.h"
#include "control/mecentral.h"
#include "control/text.h"
#include "control/units.h"

#define FILES_WANTED 16384u
#define SPACE_WANTED (UINT64_C(1) << 30)
#define SPACE_NEEDED (UINT64_C(100) << 20)
#define PATIENCE_MS  5000

static void check_programs(struct doctor *doctor)
{
    static const char *const programs[] = {"controld", "regiond", "replicator", "routerd"};
    size_t found = 0;

    for (size_t i = 0; i < 4; i++) {
        char *path;
        if (live_process_find(programs[i], &path) == 0) {
            found++;
            free(path);
        } else {
            doctor_add(doctor, DOCTOR_FAIL, "programs",
                       "build or install it, or set MECENTRAL_LIBEXEC", "there is no %s",
                       programs[i]);
        }
    }
    if (found == 4)
        doctor_add(doctor, DOCTOR_OK, "programs", NULL, "controld, regiond, replicator, routerd");
}

static void check_libraries(struct doctor *doctor)
{
    doctor_add(doctor, DOCTOR_OK, "libraries", NULL,
               "libevent %s, libsodium %s, jansson %s, protobuf-c %s, libcyaml %s",
               event_get_version(), sodium_version_string(), jansson_version_str(),
               protobuf_c_version(), cyaml_version_str);
}

static void check_limits(struct doctor *doctor)
{
    struct rlimit files = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < FILES_WANTED)
        doctor_add(doctor, files.rlim_max < 256 ? DOCTOR_FAIL : DOCTOR_WARN, "open files",
                   "raise the hard limit (ulimit -Hn), for many clients", "%llu at most",
                   (unsigned long long)files.rlim_max);
    else
        doctor_add(doctor, DOCTOR_OK, "open files", NULL, "%llu at most",
                   (unsigned long long)files.rlim_max);
    if (cores < 2)
        doctor_add(doctor, DOCTOR_WARN, "processors",
                   "emulated latencies get less exact when all is busy", "%ld", cores);
    else
        doctor_add(doctor, DOCTOR_OK, "processors", NULL, "%ld", cores);
}

static void check_kernel(struct doctor *doctor)
{
    int fd = live_process_pidfd((uint32_t)getpid());

    if (fd < 0)
        doctor_add(doctor, DOCTOR_FAIL, "kernel", "Linux 5.4 or newer is needed",
                   "it has no pidfd_open: %s", strerror(-fd));
    else
        doctor_add(doctor, DOCTOR_OK, "kernel", NULL, "it has pidfd_open");
    if (fd >= 0)
        close(fd);
}

/* The deepest part of @path that exists: where it would be made. The caller frees it. */
static char *existing_part(const char *path)
{
    char *part = memory_text(path);
    char *slash;

    while (access(part, F_OK) != 0 && (slash = strrchr(part, '/')) && slash != part)
        *slash = '\0';
    return part;
}

static void check_runtime(struct doctor *doctor, const char *path)
{
    const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    size_t longest = strlen(path) + strlen("/regiond-ap-northeast.sock");
    char *part = existing_part(path);
    struct stat file = {0};

    stat(part, &file);
    if (access(part, W_OK | X_OK) != 0)
        doctor_add(doctor, DOCTOR_FAIL, "runtime directory",
                   "set XDG_RUNTIME_DIR to a directory of yours", "cannot write in %s: %s", part,
                   strerror(errno));
    else if (strcmp(part, path) == 0 && (file.st_uid != geteuid() || (file.st_mode & 077) != 0))
        doctor_add(doctor, DOCTOR_FAIL, "runtime directory",
                   "chmod 700, or another XDG_RUNTIME_DIR", "%s is open to others", path);
    else if (longest > most)
        doctor_add(doctor, DOCTOR_FAIL, "runtime directory",
                   "set XDG_RUNTIME_DIR to a shorter path, or shorten the world's name",
                   "socket paths in %s are too long: %zu bytes of %zu", path, longest, most);
    else
        doctor_add(doctor, DOCTOR_OK, "runtime directory", NULL, "%s", path);
    free(part);
}

/* Only writing tells: permissions, quotas and read-only mounts all show. */
static int try_writing(const char *directory)
{
    char *path = text_format("%s/.mecentral-doctor-XXXXXX", directory);
    int fd = mkstemp(path);
    int error = fd < 0 ? -errno : 0;

    if (fd >= 0) {
        if (write(fd, "ok", 2) != 2 || fsync(fd) < 0)
            error = -errno;
        close(fd);
        unlink(path);
    }
    free(path);
    return error;
}

static void check_data(struct doctor *doctor, const char *path)
{
    char *part = existing_part(path);
    char size[UNITS_TEXT_SIZE];
    struct statvfs disk = {0};
    int error = try_writing(part);

    statvfs(part, &disk);
    uint64_t space = (uint64_t)disk.f_bavail * disk.f_frsize;
    units_format_size(space >> 20 << 20, size);
    if (error != 0)
        doctor_add(doctor, DOCTOR_FAIL, "data directory", "mecentral up --data DIR moves it",
                   "cannot write in %s: %s", part, strerror(-error));
    else if (space < SPACE_WANTED)
        doctor_add(doctor, space < SPACE_NEEDED ? DOCTOR_FAIL : DOCTOR_WARN, "data directory",
                   "make room, or use mecentral up --data DIR", "%s has %s free", path, size);
    else
        doctor_add(doctor, DOCTOR_OK, "data directory", NULL, "%s, %s free", path, size);
    free(part);
}

static void check_running(struct doctor *doctor, const struct mecentral *run, const char *data)
{
    struct live_ask_reply reply;
    struct world *world;
    int error = live_world_load(data, &world);

    if (error != 0) {
        doctor_add(doctor, DOCTOR_FAIL, "world", "mecentral down, then up",
                   "the state file in %s cannot be read: %s", data, strerror(-error));
        return;
    }
    char *socket = world_control_path(world);
    error = live_ask(socket, "status", NULL, PATIENCE_MS, &reply);
    if (error != 0) {
        doctor_add(doctor, DOCTOR_FAIL, "world", "mecentral start controld (or resume it)",
                   "controld of world %s does not answer: %s", run->world, strerror(-error));
    } else {
        doctor_add(doctor, DOCTOR_OK, "world", NULL, "%s runs, its controld answers", run->world);
        doctor_check_world(doctor, reply.data);
        live_ask_free(&reply);
    }
    free(socket);
    world_free(world);
}

int live_doctor(struct mecentral *run)
{
    struct doctor doctor;
    char *runtime = live_world_runtime(run->world);
    char *data = NULL;
    bool runs = live_world_running_data(run->world, &data) == 0;

    if (!runs)
        data = live_world_default_data(run->world);
    doctor_init(&doctor);
    check_programs(&doctor);
    check_libraries(&doctor);
    check_kernel(&doctor);
    check_limits(&doctor);
    check_runtime(&doctor, runtime);
    check_data(&doctor, data);
    if (runs)
        check_running(&doctor, run, data);
    else
        doctor_add(&doctor, DOCTOR_OK, "world", NULL, "%s does not run", run->world);
    if (run->json) {
        mecentral_print_json(doctor.rows);
    } else {
        char *text = doctor_render(&doctor, run->colours);
        fputs(text, stdout);
        free(text);
    }
    int code = doctor.failed ? MECENTRAL_CHECK : MECENTRAL_FINE;
    doctor_free(&doctor);
    free(data);
    free(runtime);
    return code;
}
