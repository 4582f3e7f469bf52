#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_files.h"
#include "regiond/live_keys.h"
#include "tests/unit/scratch.h"
#include "tests/unit/suite.h"

static struct live_keys keys;
static char *why;

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_create();
    keys = (struct live_keys){0};
    why = NULL;
}

static void tear_down(void)
{
    live_keys_free(&keys);
    free(why);
    scratch_remove();
}

static const char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static int read_all(void)
{
    live_keys_free(&keys);
    free(why);
    why = NULL;
    return live_keys_read(scratch, "us-east", &keys, &why);
}

static const struct region_key *find(const char *kid)
{
    for (size_t i = 0; i < keys.count; i++)
        if (strcmp(keys.keys[i].kid, kid) == 0)
            return &keys.keys[i];
    return NULL;
}

START_TEST(a_key_that_is_made_is_there_and_nobody_elses)
{
    struct stat about;
    struct region_key first;

    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 0);
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.2"), 0);
    ck_assert_int_eq(stat(path_of("signing.key"), &about), 0);
    ck_assert_uint_eq(about.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(path_of("signing.2.key"), &about), 0);
    ck_assert_uint_eq(about.st_mode & 07777, 0600);
    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 2);
    first = *find("us-east.1");
    ck_assert_mem_ne(first.seed, find("us-east.2")->seed, sizeof first.seed);
    /* Asked for again, it stays what it is. */
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(read_all(), 0);
    ck_assert_mem_eq(first.seed, find("us-east.1")->seed, sizeof first.seed);
}
END_TEST

START_TEST(a_key_that_is_forgotten_is_gone)
{
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.2"), 0);
    ck_assert_int_eq(live_keys_forget(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(access(path_of("signing.key"), F_OK), -1);
    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 1);
    ck_assert_ptr_nonnull(find("us-east.2"));
    ck_assert_int_eq(live_keys_forget(scratch, "us-east", "us-east.1"), -ENOENT);
}
END_TEST

START_TEST(keys_of_others_are_neither_made_nor_removed)
{
    static const char *const kids[] = {"eu-west.1", "us-east", "us-east.0", "us-east.2/../x", ""};

    for (size_t i = 0; i < sizeof kids / sizeof kids[0]; i++) {
        ck_assert_int_eq(live_keys_make(scratch, "us-east", kids[i]), -EINVAL);
        ck_assert_int_eq(live_keys_forget(scratch, "us-east", kids[i]), -EINVAL);
    }
    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 0);
}
END_TEST

START_TEST(what_is_half_written_is_no_key)
{
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(live_files_replace(path_of("signing.2.key.new"), "x", 1, 0600), 0);
    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 1);
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.2"), 0);
    ck_assert_int_eq(read_all(), 0);
    ck_assert_uint_eq(keys.count, 2);
}
END_TEST

START_TEST(a_key_that_others_may_read_is_refused_with_words)
{
    ck_assert_int_eq(live_keys_make(scratch, "us-east", "us-east.1"), 0);
    ck_assert_int_eq(chmod(path_of("signing.key"), 0640), 0);
    ck_assert_int_eq(read_all(), -EPERM);
    ck_assert_ptr_nonnull(strstr(why, "signing.key: others may read it: make its mode 0600"));
    ck_assert_uint_eq(keys.count, 0);
}
END_TEST

START_TEST(a_file_that_is_no_key_is_refused)
{
    ck_assert_int_eq(live_files_replace(path_of("signing.3.key"), "short", 5, 0600), 0);
    ck_assert_int_eq(read_all(), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(why, "signing.3.key"));
    ck_assert_int_eq(unlink(path_of("signing.3.key")), 0);
    ck_assert_int_eq(symlink("/dev/zero", path_of("signing.key")), 0);
    ck_assert_int_eq(read_all(), -ELOOP);
}
END_TEST

START_TEST(a_directory_that_takes_nothing_says_so)
{
    ck_assert_int_eq(live_keys_make("/nonexistent", "us-east", "us-east.2"), -ENOENT);
    ck_assert_int_eq(live_keys_read("/nonexistent", "us-east", &keys, &why), -ENOENT);
    ck_assert_ptr_nonnull(why);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_key_that_is_made_is_there_and_nobody_elses,     a_key_that_is_forgotten_is_gone,
        keys_of_others_are_neither_made_nor_removed,      what_is_half_written_is_no_key,
        a_key_that_others_may_read_is_refused_with_words, a_file_that_is_no_key_is_refused,
        a_directory_that_takes_nothing_says_so,
    };
    const struct suite suite = {
        .name = "live_keys", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
