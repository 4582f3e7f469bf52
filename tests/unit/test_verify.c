/* Copies compared where not everything may lie everywhere. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/verify.h"
#include "tests/unit/suite.h"

static struct topology *topology;

static void load(const char *yaml)
{
    char *error = NULL;

    topology_free(topology);
    topology = NULL;
    ck_assert_int_eq(topology_parse("t", yaml, strlen(yaml), NULL, &topology, &error), 0);
}

static void set_up(void)
{
    load("regions: [{name: us-east}, {name: eu-west}, {name: us-west}]\n"
         "residency: {vault: [us-east, eu-west]}\n");
}

static void tear_down(void)
{
    topology_free(topology);
    topology = NULL;
}

/* What a region says of its copies, all of which are alike: digests by service, how many items. */
struct said {
    const char *metadata, *vault;
    int items;
};

static json_t *answer_of(const struct said *said)
{
    json_t *shards = json_array();

    for (size_t i = 0; i < topology->region_count; i++)
        json_array_append_new(
            shards, json_pack("{s:s, s:s, s:s+, s:{s:{s:s, s:i}, s:{s:s, s:i}, s:{s:s, s:i}}}",
                              "shard", topology->regions[i].name, "position", "p", "digest",
                              said->metadata, said->vault, "services", "auth", "digest", "a",
                              "records", 1, "metadata", "digest", said->metadata, "records", 2,
                              "vault", "digest", said->vault, "records", said->items));
    return json_pack("{s:o}", "shards", shards);
}

static bool are_equal(const struct said *us, const struct said *eu, const struct said *west)
{
    const struct said *all[] = {us, eu, west};
    json_t *answers = json_object(), *result;
    bool equal;

    for (size_t i = 0; i < 3; i++) {
        char process[64];

        snprintf(process, sizeof process, "regiond/%s", topology->regions[i].name);
        if (all[i])
            json_object_set_new(answers, process, answer_of(all[i]));
    }
    result = verify_compare(answers, topology);
    equal = json_is_true(json_object_get(result, "equal"));
    json_decref(answers);
    json_decref(result);
    return equal;
}

static const struct said full = {"m", "v", 3}, empty = {"m", "", 0};

START_TEST(a_copy_outside_equals_the_others_without_the_items)
{
    ck_assert(are_equal(&full, &full, &empty));
    ck_assert(!are_equal(&full, &full, NULL));
    ck_assert(!are_equal(&full, NULL, &empty));
}
END_TEST

START_TEST(one_that_has_what_it_may_not_hold_is_not_equal)
{
    ck_assert(!are_equal(&full, &full, &full));
    ck_assert(!are_equal(&full, &full, &(struct said){"m", "v", 1}));
}
END_TEST

START_TEST(one_that_lacks_what_it_is_to_hold_is_not_equal)
{
    ck_assert(!are_equal(&full, &empty, &empty));
    ck_assert(!are_equal(&full, &(struct said){"m", "x", 3}, &empty));
    ck_assert(!are_equal(&full, &full, &(struct said){"x", "", 0}));
    ck_assert(!are_equal(&(struct said){"x", "v", 3}, &full, &empty));
}
END_TEST

START_TEST(nobody_is_excused_where_nothing_is_pinned)
{
    load("regions: [{name: us-east}, {name: eu-west}, {name: us-west}]\n");
    ck_assert(are_equal(&full, &full, &full));
    ck_assert(!are_equal(&full, &full, &empty));
}
END_TEST

START_TEST(a_copy_says_what_it_does_without)
{
    json_t *answers = json_object();
    json_t *result = verify_compare(answers, topology);
    const json_t *copies =
        json_object_get(json_array_get(json_object_get(result, "shards"), 0), "copies");

    ck_assert_ptr_null(json_object_get(json_array_get(copies, 0), "without"));
    ck_assert_str_eq(
        json_string_value(json_array_get(json_object_get(json_array_get(copies, 2), "without"), 0)),
        "vault");
    json_decref(result);
    json_decref(answers);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_copy_outside_equals_the_others_without_the_items,
        one_that_has_what_it_may_not_hold_is_not_equal,
        one_that_lacks_what_it_is_to_hold_is_not_equal,
        nobody_is_excused_where_nothing_is_pinned,
        a_copy_says_what_it_does_without,
    };

    return suite_run(&(struct suite){
        .name = "verify", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
