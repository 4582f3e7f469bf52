#include "control/live_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/live_credentials.h"
#include "common/memory.h"
#include "control.pb-c.h"

int live_ask_connect(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    int error = live_credentials_check(fd);
    if (error != 0) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static int send_ask(int fd, const char *command, const json_t *arguments)
{
    Mec__ControlAsk ask = MEC__CONTROL_ASK__INIT;
    char *json = arguments ? json_dumps(arguments, JSON_COMPACT) : memory_text("{}");
    size_t size;
    size_t sent = 0;
    int error = 0;

    ask.command = (char *)command;
    ask.arguments_json = json;
    uint8_t *frame = frame_pack_new(FRAME_CONTROL_ASK, 1, &ask.base, &size);
    while (error == 0 && sent < size) {
        ssize_t part = send(fd, frame + sent, size - sent, MSG_NOSIGNAL);
        if (part < 0)
            error = -errno;
        else
            sent += (size_t)part;
    }
    free(frame);
    free(json);
    return error;
}

/* What has come and is not taken yet. */
struct inbox {
    uint8_t *bytes;
    size_t size;
};

static int receive(int fd, struct inbox *inbox, int patience_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int ready = poll(&waiting, 1, patience_ms);

    if (ready == 0)
        return -ETIMEDOUT;
    if (ready < 0)
        return -errno;
    inbox->bytes = memory_grow(inbox->bytes, inbox->size + 65536);
    ssize_t size = recv(fd, inbox->bytes + inbox->size, 65536, 0);
    if (size <= 0)
        return size == 0 ? -ECONNRESET : -errno;
    inbox->size += (size_t)size;
    return 0;
}

static int take_reply(const struct frame *frame, bool *ret_last, struct live_ask_reply *ret_reply)
{
    Mec__ControlReply *reply = NULL;

    if (frame->kind == FRAME_CONTROL_REPLY)
        reply = mec__control_reply__unpack(NULL, frame->body_size, frame->body);
    if (!reply)
        return -EBADMSG;
    *ret_last = reply->last;
    ret_reply->exit_code = reply->exit_code;
    ret_reply->message = memory_text(reply->message);
    ret_reply->data = *reply->json ? json_loads(reply->json, 0, NULL) : NULL;
    mec__control_reply__free_unpacked(reply, NULL);
    return 0;
}

int live_ask_on(int fd, const char *command, const json_t *arguments, int patience_ms,
                void (*progress)(const char *message, void *context), void *context,
                struct live_ask_reply *ret_reply)
{
    struct inbox inbox = {0};
    struct live_ask_reply reply;
    bool last = false;
    int error = send_ask(fd, command, arguments);

    while (error == 0) {
        struct frame frame;
        size_t used;
        int whole = frame_decode(inbox.bytes, inbox.size, &frame, &used);
        if (whole == 0) {
            error = receive(fd, &inbox, patience_ms);
            continue;
        }
        error = whole < 0 ? whole : take_reply(&frame, &last, &reply);
        if (error != 0 || last)
            break;
        if (progress)
            progress(reply.message, context);
        live_ask_free(&reply);
        memmove(inbox.bytes, inbox.bytes + used, inbox.size - used);
        inbox.size -= used;
    }
    free(inbox.bytes);
    if (error == 0)
        *ret_reply = reply;
    return error;
}

int live_ask(const char *path, const char *command, const json_t *arguments, int patience_ms,
             struct live_ask_reply *ret_reply)
{
    int fd;
    int error = live_ask_connect(path, &fd);

    if (error != 0)
        return error;
    error = live_ask_on(fd, command, arguments, patience_ms, NULL, NULL, ret_reply);
    close(fd);
    return error;
}

void live_ask_free(struct live_ask_reply *reply)
{
    free(reply->message);
    json_decref(reply->data);
    *reply = (struct live_ask_reply){0};
}
