/* http_rtt: measure HTTP/1.1 round trips, one request at a time on one kept-alive connection.
 *
 * A plain blocking client, so that what it adds is a system call and a wake-up: what it shows is
 * what a client would feel, to be laid beside what a link was configured to. It asks for short
 * turns, so that who computes beside it delays it as little as a client on a machine of its own.
 * Loopback only. */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/live_turns.h"

#define EXIT_FAILED      1
#define EXIT_USAGE       64
#define EXIT_UNREACHABLE 69

#define COUNT_MAX          1000000L
#define PAUSE_US_MAX       60000000L
#define REQUEST_BYTES_MAX  16384u
#define RESPONSE_BYTES_MAX (1024u * 1024)
#define TIMEOUT_S          60

struct options {
    const char *url;
    struct sockaddr_storage address;
    socklen_t address_size;
    char request[REQUEST_BYTES_MAX];
    size_t request_size;
    long count;
    long pause_us;
    bool json;
};

static const char help[] =
    "usage: http_rtt --url http://127.0.0.1:PORT/PATH [OPTION]...\n"
    "Measure HTTP round trips, one GET at a time on one connection. Loopback only.\n"
    "\n"
    "  --url URL        http, host 127.x.y.z, localhost or [::1], with a port\n"
    "  --header 'K: V'  send this header; may be repeated\n"
    "  --count N        how many requests (100; at most 1000000)\n"
    "  --pause-us U     wait between requests (0; at most 60000000)\n"
    "  --json           print one JSON object\n"
    "  --help           print this\n"
    "\n"
    "Exit: 0 measured, 1 an answer was no 2xx or no HTTP, 64 usage, 69 not reachable.\n";

static _Noreturn void __attribute__((format(printf, 2, 3))) die(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("http_rtt: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(status == EXIT_USAGE ? "; see --help\n" : "\n", stderr);
    va_end(arguments);
    exit(status);
}

/* ---- the command line ---- */

static long parse_number(const char *option, const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end != '\0' || number < least || number > most)
        die(EXIT_USAGE, "--%s: '%s' is not a number from %ld to %ld", option, text, least, most);
    return number;
}

static void __attribute__((format(printf, 2, 3)))
add(struct options *options, const char *format, ...)
{
    size_t room = sizeof(options->request) - options->request_size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(options->request + options->request_size, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= room)
        die(EXIT_USAGE, "the request is longer than %u bytes", REQUEST_BYTES_MAX);
    options->request_size += (size_t)size;
}

/* Printable ASCII; so it can stand in a request and in JSON. */
static bool is_plain(const char *text, bool spaces)
{
    for (const char *c = text; *c; c++)
        if (*c < (spaces ? 0x20 : 0x21) || *c >= 0x7f)
            return false;
    return true;
}

/* A name is never looked up: what is measured is this machine. */
static bool take_address(struct options *options, const char *host, uint16_t port)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&options->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&options->address;
    if (strcmp(host, "[::1]") == 0) {
        *six = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        options->address_size = sizeof(*six);
        return true;
    }
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    options->address_size = sizeof(*four);
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    return inet_pton(AF_INET, host, &four->sin_addr) == 1 &&
           ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static void take_url(struct options *options, const char *url)
{
    static const char scheme[] = "http://";
    char authority[64];

    if (strncmp(url, scheme, strlen(scheme)) != 0 || !is_plain(url, false) || strpbrk(url, "\"\\#"))
        die(EXIT_USAGE, "--url: '%s' is no http:// URL", url);
    const char *rest = url + strlen(scheme);
    size_t size = strcspn(rest, "/?");
    if (size >= sizeof(authority))
        die(EXIT_USAGE, "--url: '%s' has too long a host", url);
    memcpy(authority, rest, size);
    authority[size] = '\0';

    char *colon = strrchr(authority, ':');
    if (!colon || colon[1] < '0' || colon[1] > '9')
        die(EXIT_USAGE, "--url: '%s' names no port", url);
    uint16_t port = (uint16_t)parse_number("url", colon + 1, 1, 65535);
    *colon = '\0';
    if (!take_address(options, authority, port))
        die(EXIT_USAGE, "--url: '%s' is not on the loopback", authority);

    options->url = url;
    options->request_size = 0;
    add(options, "GET %s%s HTTP/1.1\r\nHost: %s:%u\r\n", rest[size] == '/' ? "" : "/", rest + size,
        authority, port);
}

