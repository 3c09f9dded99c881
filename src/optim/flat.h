/* All parameters as one vector of f64; see flat.c. */
#ifndef MOONLAB_OPTIM_FLAT_H
#define MOONLAB_OPTIM_FLAT_H

#include "optim/optim_impl.h"

int64_t mli_flat_size(const ml_optim *opt);
double *mli_flat_new(int64_t n); /* zeros, of the innermost scope; NULL with a message */
void    mli_flat_read(const ml_optim *opt, double *x);
void    mli_flat_write(ml_optim *opt, const double *x);
/* The loss where the parameters are, and its gradient; false with a message. Leaves no gradients behind. */
bool    mli_flat_loss(ml_optim *opt, const mli_closure *f, double *loss, double *g);
double  mli_flat_dot(int64_t n, const double *a, const double *b);
double  mli_flat_largest(int64_t n, const double *a); /* of |a|; NaN when one is */
void    mli_flat_move(int64_t n, const double *x, double t, const double *d, double *to); /* x + t d */

/* A point of the line x + t d: loss, gradient (n), slope along d. */
typedef struct mli_point {
    double  t, loss, slope;
    double *g;
} mli_point;

typedef struct mli_line {
    ml_optim          *opt;
    const mli_closure *f;
    int64_t            n;
    const double      *x, *d;
    double            *at;          /* scratch (n) */
    double             tolerance;   /* of t times the largest element of d */
    int                evaluations, finite; /* losses, and how many of them were numbers */
    double             shortest;    /* t */
} mli_line;

/* Strong Wolfe conditions, from `start` at t = 0 with first step t; *found is where they hold, or the best that there was: its
 * gradient is copied to found->g. spare: room for three more. False: the loss failed. */
bool mli_line_search(mli_line *line, const mli_point *start, double t, mli_point *found, double *const spare[3]);

#endif
