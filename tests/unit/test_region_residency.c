/* Regions where a service's data may not lie, and users whose home is one of them. */

#include "common/residency.h"
#include "regiond/store.h"
#include "tests/unit/pin_fixture.h"
#include "vault_fixture.h"

#define ITEM  "name-of-the-item"
#define VALUE "value-of-the-item"

static const char *const inside[] = {"us-east", "eu-west"}; /* ap-northeast is outside */

static void begin(void)
{
    set_up();
    pin(&driver->config, "vault", inside, 2);
    driver_configure(driver);
}

static Mec__Call put_metadata(Mec__Claims *claims, const char *key)
{
    return driver_put(claims, key, VALUE, once());
}

/* Not serving, as a region whose service is away: whoever asks may ask elsewhere. */
static void ck_not_here(const Mec__Answer *answer)
{
    ck_assert_problem(answer, 503, "service-unavailable");
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    ck_assert_ptr_nonnull(strstr(answer->detail, "ap-northeast"));
}

START_TEST(inside_all_is_as_ever)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(grant(US, ada, ITEM, "bob"), 201);
    driver_ship_all(driver);
    ck_assert_value(get(US, ada, ITEM), VALUE);
    ck_assert_value(get(EU, ada, ITEM), VALUE);
    ck_assert_value(get_of(EU, bob, "ada", ITEM), VALUE);
}
END_TEST

START_TEST(a_region_outside_serves_nothing_of_it)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Call call;

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(grant(US, ada, ITEM, "bob"), 201);
    driver_ship_all(driver);
    ck_not_here(get(AP, ada, ITEM));
    ck_not_here(get_of(AP, bob, "ada", ITEM));
    ck_not_here(put(AP, ada, ITEM, VALUE));
    ck_not_here(take_out(AP, ada, ITEM));
    ck_not_here(grant(AP, ada, ITEM, "bob"));
    ck_not_here(withdraw(AP, ada, ITEM, "bob"));
    ck_not_here(ask(AP, vault_call(MEC__OPERATION__VAULT_LIST, ada, "")));
    ck_not_here(ask(AP, vault_call(MEC__OPERATION__GRANT_LIST, ada, ITEM)));
    ck_assert(status_says(AP, "\"elsewhere\""));
    ck_assert(!status_says(US, "\"elsewhere\""));
    /* The rest of it is well. */
    call = put_metadata(ada, "k");
    ck_assert_status(driver_ask(driver, US, &call), 201);
    driver_ship_all(driver);
    call = driver_get(ada, "k");
    ck_assert_status(driver_ask(driver, AP, &call), 200);
}
END_TEST

/* Strangers too: what they ask for would be noted with its name. */
START_TEST(nothing_of_it_rests_outside)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Call call;

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(grant(US, ada, ITEM, "bob"), 201);
    ck_assert_status(put(US, ada, ITEM, VALUE), 204);
    ck_assert_status(withdraw(US, ada, ITEM, "bob"), 204);
    driver_ship_all(driver);
    ck_not_here(get(AP, bob, ITEM));
    call = get_call(ada, ITEM, "");
    call.claims = NULL;
    call.token = (char *)"no token";
    ck_not_here(driver_ask(driver, AP, &call));
    ck_assert_status(take_out(US, ada, ITEM), 204);
    driver_ship_all(driver);
    driver_run(driver, 60 * SECOND_US); /* notes are written by then */
    ck_assert(rests_on(US, ITEM));
    ck_assert(rests_on(EU, ITEM));
    ck_assert(!rests_on(AP, ITEM));
    ck_assert(!rests_on(AP, VALUE));
    ck_assert(rests_on(AP, "ada")); /* it is looked at */
    driver_kill(driver, AP);
    driver_start(driver, AP);
    driver_ship_all(driver);
    ck_assert(!rests_on(AP, ITEM));
}
END_TEST

