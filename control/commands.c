#include "control/commands.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "control/units.h"

static const struct command_option global_options[] = {
    {"world", 'n', OPTION_TEXT, "WORLD", "default", "which world; several can run side by side"},
    {"json", 0, OPTION_FLAG, NULL, NULL, "print data as JSON"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, "print no messages, only data and errors"},
    {"verbose", 'v', OPTION_FLAG, NULL, NULL, "print more"},
    {"help", 'h', OPTION_FLAG, NULL, NULL, "explain the command"},
    {0},
};

static const struct command_option up_options[] = {
    {"file", 'f', OPTION_TEXT, "FILE", NULL, "the topology (YAML, see docs/topology.md)"},
    {"regions", 0, OPTION_TEXT, "N|A,B,C", "5", "so many regions, or these by name"},
    {"port", 0, OPTION_PORT, "P", "8080",
     "port for all clients; each region's own vantage port follows it. 0 picks free ports"},
    {"control-port", 0, OPTION_PORT, "P", "0",
     "port of HTTP for operators, on loopback. 0 picks a free one"},
    {"data", 0, OPTION_TEXT, "DIR", NULL, "keep the world's state there"},
    {"ephemeral", 0, OPTION_FLAG, NULL, NULL,
     "keep the state in a temporary directory that goes "
     "with the world"},
    {"detach", 'd', OPTION_FLAG, NULL, NULL, "return when every process serves"},
    {"ready-file", 0, OPTION_TEXT, "FILE", NULL,
     "write addresses and pids there (JSON) when every process serves"},
    {"seed", 0, OPTION_COUNT, "S", "random", "makes the luck of links repeatable"},
    {"slow-motion", 0, OPTION_FACTOR, "K", "1", "stretch every emulated time K times"},
    {"no-wan", 0, OPTION_FLAG, NULL, NULL, "make every link instant"},
    {0},
};
static const struct command_option down_options[] = {
    {"purge", 0, OPTION_FLAG, NULL, NULL, "remove the world's data, too"},
    {0},
};
static const struct command_option logs_options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, NULL, "go on as lines come"},
    {"lines", 0, OPTION_COUNT, "N", "100", "the last N lines of each log"},
    {0},
};
static const struct command_option cut_options[] = {
    {"one-way", 0, OPTION_FLAG, NULL, NULL, "only from A to B"},
    {"reset", 0, OPTION_FLAG, NULL, NULL, "break connections at once instead of letting them hang"},
    {"for", 0, OPTION_DURATION, "T", "until healed", "end by itself after T"},
    {0},
};
static const struct command_option isolate_options[] = {
    {"reset", 0, OPTION_FLAG, NULL, NULL, "break connections at once instead of letting them hang"},
    {"for", 0, OPTION_DURATION, "T", "until healed", "end by itself after T"},
    {0},
};
static const struct command_option link_options[] = {
    {"latency", 0, OPTION_LATENCY, "T", NULL,
     "one-way latency is T; with +T, T more than the link has"},
    {"jitter", 0, OPTION_DURATION, "T", NULL, "random delay on top"},
    {"loss", 0, OPTION_SHARE, "P", NULL, "share of messages lost; each costs a retransmission"},
    {"rate", 0, OPTION_RATE, "R", NULL, "bandwidth"},
    {"one-way", 0, OPTION_FLAG, NULL, NULL, "only from A to B"},
    {"for", 0, OPTION_DURATION, "T", "until healed", "end by itself after T"},
    {0},
};
static const struct command_option service_options[] = {
    {"down", 0, OPTION_FLAG, NULL, NULL, "it serves nobody"},
    {"errors", 0, OPTION_SHARE, "P", NULL, "this share of calls fails"},
    {"latency", 0, OPTION_DURATION, "T", NULL, "each call waits for T before it is served"},
    {"operation", 0, OPTION_TEXT, "NAME", "all", "only for this operation, such as metadata-put"},
    {"for", 0, OPTION_DURATION, "T", "until healed", "end by itself after T"},
    {0},
};
static const struct command_option cache_options[] = {
    {"flush", 0, OPTION_FLAG, NULL, NULL, "forget everything, once"},
    {"disable", 0, OPTION_FLAG, NULL, NULL, "know nothing and keep nothing"},
    {"freeze", 0, OPTION_FLAG, NULL, NULL, "take nothing new and let nothing go to make room"},
    {"for", 0, OPTION_DURATION, "T", "until healed", "end by itself after T"},
    {0},
};
static const struct command_option explain_options[] = {
    {"geo", 0, OPTION_TEXT, "G", NULL, "where the client is: a region, a city or \"lat,lon\""},
    {"user", 0, OPTION_TEXT, "U", NULL, "the user's name; their home counts"},
    {"consistency", 0, OPTION_TEXT, "C", "session", "session, strong or stale-ok"},
    {0},
};
static const struct command_option verify_options[] = {
    {"wait", 0, OPTION_DURATION, "T", "0", "try again for so long until copies are equal"},
    {0},
};

