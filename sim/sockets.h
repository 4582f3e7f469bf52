/* sockets: connections between processes on one machine. Every process connects to every regiond
 * (but to itself), comes back after each loss as live_peer.c does, and what is sent keeps its
 * order. Frames travel encoded and are decoded by the receiver. The emulated WAN is not here: it is
 * inside of the cores. */

#ifndef MEC_SOCKETS_H
#define MEC_SOCKETS_H

#include "sim/process.h"

struct sockets;

struct sockets *sockets_create(struct simulation *simulation);
void sockets_free(struct sockets *sockets);

/* The process is up: it connects, and is connected to. Or it is gone: the others notice. */
void sockets_process_up(struct process *process);
void sockets_process_gone(struct process *process);

/* The connecting side sends to, or closes the connection to, a region. */
void sockets_send(struct process *client, uint32_t region, const uint8_t *frame, size_t size);
void sockets_close(struct process *client, uint32_t region);

/* The accepting side, by its number for the connection. */
void sockets_reply(struct process *server, uint64_t number, const uint8_t *frame, size_t size);
void sockets_drop(struct process *server, uint64_t number);

/* From now until @until_us what replicators of @region send arrives a second time, up to @late_us
 * later. */
void sockets_repeat(struct simulation *simulation, uint32_t region, uint64_t until_us,
                    uint64_t late_us);

/* Likewise, in each @every-th batch one bit of a change flips on the way. */
void sockets_corrupt(struct simulation *simulation, uint32_t region, uint64_t until_us,
                     uint64_t every);

#endif
