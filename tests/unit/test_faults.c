#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/faults.h"
#include "tests/unit/suite.h"

static struct topology *topology;
static struct faults faults;

static void setup(void)
{
    char *error;

    ck_assert_int_eq(topology_built_in("3", &topology, &error), 0);
    faults = (struct faults){0};
}

static void teardown(void)
{
    faults_free(&faults);
    topology_free(topology);
}

static struct fault make(enum fault_kind kind, const char *a, const char *b)
{
    struct fault fault = {.kind = kind};

    strcpy(fault.a, a);
    strcpy(fault.b, b);
    return fault;
}

static void add(struct fault fault, const char *id)
{
    struct fault added;
    char own[FAULTS_ID_SIZE];
    char *error = NULL;

    int result = faults_add(&faults, topology, &fault, &added, &error);
    ck_assert_msg(result == 0, "%s", error);
    ck_assert_str_eq(faults_id(&added, own), id);
}

static void refuse(struct fault fault, const char *says)
{
    struct fault added;
    char *error = NULL;

    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), -EINVAL);
    ck_assert_msg(strstr(error, says) != NULL, "%s", error);
    ck_assert_uint_eq(faults.count, 0);
    free(error);
}

/* What becomes of a 30 ms link. */
static Mec__LinkConfig fold(const char *from, const char *to)
{
    Mec__LinkConfig link = MEC__LINK_CONFIG__INIT;

    link.from = (char *)from;
    link.to = (char *)to;
    link.latency_us = 30000;
    faults_fold(&faults, &link);
    return link;
}

static int cut_of(const char *from, const char *to)
{
    return (int)fold(from, to).cut;
}

enum {
    WHOLE = MEC__CUT_KIND__CUT_NONE,
    HOLD = MEC__CUT_KIND__CUT_HOLD,
    RESET = MEC__CUT_KIND__CUT_RESET
};

