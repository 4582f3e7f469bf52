#include "common/wan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/reach.h"

#define HELD_BYTES_MAX      (64u * 1024 * 1024)
#define UNDER_WAY_BYTES_MAX (256u * 1024 * 1024)
#define BLOCK_NODES         256u

struct node {
    struct wan_message message;
    struct link *link;
    uint64_t sequence; /* in the order of wan_send() */
    struct node *next; /* in held or free */
};

struct block {
    struct block *next;
    struct node nodes[BLOCK_NODES];
};

/* The keys stand beside the pointer, so that sifting does not have to fetch the nodes. */
struct due {
    uint64_t arrival_us;
    uint64_t sequence;
    struct node *node;
};

struct wan {
    struct due *heap; /* binary, the earliest first */
    size_t heap_count, heap_capacity;
    size_t under_way_bytes;
    struct node *held, *held_last; /* in the order of sending */
    size_t held_bytes;
    struct wan_message *reset;
    size_t reset_count, reset_capacity;
    struct node *free;
    struct block *blocks;
    uint64_t sequence;
};

struct wan *wan_create(void)
{
    return memory_alloc(sizeof(struct wan));
}

void wan_free(struct wan *wan)
{
    if (!wan)
        return;
    for (size_t i = 0; i < wan->heap_count; i++)
        free(wan->heap[i].node->message.bytes);
    for (struct node *node = wan->held; node; node = node->next)
        free(node->message.bytes);
    while (wan->blocks) {
        struct block *block = wan->blocks;
        wan->blocks = block->next;
        free(block);
    }
    free(wan->heap);
    free(wan->reset);
    free(wan);
}

/* ---- nodes ---- */

static size_t footprint(const struct wan_message *message)
{
    return message->size + sizeof(struct node);
}

static struct node *node_take(struct wan *wan)
{
    if (!wan->free) {
        struct block *block = memory_alloc(sizeof(*block));
        block->next = wan->blocks;
        wan->blocks = block;
        for (size_t i = 0; i < BLOCK_NODES; i++) {
            block->nodes[i].next = wan->free;
            wan->free = &block->nodes[i];
        }
    }
    struct node *node = wan->free;
    wan->free = node->next;
    return node;
}

static void node_give_back(struct wan *wan, struct node *node)
{
    node->next = wan->free;
    wan->free = node;
}

static void node_drop(struct wan *wan, struct node *node)
{
    free(node->message.bytes);
    node_give_back(wan, node);
}

/* ---- heap of what is under way ---- */

static bool is_before(const struct due *a, const struct due *b)
{
    if (a->arrival_us != b->arrival_us)
        return a->arrival_us < b->arrival_us;
    return a->sequence < b->sequence;
}

static void sift_up(struct due *heap, size_t hole, struct due due)
{
    while (hole > 0 && is_before(&due, &heap[(hole - 1) / 2])) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = due;
}

static void sift_down(struct due *heap, size_t count, size_t hole, struct due due)
{
    for (size_t child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
        if (child + 1 < count && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &due))
            break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = due;
}

static void under_way_add(struct wan *wan, struct node *node, uint64_t arrival_us)
{
    if (wan->heap_count == wan->heap_capacity) {
        wan->heap_capacity = wan->heap_capacity ? 2 * wan->heap_capacity : 64;
        wan->heap = memory_grow(wan->heap, wan->heap_capacity * sizeof(*wan->heap));
    }
    node->message.arrival_us = arrival_us;
    node->link->under_way++;
    wan->under_way_bytes += footprint(&node->message);
    sift_up(wan->heap, wan->heap_count++, (struct due){arrival_us, node->sequence, node});
}

static void under_way_count_out(struct wan *wan, struct node *node)
{
    assert(node->link->under_way > 0);
    node->link->under_way--;
    wan->under_way_bytes -= footprint(&node->message);
}

/* A predicate on nodes; @peer is its argument where it needs one. */
typedef bool node_match(const struct node *node, uint32_t peer);

