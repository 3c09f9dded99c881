/* Where a careful person would set ticks, and what would be written at them. */
#include "figure/ticks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUS "\xE2\x88\x92"
#define TIMES "\xC3\x97"

/* The labels of the major ticks, separated by spaces. */
static const char *labels(const mli_tick *ticks, int n)
{
    static char text[4096];
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (!ticks[i].major) continue;
        if (text[0]) strcat(text, " ");
        strcat(text, ticks[i].label);
    }
    return text;
}

static void expect_linear(double low, double high, int most, double least, const char *expected)
{
    mli_tick    ticks[MLI_MAX_TICKS];
    int         n    = mli_ticks_linear(low, high, most, least, ticks);
    const char *text = labels(ticks, n);
    cr_expect_str_eq(text, expected, "linear %g..%g, %d: '%s', not '%s'", low, high, most, text, expected);
    for (int i = 0; i < n; i++) {
        double slack = 1e-6 * (high - low);
        cr_expect(ticks[i].at >= low - slack && ticks[i].at <= high + slack, "tick %g is outside %g..%g",
                  ticks[i].at, low, high);
        cr_expect(i == 0 || ticks[i].at > ticks[i - 1].at, "ticks rise");
    }
}

static void expect_log(double low, double high, int most, const char *expected)
{
    mli_tick    ticks[MLI_MAX_TICKS];
    int         n    = mli_ticks_log(low, high, most, ticks);
    const char *text = labels(ticks, n);
    cr_expect_str_eq(text, expected, "log %g..%g, %d: '%s', not '%s'", low, high, most, text, expected);
}

static void expect_symlog(double low, double high, double knee, int most, const char *expected)
{
    mli_tick    ticks[MLI_MAX_TICKS];
    int         n    = mli_ticks_symlog(low, high, knee, most, ticks);
    const char *text = labels(ticks, n);
    cr_expect_str_eq(text, expected, "symlog %g..%g, %g, %d: '%s', not '%s'", low, high, knee, most, text, expected);
    for (int i = 1; i < n; i++) cr_expect(ticks[i].at > ticks[i - 1].at, "ticks rise");
}

Test(ticks, symlog_has_zero_and_powers_of_ten_on_both_sides)
{
    expect_symlog(-100, 100, 1, 8, MINUS "100 " MINUS "10 " MINUS "1 0 1 10 100");
    expect_symlog(-100, 100, 1, 4, MINUS "100 " MINUS "1 0 1 100");
    expect_symlog(0, 1, 1e-6, 3, "0 10\xE2\x81\xBB\xE2\x81\xB5 10\xE2\x81\xB0");
    expect_symlog(-2500, 2500, 1, 3, MINUS "1000 0 1000"); /* not 1 alone, close to zero on both sides */
    expect_symlog(-2500, 2500, 1e-3, 3, MINUS "1000 0 1000");
    expect_symlog(-5, 0, 0.1, 6, MINUS "1 " MINUS "0.1 0");
    expect_symlog(-0.5, 0.5, 1, 5, MINUS "0.4 " MINUS "0.2 0 0.2 0.4");
}

