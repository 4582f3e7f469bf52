/* make_config: a config.pb, with its control.pin, for a routerd that is measured alone, in front of one fake_region, with
 * every link instant. Prints a token to send.
 *
 * Usage: make_config DIRECTORY SOCKET PORT */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "common/signed_config.h"
#include "common/token.h"
#include "control.pb-c.h"

static char *const region_name = (char *)"us-east";

static void set_settings(Mec__Settings *settings)
{
    settings->probe_interval_us = 250000;
    settings->probe_slack_us = 250000;
    settings->probe_fail_threshold = 3;
    settings->probe_pass_threshold = 2;
    settings->request_timeout_us = 1000000;
    settings->bookmark_wait_us = 150000;
    settings->queue_writes = 1;
    settings->token_lifetime_s = 600;
    settings->max_connections = 10000;
    settings->idle_timeout_us = 60000000;
    settings->no_wan = 1;
}

static void set_link(Mec__LinkConfig *link, const char *from, const char *to)
{
    link->from = (char *)from;
    link->to = (char *)to;
}

static int write_config(const char *directory, const char *socket, uint32_t port)
{
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__RegionConfig region = MEC__REGION_CONFIG__INIT;
    Mec__ShardConfig shard = MEC__SHARD_CONFIG__INIT;
    Mec__LinkConfig links[] = {MEC__LINK_CONFIG__INIT, MEC__LINK_CONFIG__INIT,
                               MEC__LINK_CONFIG__INIT, MEC__LINK_CONFIG__INIT};
    Mec__ListenerConfig listener = MEC__LISTENER_CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;
    static const uint8_t control_seed[SIGNED_CONFIG_SEED_SIZE] = {1};
    struct signed_config_pin pin;
    char path[4096];
    uint8_t *bytes;
    size_t size;
    int error;

    region.name = shard.name = shard.home = region_name;
    region.city = (char *)"Virginia";
    region.latitude = 37.37;
    region.longitude = -79.82;
    region.address = (char *)socket;
    shard.epoch = 1;
    set_link(&links[0], "client:us-east", "us-east");
    set_link(&links[1], "us-east", "client:us-east");
    set_link(&links[2], "client:*", "us-east");
    set_link(&links[3], "us-east", "client:*");
    listener.port = port;
    set_settings(&settings);
    config.version = 1;
    config.world = (char *)"bench";
    config.n_regions = config.n_shards = config.n_listeners = 1;
    config.regions = (Mec__RegionConfig *[]){&region};
    config.shards = (Mec__ShardConfig *[]){&shard};
    config.n_links = 4;
    config.links = (Mec__LinkConfig *[]){&links[0], &links[1], &links[2], &links[3]};
    config.listeners = (Mec__ListenerConfig *[]){&listener};
    config.settings = &settings;
    config.slow_motion = 1;
    bytes = signed_config_pack(&config, control_seed, &size);
    snprintf(path, sizeof(path), "%s/config.pb", directory);
    error = live_files_replace(path, bytes, size, 0600);
    free(bytes);
    if (error < 0)
        return error;
    signed_config_make_pin(control_seed, config.world, &pin);
    bytes = signed_config_pack_pin(&pin, &size);
    snprintf(path, sizeof(path), "%s/control.pin", directory);
    error = live_files_replace(path, bytes, size, 0600);
    free(bytes);
    return error;
}

static void print_token(void)
{
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {1};
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL, .generation = 1, .issued_s = (uint64_t)time(NULL)};
    char *token;

    snprintf(claims.user, sizeof(claims.user), "u0123456789abcdef0123456789abcdef");
    snprintf(claims.shard, sizeof(claims.shard), "%s", region_name);
    snprintf(claims.session, sizeof(claims.session), "s0123456789abcdef");
    claims.expires_s = claims.issued_s + TOKEN_LIFETIME_S_MAX;
    token = token_sign("bench", "us-east.1", seed, &claims);
    puts(token);
    free(token);
}

int main(int argc, char **argv)
{
    int error;

    if (argc != 4) {
        fprintf(stderr, "Usage: make_config DIRECTORY SOCKET PORT\n");
        return 64;
    }
    error = write_config(argv[1], argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    if (error < 0) {
        fprintf(stderr, "make_config: %s: %s\n", argv[1], strerror(-error));
        return EXIT_FAILURE;
    }
    print_token();
    return EXIT_SUCCESS;
}
