/* fuzz_main: a target without libFuzzer: runs the files that are given, and those in directories
 * that are given, so that what was found once is tried again by every build. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define FILE_SIZE_MAX (1024u * 1024u)

static size_t ran;

static int run_file(const char *path)
{
    static uint8_t buffer[FILE_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    size_t size;
    uint8_t *exact;

    if (!file)
        return -errno;
    size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    /* In memory of its own, so that a sanitizer sees what reads past it. */
    exact = malloc(size > 0 ? size : 1);
    if (!exact)
        return -ENOMEM;
    memcpy(exact, buffer, size);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    ran++;
    return 0;
}

static int run_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int error = 0;

    if (!directory)
        return -errno;
    while (error == 0 && (entry = readdir(directory)) != NULL) {
        char name[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        error = run_file(name);
    }
    closedir(directory);
    return error;
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        struct stat about;
        int error = stat(arguments[i], &about) != 0 ? -errno : 0;

        if (error == 0)
            error = S_ISDIR(about.st_mode) ? run_directory(arguments[i]) : run_file(arguments[i]);
        if (error != 0) {
            fprintf(stderr, "%s: %s\n", arguments[i], strerror(-error));
            return 2;
        }
    }
    fprintf(stderr, "%zu files\n", ran);
    return ran > 0 ? 0 : 2; /* a corpus that is not there proves nothing */
}
