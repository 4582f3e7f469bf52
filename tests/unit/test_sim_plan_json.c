#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/plan.h"
#include "tests/unit/suite.h"

#define SEEDS 300u

static char *print_of(const struct plan_wishes *wishes)
{
    struct plan plan;

    plan_make(wishes, &plan);
    char *text = plan_print(&plan);
    plan_free(&plan);
    return text;
}

static char *read_and_print(const char *text)
{
    json_error_t where;
    json_t *json = json_loads(text, 0, &where);
    struct plan plan;
    char *error = NULL;

    ck_assert_msg(json != NULL, "line %d: %s", where.line, where.text);
    int result = plan_from_json(json, &plan, &error);
    ck_assert_msg(result == 0, "%s", error);
    json_decref(json);
    char *again = plan_print(&plan);
    plan_free(&plan);
    return again;
}

/* The reader refuses all that is out of bounds, so this says too that nothing that is made is. */
START_TEST(what_is_written_is_read_as_the_same)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct plan_wishes wishes = {.seed = seed, .faults = PLAN_FAULTS_ALL};

        if (seed % 10 == 0)
            wishes.seed = UINT64_MAX / 2 + 1 + seed; /* past what a JSON integer holds */
        char *text = print_of(&wishes);
        char *again = read_and_print(text);
        ck_assert_str_eq(text, again);
        free(text);
        free(again);
    }
}
END_TEST

START_TEST(numbers_survive_as_numbers)
{
    struct plan_wishes wishes = {.seed = UINT64_MAX - 3, .faults = 0};
    struct plan plan, again;
    char *error = NULL;

    plan_make(&wishes, &plan);
    plan.faults = memory_alloc(sizeof(plan.faults[0]));
    plan.fault_count = 1;
    plan.faults[0] = (struct plan_fault){.at_us = 7,
                                         .duration_us = 9,
                                         .kind = PLAN_FAULT_CLOCK_OFFSET,
                                         .region = 1,
                                         .other = PLAN_NONE,
                                         .amount = (uint64_t)-20000};
    json_t *json = plan_to_json(&plan);
    ck_assert_int_eq(plan_from_json(json, &again, &error), 0);
    json_decref(json);
    ck_assert_uint_eq(again.seed, UINT64_MAX - 3);
    ck_assert_uint_eq(again.fault_count, 1);
    ck_assert_mem_eq(&again.faults[0], &plan.faults[0], offsetof(struct plan_fault, other));
    ck_assert_uint_eq(again.faults[0].other, PLAN_NONE);
    ck_assert_uint_eq(again.faults[0].amount, (uint64_t)-20000);
    ck_assert_uint_eq(again.operation_count, plan.operation_count);
    for (size_t i = 0; i < plan.operation_count; i++)
        ck_assert_mem_eq(&again.operations[i], &plan.operations[i], sizeof(plan.operations[0]));
    plan_free(&plan);
    plan_free(&again);
}
END_TEST

static const char written[] =
    "{\n"
    "  \"format\": 1,\n"
    "  \"seed\": 42,\n"
    "  \"duration_us\": 60000000,\n"
    "  \"regions\": [\"us-east\", \"eu-west\"],\n"
    "  \"core\": [\"us-east\"],\n"
    "  \"routers\": 2,\n"
    "  \"users\": 2,\n"
    "  \"keys\": 3,\n"
    "  \"sync_us\": 500,\n"
    "  \"tidy_pages\": 0,\n"
    "  \"memory_changes\": 0,\n"
    "  \"look_every_us\": 0,\n"
    "  \"settings\": {\n"
    "    \"probe_interval\": 500000,\n"
    "    \"probe_slack\": 100000,\n"
    "    \"probe_fail_threshold\": 2,\n"
    "    \"probe_pass_threshold\": 2,\n"
    "    \"request_timeout\": 2000000,\n"
    "    \"bookmark_wait\": 150000,\n"
    "    \"heartbeat_interval\": 250000,\n"
    "    \"queue_writes\": true,\n"
    "    \"queue_max_entries\": 100000,\n"
    "    \"queue_max_bytes\": 268435456,\n"
    "    \"queue_expiry\": 86400000000,\n"
    "    \"queue_drain_per_s\": 500,\n"
    "    \"cache_bytes\": 8388608,\n"
    "    \"argon2_operations\": 2,\n"
    "    \"argon2_memory\": 65536,\n"
    "    \"token_lifetime\": 600,\n"
    "    \"session_lifetime\": 86400,\n"
    "    \"quota_metadata_bytes\": 16777216,\n"
    "    \"quota_metadata_keys\": 10000,\n"
    "    \"quota_vault_bytes\": 4194304,\n"
    "    \"quota_vault_keys\": 1000,\n"
    "    \"user_rate_per_s\": 0,\n"
    "    \"client_rate_per_s\": 0,\n"
    "    \"login_rate_per_min\": 60,\n"
    "    \"max_connections\": 10000,\n"
    "    \"idle_timeout\": 60000000,\n"
    "    \"answer_lead\": 100,\n"
    "    \"revocation_bound\": 5000000\n"
    "  },\n"
    "  \"clients\": [\n"
    "    {\"user\": 0, \"place\": \"us-east\", \"router\": 0},\n"
    "    {\"user\": 1, \"place\": \"eu-west\", \"router\": 1}\n"
    "  ],\n"
    "  \"faults\": [\n"
    "    {\"at_us\": 5000, \"kind\": \"cut\", \"region\": \"us-east\", \"other\": \"eu-west\", "
    "\"duration_us\": 0},\n"
    "    {\"at_us\": 6000, \"kind\": \"crash-router\", \"router\": 1, \"amount\": 7, "
    "\"duration_us\": 100},\n"
    "    {\"at_us\": 6000, \"kind\": \"kill-router\", \"router\": 1, \"duration_us\": 100},\n"
    "    {\"at_us\": 6001, \"kind\": \"clock-drift\", \"region\": \"eu-west\", \"amount\": -500, "
    "\"duration_us\": 100}\n"
    "  ],\n"
    "  \"operations\": [\n"
    "    {\"at_us\": 100, \"number\": 3, \"client\": 0, \"kind\": \"sign-up\"},\n"
    "    {\"at_us\": 200, \"number\": 1, \"client\": 1, \"kind\": \"read-forced\", \"key\": 2, "
    "\"region\": \"eu-west\", \"patience_us\": 9000},\n"
    "    {\"at_us\": 200, \"number\": 9, \"client\": 1, \"kind\": \"write\", \"key\": 0}\n"
    "  ]\n"
    "}\n";

