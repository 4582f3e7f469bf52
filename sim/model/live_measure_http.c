#include "sim/model/live_measure_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/memory.h"
#include "control/text.h"

/* A world answers within a few seconds, or says that it does not. */
#define TIMEOUT_MS    20000L
#define BODY_SIZE_MAX (4u * 1024u * 1024u)
#define PARALLEL_MAX  64
#define POLL_MS       200

/* A request on its way; used again for the next one, with its connection. */
struct slot {
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    struct live_measure_call *call; /* NULL: idle */
};

struct live_measure_http {
    CURLM *multi;
    const volatile sig_atomic_t *stopped;
    struct slot slots[PARALLEL_MAX];
};

static bool is_stopped(const struct live_measure_http *http)
{
    return http->stopped && *http->stopped;
}

/* ---- what libcurl calls ---- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    const struct slot *slot = context;

    measure_answer_take_header(&slot->call->answer, line, size * count);
    return size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct live_measure_call *call = ((struct slot *)context)->call;
    size_t more = size * count;

    if (call->body_size + more > BODY_SIZE_MAX)
        return 0; /* ends the request */
    call->body = memory_grow(call->body, call->body_size + more + 1);
    memcpy(call->body + call->body_size, data, more);
    call->body_size += more;
    call->body[call->body_size] = '\0';
    return more;
}

/* ---- one request ---- */

static void add_line(struct slot *slot, const char *line)
{
    struct curl_slist *longer = curl_slist_append(slot->headers, line);

    if (longer)
        slot->headers = longer;
}

static void add_header(struct slot *slot, const char *name, const char *value)
{
    char *line = text_format("%s: %s", name, value);

    add_line(slot, line);
    free(line);
}

static void add_headers(struct slot *slot)
{
    const struct live_measure_call *call = slot->call;

    if (call->geo)
        add_header(slot, "Mec-Geo", call->geo);
    if (call->bookmark)
        add_header(slot, "Mec-Bookmark", call->bookmark);
    if (call->strong)
        add_header(slot, "Mec-Consistency", "strong");
    if (call->request->content_type)
        add_header(slot, "Content-Type", call->request->content_type);
    else
        add_line(slot, "Content-Type:"); /* libcurl has one */
    if (call->token) {
        char *bearer = text_format("Bearer %s", call->token);
        add_header(slot, "Authorization", bearer);
        free(bearer);
    }
    /* Large bodies would be announced first, which is a round trip of its own. */
    add_line(slot, "Expect:");
}

static void describe(struct slot *slot)
{
    const struct measure_request *request = slot->call->request;
    const char *body = request->body ? request->body : "";
    CURL *easy = slot->easy;

    curl_easy_setopt(easy, CURLOPT_URL, slot->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* a world is on this machine */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static int begin(struct live_measure_http *http, struct slot *slot, struct live_measure_call *call)
{
    if (!slot->easy)
        slot->easy = curl_easy_init();
    if (!slot->easy)
        return -ENOMEM;
    curl_easy_reset(slot->easy); /* keeps its connection */
    slot->call = call;
    call->answer = (struct measure_answer){0};
    live_measure_http_free_call(call);
    slot->headers = NULL;
    slot->url = text_format("%s%s", call->base, call->request->path);
    add_headers(slot);
    describe(slot);
    curl_multi_add_handle(http->multi, slot->easy);
    return 0;
}

static void read_answer(struct slot *slot, CURLcode code)
{
    struct measure_answer *answer = &slot->call->answer;
    curl_off_t total_us = 0, ready_us = 0;
    long status = 0;
    const char *type = NULL;

    curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    curl_easy_getinfo(slot->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_TYPE, &type);
    answer->elapsed_us = total_us > ready_us ? (uint64_t)(total_us - ready_us) : 0;
    answer->status = code == CURLE_OK ? (int)status : 0;
    if (slot->call->body && type && strcmp(type, "application/problem+json") == 0)
        measure_answer_take_body(answer, slot->call->body, slot->call->body_size);
}

static void end(struct live_measure_http *http, struct slot *slot)
{
    curl_multi_remove_handle(http->multi, slot->easy);
    curl_slist_free_all(slot->headers);
    free(slot->url);
    slot->headers = NULL;
    slot->url = NULL;
    slot->call = NULL;
}

/* ---- many ---- */

static struct slot *find_idle(struct live_measure_http *http, size_t parallel)
{
    for (size_t i = 0; i < parallel; i++)
        if (!http->slots[i].call)
            return &http->slots[i];
    return NULL;
}

/* Returns how many have ended. */
static size_t take_ended(struct live_measure_http *http)
{
    size_t count = 0;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        CURLcode code = message->data.result;
        void *slot = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        read_answer(slot, code);
        end(http, slot);
        count++;
    }
    return count;
}

static void end_all(struct live_measure_http *http)
{
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        if (http->slots[i].call)
            end(http, &http->slots[i]);
}

int live_measure_http_send(struct live_measure_http *http, struct live_measure_call *calls,
                           size_t count, size_t parallel)
{
    size_t begun = 0, ended = 0;
    int error = 0;

    if (parallel > PARALLEL_MAX)
        parallel = PARALLEL_MAX;
    while (error == 0 && ended < count) {
        struct slot *idle;
        int running;

        while (error == 0 && begun < count && (idle = find_idle(http, parallel)))
            error = begin(http, idle, &calls[begun++]);
        if (is_stopped(http))
            error = -EINTR;
        if (error != 0)
            break;
        curl_multi_perform(http->multi, &running);
        size_t more = take_ended(http);
        ended += more;
        if (more == 0)
            curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
    end_all(http);
    return error;
}

void live_measure_http_free_call(struct live_measure_call *call)
{
    free(call->body);
    call->body = NULL;
    call->body_size = 0;
}

int live_measure_http_create(const volatile sig_atomic_t *stopped,
                             struct live_measure_http **ret_http)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return -ENOMEM;
    struct live_measure_http *http = memory_alloc(sizeof *http);
    http->stopped = stopped;
    http->multi = curl_multi_init();
    if (!http->multi) {
        free(http);
        curl_global_cleanup();
        return -ENOMEM;
    }
    *ret_http = http;
    return 0;
}

void live_measure_http_go_on(struct live_measure_http *http)
{
    http->stopped = NULL;
}

void live_measure_http_free(struct live_measure_http *http)
{
    if (!http)
        return;
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        if (http->slots[i].easy)
            curl_easy_cleanup(http->slots[i].easy);
    curl_multi_cleanup(http->multi);
    free(http);
    curl_global_cleanup();
}