START_TEST(a_cut_cuts_both_ways_and_nothing_else)
{
    add(make(FAULT_CUT, "us-east", "eu-west"), "f1");
    ck_assert_int_eq(cut_of("us-east", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("eu-west", "us-east"), HOLD);
    ck_assert_int_eq(cut_of("us-east", "ap-northeast"), WHOLE);
    ck_assert_int_eq(cut_of("client:us-east", "eu-west"), WHOLE);
    ck_assert_int_eq(cut_of("client:*", "us-east"), WHOLE);
}
END_TEST

START_TEST(a_one_way_cut_leaves_the_way_back)
{
    struct fault fault = make(FAULT_CUT, "us-east", "eu-west");

    fault.one_way = true;
    add(fault, "f1");
    ck_assert_int_eq(cut_of("us-east", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("eu-west", "us-east"), WHOLE);
}
END_TEST

START_TEST(all_clients_are_meant_by_a_star)
{
    add(make(FAULT_CUT, "client:*", "eu-west"), "f1");
    ck_assert_int_eq(cut_of("client:paris", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("eu-west", "client:us-east"), HOLD);
    ck_assert_int_eq(cut_of("client:*", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("us-east", "eu-west"), WHOLE);
    ck_assert_int_eq(cut_of("client:paris", "us-east"), WHOLE);
}
END_TEST

START_TEST(a_geo_is_meant_however_it_is_written)
{
    add(make(FAULT_CUT, "client:Paris", "eu-west"), "f1");
    ck_assert_int_eq(cut_of("client:paris", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("client:*", "eu-west"), WHOLE);
}
END_TEST

START_TEST(isolating_a_region_cuts_all_its_links)
{
    add(make(FAULT_ISOLATE, "us-east", ""), "f1");
    ck_assert_int_eq(cut_of("us-east", "eu-west"), HOLD);
    ck_assert_int_eq(cut_of("ap-northeast", "us-east"), HOLD);
    ck_assert_int_eq(cut_of("client:us-east", "us-east"), HOLD);
    ck_assert_int_eq(cut_of("us-east", "client:*"), HOLD);
    ck_assert_int_eq(cut_of("client:us-east", "eu-west"), WHOLE);
    ck_assert_int_eq(cut_of("eu-west", "ap-northeast"), WHOLE);
}
END_TEST

START_TEST(of_two_cuts_the_one_that_resets_is_seen)
{
    struct fault reset = make(FAULT_CUT, "us-east", "eu-west");

    reset.reset = true;
    add(reset, "f1");
    add(make(FAULT_CUT, "us-east", "eu-west"), "f2");
    ck_assert_int_eq(cut_of("us-east", "eu-west"), RESET);
}
END_TEST

START_TEST(of_two_latencies_the_later_counts_and_an_extra_adds)
{
    struct fault first = make(FAULT_LINK, "us-east", "eu-west");
    struct fault second = first;
    struct fault extra = first;

    first.has_latency = second.has_latency = extra.has_latency = true;
    first.latency_us = 100000;
    second.latency_us = 50000;
    extra.latency_us = 7000;
    extra.adds_latency = true;
    extra.has_loss = true;
    extra.loss_ppm = 10000;
    add(first, "f1");
    add(second, "f2");
    add(extra, "f3");
    Mec__LinkConfig link = fold("eu-west", "us-east");
    ck_assert_uint_eq(link.latency_us, 57000);
    ck_assert_uint_eq(link.loss_ppm, 10000);
    struct fault healed;
    ck_assert_int_eq(faults_heal(&faults, "f2", &healed), 0);
    ck_assert_uint_eq(fold("us-east", "eu-west").latency_us, 107000);
}
END_TEST

START_TEST(an_unlimited_rate_can_be_asked_for)
{
    struct fault fault = make(FAULT_LINK, "us-east", "eu-west");
    Mec__LinkConfig link = MEC__LINK_CONFIG__INIT;

    fault.has_rate = true;
    add(fault, "f1");
    link.from = (char *)"us-east";
    link.to = (char *)"eu-west";
    link.rate_bytes_per_s = 1000;
    faults_fold(&faults, &link);
    ck_assert_uint_eq(link.rate_bytes_per_s, 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_with_a_reason)
{
    struct fault latency = make(FAULT_LINK, "client:*", "eu-west");

    refuse(make(FAULT_CUT, "us-eats", "eu-west"), "did you mean \"us-east\"");
    refuse(make(FAULT_CUT, "us-east", "us-east"), "different");
    refuse(make(FAULT_CUT, "client:us-east", "client:eu-west"), "not to each other");
    refuse(make(FAULT_CUT, "client:nowhere", "eu-west"), "nowhere");
    refuse(make(FAULT_CUT, "us-east", "sa-east"), "there is no region");
    refuse(make(FAULT_CUT, "us-east", ""), "there is no region");
    refuse(make(FAULT_ISOLATE, "client:*", ""), "only a region");
    latency.has_latency = true;
    refuse(latency, "different distances");
    latency = make(FAULT_LINK, "us-east", "eu-west");
    latency.has_latency = true;
    latency.latency_us = UINT64_C(3601) * 1000000;
    refuse(latency, "an hour");
    latency = make(FAULT_LINK, "us-east", "eu-west");
    latency.has_loss = true;
    latency.loss_ppm = 900001;
    refuse(latency, "90%");
}
END_TEST

START_TEST(ids_are_never_used_again)
{
    struct fault healed;

    add(make(FAULT_ISOLATE, "us-east", ""), "f1");
    ck_assert_int_eq(faults_heal(&faults, "f1", &healed), 0);
    ck_assert_int_eq(faults_heal(&faults, "f1", &healed), -ENOENT);
    add(make(FAULT_ISOLATE, "us-east", ""), "f2");
    ck_assert_int_eq(faults_heal(&faults, "f", &healed), -ENOENT);
    ck_assert_int_eq(faults_heal(&faults, "2", &healed), -ENOENT);
}
END_TEST

START_TEST(faults_end_at_their_time_and_the_others_stay)
{
    struct fault healed;

    for (uint64_t until = 0; until < 3; until++) {
        struct fault fault = make(FAULT_ISOLATE, "us-east", "");
        fault.until_wall_us = until * 1000;
        add(fault, until == 0 ? "f1" : until == 1 ? "f2" : "f3");
    }
    ck_assert_uint_eq(faults_next_end_wall_us(&faults), 1000);
    ck_assert(!faults_expire(&faults, 999, &healed));
    ck_assert(faults_expire(&faults, 1000, &healed));
    ck_assert_uint_eq(healed.number, 2);
    ck_assert(!faults_expire(&faults, 1999, &healed));
    ck_assert(faults_expire(&faults, 5000, &healed));
    ck_assert(!faults_expire(&faults, UINT64_MAX, &healed));
    ck_assert_uint_eq(faults.count, 1);
    ck_assert_uint_eq(faults_next_end_wall_us(&faults), UINT64_MAX);
}
END_TEST

START_TEST(there_is_a_most_of_faults)
{
    struct fault fault = make(FAULT_ISOLATE, "us-east", "");
    struct fault added;
    char *error;

    for (int i = 0; i < FAULTS_MAX; i++)
        ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), 0);
    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), -ENOSPC);
    free(error);
}
END_TEST

START_TEST(a_fault_survives_the_state_file)
{
    struct fault fault = make(FAULT_LINK, "client:paris", "eu-west");
    struct fault back;

    fault.number = 12;
    fault.one_way = true;
    fault.has_latency = fault.adds_latency = true;
    fault.latency_us = 5;
    fault.has_loss = true;
    fault.loss_ppm = 77;
    fault.has_rate = true;
    fault.rate_bytes_per_s = 1000;
    fault.made_wall_us = 1;
    fault.until_wall_us = 2;
    json_t *json = faults_to_json(&fault);
    ck_assert_int_eq(faults_from_json(json, &back), 0);
    ck_assert_mem_eq(&fault, &back, sizeof fault);
    json_decref(json);
}
END_TEST

START_TEST(what_is_no_fault_is_not_read)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"id\":\"f1\",\"kind\":\"cut\",\"a\":\"x\",\"b\":\"y\"}",
        "{\"id\":\"x\",\"kind\":\"cut\",\"a\":\"x\",\"b\":\"y\",\"one_way\":true,\"reset\":true}",
        "{\"id\":\"f1\",\"kind\":\"smash\",\"a\":\"x\",\"b\":\"y\",\"one_way\":true,\"reset\":"
        "true}",
        "{\"id\":\"f1\",\"kind\":\"cut\",\"a\":"
        "\"0123456789012345678901234567890123456789012345678\","
        "\"b\":\"y\",\"one_way\":true,\"reset\":true}"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fault fault;
        json_t *json = json_loads(texts[i], 0, NULL);
        ck_assert_ptr_nonnull(json);
        ck_assert_msg(faults_from_json(json, &fault) == -EBADMSG, "%s", texts[i]);
        json_decref(json);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_cut_cuts_both_ways_and_nothing_else,
        a_one_way_cut_leaves_the_way_back,
        all_clients_are_meant_by_a_star,
        a_geo_is_meant_however_it_is_written,
        isolating_a_region_cuts_all_its_links,
        of_two_cuts_the_one_that_resets_is_seen,
        of_two_latencies_the_later_counts_and_an_extra_adds,
        an_unlimited_rate_can_be_asked_for,
        what_makes_no_sense_is_refused_with_a_reason,
        ids_are_never_used_again,
        faults_end_at_their_time_and_the_others_stay,
        there_is_a_most_of_faults,
        a_fault_survives_the_state_file,
        what_is_no_fault_is_not_read,
    };
    return suite_run(&(struct suite){
        .name = "faults", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
