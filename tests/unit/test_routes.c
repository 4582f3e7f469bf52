#include <check.h>
#include <errno.h>

#include "common/routes.h"
#include "tests/unit/suite.h"

static const struct route *found(enum http_method method, const char *path, const char *key)
{
    const struct route *route = NULL;
    struct slice rest;

    ck_assert_msg(routes_find(method, slice_of(path), &route, &rest) == 0, "%s", path);
    ck_assert_msg(slice_is(rest, key), "%s: key %.*s", path, (int)rest.size, rest.data);
    return route;
}

static int not_found(enum http_method method, const char *path)
{
    const struct route *route = NULL;
    struct slice rest = {NULL, 77};
    int rc = routes_find(method, slice_of(path), &route, &rest);

    ck_assert_ptr_null(route);
    ck_assert_uint_eq(rest.size, 77);
    return rc;
}

START_TEST(every_call_of_the_contract_has_its_row)
{
    static const struct {
        enum http_method method;
        const char *path, *key;
        Mec__Operation operation;
        const char *service;
        enum route_class class;
        uint32_t body_bytes_max;
        bool needs_token;
    } rows[] = {
        {HTTP_POST, "/v1/users", "", MEC__OPERATION__USER_CREATE, "auth", ROUTE_SENSITIVE, 4096,
         false},
        {HTTP_POST, "/v1/tokens", "", MEC__OPERATION__TOKEN_CREATE, "auth", ROUTE_SENSITIVE, 4096,
         false},
        {HTTP_GET, "/v1/whoami", "", MEC__OPERATION__WHOAMI, "auth", ROUTE_READ, 0, true},
        {HTTP_GET, "/v1/metadata/k", "k", MEC__OPERATION__METADATA_GET, "metadata", ROUTE_READ, 0,
         true},
        {HTTP_PUT, "/v1/metadata/k", "k", MEC__OPERATION__METADATA_PUT, "metadata", ROUTE_WRITE,
         65536, true},
        {HTTP_DELETE, "/v1/metadata/k", "k", MEC__OPERATION__METADATA_DELETE, "metadata",
         ROUTE_WRITE, 65536, true},
        {HTTP_GET, "/v1/metadata", "", MEC__OPERATION__METADATA_LIST, "metadata", ROUTE_READ, 0,
         true},
        {HTTP_GET, "/v1/receipts/eu-west.9f", "eu-west.9f", MEC__OPERATION__RECEIPT_GET, "metadata",
         ROUTE_RECEIPT, 0, true},
        {HTTP_GET, "/.well-known/jwks.json", "", MEC__OPERATION__JWKS_GET, "auth", ROUTE_LOCAL, 0,
         false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct route *route = found(rows[i].method, rows[i].path, rows[i].key);

        ck_assert_int_eq(route->operation, rows[i].operation);
        ck_assert_str_eq(route->service, rows[i].service);
        ck_assert_int_eq(route->class, rows[i].class);
        ck_assert_uint_eq(route->body_bytes_max, rows[i].body_bytes_max);
        ck_assert_int_eq(route->needs_token, rows[i].needs_token);
        ck_assert_ptr_eq(routes_of(rows[i].operation), route);
    }
}
END_TEST

START_TEST(a_key_is_all_of_the_rest_still_encoded)
{
    found(HTTP_GET, "/v1/metadata/a/b%2Fc%20d//", "a/b%2Fc%20d//");
    found(HTTP_GET, "/v1/metadata//", "/");
}
END_TEST

START_TEST(head_finds_what_get_finds)
{
    ck_assert_ptr_eq(found(HTTP_HEAD, "/v1/metadata/k", "k"),
                     found(HTTP_GET, "/v1/metadata/k", "k"));
    ck_assert_int_eq(not_found(HTTP_HEAD, "/v1/users"), -EOPNOTSUPP);
}
END_TEST

START_TEST(unknown_paths_are_not_found)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "*",
                                        "/v1",
                                        "/v1/",
                                        "/v1/user",
                                        "/v1/users/",
                                        "/v1/usersx",
                                        "/V1/users",
                                        "/v1/metadata/", /* an empty key is no key */
                                        "/v1/metadatax",
                                        "/v1/receipts",
                                        "/v1/receipts/",
                                        "/.well-known/jwks.json/",
                                        "//v1/users"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ck_assert_int_eq(not_found(HTTP_GET, paths[i]), -ENOENT);
        ck_assert_str_eq(routes_allow(slice_of(paths[i])), "");
    }
}
END_TEST

START_TEST(known_paths_refuse_other_methods)
{
    ck_assert_int_eq(not_found(HTTP_GET, "/v1/users"), -EOPNOTSUPP);
    ck_assert_int_eq(not_found(HTTP_POST, "/v1/metadata/k"), -EOPNOTSUPP);
    ck_assert_int_eq(not_found(HTTP_PUT, "/v1/metadata"), -EOPNOTSUPP);
    ck_assert_int_eq(not_found(HTTP_OTHER, "/v1/whoami"), -EOPNOTSUPP);
}
END_TEST

START_TEST(allow_lists_the_methods_of_a_path)
{
    ck_assert_str_eq(routes_allow(slice_of("/v1/metadata/k")), "DELETE, GET, HEAD, PUT");
    ck_assert_str_eq(routes_allow(slice_of("/v1/metadata")), "GET, HEAD");
    ck_assert_str_eq(routes_allow(slice_of("/v1/users")), "POST");
}
END_TEST

START_TEST(calls_between_regions_have_no_route)
{
    ck_assert_ptr_null(routes_of(MEC__OPERATION__NAME_CLAIM));
    ck_assert_ptr_null(routes_of(MEC__OPERATION__NAME_LOOKUP));
    ck_assert_ptr_null(routes_of(MEC__OPERATION__OPERATION_NONE));
}
END_TEST

START_TEST(methods_have_names)
{
    ck_assert_str_eq(http_method_name(HTTP_GET), "GET");
    ck_assert_str_eq(http_method_name(HTTP_HEAD), "HEAD");
    ck_assert_str_eq(http_method_name(HTTP_PUT), "PUT");
    ck_assert_str_eq(http_method_name(HTTP_POST), "POST");
    ck_assert_str_eq(http_method_name(HTTP_DELETE), "DELETE");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_call_of_the_contract_has_its_row,
        a_key_is_all_of_the_rest_still_encoded,
        head_finds_what_get_finds,
        unknown_paths_are_not_found,
        known_paths_refuse_other_methods,
        allow_lists_the_methods_of_a_path,
        calls_between_regions_have_no_route,
        methods_have_names,
    };
    return suite_run(&(struct suite){.name = "routes", SUITE_TESTS(tests)});
}