/* Take all that match out of the heap, as a list in no order. */
static struct node *under_way_take(struct wan *wan, node_match *match, uint32_t peer)
{
    struct node *taken = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < wan->heap_count; i++) {
        struct node *node = wan->heap[i].node;
        if (!match(node, peer)) {
            wan->heap[kept++] = wan->heap[i];
            continue;
        }
        under_way_count_out(wan, node);
        if (node->link->under_way == 0)
            link_recall(node->link);
        node->next = taken;
        taken = node;
    }
    wan->heap_count = kept;
    if (taken)
        for (size_t i = kept / 2; i-- > 0;)
            sift_down(wan->heap, kept, i, wan->heap[i]);
    return taken;
}

/* ---- what is held ---- */

static struct node *held_take_first(struct wan *wan)
{
    struct node *node = wan->held;
    if (!node)
        return NULL;
    wan->held = node->next;
    if (!wan->held)
        wan->held_last = NULL;
    assert(node->link->held > 0);
    node->link->held--;
    wan->held_bytes -= footprint(&node->message);
    return node;
}

static void held_add(struct wan *wan, struct node *node)
{
    reach(WAN_HELD);
    node->next = NULL;
    if (wan->held_last)
        wan->held_last->next = node;
    else
        wan->held = node;
    wan->held_last = node;
    node->link->held++;
    wan->held_bytes += footprint(&node->message);
    while (wan->held_bytes > HELD_BYTES_MAX)
        node_drop(wan, held_take_first(wan));
}

/* Take all that is held, as a list in the order of sending. */
static struct node *held_take_all(struct wan *wan)
{
    struct node *first = wan->held;
    for (struct node *node = first; node; node = node->next)
        node->link->held--;
    wan->held = wan->held_last = NULL;
    wan->held_bytes = 0;
    return first;
}

/* ---- what was reset ---- */

static void reset_add(struct wan *wan, struct node *node)
{
    reach(WAN_RESET);
    if (wan->reset_count == wan->reset_capacity) {
        wan->reset_capacity = wan->reset_capacity ? 2 * wan->reset_capacity : 64;
        wan->reset = memory_grow(wan->reset, wan->reset_capacity * sizeof(*wan->reset));
    }
    struct wan_message *message = &wan->reset[wan->reset_count++];
    *message = node->message;
    message->bytes = NULL;
    message->size = 0;
    node_drop(wan, node);
}

size_t wan_take_reset(struct wan *wan, struct wan_message *ret_messages, size_t max)
{
    size_t count = wan->reset_count < max ? wan->reset_count : max;
    if (count == 0)
        return 0;
    memcpy(ret_messages, wan->reset, count * sizeof(*wan->reset));
    wan->reset_count -= count;
    memmove(wan->reset, wan->reset + count, wan->reset_count * sizeof(*wan->reset));
    return count;
}

static void reset_forget_peer(struct wan *wan, uint32_t peer)
{
    size_t kept = 0;
    for (size_t i = 0; i < wan->reset_count; i++)
        if (wan->reset[i].peer != peer)
            wan->reset[kept++] = wan->reset[i];
    wan->reset_count = kept;
}

/* ---- sending and arriving ---- */

static enum link_fate send_on(struct link *link, const struct wan_message *message,
                              uint64_t sent_us, uint64_t *ret_arrival_us)
{
    uint32_t size_bytes = (uint32_t)message->size;
    return message->urgent ? link_send_urgent(link, sent_us, size_bytes, ret_arrival_us)
                           : link_send(link, sent_us, size_bytes, ret_arrival_us);
}

/* Hand the message of @node, which is in no list, to its link. */
static void dispatch(struct wan *wan, struct node *node, uint64_t sent_us)
{
    uint64_t arrival_us = 0;
    switch (send_on(node->link, &node->message, sent_us, &arrival_us)) {
    case LINK_ARRIVES:
        reach(WAN_RELEASED);
        under_way_add(wan, node, arrival_us);
        break;
    case LINK_HELD:
        held_add(wan, node);
        break;
    case LINK_RESET:
        reset_add(wan, node);
        break;
    }
}

enum link_fate wan_send(struct wan *wan, struct link *link, const struct wan_message *message,
                        uint64_t sent_us)
{
    uint64_t arrival_us = 0;
    enum link_fate fate = LINK_HELD; /* behind what is held already, however the link is now */
    assert(message->size <= UINT32_MAX);

    if (link->held == 0 || link->profile.cut != LINK_CUT_NONE) {
        if (wan->under_way_bytes + footprint(message) > UNDER_WAY_BYTES_MAX)
            return LINK_RESET;
        fate = send_on(link, message, sent_us, &arrival_us);
    }
    if (fate == LINK_RESET)
        return fate;

    struct node *node = node_take(wan);
    *node = (struct node){.message = *message, .link = link, .sequence = wan->sequence++};
    if (fate == LINK_ARRIVES)
        under_way_add(wan, node, arrival_us);
    else
        held_add(wan, node);
    return fate;
}