/* Whoever may not hold the items gets no box with the key to them. */
START_TEST(only_regions_inside_get_boxes)
{
    Mec__Claims *ada = sign_up(US, "ada");

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert(rests_on(US, "{\"us-east\":"));
    ck_assert(rests_on(US, "\"eu-west\":{\"for\""));
    ck_assert(!rests_on(US, "\"ap-northeast\":{\"for\""));
    /* And none is missed: the key is not put into boxes again with each item. */
    ck_assert_status(put(US, ada, "another", VALUE), 201);
    driver_kill(driver, US);
    driver_start(driver, US);
    driver_ship_all(driver);
    ck_assert_status(put(US, ada, "a-third", VALUE), 201);
    driver_ship_all(driver);
    ck_assert_value(get(EU, ada, "a-third"), VALUE);
}
END_TEST

START_TEST(who_is_at_home_outside_cannot_use_it_anywhere)
{
    Mec__Claims *cyd = sign_up(AP, "cyd"), *ada = sign_up(US, "ada");
    Mec__Call call;

    ck_assert_problem(get(US, cyd, ITEM), 403, "residency");
    ck_assert_problem(get(EU, cyd, ITEM), 403, "residency");
    ck_assert_problem(put(US, cyd, ITEM, VALUE), 403, "residency");
    ck_assert_problem(get_of(US, cyd, "ada", ITEM), 403, "residency");
    ck_not_here(put(AP, cyd, ITEM, VALUE));
    ck_assert_ptr_nonnull(strstr(get(US, cyd, ITEM)->detail, "ap-northeast"));
    /* They may be granted something, and it is of no use to them. */
    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(grant(US, ada, ITEM, "cyd"), 201);
    ck_assert_problem(get_of(US, cyd, "ada", ITEM), 403, "residency");
    /* Their account and metadata are where they always are. */
    call = put_metadata(cyd, "k");
    ck_assert_status(driver_ask(driver, AP, &call), 201);
}
END_TEST

START_TEST(what_was_put_is_nobodys_to_read_once_the_home_is_outside)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(grant(US, ada, ITEM, "bob"), 201);
    driver_ship_all(driver);
    ck_assert_value(get_of(EU, bob, "ada", ITEM), VALUE);
    driver->config.shards[0]->home = (char *)"ap-northeast";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    ck_assert_problem(get(EU, ada, ITEM), 403, "residency");
    ck_assert_problem(get_of(EU, bob, "ada", ITEM), 404, "not-found");
}
END_TEST

static Mec__Call queued(Mec__Claims *claims)
{
    Mec__Call call = put_metadata(claims, ITEM);

    call.mode = MEC__CALL_MODE__ENQUEUE;
    return call;
}

START_TEST(a_write_of_it_is_queued_inside_alone)
{
    Mec__Claims *ada = sign_up(US, "ada"), *cyd = sign_up(AP, "cyd");
    Mec__Call call;

    pin(&driver->config, "metadata", inside, 2);
    driver_configure(driver);
    call = queued(ada);
    ck_not_here(driver_ask(driver, AP, &call));
    call = queued(cyd);
    ck_assert_problem(driver_ask(driver, EU, &call), 403, "residency");
    call = queued(ada);
    ck_assert_status(driver_ask(driver, EU, &call), 202);
    driver_run(driver, 5 * SECOND_US);
    driver_ship_all(driver);
    call = driver_get(ada, ITEM);
    ck_assert_status(driver_ask(driver, EU, &call), 200);
    ck_not_here(driver_ask(driver, AP, &call));
    ck_assert(rests_on(EU, VALUE));
    ck_assert(!rests_on(AP, ITEM));
    ck_assert(!rests_on(AP, VALUE));
}
END_TEST

/* All of a deleted account goes where it lay, and that it went is no more than a place in the log
 * outside. */
START_TEST(an_account_ends_inside_and_outside)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call = vault_call(MEC__OPERATION__USER_DELETE, ada, "");

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    driver_ship_all(driver);
    ck_assert_uint_lt(driver_ask(driver, US, &call)->status, 300);
    driver_run(driver, 60 * SECOND_US);
    driver_ship_all(driver);
    ck_assert(!rests_on(AP, ITEM));
}
END_TEST

