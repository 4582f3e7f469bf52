/* Whose writes wait where: three regions, two shards. */

#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "routerd/marks.h"
#include "tests/unit/suite.h"

enum { US, EU, AP, REGIONS };
enum { SHARD_US, SHARD_EU, SHARDS };

static const char *const shards[SHARDS] = {"us", "eu"};
static struct marks *marks;

static void fresh(void)
{
    marks = marks_create(REGIONS, shards, SHARDS, MARKS_MAX);
}

static void gone(void)
{
    marks_free(marks);
}

static bool pong(uint32_t region, uint32_t shard, uint64_t accepted, uint64_t settled)
{
    Mec__QueueMark said = MEC__QUEUE_MARK__INIT;
    Mec__QueueMark *list[1] = {&said};
    Mec__Pong message = MEC__PONG__INIT;
    said.shard = (char *)shards[shard];
    said.accepted_seq = accepted;
    said.settled_seq = settled;
    message.n_queues = 1;
    message.queues = list;
    return marks_pong(marks, region, &message);
}

static bool list_of(uint32_t region, uint64_t through, size_t count, const uint64_t *seqs,
                    const char *const *users)
{
    Mec__QueueEntry entries[8];
    Mec__QueueEntry *pointers[8];
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;
    ck_assert_uint_le(count, 8);
    for (size_t index = 0; index < count; index++) {
        mec__queue_entry__init(&entries[index]);
        entries[index].seq = seqs[index];
        entries[index].user = (char *)users[index];
        entries[index].shard = (char *)"us";
        entries[index].service = (char *)"metadata";
        pointers[index] = &entries[index];
    }
    list.n_entries = count;
    list.entries = pointers;
    list.through_seq = through;
    return marks_list(marks, region, &list);
}

static bool empty_list(uint32_t region, uint64_t through)
{
    return list_of(region, through, 0, NULL, NULL);
}

static uint32_t find(const char *user)
{
    return marks_find(marks, SHARD_US, user, "metadata");
}

START_TEST(nobody_is_marked_at_first)
{
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(a_queued_write_marks_its_user_service_and_shard_alone)
{
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    ck_assert_uint_eq(find("alice"), EU);
    ck_assert_uint_eq(find("bob"), MARKS_NONE);
    ck_assert_uint_eq(marks_find(marks, SHARD_US, "alice", "auth"), MARKS_NONE);
    ck_assert_uint_eq(marks_find(marks, SHARD_EU, "alice", "metadata"), MARKS_NONE);
    ck_assert_uint_eq(marks_count(marks), 1);
}
END_TEST

START_TEST(a_mark_holds_until_its_number_has_ended)
{
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    pong(EU, SHARD_US, 7, 6);
    ck_assert_uint_eq(find("alice"), EU);
    pong(EU, SHARD_US, 7, 7);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
    ck_assert_uint_eq(marks_count(marks), 0);
}
END_TEST

START_TEST(a_stale_pong_does_not_clear_a_newer_mark)
{
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    pong(EU, SHARD_US, 7, 7);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 8);
    pong(EU, SHARD_US, 7, 7); /* from before 8 was accepted, by a slow link */
    ck_assert_uint_eq(find("alice"), EU);
}
END_TEST