static const struct command_option keys_options[] = {
    {"retire-now", 0, OPTION_FLAG, NULL, NULL,
     "with rotate: refuse all tokens of the old keys from now on, as one has leaked"},
    {0},
};

static const struct command_option sim_options[] = {
    {"seed", 0, OPTION_COUNT, "N", NULL, "run this one, and tell of it in full"},
    {"seeds", 0, OPTION_RANGE, "A..B", "1..200", "run these; with --plants 1..2000"},
    {"minutes", 0, OPTION_FACTOR, "M", NULL,
     "start no new seed after M minutes; without --seeds there is no other end"},
    {"duration", 0, OPTION_DURATION, "T", "60s", "how long a world runs, in its own time"},
    {"regions", 0, OPTION_COUNT, "N", "by the seed", "regions of a world, 2 to 5"},
    {"faults", 0, OPTION_TEXT, "LIST", "all",
     "kinds that may happen: cut,latency or all,-flip-bits or none"},
    {"jobs", 0, OPTION_COUNT, "N", "one a core", "processes that run seeds, or share a day"},
    {"keep-going", 0, OPTION_FLAG, NULL, NULL, "go on after a failure, and list them all"},
    {"check-determinism", 0, OPTION_COUNT, "N", "10",
     "run each seed that N divides twice, and fail when the runs differ; 0: none"},
    {"reach", 0, OPTION_FLAG, NULL, NULL,
     "print which faults have happened and which rare branches were taken"},
    {"require-reach", 0, OPTION_FLAG, NULL, NULL, "and fail when one of them never was"},
    {"trace", 0, OPTION_FLAG, NULL, NULL, "print what happens, step by step"},
    {"history", 0, OPTION_TEXT, "FILE", NULL,
     "write what clients saw there (JSON lines, see docs/history.md)"},
    {"shrink", 0, OPTION_FLAG, NULL, NULL,
     "cut a failing plan down to the shortest that still fails, and write it to a file"},
    {"output", 0, OPTION_TEXT, "FILE", "by check and seed", "the file that --shrink writes"},
    {"world", 0, OPTION_TEXT, "FILE", NULL,
     "instead of seeds: simulate a day of the large world that FILE describes (YAML, see "
     "docs/scale.md), request by request; has no environment twin"},
    {"html", 0, OPTION_TEXT, "FILE", NULL, "with --world: write a page with pictures there"},
    {"csv", 0, OPTION_FLAG, NULL, NULL, "with --world: print CSV"},
    {"print-world", 0, OPTION_FLAG, NULL, NULL,
     "print a world file of all parameters and their defaults; with --world: of those of FILE"},
    {"plan", 0, OPTION_FLAG, NULL, NULL, "print the seed's plan (JSON) and do not run it"},
    {"replay", 0, OPTION_FLAG, NULL, NULL, "run the plans in files, or in directories of them"},
    {"plant", 0, OPTION_TEXT, "NAME", "none",
     "switch a planted bug on, in a build that has them (see docs/simulator.md)"},
    {"plants", 0, OPTION_FLAG, NULL, NULL,
     "search for each planted bug, and fail when one is not found"},
    {"tables", 0, OPTION_FLAG, NULL, NULL,
     "print what there is of faults, operations, checks, planted bugs and branches (Markdown)"},
    {0},
};

