/* scale: a day of a large world, request by request: `mecentral sim --world FILE`.
 *
 * Time goes by in slices. In each, from each place, so many requests of each kind come (Poisson,
 * about what the sun, the mix and the number of users there make expect); where they go has the
 * router's policy decided; regions get as busy as that makes them; then each request has its own
 * latency drawn: links both ways, waiting, work, and what it hung before a failure was noticed.
 * Memory does not depend on how many requests there are, nor on how long the day is.
 *
 * Slices are independent but for beliefs and queues, which everybody can follow without drawing a
 * request. So some processes can share a day by its slices; luck belongs to a (place, slice), not
 * to a process, and whoever adds their tallies up gets the same whatever their number. */

#ifndef MEC_SCALE_H
#define MEC_SCALE_H

#include "sim/model/scale_tally.h"

struct scale;

/* @world is borrowed. */
struct scale *scale_create(const struct scale_world *world);
void scale_free(struct scale *scale);

/* Go on with the next slice, and draw its requests if @mine. */
void scale_step(struct scale *scale, bool mine);

/* So many slices are done. */
uint64_t scale_done(const struct scale *scale);

/* What has been drawn so far. Borrowed. */
const struct scale_tally *scale_tally(const struct scale *scale);

/* Requests a second that each region can do, and with how many workers. */
double scale_capacity(const struct scale *scale, size_t region);
double scale_workers(const struct scale *scale, size_t region);

#endif
