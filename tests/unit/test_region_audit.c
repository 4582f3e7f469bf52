/* Heads of audit chains: signed, told with heartbeats, checked and kept by the others. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "region_driver.h"
#include "regiond/audit_head.h"
#include "regiond/audit_report.h"
#include "tests/unit/suite.h"

enum { US, EU };

#define REPLICATOR 5 /* a connection */
#define WORLD      driver->config.world

static struct driver *driver;
static Mec__Claims alice;
static uint8_t digest[DIGEST_SIZE], start[DIGEST_SIZE], signature[AUDIT_HEAD_SIGNATURE_SIZE];

static void set_up(void)
{
    driver = driver_create(2, 10 * MILLISECOND_US);
    alice = driver_claims("ualice", "us-east");
    memset(start, 7, sizeof start);
}

static void tear_down(void)
{
    driver_free(driver);
}

static void put(const char *key, const char *value)
{
    static unsigned counter;
    char once[16] = "";
    Mec__Call call = driver_put(&alice, key, value, once);

    snprintf(once, sizeof once, "once-%u", counter++);
    ck_assert_uint_lt(driver_ask(driver, US, &call)->status, 300);
}

static void subscribe(void)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;

    ask.shard = "us-east";
    driver_send(driver, US, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
}

static Mec__Tail *newest_tail(void)
{
    const struct driver_frame *frame = driver_newest(driver, US, REPLICATOR, FRAME_TAIL, NULL);

    ck_assert_ptr_nonnull(frame);
    return mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
}

static const Mec__AuditHead *find_head(const Mec__Tail *tail, const char *chain)
{
    for (size_t i = 0; i < tail->n_audit_heads; i++)
        if (strcmp(tail->audit_heads[i]->chain, chain) == 0)
            return tail->audit_heads[i];
    return NULL;
}

/* ---- what is signed ---- */

/* A head of us-east's chain at @n, signed with the key of @signer. The driver makes seeds of one
 * byte. */
static Mec__AuditHead head_by(size_t signer, char *kid, uint64_t n)
{
    Mec__AuditHead head = MEC__AUDIT_HEAD__INIT;
    uint8_t seed[TOKEN_KEY_SEED_SIZE];

    memset(seed, (int)signer + 1, sizeof seed);
    memset(digest, (int)n, sizeof digest);
    head.region = "us-east";
    head.chain = "shard-us-east";
    head.n = n;
    head.digest = (ProtobufCBinaryData){sizeof digest, digest};
    head.start = (ProtobufCBinaryData){sizeof start, start};
    head.wall_us = DRIVER_WALL_US;
    head.kid = kid;
    audit_head_sign(WORLD, seed, &head, signature);
    head.signature = (ProtobufCBinaryData){sizeof signature, signature};
    return head;
}

static Mec__AuditHead head_at(uint64_t n)
{
    return head_by(US, "us-east", n);
}

static bool is_good(const Mec__AuditHead *head)
{
    return audit_head_check(WORLD, driver->config.keys[US]->public_key.data, head);
}

START_TEST(a_signature_is_of_every_field)
{
    Mec__AuditHead head = head_at(3);

    ck_assert(is_good(&head));
    head.n++;
    ck_assert(!is_good(&head));
    head.n--;
    head.wall_us++;
    ck_assert(!is_good(&head));
    head.wall_us--;
    head.region = "eu-west";
    ck_assert(!is_good(&head));
    head.region = "us-eastshard";
    head.chain = "-us-east"; /* the same letters, parted elsewhere */
    ck_assert(!is_good(&head));
    head = head_at(3);
    head.kid = "other";
    ck_assert(!is_good(&head));
    head = head_at(3);
    digest[31] ^= 1;
    ck_assert(!is_good(&head));
    digest[31] ^= 1;
    start[0] ^= 1;
    ck_assert(!is_good(&head));
    start[0] ^= 1;
    signature[5] ^= 1;
    ck_assert(!is_good(&head));
    signature[5] ^= 1;
    ck_assert(is_good(&head));
    head.signature.len--;
    ck_assert(!is_good(&head));
    head.signature.len++;
    ck_assert(!audit_head_check("another", driver->config.keys[US]->public_key.data, &head));
    ck_assert(!audit_head_check(WORLD, driver->config.keys[EU]->public_key.data, &head));
}
END_TEST

