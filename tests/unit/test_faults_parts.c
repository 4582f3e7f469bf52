/* Faults of services and caches: what makes sense, what they are called, what becomes of a Config.
 */

#include "control/faults_parts.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static struct fault make(enum fault_kind kind, const char *region, const char *part)
{
    struct fault fault = {.kind = kind};

    strcpy(fault.a, region);
    strcpy(fault.part, part);
    return fault;
}

static struct fault down(const char *region, const char *service)
{
    struct fault fault = make(FAULT_SERVICE, region, service);

    fault.down = true;
    return fault;
}

static struct fault frozen(const char *region, const char *cache)
{
    struct fault fault = make(FAULT_CACHE, region, cache);

    fault.freeze = true;
    return fault;
}

static void add(struct fault fault, const char *what)
{
    struct fault added;
    char *error = NULL;
    int result = faults_add(&faults, topology, &fault, &added, &error);

    ck_assert_msg(result == 0, "%s", error);
    char *text = faults_describe(&added);
    ck_assert_str_eq(text, what);
    free(text);
}

static void refuse(struct fault fault, const char *says)
{
    struct fault added;
    char *error = NULL;

    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), -EINVAL);
    ck_assert_msg(strstr(error, says) != NULL, "%s", error);
    free(error);
}

static Mec__Config *compile(void)
{
    Mec__Config *config = malloc(sizeof *config);

    mec__config__init(config);
    faults_parts_compile(&faults, config);
    return config;
}

