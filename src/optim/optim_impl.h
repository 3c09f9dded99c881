/* The inside of an optimizer. What differs between them is a kind: its options, how to prepare a parameter's step, and the
 * kernel that makes it. make.c checks and builds, optim.c steps, rates.c and state.c are what a script looks at. */
#ifndef MOONLAB_OPTIM_IMPL_H
#define MOONLAB_OPTIM_IMPL_H

#include "moonlab/optim.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>

#define MLI_MAX_STATE 3 /* arrays of state a parameter has at most */
#define MLI_MAX_OWN   5 /* tensors of the optimizer itself */

typedef union mli_rule {
    mlk_sgd     sgd;
    mlk_adam    adam;
    mlk_rmsprop rmsprop;
    mlk_adagrad adagrad;
    mlk_lion    lion;
    mlk_muon    muon;
} mli_rule;

/* A rate: one number for all, or inside vmap one for each copy of the parameters. */
typedef struct mli_rate {
    double     all;
    ml_tensor *each;  /* f64 (copies), contiguous; NULL: one for all */
    double     times; /* the numbers of each count so often */
    int64_t    level;
} mli_rate;

typedef struct mli_optim_kind mli_optim_kind;

/* Parameters with options of their own. ratio: to what the whole optimizer has; its rate changes by it. 0: has its own. */
typedef struct mli_group {
    const mli_optim_kind *kind;
    mli_rate rate[ML_RATE_COUNT];
    double   ratio[ML_RATE_COUNT];
    _Alignas(double) unsigned char opts[ML_OPTIM_OPTS_BYTES];
} mli_group;

/* One parameter: its state, and during a step what the kernel needs. */
typedef struct mli_slot {
    ml_tensor  *w;         /* inside vmap: all copies of the parameter, one after the other */
    int         group;
    int         lead;      /* dimensions of copies, before those of the parameter */
    int64_t     level;     /* of the vmap whose copies they are; 0: none */
    int64_t     copies;    /* 1 outside vmap */
    ml_tensor  *state[MLI_MAX_STATE]; /* NULL: not with these options */
    int64_t     start, n;  /* its place among all elements laid end to end (see optim.c), its elements */
    int64_t     steps;     /* that it took part in */
    double      correction; /* Adam: 1 - beta1^t of this step; Adagrad, Muon: what lr is divided by, or counts */
    bool        decoupled;   /* weight decay: of kinds that have a choice */
    ml_tensor  *grad;      /* this step's gradient, in its scope; NULL: it sits out */
    const void *g;         /* its values */
    const void *u;         /* where the kind has a direction: it */
    void       *data[1 + MLI_MAX_STATE]; /* the values of w, then of the state */
    mli_rule    rule;
} mli_slot;

typedef struct mli_closure { /* the loss, computed anew where the parameters are */
    ml_loss_fn loss;
    void      *ctx;
} mli_closure;

struct mli_optim_kind {
    ml_optim_info info;
    const char   *state_names[MLI_MAX_STATE];
    bool (*check)(const void *opts);                      /* what the ranges of single options cannot say; NULL: nothing */
    bool (*uses)(const void *opts, int k);                /* state k? NULL: all that have names */
    double (*initial)(const void *opts);                  /* what state begins with; NULL: 0 */
    /* For a kind whose step is not element by element: finds s->u from s->g, in the scope, before anything is written. */
    bool (*direction)(const void *opts, mli_slot *s, ml_tensor *grad);
    void (*prepare)(const void *opts, mli_slot *s);       /* fills s->rule for step number s->steps + 1, but for the rates */
    void (*rates)(const mli_slot *s, double lr, double weight_decay, mli_rule *rule);   /* fills those in */
    void (*run)(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n);     /* steps n elements of s */
    /* A kind that computes the loss itself has these instead. False: parameters and state are as before, or forgotten. */
    const char *own_names[MLI_MAX_OWN];
    bool (*make_own)(ml_optim *opt);
    bool (*minimize)(ml_optim *opt, const mli_closure *f, double *value);
};

struct ml_optim {
    const mli_optim_kind *kind;
    atomic_int refs;
    int        n;        /* parameters */
    int        n_slots;  /* room for them: more than n where some were listed twice */
    int        n_groups, room; /* groups; room for them */
    int64_t    total;    /* elements of all, laid end to end */
    int64_t    steps;
    double     factor;    /* of all rates of learning: a schedule's */
    double     clip_norm, clip_value; /* INFINITY: as they are */
    double     sam_radius; /* 0: none */
    bool       sam_adaptive;
    ml_tensor *own[MLI_MAX_OWN];
    mli_rate   rate[ML_RATE_COUNT]; /* what groups have that were given none of their own */
    mli_group *groups;
    mli_slot  *slots;
};

extern const mli_optim_kind mli_sgd, mli_adam, mli_adamw, mli_rmsprop, mli_adagrad, mli_lion, mli_muon, mli_lbfgs, mli_flow;

const mli_optim_kind *mli_optim_kind_find(const char *name); /* NULL with a message that names the nearest */

bool mli_own(ml_optim *opt, int k, ml_shape shape); /* zeros of f64 as own tensor k */
bool mli_loss_backward(ml_optim *opt, const mli_closure *f, double *value); /* zero_grad, backward */
bool mli_sam_ascend(ml_optim *opt, const mli_closure *f, double *value); /* leaves the gradients that SAM steps with */

/* A gradient, its first `lead` dimensions those of copies at a level of vmap. norm.c */
typedef struct mli_gradient {
    ml_tensor *value, *of;
    int        lead;
    int64_t    level;
} mli_gradient;
ml_tensor *mli_gradient_norm(const char *where, const mli_gradient *g, int n); /* f64 (copies) or () */
bool       mli_gradient_scale(mli_gradient *g, int n, ml_tensor *factor);      /* factor (copies) or () */
ml_tensor *mli_clip_factor(ml_tensor *norm, double most);
mli_gradient *mli_gradients(ml_optim *opt, int *n); /* of those slots that have one; NULL with a message */

/* The rates as options: those of a kind that has none are 0. */
static const char *const mli_rate_names[ML_RATE_COUNT] = { "lr", "weight_decay" };
const ml_optim_option *mli_option_find(const mli_optim_kind *kind, const char *name); /* NULL: it has none, no message */

/* Is value in the option's range? False with a message. */
bool mli_option_check(const char *kind, const ml_optim_option *o, double value);

#define MLI_OPTION(type, field, kind_, ...) { .name = #field, .kind = kind_, .offset = offsetof(type, field), __VA_ARGS__ }
#define MLI_NOT_NEGATIVE .low = 0, .high = INFINITY
#define MLI_BELOW_ONE    .low = 0, .high = 1, .open_high = true /* [0, 1) */

/* Calls mlk()->name_f32 or _f64 with the arrays of s, from element `first` on: w, g, then those listed. */
#define MLI_AT(T, k)  (s->data[k] ? (T *)s->data[k] + first : NULL)
#define MLI_RUN(name, rule, ...)                                                                                            \
    do {                                                                                                                    \
        if (ml_tensor_dtype(s->w) == ML_F32) mlk()->name##_f32(n, rule, MLI_AT(float, 0), (const float *)s->g + first, __VA_ARGS__(float)); \
        else mlk()->name##_f64(n, rule, MLI_AT(double, 0), (const double *)s->g + first, __VA_ARGS__(double));              \
    } while (0)

#endif
