/* Scopes: one stack of tensors a thread; a scope is a mark in it. What is above the mark goes when it ends. */
#include "tensor/tensor_impl.h"

static _Thread_local struct {
    ml_tensor **items;
    size_t      used, capacity;
} stack;

ml_scope ml_scope_begin(void)
{
    return (ml_scope){ stack.used };
}

void ml_scope_end(ml_scope *scope)
{
    while (stack.used > scope->mark) ml_release(stack.items[--stack.used]);
    if (stack.used == 0 && stack.capacity > 4096) { /* one huge scope should not hold its list for ever */
        ml_realloc(stack.items, stack.capacity * sizeof *stack.items, 0);
        stack.items    = NULL;
        stack.capacity = 0;
    }
}

bool mli_scope_adopt(ml_tensor *t)
{
    if (stack.used == stack.capacity) {
        size_t      capacity = stack.capacity ? 2 * stack.capacity : 256;
        ml_tensor **items    = ml_realloc(stack.items, stack.capacity * sizeof *items, capacity * sizeof *items);
        if (!items) return false;
        stack.items    = items;
        stack.capacity = capacity;
    }
    stack.items[stack.used++] = t;
    return true;
}

ml_tensor *ml_scope_return(ml_scope *scope, ml_tensor *result)
{
    ml_retain(result);
    ml_scope_end(scope);
    if (!result) return NULL;
    if (mli_scope_adopt(result)) return result;
    ml_release(result);
    return NULL;
}
