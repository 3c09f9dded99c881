/* A board of knobs: what it takes, what it refuses, turns from another thread. */
#define _DEFAULT_SOURCE
#include "moonlab/figure.h"
#include "moonlab/run.h"
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const ml_knob lr    = { .kind = ML_KNOB_SLIDER, .label = "lr", .from = 1e-4, .to = 1, .log = true, .value = 0.01 };
static const ml_knob width = { .kind = ML_KNOB_SLIDER, .label = "width", .from = 4, .to = 64, .whole = true, .value = 8 };
static const ml_knob shift = { .kind = ML_KNOB_TOGGLE, .label = "shift", .value = 1 };
static const ml_knob act   = { .kind = ML_KNOB_CHOICE, .label = "act", .choices = (const char *[]){ "relu", "tanh", "gelu" }, .n_choices = 3, .value = 1 };
static const ml_knob reset = { .kind = ML_KNOB_BUTTON, .label = "reset" };

static ml_knobs *board_of_five(void)
{
    ml_knobs *k = ml_knobs_new();
    cr_assert(k);
    const ml_knob *const all[] = { &lr, &width, &shift, &act, &reset };
    for (int i = 0; i < 5; i++) cr_assert_eq(ml_knobs_add(k, all[i]), i, "%s", ml_error_message());
    return k;
}

static double shown(const ml_knobs *k, int i)
{
    ml_knob all[ML_KNOBS];
    bool    locked;
    cr_assert(ml_knobs_look(k, all, &locked) > i);
    return all[i].value;
}

static void expect_turn(ml_knobs *k, int knob, double value, bool goes_on)
{
    ml_turn turn = { .knob = -1 };
    cr_assert(ml_knobs_waiting(k) && ml_knobs_take(k, &turn));
    cr_expect(turn.knob == knob && turn.value == value && turn.goes_on == goes_on, "knob %d: %g %d", turn.knob, turn.value, turn.goes_on);
}

Test(knobs, are_what_they_were_added_as)
{
    size_t    before  = ml_memory().live;
    ml_knobs *k       = board_of_five();
    char      label[] = "gone", *text = strdup("also gone");
    cr_assert_eq(ml_knobs_add(k, &(ml_knob){ .kind = ML_KNOB_CHOICE, .label = label, .choices = (const char *[]){ text }, .n_choices = 1 }), 5);
    memset(label, '?', 4);
    memset(text, '?', 4);
    ml_knob all[ML_KNOBS];
    bool    locked = true;
    cr_assert_eq(ml_knobs_look(k, all, &locked), 6);
    cr_expect_not(locked);
    cr_expect(all[0].log && all[0].from == 1e-4 && all[0].value == 0.01 && all[0].start == 0.01);
    cr_expect_str_eq(all[3].choices[2], "gelu");
    cr_expect_str_eq(all[5].label, "gone", "its words are its own");
    cr_expect_str_eq(all[5].choices[0], "also gone");
    free(text);
    cr_expect_not(ml_knobs_waiting(k));
    ml_knobs_release(k);
    cr_expect_eq(ml_memory().live, before);
}

Test(knobs, that_cannot_be_are_refused)
{
    ml_knobs *k = ml_knobs_new();
    char      text[200];
    memset(text, 'x', sizeof text);
    text[199] = '\0';
    const char *const many[ML_KNOB_CHOICES + 1] = { "a" };
    const struct { ml_knob knob; const char *why; } bad[] = {
        { { .kind = ML_KNOB_BUTTON }, "the label has no letters" },
        { { .kind = ML_KNOB_BUTTON, .label = text }, "the label is too long" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = 1, .to = 1 }, "from must be less than to" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = -1e308, .to = 1e308 }, "both finite" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = NAN, .to = 1 }, "both finite" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = 0, .to = 1, .log = true }, "a log scale begins above 0" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = 0, .to = 1, .value = 2 }, "the value 2 is not within 0..1" },
        { { .kind = ML_KNOB_SLIDER, .label = "a", .from = 0, .to = 1, .value = NAN }, "is not within 0..1" },
        { { .kind = ML_KNOB_CHOICE, .label = "a" }, "a choice has 1..32 texts, got 0" },
        { { .kind = ML_KNOB_CHOICE, .label = "a", .choices = many, .n_choices = ML_KNOB_CHOICES + 1 }, "got 33" },
        { { .kind = ML_KNOB_CHOICE, .label = "a", .choices = many, .n_choices = 2 }, "a choice has no letters" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ml_error_clear();
        cr_expect_eq(ml_knobs_add(k, &bad[i].knob), -1, "case %zu", i);
        cr_expect(strstr(ml_error_message(), bad[i].why), "case %zu: %s", i, ml_error_message());
    }
    for (int i = 0; i < ML_KNOBS; i++) cr_assert_eq(ml_knobs_add(k, &reset), i);
    cr_expect_eq(ml_knobs_add(k, &reset), -1);
    cr_expect(strstr(ml_error_message(), "64 knobs at most"));
    cr_expect_not(ml_knobs_set(k, ML_KNOBS, 0));
    ml_knobs_release(k);
    ml_knobs_release(NULL);
    cr_expect(!ml_knobs_waiting(NULL) && ml_knobs_version(NULL) == 0);
}