START_TEST(errors_name_what_there_is)
{
    struct fault fault = down("us-east", "metadata");

    refuse(down("us-east", "volt"), "there is no service \"volt\"; did you mean \"vault\"?");
    refuse(down("us-east", "printing"), "there are auth, vault, metadata");
    refuse(down("us-west", "auth"), "there is no region \"us-west\"");
    refuse(down("client:us-east", "auth"), "only a region has services");
    refuse(down("us-east", ""), "there are auth, vault, metadata");
    refuse(frozen("us-east", "l2"), "there are edge, regional, service");
    refuse(frozen("us-est", "edge"), "did you mean \"us-east\"?");
    strcpy(fault.operation, "metadata-pat");
    refuse(fault, "did you mean \"metadata-put\"?");
    strcpy(fault.operation, "token-create");
    refuse(fault, "there is no operation of metadata \"token-create\"");
    ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(what_says_nothing_or_too_much_is_refused)
{
    struct fault fault = make(FAULT_SERVICE, "us-east", "auth");

    refuse(fault, "--down, --errors or --latency");
    fault.has_errors = true;
    fault.error_ppm = 1000001;
    refuse(fault, "100%");
    fault.error_ppm = 0;
    fault.has_latency = true;
    fault.latency_us = UINT64_C(3601) * 1000000;
    refuse(fault, "an hour");
    fault = make(FAULT_CACHE, "us-east", "edge");
    refuse(fault, "one of --flush, --disable and --freeze");
    fault.disable = fault.freeze = true;
    refuse(fault, "one of --flush, --disable and --freeze");
}
END_TEST

START_TEST(each_says_what_it_is)
{
    struct fault slow = make(FAULT_SERVICE, "us-east", "metadata");
    struct fault off = make(FAULT_CACHE, "us-east", "");

    slow.has_errors = slow.has_latency = off.disable = true;
    slow.error_ppm = 100000;
    slow.latency_us = 200000;
    strcpy(slow.operation, "metadata-put");
    add(down("us-east", "vault"), "us-east/vault down");
    add(slow, "us-east/metadata metadata-put errors 10% latency 200ms");
    add(frozen("eu-west", "edge"), "eu-west/edge cache frozen");
    add(off, "us-east caches disabled");
}
END_TEST

START_TEST(they_survive_json)
{
    struct fault slow = make(FAULT_SERVICE, "us-east", "metadata");
    struct faults back = {0};

    slow.has_errors = slow.has_latency = true;
    slow.error_ppm = 5;
    slow.latency_us = 7;
    strcpy(slow.operation, "metadata-get");
    add(down("us-east", "vault"), "us-east/vault down");
    add(slow, "us-east/metadata metadata-get errors 0.0005% latency 7us");
    add(frozen("eu-west", "edge"), "eu-west/edge cache frozen");
    for (size_t i = 0; i < faults.count; i++) {
        json_t *json = faults_to_json(&faults.items[i]);
        struct fault fault;

        ck_assert_int_eq(faults_from_json(json, &fault), 0);
        ck_assert_mem_eq(&fault, &faults.items[i], sizeof fault);
        json_object_del(json, "part");
        ck_assert_int_eq(faults_from_json(json, &fault), -EBADMSG);
        json_decref(json);
    }
    faults_free(&back);
}
END_TEST

START_TEST(links_do_not_feel_them)
{
    Mec__LinkConfig link = MEC__LINK_CONFIG__INIT;

    link.from = (char *)"us-east";
    link.to = (char *)"eu-west";
    link.latency_us = 30000;
    add(down("us-east", "vault"), "us-east/vault down");
    add(frozen("us-east", ""), "us-east caches frozen");
    faults_fold(&faults, &link);
    ck_assert_int_eq(link.cut, MEC__CUT_KIND__CUT_NONE);
    ck_assert_uint_eq(link.latency_us, 30000);
}
END_TEST

START_TEST(of_two_that_say_the_same_the_later_counts_and_down_stays_down)
{
    struct fault first = make(FAULT_SERVICE, "us-east", "auth"), second = first, one = first;
    Mec__Config *config;

    first.has_latency = second.has_latency = one.has_errors = true;
    first.down = true;
    first.latency_us = 500;
    second.latency_us = 300;
    one.error_ppm = 9;
    strcpy(one.operation, "whoami");
    add(first, "us-east/auth down latency 500us");
    add(second, "us-east/auth latency 300us");
    add(one, "us-east/auth whoami errors 0.0009%");
    add(down("eu-west", "auth"), "eu-west/auth down");
    config = compile();
    ck_assert_uint_eq(config->n_services, 3);
    ck_assert_str_eq(config->services[0]->region, "us-east");
    ck_assert_str_eq(config->services[0]->service, "auth");
    ck_assert_str_eq(config->services[0]->operation, "");
    ck_assert(config->services[0]->down);
    ck_assert_uint_eq(config->services[0]->latency_us, 300);
    ck_assert_uint_eq(config->services[0]->error_ppm, 0);
    ck_assert_str_eq(config->services[1]->operation, "whoami");
    ck_assert_uint_eq(config->services[1]->error_ppm, 9);
    ck_assert(!config->services[1]->down);
    ck_assert_str_eq(config->services[2]->region, "eu-west");
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(all_caches_of_a_region_are_meant_without_a_name)
{
    struct fault off = make(FAULT_CACHE, "us-east", "edge");
    Mec__Config *config;

    off.disable = true;
    add(frozen("us-east", ""), "us-east caches frozen");
    add(off, "us-east/edge cache disabled");
    config = compile();
    ck_assert_uint_eq(config->n_caches, PARTS_CACHE_COUNT);
    for (size_t i = 0; i < config->n_caches; i++) {
        ck_assert_str_eq(config->caches[i]->cache, parts_cache_name((enum parts_cache)i));
        ck_assert(config->caches[i]->freeze);
        ck_assert(config->caches[i]->disable == (i == PARTS_EDGE));
        ck_assert_uint_eq(config->caches[i]->flush_count, 0);
    }
    mec__config__free_unpacked(config, NULL);
}
END_TEST

static uint64_t flushes_of(const char *region, const char *cache)
{
    Mec__Config *config = compile();
    uint64_t count = 0;

    for (size_t i = 0; i < config->n_caches; i++)
        if (strcmp(config->caches[i]->region, region) == 0 &&
            strcmp(config->caches[i]->cache, cache) == 0)
            count = config->caches[i]->flush_count;
    mec__config__free_unpacked(config, NULL);
    return count;
}

static void flush(const char *region, const char *cache)
{
    struct fault what = make(FAULT_CACHE, region, cache);
    char *error = NULL;

    ck_assert_int_eq(faults_flush(&faults, topology, &what, &error), 0);
}

START_TEST(each_flush_raises_its_count_and_leaves_no_fault)
{
    struct fault what = make(FAULT_CACHE, "us-east", "l2");
    uint64_t before;
    char *error = NULL;

    flush("us-east", "edge");
    before = flushes_of("us-east", "edge");
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_eq(flushes_of("us-east", "regional"), 0);
    flush("us-east", "");
    ck_assert_uint_gt(flushes_of("us-east", "edge"), before);
    ck_assert_uint_gt(flushes_of("us-east", "regional"), before);
    ck_assert_uint_eq(flushes_of("eu-west", "edge"), 0);
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_int_eq(faults_flush(&faults, topology, &what, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "edge, regional, service"));
    free(error);
}
END_TEST

START_TEST(flushes_are_kept_and_go_on_rising)
{
    struct faults back = {0};
    json_t *json;

    ck_assert_ptr_null(faults_parts_flushes_to_json(&faults));
    flush("us-east", "edge");
    flush("eu-west", "regional");
    json = faults_parts_flushes_to_json(&faults);
    ck_assert_int_eq(faults_parts_flushes_from_json(json, &back), 0);
    faults_free(&faults);
    faults = back;
    ck_assert_uint_eq(flushes_of("us-east", "edge"), 1);
    ck_assert_uint_eq(flushes_of("eu-west", "regional"), 2);
    flush("us-east", "edge");
    ck_assert_uint_eq(flushes_of("us-east", "edge"), 3);
    json_decref(json);
}
END_TEST

START_TEST(flushes_that_make_no_sense_are_refused_whole)
{
    static const char *const wrong[] = {
        "{}",
        "[5]",
        "[{\"region\": \"us-east\", \"cache\": \"edge\", \"count\": 0}]",
        "[{\"region\": \"us-east\", \"cache\": \"l2\", \"count\": 1}]",
        "[{\"region\": \"us-east\", \"cache\": \"edge\", \"count\": 1}, {\"region\": \"us-east\"}]",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *json = json_loads(wrong[i], 0, NULL);

        ck_assert_ptr_nonnull(json);
        ck_assert_msg(faults_parts_flushes_from_json(json, &faults) == -EBADMSG, "%s", wrong[i]);
        ck_assert_uint_eq(faults.flush_count, 0);
        json_decref(json);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        errors_name_what_there_is,
        what_says_nothing_or_too_much_is_refused,
        each_says_what_it_is,
        they_survive_json,
        links_do_not_feel_them,
        of_two_that_say_the_same_the_later_counts_and_down_stays_down,
        all_caches_of_a_region_are_meant_without_a_name,
        each_flush_raises_its_count_and_leaves_no_fault,
        flushes_are_kept_and_go_on_rising,
        flushes_that_make_no_sense_are_refused_whole,
    };
    return suite_run(&(struct suite){
        .name = "faults_parts", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
