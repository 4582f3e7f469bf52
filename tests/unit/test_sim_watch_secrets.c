/* The simulator's check of secrets: what may travel does, and everything else is found. */

#include <stdlib.h>

#include "common/frame.h"
#include "replication.pb-c.h"
#include "sim/secrets.h"
#include "suite.h"
#include "watch_fixture.h"

#define TOKEN    SECRETS_TOKEN "OiJFZERTQSIs.e30.AAAA"
#define PASSWORD "{\"name\":\"ann\",\"password\":\"" SECRETS_PASSWORD "1\"}"
#define ITEM     "v1.2" SECRETS_ITEM

static void send(enum watch_link link, enum frame_kind kind, const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *frame = frame_pack_new(kind, 1, message, &size);

    watch_frame(watch, tick(), "one", "another", link, frame, size);
    free(frame);
}

static void call_with(enum watch_link link, Mec__Operation operation, const char *token,
                      const char *body)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.token = (char *)(uintptr_t)token;
    call.body = (ProtobufCBinaryData){strlen(body), (uint8_t *)(uintptr_t)body};
    send(link, FRAME_CALL, &call.base);
}

static void answer_with(enum watch_link link, const char *body)
{
    Mec__Answer answer = MEC__ANSWER__INIT;

    answer.body = (ProtobufCBinaryData){strlen(body), (uint8_t *)(uintptr_t)body};
    send(link, FRAME_ANSWER, &answer.base);
}

/* A change of a vault with that in it, as it is stored and shipped. */
static void ship_value(const char *value, size_t size)
{
    Mec__StoredChange stored = MEC__STORED_CHANGE__INIT, *changes[] = {&stored};
    Mec__Apply apply = MEC__APPLY__INIT;

    stored.change = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)value};
    apply.changes = changes;
    apply.n_changes = 1;
    send(WATCH_LINK_REPLICATION, FRAME_APPLY, &apply.base);
}

START_TEST(test_clean_what_clients_ask_and_are_told)
{
    call_with(WATCH_LINK_CLIENTS, MEC__OPERATION__VAULT_PUT, TOKEN, ITEM);
    call_with(WATCH_LINK_CLIENTS, MEC__OPERATION__USER_CREATE, "", PASSWORD);
    answer_with(WATCH_LINK_CLIENTS, ITEM);
    answer_with(WATCH_LINK_CLIENTS, TOKEN);
    check_clean();
}
END_TEST

START_TEST(test_clean_log_in_that_is_forwarded)
{
    call_with(WATCH_LINK_REGIONS, MEC__OPERATION__TOKEN_CREATE, "", PASSWORD);
    answer_with(WATCH_LINK_REGIONS, TOKEN);
    check_clean();
}
END_TEST

START_TEST(test_clean_what_is_no_secret)
{
    ship_value("v1.2", 4);
    watch_said(watch, tick(), "regiond/us-east", "eu-west is behind");
    check_clean();
}
END_TEST

START_TEST(test_item_is_shipped_plain)
{
    ship_value(ITEM, strlen(ITEM));
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_item_between_other_bytes_is_found)
{
    static const char bytes[] = "\0\xff\0" ITEM "\0\1";

    ship_value(bytes, sizeof bytes);
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_item_goes_from_region_to_region)
{
    answer_with(WATCH_LINK_REGIONS, ITEM);
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_token_goes_from_region_to_region)
{
    call_with(WATCH_LINK_REGIONS, MEC__OPERATION__TOKEN_CREATE, TOKEN, PASSWORD);
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_password_goes_along_with_a_name)
{
    call_with(WATCH_LINK_REGIONS, MEC__OPERATION__NAME_CLAIM, "", PASSWORD);
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_password_is_given_back)
{
    answer_with(WATCH_LINK_CLIENTS, PASSWORD);
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_private_key_travels)
{
    call_with(WATCH_LINK_CLIENTS, MEC__OPERATION__JWKS_GET, "", SECRETS_SEED "\1\1\1");
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_private_key_in_a_log)
{
    watch_said(watch, tick(), "regiond/us-east", "has the key " SECRETS_SEED_HEX "0101");
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_token_in_a_status)
{
    watch_status_replicator(watch, tick(), "replicator/us-east", "{\"last\":\"" TOKEN "\"}");
    check_found(WATCH_SECRETS);
}
END_TEST

START_TEST(test_item_in_a_metric)
{
    watch_metrics(watch, tick(), "router/0", "mecentral_items{key=\"" ITEM "\"} 1\n");
    check_found(WATCH_SECRETS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean_what_clients_ask_and_are_told,
        test_clean_log_in_that_is_forwarded,
        test_clean_what_is_no_secret,
        test_item_is_shipped_plain,
        test_item_between_other_bytes_is_found,
        test_item_goes_from_region_to_region,
        test_token_goes_from_region_to_region,
        test_password_goes_along_with_a_name,
        test_password_is_given_back,
        test_private_key_travels,
        test_private_key_in_a_log,
        test_token_in_a_status,
        test_item_in_a_metric,
    };

    return suite_run(&(struct suite){
        .name = "sim_watch_secrets", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