Test(knobs, turns_come_in_order_and_a_drag_is_one)
{
    ml_knobs *k       = board_of_five();
    ml_turn   turn;
    uint64_t  version = ml_knobs_version(k);
    cr_expect(ml_knobs_turn(k, 0, 0.02, false) && ml_knobs_turn(k, 0, 0.03, true) && ml_knobs_turn(k, 0, 0.04, true));
    cr_expect(ml_knobs_version(k) != version);
    cr_expect_eq(shown(k, 0), 0.04);
    cr_expect(ml_knobs_turn(k, 4, 1, false) && ml_knobs_turn(k, 4, 1, false), "a button pressed twice is pressed twice");
    cr_expect(ml_knobs_turn(k, 0, 0.05, true), "something came between");
    cr_expect(ml_knobs_turn(k, 0, 0.06, false), "another gesture");
    expect_turn(k, 0, 0.04, false);
    expect_turn(k, 4, 1, false);
    expect_turn(k, 4, 1, false);
    expect_turn(k, 0, 0.05, true);
    expect_turn(k, 0, 0.06, false);
    cr_expect(!ml_knobs_waiting(k) && !ml_knobs_take(k, &turn));
    cr_expect(ml_knobs_turn(k, 0, 0.07, true), "what the training has taken goes on");
    expect_turn(k, 0, 0.07, true);

    ml_knobs_turn(k, 0, 7, false), expect_turn(k, 0, 1, false);
    ml_knobs_turn(k, 0, NAN, false), expect_turn(k, 0, 1e-4, false);
    ml_knobs_turn(k, 1, 9.6, false), expect_turn(k, 1, 10, false);
    ml_knobs_turn(k, 2, 0, false), expect_turn(k, 2, 0, false);
    ml_knobs_turn(k, 3, 17, false), expect_turn(k, 3, 2, false);
    cr_expect(!ml_knobs_turn(k, 5, 0, false) && !ml_knobs_turn(k, -1, 0, false) && !ml_knobs_turn(NULL, 0, 0, false));
    cr_expect(ml_knobs_set(k, 1, 20) && shown(k, 1) == 20 && !ml_knobs_waiting(k), "a script's value is shown, not queued");

    ml_knobs_lock(k, true);
    version = ml_knobs_version(k);
    cr_expect_not(ml_knobs_turn(k, 1, 30, false));
    cr_expect(shown(k, 1) == 20 && ml_knobs_version(k) == version);
    ml_knobs_lock(k, true);
    cr_expect_eq(ml_knobs_version(k), version, "nothing to draw");
    ml_knobs_lock(k, false);
    for (int i = 0; i < ML_KNOB_TURNS; i++) cr_assert(ml_knobs_turn(k, 4, 1, false));
    cr_expect_not(ml_knobs_turn(k, 1, 30, false), "so many and no more");
    cr_expect_eq(shown(k, 1), 20);
    for (int i = 0; i < ML_KNOB_TURNS; i++) expect_turn(k, 4, 1, false);
    ml_knobs_release(k);
}

Test(knobs, refused_memory_changes_nothing)
{
    ml_knobs *k      = board_of_five();
    size_t    before = ml_memory().live;
    ml_memory_fail_after(1);
    ml_knobs *none = ml_knobs_new();
    ml_memory_fail_after(1);
    int added = ml_knobs_add(k, &act);
    ml_memory_fail_after(0);
    cr_expect(!none && added == -1);
    cr_expect_eq(ml_memory().live, before);
    cr_expect_eq(ml_knobs_add(k, &act), 5);
    ml_knobs_release(k);
}

/* A hand that turns, and a training that is paused: each turn wakes it, none is lost or out of order. */
static atomic_bool over;

static void *turn_on(void *k)
{
    for (int i = 1; i <= 2000; i++) {
        while (!ml_knobs_turn(k, 1, 4 + i % 60, false)) usleep(100);
        if (i % 200 == 0) usleep(15000);
    }
    atomic_store(&over, true);
    return NULL;
}

Test(knobs, a_paused_training_gets_all_turns, .timeout = 60)
{
    ml_knobs *k = board_of_five();
    int       n = 0, wrong = 0, me = 0;
    pthread_t hand;
    ml_loop_begin(&me, 0);
    ml_loop_pause(true);
    pthread_create(&hand, NULL, turn_on, k);
    while (n < 2000) {
        bool    woken;
        ml_turn turn;
        if (!ml_knobs_waiting(k)) ml_loop_wait(&me, 7, &woken);
        while (ml_knobs_take(k, &turn)) wrong += turn.value != 4 + ++n % 60;
        cr_assert(ml_loop_look().paused);
    }
    pthread_join(hand, NULL);
    ml_loop_end(&me);
    cr_expect_eq(wrong, 0);
    cr_expect_not(ml_knobs_waiting(k));
    ml_knobs_release(k);
}

Test(knobs, a_figure_keeps_its_board)
{
    size_t     before = ml_memory().live;
    ml_figure *fig    = ml_figure_new(1, 1, NULL);
    ml_knobs  *k      = board_of_five();
    ml_figure_set_knobs(fig, k);
    ml_figure_set_knobs(fig, k);
    ml_knobs_release(k);
    cr_expect(ml_knobs_turn(k, 0, 0.5, false), "it is still there");
    ml_figure_set_knobs(fig, NULL);
    ml_figure_set_knobs(NULL, NULL);
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
}
