/* scale_faults: what breaks in a simulated day, and when: regions, links, services, disks, each
 * from a moment on and for so long, also again and again.
 *
 * From the list of them follows at any moment what is broken and when that changes next; nothing is
 * kept of the past, so memory does not depend on how often a link flaps. */

#ifndef MEC_SCALE_FAULTS_H
#define MEC_SCALE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model/deployment.h"
#include "sim/model/traffic.h"

#define SCALE_FAULTS_MAX 32 /* so that those in force are a bit set */

#define SCALE_FAULTS_HELP                                                                          \
    "what breaks: a list of `{at: 10h, for: 2h, region: us-east}`; instead of a region `isolate: " \
    "us-east`, `cut: [us-east, eu-west]`, `cut: [\"client:Paris\", eu-west]`, `service: "          \
    "us-east/vault`, `replicator: us-east` or `disk: us-east` (full); with `flap: 20s` broken "    \
    "and whole in turn, so long each"

enum scale_fault_kind {
    SCALE_FAULT_REGION, /* its processes are killed */
    SCALE_FAULT_ISOLATE,
    SCALE_FAULT_CUT,
    SCALE_FAULT_CLIENT_CUT,
    SCALE_FAULT_SERVICE,
    SCALE_FAULT_REPLICATOR,
    SCALE_FAULT_DISK
};

struct scale_fault {
    enum scale_fault_kind kind;
    char *text; /* "us-east killed" */
    uint64_t from_us;
    uint64_t until_us;
    uint64_t flap_us; /* 0: not */
    uint32_t region;
    uint32_t other; /* region or geo at the other end */
    enum parts_service service;
};

struct scale_faults {
    const struct deployment *deployment; /* borrowed */
    struct scale_fault items[SCALE_FAULTS_MAX];
    size_t count;
};

/* Read a list of them; what begins at @duration_us or later makes no sense, and what lasts longer
 * is cut short there. Errors: -EINVAL, with a new *@ret_error that says where. */
int scale_faults_read(struct scale_faults *faults, const struct deployment *deployment,
                      const struct yaml_tree *tree, uint64_t duration_us, char **ret_error);
void scale_faults_clear(struct scale_faults *faults); /* its content */

bool scale_faults_is_broken(const struct scale_fault *fault, uint64_t now_us);

/* Those whose time it is, whether they flap or not, as a bit set. */
uint32_t scale_faults_in_force(const struct scale_faults *faults, uint64_t now_us);

/* Those that will be in force, and for longer than it takes until then: so as much time is before
 * them, as far as there is any. */
uint32_t scale_faults_ahead(const struct scale_faults *faults, uint64_t now_us);

/* What is broken now. Its since_us stays 0, as it is not the same for all: instead each region is
 * told how long something that concerns it has been broken. */
void scale_faults_state(const struct scale_faults *faults, uint64_t now_us,
                        struct traffic_state *ret_state,
                        uint64_t ret_since_us[TOPOLOGY_REGIONS_MAX]);

/* When any of that changes next, or has been so for longer than one of @count @ages_us (strictly);
 * NEVER_US when nothing changes any more. Those that are in force, or ahead, are the same until
 * then, too. */
uint64_t scale_faults_next_us(const struct scale_faults *faults, uint64_t now_us,
                              const uint64_t *ages_us, size_t count);

/* The way from a place to a region. */
enum scale_way {
    SCALE_WAY_OPEN,
    SCALE_WAY_HELD,  /* cut: what is sent arrives when it is mended */
    SCALE_WAY_CLOSED /* nobody is there, and that is noticed at once */
};

enum scale_way scale_faults_way(const struct scale_faults *faults, uint32_t geo, uint32_t region,
                                uint64_t now_us);
uint64_t scale_faults_next_way_us(const struct scale_faults *faults, uint32_t geo, uint32_t region,
                                  uint64_t now_us);

#endif
