/* mecentral audit verify: what is asked of regions, and what their answers come to. */

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "control/audit.h"
#include "control/views.h"
#include "tests/unit/suite.h"

static const char *const regions[] = {"us-east", "eu-west"};
static json_t *answers, *data;

static void set_up(void)
{
    answers = json_object();
}

static void tear_down(void)
{
    json_decref(answers);
    json_decref(data);
    data = NULL;
}

static void say(const char *process, const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(answer);
    json_object_set_new(answers, process, answer);
}

static void combine(size_t count)
{
    data = audit_combine(answers, regions, count);
}

START_TEST(a_region_is_asked_with_what_the_others_keep_of_it)
{
    char *section;
    json_t *list;

    say("regiond/us-east",
        "{\"heads\": [{\"region\": \"eu-west\", \"chain\": \"queue\", \"n\": 3}]}");
    say("regiond/eu-west", "{\"heads\": [{\"region\": \"us-east\", \"chain\": \"queue\", \"n\": 4},"
                           " {\"region\": \"ap\", \"chain\": \"queue\", \"n\": 5}]}");
    say("regiond/ap", "{\"junk\": 1}");
    section = audit_section(answers, "us-east");
    ck_assert_int_eq(strncmp(section, "audit ", 6), 0);
    list = json_loads(section + 6, 0, NULL);
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "n")), 4);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "from")),
                     "eu-west");
    json_decref(list);
    free(section);
}
END_TEST

START_TEST(chains_without_findings_are_sound)
{
    char *text;

    say("regiond/us-east",
        "{\"chains\": [{\"chain\": \"shard-us-east\", \"entries\": 7, \"signed\": 6,"
        " \"witnesses\": 1, \"found\": 0, \"findings\": []},"
        " {\"chain\": \"shard-eu-west\", \"entries\": 0, \"found\": 0, \"findings\": []}]}");
    say("regiond/eu-west", "{\"chains\": []}");
    combine(2);
    ck_assert(json_is_true(json_object_get(data, "sound")));
    ck_assert(json_is_true(json_object_get(data, "checked")));
    text = views_audit(data, false);
    ck_assert_ptr_nonnull(strstr(text, "us-east  shard-us-east        7       6  sound"));
    ck_assert_ptr_null(strstr(text, "shard-eu-west")); /* nobody is helped by an empty chain */
    free(text);
}
END_TEST

START_TEST(findings_are_named_with_region_chain_and_entry)
{
    const json_t *finding;
    char *text;

    say("regiond/us-east",
        "{\"chains\": [{\"chain\": \"queue\", \"entries\": 7, \"found\": 1, \"findings\":"
        " [{\"fault\": \"edited\", \"entry\": 3, \"text\": \"entry 3 has been edited\"}]}]}");
    say("regiond/eu-west", "{\"chains\": []}");
    combine(2);
    ck_assert(json_is_false(json_object_get(data, "sound")));
    ck_assert_uint_eq(json_array_size(json_object_get(data, "findings")), 1);
    finding = json_array_get(json_object_get(data, "findings"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(finding, "region")), "us-east");
    ck_assert_str_eq(json_string_value(json_object_get(finding, "chain")), "queue");
    ck_assert_int_eq(json_integer_value(json_object_get(finding, "entry")), 3);
    text = views_audit(data, false);
    ck_assert_ptr_nonnull(strstr(text, "1 found"));
    ck_assert_ptr_nonnull(strstr(text, "us-east queue: entry 3 has been edited\n"));
    free(text);
}
END_TEST

START_TEST(who_says_nothing_is_not_sound_but_unchecked)
{
    char *text;

    say("regiond/us-east", "{\"chains\": []}");
    combine(2);
    ck_assert(json_is_true(json_object_get(data, "sound")));
    ck_assert(json_is_false(json_object_get(data, "checked")));
    text = views_audit(data, true);
    ck_assert_ptr_nonnull(strstr(text, "no answer"));
    free(text);
}
END_TEST

START_TEST(a_chain_that_cannot_be_read_is_unchecked)
{
    char *text;

    say("regiond/us-east",
        "{\"chains\": [{\"chain\": \"queue\", \"error\": \"the chain cannot be read\"}]}");
    combine(1);
    ck_assert(json_is_false(json_object_get(data, "checked")));
    text = views_audit(data, false);
    ck_assert_ptr_nonnull(strstr(text, "cannot be read"));
    free(text);
}
END_TEST

START_TEST(a_status_of_something_else_is_no_answer)
{
    say("regiond/us-east", "{\"region\": \"us-east\", \"copies\": []}");
    combine(1);
    ck_assert(json_is_false(json_object_get(data, "checked")));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_is_asked_with_what_the_others_keep_of_it,
        chains_without_findings_are_sound,
        findings_are_named_with_region_chain_and_entry,
        who_says_nothing_is_not_sound_but_unchecked,
        a_chain_that_cannot_be_read_is_unchecked,
        a_status_of_something_else_is_no_answer,
    };
    return suite_run(&(struct suite){
        .name = "audit", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
