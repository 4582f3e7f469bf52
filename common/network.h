/* network: all links of the world, by the names of their ends, as a Config states them.
 *
 * Each process has its own copy and so its own share of each link's bandwidth. Ends are region
 * names or client geos; see LinkConfig in proto/control.proto. A client geo without links of its
 * own (a city, a `lat,lon`) gets them computed from its place, with the faults of `client:*`. */

#ifndef MEC_NETWORK_H
#define MEC_NETWORK_H

#include <stdint.h>

#include "common/link.h"
#include "control.pb-c.h"

struct network;

/* @seed makes the luck of this process's links; pass a different one for each process.
 * The caller owns the result. */
struct network *network_create(uint64_t seed);
void network_free(struct network *network);

/* Take over @config's links. Links that go on existing keep their state, so messages under way
 * stay in order; their struct link pointers stay valid until network_free().
 *
 * Errors: -EINVAL, a link is out of range or names an unknown region; nothing has changed. */
int network_configure(struct network *network, const Mec__Config *config);

/* The link from one region to another; NULL when either is unknown. A region's link to itself
 * exists and is instant. */
struct link *network_between(struct network *network, const char *from, const char *to);

/* The link from a client at @geo (a canonical tag of geo_resolve()) to @region, and back. Created
 * at first use; at most 4,096 geos are kept, past that the least recently used are forgotten only
 * when unused by a wan. NULL when @region is unknown or @geo does not resolve. */
struct link *network_from_client(struct network *network, const char *geo, const char *region);
struct link *network_to_client(struct network *network, const char *region, const char *geo);

#endif
