#include "sim/model/live_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "control/text.h"

/* On error *@ret_why is new. */
static int read_file(const char *path, uint8_t **ret_data, size_t *ret_size, char **ret_why)
{
    int error = live_files_read(path, YAML_TREE_SIZE_MAX, ret_data, ret_size);

    if (error == -EFBIG)
        *ret_why = text_format("%s: larger than 1 MiB", path);
    else if (error != 0)
        *ret_why = text_format("cannot read %s: %s", path, strerror(-error));
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

static int attach(struct params *params, size_t index, const char *file, char **ret_error)
{
    uint8_t *data;
    size_t size;
    char *why;
    char *path = beside(params_from_file(params, index) ? file : NULL, params_text(params, index));
    int error = read_file(path, &data, &size, &why);

    free(path);
    if (error != 0) {
        /* What is to be mended is the line that names it. */
        params_error(params, index, ret_error, "%s", why);
        free(why);
        return error;
    }
    params_attach(params, index, (const char *)data, size);
    free(data);
    return 0;
}

int live_params_attach(struct params *params, const char *file, char **ret_error)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < params_count(params); i++)
        if (params_spec(params, i)->kind == PARAMS_FILE && *params_text(params, i))
            error = attach(params, i, file, ret_error);
    return error;
}
