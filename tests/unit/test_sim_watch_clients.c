/* The simulator's checks of what clients are told: what is right goes through, and each breach is
 * found by the check that it breaches. */

#include "suite.h"
#include "watch_fixture.h"

static struct step read_of(uint32_t client, enum plan_operation_kind kind, const char *key)
{
    struct step step = step_of(client, kind, key);

    ask(&step);
    return step;
}

/* A region's answer to a read, at @seq, said to be @staleness_us old. */
static void answer(uint32_t region, Mec__Served served, uint64_t seq, uint64_t staleness_us)
{
    Mec__Answer message = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;
    uint64_t now = tick();

    position.shard = (char *)(uintptr_t)names[US];
    position.epoch = 1;
    position.seq = seq;
    message.status = 200;
    message.served = served;
    message.position = &position;
    message.staleness_known = true;
    message.staleness_us = staleness_us;
    watch_answer(watch, (struct moment){now, WALL_US + now}, region, &message);
}

/* The home's answer to a write. */
static void answer_written(uint64_t seq)
{
    Mec__Answer message = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;

    position.shard = (char *)(uintptr_t)names[US];
    position.epoch = 1;
    position.seq = seq;
    message.status = 201;
    message.position = &position;
    watch_answer(watch, (struct moment){tick(), WALL_US}, US, &message);
}

/* ---- a story in which all is well ---- */

START_TEST(test_clean_reads)
{
    struct step step;

    client_puts(0, "k", "v1", "o1");
    ship(US, EU);
    client_puts(1, "k", "v2", "o2");
    step = read_of(2, PLAN_OPERATION_READ, "k"); /* has seen nothing yet */
    tell_value(&step, EU, 1, 1, "v1");
    step = read_of(1, PLAN_OPERATION_READ_STALE, "k"); /* does not mind */
    tell_value(&step, EU, 1, 1, "v1");
    step = read_of(2, PLAN_OPERATION_READ_STRONG, "k");
    tell_value(&step, US, 2, 2, "v2");
    step = read_of(2, PLAN_OPERATION_READ, "l");
    at(&step, 1, 2);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    commit(US, delete_op("k", "o3"));
    step = read_of(2, PLAN_OPERATION_READ, "k");
    at(&step, 1, 3);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    put("k", "v4", "o4");
    step = read_of(2, PLAN_OPERATION_LIST, "");
    at(&step, 1, 4);
    body(&step, "{\"items\":[{\"key\":\"k\",\"version\":4,\"bytes\":2}],\"next\":null}");
    tell(&step, 200, PROBLEM_NONE);
    check_clean();
}
END_TEST

START_TEST(test_clean_writes)
{
    struct step step = write_of(0, "k", "v", "o"), again;
    struct store_op made;

    ask(&step);
    tell(&step, 504, PROBLEM_FATE_UNKNOWN);
    made = put("k", "v", "o");
    again = step_of(0, PLAN_OPERATION_RETRY, "k");
    again.asked.idempotency_key = "o";
    ask(&again);
    tell_written(&again, &made);
    step = write_of(0, "k", "v2", "o2");
    ask(&step);
    tell(&step, 503, PROBLEM_HOME_UNAVAILABLE);
    step = write_of(0, "k", "w", "o");
    step.operation.kind = PLAN_OPERATION_REUSE;
    ask(&step);
    tell(&step, 422, PROBLEM_KEY_REUSED);
    step = step_of(1, PLAN_OPERATION_STRANGER, "k");
    ask(&step);
    tell(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_clean();
}
END_TEST

START_TEST(test_clean_receipts)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    tell_queued(&step, EU, "eu-west.1");
    deliver("k", "v", "o", "eu-west.1");
    queue(EU, settle_op(1, QUEUE_APPLIED, "us-east:1.1"));
    step = step_of(0, PLAN_OPERATION_RECEIPT, "");
    step.asked.receipt = "eu-west.1";
    ask(&step);
    step.outcome.receipt_state = QUEUE_APPLIED;
    step.outcome.receipt_position = (struct position){.epoch = 1, .seq = 1};
    at(&step, 1, 1);
    tell(&step, 200, PROBLEM_NONE);
    check_clean();
    step = read_of(0, PLAN_OPERATION_READ, "k");
    tell_value(&step, US, 1, 1, "v");
    check_clean();
}
END_TEST

