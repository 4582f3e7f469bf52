#include "control/key_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *const names[] = {
    [KEY_RING_WANTED] = "wanted",
    [KEY_RING_PUBLISHED] = "published",
    [KEY_RING_SIGNING] = "signing",
    [KEY_RING_RETIRING] = "retiring",
};

const char *key_ring_state_name(enum key_ring_state state)
{
    return names[state];
}

/* Where a key may go from where it is; leaving the ring is always allowed. */
static const bool may_follow[][4] = {
    [KEY_RING_WANTED] = {[KEY_RING_PUBLISHED] = true, [KEY_RING_SIGNING] = true},
    [KEY_RING_PUBLISHED] = {[KEY_RING_SIGNING] = true},
    [KEY_RING_SIGNING] = {[KEY_RING_RETIRING] = true},
    [KEY_RING_RETIRING] = {false},
};

bool key_ring_is_valid(const struct key_ring *ring)
{
    static const int rank[] = {[KEY_RING_RETIRING] = 0,
                               [KEY_RING_SIGNING] = 1,
                               [KEY_RING_PUBLISHED] = 2,
                               [KEY_RING_WANTED] = 2};

    if (ring->count > KEY_RING_KEYS_MAX)
        return false;
    for (size_t i = 0; i < ring->count; i++) {
        const struct key_ring_key *key = &ring->keys[i];

        if (key->number == 0 || key->number > ring->last_number)
            return false;
        if (i == 0)
            continue;
        if (key->number <= key[-1].number || rank[key->state] < rank[key[-1].state] ||
            (rank[key->state] == rank[key[-1].state] && key->state != KEY_RING_RETIRING))
            return false;
    }
    return true;
}

static void move(struct key_ring_key *key, enum key_ring_state state, uint64_t now_wall_us)
{
    assert(may_follow[key->state][state]);
    key->state = state;
    key->since_wall_us = now_wall_us;
    key->version = 0;
    key->until_wall_us = UINT64_MAX;
}

static void drop(struct key_ring *ring, size_t index)
{
    ring->count--;
    memmove(&ring->keys[index], &ring->keys[index + 1],
            (ring->count - index) * sizeof ring->keys[0]);
    memset(&ring->keys[ring->count], 0, sizeof ring->keys[0]);
}

/* All that may have been signed with before @key. Returns whether there was one. */
static bool drop_older(struct key_ring *ring, const struct key_ring_key *key)
{
    uint32_t number = key->number;
    bool any = false;

    while (ring->count > 0 && ring->keys[0].number < number) {
        drop(ring, 0);
        any = true;
    }
    return any;
}

static struct key_ring_key *find(struct key_ring *ring, enum key_ring_state state)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].state == state)
            return &ring->keys[i];
    return NULL;
}

const struct key_ring_key *key_ring_in(const struct key_ring *ring, enum key_ring_state state)
{
    return find((struct key_ring *)ring, state);
}

static struct key_ring_key *add(struct key_ring *ring, enum key_ring_state state, uint32_t number,
                                uint64_t now_wall_us)
{
    struct key_ring_key *key = &ring->keys[ring->count++];

    assert(number > ring->last_number);
    *key = (struct key_ring_key){.number = number,
                                 .state = state,
                                 .since_wall_us = now_wall_us,
                                 .until_wall_us = UINT64_MAX};
    ring->last_number = number;
    return key;
}

void key_ring_init(struct key_ring *ring)
{
    *ring = (struct key_ring){.leak_until_wall_us = UINT64_MAX};
}

void key_ring_begin(struct key_ring *ring, uint32_t number,
                    const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE], uint64_t now_wall_us)
{
    assert(ring->count == 0);
    memcpy(add(ring, KEY_RING_SIGNING, number, now_wall_us)->public_key, public_key,
           TOKEN_KEY_PUBLIC_SIZE);
}

int key_ring_rotate(struct key_ring *ring, bool leaked, uint64_t now_wall_us, uint32_t *ret_number)
{
    const struct key_ring_key *next = find(ring, KEY_RING_WANTED);

    if (!next)
        next = find(ring, KEY_RING_PUBLISHED);
    /* The oldest of so many is about to go; when all have leaked, none has to be waited for. */
    if (!next && ring->count == KEY_RING_KEYS_MAX) {
        if (!leaked)
            return -EBUSY;
        drop(ring, 0);
    }
    if (!next)
        next = add(ring, KEY_RING_WANTED, ring->last_number + 1, now_wall_us);
    if (leaked && ring->leak_until_wall_us == UINT64_MAX)
        ring->leak_until_wall_us = now_wall_us + KEY_RING_LEAK_US;
    *ret_number = next->number;
    assert(key_ring_is_valid(ring));
    return 0;
}

enum key_ring_change key_ring_made(struct key_ring *ring, uint32_t number,
                                   const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE],
                                   uint64_t now_wall_us)
{
    struct key_ring_key *key = find(ring, KEY_RING_WANTED);

    if (!key || key->number != number)
        return KEY_RING_SAME;
    memcpy(key->public_key, public_key, TOKEN_KEY_PUBLIC_SIZE);
    move(key, KEY_RING_PUBLISHED, now_wall_us);
    assert(key_ring_is_valid(ring));
    return KEY_RING_MOVED;
}

