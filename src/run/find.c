/* Finding runs by the names of their directories. */
#define _GNU_SOURCE
#include "run/run_impl.h"
#include "run/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STAMP 15 /* letters of <date>-<time>; what follows is -2, -3, ... of runs in the same second */

const char *ml_run_root(void)
{
    const char *root = getenv("MOONLAB_RUNS");
    return root && *root ? root : "runs";
}

static bool has_file(const char *dir, const char *name)
{
    char        path[4096];
    struct stat about;
    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

bool ml_run_is(const char *dir)
{
    return dir && (has_file(dir, "run.json") || has_file(dir, "log"));
}

int ml_run_order(const char *a, const char *b)
{
    const char *at = strrchr(a, '/'), *bt = strrchr(b, '/');
    a = at ? at + 1 : a, b = bt ? bt + 1 : b;
    int order = strncmp(b, a, STAMP);
    if (order) return order;
    size_t n = strlen(a), m = strlen(b);
    return n != m ? (n < m) - (n > m) : strcmp(b, a); /* -10 comes after -9 */
}

/* --- listing ------------------------------------------------------------------------------------------------ */
struct ml_run_list {
    char **names;
    size_t n, capacity;
};

static int by_order(const void *a, const void *b)
{
    return ml_run_order(*(char *const *)a, *(char *const *)b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add(ml_run_list *list, const char *name)
{
    char **grown = mli_grown(list->names, &list->capacity, list->n + 1, sizeof *list->names);
    if (!grown) return false;
    list->names = grown;
    char *copy  = mli_copy(name);
    if (!copy) return false;
    list->names[list->n++] = copy;
    return true;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

ml_run_list *ml_run_list_open(const char *folder, bool runs)
{
    char         path[4096];
    ml_run_list *list = ml_realloc(NULL, 0, sizeof *list);
    if (!list) return NULL;
    *list    = (ml_run_list){ 0 };
    DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT && errno != ENOTDIR) {
        ml_fail("run: cannot look into '%s': %s", folder, strerror(errno));
        ml_run_list_close(list);
        return NULL;
    }
    bool good = true;
    for (struct dirent *entry; good && dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path) continue;
        if (runs ? has_file(path, "run.json") : is_folder(path)) good = add(list, entry->d_name);
    }
    if (dir) closedir(dir);
    if (!good) {
        ml_run_list_close(list);
        return NULL;
    }
    if (list->n > 1) qsort(list->names, list->n, sizeof *list->names, runs ? by_order : by_name);
    return list;
}

int ml_run_list_count(const ml_run_list *list)
{
    return list ? (int)list->n : 0;
}

const char *ml_run_list_name(const ml_run_list *list, int i)
{
    return i >= 0 && i < ml_run_list_count(list) ? list->names[i] : NULL;
}

void ml_run_list_close(ml_run_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++) mli_copy_free(list->names[i]);
    ml_realloc(list->names, list->capacity * sizeof *list->names, 0);
    ml_realloc(list, sizeof *list, 0);
}
