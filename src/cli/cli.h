/* The moonlab program: one function a command, and what the commands share. */
#ifndef MOONLAB_CLI_H
#define MOONLAB_CLI_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum exit_code { DONE = 0, FAILED = 1, USAGE = 2, CHECK_FAILED = 3, INTERRUPTED = 130 } exit_code;

/* --- commands: argv[0] is the command's name; they return the exit code ------------------------------------ */
int command_run(int argc, char **argv);
int command_script(int argc, char **argv); /* the script of cli_scripts that has the command's name */
int command_repl(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_export(int argc, char **argv);
int command_view(int argc, char **argv);

/* Says what is wrong with the command line, and where help is; returns USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- Lua: script.c ------------------------------------------------------------------------------------------- */
/* A state with the standard libraries and moonlab ready for require; NULL when there is no memory for it. */
lua_State *script_state(void);
/* Pushes the table that moonlab.run and the program share (lua/moonlab/session.lua). */
void script_session(lua_State *L);
/* Calls the function below n_args arguments. Ctrl-C raises an error in it. Returns false with the error's text on the
 * stack: the message, and the lines that called it where that says more. */
#define SCRIPT_INTERRUPTED "interrupted" /* the message when Ctrl-C is the reason; moonlab.run raises it too */
bool script_call(lua_State *L, int n_args, int n_results);
bool script_interrupted(void); /* the last call was ended by Ctrl-C */
/* Ends all runs that the script started: done, failed (failure not NULL) or interrupted. Returns the exit code. */
int script_finish(lua_State *L, const char *failure, bool interrupted);

/* --- run --watch: run_watched.c ---------------------------------------------------------------------------------- */
typedef struct watched_run { /* what a child is given */
    int         files; /* takes the path of each file that the script reads, a line each */
    const char *state; /* path of what one child keeps for the next */
} watched_run;
typedef int run_script(void *context, const watched_run *watched); /* returns the exit code */
int run_watched(const char *path, run_script *script, void *context, bool quiet); /* the code of the last child */

/* --- one line of input: prompt.c -------------------------------------------------------------------------------- */
typedef enum prompt_event { PROMPT_LINE, PROMPT_CANCELLED, PROMPT_END } prompt_event;
typedef struct prompt prompt;
prompt *prompt_open(lua_State *L); /* line editing on a terminal, plain reading elsewhere */
prompt_event prompt_read(prompt *p, const char *label, const char **line); /* without newline; good until the next call */
void prompt_remember(prompt *p, const char *text); /* into the history */
bool prompt_is_terminal(const prompt *p);
void prompt_close(prompt *p); /* also saves the history */

#endif