static void take_header(struct options *options, const char *header)
{
    const char *colon = strchr(header, ':');
    if (!colon || colon == header || strcspn(header, " \t") < (size_t)(colon - header) ||
        !is_plain(header, true))
        die(EXIT_USAGE, "--header: '%s' is not 'Name: value'", header);
    add(options, "%s\r\n", header);
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option longs[] = {
        {"url", required_argument, NULL, 'u'},
        {"header", required_argument, NULL, 'H'},
        {"count", required_argument, NULL, 'c'},
        {"pause-us", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char **headers = calloc((size_t)argc, sizeof(*headers));
    int option, header_count = 0;
    if (!headers)
        die(EXIT_FAILED, "out of memory");

    ret_options->count = 100;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'u':
            take_url(ret_options, optarg);
            break;
        case 'H': /* behind the request line, wherever --url stands */
            headers[header_count++] = optarg;
            break;
        case 'c':
            ret_options->count = parse_number("count", optarg, 1, COUNT_MAX);
            break;
        case 'p':
            ret_options->pause_us = parse_number("pause-us", optarg, 0, PAUSE_US_MAX);
            break;
        case 'j':
            ret_options->json = true;
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long() has said what is wrong */
            fputs("http_rtt: see --help\n", stderr);
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc)
        die(EXIT_USAGE, "'%s' is no option", argv[optind]);
    if (!ret_options->url)
        die(EXIT_USAGE, "--url is missing");
    for (int i = 0; i < header_count; i++)
        take_header(ret_options, headers[i]);
    add(ret_options, "\r\n");
    free(headers);
}

/* ---- the connection ---- */

struct connection {
    int socket;
    size_t size; /* of what has been received and not used */
    char bytes[RESPONSE_BYTES_MAX + 1];
};

static void connection_open(struct connection *connection, const struct options *options)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    const int yes = 1;
    connection->size = 0;
    connection->socket = socket(options->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A request is one write; without this a second one could wait for an acknowledgement. */
    if (connection->socket < 0 ||
        setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) ||
        setsockopt(connection->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
        setsockopt(connection->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) ||
        connect(connection->socket, (const struct sockaddr *)&options->address,
                options->address_size))
        die(EXIT_UNREACHABLE, "%s: %s", options->url, strerror(errno));
}

static void send_all(int socket, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            die(EXIT_UNREACHABLE, "send: %s", strerror(errno));
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void receive_more(struct connection *connection)
{
    size_t room = RESPONSE_BYTES_MAX - connection->size;
    ssize_t got;
    if (room == 0)
        die(EXIT_FAILED, "an answer is longer than %u bytes", RESPONSE_BYTES_MAX);
    do
        got = recv(connection->socket, connection->bytes + connection->size, room, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        die(EXIT_UNREACHABLE, "no answer within %d s", TIMEOUT_S);
    if (got < 0)
        die(EXIT_UNREACHABLE, "receive: %s", strerror(errno));
    if (got == 0)
        die(EXIT_UNREACHABLE, "the server closed the connection");
    connection->size += (size_t)got;
    connection->bytes[connection->size] = '\0';
}

/* The value of header @name in @head, which ends in an empty line; NULL when it is not there. */
static const char *find_header(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r';
         line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':')
            return line + 2 + size + 1 + strspn(line + 2 + size + 1, " \t");
    return NULL;
}

static size_t body_size(const char *head, int status)
{
    const char *text = find_header(head, "Content-Length");
    if (status == 204)
        return 0;
    if (!text || *text < '0' || *text > '9')
        die(EXIT_FAILED, "an answer has no Content-Length");
    unsigned long size = strtoul(text, NULL, 10);
    if (size > RESPONSE_BYTES_MAX)
        die(EXIT_FAILED, "an answer is longer than %u bytes", RESPONSE_BYTES_MAX);
    return size;
}

/* Read one whole answer. */
static void receive_answer(struct connection *connection)
{
    const char *end;
    int status;
    while (connection->bytes[connection->size] = '\0',
           (end = strstr(connection->bytes, "\r\n\r\n")) == NULL)
        receive_more(connection);
    if (sscanf(connection->bytes, "HTTP/1.1 %3d", &status) != 1)
        die(EXIT_FAILED, "that is not HTTP/1.1");

    size_t head_size = (size_t)(end - connection->bytes) + 4;
    size_t size = head_size + body_size(connection->bytes, status);
    while (connection->size < size)
        receive_more(connection);
    if (status < 200 || status > 299)
        die(EXIT_FAILED, "status %d: %.*s", status, (int)(size - head_size),
            connection->bytes + head_size);
    if (connection->size > size)
        die(EXIT_FAILED, "more came than was asked for");
    connection->size = 0;
}

/* ---- measuring ---- */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void measure(const struct options *options, double *ret_round_trips_ms)
{
    static struct connection connection;
    connection_open(&connection, options);
    for (long i = 0; i < options->count; i++) {
        if (i > 0 && options->pause_us > 0)
            usleep((useconds_t)options->pause_us);
        double start_ms = now_ms();
        send_all(connection.socket, options->request, options->request_size);
        receive_answer(&connection);
        ret_round_trips_ms[i] = now_ms() - start_ms;
    }
    close(connection.socket);
}

static int compare(const void *a, const void *b)
{
    double ms_a = *(const double *)a, ms_b = *(const double *)b;
    return (ms_a > ms_b) - (ms_a < ms_b);
}

/* By nearest rank: a value that was measured, never one in between. */
static double percentile(const double *sorted, long count, long percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

static void report(const struct options *options, double *round_trips_ms)
{
    long count = options->count;
    qsort(round_trips_ms, (size_t)count, sizeof(*round_trips_ms), compare);
    double median = percentile(round_trips_ms, count, 50);
    double p90 = percentile(round_trips_ms, count, 90);
    double p99 = percentile(round_trips_ms, count, 99);
    double min = round_trips_ms[0], max = round_trips_ms[count - 1];
    if (options->json)
        printf("{\"url\": \"%s\", \"count\": %ld, \"median_ms\": %.3f, \"p90_ms\": %.3f, "
               "\"p99_ms\": %.3f, \"min_ms\": %.3f, \"max_ms\": %.3f}\n",
               options->url, count, median, p90, p99, min, max);
    else
        printf("%ld round trips in ms: median %.3f  p90 %.3f  p99 %.3f  min %.3f  max %.3f\n",
               count, median, p90, p99, min, max);
}

int main(int argc, char **argv)
{
    static struct options options;

    parse(argc, argv, &options);
    double *round_trips_ms = calloc((size_t)options.count, sizeof(*round_trips_ms));
    if (!round_trips_ms)
        die(EXIT_FAILED, "out of memory");
    live_turns_short();
    measure(&options, round_trips_ms);
    report(&options, round_trips_ms);
    free(round_trips_ms);
    return EXIT_SUCCESS;
}
