/* params_internal: what the files of params share. */

#ifndef MEC_PARAMS_INTERNAL_H
#define MEC_PARAMS_INTERNAL_H

#include "sim/model/params.h"

enum params_origin { PARAMS_FROM_TABLE, PARAMS_FROM_FILE, PARAMS_FROM_OPTION, PARAMS_FROM_TWIN };

struct params_value {
    enum params_origin origin;
    size_t line; /* in the file */
    char *text;  /* as somebody wrote it; NULL for a tree, and for what must still be given */
    double number;
    struct yaml_tree *root;       /* owned: a tree that is a text of its own */
    const struct yaml_tree *tree; /* @root, or a part of the file's */
    char *content;                /* of a file */
    size_t content_size;
};

struct params {
    const struct params_spec *specs;
    size_t count;
    struct params_value *values;
    struct yaml_tree *file;
    const char *printed_by;
    char **names; /* of texts that trees were read from */
    size_t name_count;
};

#endif
