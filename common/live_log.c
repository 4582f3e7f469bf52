#include "common/live_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048

static char process_name[64] = "mecentral";
static enum live_log_level least_level = LIVE_LOG_INFO;

void live_log_name(const char *process)
{
    snprintf(process_name, sizeof(process_name), "%s", process);
}

void live_log_level(enum live_log_level least)
{
    least_level = least;
}

static const char *level_name(enum live_log_level level)
{
    static const char *const names[] = {
        [LIVE_LOG_DEBUG] = "debug",
        [LIVE_LOG_INFO] = "info",
        [LIVE_LOG_WARN] = "warn",
        [LIVE_LOG_ERROR] = "error",
    };

    return names[level];
}

static size_t print_prefix(char *line, size_t size, enum live_log_level level)
{
    struct timespec now;
    struct tm utc;
    size_t length;
    int added;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    added = snprintf(line + length, size - length, ".%03ldZ %s %s ", now.tv_nsec / 1000000,
                     process_name, level_name(level));
    return length + (size_t)added;
}

/* Text from outside must not be able to forge a second line, or play with a terminal. */
static void make_harmless(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

void live_log(enum live_log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    size_t length;
    va_list arguments;

    if (level < least_level)
        return;
    length = print_prefix(line, sizeof(line), level);
    va_start(arguments, format);
    vsnprintf(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    make_harmless(line);

    /* One write a line, so that lines of several writers to one file do not mix. A log that cannot
     * be written is no reason to stop serving. */
    length = strlen(line);
    line[length] = '\n';
    if (write(STDERR_FILENO, line, length + 1) < 0)
        return;
}
