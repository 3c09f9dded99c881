/* Finds and loads LAPACK once, at the first factorisation. */
#include "ops/lapack.h"

#include "base/plugin.h"
#include "ops/op.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t    once = PTHREAD_ONCE_INIT;
static const mli_lapack *lapack;
static char              why_not[1024];

static void load(void)
{
    mli_lapack_entry *start;
    *(void **)&start = mli_plugin_entry("lapack", MLI_LAPACK_ENTRY, why_not, sizeof why_not);
    if (!start) return;
    lapack = start(ml_block_take, ml_block_give);
    if (strcmp(lapack->version, ML_VERSION) == 0) return;
    lapack = NULL;
    snprintf(why_not, sizeof why_not, "the moonlab_lapack.so found is not of this build");
}

const mli_lapack *mli_lapack_find(const char *op)
{
    pthread_once(&once, load);
    return lapack ? lapack : ml_fail("%s: needs LAPACK, which is not there: %s", op, why_not);
}
