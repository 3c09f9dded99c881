/* moonlab export RUN --csv [FILE]: the metrics of a run as a table. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "moonlab/run.h"

/* The latest run of an experiment into dir; false when there is none. */
static bool find_latest(const char *name, char *dir, size_t dir_bytes)
{
    char folder[2048];
    if (snprintf(folder, sizeof folder, "%s/%s", ml_run_root(), name) >= (int)sizeof folder) return false;
    ml_run_list *list   = ml_run_list_open(folder, true);
    const char  *latest = ml_run_list_name(list, 0);
    bool         found  = latest && snprintf(dir, dir_bytes, "%s/%s", folder, latest) < (int)dir_bytes;
    ml_run_list_close(list);
    ml_error_clear();
    return found;
}

static bool copy_to_stdout(const char *path)
{
    FILE *in = fopen(path, "rb");
    char  bytes[16384];
    if (!in) return false;
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;) fwrite(bytes, 1, n, stdout);
    bool good = !ferror(in);
    fclose(in);
    return fflush(stdout) == 0 && !ferror(stdout) && good;
}

static int export_to_stdout(const char *dir)
{
    const char *folder = getenv("TMPDIR");
    char        path[4096];
    int         n = snprintf(path, sizeof path, "%s/moonlab-XXXXXX", folder && *folder ? folder : "/tmp");
    int         fd = n < (int)sizeof path ? mkstemp(path) : -1;
    if (fd < 0) {
        fprintf(stderr, "moonlab export: cannot write to '%s'\n", path);
        return FAILED;
    }
    close(fd);
    bool exported = ml_run_export_csv(dir, path), copied = exported && copy_to_stdout(path);
    unlink(path);
    if (!exported) fprintf(stderr, "moonlab export: %s\n", ml_error_message());
    return copied ? DONE : FAILED;
}

int command_export(int argc, char **argv)
{
    const char *name = NULL, *file = NULL;
    bool        csv = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--csv")) csv = true;
        else if (argv[i][0] == '-' && argv[i][1]) return usage_error("export", "unknown option '%s'", argv[i]);
        else if (csv && name && !file) file = argv[i];
        else if (!name) name = argv[i];
        else return usage_error("export", "'%s' is one word too many", argv[i]);
    }
    if (!name) return usage_error("export", "needs a run, as in moonlab export grokking --csv");
    if (!csv) return usage_error("export", "needs a format; there is --csv");
    char dir[4096], path[4200];
    if (ml_run_is(name)) snprintf(dir, sizeof dir, "%s", name);
    else if (!find_latest(name, dir, sizeof dir)) {
        fprintf(stderr, "moonlab export: '%s' is neither the directory of a run nor an experiment in '%s'\n", name, ml_run_root());
        return FAILED;
    }
    if (file && !strcmp(file, "-")) return export_to_stdout(dir);
    snprintf(path, sizeof path, "%s/metrics.csv", dir);
    if (!file) file = path;
    if (!ml_run_export_csv(dir, file)) {
        fprintf(stderr, "moonlab export: %s\n", ml_error_message());
        return FAILED;
    }
    puts(file);
    return DONE;
}
