/* Rings as logs of what becomes of keys: `1r 2s 3p` is the first retiring, the second signing, the
 * third published; `w` is wanted. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/key_ring.h"
#include "tests/unit/suite.h"

#define LIFETIME_US UINT64_C(600000000)
#define EVERYBODY   UINT64_MAX

static struct key_ring ring;
static uint64_t now_us, version;

static const uint8_t *public_key(uint32_t number)
{
    static uint8_t key[TOKEN_KEY_PUBLIC_SIZE];

    memset(key, (int)number, sizeof key);
    return key;
}

static void set_up(void)
{
    now_us = 1000000;
    version = 1;
    key_ring_init(&ring);
    key_ring_begin(&ring, 1, public_key(1), now_us);
    key_ring_stamp(&ring, version);
}

static const char *state(void)
{
    static char text[200];
    size_t size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < ring.count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%" PRIu32 "%c", i ? " " : "",
                                 ring.keys[i].number, key_ring_state_name(ring.keys[i].state)[0]);
    ck_assert(key_ring_is_valid(&ring));
    return text;
}

static void expect(const char *wanted)
{
    ck_assert_str_eq(state(), wanted);
}

/* Everybody but the signer runs by @least, the signer by @signer. Moves on as controld does, with a
 * new version behind each move. */
static void advance(uint64_t least, uint64_t signer)
{
    struct key_ring_facts facts = {.now_wall_us = now_us,
                                   .least_version = least < signer ? least : signer,
                                   .signer_version = signer,
                                   .token_lifetime_us = LIFETIME_US};
    enum key_ring_change change;

    while ((change = key_ring_advance(&ring, &facts)) != KEY_RING_SAME)
        if (change == KEY_RING_MOVED)
            key_ring_stamp(&ring, ++version);
}

static uint32_t rotate(bool leaked)
{
    uint32_t number = 0;

    ck_assert_int_eq(key_ring_rotate(&ring, leaked, now_us, &number), 0);
    key_ring_stamp(&ring, ++version);
    return number;
}

static void made(uint32_t number)
{
    ck_assert_int_eq(key_ring_made(&ring, number, public_key(number), now_us), KEY_RING_MOVED);
    key_ring_stamp(&ring, ++version);
}

static enum key_ring_change reconcile(size_t count, const uint32_t *numbers)
{
    enum key_ring_change change = key_ring_reconcile(&ring, numbers, count, now_us);

    if (change == KEY_RING_MOVED)
        key_ring_stamp(&ring, ++version);
    return change;
}

START_TEST(a_key_follows_the_other_step_by_step)
{
    ck_assert_uint_eq(rotate(false), 2);
    expect("1s 2w");
    advance(version, version); /* nobody has made it */
    expect("1s 2w");
    made(2);
    expect("1s 2p");
    advance(version - 1, version); /* somebody does not know it yet */
    expect("1s 2p");
    now_us += 5;
    uint64_t published = version;
    advance(published, published);
    expect("1r 2s");
    ck_assert_uint_eq(ring.keys[0].since_wall_us, now_us);
    ck_assert_uint_eq(ring.keys[1].public_key[0], 2);
    /* The old one's last hour begins when its region knows, not before. */
    ck_assert_uint_eq(key_ring_next_wall_us(&ring), UINT64_MAX);
    advance(version, version);
    ck_assert_uint_eq(key_ring_next_wall_us(&ring), now_us + LIFETIME_US + KEY_RING_ALLOWANCE_US);
    now_us += LIFETIME_US + KEY_RING_ALLOWANCE_US - 1;
    advance(version, version);
    expect("1r 2s");
    now_us++;
    advance(version, version);
    expect("2s");
    ck_assert_uint_eq(key_ring_next_wall_us(&ring), UINT64_MAX);
}
END_TEST

START_TEST(who_is_down_is_not_waited_for)
{
    rotate(false);
    made(2);
    advance(EVERYBODY, EVERYBODY);
    expect("1r 2s");
    /* The region is down, too: it will sign with the new one when it is back. */
    ck_assert_uint_ne(key_ring_next_wall_us(&ring), UINT64_MAX);
}
END_TEST