START_TEST(a_stale_pong_does_not_bring_an_old_mark_back)
{
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    pong(EU, SHARD_US, 7, 7);
    pong(EU, SHARD_US, 7, 3);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(a_pong_of_another_region_or_shard_clears_nothing)
{
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    pong(AP, SHARD_US, 9, 9);
    pong(EU, SHARD_EU, 9, 9);
    ck_assert_uint_eq(find("alice"), EU);
}
END_TEST

START_TEST(a_pong_with_unknown_entries_marks_everyone_until_the_list_is_in)
{
    static const uint64_t seqs[] = {3};
    static const char *const users[] = {"bob"};
    empty_list(EU, 2);
    ck_assert(pong(EU, SHARD_US, 3, 2));
    ck_assert_uint_eq(find("alice"), EU);
    ck_assert_uint_eq(marks_find(marks, SHARD_EU, "alice", "metadata"), MARKS_NONE);
    ck_assert_uint_eq(marks_listed(marks, EU), 2);
    ck_assert(list_of(EU, 3, 1, seqs, users)); /* there may be more behind it */
    ck_assert(!empty_list(EU, 3));
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
    ck_assert_uint_eq(find("bob"), EU);
    ck_assert(!pong(EU, SHARD_US, 3, 2));
}
END_TEST

START_TEST(a_list_that_ends_too_early_leaves_everyone_marked)
{
    empty_list(EU, 2);
    pong(EU, SHARD_US, 9, 2);
    empty_list(EU, 8);
    ck_assert_uint_eq(find("alice"), EU);
    pong(EU, SHARD_US, 9, 9);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(unknown_entries_that_have_ended_mark_nobody)
{
    empty_list(EU, 0);
    ck_assert(!pong(EU, SHARD_US, 5, 5));
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(the_users_own_mark_goes_before_what_is_assumed_of_everyone)
{
    empty_list(US, 0);
    marks_note(marks, AP, SHARD_US, "alice", "metadata", 1);
    pong(US, SHARD_US, 4, 0);
    ck_assert_uint_eq(find("alice"), AP);
    ck_assert_uint_eq(find("bob"), US);
}
END_TEST

START_TEST(after_reopening_the_list_replaces_what_was_known)
{
    static const uint64_t seqs[] = {9};
    static const char *const users[] = {"bob"};
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    marks_note(marks, AP, SHARD_US, "carol", "metadata", 1);
    marks_reopened(marks, EU);
    ck_assert_uint_eq(find("alice"), EU); /* until it is known better */
    ck_assert_uint_eq(marks_listed(marks, EU), 0);
    list_of(EU, 9, 1, seqs, users);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
    ck_assert_uint_eq(find("bob"), EU);
    ck_assert_uint_eq(find("carol"), AP);
}
END_TEST

START_TEST(a_region_that_lost_its_disk_counts_from_the_beginning)
{
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 700);
    pong(EU, SHARD_US, 700, 700);
    marks_reopened(marks, EU);
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 1);
    ck_assert_uint_eq(find("alice"), EU);
    pong(EU, SHARD_US, 1, 1);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(a_write_queued_between_reopening_and_list_keeps_its_mark)
{
    empty_list(EU, 0);
    marks_reopened(marks, EU);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 1);
    empty_list(EU, 0);
    ck_assert_uint_eq(find("alice"), EU);
}
END_TEST

START_TEST(past_the_bound_everyone_is_marked)
{
    marks_free(marks);
    marks = marks_create(REGIONS, shards, SHARDS, 2);
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 1);
    marks_note(marks, EU, SHARD_US, "bob", "metadata", 2);
    ck_assert_uint_eq(find("dave"), MARKS_NONE);
    marks_note(marks, EU, SHARD_US, "carol", "metadata", 3);
    ck_assert_uint_eq(marks_count(marks), 2);
    ck_assert_uint_eq(find("carol"), EU);
    ck_assert_uint_eq(find("dave"), EU);
    pong(EU, SHARD_US, 3, 3);
    ck_assert_uint_eq(find("carol"), MARKS_NONE);
    ck_assert_uint_eq(marks_count(marks), 0);
}
END_TEST

START_TEST(room_is_made_by_forgetting_what_has_ended)
{
    marks_free(marks);
    marks = marks_create(REGIONS, shards, SHARDS, 2);
    empty_list(EU, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 1);
    marks_note(marks, EU, SHARD_US, "bob", "metadata", 2);
    empty_list(EU, 2);
    pong(EU, SHARD_US, 2, 1);
    marks_note(marks, EU, SHARD_US, "carol", "metadata", 3);
    ck_assert_uint_eq(marks_count(marks), 2);
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
    ck_assert_uint_eq(find("carol"), EU);
}
END_TEST

