/* How tensors print: every expectation is the literal text. */
#include "support.h"
#include "tensor/tensor_impl.h"

#include <math.h>
#include <stdio.h>

static void expect_text(const ml_tensor *t, const char *wanted)
{
    cr_assert_not_null(t, "%s", ml_error_message());
    size_t before = ml_memory().live;
    char  *text   = ml_tensor_text(t);
    cr_assert_not_null(text, "%s", ml_error_message());
    cr_expect_str_eq(text, wanted, "printed:\n%s\nwanted:\n%s", text, wanted);
    ml_realloc(text, strlen(text) + 1, 0);
    cr_expect_eq(ml_memory().live, before, "the text is not freed by its length + 1");
}

#define F32(shape, ...) ml_from(shape, ML_F32, (float[]){ __VA_ARGS__ })
#define F64(shape, ...) ml_from(shape, ML_F64, (double[]){ __VA_ARGS__ })
#define I64(shape, ...) ml_from(shape, ML_I64, (int64_t[]){ __VA_ARGS__ })

Test(print, whole_numbers)
{
    expect_text(F32(ML_SHAPE(3), 1, -2, 30), "[ 1., -2., 30.]  f32 (3)");
    expect_text(ml_zeros(ML_SHAPE(2, 3), ML_F64), "[[0., 0., 0.],\n [0., 0., 0.]]  f64 (2, 3)");
    expect_text(F64(ML_SHAPE(2), 123456789, -0.0), "[123456789.,        -0.]  f64 (2)");
}

Test(print, single_numbers)
{
    expect_text(ml_scalar(3.25, ML_F32), "3.25  f32 ()");
    expect_text(ml_scalar(2.302585092994046, ML_F64), "2.3026  f64 ()");
    expect_text(ml_scalar(-7, ML_I64), "-7  i64 ()");
    expect_text(ml_scalar(1, ML_BOOL), "true  bool ()");
    expect_text(ml_ones(ML_SHAPE(1, 1), ML_F32), "[[1.]]  f32 (1, 1)");
}

Test(print, as_many_decimals_as_needed_and_at_most_four)
{
    expect_text(F32(ML_SHAPE(2), 0.5f, 1.25f), "[0.50, 1.25]  f32 (2)");
    expect_text(F32(ML_SHAPE(3), 0.1f, 0.2f, -0.3f), "[ 0.1,  0.2, -0.3]  f32 (3)");
    expect_text(F64(ML_SHAPE(2), 1.0 / 3, -2.0 / 3), "[ 0.3333, -0.6667]  f64 (2)");
    expect_text(F64(ML_SHAPE(2), 0.99999, 0.5), "[1.0, 0.5]  f64 (2)");
}

Test(print, f32_shows_no_digits_of_f64)
{
    expect_text(F32(ML_SHAPE(1), 99999.1f), "[99999.1]  f32 (1)");
    expect_text(F32(ML_SHAPE(2), 99999.1f, 1.0f / 3), "[99999.102,     0.333]  f32 (2)");
    expect_text(F32(ML_SHAPE(1), 16777217.5f), "[16777218.]  f32 (1)");
    expect_text(F32(ML_SHAPE(1), 1e-7f), "[1.0e-07]  f32 (1)");
}

Test(print, large_and_tiny_are_scientific)
{
    expect_text(F64(ML_SHAPE(3), 1e10, 2.5e-7, -3), "[ 1.0e+10,  2.5e-07, -3.0e+00]  f64 (3)");
    expect_text(F64(ML_SHAPE(2), 0.5, 0.00001), "[5.0e-01, 1.0e-05]  f64 (2)");
    expect_text(F64(ML_SHAPE(2), 1e300, 0), "[1.0e+300,  0.0e+00]  f64 (2)");
    expect_text(F64(ML_SHAPE(1), 1234567.8), "[1.2346e+06]  f64 (1)");
    expect_text(F64(ML_SHAPE(1), 5e-324), "[4.9e-324]  f64 (1)");
}

Test(print, nan_and_infinities_are_aligned)
{
    expect_text(F32(ML_SHAPE(4), NAN, INFINITY, -INFINITY, 1), "[ nan,  inf, -inf,   1.]  f32 (4)");
    expect_text(F64(ML_SHAPE(2), NAN, 0.5), "[nan, 0.5]  f64 (2)");
    expect_text(F64(ML_SHAPE(1), -INFINITY), "[-inf]  f64 (1)");
}

