/* The inside of an optimizer. What differs between them is a kind: how to prepare a parameter's step, and the kernel that
 * makes it. optim.c does the rest for all. */
#ifndef MOONLAB_OPTIM_IMPL_H
#define MOONLAB_OPTIM_IMPL_H

#include "moonlab/optim.h"
#include "kernels/kernels.h"

#include <stdatomic.h>

#define MLI_MAX_STATE 2 /* arrays of state a parameter has at most */

typedef union mli_rule {
    mlk_sgd  sgd;
    mlk_adam adam;
} mli_rule;

/* One parameter: its state, and during a step what the kernel needs. */
typedef struct mli_slot {
    ml_tensor  *w;         /* inside vmap: all copies of the parameter, one after the other */
    int64_t     level;     /* of the vmap whose copies they are; 0: none */
    int64_t     copies;    /* 1 outside vmap */
    ml_tensor  *state[MLI_MAX_STATE];
    int64_t     start, n;  /* its place among all elements laid end to end (see optim.c), its elements */
    int64_t     steps;     /* that it took part in */
    double      correction; /* Adam: 1 - beta1^t of this step */
    const void *g;         /* this step's gradient; NULL: it sits out */
    void       *data[1 + MLI_MAX_STATE]; /* the values of w, then of the state */
    mli_rule    rule;
} mli_slot;

/* A rate: one number for all, or inside vmap one for each copy of the parameters. */
typedef struct mli_rate {
    double     all;
    ml_tensor *each; /* f64 (copies), contiguous; NULL: one for all */
    int64_t    level;
} mli_rate;

typedef struct mli_optim_kind {
    const char *name;
    const char *state_names[MLI_MAX_STATE];
    void (*prepare)(const ml_optim *opt, mli_slot *s);          /* fills s->rule for step number s->steps + 1, but for the rates */
    void (*rates)(const ml_optim *opt, const mli_slot *s, double lr, double weight_decay, mli_rule *rule); /* fills those in */
    void (*run)(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n); /* steps n elements of s */
} mli_optim_kind;

struct ml_optim {
    const mli_optim_kind *kind;
    atomic_int refs;
    int        n_state; /* arrays of state a parameter */
    int        n;       /* parameters */
    int        n_slots; /* room for them: more than n where some were listed twice */
    int64_t    total;   /* elements of all, laid end to end */
    int64_t    steps;
    mli_rate   lr, weight_decay;
    double     momentum;       /* SGD */
    bool       nesterov;
    double     betas[2], eps;  /* Adam, AdamW */
    mli_slot  *slots;
};

/* An optimizer with the kind, options and n_state of proto; checks the parameters and what every kind has. */
ml_optim *mli_optim_new(const ml_optim *proto, ml_tensor *const *params, int n);

#endif
