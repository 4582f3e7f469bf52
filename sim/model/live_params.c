#include "sim/model/live_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "control/text.h"

static int read_file(const char *path, uint8_t **ret_data, size_t *ret_size, char **ret_error)
{
    int error = live_files_read(path, YAML_TREE_SIZE_MAX, ret_data, ret_size);

    if (error == -EFBIG)
        *ret_error = text_format("%s: larger than 1 MiB", path);
    else if (error != 0)
        *ret_error = text_format("cannot read %s: %s", path, strerror(-error));
    return error == 0 ? 0 : -EINVAL;
}

int live_params_read(struct params *params, const char *file, char **ret_error)
{
    uint8_t *data;
    size_t size;

    if (read_file(file, &data, &size, ret_error) != 0)
        return -EINVAL;
    int error = params_read(params, file, (const char *)data, size, ret_error);
    free(data);
    return error;
}

static char *beside(const char *file, const char *name)
{
    const char *slash = file ? strrchr(file, '/') : NULL;

    if (*name == '/' || !slash)
        return memory_text(name);
    return text_format("%.*s/%s", (int)(slash - file), file, name);
}

int live_params_attach(struct params *params, const char *file, char **ret_error)
{
    for (size_t i = 0; i < params_count(params); i++) {
        uint8_t *data;
        size_t size;
        if (params_spec(params, i)->kind != PARAMS_FILE || !*params_text(params, i))
            continue;
        char *path = beside(params_from_file(params, i) ? file : NULL, params_text(params, i));
        int error = read_file(path, &data, &size, ret_error);
        free(path);
        if (error != 0)
            return error;
        params_attach(params, i, (const char *)data, size);
        free(data);
    }
    return 0;
}
