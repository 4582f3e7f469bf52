#include <check.h>
#include <errno.h>

#include "common/routes.h"
#include "tests/unit/suite.h"

static const struct route *found_two(enum http_method method, const char *path, const char *first,
                                     const char *second)
{
    const struct route *route = NULL;
    struct route_parts parts;

    ck_assert_msg(routes_find(method, slice_of(path), &route, &parts) == 0, "%s", path);
    ck_assert_msg(slice_is(parts.first, first), "%s: %.*s", path, (int)parts.first.size,
                  parts.first.data);
    ck_assert_msg(slice_is(parts.second, second), "%s: %.*s", path, (int)parts.second.size,
                  parts.second.data);
    return route;
}

static const struct route *found(enum http_method method, const char *path, const char *first)
{
    return found_two(method, path, first, "");
}

static int not_found(enum http_method method, const char *path)
{
    const struct route *route = NULL;
    struct route_parts parts = {.first = {NULL, 77}};
    int rc = routes_find(method, slice_of(path), &route, &parts);

    ck_assert_ptr_null(route);
    ck_assert_uint_eq(parts.first.size, 77);
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
        const char *scope;
    } rows[] = {
#define S        ROUTE_SENSITIVE
#define OP(name) MEC__OPERATION__##name
        {HTTP_POST, "/v1/users", "", OP(USER_CREATE), "auth", S, 4096, false, ""},
        {HTTP_DELETE, "/v1/users/current", "", OP(USER_DELETE), "auth", S, 0, true, "account"},
        {HTTP_POST, "/v1/tokens", "", OP(TOKEN_CREATE), "auth", S, 4096, false, ""},
        {HTTP_POST, "/v1/tokens/refresh", "", OP(TOKEN_REFRESH), "auth", S, 0, true, "*"},
        {HTTP_POST, "/v1/tokens/revoke", "", OP(TOKEN_REVOKE_ALL), "auth", S, 0, true, "account"},
        {HTTP_DELETE, "/v1/tokens/current", "", OP(TOKEN_REVOKE_CURRENT), "auth", S, 0, true, "*"},
        {HTTP_GET, "/v1/whoami", "", OP(WHOAMI), "auth", ROUTE_READ, 0, true, "*"},
        {HTTP_GET, "/v1/metadata/k", "k", OP(METADATA_GET), "metadata", ROUTE_READ, 0, true,
         "metadata"},
        {HTTP_PUT, "/v1/metadata/k", "k", OP(METADATA_PUT), "metadata", ROUTE_WRITE, 65536, true,
         "metadata"},
        {HTTP_DELETE, "/v1/metadata/k", "k", OP(METADATA_DELETE), "metadata", ROUTE_WRITE, 65536,
         true, "metadata"},
        {HTTP_GET, "/v1/metadata", "", OP(METADATA_LIST), "metadata", ROUTE_READ, 0, true,
         "metadata"},
        {HTTP_GET, "/v1/vault/n", "n", OP(VAULT_GET), "vault", ROUTE_READ, 0, true, "vault"},
        {HTTP_PUT, "/v1/vault/n", "n", OP(VAULT_PUT), "vault", S, 65536, true, "vault"},
        {HTTP_DELETE, "/v1/vault/n", "n", OP(VAULT_DELETE), "vault", S, 0, true, "vault"},
        {HTTP_GET, "/v1/vault", "", OP(VAULT_LIST), "vault", ROUTE_READ, 0, true, "vault"},
        {HTTP_GET, "/v1/vault/n/grants", "n", OP(GRANT_LIST), "vault", ROUTE_READ, 0, true,
         "vault"},
        {HTTP_GET, "/v1/receipts/eu-west.9f", "eu-west.9f", OP(RECEIPT_GET), "metadata",
         ROUTE_RECEIPT, 0, true, "metadata"},
        {HTTP_GET, "/v1/audit", "", OP(AUDIT_LIST), "auth", ROUTE_READ, 0, true, "account"},
        {HTTP_GET, "/.well-known/jwks.json", "", OP(JWKS_GET), "auth", ROUTE_LOCAL, 0, false, ""},
#undef S
#undef OP
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct route *route = found(rows[i].method, rows[i].path, rows[i].key);

        ck_assert_int_eq(route->operation, rows[i].operation);
        ck_assert_str_eq(route->service, rows[i].service);
        ck_assert_int_eq(route->class, rows[i].class);
        ck_assert_uint_eq(route->body_bytes_max, rows[i].body_bytes_max);
        ck_assert_int_eq(route->needs_token, rows[i].needs_token);
        ck_assert_str_eq(route->scope, rows[i].scope);
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

START_TEST(a_path_can_have_two_parts)
{
    ck_assert_int_eq(found_two(HTTP_PUT, "/v1/vault/a%2Fb/grants/bob", "a%2Fb", "bob")->operation,
                     MEC__OPERATION__GRANT_PUT);
    ck_assert_int_eq(found_two(HTTP_DELETE, "/v1/vault/n/grants/bob", "n", "bob")->operation,
                     MEC__OPERATION__GRANT_DELETE);
    ck_assert_int_eq(not_found(HTTP_PUT, "/v1/vault/a/b/grants/bob"), -ENOENT);
    ck_assert_int_eq(not_found(HTTP_PUT, "/v1/vault//grants/bob"), -ENOENT);
    ck_assert_int_eq(not_found(HTTP_PUT, "/v1/vault/n/grants/"), -ENOENT);
    ck_assert_int_eq(not_found(HTTP_PUT, "/v1/vault/n/grants/bob/"), -ENOENT);
    ck_assert_int_eq(not_found(HTTP_GET, "/v1/vault/n/"), -ENOENT);
    ck_assert_str_eq(routes_allow(slice_of("/v1/vault/n/grants/bob")), "DELETE, PUT");
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
        a_path_can_have_two_parts,
        head_finds_what_get_finds,
        unknown_paths_are_not_found,
        known_paths_refuse_other_methods,
        allow_lists_the_methods_of_a_path,
        calls_between_regions_have_no_route,
        methods_have_names,
    };
    return suite_run(&(struct suite){.name = "routes", SUITE_TESTS(tests)});
}
