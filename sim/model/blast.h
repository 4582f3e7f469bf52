/* blast: how far a failure reaches: shares of users, reads, writes and sensitive calls, by what
 * becomes of them. */

#ifndef MEC_BLAST_H
#define MEC_BLAST_H

#include "sim/model/traffic.h"

enum blast_class { BLAST_READS, BLAST_WRITES, BLAST_SENSITIVE, BLAST_ALL, BLAST_CLASS_COUNT };

const char *blast_class_name(enum blast_class class); /* "reads" */

struct blast {
    /* Shares of the class's requests; they add up to 1, or to 0 when there are none. */
    double classes[BLAST_CLASS_COUNT][TRAFFIC_KIND_COUNT];
    /* Of the users, by the worst that befalls any of what they do themselves for their own; they
     * add up to 1. What fails when all is well, too, does not count here. */
    double users[TRAFFIC_KIND_COUNT];
};

void blast_measure(const struct traffic *traffic, const struct traffic_state *state,
                   const double mix[TRAFFIC_OPERATION_COUNT], struct blast *ret_blast);

/* The same by hand, for kinds that were found out in another way: each question of traffic_walk()
 * with its weight. @fails_anyway: also when all is well. blast_count_end() frees what
 * blast_count_begin() has returned. */
struct blast_count;
struct blast_count *blast_count_begin(const struct deployment *deployment);
void blast_count_add(struct blast_count *count, const struct traffic_question *question,
                     double weight, enum traffic_kind kind, bool fails_anyway);
void blast_count_end(struct blast_count *count, struct blast *ret_blast);

/* A failure goes through phases, as trust in revocations ends and tokens run out. */
#define BLAST_PHASES 3

struct blast_phase {
    double from_us, to_us; /* after the beginning; the last one has no end */
    uint64_t since_us;     /* a moment in it */
};

/* Always BLAST_PHASES of them; one may be empty. */
void blast_phases(const struct traffic *traffic, struct blast_phase ret_phases[BLAST_PHASES]);

/* All failures of a kind, by number. */
enum blast_group {
    BLAST_REGIONS,
    BLAST_SERVICES, /* one of one region */
    BLAST_LINKS,    /* between two regions */
    BLAST_ISOLATED,
    BLAST_PAIRS, /* two regions */
    BLAST_REPLICATORS,
    BLAST_DISKS,
    BLAST_CONTROL,
    BLAST_GROUP_COUNT
};

const char *blast_group_name(enum blast_group group); /* "regions" */
size_t blast_group_size(enum blast_group group, const struct deployment *deployment);

/* What is broken in number @index of @group, and its name as a new string. */
char *blast_failure(enum blast_group group, size_t index, const struct deployment *deployment,
                    struct traffic_state *ret_state);

#endif