/* ---- reads ---- */

START_TEST(test_read_of_no_value)
{
    struct step step;

    put("k", "v1", "o1");
    step = read_of(0, PLAN_OPERATION_READ, "k");
    tell_value(&step, US, 1, 1, "v2");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_read_of_another_time)
{
    struct step step;

    put("k", "v1", "o1");
    put("k", "v2", "o2");
    step = read_of(0, PLAN_OPERATION_READ, "k");
    tell_value(&step, US, 2, 1, "v1");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_read_of_nothing)
{
    struct step step;

    put("k", "v1", "o1");
    step = read_of(0, PLAN_OPERATION_READ, "k");
    at(&step, 1, 1);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_list_of_another_time)
{
    struct step step;

    put("k", "v1", "o1");
    put("l", "v2", "o2");
    step = read_of(0, PLAN_OPERATION_LIST, "");
    at(&step, 1, 2);
    body(&step, "{\"items\":[{\"key\":\"k\",\"version\":1,\"bytes\":2}],\"next\":null}");
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_read_past_the_copy)
{
    put("k", "v1", "o1");
    answer(EU, MEC__SERVED__SERVED_REPLICA, 1, 0);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_read_past_the_log)
{
    answer(US, MEC__SERVED__SERVED_HOME, 1, 0);
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_session_behind_its_bookmark)
{
    struct step step;

    put("l", "v1", "o1");
    put("k", "v2", "o2");
    step = read_of(0, PLAN_OPERATION_READ, "k");
    tell_value(&step, US, 2, 1, "v2");
    step = read_of(0, PLAN_OPERATION_READ, "l");
    tell_value(&step, EU, 1, 1, "v1");
    check_found(WATCH_SESSION);
}
END_TEST

/* Nobody says where it was served, and yet it is older. */
START_TEST(test_session_goes_back)
{
    struct step step;

    client_puts(0, "k", "v1", "o1");
    client_puts(0, "k", "v2", "o2");
    step = read_of(0, PLAN_OPERATION_READ, "k");
    step.outcome.version = 1;
    body(&step, "v1");
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_SESSION);
}
END_TEST

START_TEST(test_session_loses_its_bookmark)
{
    client_puts(0, "k", "v1", "o1");
    bookmarks[0].count = 0;
    read_of(0, PLAN_OPERATION_READ, "k");
    check_found(WATCH_SESSION);
}
END_TEST

START_TEST(test_session_without_its_account)
{
    struct store_op op = put_op("account", "{}", "");
    struct step step;

    op.write.service = "auth";
    commit(US, op);
    client_puts(0, "k", "v1", "o1");
    step = read_of(0, PLAN_OPERATION_WHOAMI, "");
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_SESSION);
}
END_TEST

START_TEST(test_strong)
{
    struct step step;

    put("k", "v1", "o1");
    client_puts(0, "k", "v2", "o2");
    step = read_of(1, PLAN_OPERATION_READ_STRONG, "k");
    tell_value(&step, US, 1, 1, "v1");
    check_found(WATCH_STRONG);
}
END_TEST

START_TEST(test_staleness)
{
    uint64_t published_us;

    put("k", "v1", "o1");
    ship(US, EU);
    put("k", "v2", "o2");
    answer_written(2);
    published_us = now_us;
    now_us += SECOND_US;
    answer(EU, MEC__SERVED__SERVED_REPLICA, 1, now_us + MILLISECOND_US - published_us);
    check_clean();
    answer(EU, MEC__SERVED__SERVED_REPLICA, 1, SECOND_US - 2 * MILLISECOND_US);
    check_found(WATCH_STALENESS);
}
END_TEST

START_TEST(test_staleness_by_wrong_clocks)
{
    put("k", "v1", "o1");
    ship(US, EU);
    watch_clock(watch, tick(), US, (int64_t)SECOND_US, 0);
    put("k", "v2", "o2");
    answer_written(2);
    now_us += SECOND_US;
    answer(EU, MEC__SERVED__SERVED_REPLICA, 1, 10 * MILLISECOND_US);
    check_clean();
    now_us += SECOND_US;
    answer(EU, MEC__SERVED__SERVED_REPLICA, 1, 10 * MILLISECOND_US);
    check_found(WATCH_STALENESS);
}
END_TEST

