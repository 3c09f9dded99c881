/* support.h - what every C test stands on: Criterion, and a check of a failure's message. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "moonlab/base.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static inline bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

/* What hangs, or reads all points for each pixel, takes many times as long as the seconds allowed. Valgrind has all the time. */
static inline bool is_quick(double began, double seconds)
{
    return ml_clock() - began < seconds || under_valgrind();
}

/* The call fails (NULL or false) and its message holds the wanted words; both are shown when not. */
#define expect_fails(call, words)                                                                             \
    do {                                                                                                      \
        ml_error_clear();                                                                                     \
        cr_expect(!(call), "this succeeded: %s", #call);                                                      \
        cr_expect(strstr(ml_error_message(), words), "%s says '%s', and not '%s'", #call, ml_error_message(), \
                  words);                                                                                     \
        ml_error_clear();                                                                                     \
    } while (0)

#endif
