/* Two spirals: moonlab as a C library, without Lua.
 *
 * Two arms of points wind around each other, and no straight line tells them apart. A network of two hidden layers bends
 * the plane until one does. The program prints how it learns, then draws what it has learned: every spot of the plane
 * with the arm that it would be given to. It returns 0 when new points, never seen in training, are told apart too.
 *
 *     ./dev build && build/release/examples/c/spirals
 *
 * Things to try: one hidden layer instead of two; ML_OP_relu for ML_OP_tanh; 100 points; noise of 0.1.
 */
#include "moonlab/moonlab.h"

#include <math.h>
#include <stdio.h>

/* n points, on the two arms in turn: x (n, 2), in -1..1, and y (n), 0 or 1. All random numbers are a function of the seed. */
static ml_dataset spirals(int64_t n, double noise, uint64_t seed)
{
    ml_dataset   set   = { ml_empty(ML_SHAPE(n, 2), ML_F32), ml_empty(ML_SHAPE(n), ML_I64) };
    float       *x     = ml_tensor_mutable_data(set.x);
    int64_t     *y     = ml_tensor_mutable_data(set.y);
    const float *along = ml_tensor_data(ml_rand(ML_SHAPE(n), ML_F32, ml_key_of(seed, 1)));
    const float *off   = ml_tensor_data(ml_randn(ML_SHAPE(n, 2), ML_F32, ml_key_of(seed, 2)));
    if (!x || !y || !along || !off) return (ml_dataset){ NULL, NULL };
    for (int64_t i = 0; i < n; i++) {
        double radius = sqrt((double)along[i]); /* the root: as many points on the long outer turns as they have room for */
        double angle  = 3 * acos(-1) * radius + (i % 2 ? acos(-1) : 0);
        x[2 * i]      = (float)(radius * cos(angle) + noise * (double)off[2 * i]);
        x[2 * i + 1]  = (float)(radius * sin(angle) + noise * (double)off[2 * i + 1]);
        y[i]          = i % 2;
    }
    return set;
}

/* The share of points that are given to their own arm. */
static double accuracy(ml_module *net, ml_dataset set)
{
    ml_scope   scope = ml_scope_begin();
    bool       was   = ml_set_recording(false); /* no derivative is wanted here */
    ml_tensor *guess = ml_argmax(ml_module_forward(net, set.x), NULL);
    double     share = ml_item(ml_mean(ml_eq(guess, set.y), NULL));
    ml_set_recording(was);
    ml_scope_end(&scope);
    return share;
}

/* Gives every spot of the plane to an arm. */
static void draw(ml_module *net)
{
    enum { ROWS = 25, COLUMNS = 60 };
    static float plane[ROWS * COLUMNS][2];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        plane[i][0] = (float)(2.4 * (i % COLUMNS + 0.5) / COLUMNS - 1.2);
        plane[i][1] = (float)(1.2 - 2.4 * (i / COLUMNS + 0.5) / ROWS);
    }
    ml_scope       scope = ml_scope_begin();
    bool           was   = ml_set_recording(false);
    ml_tensor     *x     = ml_from(ML_SHAPE(ROWS * COLUMNS, 2), ML_F32, plane);
    const int64_t *arm   = ml_tensor_data(ml_argmax(ml_module_forward(net, x), NULL));
    for (int i = 0; arm && i < ROWS * COLUMNS; i++) {
        putchar(arm[i] ? '#' : '.');
        if (i % COLUMNS == COLUMNS - 1) putchar('\n');
    }
    ml_set_recording(was);
    ml_scope_end(&scope);
}

int main(void)
{
    ml_seed(1); /* settles the weights that the layers start from */
    ml_scope   scope = ml_scope_begin();
    ml_dataset train = spirals(400, 0.03, 1), test = spirals(1000, 0.03, 2);
    ml_module *net   = ml_nn_sequential((ml_module *[]){
        ml_nn_linear(2, 64, NULL), ml_nn_activation(ML_OP_tanh),
        ml_nn_linear(64, 64, NULL), ml_nn_activation(ML_OP_tanh),
        ml_nn_linear(64, 2, NULL),
    }, 5);
    ml_adam_opts opts = ml_adam_defaults();
    opts.lr           = 1e-2;
    ml_optim *opt     = ml_adam(ml_module_parameters(net), ml_module_n_parameters(net), &opts);

    printf(" step     loss  accuracy  on new points\n");
    for (int step = 0; step <= 500; step++) {
        ml_scope   each = ml_scope_begin(); /* what a step computes is gone after it */
        ml_tensor *loss = ml_cross_entropy(ml_module_forward(net, train.x), train.y, NULL);
        if (step % 100 == 0)
            printf("%5d %8.4f %8.1f%% %13.1f%%\n", step, ml_item(loss), 100 * accuracy(net, train), 100 * accuracy(net, test));
        bool ok = ml_optim_minimize(opt, loss);
        ml_scope_end(&each);
        if (!ok) break;
    }
    double result = accuracy(net, test);
    draw(net);

    /* A function that is given NULL gives NULL and keeps the first message, so one look at the end is enough. */
    if (ml_failed()) fprintf(stderr, "spirals: %s\n", ml_error_message());
    else printf("%.1f%% of the new points are told apart; 98%% make a success.\n", 100 * result);
    ml_optim_release(opt);
    ml_module_release(net);
    ml_scope_end(&scope);
    return result >= 0.98 ? 0 : 1;
}
