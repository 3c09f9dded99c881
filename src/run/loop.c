/* The loop under way, as others see it and hold it up: a window has keys to pause, step and go on. All of it is atomic, so
 * that a step costs two stores, and whoever looks needs no lock. */
#define _POSIX_C_SOURCE 200809L
#include "moonlab/run.h"
#include "run/line.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAP 10000000L /* ns between two looks while it is held up; Ctrl-C ends one early */

static _Atomic(const void *) owner; /* of the outermost loop; loops inside are not counted */
static atomic_bool      running, paused, woken;
static atomic_int       allowed; /* steps that a paused loop may still take */
static _Atomic(int64_t) done, all;
static atomic_bool      failed;
static char             failure[400]; /* written before failed is set, and then not again in a process */

void ml_loop_begin(const void *who, int64_t total)
{
    const void *nobody = NULL;
    if (!atomic_compare_exchange_strong(&owner, &nobody, who)) return;
    atomic_store(&done, 0);
    atomic_store(&all, total);
    atomic_store(&allowed, 0);
    atomic_store(&paused, false);
    atomic_store(&woken, false);
    atomic_store(&failed, false);
    atomic_store(&running, true);
}

/* One of the steps that were allowed, if there are any. */
static bool take_one(void)
{
    int n = atomic_load(&allowed);
    while (n > 0)
        if (atomic_compare_exchange_weak(&allowed, &n, n - 1)) return true;
    return false;
}

double ml_loop_step(const void *who, int64_t step)
{
    double waited = 0;
    bool   again  = true;
    while (again) waited += ml_loop_wait(who, step, &again);
    return waited;
}

double ml_loop_wait(const void *who, int64_t step, bool *again)
{
    *again = false;
    if (atomic_load_explicit(&owner, memory_order_relaxed) == who) {
        atomic_store_explicit(&done, step, memory_order_relaxed);
        int64_t total = atomic_load_explicit(&all, memory_order_relaxed);
        if (total > 0 && step >= total) return 0; /* nothing left to hold up */
    }
    if (!atomic_load_explicit(&paused, memory_order_relaxed)) return 0;
    double          began = ml_clock();
    struct timespec nap   = { .tv_nsec = NAP };
    while (atomic_load(&paused) && !ml_interrupted() && !take_one() && !(*again = atomic_exchange(&woken, false)))
        nanosleep(&nap, NULL);
    return ml_clock() - began;
}

/* A word that comes while nobody waits brings the next pause back once, early: whoever is woken looks, and finds nothing. */
void ml_loop_wake(void)
{
    atomic_store(&woken, true);
}

void ml_loop_end(const void *who)
{
    if (atomic_load(&owner) != who) return;
    atomic_store(&running, false);
    atomic_store(&paused, false);
    atomic_store(&owner, NULL);
}

bool ml_loop_pause(bool pause)
{
    if (!atomic_load(&running)) return false;
    atomic_store(&allowed, 0);
    atomic_store(&paused, pause);
    return true;
}

bool ml_loop_advance(void)
{
    if (!atomic_load(&running)) return false;
    if (atomic_exchange(&paused, true)) atomic_fetch_add(&allowed, 1); /* at work: stops after the step under way */
    return true;
}

ml_loop ml_loop_look(void)
{
    return (ml_loop){ .running = atomic_load(&running), .paused = atomic_load(&paused), .step = atomic_load(&done),
                      .total = atomic_load(&all) };
}

void ml_loop_failed(const char *message)
{
    if (failure[0]) return; /* somebody may be reading it */
    size_t n = 0;
    for (; message[n] && n + 1 < sizeof failure; n++) failure[n] = (unsigned char)message[n] < ' ' ? ' ' : message[n];
    failure[n] = '\0';
    atomic_store(&failed, true);
}

/* --- in words ------------------------------------------------------------------------------------------- */
static void put_bytes(mli_line *l, double bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    int                      u       = 0;
    for (; bytes >= 1000 && u < 4; u++) bytes /= 1000;
    mli_line_put(l, "   %.*f %s", u < 2 || bytes >= 100 ? 0 : 1, bytes, units[u]);
}

void ml_loop_watch(ml_loop_watcher *w, char *text, size_t room)
{
    if (atomic_load(&failed)) {
        snprintf(text, room, ML_LOOP_FAILED "%s", failure);
        return;
    }
    ml_loop  now  = ml_loop_look();
    double   time = ml_clock();
    mli_rate rate = { w->steps, w->seconds, w->time, w->step };
    if (w->time <= 0 || now.paused || now.step < w->step)
        rate = (mli_rate){ now.step < w->step ? 0 : w->steps, now.step < w->step ? 0 : w->seconds, time, now.step };
    else
        mli_rate_measure(&rate, time, now.step);
    *w = (ml_loop_watcher){ rate.steps, rate.seconds, rate.time, rate.step };
    mli_line l      = { .used = 0 };
    double   steps  = mli_rate_of(&rate);
    mli_line_put(&l, "%sstep %lld", now.paused ? "paused at " : "", (long long)now.step);
    if (now.total > 0) mli_line_put(&l, " of %lld", (long long)now.total);
    if (now.running && steps > 0) {
        mli_line_put(&l, " ");
        mli_line_rate(&l, steps);
        if (now.total > now.step) {
            mli_line_put(&l, "   ");
            mli_line_duration(&l, (double)(now.total - now.step) / steps);
            mli_line_put(&l, " left");
        }
    }
    put_bytes(&l, (double)ml_memory().live);
    if (!now.running) mli_line_put(&l, "   ended");
    size_t n = l.used < room ? l.used : room - 1;
    memcpy(text, l.bytes, n);
    text[n] = '\0';
}
