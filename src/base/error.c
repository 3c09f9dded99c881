/* One message a thread. The deepest failure writes it; callers that see NULL pass NULL on and write nothing. */
#include "moonlab/base.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[2048];
static _Thread_local bool pending;

void *ml_fail(const char *format, ...)
{
    /* An argument may be the old message itself (a caller that adds context), hence the second buffer. */
    char    text[sizeof message];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0) text[0] = '\0';
    snprintf(message, sizeof message, "%s", text);
    pending = true;
    return NULL;
}

bool ml_failed(void)
{
    return pending;
}

const char *ml_error_message(void)
{
    return pending ? message : "";
}

static _Thread_local struct {
    const char *(*site)(void *);
    void *ctx;
} hook;

void ml_set_site_hook(const char *(*site)(void *ctx), void *ctx)
{
    hook.site = site;
    hook.ctx  = ctx;
}

const char *ml_site(void)
{
    return hook.site ? hook.site(hook.ctx) : NULL;
}

void ml_error_clear(void)
{
    pending    = false;
    message[0] = '\0';
}
