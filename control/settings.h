/* settings: everything that a topology's `settings:` can say, once, as a table. The topology's
 * schema, its checks, the defaults, slow motion and the manual all come from it. */

#ifndef MEC_SETTINGS_H
#define MEC_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "control.pb-c.h"

enum setting_kind {
    SETTING_DURATION, /* uint64, microseconds */
    SETTING_SECONDS,  /* uint32, written as a duration */
    SETTING_COUNT,    /* uint32 */
    SETTING_SIZE,     /* uint64, bytes */
    SETTING_KIB,      /* uint32, written as a size */
    SETTING_SWITCH
};

/* What --slow-motion does to it. */
enum setting_stretch { STRETCH_NOT, STRETCH_TIME, STRETCH_RATE };

/* key, member of Settings, kind, default, least, most (as written), stretch, help */
#define SETTINGS(X)                                                                                \
    X(probe_interval, probe_interval_us, DURATION, "500ms", "10ms", "1h", TIME,                    \
      "how often each client geo probes each region")                                              \
    X(probe_slack, probe_slack_us, DURATION, "100ms", "1ms", "1h", TIME,                           \
      "a probe has failed when it takes longer than the round trip and this")                      \
    X(probe_fail_threshold, probe_fail_threshold, COUNT, "2", "1", "1000", NOT,                    \
      "so many failed probes in a row make a region unhealthy")                                    \
    X(probe_pass_threshold, probe_pass_threshold, COUNT, "2", "1", "1000", NOT,                    \
      "so many good probes in a row make it healthy again")                                        \
    X(request_timeout, request_timeout_us, DURATION, "2s", "1ms", "1h", TIME,                      \
      "how long a region may take for a request, beyond the round trip")                           \
    X(bookmark_wait, bookmark_wait_us, DURATION, "150ms", "0ms", "1h", TIME,                       \
      "how long a read waits for a copy to catch up with its bookmark")                            \
    X(heartbeat_interval, heartbeat_interval_us, DURATION, "250ms", "1ms", "1h", TIME,             \
      "how often a home tells its followers where its log ends")                                   \
    X(queue_writes, queue_writes, SWITCH, "true", "", "", NOT,                                     \
      "queue writes while their home is away; false: refuse them")                                 \
    X(queue_max_entries, queue_max_entries, COUNT, "100000", "1", "100000000", NOT,                \
      "writes that one region's queue holds at most")                                              \
    X(queue_max_bytes, queue_max_bytes, SIZE, "256MiB", "64KiB", "1024GiB", NOT,                   \
      "bytes that one region's queue holds at most")                                               \
    X(queue_expiry, queue_expiry_us, DURATION, "24h", "1s", "365d", TIME,                          \
      "a write that has waited so long ends as expired")                                           \
    X(queue_drain_per_s, queue_drain_per_s, COUNT, "500", "1", "1000000", RATE,                    \
      "queued writes that a region sends home each second")                                        \
    X(cache_bytes, cache_bytes, SIZE, "8MiB", "0B", "1024GiB", NOT,                                \
      "size of each region's cache of records")                                                    \
    X(argon2_operations, argon2_operations, COUNT, "2", "1", "100", NOT,                           \
      "passes of the password hash")                                                               \
    X(argon2_memory, argon2_memory_kib, KIB, "64MiB", "8KiB", "4GiB", NOT,                         \
      "memory of the password hash")                                                               \
    X(token_lifetime, token_lifetime_s, SECONDS, "600s", "1s", "600s", NOT,                        \
      "how long a token is valid")                                                                 \
    X(session_lifetime, session_lifetime_s, SECONDS, "24h", "1s", "365d", NOT,                     \
      "so long after a log-in may its tokens be refreshed")                                        \
    X(quota_metadata_bytes, quota_metadata_bytes, SIZE, "16MiB", "1KiB", "1024GiB", NOT,           \
      "bytes of metadata that a user may have, keys and values")                                   \
    X(quota_metadata_keys, quota_metadata_keys, COUNT, "10000", "1", "100000000", NOT,             \
      "keys of metadata that a user may have")                                                     \
    X(quota_vault_bytes, quota_vault_bytes, SIZE, "4MiB", "1KiB", "1024GiB", NOT,                  \
      "bytes that a user may have in the vault, names and values")                                 \
    X(quota_vault_keys, quota_vault_keys, COUNT, "1000", "1", "100000000", NOT,                    \
      "items that a user may have in the vault")                                                   \
    X(user_rate_per_s, user_rate_per_s, COUNT, "0", "0", "1000000", RATE,                          \
      "requests a second of one user at one region; 0: no limit")                                  \
    X(client_rate_per_s, client_rate_per_s, COUNT, "0", "0", "1000000", RATE,                      \
      "requests a second of one client address at one router; 0: no limit")                        \
    X(login_rate_per_min, login_rate_per_min, COUNT, "60", "0", "1000000", RATE,                   \
      "log-ins a minute under one name at one region; 0: no limit")                                \
    X(max_connections, max_connections, COUNT, "10000", "1", "1000000", NOT,                       \
      "client connections that a router holds at most")                                            \
    X(idle_timeout, idle_timeout_us, DURATION, "60s", "10ms", "24h", NOT,                          \
      "a client connection without requests is closed after this long")                            \
    X(answer_lead, answer_lead_us, DURATION, "100us", "0us", "10ms", NOT,                          \
      "answers leave this early; waking the router and the client up takes as long")               \
    X(revocation_bound, revocation_bound_us, DURATION, "5s", "100ms", "10m", TIME,                 \
      "a region that knows less of revoked tokens than this refuses sensitive calls")

struct setting {
    const char *key;
    size_t offset; /* into Mec__Settings */
    enum setting_kind kind;
    const char *initial;
    const char *least;
    const char *most;
    enum setting_stretch stretch;
    const char *help;
};

size_t settings_count(void);
const struct setting *settings_at(size_t index);
const struct setting *settings_find(const char *key); /* NULL: there is none */

/* Set every setting to its default. @settings has been initialised. */
void settings_default(Mec__Settings *settings);

/* Set one from text. Errors: -EINVAL, not of its form; -ERANGE, outside its bounds. */
int settings_set(Mec__Settings *settings, const struct setting *setting, const char *text);

/* As a number in its own unit (switches: 0 and 1); what settings_set_number() takes back. */
uint64_t settings_number(const Mec__Settings *settings, const struct setting *setting);
int settings_set_number(Mec__Settings *settings, const struct setting *setting, uint64_t number);

/* "a duration such as 500ms, from 10ms to 1h": how it is to be written. */
void settings_describe(const struct setting *setting, char *ret_text, size_t size);

/* Apply slow motion: emulated times get @factor times as long, rates as much smaller. */
void settings_stretch(Mec__Settings *settings, double factor);

#endif
