#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "call.pb-c.h"
#include "common/memory.h"
#include "tests/unit/suite.h"

START_TEST(new_memory_is_zeroed)
{
    uint8_t zeroes[512] = {0};
    uint8_t *memory;

    /* Leave dirt for malloc to hand out again. */
    memory = memory_alloc(sizeof(zeroes));
    memset(memory, 0xa5, sizeof(zeroes));
    free(memory);
    memory = memory_alloc(sizeof(zeroes));
    ck_assert_mem_eq(memory, zeroes, sizeof(zeroes));
    free(memory);
}
END_TEST

START_TEST(nothing_at_all_can_be_allocated_and_freed)
{
    void *a = memory_alloc(0), *b = memory_grow(NULL, 0), *c = memory_copy(NULL, 0);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(c);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(growing_keeps_what_was_there)
{
    char *memory = memory_copy("0123456", 8);

    memory = memory_grow(memory, 100000);
    ck_assert_str_eq(memory, "0123456");
    free(memory);
}
END_TEST

START_TEST(a_copied_slice_ends_in_nul_and_may_be_empty)
{
    char *part = memory_text_of((struct slice){"abcdef", 3});
    char *nothing = memory_text_of((struct slice){NULL, 0});

    ck_assert_str_eq(part, "abc");
    ck_assert_str_eq(nothing, "");
    ck_assert_ptr_null(memory_text(NULL));
    free(part);
    free(nothing);
}
END_TEST

START_TEST(pieces_are_aligned_and_do_not_overlap)
{
    struct arena *arena = arena_create();
    uint8_t *pieces[2000];

    for (size_t i = 0; i < 2000; i++) {
        pieces[i] = arena_alloc(arena, i % 97);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i % 251), i % 97);
    }
    for (size_t i = 0; i < 2000; i++) {
        for (size_t at = 0; at < i % 97; at++)
            ck_assert_uint_eq(pieces[i][at], i % 251);
    }
    arena_free(arena);
}
END_TEST

START_TEST(a_piece_may_be_larger_than_any_block)
{
    struct arena *arena = arena_create();
    size_t size = 9 * 1024 * 1024;
    uint8_t *small = arena_alloc(arena, 8);
    uint8_t *large = arena_alloc(arena, size);

    memset(small, 1, 8);
    memset(large, 2, size);
    ck_assert_uint_eq(small[7], 1);
    ck_assert_uint_eq(large[size - 1], 2);

    /* Too large to be kept; what is kept still works. */
    arena_reset(arena);
    ck_assert_str_eq(arena_text(arena, "still here"), "still here");
    arena_free(arena);
}
END_TEST

START_TEST(a_reset_arena_hands_the_same_memory_out_again)
{
    struct arena *arena = arena_create();
    void *first;

    /* Make it grow to one block that holds a round. */
    for (int i = 0; i < 100; i++)
        arena_alloc(arena, 1000);
    arena_reset(arena);
    first = arena_alloc(arena, 1000);
    arena_reset(arena);
    ck_assert_ptr_eq(arena_alloc(arena, 1000), first);
    arena_free(arena);
}
END_TEST

START_TEST(the_arena_formats_and_copies_text)
{
    struct arena *arena = arena_create();
    char *long_text = arena_format(arena, "%*d|%s", 9000, 7, "end");

    ck_assert_uint_eq(strlen(long_text), 9004);
    ck_assert_str_eq(long_text + 8999, "7|end");
    ck_assert_str_eq(arena_text_of(arena, (struct slice){"abc", 2}), "ab");
    ck_assert_str_eq(arena_text_of(arena, (struct slice){NULL, 0}), "");
    ck_assert_ptr_null(arena_text(arena, NULL));
    arena_free(arena);
}
END_TEST

START_TEST(an_unpacked_message_lives_in_the_arena)
{
    struct arena *arena = arena_create();
    Mec__Call call = MEC__CALL__INIT;
    Mec__Claims claims = MEC__CLAIMS__INIT;
    uint8_t packed[256];
    size_t size;
    Mec__Call *again;

    call.shard = "us-east";
    call.claims = &claims;
    claims.user = "u1";
    size = mec__call__pack(&call, packed);
    again = mec__call__unpack(arena_allocator(arena), size, packed);
    ck_assert_ptr_nonnull(again);
    ck_assert_str_eq(again->shard, "us-east");
    ck_assert_str_eq(again->claims->user, "u1");

    /* A failed unpacking lets go of nothing that the arena would miss. */
    ck_assert_ptr_null(mec__call__unpack(arena_allocator(arena), size - 1, packed));
    ck_assert_str_eq(again->claims->user, "u1");
    arena_free(arena); /* no other free: the leak checker agrees */
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    arena_free(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        new_memory_is_zeroed,
        nothing_at_all_can_be_allocated_and_freed,
        growing_keeps_what_was_there,
        a_copied_slice_ends_in_nul_and_may_be_empty,
        pieces_are_aligned_and_do_not_overlap,
        a_piece_may_be_larger_than_any_block,
        a_reset_arena_hands_the_same_memory_out_again,
        the_arena_formats_and_copies_text,
        an_unpacked_message_lives_in_the_arena,
        freeing_nothing_is_fine,
    };
    return suite_run(&(struct suite){.name = "memory", SUITE_TESTS(tests)});
}
