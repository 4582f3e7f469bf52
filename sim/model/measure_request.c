#include "sim/model/measure_request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/directory.h"
#include "control/text.h"

#define PASSWORD "correct horse battery staple"
#define VALUE    "as it was before anything failed"

void measure_request_free(struct measure_request *request)
{
    free(request->path);
    free(request->body);
    *request = (struct measure_request){0};
}

/* ---- names ---- */

char *measure_request_asker(const char *tag, const struct deployment *deployment,
                            const struct measure_asker *asker)
{
    /* Places may have signs in their names that users may not. */
    return text_format("model-%s-%u-of-%s", tag, (unsigned)asker->geo,
                       deployment->region[asker->home]);
}

char *measure_request_owner(const char *tag, const struct deployment *deployment, uint32_t home)
{
    return text_format("model-%s-owner-of-%s", tag, deployment->region[home]);
}

char *measure_request_newcomer(const char *tag, const struct deployment *deployment,
                               uint32_t directory, size_t number)
{
    /* Every region has one name in as many as there are regions, so this ends soon. */
    for (unsigned salt = 0;; salt++) {
        char *name = text_format("model-%s-new-%zu-%u", tag, number, salt);
        const char *shard = directory_of(deployment->config, name);

        assert(shard);
        if (strcmp(shard, deployment->region[directory]) == 0)
            return name;
        free(name);
    }
}

/* ---- requests ---- */

static struct measure_request bare(const char *method, char *path)
{
    return (struct measure_request){.method = method, .path = path};
}

static struct measure_request with_text(const char *method, char *path)
{
    return (struct measure_request){.method = method,
                                    .path = path,
                                    .body = text_format("%s", VALUE),
                                    .content_type = "text/plain"};
}

static struct measure_request with_credentials(const char *path, const char *name)
{
    json_t *credentials = json_pack("{s:s, s:s}", "name", name, "password", PASSWORD);
    struct measure_request request = {.method = "POST",
                                      .path = text_format("%s", path),
                                      .body = json_dumps(credentials, JSON_COMPACT),
                                      .content_type = "application/json"};

    json_decref(credentials);
    return request;
}

struct measure_request measure_request_sign_up(const char *name)
{
    return with_credentials("/v1/users", name);
}

struct measure_request measure_request_log_in(const char *name)
{
    return with_credentials("/v1/tokens", name);
}

struct measure_request measure_request_value(const char *key)
{
    return with_text("PUT", text_format("/v1/metadata/%s", key));
}

struct measure_request measure_request_read(const char *key)
{
    return bare("GET", text_format("/v1/metadata/%s", key));
}

struct measure_request measure_request_item(bool shared)
{
    return with_text("PUT", text_format("/v1/vault/%s", shared ? "shared" : "own"));
}

struct measure_request measure_request_grant(const char *user)
{
    return bare("PUT", text_format("/v1/vault/shared/grants/%s", user));
}

struct measure_request measure_request_refresh(void)
{
    return bare("POST", text_format("/v1/tokens/refresh"));
}

struct measure_request measure_request_erase(void)
{
    return bare("DELETE", text_format("/v1/users/current"));
}

static struct measure_request of_name(struct measure_request (*make)(const char *name), char *name)
{
    struct measure_request request = make(name);

    free(name);
    return request;
}

static struct measure_request read_shared(char *owner)
{
    struct measure_request request = bare("GET", text_format("/v1/vault/shared?owner=%s", owner));

    free(owner);
    return request;
}

struct measure_request measure_request_of(const char *tag, const struct deployment *deployment,
                                          const struct traffic_question *question, size_t number)
{
    const struct measure_asker asker = {question->geo, question->home};

    switch (question->operation) {
    case TRAFFIC_METADATA_READ:
    case TRAFFIC_METADATA_REREAD:
        return measure_request_read("value");
    case TRAFFIC_METADATA_WRITE:
        return measure_request_value("written");
    case TRAFFIC_VAULT_READ:
        return bare("GET", text_format("/v1/vault/own"));
    case TRAFFIC_SHARED_READ:
        return read_shared(measure_request_owner(tag, deployment, question->other));
    case TRAFFIC_VAULT_WRITE:
        return with_text("PUT", text_format("/v1/vault/written"));
    case TRAFFIC_TOKEN_REFRESH:
        return measure_request_refresh();
    case TRAFFIC_LOG_IN:
        return of_name(measure_request_log_in, measure_request_asker(tag, deployment, &asker));
    case TRAFFIC_SIGN_UP:
        return of_name(measure_request_sign_up,
                       measure_request_newcomer(tag, deployment, question->other, number));
    case TRAFFIC_OPERATION_COUNT:
        break;
    }
    assert(false && "an operation");
    return (struct measure_request){0};
}
