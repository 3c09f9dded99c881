#define _GNU_SOURCE
#include "base/plugin.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* "/a/bin/moonlab" -> "/a/bin"; false without a folder */
static bool cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash) return false;
    *slash = '\0';
    return true;
}

/* The folder of the program or module that this code was linked into. */
static bool folder_of_this(char folder[PATH_BYTES])
{
    static const char here_is = 0;
    Dl_info           here;
    if (!dladdr(&here_is, &here) || !here.dli_fname) return false;
    snprintf(folder, PATH_BYTES, "%s", here.dli_fname);
    return cut_name(folder);
}

/* A program that was found through PATH knows itself by its bare name, so the kernel is asked as well. */
static bool folder_of_program(char folder[PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_BYTES - 1);
    if (n <= 0) return false;
    folder[n] = '\0';
    return cut_name(folder);
}

static void *open_at(const char *folder, const char *below, const char *name, char *why, size_t why_bytes)
{
    char path[PATH_BYTES + 128];
    snprintf(path, sizeof path, "%s%s/moonlab_%s.so", folder, below, name);
    if (access(path, R_OK) != 0) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(why, why_bytes, "%s", dlerror());
    return library;
}

void *mli_plugin_entry(const char *name, const char *entry, char *why, size_t why_bytes)
{
    char  folder[PATH_BYTES];
    void *library = NULL;
    why[0]        = '\0';
    if (folder_of_this(folder)) library = open_at(folder, "", name, why, why_bytes);
    if (!library && folder_of_this(folder)) library = open_at(folder, "/../lib/moonlab", name, why, why_bytes);
    if (!library && folder_of_program(folder)) library = open_at(folder, "/../lib/moonlab", name, why, why_bytes);
    if (!library) library = open_at(MOONLAB_PLUGIN_FOLDER, "", name, why, why_bytes);
    if (!library) {
        if (!why[0])
            snprintf(why, why_bytes, "moonlab_%s.so is missing; its place is beside this program or module, or in ../lib/moonlab from there", name);
        return NULL;
    }
    void *found = dlsym(library, entry);
    if (!found) snprintf(why, why_bytes, "the moonlab_%s.so found is not of this build", name);
    return found;
}