START_TEST(a_heartbeat_brings_the_signed_end_of_each_chain)
{
    struct store_audit_head end;
    const Mec__AuditHead *head;

    subscribe();
    driver_run(driver, 300 * MILLISECOND_US);
    ck_assert_uint_eq(newest_tail()->n_audit_heads, 0); /* nothing was done yet */
    put("colour", "green");
    put("colour", "red");
    driver_run(driver, 1300 * MILLISECOND_US);
    head = find_head(newest_tail(), "shard-us-east");
    ck_assert_ptr_nonnull(head);
    ck_assert(is_good(head));
    ck_assert_uint_eq(head->n, 2);
    ck_assert_str_eq(head->region, "us-east");
    driver_kill(driver, US);
    driver_start(driver, US); /* the same is told after a start, without anything new */
    subscribe();
    driver_run(driver, 300 * MILLISECOND_US);
    ck_assert_uint_eq(find_head(newest_tail(), "shard-us-east")->n, 2);
    end = (struct store_audit_head){.n = 2};
    memcpy(end.digest, head->digest.data, DIGEST_SIZE);
    ck_assert_mem_eq(find_head(newest_tail(), "shard-us-east")->digest.data, end.digest,
                     DIGEST_SIZE);
}
END_TEST

START_TEST(a_chain_is_signed_once_a_second_at_most)
{
    uint64_t begin_us = driver->at.now_us, last = 0;
    unsigned changes = 0;

    subscribe();
    for (unsigned i = 0; i < 50; i++) {
        const Mec__AuditHead *head;

        put("k", "v");
        driver_run(driver, 100 * MILLISECOND_US);
        head = find_head(newest_tail(), "shard-us-east");
        if (!head) /* a push of changes */
            continue;
        changes += head->n != last;
        last = head->n;
    }
    ck_assert_uint_ge(changes, 4);
    ck_assert_uint_le(changes, (driver->at.now_us - begin_us) / SECOND_US + 1);
}
END_TEST

/* ---- what is kept ---- */

static void say(size_t node, Mec__AuditHead *head)
{
    Mec__Apply apply = MEC__APPLY__INIT;

    apply.shard = "us-east";
    apply.home = "us-east";
    apply.epoch = 1;
    apply.audit_heads = &head;
    apply.n_audit_heads = 1;
    driver_send(driver, node, REPLICATOR, FRAME_APPLY, &apply.base);
}

static void say_head(uint64_t n)
{
    Mec__AuditHead head = head_at(n);

    say(EU, &head);
}

static json_t *heads_of(size_t node)
{
    char *text = region_audit_heads(driver->nodes[node].region);
    json_t *json = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(json);
    free(text);
    return json;
}

/* How many heads are kept; the highest n among them in *@ret_n. */
static size_t count_kept(size_t node, uint64_t *ret_n)
{
    json_t *json = heads_of(node);
    json_t *heads = json_object_get(json, "heads");
    size_t count = json_array_size(heads);

    *ret_n = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = (uint64_t)json_integer_value(json_object_get(json_array_get(heads, i), "n"));

        *ret_n = n > *ret_n ? n : *ret_n;
    }
    json_decref(json);
    return count;
}

static void assert_kept(size_t count, uint64_t n)
{
    uint64_t found;

    ck_assert_uint_eq(count_kept(EU, &found), count);
    ck_assert_uint_eq(found, n);
}

static double counter(size_t node, const char *name)
{
    char *text = region_status(driver->nodes[node].region, driver->at);
    json_t *json = json_loads(text, 0, NULL);
    double value = json_number_value(json_object_get(json_object_get(json, "counters"), name));

    json_decref(json);
    free(text);
    return value;
}

START_TEST(the_highest_head_is_kept_and_found_again_after_a_start)
{
    say_head(3);
    assert_kept(1, 3);
    say_head(5);
    say_head(4); /* on its way for longer */
    assert_kept(1, 5);
    driver_run(driver, 1300 * MILLISECOND_US);
    driver_kill(driver, EU);
    driver_start(driver, EU);
    assert_kept(1, 5);
    say_head(5);
    ck_assert_double_eq(counter(EU, "audit_heads_refused"), 0);
}
END_TEST

START_TEST(heads_are_written_once_a_second_at_most)
{
    size_t before = driver->nodes[EU].batch_count;

    for (uint64_t n = 1; n <= 50; n++) {
        say_head(n);
        driver_run(driver, 100 * MILLISECOND_US);
    }
    ck_assert_uint_ge(driver->nodes[EU].batch_count - before, 4);
    ck_assert_uint_le(driver->nodes[EU].batch_count - before, 6);
    before = driver->nodes[EU].batch_count;
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_le(driver->nodes[EU].batch_count - before, 1);
}
END_TEST

START_TEST(a_chain_that_began_anew_does_not_take_the_place_of_the_one_before)
{
    say_head(9);
    start[0] = 99;
    say_head(1);
    assert_kept(2, 9);
}
END_TEST

