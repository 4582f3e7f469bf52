#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_control.h"
#include "common/live_log.h"

#define EXIT_USAGE 64

static void print_usage(FILE *to, const char *program, const char *what)
{
    fprintf(to,
            "Usage: %s --name NAME --directory DIR --control SOCKET\n"
            "%s\n\n"
            "  --name NAME        which process of the world this is, e.g. regiond/us-east\n"
            "  --directory DIR    what it owns: its configuration and its data\n"
            "  --control SOCKET   where controld listens\n"
            "  --help, --version\n\n"
            "controld starts it; nobody needs to by hand.\n",
            program, what);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void live_options_parse(int argc, char **argv, const char *what, struct live_options *ret_options)
{
    static const struct option known[] = {
        {"name", required_argument, NULL, 'n'},    {"directory", required_argument, NULL, 'd'},
        {"control", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},       {0},
    };
    const char *program = base_name(argv[0]);
    struct live_options options = {0};
    const char *slash;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'n':
            options.name = optarg;
            break;
        case 'd':
            options.directory = optarg;
            break;
        case 'c':
            options.control = optarg;
            break;
        case 'h':
            print_usage(stdout, program, what);
            exit(0);
        case 'v':
            printf("%s (MeCentral) %s\n", program, MEC_VERSION);
            exit(0);
        default: /* getopt has said what it does not like */
            print_usage(stderr, program, what);
            exit(EXIT_USAGE);
        }
    }
    if (!options.name || !options.directory || !options.control || optind < argc) {
        print_usage(stderr, program, what);
        exit(EXIT_USAGE);
    }
    slash = strchr(options.name, '/');
    options.region = slash ? slash + 1 : NULL;
    live_log_name(options.name);
    *ret_options = options;
}
