/* director: who runs the world: starts its processes and starts them again, tells them the
 * configuration, makes the plan's faults happen and heals them, and moves homes as a careful
 * operator would. It stands where controld and its operator stand in a real world, and knows more
 * than they: the true state.
 *
 * director.c has configuration and processes, director_faults.c the faults, director_links.c those
 * of links, director_homes.c the moves of homes, director_keys.c those of signing keys. */

#ifndef MEC_DIRECTOR_H
#define MEC_DIRECTOR_H

#include "sim/process.h"

struct director;

struct director *director_create(struct simulation *simulation);
void director_free(struct director *director);

/* Start everything, and let the plan's faults come at their times. */
void director_begin(struct simulation *simulation);

/* The newest configuration; every version lives until the end of the run. */
const Mec__Config *director_config(const struct simulation *simulation);
const Mec__Config *director_first_config(const struct simulation *simulation);

/* How far a region's wall clock is off just now. */
int64_t director_clock_offset_us(const struct simulation *simulation, uint32_t region);

/* The key of that number of @region: the same in each run. */
void director_signing_seed(uint32_t region, uint32_t number, uint8_t ret_seed[32]);

/* What its key of the vault grows from, likewise. */
void director_vault_seed(uint32_t region, uint8_t ret_seed[32]);

uint32_t director_home(const struct simulation *simulation, uint32_t shard);
bool director_has_moved(const struct simulation *simulation, uint32_t shard); /* ever */

/* A process has ended; it will be started again as it was arranged. */
void director_process_ended(struct process *process);

/* Everything is healed and started. Then homes may still have to be found: see
 * director_is_settled(). */
void director_heal_all(struct simulation *simulation);
bool director_is_settled(const struct simulation *simulation);

/* All regions but those in @core (a bit set) are gone for good: dead, or out of reach. */
void director_break_rest(struct simulation *simulation, uint32_t core);

/* Nothing in this whole plan breaks anything but one region, which is neither @home nor @place, and
 * the world has been up for a while. */
bool director_leaves_alone(const struct simulation *simulation, uint32_t home, uint32_t place);

#endif
