/* Ctrl-C as a flag. The handler does what a handler may do: an atomic store, and on the second signal handing
 * over to the system's own reaction. */
#define _POSIX_C_SOURCE 200809L
#include "moonlab/run.h"

#include <signal.h>
#include <stdatomic.h>

#define N_SIGNALS 2

static const int        signals[N_SIGNALS] = { SIGINT, SIGTERM };
static struct sigaction before[N_SIGNALS];
static bool             taken[N_SIGNALS];
static int              depth; /* begins without their end */
static atomic_bool      flag;  /* a signal may come on any thread */

_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a signal handler may only use lock-free atomics");

static void on_signal(int number)
{
    if (!atomic_exchange(&flag, true)) return;
    /* Blocked until this handler returns; then the process ends as its parent expects to see. */
    signal(number, SIG_DFL);
    raise(number);
}

void ml_interrupt_begin(void)
{
    if (depth++ > 0) return;
    struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigemptyset(&ours.sa_mask);
    for (int i = 0; i < N_SIGNALS; i++) {
        taken[i] = sigaction(signals[i], NULL, &before[i]) == 0;
        /* Started in the background or by nohup: who ignored the signal for us does not want it. */
        if (taken[i] && before[i].sa_handler == SIG_IGN) taken[i] = false;
        if (taken[i]) taken[i] = sigaction(signals[i], &ours, NULL) == 0;
    }
}

bool ml_interrupted(void)
{
    return atomic_load_explicit(&flag, memory_order_relaxed);
}

void ml_interrupt_raise(void)
{
    atomic_store(&flag, true);
}

void ml_interrupt_end(void)
{
    if (depth == 0 || --depth > 0) return;
    for (int i = 0; i < N_SIGNALS; i++)
        if (taken[i]) sigaction(signals[i], &before[i], NULL);
    atomic_store(&flag, false);
}
