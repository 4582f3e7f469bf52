#include "common/position.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool is_shard_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool take_shard(struct slice *rest, char ret_shard[SHARD_NAME_SIZE])
{
    size_t size = 0;

    while (size < rest->size && is_shard_character(rest->data[size]))
        size++;
    if (size == 0 || size >= SHARD_NAME_SIZE)
        return false;
    memcpy(ret_shard, rest->data, size);
    ret_shard[size] = '\0';
    *rest = (struct slice){rest->data + size, rest->size - size};
    return true;
}

static bool take_character(struct slice *rest, char c)
{
    if (rest->size == 0 || rest->data[0] != c)
        return false;
    *rest = (struct slice){rest->data + 1, rest->size - 1};
    return true;
}

/* Decimal, without leading zeros: one position has one spelling. */
static bool take_number(struct slice *rest, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t size = 0;

    for (; size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9'; size++) {
        uint64_t digit = (uint64_t)(rest->data[size] - '0');

        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (size == 0 || (size > 1 && rest->data[0] == '0'))
        return false;
    *rest = (struct slice){rest->data + size, rest->size - size};
    *ret_number = number;
    return true;
}

static bool take_position(struct slice *rest, struct position *ret_position)
{
    return take_shard(rest, ret_position->shard) && take_character(rest, ':') &&
           take_number(rest, &ret_position->epoch) && take_character(rest, '.') &&
           take_number(rest, &ret_position->seq);
}

int position_parse(struct slice text, struct position *ret_position)
{
    struct position position;

    if (!take_position(&text, &position) || text.size > 0)
        return -EINVAL;
    *ret_position = position;
    return 0;
}

char *position_print(const struct position *position, char ret_text[POSITION_TEXT_SIZE])
{
    int length = snprintf(ret_text, POSITION_TEXT_SIZE, "%s:%" PRIu64 ".%" PRIu64, position->shard,
                          position->epoch, position->seq);

    assert(length > 0 && length < POSITION_TEXT_SIZE);
    return ret_text;
}

int position_compare(const struct position *a, const struct position *b)
{
    assert(strcmp(a->shard, b->shard) == 0);
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return 0;
}

int bookmark_parse(struct slice text, struct bookmark *ret_bookmark)
{
    struct bookmark bookmark;
    struct position position;

    bookmark.count = 0;
    while (text.size > 0) {
        if (!take_position(&text, &position))
            return -EINVAL;
        if (bookmark_advance(&bookmark, &position) < 0)
            return -EINVAL;
        if (text.size > 0 && (!take_character(&text, ';') || text.size == 0))
            return -EINVAL;
    }
    memcpy(ret_bookmark->positions, bookmark.positions, bookmark.count * sizeof(position));
    ret_bookmark->count = bookmark.count;
    return 0;
}

int bookmark_print(const struct bookmark *bookmark, char *ret_text, size_t size)
{
    size_t length = 0;

    if (size == 0)
        return -ENOSPC;
    ret_text[0] = '\0';
    for (size_t i = 0; i < bookmark->count; i++) {
        char position[POSITION_TEXT_SIZE];
        int added = snprintf(ret_text + length, size - length, "%s%s", i > 0 ? ";" : "",
                             position_print(&bookmark->positions[i], position));

        if (added < 0 || (size_t)added >= size - length)
            return -ENOSPC;
        length += (size_t)added;
    }
    return (int)length;
}

/* Where @shard stands in the sorted bookmark, or would. */
static size_t bookmark_place(const struct bookmark *bookmark, const char *shard, bool *ret_found)
{
    size_t place = 0;
    int order = 1;

    while (place < bookmark->count && (order = strcmp(bookmark->positions[place].shard, shard)) < 0)
        place++;
    *ret_found = place < bookmark->count && order == 0;
    return place;
}

int bookmark_advance(struct bookmark *bookmark, const struct position *position)
{
    bool found;
    size_t place = bookmark_place(bookmark, position->shard, &found);
    struct position *at = &bookmark->positions[place];

    if (found) {
        if (position_compare(at, position) < 0)
            *at = *position;
        return 0;
    }
    if (bookmark->count == BOOKMARK_POSITIONS_MAX)
        return -ENOSPC;
    memmove(at + 1, at, (bookmark->count - place) * sizeof(*at));
    *at = *position;
    bookmark->count++;
    return 0;
}

const struct position *bookmark_find(const struct bookmark *bookmark, const char *shard)
{
    bool found;
    size_t place = bookmark_place(bookmark, shard, &found);

    return found ? &bookmark->positions[place] : NULL;
}
