/* network: all links of the world, by the names of their ends, as a Config states them.
 *
 * Each process has its own copy and so its own share of each link's bandwidth. Ends are region
 * names or client geos; see LinkConfig in proto/control.proto.
 *
 * A link without a row of its own gets half the round trip between its two places, times slow
 * motion; nothing when no_wan is set. A client's gets the jitter, loss, rate and cut of the
 * `client:*` row besides, and that row's latency on top of its own. A row stands as written. */

#ifndef MEC_NETWORK_H
#define MEC_NETWORK_H

#include <stdint.h>

#include "common/geo.h"
#include "common/link.h"
#include "control.pb-c.h"

struct network;

/* @seed makes the luck of this process's links; pass a different one for each process.
 * The caller owns the result. */
struct network *network_create(uint64_t seed);
void network_free(struct network *network);

/* Take over @config: regions, links, slow motion. Keeps no pointer into it. Links that go on
 * existing keep their state, so messages under way stay in order; a link whose row has vanished
 * returns to what is computed. Tell the wan afterwards, by wan_relink().
 *
 * Errors: -EINVAL, a link is out of range or names an unknown region or place, a region has a bad
 * name, or slow motion is no factor; nothing has changed. */
int network_configure(struct network *network, const Mec__Config *config);

/* The link from one region to another; NULL when either is unknown. A region's link to itself
 * exists and is instant. The pointer stays valid until network_free(). */
struct link *network_between(struct network *network, const char *from, const char *to);

/* Where a geo tag is: a region of the config, else geo_resolve().
 * Errors: -EINVAL, not a place that is known; *@ret_place is untouched. */
int network_resolve(const struct network *network, const char *geo, struct geo_place *ret_place);

/* The link from a client at @geo (a canonical tag of network_resolve()) to @region, and back; NULL
 * when @region is unknown or @geo does not resolve. Cheap: one hash look-up.
 *
 * Created at first use. At most 4,096 geos are kept; past that, those are forgotten that were asked
 * for least recently, that no wan has messages for, and that the config does not name. So ask again
 * rather than keep the pointer: it stays valid for certain only until a new geo is asked for. */
struct link *network_from_client(struct network *network, const char *geo, const char *region);
struct link *network_to_client(struct network *network, const char *region, const char *geo);

#endif