/* ---- writes ---- */

START_TEST(test_acknowledged_and_not_there)
{
    struct step step = write_of(0, "k", "v", "o");
    struct store_op made = {.epoch = 1, .seq = 1, .version = 1, .created = true};

    ask(&step);
    tell_written(&step, &made);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_acknowledged_as_another_version)
{
    struct step step = write_of(0, "k", "v", "o");
    struct store_op made;

    ask(&step);
    made = put("k", "v", "o");
    made.version = 2;
    tell_written(&step, &made);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_acknowledged_too_early)
{
    answer_written(1);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_log_holds_what_nobody_wrote)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    put("k", "w", "o");
    check_found(WATCH_READ_TRUE);
}
END_TEST

START_TEST(test_refused_and_done)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    tell(&step, 503, PROBLEM_HOME_UNAVAILABLE);
    put("k", "v", "o");
    check_found(WATCH_REFUSED_MEANS_NOTHING);
}
END_TEST

START_TEST(test_done_and_refused)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    put("k", "v", "o");
    tell(&step, 412, PROBLEM_PRECONDITION_FAILED);
    check_found(WATCH_REFUSED_MEANS_NOTHING);
}
END_TEST

START_TEST(test_condition_got_lost)
{
    struct step step = write_of(0, "k", "v2", "o2");

    put("k", "v", "o");
    put("k", "v1", "o1");
    step.operation.kind = PLAN_OPERATION_WRITE_IF_SAME;
    step.asked.if_version = 1;
    ask(&step);
    put("k", "v2", "o2");
    check_found(WATCH_CONDITION);
}
END_TEST

START_TEST(test_absence_got_lost)
{
    struct step step = write_of(0, "k", "v2", "o2");

    put("k", "v", "o");
    step.operation.kind = PLAN_OPERATION_WRITE_IF_ABSENT;
    ask(&step);
    put("k", "v2", "o2");
    check_found(WATCH_CONDITION);
}
END_TEST

START_TEST(test_key_reuse)
{
    struct step step;
    struct store_op made = client_puts(0, "k", "v", "o");

    step = write_of(0, "k", "w", "o");
    step.operation.kind = PLAN_OPERATION_REUSE;
    ask(&step);
    tell_written(&step, &made);
    check_found(WATCH_KEY_REUSE);
}
END_TEST

/* ---- queued writes ---- */

START_TEST(test_queued_and_not_there)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    tell_queued(&step, EU, "eu-west.1");
    check_found(WATCH_QUEUED);
}
END_TEST

START_TEST(test_queued_too_early)
{
    Mec__Answer message = MEC__ANSWER__INIT;

    message.status = 202;
    message.location = (char *)(uintptr_t) "/v1/receipts/eu-west.1";
    watch_answer(watch, (struct moment){tick(), WALL_US}, EU, &message);
    check_found(WATCH_QUEUED);
}
END_TEST

START_TEST(test_queued_and_forgotten)
{
    struct step step = step_of(0, PLAN_OPERATION_RECEIPT, "");

    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    step.asked.receipt = "eu-west.1";
    ask(&step);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_QUEUED);
}
END_TEST

START_TEST(test_queued_and_lost_with_its_disk)
{
    struct step step = step_of(0, PLAN_OPERATION_RECEIPT, "");

    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    watch_disk_lost(watch, tick(), EU);
    step.asked.receipt = "eu-west.1";
    ask(&step);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_clean();
}
END_TEST

/* Ask for the receipt of a write that has been rejected, and be told @state. */
static void ask_rejected(enum queue_state state)
{
    struct step step = step_of(0, PLAN_OPERATION_RECEIPT, "");

    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    queue(EU, settle_op(1, QUEUE_REJECTED, ""));
    step.asked.receipt = "eu-west.1";
    ask(&step);
    step.outcome.receipt_state = state;
    tell(&step, 200, PROBLEM_NONE);
}