Test(ticks, steps_are_one_two_or_five_times_a_power_of_ten)
{
    expect_linear(0, 1, 5, 0, "0 0.2 0.4 0.6 0.8 1.0");
    expect_linear(0, 1, 10, 0, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0");
    expect_linear(0, 1, 2, 0, "0 0.5 1.0");
    expect_linear(-1, 1, 4, 0, MINUS "1.0 " MINUS "0.5 0 0.5 1.0");
    expect_linear(35, 82, 5, 0, "40 50 60 70 80");
    expect_linear(0.13, 0.32, 4, 0, "0.15 0.20 0.25 0.30");
}

Test(ticks, large_numbers_are_short)
{
    expect_linear(0, 10000, 5, 0, "0 2k 4k 6k 8k 10k");
    expect_linear(0, 2000, 4, 0, "0 500 1000 1500 2000");
    expect_linear(9000, 11000, 4, 0, "9.0k 9.5k 10.0k 10.5k 11.0k");
    expect_linear(0, 3e6, 3, 0, "0 1M 2M 3M");
    expect_linear(0, 2e9, 2, 0, "0 10\xE2\x81\xB9 2" TIMES "10\xE2\x81\xB9");
}

Test(ticks, small_numbers_have_powers)
{
    expect_linear(0, 4e-4, 2, 0,
                  "0 2" TIMES "10\xE2\x81\xBB\xE2\x81\xB4 4" TIMES "10\xE2\x81\xBB\xE2\x81\xB4");
    expect_linear(0, 0.004, 2, 0, "0 0.002 0.004");
}

Test(ticks, tick_values_are_exact)
{
    mli_tick ticks[MLI_MAX_TICKS];
    int      n = mli_ticks_linear(0, 1, 10, 0, ticks);
    cr_assert_eq(n, 11);
    cr_expect(ticks[0].at == 0 && ticks[3].at == 0.3 && ticks[7].at == 0.7 && ticks[10].at == 1.0);
    n = mli_ticks_linear(-0.3, 0.3, 6, 0, ticks);
    cr_assert_eq(n, 7);
    cr_expect(ticks[3].at == 0 && strcmp(ticks[3].label, "0") == 0);
}

Test(ticks, ends_that_miss_by_rounding_are_kept)
{
    expect_linear(0.1 + 0.2, 0.9, 3, 0, "0.4 0.6 0.8");
    expect_linear(0, 0.1 + 0.2, 3, 0, "0 0.1 0.2 0.3");
    expect_linear(0, 0.3 - 1e-12, 3, 0, "0 0.1 0.2 0.3");
}

Test(ticks, indices_have_no_fractions)
{
    expect_linear(0.5, 3.5, 10, 1, "1 2 3");
    expect_linear(0.5, 1.5, 5, 1, "1");
    expect_linear(0.5, 128.5, 6, 1, "20 40 60 80 100 120");
}

Test(ticks, decades_on_a_log_axis)
{
    expect_log(1, 10000, 6, "1 10 100 1k 10k");
    expect_log(10, 1000, 3, "10 100 1000");
    expect_log(0.01, 100, 6, "0.01 0.1 1 10 100");
    expect_log(1e-6, 1, 7,
               "10\xE2\x81\xBB\xE2\x81\xB6 10\xE2\x81\xBB\xE2\x81\xB5 10\xE2\x81\xBB\xE2\x81\xB4 "
               "10\xE2\x81\xBB\xC2\xB3 "
               "10\xE2\x81\xBB\xC2\xB2 10\xE2\x81\xBB\xC2\xB9 10\xE2\x81\xB0");
}

Test(ticks, many_decades_leave_some_out)
{
    mli_tick ticks[MLI_MAX_TICKS];
    int      n = mli_ticks_log(1e-30, 1, 5, ticks), majors = 0;
    for (int i = 0; i < n; i++) majors += ticks[i].major;
    cr_expect_eq(n, 31, "every decade has at least a minor tick, got %d", n);
    cr_expect_eq(majors, 4, "every tenth is labelled, got %d", majors);
    n = mli_ticks_log(1e-300, 1e300, 5, ticks);
    cr_expect(ticks[0].at < 1e-150 && ticks[n - 1].at > 1e150, "all of a huge range is marked, from end to end");
    n = mli_ticks_log(1e-9, 1.1e9, 12, ticks);
    cr_expect(ticks[0].at <= 1e-9 && ticks[n - 1].at >= 1e9, "with all minor ticks, too");
}

Test(ticks, few_decades_get_one_two_five)
{
    expect_log(1, 100, 8, "1 2 5 10 20 50 100");
    expect_log(0.9, 12, 5, "1 2 5 10");
}

Test(ticks, less_than_a_decade_is_marked_evenly)
{
    expect_log(2.1, 2.9, 4, "2.2 2.4 2.6 2.8");
    expect_log(300, 700, 4, "300 400 500 600 700");
}

Test(ticks, minor_ticks_have_no_label)
{
    mli_tick ticks[MLI_MAX_TICKS];
    int      n = mli_ticks_log(1, 1000, 3, ticks), minors = 0;
    for (int i = 0; i < n; i++) {
        minors += !ticks[i].major;
        cr_expect(ticks[i].major == (ticks[i].label[0] != '\0'), "%g", ticks[i].at);
    }
    cr_expect_eq(minors, 3 * 8, "2..9 in each of three decades, got %d", minors);
}

Test(ticks, any_range_gives_a_bounded_number_of_sorted_ticks)
{
    static const double ends[] = { 1e-290, 3.3e-100, 1e-9, 0.7, 1, 17, 1e5, 6e12, 1e150, 1e300 };
    enum { N = sizeof ends / sizeof *ends };
    mli_tick ticks[MLI_MAX_TICKS];
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            for (int most = 1; most <= 12; most++) {
                int n = mli_ticks_linear(ends[i], ends[j], most, 0, ticks);
                cr_expect(n >= 0 && n <= 2 * most + 2, "linear %g..%g: %d ticks for %d", ends[i], ends[j], n,
                          most);
                n = mli_ticks_log(ends[i], ends[j], most, ticks);
                cr_expect(n >= 1 && n <= MLI_MAX_TICKS, "log %g..%g: %d", ends[i], ends[j], n);
                for (int k = 1; k < n; k++) cr_expect(ticks[k].at > ticks[k - 1].at);
            }
}