bool wan_pop(struct wan *wan, uint64_t now_us, struct wan_message *ret_message)
{
    if (wan_wake_us(wan) > now_us || wan->heap_count == 0)
        return false;
    struct node *node = wan->heap[0].node;
    wan->heap_count--;
    if (wan->heap_count > 0)
        sift_down(wan->heap, wan->heap_count, 0, wan->heap[wan->heap_count]);
    under_way_count_out(wan, node);
    *ret_message = node->message;
    node_give_back(wan, node);
    return true;
}

uint64_t wan_wake_us(const struct wan *wan)
{
    return wan->heap_count > 0 ? wan->heap[0].arrival_us : NEVER_US;
}

/* ---- when links change ---- */

static bool is_on_cut_link(const struct node *node, uint32_t peer)
{
    (void)peer;
    return node->link->profile.cut != LINK_CUT_NONE;
}

static bool is_on_eased_link(const struct node *node, uint32_t peer)
{
    (void)peer;
    return node->link->eased;
}

static bool is_of_peer(const struct node *node, uint32_t peer)
{
    return node->message.peer == peer;
}

static int compare_sequence(const void *a, const void *b)
{
    uint64_t sequence_a = (*(struct node *const *)a)->sequence;
    uint64_t sequence_b = (*(struct node *const *)b)->sequence;
    return (sequence_a > sequence_b) - (sequence_a < sequence_b);
}

/* Append the list @more to the list @nodes, and put all into the order of sending. */
static struct node *join_sorted(struct node *nodes, struct node *more)
{
    size_t count = 0, i = 0;
    if (!more)
        return nodes; /* in order already */

    struct node **tail = &more;
    while (*tail)
        tail = &(*tail)->next;
    *tail = nodes;
    for (struct node *node = more; node; node = node->next)
        count++;

    struct node **sorted = memory_alloc(count * sizeof(struct node *));
    for (struct node *node = more; node; node = node->next)
        sorted[i++] = node;
    qsort(sorted, count, sizeof(struct node *), compare_sequence);
    for (i = 0; i + 1 < count; i++)
        sorted[i]->next = sorted[i + 1];
    sorted[count - 1]->next = NULL;
    struct node *first = sorted[0];
    free(sorted);
    return first;
}

/* What is under way on links that have become easier comes sooner. The first message of a link
 * begins it anew. */
static void hurry(struct wan *wan, uint64_t now_us)
{
    struct node *node = join_sorted(NULL, under_way_take(wan, is_on_eased_link, 0));

    while (node) {
        struct node *next = node->next;
        struct link *link = node->link;
        if (link->eased)
            link_hurry_begin(link);
        reach(WAN_HURRIED);
        under_way_add(wan, node,
                      link_hurry(link, now_us, (uint32_t)node->message.size, node->message.urgent,
                                 node->message.arrival_us));
        node = next;
    }
}

void wan_relink(struct wan *wan, uint64_t now_us)
{
    wan->reset_count = 0;
    hurry(wan, now_us);
    struct node *stopped = under_way_take(wan, is_on_cut_link, 0);
    struct node *node = join_sorted(held_take_all(wan), stopped);
    if (stopped)
        reach(WAN_STOPPED);
    while (node) {
        struct node *next = node->next;
        dispatch(wan, node, now_us);
        node = next;
    }
}

void wan_drop_peer(struct wan *wan, uint32_t peer)
{
    struct node *node = under_way_take(wan, is_of_peer, peer);
    if (node)
        reach(WAN_PEER_LOST);
    while (node) {
        struct node *next = node->next;
        node_drop(wan, node);
        node = next;
    }
    node = held_take_all(wan);
    while (node) {
        struct node *next = node->next;
        if (is_of_peer(node, peer))
            node_drop(wan, node);
        else
            held_add(wan, node);
        node = next;
    }
    reset_forget_peer(wan, peer);
}