START_TEST(what_is_forged_is_not_kept)
{
    Mec__AuditHead head = head_at(3);

    head.n = 9;
    say(EU, &head);
    head = head_by(EU, "eu-west", 3); /* another region's word on it */
    say(EU, &head);
    head = head_at(3);
    head.kid = "nobody";
    say(EU, &head);
    head = head_at(3);
    head.region = "ap-northeast";
    say(EU, &head);
    head = head_at(3);
    signature[0] ^= 1;
    say(EU, &head);
    ck_assert_double_eq(counter(EU, "audit_heads_refused"), 5);
    assert_kept(0, 0);
}
END_TEST

START_TEST(what_is_no_head_is_not_kept)
{
    Mec__AuditHead head = head_at(0);

    say(EU, &head);
    head = head_at(3);
    head.digest.len = 31;
    say(EU, &head);
    head = head_at(3);
    head.start.len = 0;
    say(EU, &head);
    head = head_at(3);
    head.chain = "a-chain-with-a-name-that-is-far-longer-than-any-shard-can-have";
    say(EU, &head);
    ck_assert_double_eq(counter(EU, "audit_heads_refused"), 4);
    assert_kept(0, 0);
}
END_TEST

/* What others say of our own chain is no news to us. */
START_TEST(a_region_keeps_none_of_its_own)
{
    Mec__AuditHead head = head_at(3);
    uint64_t n;

    say(US, &head);
    ck_assert_uint_eq(count_kept(US, &n), 0);
}
END_TEST

START_TEST(a_region_cannot_fill_the_others_disks)
{
    uint64_t n;

    for (unsigned i = 0; i < 70; i++) {
        start[1] = (uint8_t)i;
        say_head(3);
    }
    ck_assert_uint_eq(count_kept(EU, &n), 64);
    say_head(4);
    start[1] = 0; /* those that are kept go on */
    say_head(8);
    ck_assert_uint_eq(count_kept(EU, &n), 64);
    ck_assert_uint_eq(n, 8);
}
END_TEST

START_TEST(a_full_disk_only_delays_it)
{
    driver->nodes[EU].fail_commits = -ENOSPC;
    say_head(3);
    driver_run(driver, 3 * SECOND_US);
    driver->nodes[EU].fail_commits = 0;
    driver_run(driver, 5 * SECOND_US);
    driver_kill(driver, EU);
    driver_start(driver, EU);
    assert_kept(1, 3);
}
END_TEST

/* ---- reports ---- */

START_TEST(a_section_names_the_heads_to_hold_a_chain_against)
{
    struct store_audit_witness *witnesses;
    char section[512], hex[65] = "";
    json_t *heads;

    memset(hex, 'a', 64);
    snprintf(section, sizeof section,
             "audit [{\"chain\": \"queue\", \"n\": 4, \"digest\": \"%s\", \"start\": \"%s\","
             " \"from\": \"eu-west\"}, {\"chain\": \"queue\", \"n\": 0},"
             " {\"chain\": \"shard-x\", \"n\": 5, \"digest\": \"%s\", \"start\": \"%.10s\","
             " \"from\": \"eu-west\"}, 7]",
             hex, hex, hex, hex);
    heads = audit_report_heads(section);
    ck_assert_uint_eq(audit_report_witnesses(heads, "queue", &witnesses), 1);
    ck_assert_uint_eq(witnesses[0].head.n, 4);
    ck_assert_uint_eq(witnesses[0].head.start[31], 0xaa);
    ck_assert_str_eq(witnesses[0].name, "eu-west");
    free(witnesses);
    ck_assert_uint_eq(audit_report_witnesses(heads, "shard-x", &witnesses), 0);
    free(witnesses);
    json_decref(heads);
    heads = audit_report_heads("audit [junk");
    ck_assert_uint_eq(json_array_size(heads), 0);
    json_decref(heads);
    heads = audit_report_heads("audit");
    ck_assert_ptr_nonnull(heads);
    json_decref(heads);
    ck_assert_ptr_null(audit_report_heads("auditor"));
    ck_assert_ptr_null(audit_report_heads("digest"));
    ck_assert_ptr_null(audit_report_heads(""));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signature_is_of_every_field,
        a_heartbeat_brings_the_signed_end_of_each_chain,
        a_chain_is_signed_once_a_second_at_most,
        the_highest_head_is_kept_and_found_again_after_a_start,
        heads_are_written_once_a_second_at_most,
        a_chain_that_began_anew_does_not_take_the_place_of_the_one_before,
        what_is_forged_is_not_kept,
        what_is_no_head_is_not_kept,
        a_region_keeps_none_of_its_own,
        a_region_cannot_fill_the_others_disks,
        a_full_disk_only_delays_it,
        a_section_names_the_heads_to_hold_a_chain_against,
    };
    return suite_run(&(struct suite){
        .name = "region_audit", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