#define NAMES                                                                                      \
    "NAME is a region (`us-east`: its regiond and its replicator) or one process "                 \
    "(`regiond/us-east`, `replicator/us-east`, `routerd`, `controld`)."

#define ENDS                                                                                       \
    "A and B are regions, or one of them is `client:GEO` (clients at that place) or `client:*` "   \
    "(all clients)."

static const struct command all[] = {
    {"up",
     "The world",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "start a world",
     "Starts a region server and a replicator for each region, a router and a control plane, and "
     "prints where clients reach them: one address for all, where a client says by `Mec-Geo` "
     "where it is, and one for each region, where clients of that address are at that region. "
     "Without `--detach` it stays, shows what happens, and Ctrl-C ends the world; a second Ctrl-C "
     "kills it at once.\n\n"
     "What a world stored is there again at the next `up` of the same name.",
     up_options,
     "mecentral up  # five regions on http://127.0.0.1:8080\n"
     "mecentral up --regions 3 --port 0 --detach --ready-file world.json  # for tests\n"
     "mecentral -n shop up -f shop.yaml --slow-motion 10  # ten times slower, to watch"},
    {"down",
     "The world",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "end a world",
     "Ends all processes of the world, also when its control plane is gone. Data stays, unless "
     "`--purge` is given or the world is ephemeral.",
     down_options,
     "mecentral down\nmecentral -n shop down --purge  # and forget its data"},
    {"worlds",
     "The world",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "list all worlds",
     "",
     NULL,
     "mecentral worlds"},
    {"ps",
     "Looking",
     "",
     {NULL},
     0,
     0,
     COMMAND_CONTROLD,
     "list processes",
     "With state, pid, memory (proportional set size), restarts after crashes, and the version of "
     "the configuration that each runs by.",
     NULL,
     "mecentral ps\nmecentral --json ps  # for programs"},
    {"status",
     "Looking",
     "",
     {NULL},
     0,
     0,
     COMMAND_CONTROLD,
     "show how the world is",
     "Regions with positions, staleness and queues; health of each region as each client place "
     "sees it; links as configured and as measured; faults in force. Asks the processes "
     "themselves; who does not answer within 500 ms is shown so.",
     NULL,
     "mecentral status\nmecentral --json status"},
    {"logs",
     "Looking",
     "[NAME...]",
     {"names"},
     0,
     COMMAND_MANY,
     COMMAND_HERE,
     "show what processes log",
     NAMES " Without a name: all, in order of time.",
     logs_options,
     "mecentral logs routerd\nmecentral logs -f us-east  # go on as lines come"},
    {"explain",
     "Looking",
     "METHOD PATH",
     {"method", "path"},
     2,
     2,
     COMMAND_CONTROLD,
     "why would a request go where it goes",
     "",
     explain_options,
     "mecentral explain GET /v1/metadata/x --geo Paris\n"
     "mecentral explain PUT /v1/metadata/x --geo eu-west --user alice --consistency strong"},
    {"verify",
     "Looking",
     "",
     {NULL},
     0,
     0,
     COMMAND_CONTROLD,
     "check that all copies are equal",
     "Compares the content of all copies of each shard. Exit 0: equal; 1: they differ, or a copy "
     "could not be asked.",
     verify_options,
     "mecentral verify\nmecentral verify --wait 10s  # after healing"},
    {"audit",
     "Looking",
     "verify [REGION]",
     {"action", "region"},
     1,
     2,
     COMMAND_CONTROLD,
     "check that nobody has tampered with the audit chains",
     "Each region writes down who did what, and what was denied, in hash chains: one for each "
     "shard "
     "that it is home to, one for its queue. Reads them all, and holds them against the change "
     "logs and against the signed heads that the other regions keep. Names what was edited, "
     "removed, reordered, cut off or made anew, by region, chain and entry. A region whose disk "
     "was lost has begun a new chain, and that shows too. Exit 0: all is sound; 1: something was "
     "found; 2: nothing was found, but not all could be asked.",
     NULL,
     "mecentral audit verify\nmecentral audit verify us-east\nmecentral --json audit verify  # for "
     "programs"},
    {"doctor",
     "Looking",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "check the machine, and the world if it runs",
     "Each line says ok, warn or fail, and what to do. Exit 1 when something fails.",
     NULL,
     "mecentral doctor"},
    {"kill",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "kill processes at once (SIGKILL)",
     NAMES " They stay down until `start`.",
     NULL,
     "mecentral kill us-east  # lose a region\nmecentral kill replicator/eu-west controld"},
    {"pause",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "freeze processes (SIGSTOP)",
     NAMES,
     NULL,
     "mecentral pause regiond/eu-west"},
    {"resume",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "let frozen processes go on",
     NAMES,
     NULL,
     "mecentral resume regiond/eu-west"},
    {"stop",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "end processes in good order (SIGTERM; after 3 s SIGKILL)",
     NAMES,
     NULL,
     "mecentral stop us-east"},
    {"start",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "start processes that are down",
     NAMES " Returns when they serve.",
     NULL,
     "mecentral start us-east\nmecentral start controld  # it adopts the running processes"},
    {"restart",
     "Processes",
     "NAME...",
     {"names"},
     1,
     COMMAND_MANY,
     COMMAND_CONTROLD,
     "stop and start processes",
     NAMES,
     NULL,
     "mecentral restart routerd"},
    {"cut",
     "Faults",
     "A B",
     {"a", "b"},
     2,
     2,
     COMMAND_CONTROLD,
     "cut a link",
     ENDS " What is sent on a cut link hangs, as with TCP, until deadlines notice; with `--reset` "
          "connections break at once. Prints the fault's id.",
     cut_options,
     "mecentral cut us-east eu-west --for 30s\n"
     "mecentral cut client:eu-west us-east --one-way  # requests get lost, answers would not"},
    {"isolate",
     "Faults",
     "REGION",
     {"region"},
     1,
     1,
     COMMAND_CONTROLD,
     "cut all links of a region",
     "To the other regions and to all clients, both ways.",
     isolate_options,
     "mecentral isolate us-east --for 1m"},
    {"link",
     "Faults",
     "A B",
     {"a", "b"},
     2,
     2,
     COMMAND_CONTROLD,
     "change latency, jitter, loss or rate of a link",
     ENDS " Both directions, unless `--one-way` is given.",
     link_options,
     "mecentral link us-east eu-west --latency +100ms --jitter 20ms\n"
     "mecentral link eu-west ap-northeast --loss 1% --rate 10mbit --for 5m"},
    {"service",
     "Faults",
     "REGION/SERVICE",
     {"service"},
     1,
     1,
     COMMAND_CONTROLD,
     "take a service of a region down, let it fail or slow it down",
     "SERVICE is `auth`, `vault` or `metadata`. The region itself stays well: its other services "
     "go "
     "on, and the router goes round the one that is down where it may. What is sensitive, and the "
     "vault, needs `auth` too. A call that fails by `--errors` has had no effect. At least one of "
     "`--down`, `--errors` and `--latency`. Prints the fault's id.",
     service_options,
     "mecentral service us-east/metadata --down --for 1m  # writes wait in queues elsewhere\n"
     "mecentral service eu-west/auth --errors 10% --latency 200ms\n"
     "mecentral service us-east/metadata --latency 1s --operation metadata-put"},
    {"cache",
     "Faults",
     "REGION[/CACHE]",
     {"cache"},
     1,
     1,
     COMMAND_CONTROLD,
     "flush, disable or freeze caches of a region",
     "CACHE is `edge` (checked tokens), `regional` (records) or `service` (accounts and grants); "
     "without it all are meant. A frozen cache still drops what changes, so it never shows "
     "anything "
     "older than it should. Say one of `--flush`, `--disable` and `--freeze`; a flush happens once "
     "and needs no healing, of the others the fault's id is printed.",
     cache_options,
     "mecentral cache us-east --flush\n"
     "mecentral cache eu-west/regional --disable --for 30s"},
    {"faults",
     "Faults",
     "",
     {NULL},
     0,
     0,
     COMMAND_CONTROLD,
     "list faults in force",
     "",
     NULL,
     "mecentral faults"},
    {"heal",
     "Faults",
     "[ID]",
     {"id"},
     0,
     1,
     COMMAND_CONTROLD,
     "undo a fault, or all",
     "",
     NULL,
     "mecentral heal f3\nmecentral heal  # all"},
    {"keys",
     "Security",
     "[rotate [REGION]]",
     {"action", "region"},
     0,
     2,
     COMMAND_CONTROLD,
     "list the keys that sign tokens, or change them",
     "Without `rotate`: each key with its region, state and since when. With it: the region, or "
     "each "
     "one, makes a new key without downtime. It is `published` to all processes first, signs once "
     "all run by that, and the old key is `retiring`: it verifies until the last token that it "
     "signed has expired, and is refused everywhere after that. What is interrupted goes on when "
     "the process is back; asking again makes no second key.\n\n"
     "With `--retire-now` nobody is waited for: tokens of the old keys are refused at once, and "
     "their users log in again. Exit 2: it is not done yet, and goes on by itself.",
     keys_options,
     "mecentral keys\n"
     "mecentral keys rotate us-east\n"
     "mecentral keys rotate us-east --retire-now  # its key has leaked"},
    {"sim",
     "Simulation",
     "[FILE...]",
     {"files"},
     0,
     COMMAND_MANY,
     COMMAND_HERE,
     "simulate worlds from seeds, with faults, and check what must always hold",
     "Runs the daemons' own code in one process and in virtual time. A seed decides everything "
     "that happens to a world: who asks what and when, what breaks, all luck. A seed that fails "
     "fails each time, and what is printed says how to repeat it. FILE is for `--replay`. Needs no "
     "running world. Exit 0: nothing found; 1: a check failed; 2: interrupted before an answer.\n\n"
     "With `--world FILE` it is no test but a model: tens of regions, millions of users, a day of "
     "their requests as the sun goes round, drawn one by one while regions and links fail; the "
     "router's own code decides where each goes. `--seed` goes before the file's `seed`.",
     sim_options,
     "mecentral sim --minutes 2  # as many seeds as two minutes allow\n"
     "mecentral sim --seed 4711 --trace  # one seed, step by step\n"
     "mecentral sim --seeds 1..2000 --faults cut,power-cut --regions 3\n"
     "mecentral sim --seed 4711 --shrink  # a short plan that fails likewise\n"
     "mecentral sim --replay tests/simulation/regressions  # what failed once\n"
     "mecentral sim --world docs/worlds/sun.yaml --html sun.html  # a day of 30 regions"},
    {"model",
     "Simulation",
     "NAME [OPTIONS]",
     {"words"},
     0,
     COMMAND_WORDS,
     COMMAND_HERE,
     "answer what a designer asks before building: latency, routing, blast radius, cost",
     "Each model computes from parameters that are all documented and all yours to set, by a file "
     "or by options, and says what it assumes. It prints tables, JSON or CSV, and writes a page "
     "with pictures. `mecentral model --help` lists the models, `mecentral model NAME --help` the "
     "parameters of one; see docs/models.md. Needs no running world, but for `--against live`, "
     "which asks one the same and shows both.",
     NULL,
     "mecentral model latency  # where a request's time goes\n"
     "mecentral model latency --objective 100ms --html latency.html  # exit 1: it is missed\n"
     "mecentral model latency --print-params > mine.yaml  # a file to change and give to -f\n"
     "mecentral model latency --against live  # and what does the running world say?"},
    {"help",
     "Help",
     "[COMMAND]",
     {"command"},
     0,
     1,
     COMMAND_HERE,
     "explain a command",
     "",
     NULL,
     "mecentral help up"},
    {"version",
     "Help",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "print the version",
     "",
     NULL,
     "mecentral version"},
    {"manual",
     "Help",
     "",
     {NULL},
     0,
     0,
     COMMAND_HERE,
     "print the manual (Markdown)",
     "",
     NULL,
     "mecentral manual"},
    {"completion",
     "Help",
     "bash",
     {"shell"},
     1,
     1,
     COMMAND_HERE,
     "print a completion script for a shell",
     "",
     NULL,
     "source <(mecentral completion bash)"},
};

