/* world: everything that controld must remember of a running world, and its state file.
 *
 * The state file is written whole at every change that must outlive controld, and is where a new
 * controld starts from: the first one finds no processes in it, a later one adopts those it finds.
 */

#ifndef MEC_WORLD_H
#define MEC_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "control/compile.h"
#include "control/faults.h"
#include "control/key_ring.h"
#include "control/supervisor.h"
#include "control/topology.h"

#define WORLD_NAME_SIZE 40

struct world {
    char name[WORLD_NAME_SIZE];
    char *data;     /* directory of the state file, of everything durable and of the logs */
    char *runtime;  /* directory of the sockets */
    bool ephemeral; /* the data directory goes with the world */
    uint64_t seed;
    uint64_t config_version;
    uint64_t started_wall_us;
    uint32_t controld_pid;
    uint64_t controld_start_ticks;
    struct topology *topology;
    struct faults faults;
    struct compile_listener *listeners; /* the one for all first */
    size_t listener_count;
    struct key_ring *rings; /* signing keys, one ring a region */
    uint16_t control_port;  /* of operators' HTTP, on loopback; 0: it is not known yet */
    uint8_t (*vault_keys)[VAULT_KEY_PUBLIC_SIZE]; /* public halves, one a region */
    struct supervisor supervisor;
};

/* A world's name stands in paths: [a-z0-9-], at most 39. */
bool world_name_is_valid(const char *name);

/* A new world of @topology, which it takes over, with all processes stopped and all faults healed.
 * @port: of the listener for all, the geos' own follow it; 0: routerd picks. Rings are
 * empty. */
struct world *world_create(const char *name, struct topology *topology, const char *data,
                           const char *runtime, uint16_t port);
void world_free(struct world *world);

/* Errors: -EBADMSG, not a state file of this version. */
json_t *world_to_json(const struct world *world);
int world_from_json(const json_t *json, struct world **ret_world);

/* What a ready file says: http, vantage, control, pids, data, sockets, and more. */
json_t *world_ready_json(const struct world *world);

/* One row a process, controld's first; for `ps`. */
json_t *world_processes_json(const struct world *world);
json_t *world_faults_json(const struct world *world);

/* New strings. */
char *world_control_path(const struct world *world);
char *world_process_directory(const struct world *world, const struct process *process);
char *world_log_path(const char *data, const char *process);

/* The Config as it stands now; as compile_config(). */
Mec__Config *world_config(const struct world *world);

/* The ring of the region that runs as process @name ("regiond/us-east"); NULL for other processes.
 */
struct key_ring *world_ring(const struct world *world, const char *name);

/* The bearer token of operators' HTTP is in that file. A new string. */
char *world_control_token_path(const struct world *world);

/* Where operators reach controld by HTTP; a new string, NULL when they do not. */
char *world_control_url(const struct world *world);

/* Take over the ports that routerd has bound where none was known. True when one was new. */
bool world_take_ports(struct world *world, Mec__ListenerConfig *const *listeners, size_t count);

#endif
