/* What a home's replicator ships to regions where the data may not lie: every byte that goes to
 * them is looked through. */

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/residency.h"
#include "tests/unit/pin_fixture.h"
#include "tests/unit/replicator_fakes.h"
#include "tests/unit/replicator_fixture.h"
#include "tests/unit/suite.h"

static const char *const inside[] = {"us-east", "eu-west"};
static unsigned secrets[DRIVER_REGIONS_MAX]; /* Apply frames with a secret in them */
static unsigned plain[DRIVER_REGIONS_MAX];   /* with metadata in them */
static unsigned redactions[DRIVER_REGIONS_MAX];

static void hears(struct driver *of, uint32_t peer, const Mec__Apply *apply, Mec__Applied *answer)
{
    size_t size = mec__apply__get_packed_size(apply);
    uint8_t *bytes = memory_alloc(size);

    (void)of;
    (void)answer;
    mec__apply__pack(apply, bytes);
    secrets[peer] += memmem(bytes, size, "SECRET", 6) != NULL;
    plain[peer] += memmem(bytes, size, "PLAIN", 5) != NULL;
    for (size_t i = 0; i < apply->n_changes; i++)
        redactions[peer] += apply->changes[i]->redaction_digest.len > 0;
    free(bytes);
}

static void begin(void)
{
    set_up();
    driver->hears = hears;
    memset(secrets, 0, sizeof secrets);
    memset(plain, 0, sizeof plain);
    memset(redactions, 0, sizeof redactions);
    pin(&driver->config, "vault", inside, 2);
    driver_configure(driver);
    run_ms(1000);
}

/* Commit a change of a record with @text in all its texts. */
static void commit(const char *service, const char *text)
{
    struct driver_home *home = &driver->home;
    Mec__Change made = MEC__CHANGE__INIT;
    struct driver_change *stored;

    replicator_fakes_home_appends(home, DRIVER_WALL_US, 0);
    stored = &home->log[home->count - 1];
    free(stored->bytes);
    made.shard = (char *)DRIVER_SHARD;
    made.epoch = home->epoch;
    made.seq = home->count;
    if (home->count > 1)
        made.previous_digest = (ProtobufCBinaryData){32, home->log[home->count - 2].digest};
    made.service = (char *)(uintptr_t)service;
    made.user = made.key = made.content_type = made.idempotency_key = (char *)(uintptr_t)text;
    made.value = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    stored->size = mec__change__get_packed_size(&made);
    stored->bytes = memory_alloc(stored->size);
    mec__change__pack(&made, stored->bytes);
    crypto_generichash(stored->digest, 32, stored->bytes, stored->size, NULL, 0);
    if (home->tail_id != 0)
        replicator_fakes_home_tells(driver, home->tail_id, home->count - 1, 1, 1);
}

static void commit_some(void)
{
    commit("metadata", "PLAIN-1");
    commit("vault-keys", "SECRET-1");
    commit("vault", "SECRET-2");
    commit("grants", "SECRET-3");
    commit("metadata", "PLAIN-2");
}

static void ck_kept_apart(void)
{
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP)); /* by seq and digest: a prefix without gaps */
    ck_assert_uint_gt(secrets[EU], 0);
    ck_assert_uint_eq(redactions[EU], 0);
    ck_assert_uint_gt(plain[AP], 0);
    ck_assert_uint_ge(redactions[AP], 3);
    ck_assert_uint_eq(secrets[AP], 0);
}

START_TEST(a_region_outside_is_told_that_something_happened)
{
    commit_some();
    run_ms(2000);
    ck_kept_apart();
    ck_assert_uint_eq(driver->followers[AP].gaps, 0);
}
END_TEST

/* What the ring has let go comes another way. */
START_TEST(what_is_fetched_again_is_redacted_too)
{
    driver_follower_stops(driver, AP);
    replicator_set_memory(driver->replicator, 2);
    commit_some();
    commit_some();
    driver_follower_starts(driver, AP);
    run_ms(5000);
    ck_assert_uint_gt(driver->home.fetch_asks, 0);
    ck_kept_apart();
}
END_TEST

START_TEST(a_replicator_that_comes_back_still_knows_the_line)
{
    commit_some();
    driver_follower_stops(driver, AP);
    driver_restart_replicator(driver);
    commit_some();
    driver_follower_starts(driver, AP);
    run_ms(5000);
    ck_kept_apart();
}
END_TEST

/* Records of a kind that nobody knows are told to nobody but those who may have everything. */
START_TEST(what_is_not_known_is_not_told)
{
    commit("unheard-of", "SECRET");
    run_ms(1000);
    ck_assert_uint_eq(secrets[AP] + secrets[EU], 0);
    ck_assert(driver_is_equal(driver, AP));
}
END_TEST

START_TEST(without_residency_all_is_told)
{
    unpin(&driver->config);
    driver_configure(driver);
    commit_some();
    run_ms(1000);
    ck_assert_uint_gt(secrets[AP], 0);
    ck_assert_uint_eq(redactions[AP], 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_outside_is_told_that_something_happened,
        what_is_fetched_again_is_redacted_too,
        a_replicator_that_comes_back_still_knows_the_line,
        what_is_not_known_is_not_told,
        without_residency_all_is_told,
    };

    return suite_run(&(struct suite){
        .name = "redaction", .set_up = begin, .tear_down = tear_down, SUITE_TESTS(tests)});
}
