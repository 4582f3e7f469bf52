#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "tests/unit/suite.h"

static char directory[64];
static char path[128];
static char beside[160];

static void set_up(void)
{
    strcpy(directory, "/tmp/mec-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/file", directory);
    snprintf(beside, sizeof(beside), "%s.new", path);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(beside);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void expect_content(const char *expected)
{
    uint8_t *data;
    size_t size;

    ck_assert_int_eq(live_files_read(path, 1000, &data, &size), 0);
    ck_assert_uint_eq(size, strlen(expected));
    ck_assert_str_eq((char *)data, expected);
    free(data);
}

START_TEST(a_file_is_made_and_replaced_whole)
{
    ck_assert_int_eq(live_files_replace(path, "first and longer", 16, 0600), 0);
    expect_content("first and longer");
    ck_assert_int_eq(live_files_replace(path, "second", 6, 0600), 0);
    expect_content("second");
    ck_assert_int_eq(live_files_replace(path, NULL, 0, 0600), 0);
    expect_content("");
    ck_assert_int_lt(access(beside, F_OK), 0);
}
END_TEST

START_TEST(the_mode_is_what_was_asked_whatever_the_umask)
{
    mode_t saved = umask(0077);
    struct stat file;

    ck_assert_int_eq(live_files_replace(path, "x", 1, 0644), 0);
    umask(saved);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 0777, 0644);
}
END_TEST

START_TEST(what_a_crash_left_beside_is_overwritten)
{
    FILE *half = fopen(beside, "w");

    fputs("half a fi", half);
    fclose(half);
    ck_assert_int_eq(live_files_replace(path, "whole", 5, 0600), 0);
    expect_content("whole");
    ck_assert_int_lt(access(beside, F_OK), 0);
}
END_TEST

START_TEST(a_failed_replacement_leaves_the_old_content)
{
    ck_assert_int_eq(live_files_replace(path, "old", 3, 0600), 0);
    ck_assert_int_eq(mkdir(beside, 0700), 0); /* nothing can be written there now */
    ck_assert_int_eq(live_files_replace(path, "new", 3, 0600), -EISDIR);
    expect_content("old");
}
END_TEST

START_TEST(no_directory_no_file)
{
    ck_assert_int_eq(live_files_replace("/nowhere/at/all", "x", 1, 0600), -ENOENT);
}
END_TEST

START_TEST(reading_what_is_not_there_touches_nothing)
{
    uint8_t *data = (uint8_t *)path;
    size_t size = 7;

    ck_assert_int_eq(live_files_read(path, 1000, &data, &size), -ENOENT);
    ck_assert_int_eq(live_files_read(directory, 1000, &data, &size), -EISDIR);
    ck_assert_ptr_eq(data, path);
    ck_assert_uint_eq(size, 7);
}
END_TEST

START_TEST(a_file_larger_than_allowed_is_refused_and_one_just_as_large_is_not)
{
    size_t size = 10000;
    uint8_t *written = memory_alloc(size), *data = NULL;

    written[size - 1] = 1;
    ck_assert_int_eq(live_files_replace(path, written, size, 0600), 0);
    ck_assert_int_eq(live_files_read(path, size - 1, &data, &size), -EFBIG);
    ck_assert_ptr_null(data);
    ck_assert_int_eq(live_files_read(path, size, &data, &size), 0);
    ck_assert_uint_eq(size, 10000);
    ck_assert_mem_eq(data, written, size);
    ck_assert_uint_eq(data[size], 0);
    free(data);
    free(written);
}
END_TEST

START_TEST(directories_are_made_with_their_parents_for_the_owner_alone)
{
    char deep[128], middle[128], shallow[128];
    struct stat file;

    snprintf(shallow, sizeof(shallow), "%s/a", directory);
    snprintf(middle, sizeof(middle), "%s/a/b", directory);
    snprintf(deep, sizeof(deep), "%s/a//b/c/", directory);
    ck_assert_int_eq(live_files_make_directory(deep), 0);
    ck_assert_int_eq(live_files_make_directory(deep), 0); /* there already */
    ck_assert_int_eq(stat(middle, &file), 0);
    ck_assert_uint_eq(file.st_mode & 0777, 0700);
    ck_assert_int_eq(rmdir(deep), 0);
    ck_assert_int_eq(rmdir(middle), 0);
    ck_assert_int_eq(rmdir(shallow), 0);
}
END_TEST

START_TEST(a_file_in_the_way_of_a_directory_is_an_error)
{
    char below[160];

    ck_assert_int_eq(live_files_replace(path, "x", 1, 0600), 0);
    snprintf(below, sizeof(below), "%s/sub", path);
    ck_assert_int_eq(live_files_make_directory(path), -ENOTDIR);
    ck_assert_int_eq(live_files_make_directory(below), -ENOTDIR);
    ck_assert_int_eq(live_files_make_directory(""), -ENOENT);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_file_is_made_and_replaced_whole,
        the_mode_is_what_was_asked_whatever_the_umask,
        what_a_crash_left_beside_is_overwritten,
        a_failed_replacement_leaves_the_old_content,
        no_directory_no_file,
        reading_what_is_not_there_touches_nothing,
        a_file_larger_than_allowed_is_refused_and_one_just_as_large_is_not,
        directories_are_made_with_their_parents_for_the_owner_alone,
        a_file_in_the_way_of_a_directory_is_an_error,
    };
    return suite_run(&(struct suite){
        .name = "live_files", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