START_TEST(a_plan_is_printed_with_an_item_a_line)
{
    char *again = read_and_print(written);

    ck_assert_str_eq(again, written);
    free(again);
}
END_TEST

START_TEST(a_setting_that_is_younger_than_the_file_is_as_by_default)
{
    char *text = memory_text(written);
    char *line = strstr(text, "    \"bookmark_wait\"");
    char *next = strchr(line, '\n') + 1;

    memmove(line, next, strlen(next) + 1);
    char *again = read_and_print(text);
    ck_assert_str_eq(again, written);
    free(text);
    free(again);
}
END_TEST

static const struct {
    const char *good;
    const char *bad;
    const char *message;
} mistakes[] = {
    {"\"format\": 1", "\"format\": 2", "format: must be 1"},
    {"\"format\": 1,", "", "format: is missing"},
    {"\"seed\": 42", "\"seed\": 42.5", "seed: must be a whole number"},
    {"\"seed\": 42", "\"seed\": \"42\"", "seed: must be a whole number"},
    {"\"seed\": 42", "\"seed\": 42, \"sede\": 1", "sede: is not known here"},
    {"60000000,\n  \"regions", "0,\n  \"regions",
     "duration_us: must be a whole number from 1 to 31622400000000"},
    {"\"us-east\", \"eu-west\"]", "\"us-east\", \"atlantis\"]",
     "regions: \"atlantis\" is not a built-in region"},
    {"\"us-east\", \"eu-west\"]", "\"us-east\", \"us-east\"]",
     "regions: \"us-east\" is there twice"},
    {"\"us-east\", \"eu-west\"]", "\"us-east\"]", "regions: must have 2 to 5 items"},
    {"\"us-east\", \"eu-west\"]", "\"us-east\", 7]", "regions: \"\" is not a built-in region"},
    {"[\"us-east\", \"eu-west\"]", "\"us-east\"", "regions: must be a list"},
    {"\"core\": [\"us-east\"]", "\"core\": []", "core: must have 1 to 2 items"},
    {"\"core\": [\"us-east\"]", "\"core\": [\"us-west\"]", "core: there is no region \"us-west\""},
    {"\"routers\": 2", "\"routers\": 3", "routers: must be a whole number from 1 to 2"},
    {"\"users\": 2", "\"users\": 0", "users: must be a whole number from 1 to 24"},
    {"\"keys\": 3", "\"keys\": -3", "keys: must be a whole number from 1 to 1000"},
    {"\"sync_us\": 500", "\"sync_us\": 60000001",
     "sync_us: must be a whole number from 0 to 60000000"},
    {"\"tidy_pages\": 0", "\"tidy_pages\": null",
     "tidy_pages: must be a whole number from 0 to 1000000"},
    {"\"probe_slack\": 100000", "\"probe_slack\": 0",
     "settings.probe_slack: must be from 1ms to 1h"},
    {"\"probe_slack\": 100000", "\"probe_slack\": \"1ms\"",
     "settings.probe_slack: must be a whole number from 0 to 9223372036854775807"},
    {"\"probe_slack\": 100000", "\"probe_slick\": 1",
     "settings.probe_slick: there is no such setting"},
    {"\"queue_writes\": true", "\"queue_writes\": 1",
     "settings.queue_writes: must be true or false"},
    {"\"settings\": {", "\"settings\": 3, \"s\": {", "settings: must be an object"},
    {"{\"user\": 0", "{\"user\": 2", "clients[0].user: must be a whole number from 0 to 1"},
    {"\"place\": \"eu-west\"", "\"place\": \"x\"", "clients[1].place: there is no region \"x\""},
    {"\"place\": \"eu-west\"", "\"place\": 1", "clients[1].place: must be a string"},
    {"\"router\": 1}", "\"router\": 2}", "clients[1].router: must be a whole number from 0 to 1"},
    {"\"router\": 1}", "\"router\": 1, \"x\": 1}", "clients[1].x: is not known here"},
    {"\"clients\": [", "\"clients\": [1, ", "clients[0]: must be an object"},
    {"\"at_us\": 5000", "\"at_us\": 60000001",
     "faults[0].at_us: must be a whole number from 0 to 60000000"},
    {"\"at_us\": 6001", "\"at_us\": 5999", "faults[3].at_us: must not be before the one above it"},
    {"\"cut\"", "\"cutt\"", "faults[0].kind: there is no fault \"cutt\""},
    {"\"other\": \"eu-west\"", "\"other\": \"us-east\"", "faults[0].other: must be another region"},
    {"\"other\": \"eu-west\"", "\"other\": \"x\"", "faults[0].other: there is no region \"x\""},
    {"\"other\": \"eu-west\"", "\"amount\": 1", "faults[0].other: is missing"},
    {"\"other\": \"eu-west\"", "\"other\": \"eu-west\", \"amount\": 1",
     "faults[0].amount: is not known here"},
    {"\"duration_us\": 0", "\"duration_us\": -1",
     "faults[0].duration_us: must be a whole number from 0 to 31622400000000"},
    {"\"amount\": 7", "\"amount\": 0",
     "faults[1].amount: must be a whole number from 1 to 1073741824"},
    {"\"router\": 1, \"amount\"", "\"router\": 9, \"amount\"",
     "faults[1].router: must be a whole number from 0 to 1"},
    {"\"router\": 1, \"duration_us\"", "\"router\": 9, \"duration_us\"",
     "faults[2].router: must be a whole number from 0 to 1"},
    {"\"region\": \"eu-west\", \"amount\"", "\"region\": \"x\", \"amount\"",
     "faults[3].region: there is no region \"x\""},
    {"\"amount\": -500", "\"amount\": -500001",
     "faults[3].amount: must be a whole number from -500000 to 500000"},
    {"\"at_us\": 100,", "\"at_us\": 201,",
     "operations[1].at_us: must not be before the one above it"},
    {"\"number\": 3", "\"number\": 0",
     "operations[0].number: must be a whole number from 1 to 4294967294"},
    {"\"number\": 3", "\"number\": 9", "operations: number 9 is there twice"},
    {"\"client\": 0", "\"client\": 2", "operations[0].client: must be a whole number from 0 to 1"},
    {"\"sign-up\"", "\"sign-in\"", "operations[0].kind: there is no operation \"sign-in\""},
    {"\"sign-up\"", "\"sign-up\", \"key\": 0", "operations[0].key: is not known here"},
    {"\"key\": 2", "\"key\": 3", "operations[1].key: must be a whole number from 0 to 2"},
    {"\"key\": 2, \"region\": \"eu-west\"", "\"key\": 2", "operations[1].region: is missing"},
    {"\"patience_us\": 9000", "\"patience_us\": 0",
     "operations[1].patience_us: must be a whole number from 1 to 31622400000000"},
    {"\"operations\": [", "\"operations\": [], \"old\": [", "old: is not known here"},
};