/* As from a home that does not know of the line. */
START_TEST(what_comes_unredacted_is_not_put_down)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__FetchAsk fetch = MEC__FETCH_ASK__INIT;
    Mec__Apply apply = MEC__APPLY__INIT;
    const struct driver_frame *frame;
    Mec__Applied *applied;
    Mec__Tail *tail;

    fetch.shard = apply.shard = (char *)"us-east";
    driver_ship_all(driver);
    (void)driver_send(driver, US, 700, FRAME_FETCH_ASK, &fetch.base);
    frame = driver_newest(driver, US, 700, FRAME_TAIL, NULL);
    tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    fetch.after_seq = tail->last_seq;
    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    (void)driver_send(driver, US, 700, FRAME_FETCH_ASK, &fetch.base);
    frame = driver_newest(driver, US, 700, FRAME_TAIL, NULL);
    tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert_uint_eq(tail->n_changes, 2);
    apply.epoch = tail->epoch;
    apply.home = (char *)"us-east";
    apply.home_wall_us = tail->wall_us;
    apply.home_last_seq = tail->last_seq;
    apply.after_seq = tail->after_seq;
    apply.changes = tail->changes;
    apply.n_changes = tail->n_changes;
    (void)driver_send(driver, AP, 700, FRAME_APPLY, &apply.base);
    frame = driver_newest(driver, AP, 700, FRAME_APPLIED, NULL);
    applied = mec__applied__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__INVALID);
    ck_assert_uint_eq(applied->cursor->seq, tail->after_seq);
    ck_assert_ptr_nonnull(strstr(driver->nodes[AP].log, "ALARM"));
    ck_assert(!rests_on(AP, ITEM));
    driver_ship_all(driver);
    ck_assert(!rests_on(AP, ITEM));
}
END_TEST

/* Whoever gets the digests could else try out what has them. */
START_TEST(changes_of_it_are_salted_each_with_its_own)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__FetchAsk fetch = MEC__FETCH_ASK__INIT;
    const struct driver_frame *frame;
    const Mec__Change *change, *last = NULL;
    Mec__Tail *tail;
    size_t salted = 0;

    ck_assert_status(put(US, ada, ITEM, VALUE), 201);
    ck_assert_status(take_out(US, ada, ITEM), 204);
    fetch.shard = (char *)"us-east";
    (void)driver_send(driver, US, 700, FRAME_FETCH_ASK, &fetch.base);
    frame = driver_newest(driver, US, 700, FRAME_TAIL, NULL);
    tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    for (size_t i = 0; i < tail->n_changes; i++) {
        change = mec__change__unpack(arena_allocator(driver->arena), tail->changes[i]->change.len,
                                     tail->changes[i]->change.data);
        if (!residency_pins_records(&driver->config, change->service)) {
            ck_assert_uint_eq(change->salt.len, 0);
            continue;
        }
        ck_assert_uint_eq(change->salt.len, STORE_SALT_SIZE);
        if (last)
            ck_assert_mem_ne(change->salt.data, last->salt.data, STORE_SALT_SIZE);
        last = change;
        salted++;
    }
    ck_assert_uint_eq(salted, 3); /* the key, the item, its end */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        inside_all_is_as_ever,
        a_region_outside_serves_nothing_of_it,
        nothing_of_it_rests_outside,
        only_regions_inside_get_boxes,
        who_is_at_home_outside_cannot_use_it_anywhere,
        what_was_put_is_nobodys_to_read_once_the_home_is_outside,
        a_write_of_it_is_queued_inside_alone,
        an_account_ends_inside_and_outside,
        what_comes_unredacted_is_not_put_down,
        changes_of_it_are_salted_each_with_its_own,
    };

    return suite_run(&(struct suite){
        .name = "region_residency", .set_up = begin, .tear_down = tear_down, SUITE_TESTS(tests)});
}