START_TEST(a_version_that_is_not_out_yet_is_in_force_nowhere)
{
    uint32_t number;

    key_ring_rotate(&ring, false, now_us, &number);
    key_ring_made(&ring, 2, public_key(2), now_us);
    advance(EVERYBODY, EVERYBODY); /* not stamped: no Config tells of it */
    expect("1s 2p");
    key_ring_stamp(&ring, ++version);
    advance(EVERYBODY, EVERYBODY);
    expect("1r 2s");
}
END_TEST

START_TEST(asking_again_makes_no_second_key)
{
    ck_assert_uint_eq(rotate(false), 2);
    ck_assert_uint_eq(rotate(false), 2);
    expect("1s 2w");
    made(2);
    ck_assert_uint_eq(rotate(false), 2);
    expect("1s 2p");
    advance(version, version);
    ck_assert_uint_eq(rotate(false), 3); /* that was the end of the one before */
    expect("1r 2s 3w");
}
END_TEST

START_TEST(what_is_made_counts_once_and_only_when_it_is_wanted)
{
    ck_assert_int_eq(key_ring_made(&ring, 2, public_key(2), now_us), KEY_RING_SAME);
    rotate(false);
    ck_assert_int_eq(key_ring_made(&ring, 3, public_key(3), now_us), KEY_RING_SAME);
    made(2);
    ck_assert_int_eq(key_ring_made(&ring, 2, public_key(9), now_us), KEY_RING_SAME);
    ck_assert_uint_eq(ring.keys[1].public_key[0], 2);
    ck_assert_int_eq(key_ring_made(&ring, 1, public_key(9), now_us), KEY_RING_SAME);
    ck_assert_uint_eq(ring.keys[0].public_key[0], 1);
}
END_TEST

START_TEST(a_leaked_key_goes_in_the_moment_in_which_another_is_made)
{
    rotate(true);
    advance(version, version);
    expect("1s 2w");
    made(2);
    advance(0, version); /* whoever knows of it or not */
    expect("2s");
    ck_assert_uint_eq(ring.leak_until_wall_us, UINT64_MAX);
    rotate(false); /* and that is over */
    made(3);
    advance(version, version);
    expect("2r 3s");
}
END_TEST

START_TEST(a_leaked_key_goes_even_when_no_other_is_made)
{
    rotate(true);
    ck_assert_uint_eq(key_ring_next_wall_us(&ring), now_us + KEY_RING_LEAK_US);
    now_us += KEY_RING_LEAK_US - 1;
    advance(version, version);
    expect("1s 2w");
    now_us++;
    advance(version, version);
    expect("2w");
    ck_assert_uint_eq(key_ring_next_wall_us(&ring), UINT64_MAX);
    made(2);
    advance(0, 0);
    expect("2s");
}
END_TEST

START_TEST(a_leaked_key_of_a_region_that_is_down_goes_at_once)
{
    rotate(true);
    advance(version, EVERYBODY);
    expect("2w");
}
END_TEST

START_TEST(a_leak_takes_all_older_ones_and_a_key_that_is_on_its_way_is_the_new_one)
{
    rotate(false);
    made(2);
    advance(version, version);
    rotate(false);
    made(3);
    expect("1r 2s 3p");
    ck_assert_uint_eq(rotate(true), 3);
    advance(0, 0);
    expect("3s");
}
END_TEST

START_TEST(a_full_ring_is_busy_but_for_a_leak)
{
    uint32_t number = 77;

    for (uint32_t i = 2; i <= KEY_RING_KEYS_MAX; i++) {
        rotate(false);
        made(i);
        advance(version, version);
    }
    expect("1r 2r 3r 4r 5r 6r 7r 8s");
    ck_assert_int_eq(key_ring_rotate(&ring, false, now_us, &number), -EBUSY);
    ck_assert_uint_eq(number, 77);
    expect("1r 2r 3r 4r 5r 6r 7r 8s");
    ck_assert_uint_eq(rotate(true), 9);
    made(9);
    advance(0, 0);
    expect("9s");
}
END_TEST

START_TEST(each_retires_in_its_own_time)
{
    rotate(false);
    made(2);
    advance(version, version);
    advance(version, version);
    now_us += 100;
    rotate(false);
    made(3);
    advance(version, version);
    advance(version, version);
    expect("1r 2r 3s");
    now_us += LIFETIME_US + KEY_RING_ALLOWANCE_US - 100;
    advance(version, version);
    expect("2r 3s");
    now_us += 100;
    advance(version, version);
    expect("3s");
}
END_TEST

