/* live_world: a world's files: where they are, locking, reading, writing, removing. */

#ifndef MEC_LIVE_WORLD_H
#define MEC_LIVE_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "control/world.h"

/* Where the state of all worlds is ($XDG_STATE_HOME/mecentral), and their sockets
 * ($XDG_RUNTIME_DIR/mecentral, else /tmp/mecentral-UID). The caller frees them. */
char *live_world_state_root(void);
char *live_world_runtime_root(void);

/* The runtime directory of one world; and its data directory as it runs or last ran there. */
char *live_world_runtime(const char *name);
char *live_world_default_data(const char *name);

/* The data directory of the world that runs under @name: what its runtime directory says.
 * Errors: -ENOENT, none does. */
int live_world_running_data(const char *name, char **ret_data);

/* Make the runtime directory, or check that it is ours alone. On error *@ret_why is a new text.
 * Errors: -EPERM, it is somebody else's or open to others; -errno. */
int live_world_make_runtime(const char *path, char **ret_why);

/* Lock DIRECTORY/lock for as long as the descriptor is open (in whichever process).
 * Errors: -EWOULDBLOCK, somebody has it; -errno. */
int live_world_lock(const char *directory, int *ret_fd);

/* The state file, and the ready data in the runtime directory. Errors: -errno; -EBADMSG. */
int live_world_save(const struct world *world);
int live_world_load(const char *data, struct world **ret_world);
int live_world_write_json(const char *path, const json_t *json);

/* Replace a small file in one go, without waiting for the disk: for what is written anew after a
 * power failure anyway. Errors: -errno. */
int live_world_replace_quickly(const char *path, const void *data, size_t size);

/* Remove the sockets and all else in the runtime directory that is the world's. */
void live_world_remove_runtime(const struct world *world);

/* Only the lock, and the directory when nothing else is in it. For who holds the lock. */
void live_world_remove_lock(const char *runtime);

/* Remove a directory with all that is in it. Errors: -errno of the first that failed. */
int live_world_remove_tree(const char *path);

#endif
