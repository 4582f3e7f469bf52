/* The simulator's checks of the vault: what is right goes through, and each breach is found by the
 * check that it breaches. */

#include "regiond/vault_item.h"
#include "suite.h"
#include "watch_fixture.h"

#define BOUND_US (2 * SECOND_US)
#define BEN      "u-ben"

static void set_up_vault(void)
{
    set_up();
    plan.settings.revocation_bound_us = BOUND_US;
    plan.user_count = 2;
    plan.clients[1].user = 1; /* ben; all others are ann's */
}

/* ---- what homes write ---- */

/* What ann, client 0, puts: sealed as regiond does it. */
static struct store_op seal(const char *name, const char *value, const char *once)
{
    static struct store_seal key = {.key = {1}};
    struct store_op op = put_op(name, value, once);
    size_t size;
    uint8_t *plain = vault_item_pack("text/plain", slice_of(value), &size);

    key.nonce[0]++;
    op.write.service = "vault";
    op.write.content_type = "";
    op.write.value = (struct slice){(const char *)plain, size};
    op.write.seal = &key;
    op = commit(US, op);
    free(plain);
    return op;
}

/* What clients take away they ask for under a key; without one, only the eraser does. */
static const char *once_more(void)
{
    static char once[16];
    static unsigned count;

    snprintf(once, sizeof once, "gone-%u", ++count);
    return once;
}

static struct store_op take_out(const char *name)
{
    struct store_op op = delete_op(name, once_more());

    op.write.service = "vault";
    return commit(US, op);
}

static struct store_op grant(const char *key)
{
    struct store_op op = put_op(key, "{\"name\":\"u1\"}", "");

    op.write.service = "grants";
    return commit(US, op);
}

static struct store_op withdraw(const char *key)
{
    struct store_op op = delete_op(key, once_more());

    op.write.service = "grants";
    return commit(US, op);
}

/* Everybody can know what has happened until now. */
static void publish(void)
{
    put("anything", "else", "");
}

/* ---- what clients are told ---- */

static struct step open_own(void)
{
    struct step step = step_of(0, PLAN_OPERATION_VAULT_GET, "k0");

    ask(&step);
    return step;
}

/* ben asks for ann's. */
static struct step open_anns(void)
{
    struct step step = step_of(1, PLAN_OPERATION_VAULT_GET_SHARED, "k0");

    step.asked.user_id = BEN;
    step.asked.user_name = "u1";
    step.asked.shard = names[EU];
    step.asked.owner = "u0";
    ask(&step);
    return step;
}

static void is_shown(struct step step, const struct store_op *at, uint64_t version,
                     const char *value)
{
    tell_value(&step, US, at->seq, version, value);
}

START_TEST(test_clean)
{
    struct store_op first = seal("k0", "v0.1", "o1"), made;
    struct step step;

    is_shown(open_own(), &first, 1, "v0.1");
    made = grant("k0/1/" BEN);
    is_shown(open_anns(), &made, 1, "v0.1");
    made = seal("k0", "v0.2", "o2");
    is_shown(open_anns(), &made, 2, "v0.2");
    withdraw("k0/1/" BEN);
    step = open_anns();
    tell(&step, 404, PROBLEM_NOT_FOUND);
    made = take_out("k0");
    step = open_own();
    at(&step, 1, made.seq);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_clean();
}
END_TEST

START_TEST(test_clean_within_the_bound)
{
    struct store_op shown;

    seal("k0", "v0.1", "o1");
    shown = grant("k0/1/" BEN);
    withdraw("k0/1/" BEN);
    publish();
    now_us += BOUND_US - 10 * MILLISECOND_US;
    is_shown(open_anns(), &shown, 1, "v0.1");
    check_clean();
}
END_TEST

START_TEST(test_opened_is_not_what_was_put)
{
    struct store_op made = seal("k0", "v0.1", "o1");

    is_shown(open_own(), &made, 1, "v0.7");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_opened_as_it_is_sealed)
{
    struct store_op made = seal("k0", "v0.1", "o1");
    struct step step = open_own();

    step.outcome.version = 1;
    at(&step, 1, made.seq);
    step.outcome.body = (struct slice){"\x01 anything", 10};
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_item_is_not_found)
{
    struct store_op made = seal("k0", "v0.1", "o1");
    struct step step = open_own();

    at(&step, 1, made.seq);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_shown_without_a_grant)
{
    struct store_op made = seal("k0", "v0.1", "o1");

    is_shown(open_anns(), &made, 1, "v0.1");
    check_found(WATCH_GRANTED);
}
END_TEST

START_TEST(test_shown_by_a_grant_for_another)
{
    struct store_op made;

    seal("k0", "v0.1", "o1");
    made = grant("k0/1/u-carl");
    is_shown(open_anns(), &made, 1, "v0.1");
    check_found(WATCH_GRANTED);
}
END_TEST