START_TEST(a_full_list_marks_everyone_until_the_next)
{
    enum { FULL = 10000 };
    Mec__QueueEntry *entries = calloc(FULL, sizeof(*entries));
    Mec__QueueEntry **pointers = calloc(FULL, sizeof(*pointers));
    char(*users)[16] = calloc(FULL, sizeof(*users));
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;
    for (size_t index = 0; index < FULL; index++) {
        mec__queue_entry__init(&entries[index]);
        snprintf(users[index], sizeof(users[index]), "user-%zu", index);
        entries[index].seq = index + 1;
        entries[index].user = users[index];
        entries[index].shard = (char *)"us";
        entries[index].service = (char *)"metadata";
        pointers[index] = &entries[index];
    }
    list.n_entries = FULL;
    list.entries = pointers;
    list.through_seq = FULL;
    ck_assert(marks_list(marks, EU, &list));
    ck_assert_uint_eq(find("stranger"), EU);
    empty_list(EU, FULL);
    ck_assert_uint_eq(find("stranger"), MARKS_NONE);
    ck_assert_uint_eq(find("user-9999"), EU);
    free(users);
    free(pointers);
    free(entries);
}
END_TEST

START_TEST(what_is_said_of_unknown_shards_is_passed_over)
{
    Mec__QueueMark said = MEC__QUEUE_MARK__INIT;
    Mec__QueueMark *queues[1] = {&said};
    Mec__Pong message = MEC__PONG__INIT;
    said.shard = (char *)"nowhere";
    said.accepted_seq = 5;
    message.n_queues = 1;
    message.queues = queues;
    ck_assert(!marks_pong(marks, EU, &message));
    ck_assert_uint_eq(find("alice"), MARKS_NONE);
}
END_TEST

START_TEST(a_write_on_its_way_says_where_it_is_heading_until_it_is_there)
{
    ck_assert(marks_begin(marks, EU, SHARD_US, "alice", "metadata"));
    ck_assert(marks_begin(marks, EU, SHARD_US, "alice", "metadata"));
    ck_assert_uint_eq(marks_heading(marks, SHARD_US, "alice", "metadata"), EU);
    ck_assert_uint_eq(marks_heading(marks, SHARD_US, "bob", "metadata"), MARKS_NONE);
    ck_assert_uint_eq(find("alice"), MARKS_NONE); /* nothing waits yet */
    marks_end(marks, EU, "alice", "metadata");
    marks_reopened(marks, EU);
    empty_list(EU, 0);
    ck_assert_uint_eq(marks_heading(marks, SHARD_US, "alice", "metadata"), EU);
    marks_end(marks, EU, "alice", "metadata");
    ck_assert_uint_eq(marks_heading(marks, SHARD_US, "alice", "metadata"), MARKS_NONE);
    ck_assert_uint_eq(marks_count(marks), 0);
}
END_TEST

START_TEST(marks_in_two_queues_are_told_apart)
{
    empty_list(EU, 0);
    empty_list(US, 0);
    marks_note(marks, EU, SHARD_US, "alice", "metadata", 7);
    marks_note(marks, US, SHARD_US, "alice", "metadata", 3);
    ck_assert_uint_eq(find("alice"), MARKS_APART);
    pong(EU, SHARD_US, 7, 7);
    ck_assert_uint_eq(find("alice"), US);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nobody_is_marked_at_first,
        a_queued_write_marks_its_user_service_and_shard_alone,
        a_mark_holds_until_its_number_has_ended,
        a_stale_pong_does_not_clear_a_newer_mark,
        a_stale_pong_does_not_bring_an_old_mark_back,
        a_pong_of_another_region_or_shard_clears_nothing,
        a_pong_with_unknown_entries_marks_everyone_until_the_list_is_in,
        a_list_that_ends_too_early_leaves_everyone_marked,
        unknown_entries_that_have_ended_mark_nobody,
        the_users_own_mark_goes_before_what_is_assumed_of_everyone,
        after_reopening_the_list_replaces_what_was_known,
        a_region_that_lost_its_disk_counts_from_the_beginning,
        a_write_queued_between_reopening_and_list_keeps_its_mark,
        past_the_bound_everyone_is_marked,
        room_is_made_by_forgetting_what_has_ended,
        a_full_list_marks_everyone_until_the_next,
        what_is_said_of_unknown_shards_is_passed_over,
        a_write_on_its_way_says_where_it_is_heading_until_it_is_there,
        marks_in_two_queues_are_told_apart,
    };
    return suite_run(
        &(struct suite){.name = "marks", .set_up = fresh, .tear_down = gone, SUITE_TESTS(tests)});
}