START_TEST(a_lost_key_is_replaced)
{
    ck_assert_int_eq(reconcile(1, (uint32_t[]){1}), KEY_RING_SAME);
    ck_assert_int_eq(reconcile(0, NULL), KEY_RING_MOVED);
    expect("1s 2w");
    ck_assert_int_eq(reconcile(0, NULL), KEY_RING_SAME); /* not one more each time it says so */
    made(2);
    ck_assert_int_eq(reconcile(1, (uint32_t[]){2}), KEY_RING_SAME);
    expect("1s 2p");
    ck_assert_int_eq(reconcile(0, NULL), KEY_RING_MOVED); /* and that is lost, too */
    expect("1s 3w");
}
END_TEST

START_TEST(a_number_is_never_given_twice)
{
    ck_assert_int_eq(reconcile(2, (uint32_t[]){1, 5}),
                     KEY_RING_NOTED); /* of a state that is lost */
    ck_assert_uint_eq(rotate(false), 6);
    ck_assert_int_eq(reconcile(1, (uint32_t[]){1}), KEY_RING_SAME);
}
END_TEST

START_TEST(versions_of_another_history_prove_nothing)
{
    rotate(false);
    made(2);
    key_ring_unstamp(&ring);
    advance(version + 100, version + 100);
    expect("1s 2p");
    key_ring_stamp(&ring, version += 101);
    advance(version - 1, version);
    expect("1s 2p");
    advance(version, version);
    expect("1r 2s");
}
END_TEST

/* Whatever comes in whatever order: the ring stays one, numbers rise, and unless a key has leaked
 * or its end has come, each that verified goes on to verify. */
START_TEST(no_order_of_events_loses_a_key)
{
    uint32_t luck = (uint32_t)_i * 2654435761u + 1, last = 1;

    for (int step = 0; step < 300; step++) {
        struct key_ring before = ring;
        uint32_t number;

        luck = luck * 1664525u + 1013904223u;
        now_us += luck >> 8 & 0xfff;
        switch (luck >> 28) {
        case 0:
        case 1:
            if (key_ring_rotate(&ring, false, now_us, &number) == 0)
                ck_assert_uint_ge(number, last);
            key_ring_stamp(&ring, ++version);
            break;
        case 2:
        case 3:
        case 4:
            if (key_ring_made(&ring, ring.last_number, public_key(ring.last_number), now_us) !=
                KEY_RING_SAME)
                key_ring_stamp(&ring, ++version);
            break;
        case 5:
            now_us += LIFETIME_US / 3;
            break;
        default:
            advance(version - (luck >> 20 & 3), version - (luck >> 22 & 1));
        }
        ck_assert(key_ring_is_valid(&ring));
        ck_assert_ptr_nonnull(key_ring_in(&ring, KEY_RING_SIGNING));
        ck_assert_uint_ge(ring.last_number, last);
        last = ring.last_number;
        for (size_t i = 0; i < before.count; i++) {
            bool there = before.keys[i].until_wall_us <= now_us;

            for (size_t j = 0; j < ring.count; j++)
                there = there || ring.keys[j].number == before.keys[i].number;
            ck_assert_msg(there, "%u is lost in step %d", before.keys[i].number, step);
        }
    }
    ck_assert_uint_gt(last, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_key_follows_the_other_step_by_step,
        who_is_down_is_not_waited_for,
        a_version_that_is_not_out_yet_is_in_force_nowhere,
        asking_again_makes_no_second_key,
        what_is_made_counts_once_and_only_when_it_is_wanted,
        a_leaked_key_goes_in_the_moment_in_which_another_is_made,
        a_leaked_key_goes_even_when_no_other_is_made,
        a_leaked_key_of_a_region_that_is_down_goes_at_once,
        a_leak_takes_all_older_ones_and_a_key_that_is_on_its_way_is_the_new_one,
        a_full_ring_is_busy_but_for_a_leak,
        each_retires_in_its_own_time,
        a_lost_key_is_replaced,
        a_number_is_never_given_twice,
        versions_of_another_history_prove_nothing,
    };
    const struct suite_loop loops[] = {{no_order_of_events_loses_a_key, 20}};
    const struct suite suite = {
        .name = "key_ring", .set_up = set_up, SUITE_TESTS(tests), SUITE_LOOPS(loops)};

    return suite_run(&suite);
}