START_TEST(test_shown_by_a_grant_of_what_was_deleted)
{
    struct store_op made;

    seal("k0", "v0.1", "o1");
    grant("k0/1/" BEN);
    take_out("k0");
    made = seal("k0", "v0.2", "o2");
    is_shown(open_anns(), &made, 3, "v0.2");
    check_found(WATCH_GRANTED);
}
END_TEST

START_TEST(test_shown_long_after_the_withdrawal)
{
    struct store_op shown;

    seal("k0", "v0.1", "o1");
    shown = grant("k0/1/" BEN);
    withdraw("k0/1/" BEN);
    publish();
    now_us += BOUND_US + 10 * MILLISECOND_US;
    is_shown(open_anns(), &shown, 1, "v0.1");
    check_found(WATCH_GRANTED);
}
END_TEST

START_TEST(test_shown_long_after_the_delete)
{
    struct store_op shown;

    seal("k0", "v0.1", "o1");
    shown = grant("k0/1/" BEN);
    take_out("k0");
    publish();
    now_us += BOUND_US + 10 * MILLISECOND_US;
    is_shown(open_anns(), &shown, 1, "v0.1");
    check_found(WATCH_GRANTED);
}
END_TEST

START_TEST(test_shown_a_third_ones)
{
    struct store_op made;

    seal("k0", "v1.1", "o1"); /* client 1 is not ann's */
    made = grant("k0/1/" BEN);
    is_shown(open_anns(), &made, 1, "v1.1");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_shown_what_was_never_put)
{
    struct store_op made;

    seal("k0", "v0.1", "o1");
    made = grant("k0/1/" BEN);
    is_shown(open_anns(), &made, 1, "v0.9");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_shown_behind_the_bookmark)
{
    struct store_op made, newer;

    seal("k0", "v0.1", "o1");
    made = grant("k0/1/" BEN);
    newer = seal("k0", "v0.2", "o2");
    is_shown(open_anns(), &newer, 2, "v0.2");
    check_clean();
    is_shown(open_anns(), &made, 1, "v0.1");
    check_found(WATCH_SESSION);
}
END_TEST

static struct step put_step(const char *value, const char *once)
{
    struct step step = step_of(0, PLAN_OPERATION_VAULT_PUT, "k0");

    step.asked.value = value;
    step.asked.idempotency_key = once;
    ask(&step);
    return step;
}

START_TEST(test_put_is_told_as_it_is)
{
    struct step step = put_step("v0.1", "o1");
    struct store_op made = seal("k0", "v0.1", "o1");

    tell_written(&step, &made);
    check_clean();
}
END_TEST

START_TEST(test_put_holds_something_else)
{
    put_step("v0.1", "o1");
    seal("k0", "v0.2", "o1");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_put_is_acknowledged_and_not_there)
{
    struct step step = put_step("v0.1", "o1");

    at(&step, 1, 1);
    tell(&step, 201, PROBLEM_NONE);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_put_is_told_as_queued)
{
    struct step step = put_step("v0.1", "o1");

    tell(&step, 202, PROBLEM_NONE);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

START_TEST(test_put_away_from_home)
{
    struct step step = put_step("v0.1", "o1");
    struct store_op made = seal("k0", "v0.1", "o1");

    step.outcome.served = MEC__SERVED__SERVED_REPLICA;
    tell_written(&step, &made);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

static void queue_operation(Mec__Operation operation)
{
    static uint8_t packed[256];
    struct queue_op op = enqueue_op("eu-west.1", "o1", "v0.1");
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    op.entry.call = (struct slice){(const char *)packed, mec__call__pack(&call, packed)};
    queue(EU, op);
}

START_TEST(test_queued_though_sensitive)
{
    queue_operation(MEC__OPERATION__GRANT_DELETE);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

START_TEST(test_queued_as_it_may)
{
    queue_operation(MEC__OPERATION__METADATA_PUT);
    check_clean();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean,
        test_clean_within_the_bound,
        test_opened_is_not_what_was_put,
        test_opened_as_it_is_sealed,
        test_item_is_not_found,
        test_shown_without_a_grant,
        test_shown_by_a_grant_for_another,
        test_shown_by_a_grant_of_what_was_deleted,
        test_shown_long_after_the_withdrawal,
        test_shown_long_after_the_delete,
        test_shown_a_third_ones,
        test_shown_what_was_never_put,
        test_shown_behind_the_bookmark,
        test_put_is_told_as_it_is,
        test_put_holds_something_else,
        test_put_is_acknowledged_and_not_there,
        test_put_is_told_as_queued,
        test_put_away_from_home,
        test_queued_though_sensitive,
        test_queued_as_it_may,
    };

    return suite_run(&(struct suite){.name = "sim_watch_vault",
                                     .set_up = set_up_vault,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests)});
}
