/* Making activations: operations of the table with the options that they take, and a few layers more. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

static int new_activation(lua_State *L) /* LeakyReLU(0.2), LeakyReLU{ slope = 0.2 }; upvalues: the operation, the name of the layer */
{
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    ml_op_id    op    = (ml_op_id)lua_tointeger(L, lua_upvalueindex(1));
    const char *where = lua_tostring(L, lua_upvalueindex(2));
    if (!ml_op_info_at((int)op)->opts_bytes) lml_check_no_arguments(L, where);
    lml_op_options(L, (int)op, where, 1, opts);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_activation_with(op, opts));
}

static int new_selu(lua_State *L)
{
    lml_check_no_arguments(L, "SELU");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_selu());
}

static int new_sine(lua_State *L) /* Sine(w0 = 30) */
{
    double   w0   = lua_isnoneornil(L, 1) ? 30 : lml_check_number(L, 1, "Sine", "w0");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_sine(w0));
}

static int new_maxout(lua_State *L) /* Maxout(pieces, { dim = -1 }) */
{
    static const char *const known[] = { "dim" };
    int64_t pieces = lml_check_integer(L, 1, "Maxout", "the number of pieces"), dim = -1;
    lml_check_options(L, 2, "Maxout", known, 1);
    lml_option_integer(L, 2, "Maxout", "dim", &dim);
    if (dim == 0 || dim > ML_MAX_DIMS || dim < -ML_MAX_DIMS) lml_raise(L, "Maxout: dim counts from 1, or from -1 at the end; got %d", (int)dim);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_maxout(pieces, (int)(dim > 0 ? dim - 1 : dim)));
}

const luaL_Reg lml_more_activations[] = { { "SELU", new_selu }, { "Sine", new_sine }, { "Maxout", new_maxout }, { NULL, NULL } };

static const ml_op_id activations[] = {
    ML_OP_relu, ML_OP_leaky_relu, ML_OP_elu, ML_OP_gelu, ML_OP_silu, ML_OP_mish, ML_OP_softplus, ML_OP_softsign, ML_OP_tanh, ML_OP_sigmoid,
    ML_OP_log_sigmoid, ML_OP_softmax, ML_OP_log_softmax, ML_OP_clamp, ML_OP_sin, ML_OP_cos, ML_OP_erf, ML_OP_exp, ML_OP_abs, ML_OP_square,
};

void lml_add_activations(lua_State *L)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) { /* named as the layer names itself */
        ml_module *m = ml_nn_activation_with(activations[i], NULL);
        if (!m) lml_error(L);
        char kind[64];
        snprintf(kind, sizeof kind, "%s", ml_module_kind(m));
        ml_module_release(m);
        lua_pushinteger(L, activations[i]);
        lua_pushstring(L, kind);
        lua_pushcclosure(L, new_activation, 2);
        lua_setfield(L, -2, kind);
    }
}