static bool holds(const uint32_t *numbers, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

enum key_ring_change key_ring_reconcile(struct key_ring *ring, const uint32_t *numbers,
                                        size_t count, uint64_t now_wall_us)
{
    struct key_ring_key *next = find(ring, KEY_RING_PUBLISHED);
    const struct key_ring_key *signs = find(ring, KEY_RING_SIGNING);
    enum key_ring_change change = KEY_RING_SAME;

    for (size_t i = 0; i < count; i++) {
        if (numbers[i] > ring->last_number) {
            ring->last_number = numbers[i];
            change = KEY_RING_NOTED;
        }
    }
    if (next && !holds(numbers, count, next->number)) {
        drop(ring, (size_t)(next - ring->keys));
        add(ring, KEY_RING_WANTED, ring->last_number + 1, now_wall_us);
        change = KEY_RING_MOVED;
    }
    if (signs && !holds(numbers, count, signs->number) && !find(ring, KEY_RING_WANTED) &&
        !find(ring, KEY_RING_PUBLISHED) && ring->count < KEY_RING_KEYS_MAX) {
        add(ring, KEY_RING_WANTED, ring->last_number + 1, now_wall_us);
        change = KEY_RING_MOVED;
    }
    assert(key_ring_is_valid(ring));
    return change;
}

/* The older keys have leaked. The new one comes in and they go out in one Config: who has not taken
 * it yet refuses new tokens for a moment, which is better than to take forged ones. */
static enum key_ring_change advance_leak(struct key_ring *ring, const struct key_ring_facts *facts)
{
    struct key_ring_key *next = find(ring, KEY_RING_PUBLISHED);

    if (next) {
        uint32_t number = next->number;

        drop_older(ring, next);
        assert(ring->keys[0].number == number);
        move(&ring->keys[0], KEY_RING_SIGNING, facts->now_wall_us);
        ring->leak_until_wall_us = UINT64_MAX;
        return KEY_RING_MOVED;
    }
    next = find(ring, KEY_RING_WANTED);
    /* A region that is down does not sign, and cannot make one. */
    if (next &&
        (facts->now_wall_us >= ring->leak_until_wall_us || facts->signer_version == UINT64_MAX) &&
        drop_older(ring, next))
        return KEY_RING_MOVED;
    return KEY_RING_SAME;
}

static bool is_in_force(const struct key_ring_key *key, uint64_t version)
{
    return key->version != 0 && version >= key->version;
}

static enum key_ring_change sign_with_next(struct key_ring *ring,
                                           const struct key_ring_facts *facts)
{
    struct key_ring_key *next = find(ring, KEY_RING_PUBLISHED);
    struct key_ring_key *signs = find(ring, KEY_RING_SIGNING);

    if (!next || !is_in_force(next, facts->least_version))
        return KEY_RING_SAME;
    if (signs)
        move(signs, KEY_RING_RETIRING, facts->now_wall_us);
    move(next, KEY_RING_SIGNING, facts->now_wall_us);
    return KEY_RING_MOVED;
}

/* Only when its region knows that it signs with another does the last token's life begin. */
static enum key_ring_change retire(struct key_ring *ring, const struct key_ring_facts *facts)
{
    for (size_t i = 0; i < ring->count && ring->keys[i].state == KEY_RING_RETIRING; i++) {
        struct key_ring_key *key = &ring->keys[i];

        if (key->until_wall_us == UINT64_MAX && is_in_force(key, facts->signer_version)) {
            key->until_wall_us =
                facts->now_wall_us + facts->token_lifetime_us + KEY_RING_ALLOWANCE_US;
            return KEY_RING_NOTED;
        }
        if (facts->now_wall_us >= key->until_wall_us) {
            drop(ring, i);
            return KEY_RING_MOVED;
        }
    }
    return KEY_RING_SAME;
}

enum key_ring_change key_ring_advance(struct key_ring *ring, const struct key_ring_facts *facts)
{
    enum key_ring_change change = KEY_RING_SAME;

    if (ring->leak_until_wall_us != UINT64_MAX)
        change = advance_leak(ring, facts);
    if (change == KEY_RING_SAME)
        change = sign_with_next(ring, facts);
    if (change == KEY_RING_SAME)
        change = retire(ring, facts);
    assert(key_ring_is_valid(ring));
    return change;
}

void key_ring_stamp(struct key_ring *ring, uint64_t version)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].version == 0)
            ring->keys[i].version = version;
}

void key_ring_unstamp(struct key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        ring->keys[i].version = 0;
}

uint64_t key_ring_next_wall_us(const struct key_ring *ring)
{
    /* Past that time only the region's making its key moves anything. */
    bool leaks = ring->leak_until_wall_us != UINT64_MAX && ring->count > 1;
    uint64_t next_us = leaks ? ring->leak_until_wall_us : UINT64_MAX;

    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].state == KEY_RING_RETIRING && ring->keys[i].until_wall_us < next_us)
            next_us = ring->keys[i].until_wall_us;
    return next_us;
}