START_TEST(test_receipt_begins_again)
{
    ask_rejected(QUEUE_QUEUED);
    check_found(WATCH_RECEIPT_ENDS_ONCE);
}
END_TEST

START_TEST(test_receipt_ends_otherwise)
{
    ask_rejected(QUEUE_APPLIED);
    check_found(WATCH_RECEIPT_ENDS_ONCE);
}
END_TEST

START_TEST(test_receipt_is_elsewhere)
{
    struct step step = step_of(0, PLAN_OPERATION_RECEIPT, "");

    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    deliver("k", "v", "o", "eu-west.1");
    queue(EU, settle_op(1, QUEUE_APPLIED, "us-east:1.1"));
    step.asked.receipt = "eu-west.1";
    ask(&step);
    step.outcome.receipt_state = QUEUE_APPLIED;
    step.outcome.receipt_position = (struct position){.epoch = 1, .seq = 2};
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

/* The only request was queued, and its receipt is known and says no. */
START_TEST(test_receipt_says_no)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    tell_queued(&step, EU, "eu-west.1");
    queue(EU, settle_op(1, QUEUE_REJECTED, ""));
    put("k", "v", "o");
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

static void overtake(void)
{
    struct step step = write_of(0, "k", "v", "o");

    ask(&step);
    queue(EU, enqueue_op("eu-west.1", "o", "v"));
    tell_queued(&step, EU, "eu-west.1");
    client_puts(1, "k", "v2", "o2");
}

START_TEST(test_overtaken)
{
    overtake();
    check_found(WATCH_QUEUE_ORDER);
}
END_TEST

START_TEST(test_overtaken_after_a_router_has_gone)
{
    struct plan_fault fault = {.kind = PLAN_FAULT_KILL_ROUTER, .amount = 0};

    plan.faults = &fault;
    plan.fault_count = 1;
    overtake();
    check_clean();
}
END_TEST

/* ---- accounts ---- */

static const char claim[] = "{\"user\":\"u-ann\",\"shard\":\"us-east\",\"state\":\"confirmed\","
                            "\"expires_wall_us\":0}";

static void make_account(void)
{
    struct store_op op = put_op("ann", claim, "");

    op.write.service = "names";
    op.write.user = "";
    commit(US, op);
    op = put_op("account", "{}", "");
    op.write.service = "auth";
    commit(US, op);
}

static void sign_up(const char *text)
{
    struct step step = step_of(0, PLAN_OPERATION_SIGN_UP, "");

    ask(&step);
    at(&step, 1, 2);
    body(&step, text);
    tell(&step, 201, PROBLEM_NONE);
}

static void log_in(int status, Mec__Served served)
{
    struct step step = step_of(1, PLAN_OPERATION_LOG_IN, "");

    ask(&step);
    step.outcome.served = served;
    tell(&step, status, status == 401 ? PROBLEM_UNAUTHENTICATED : PROBLEM_NONE);
}

START_TEST(test_clean_account)
{
    make_account();
    sign_up("{\"id\":\"u-ann\",\"name\":\"ann\",\"home\":\"us-east\"}");
    log_in(201, MEC__SERVED__SERVED_HOME);
    log_in(503, MEC__SERVED__SERVED_NONE);
    check_clean();
}
END_TEST

START_TEST(test_account_is_not_there)
{
    sign_up("{\"id\":\"u-ann\",\"name\":\"ann\",\"home\":\"us-east\"}");
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_account_is_not_known)
{
    make_account();
    sign_up("{\"id\":\"u-ann\",\"name\":\"ann\",\"home\":\"us-east\"}");
    log_in(401, MEC__SERVED__SERVED_NONE);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_name_of_two)
{
    struct store_op op = put_op("account", "{}", "");

    make_account();
    op.write.service = "auth";
    op.write.user = "u-bob";
    commit(US, op);
    sign_up("{\"id\":\"u-bob\",\"name\":\"ann\",\"home\":\"us-east\"}");
    check_found(WATCH_NAME_UNIQUE);
}
END_TEST

START_TEST(test_log_in_away)
{
    make_account();
    log_in(201, MEC__SERVED__SERVED_REPLICA);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

START_TEST(test_log_in_of_nobody)
{
    log_in(201, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

START_TEST(test_stranger)
{
    struct step step = step_of(0, PLAN_OPERATION_STRANGER, "k");

    ask(&step);
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

/* ---- odd requests ---- */

static void be_odd(int wanted, bool of_region, int status, enum problem_id problem)
{
    struct step step = step_of(0, PLAN_OPERATION_ODD, "");

    step.asked.wanted = wanted;
    step.asked.wanted_of_region = of_region;
    ask(&step);
    tell(&step, status, problem);
}

START_TEST(test_clean_odd)
{
    be_odd(400, false, 400, PROBLEM_BAD_REQUEST);
    be_odd(0, false, 404, PROBLEM_NOT_FOUND);
    be_odd(404, true, 503, PROBLEM_NO_REGION);
    be_odd(404, true, 401, PROBLEM_UNAUTHENTICATED);
    check_clean();
}
END_TEST

START_TEST(test_odd_is_taken)
{
    be_odd(400, true, 204, PROBLEM_NONE);
    check_found(WATCH_ODD);
}
END_TEST

START_TEST(test_odd_is_not_known)
{
    be_odd(400, false, 503, PROBLEM_NO_REGION);
    check_found(WATCH_ODD);
}
END_TEST

/* ---- being served ---- */

START_TEST(test_answered_twice)
{
    struct step step = step_of(0, PLAN_OPERATION_KEYS, "");

    ask(&step);
    tell(&step, 200, PROBLEM_NONE);
    check_clean();
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_ANSWERED);
}
END_TEST

START_TEST(test_answered_late)
{
    struct step step = step_of(0, PLAN_OPERATION_KEYS, "");

    ask(&step);
    now_us += 600 * SECOND_US;
    tell(&step, 200, PROBLEM_NONE);
    check_found(WATCH_ANSWERED);
}
END_TEST

static void be_undisturbed(int status, enum problem_id problem)
{
    struct step step = write_of(0, "k", "v", "o");

    step.asked.undisturbed = true;
    ask(&step);
    tell(&step, status, problem);
}

START_TEST(test_unhurt)
{
    be_undisturbed(412, PROBLEM_PRECONDITION_FAILED);
    check_clean();
    be_undisturbed(503, PROBLEM_NO_REGION);
    check_found(WATCH_UNHURT);
}
END_TEST

START_TEST(test_unhurt_behind_a_queue)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    be_undisturbed(503, PROBLEM_QUEUE_UNREACHABLE);
    check_clean();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean_reads,
        test_clean_writes,
        test_clean_receipts,
        test_read_of_no_value,
        test_read_of_another_time,
        test_read_of_nothing,
        test_list_of_another_time,
        test_read_past_the_copy,
        test_read_past_the_log,
        test_session_behind_its_bookmark,
        test_session_goes_back,
        test_session_loses_its_bookmark,
        test_session_without_its_account,
        test_strong,
        test_staleness,
        test_staleness_by_wrong_clocks,
        test_acknowledged_and_not_there,
        test_acknowledged_as_another_version,
        test_acknowledged_too_early,
        test_log_holds_what_nobody_wrote,
        test_refused_and_done,
        test_done_and_refused,
        test_condition_got_lost,
        test_absence_got_lost,
        test_key_reuse,
        test_queued_and_not_there,
        test_queued_too_early,
        test_queued_and_forgotten,
        test_queued_and_lost_with_its_disk,
        test_receipt_begins_again,
        test_receipt_ends_otherwise,
        test_receipt_is_elsewhere,
        test_receipt_says_no,
        test_overtaken,
        test_overtaken_after_a_router_has_gone,
        test_clean_account,
        test_account_is_not_there,
        test_account_is_not_known,
        test_name_of_two,
        test_log_in_away,
        test_log_in_of_nobody,
        test_stranger,
        test_clean_odd,
        test_odd_is_taken,
        test_odd_is_not_known,
        test_answered_twice,
        test_answered_late,
        test_unhurt,
        test_unhurt_behind_a_queue,
    };
    const struct suite suite = {
        .name = "sim_watch_clients", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
