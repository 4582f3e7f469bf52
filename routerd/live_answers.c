#include "routerd/live_answers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/memory.h"

#define FREE_EXCHANGES_MAX 1024u
#define OUT_KEPT_MAX       (64u * 1024u)
#define CONTINUE           "HTTP/1.1 100 Continue\r\n\r\n"

/* Exchanges come and go with every request, so they are kept for the next one. */
struct live_exchange *live_answers_begin(struct live_client *client)
{
    struct live_http *http = client->http;
    struct live_exchange *exchange = STAILQ_FIRST(&http->free_exchanges);

    if (exchange) {
        STAILQ_REMOVE_HEAD(&http->free_exchanges, link);
        http->free_exchange_count--;
        memset(exchange, 0, sizeof(*exchange));
    } else {
        exchange = memory_alloc(sizeof(*exchange));
    }
    exchange->request_id = http->next_serial++ << LIVE_HTTP_CONNECTION_BITS | client->index;
    STAILQ_INSERT_TAIL(&client->exchanges, exchange, link);
    client->exchange_count++;
    return exchange;
}

static void end_first_exchange(struct live_client *client)
{
    struct live_http *http = client->http;
    struct live_exchange *exchange = STAILQ_FIRST(&client->exchanges);

    STAILQ_REMOVE_HEAD(&client->exchanges, link);
    client->exchange_count--;
    free(exchange->text.bytes);
    if (http->free_exchange_count >= FREE_EXCHANGES_MAX) {
        free(exchange);
        return;
    }
    STAILQ_INSERT_HEAD(&http->free_exchanges, exchange, link);
    http->free_exchange_count++;
}

/* Buffers for answers are lent to a connection from its first answer of a turn until all has left,
 * so that idle ones hold none, and the few that circulate stay in the processor's cache. */
static void borrow_out(struct live_client *client)
{
    struct live_http *http = client->http;

    if (!client->out.bytes && http->spare_out_count > 0)
        client->out = http->spare_outs[--http->spare_out_count];
}

static void return_out(struct live_client *client)
{
    struct live_http *http = client->http;

    if (!client->out.bytes)
        return;
    client->out.size = 0;
    client->out_sent = 0;
    if (http->spare_out_count < LIVE_HTTP_SPARE_OUTS && client->out.capacity <= OUT_KEPT_MAX)
        http->spare_outs[http->spare_out_count++] = client->out;
    else
        free(client->out.bytes);
    client->out = (struct http_text){0};
}

static void mark_dirty(struct live_client *client)
{
    struct live_http *http = client->http;

    if (client->dirty)
        return;
    client->dirty = true;
    TAILQ_INSERT_TAIL(&http->dirty, client, dirty_link);
    live_loop_at_turn_end(http->loop, &http->flush);
}

/* Behind the answers before it, and only while the client still holds its body back. */
static void put_continue(struct live_client *client)
{
    client->owes_continue = false;
    borrow_out(client);
    http_text_literal(&client->out, CONTINUE);
    mark_dirty(client);
}

static void release_answers(struct live_client *client)
{
    const struct live_exchange *first;

    while ((first = STAILQ_FIRST(&client->exchanges)) && first->answered) {
        http_text_bytes(&client->out, first->text.bytes, first->text.size);
        end_first_exchange(client);
    }
    if (!first && client->owes_continue)
        put_continue(client);
}

void live_answers_put(struct live_client *client, struct live_exchange *exchange,
                      const struct http_answer *answer)
{
    enum http_persistence persistence = exchange->http_1_0 ? HTTP_KEEPS : HTTP_STAYS;
    bool is_first = exchange == STAILQ_FIRST(&client->exchanges);
    struct http_text *text = is_first ? &client->out : &exchange->text;

    if (exchange->closes)
        persistence = HTTP_CLOSES;
    if (is_first)
        borrow_out(client);
    http_render(answer, persistence, (uint64_t)time(NULL), &text->bytes, &text->size,
                &text->capacity);
    exchange->answered = true;
    if (!is_first)
        return;
    release_answers(client);
    mark_dirty(client);
}

void live_answers_continue(struct live_client *client)
{
    if (client->exchange_count == 0)
        put_continue(client);
    else
        client->owes_continue = true;
}

size_t live_answers_unsent_size(const struct live_client *client)
{
    return client->out.size - client->out_sent;
}

/* A client that reads slowly must not make us keep what it has read. */
static void drop_sent(struct live_client *client)
{
    size_t left = live_answers_unsent_size(client);

    if (left > client->out_sent)
        return;
    memmove(client->out.bytes, client->out.bytes + client->out_sent, left);
    client->out.size = left;
    client->out_sent = 0;
}

ssize_t live_answers_send(struct live_client *client)
{
    size_t left = live_answers_unsent_size(client);
    ssize_t size = 0;

    if (left > 0)
        size = send(client->fd, client->out.bytes + client->out_sent, left, MSG_NOSIGNAL);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    client->out_sent += (size_t)size;
    if ((size_t)size == left)
        return_out(client);
    else
        drop_sent(client);
    return size;
}

uint32_t live_answers_drop(struct live_client *client,
                           uint64_t ret_unanswered[LIVE_HTTP_REQUESTS_MAX])
{
    uint32_t count = 0;

    while (!STAILQ_EMPTY(&client->exchanges)) {
        const struct live_exchange *first = STAILQ_FIRST(&client->exchanges);

        if (!first->answered) {
            assert(count < LIVE_HTTP_REQUESTS_MAX);
            ret_unanswered[count++] = first->request_id;
        }
        end_first_exchange(client);
    }
    return_out(client);
    return count;
}
