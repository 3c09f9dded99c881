/* Pausing, stepping and going on with a loop from another thread. */
#define _DEFAULT_SOURCE
#include "moonlab/run.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 20.0

#define WAIT_UNTIL(condition)                                                                                \
    do {                                                                                                     \
        double began_ = ml_clock();                                                                          \
        while (!(condition) && ml_clock() - began_ < PATIENCE) usleep(2000);                                 \
        cr_assert(condition, "not within %g seconds: %s", PATIENCE, #condition);                             \
    } while (0)

typedef struct worker {
    pthread_t     thread;
    int64_t       total;
    atomic_llong  step;
    atomic_bool   ended;
    double        waited;
} worker;

/* As run:steps does it: asks before every step, and once more after the last. */
static void *work(void *at)
{
    worker *w = at;
    for (int64_t done = 0;; done++) {
        w->waited += ml_loop_step(w, done);
        if (done == w->total || ml_interrupted()) break;
        usleep(500);
        atomic_store(&w->step, done + 1);
    }
    ml_loop_end(w);
    atomic_store(&w->ended, true);
    return NULL;
}

static void start(worker *w, int64_t total)
{
    memset(w, 0, sizeof *w);
    w->total = total;
    ml_interrupt_begin();
    ml_loop_begin(w, total);
    cr_assert(pthread_create(&w->thread, NULL, work, w) == 0);
}

static void join(worker *w)
{
    WAIT_UNTIL(atomic_load(&w->ended));
    pthread_join(w->thread, NULL);
    ml_interrupt_end();
}

/* The step at which it stands still; 0 when it does not. */
static long long standing(worker *w)
{
    long long before = -1, now = atomic_load(&w->step);
    for (int i = 0; i < 200 && before != now; i++) {
        before = now;
        usleep(60000);
        now = atomic_load(&w->step);
    }
    return before == now ? now : 0;
}

Test(loop, pause_one_step_and_on)
{
    worker w;
    start(&w, 100000);
    WAIT_UNTIL(atomic_load(&w.step) > 3);
    cr_expect(ml_loop_pause(true));
    long long at = standing(&w);
    cr_expect(at > 0 && at < 100000, "it stands");
    ml_loop now = ml_loop_look();
    cr_expect(now.running && now.paused && now.step == at && now.total == 100000, "%lld", (long long)now.step);
    for (int i = 1; i <= 3; i++) {
        cr_expect(ml_loop_advance());
        WAIT_UNTIL(atomic_load(&w.step) == at + i);
    }
    cr_expect_eq(standing(&w), at + 3, "three steps and no more");
    cr_expect(ml_loop_pause(false));
    WAIT_UNTIL(atomic_load(&w.step) > at + 10);
    cr_expect(ml_loop_advance(), "one at work stops");
    cr_expect(standing(&w) > 0);
    ml_interrupt_raise();
    join(&w);
    cr_expect(w.waited > 0.1, "the waiting is told: %g s", w.waited);
    cr_expect_not(ml_loop_look().running);
    cr_expect_not(ml_loop_pause(true), "nothing to pause");
    cr_expect_not(ml_loop_advance());
}

/* Work that looks at something in a pause, whenever it is woken. */
static atomic_int looks;

static void *work_and_look(void *at)
{
    worker *w = at;
    for (int64_t done = 0; !ml_interrupted(); done++) {
        bool woken;
        do {
            w->waited += ml_loop_wait(w, done, &woken);
            if (woken) atomic_fetch_add(&looks, 1);
        } while (woken);
        usleep(500);
        atomic_store(&w->step, done + 1);
    }
    ml_loop_end(w);
    atomic_store(&w->ended, true);
    return NULL;
}

Test(loop, a_paused_one_is_woken_and_sleeps_again)
{
    worker w = { .total = 0 }; /* without end */
    ml_interrupt_begin();
    ml_loop_begin(&w, 0);
    cr_assert(pthread_create(&w.thread, NULL, work_and_look, &w) == 0);
    WAIT_UNTIL(atomic_load(&w.step) > 3);
    ml_loop_pause(true);
    long long at = standing(&w);
    cr_assert(at > 0, "one without end can be paused too");
    for (int i = 1; i <= 3; i++) {
        ml_loop_wake();
        WAIT_UNTIL(atomic_load(&looks) == i);
    }
    cr_expect_eq(standing(&w), at, "it looked, and took no step");
    cr_expect_eq(atomic_load(&looks), 3, "once for each word");
    ml_loop_advance();
    ml_loop_wake();
    WAIT_UNTIL(atomic_load(&w.step) == at + 1 && atomic_load(&looks) == 4);
    cr_expect_eq(standing(&w), at + 1, "the step that was allowed is not lost, nor taken twice");
    ml_interrupt_raise();
    join(&w);
}

Test(loop, the_end_is_never_held_up)
{
    worker w;
    start(&w, 3);
    WAIT_UNTIL(atomic_load(&w.ended) || ml_loop_pause(true));
    while (!atomic_load(&w.ended)) {
        ml_loop_advance();
        usleep(5000);
    }
    join(&w);
    cr_expect_eq(atomic_load(&w.step), 3);
    start(&w, 20);
    join(&w);
    cr_expect_eq(w.waited, 0, "the next loop is not paused, and nothing waits");
}

Test(loop, a_loop_inside_another_is_not_what_is_seen)
{
    int outer = 0, inner = 0;
    ml_loop_begin(&outer, 10);
    cr_expect_eq(ml_loop_step(&outer, 4), 0);
    ml_loop_begin(&inner, 1000);
    ml_loop_step(&inner, 500);
    cr_expect(ml_loop_look().step == 4 && ml_loop_look().total == 10);
    ml_loop_end(&inner);
    cr_expect(ml_loop_look().running);
    ml_loop_end(&outer);
    cr_expect_not(ml_loop_look().running);
}

Test(loop, in_words)
{
    int             me = 0;
    char            text[160], small[8];
    ml_loop_watcher watcher = { 0 };
    ml_loop_begin(&me, 1000);
    ml_loop_watch(&watcher, text, sizeof text);
    cr_expect(strstr(text, "step 0 of 1000") == text && !strstr(text, "left"), "no rate yet: %s", text);
    double began = ml_clock();
    for (int i = 1; i <= 10; i++) {
        usleep(20000);
        ml_loop_step(&me, i * 20);
        ml_loop_watch(&watcher, text, sizeof text);
    }
    double rate = 200 / (ml_clock() - began), told = 0;
    cr_assert(strstr(text, "it/s") && strstr(text, " left"), "%s", text);
    cr_assert(sscanf(text, "step 200 of 1000 %lf", &told) == 1, "%s", text);
    cr_expect(told > 0.9 * rate && told < 1.1 * rate, "%s, not %g", text, rate);
    ml_loop_pause(true);
    ml_loop_watch(&watcher, text, sizeof text);
    cr_expect(strstr(text, "paused at step 200") == text, "%s", text);
    usleep(300000);
    ml_loop_watch(&watcher, text, sizeof text);
    cr_assert(sscanf(strstr(text, "of 1000"), "of 1000 %lf", &told) == 1, "%s", text);
    cr_expect(told > 0.9 * rate, "a pause does not slow it: %s", text);
    ml_loop_watch(&watcher, small, sizeof small);
    cr_expect_str_eq(small, "paused ");
    ml_loop_end(&me);
    ml_loop_watch(&watcher, text, sizeof text);
    cr_expect(strstr(text, "ended"), "%s", text);
}

Test(loop, tells_what_its_script_failed_with_until_the_next_one)
{
    int             me = 0;
    char            text[160];
    ml_loop_watcher watcher = { 0 };
    ml_loop_begin(&me, 1000);
    ml_loop_end(&me);
    ml_loop_failed("s.lua:3: matmul: inner sizes differ\nstack");
    ml_loop_watch(&watcher, text, sizeof text);
    cr_expect_str_eq(text, ML_LOOP_FAILED "s.lua:3: matmul: inner sizes differ stack");
    ml_loop_failed("something later");
    ml_loop_watch(&watcher, text, 12);
    cr_expect_str_eq(text, "error: s.lu", "the first one, and no more than there is room for");
    ml_loop_begin(&me, 1000);
    ml_loop_watch(&watcher, text, sizeof text);
    cr_expect(strstr(text, "step 0") == text, "%s", text);
    ml_loop_end(&me);
}
