/* The names of a region's services, caches and operations. */

#include <check.h>
#include <errno.h>

#include "common/parts.h"
#include "tests/unit/suite.h"

START_TEST(every_name_is_found_again_and_no_other)
{
    enum parts_service service = PARTS_SERVICE_COUNT;
    enum parts_cache cache = PARTS_CACHE_COUNT;

    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++) {
        ck_assert_int_eq(parts_service_find(parts_service_name((enum parts_service)i), &service),
                         0);
        ck_assert_uint_eq(service, i);
    }
    for (unsigned i = 0; i < PARTS_CACHE_COUNT; i++) {
        ck_assert_int_eq(parts_cache_find(parts_cache_name((enum parts_cache)i), &cache), 0);
        ck_assert_uint_eq(cache, i);
    }
    ck_assert_int_eq(parts_service_find("names", &service), -ENOENT);
    ck_assert_int_eq(parts_service_find("", &service), -ENOENT);
    ck_assert_int_eq(parts_cache_find("Edge", &cache), -ENOENT);
    ck_assert_uint_eq(service, PARTS_SERVICE_COUNT - 1);
}
END_TEST

START_TEST(every_operation_has_a_name_and_a_service)
{
    char name[PARTS_NAME_SIZE];
    Mec__Operation operation, found;
    size_t count = 0;

    for (; parts_operation_at(count, &operation); count++) {
        ck_assert_int_eq(parts_operation_find(parts_operation_name(operation, name), &found), 0);
        ck_assert_int_eq(found, operation);
        ck_assert_uint_lt(parts_service_of(operation), PARTS_SERVICE_COUNT);
    }
    ck_assert_uint_gt(count, 10);
    ck_assert_str_eq(parts_operation_name(MEC__OPERATION__METADATA_PUT, name), "metadata-put");
    ck_assert_str_eq(parts_operation_name(MEC__OPERATION__OPERATION_NONE, name), "");
    ck_assert_str_eq(parts_operation_name((Mec__Operation)9999, name), "");
    ck_assert_int_eq(parts_operation_find("operation-none", &found), -ENOENT);
    ck_assert_int_eq(parts_operation_find("METADATA_PUT", &found), -ENOENT);
}
END_TEST

START_TEST(names_belong_to_auth)
{
    ck_assert_int_eq(parts_service_of(MEC__OPERATION__NAME_CLAIM), PARTS_AUTH);
    ck_assert_int_eq(parts_service_of(MEC__OPERATION__NAME_LOOKUP), PARTS_AUTH);
    ck_assert_int_eq(parts_service_of(MEC__OPERATION__TOKEN_CREATE), PARTS_AUTH);
    ck_assert_int_eq(parts_service_of(MEC__OPERATION__METADATA_GET), PARTS_METADATA);
    ck_assert_int_eq(parts_service_of(MEC__OPERATION__RECEIPT_GET), PARTS_METADATA);
}
END_TEST

START_TEST(what_is_sensitive_and_the_vault_need_auth)
{
    ck_assert(parts_needs_auth(PARTS_VAULT, ROUTE_READ));
    ck_assert(parts_needs_auth(PARTS_VAULT, ROUTE_SENSITIVE));
    ck_assert(parts_needs_auth(PARTS_METADATA, ROUTE_SENSITIVE));
    ck_assert(!parts_needs_auth(PARTS_METADATA, ROUTE_READ));
    ck_assert(!parts_needs_auth(PARTS_METADATA, ROUTE_WRITE));
    ck_assert(!parts_needs_auth(PARTS_METADATA, ROUTE_RECEIPT));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_name_is_found_again_and_no_other,
        every_operation_has_a_name_and_a_service,
        names_belong_to_auth,
        what_is_sensitive_and_the_vault_need_auth,
    };
    return suite_run(&(struct suite){.name = "parts", SUITE_TESTS(tests)});
}
