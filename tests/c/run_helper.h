/* What the tests of files and runs share: a folder of their own, whole files as bytes, a run in that folder. */
#ifndef RUN_HELPER_H
#define RUN_HELPER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moonlab/run.h"
#include "support.h"

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
            cr_assert_lt(snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name), (int)sizeof inner);
            struct stat about;
            if (lstat(inner, &about) == 0 && S_ISDIR(about.st_mode))
                remove_tree(inner);
            else
                unlink(inner);
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

/* --- runs ------------------------------------------------------------------------------------------- */
static size_t live_before;

static inline void begin_run_test(void)
{
    make_folder();
    unsetenv("MOONLAB_RUNS");
    live_before = ml_memory().live;
}

static inline void end_run_test(void)
{
    cr_expect_eq(ml_memory().live, live_before, "%zu bytes leak", ml_memory().live - live_before);
    remove_folder();
}

static inline ml_run *start(void)
{
    ml_run *run = ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .seed = 1 });
    cr_assert(run, "%s", ml_error_message());
    return run;
}

static inline bool log1(ml_run *run, int64_t step, const char *name, double value)
{
    return ml_run_log(run, step, &name, &value, 1);
}

/* A file in the directory of a run; valid until the next call. */
static inline const char *in_run(const ml_run *run, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", ml_run_dir(run), name);
    return path;
}

/* Reads all records; their number. Each is looked at to its last byte, so that the sanitizers see what they point to. */
static inline int count_records(const char *dir, bool *torn)
{
    ml_run_reader *reader = ml_run_open(dir);
    ml_record      record;
    int            n = 0;
    cr_assert(reader, "%s", ml_error_message());
    for (; ml_run_next(reader, &record); n++) {
        size_t seen = strlen(record.text) + strlen(record.detail);
        for (int i = 0; i < record.n; i++) seen += strlen(record.names[i]) + (record.values[i] > 0);
        cr_assert(seen < (size_t)1 << 30);
    }
    cr_expect_not(ml_run_next(reader, &record), "the end stays the end");
    if (torn) *torn = ml_run_torn(reader);
    ml_run_close(reader);
    return n;
}

#define expect_message(piece)                                                                                \
    cr_expect(contains(ml_error_message(), piece), "'%s' lacks '%s'", ml_error_message(), piece)

#endif
