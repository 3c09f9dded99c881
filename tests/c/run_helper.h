/* What the tests of files and runs share: a folder of their own, whole files as bytes. */
#ifndef RUN_HELPER_H
#define RUN_HELPER_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moonlab/base.h"

static char folder[256]; /* of the running test */

static inline void make_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/moonlab-test-XXXXXX", tmp && strlen(tmp) < 200 ? tmp : "/tmp");
    cr_assert(mkdtemp(folder));
}

static inline void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir) {
        struct dirent *entry;
        while ((entry = readdir(dir))) {
            char inner[4096];
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            struct stat about;
            if (lstat(inner, &about) == 0 && S_ISDIR(about.st_mode)) remove_tree(inner);
            else unlink(inner);
        }
        closedir(dir);
    }
    rmdir(path);
}

static inline void remove_folder(void)
{
    remove_tree(folder);
}

/* folder/name; one of four buffers, so that a few can be used at once */
static inline const char *in_folder(const char *name)
{
    static char paths[4][4096];
    static int  next;
    char       *path = paths[next++ % 4];
    snprintf(path, sizeof *paths, "%s/%s", folder, name);
    return path;
}

typedef struct bytes {
    char  *data; /* with a zero behind them */
    size_t n;
} bytes;

static inline bytes read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    bytes b = { .n = (size_t)ftell(f) };
    rewind(f);
    b.data = calloc(b.n + 1, 1);
    cr_assert(fread(b.data, 1, b.n, f) == b.n);
    fclose(f);
    return b;
}

static inline void put_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f, "cannot make %s", path);
    cr_assert(n == 0 || fwrite(data, 1, n, f) == n);
    fclose(f);
}

static inline int entries_in(const char *path)
{
    int  n   = 0;
    DIR *dir = opendir(path);
    cr_assert(dir, "cannot open %s", path);
    while (readdir(dir)) n++;
    closedir(dir);
    return n - 2; /* . and .. */
}

static inline bool contains(const char *text, const char *piece)
{
    return text && strstr(text, piece) != NULL;
}

#define expect_message(piece) cr_expect(contains(ml_error_message(), piece), "'%s' lacks '%s'", ml_error_message(), piece)

#endif