size_t commands_count(void)
{
    return sizeof all / sizeof all[0];
}

const struct command *commands_at(size_t index)
{
    assert(index < commands_count());
    return &all[index];
}

const struct command *commands_find(const char *name)
{
    for (size_t i = 0; i < commands_count(); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

const struct command_option *commands_global_options(void)
{
    return global_options;
}

const struct command_option *commands_option(const struct command_option *options, const char *name)
{
    for (; options && options->name; options++)
        if (strcmp(options->name, name) == 0)
            return options;
    return NULL;
}

bool commands_hides_global(const struct command_option *option)
{
    return commands_option(global_options, option->name) != NULL;
}

const char *commands_twin(const struct command_option *option, char *ret_name, size_t size)
{
    snprintf(ret_name, size, "MECENTRAL_%s", option->name);
    for (char *at = ret_name; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return ret_name;
}

int commands_check_value(const struct command_option *option, const char *text,
                         const char **ret_form)
{
    uint64_t number = 0;
    uint64_t last;
    uint32_t share;
    bool on;

    switch (option->kind) {
    case OPTION_FLAG:
        *ret_form = "true or false";
        return units_parse_switch(text, &on);
    case OPTION_TEXT:
        *ret_form = "some text";
        return *text == '\0' ? -EINVAL : 0;
    case OPTION_DURATION:
        *ret_form = "a duration such as 150ms or 2s";
        return units_parse_duration(text, &number);
    case OPTION_LATENCY:
        *ret_form = "a duration such as 150ms, or +150ms";
        return units_parse_duration(text + (*text == '+'), &number);
    case OPTION_RATE:
        *ret_form = "a rate such as 10mbit";
        return units_parse_rate(text, &number);
    case OPTION_SHARE:
        *ret_form = "a share such as 1%";
        return units_parse_share(text, &share);
    case OPTION_COUNT:
        *ret_form = "a whole number";
        return units_parse_count(text, &number);
    case OPTION_RANGE:
        *ret_form = "a range such as 1..2000";
        return units_parse_range(text, &number, &last);
    case OPTION_PORT:
        *ret_form = "a port from 0 to 65535";
        return units_parse_count(text, &number) != 0 || number > 65535 ? -EINVAL : 0;
    case OPTION_FACTOR:
        *ret_form = "a factor from 0.001 to 10000";
        return units_parse_factor(text, &number) != 0 || number < 1000 ||
                       number > UINT64_C(10000000000)
                   ? -EINVAL
                   : 0;
    }
    return -EINVAL;
}