static char *with_mistake(const char *good, const char *bad)
{
    const char *at = strstr(written, good);
    char *text = NULL;

    ck_assert_msg(at != NULL, "not in the text: %s", good);
    int size = asprintf(&text, "%.*s%s%s", (int)(at - written), written, bad, at + strlen(good));
    ck_assert_int_gt(size, 0);
    return text;
}

START_TEST(what_is_wrong_is_said_with_its_place)
{
    char *text = with_mistake(mistakes[_i].good, mistakes[_i].bad);
    json_t *json = json_loads(text, 0, NULL);
    struct plan plan = {.seed = 99};
    char *error = NULL;

    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(plan_from_json(json, &plan, &error), -EBADMSG);
    ck_assert_str_eq(error, mistakes[_i].message);
    ck_assert_uint_eq(plan.seed, 99); /* untouched */
    free(error);
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(what_is_no_object_is_no_plan)
{
    json_t *json = json_array();
    struct plan plan;
    char *error = NULL;

    ck_assert_int_eq(plan_from_json(json, &plan, &error), -EBADMSG);
    ck_assert_str_eq(error, ": must be an object");
    free(error);
    json_decref(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read_as_the_same,
        numbers_survive_as_numbers,
        a_plan_is_printed_with_an_item_a_line,
        a_setting_that_is_younger_than_the_file_is_as_by_default,
        what_is_no_object_is_no_plan,
    };
    const struct suite_loop loops[] = {
        {what_is_wrong_is_said_with_its_place, sizeof(mistakes) / sizeof(mistakes[0])},
    };
    return suite_run(
        &(struct suite){.name = "sim_plan_json", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