Test(print, integers_and_bools)
{
    expect_text(I64(ML_SHAPE(3), -1, 0, 100), "[ -1,   0, 100]  i64 (3)");
    expect_text(I64(ML_SHAPE(2), INT64_MIN, INT64_MAX),
                "[-9223372036854775808,  9223372036854775807]  i64 (2)");
    expect_text(I64(ML_SHAPE(1), 9007199254740993), "[9007199254740993]  i64 (1)");
    expect_text(ml_from(ML_SHAPE(3), ML_U8, (uint8_t[]){ 0, 7, 255 }), "[  0,   7, 255]  u8 (3)");
    expect_text(ml_from(ML_SHAPE(2), ML_BOOL, (uint8_t[]){ 1, 0 }), "[ true, false]  bool (2)");
}

Test(print, matrices_of_a_stack_stand_apart)
{
    expect_text(I64(ML_SHAPE(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8),
                "[[[1, 2],\n"
                "  [3, 4]],\n"
                "\n"
                " [[5, 6],\n"
                "  [7, 8]]]  i64 (2, 2, 2)");
}

Test(print, empty_tensors_are_one_pair_of_brackets)
{
    expect_text(ml_zeros(ML_SHAPE(0), ML_F32), "[]  f32 (0)");
    expect_text(ml_zeros(ML_SHAPE(1000000, 0), ML_F32), "[]  f32 (1000000, 0)");
    expect_text(ml_zeros(ML_SHAPE(0, 3), ML_BOOL), "[]  bool (0, 3)");
    int64_t big = 1000000000000000;
    expect_text(ml_zeros(ML_SHAPE(0, big, 1, 1, 1, 1, 1, 1), ML_U8),
                "[]  u8 (0, 1000000000000000, 1, 1, 1, 1, 1, 1)");
}

Test(print, long_rows_go_on_in_the_next_line)
{
    expect_text(ml_arange(0, 40, 1, ML_I64),
                "[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,\n"
                " 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]  i64 (40)");
    ml_tensor *t      = ml_rand(ML_SHAPE(2, 500), ML_F32, ml_key_of(1, 1));
    char      *text   = ml_tensor_text(t);
    size_t     length = strlen(text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        cr_expect(strlen(line) <= 81 + strlen("  f32 (2, 500)"), "too long: '%s'", line);
    ml_realloc(text, length + 1, 0);
}

Test(print, the_middle_of_a_large_tensor_is_elided)
{
    char *whole = ml_tensor_text(ml_arange(0, 1000, 1, ML_I64));
    cr_expect(!strstr(whole, "...") && strstr(whole, " 500,"), "1000 values are shown whole");
    ml_realloc(whole, strlen(whole) + 1, 0);
    expect_text(ml_arange(0, 1001, 1, ML_I64), "[   0,    1,    2, ...,  998,  999, 1000]  i64 (1001)");
    expect_text(ml_zeros(ML_SHAPE(300, 4), ML_F32),
                "[[0., 0., 0., 0.],\n"
                " [0., 0., 0., 0.],\n"
                " [0., 0., 0., 0.],\n"
                " ...,\n"
                " [0., 0., 0., 0.],\n"
                " [0., 0., 0., 0.],\n"
                " [0., 0., 0., 0.]]  f32 (300, 4)");
    ml_tensor *hidden = ml_zeros(ML_SHAPE(2000), ML_F32);
    ml_tensor_set_at(hidden, (int64_t[]){ 1000 }, 1e20); /* what is not shown does not widen what is */
    expect_text(hidden, "[0., 0., 0., ..., 0., 0., 0.]  f32 (2000)");
}

Test(print, views_print_what_they_show)
{
    ml_tensor *x = I64(ML_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    expect_text(mli_view(x, ML_SHAPE(3, 2), (int64_t[]){ 1, 3 }, 0),
                "[[1, 4],\n [2, 5],\n [3, 6]]  i64 (3, 2)");
    expect_text(mli_view(x, ML_SHAPE(2), (int64_t[]){ 3 }, 2), "[3, 6]  i64 (2)");
    expect_text(mli_view(x, ML_SHAPE(2, 2), (int64_t[]){ 0, 1 }, 4), "[[5, 6],\n [5, 6]]  i64 (2, 2)");
}

Test(print, says_when_a_tensor_is_recorded)
{
    expect_text(ml_requires_grad(ml_ones(ML_SHAPE(2), ML_F32), true), "[1., 1.]  f32 (2) recorded");
}

Test(print, survives_refused_memory)
{
    ml_tensor *t      = ml_zeros(ML_SHAPE(30, 30), ML_F32);
    size_t     before = ml_memory().live;
    for (int n = 1;; n++) {
        ml_error_clear();
        ml_memory_fail_after(n);
        char *text = ml_tensor_text(t);
        ml_memory_fail_after(0);
        if (text) {
            ml_realloc(text, strlen(text) + 1, 0);
            cr_expect(n > 3, "only %d allocations for 900 numbers", n - 1);
            break;
        }
        cr_expect(ml_failed());
        cr_expect_eq(ml_memory().live, before, "refusal %d leaks", n);
    }
    cr_expect_null(ml_tensor_text(NULL));
}
