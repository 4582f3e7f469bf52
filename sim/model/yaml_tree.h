/* yaml_tree: a YAML text as a tree of maps, lists and scalars that know where they stand.
 *
 * Parameter files hold parts whose shape is the model's own business (scenarios, users by place),
 * so nothing here knows of any schema: who reads a node says what is wrong with it, by
 * yaml_tree_error(), and the message names file, line and key. Refused for everybody: aliases,
 * tags, several documents, doubled keys, keys that are no short plain text, deep nesting, large
 * texts. */

#ifndef MEC_YAML_TREE_H
#define MEC_YAML_TREE_H

#include <stddef.h>

#define YAML_TREE_SIZE_MAX  (1024u * 1024u)
#define YAML_TREE_DEPTH_MAX 16
#define YAML_TREE_KEY_MAX   200 /* bytes */

enum yaml_tree_kind { YAML_TREE_EMPTY, YAML_TREE_SCALAR, YAML_TREE_LIST, YAML_TREE_MAP };

struct yaml_tree {
    enum yaml_tree_kind kind;
    const char *file; /* for messages; borrowed from whoever had it read */
    size_t line;      /* 1 is the first */
    char *path;       /* "scenarios.checkout.stages[2]"; "" for the whole text */
    char *key;        /* its name in the map that it stands in; NULL elsewhere */
    char *text;       /* a scalar's; NULL for others. A plain null or nothing is EMPTY */
    struct yaml_tree *children;
    size_t count;
};

/* Read @text. @file must outlive the result, which the caller releases with yaml_tree_free(). On
 * error *@ret_error is a new string, "FILE:LINE: what is wrong". Errors: -EINVAL. */
int yaml_tree_read(const char *file, const char *text, size_t size, struct yaml_tree **ret_tree,
                   char **ret_error);
void yaml_tree_free(struct yaml_tree *tree);

/* The value of @key in a map; NULL when there is none, or @tree is no map. */
const struct yaml_tree *yaml_tree_find(const struct yaml_tree *tree, const char *key);

/* "FILE:LINE: PATH: " and what is wrong, as a new string in *@ret_error. Returns -EINVAL. */
int yaml_tree_error(const struct yaml_tree *tree, char **ret_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fail unless @tree is a map all of whose keys stand in @keys (the last of them NULL): an unknown
 * key is told with the nearest known one. Errors: -EINVAL, with a new *@ret_error. */
int yaml_tree_check_keys(const struct yaml_tree *tree, const char *const *keys, char **ret_error);

#endif
